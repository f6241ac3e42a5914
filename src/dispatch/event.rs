//! What happens while letters leave.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::wait::Wait;
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
        bytes: usize,
    },
    /// A deferred letter will come back.
    ComesBack {
        /// Not before then.
        at: Timestamp,
    },
    /// Someone was suppressed between the plan and the letter.
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

/// Where events go.
pub(super) type Emit = Arc<dyn Fn(Event<'_>) + Send + Sync>;
