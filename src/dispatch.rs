//! Plans the sending of an issue, opens its dispatch, and works it off.
//!
//! In: a rendered issue, a list, a ledger, a transport and limits on the pace. Out: a [`Plan`], [`Event`]s
//! while letters leave, and an [`Ended`] that says why the run stopped.
//! Never: decides without a pure function (`RetryPolicy`, `Pace`, `Brake`, `Window`), or keeps the list in memory.
//! It is the only module that joins ledger and transport. [`open()`] is the way in.

mod approval;
mod brake;
mod claim_size;
mod clock;
mod complaints;
mod connections;
mod event;
mod learned;
mod lease;
mod newcomer;
mod open;
mod options;
mod pace;
mod peers;
mod plan;
mod queue;
mod retry;
mod returned;
mod routing;
mod run;
mod scheduled;
mod settings;
mod survey;
mod throttle;
mod wait;
mod window;

pub use approval::{Approval, ApprovalPolicy, NotCovered, RequiredApproval, Uncovered};
pub use brake::{BrakePolicy, Pulled};
pub use clock::Clock;
pub use event::Event;
pub use learned::adopt_relay_limits;
pub use newcomer::add_newcomer;
#[cfg(feature = "cli")]
pub(crate) use open::check_columns;
pub use open::{ColumnsError, OpenError, Opened, Prepared, join::join, open, prepare};
pub use options::{BadRows, Destination, IfEdited, IfKeysChanged, Note, Options, Source};
pub use pace::{DomainPolicy, Limit, PacePolicy};
pub use plan::{Plan, Prediction};
pub use retry::RetryPolicy;
#[cfg(feature = "cli")]
pub use returned::events::Answer;
pub use returned::{Returns, Sender, Settled};
pub use run::{Ended, Interrupt, Route, Run, forget_refusals};
pub use scheduled::{Due, Start, Starter, due, start};
pub use settings::Settings;
pub use survey::Failed;
pub use wait::Wait;
pub use window::{Hours, Window};
