//! Times as the ledger stores them.

use jiff::Timestamp;

/// Milliseconds since 1970, as the ledger keeps times.
pub(super) fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// The time behind a number of the ledger; one that no calendar knows is moved to its nearest end.
pub(super) fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(if millis < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
