//! Plans the sending of an issue, opens its dispatch, and works it off.
//!
//! In: a rendered issue, a list, a ledger, a transport and limits on the pace. Out: a [`Plan`], [`Event`]s
//! while letters leave, and an [`Ended`] that says why the run stopped.
//! Never: decides without a pure function (`RetryPolicy`, `Pace`, `Brake`, `Window`), or keeps the list in memory.
//! It is the only module that joins ledger and transport. [`open()`] is the way in.

mod brake;
mod claim_size;
mod clock;
mod complaints;
mod connections;
mod lease;
mod open;
mod pace;
mod plan;
mod queue;
mod retry;
mod returned;
mod run;
mod survey;
mod throttle;
mod wait;
mod window;

use brake::Brake;
pub use brake::{BrakePolicy, Pulled};
pub use clock::Clock;
#[cfg(feature = "cli")]
pub(crate) use open::check_columns;
pub use open::{
    BadRows, ColumnsError, Destination, IfEdited, IfKeysChanged, Note, OpenError, Opened, Options, Prepared,
    Source, open, prepare,
};
#[doc(hidden)]
pub use pace::{Ask, Pace};
pub use pace::{DomainPolicy, Limit, PacePolicy};
pub use plan::{Plan, Prediction};
pub use retry::RetryPolicy;
use retry::means_no_such_person;
pub use returned::{Returns, Settled};
pub use run::{Ended, Interrupt, Run, Settings};
pub use survey::Failed;
use survey::{Survey, SurveyError};
pub use wait::Wait;
pub use window::{Hours, Window};

use std::time::Duration;

use jiff::Timestamp;

use crate::transport::{Outcome, RelayDown, Reply};

/// What happens while letters leave. Reporters listen; nothing here depends on them.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A letter got an answer (or none).
    Answered {
        /// What became of it.
        outcome: &'a Outcome,
        /// Its size, in bytes.
        octets: usize,
    },
    /// A deferred letter will come back.
    ComesBack {
        /// Not before then.
        at: Timestamp,
    },
    /// Somebody was suppressed between the plan and the letter.
    SuppressedLate,
    /// A connection opened or closed; so many are open now.
    Connections(usize),
    /// The relay says that we are too fast; so many letters a second from now on.
    Slower {
        /// Letters a second.
        letters_per_second: f64,
        /// What it said.
        why: &'a Reply,
    },
    /// The relay takes no more connections than this at the same time.
    FewerConnections(usize),
    /// The relay cannot be used at the moment; the next try comes after this wait.
    RelayAway {
        /// What is the matter.
        down: &'a RelayDown,
        /// Until the next try.
        wait: Duration,
    },
    /// Nothing to do until then: a limit, or letters that come back.
    Waiting {
        /// What it waits for.
        why: Wait,
        /// When it goes on.
        until: Timestamp,
        /// How long that is from now.
        wait: Duration,
    },
}
