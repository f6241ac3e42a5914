//! Moments and the time between them.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

/// The time of day, given from outside.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The time from one moment to a later one; nothing if it is not later.
pub(super) fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
}

/// The moment after a wait.
pub(super) fn until(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}
