//! How a run works.

use std::time::Duration;

use jiff::Timestamp;

use super::{brake::BrakePolicy, pace::PacePolicy, retry::RetryPolicy};

/// How a run works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Connections at once, at most.
    pub connections: usize,
    /// Limits on how fast letters leave.
    pub pace: PacePolicy,
    /// When deferred letters come back.
    pub retry: RetryPolicy,
    /// When refusals stop the run.
    pub brake: BrakePolicy,
    /// Whether "no such person" becomes a suppression.
    pub suppress_hard_bounces: bool,
    /// Letters claimed from the ledger at a time, at most.
    pub batch: usize,
    /// Keep trying until then; without it the run ends when it would have to wait longer than `linger`.
    pub until: Option<Timestamp>,
    /// Wait in the run for deferred letters that come back within this.
    pub linger: Duration,
}

impl Settings {
    /// A pace limit is waited for in the run when it is not longer than this.
    pub(super) const PACE_WAIT_MAX: Duration = Duration::from_secs(3600);
    /// A relay that went away in the middle of the run gets this long to come back.
    pub(super) const RELAY_WAIT_MAX: Duration = Duration::from_secs(120);
    /// A long wait is looked at again after this: the machine may have slept, or the clock may have been set.
    pub(super) const NAP: Duration = Duration::from_secs(20);
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections: 10,
            pace: PacePolicy { adaptive: true, ..PacePolicy::default() },
            retry: RetryPolicy::default(),
            brake: BrakePolicy::default(),
            suppress_hard_bounces: false,
            batch: 1000,
            until: None,
            linger: Duration::from_secs(150),
        }
    }
}
