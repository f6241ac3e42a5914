use std::time::Duration;

/// So many letters in any stretch of that length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// At most this many.
    pub letters: u32,
    /// In any stretch of this length.
    pub per: Duration,
}
