//! What a reader, a mail client or a mailbox provider would trip over.
//!
//! In: an issue that was built ([`Built`](crate::render::Built), or [`BuildError`](crate::render::BuildError)) and a [`CheckContext`]. Out: a [`Report`] of
//! diagnostics, each with a code that [`rule`] knows. Never: changes anything, opens a connection, or runs a program.

mod access;
mod backgrounds;
mod clients;
mod compliance;
mod context;
mod css;
mod facts;
mod findings;
mod letter;
mod levels;
mod links;
mod online;
mod people;
mod pictures;
mod reading;
mod run;
mod size;
mod support;
mod text_checks;
mod unfinished;
mod unfinished_links;

#[doc(hidden)]
pub use clients::clients_date;
pub use context::Earlier;
pub use findings::{Rule, rule, rules};
pub use letter::sort;
pub use levels::{Level, Levels, UnknownCode};
#[doc(hidden)]
pub use links::targets;
pub use online::{Answer, Answers, addresses};
#[doc(hidden)]
pub use reading::{Link, Reading, reading};
pub use run::{CheckContext, Report, run, run_draft};
#[doc(hidden)]
pub use size::{BEFORE_FIRST_HEADING, TEMPLATE};
pub use size::{Costs, Share};
