//! What stops a run.

use jiff::Timestamp;

use crate::{
    dispatch::{brake::Pulled, wait::Wait},
    transport::RelayDown,
};

/// What the person at the terminal asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interrupt {
    /// No one asked for anything.
    #[default]
    None,
    /// Finish the letters whose body is on its way, and stop.
    Finish,
    /// Stop at once; what is under way is unconfirmed.
    Now,
}

/// Why a run ended. What has become of the letters is in the ledger.
#[derive(Debug)]
#[non_exhaustive]
pub enum Ended {
    /// Nothing is left to do.
    Finished,
    /// Something is left, but not before then.
    Paused {
        /// What it waits for.
        why: Wait,
        /// Go on then.
        until: Timestamp,
    },
    /// Someone asked for it.
    Interrupted,
    /// Too many refusals.
    Brake(Pulled),
    /// Another process stopped the dispatch, and said why: its brake was pulled, or too many letters came back.
    Stopped(String),
    /// The relay cannot be used.
    RelayDown(RelayDown),
}
