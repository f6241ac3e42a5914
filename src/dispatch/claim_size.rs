//! How many letters to claim at a time, and how: from the rate at which they have left lately.

use std::time::Duration;

use tokio::time::Instant;

/// Letters a second from which claims are pre-committed. Below, waiting for the disk with each letter is hardly felt; above,
/// it would cost more than the letter.
const PRE_COMMIT_FROM: f64 = 500.0;

/// On a server, where each begin has a longer way.
const PRE_COMMIT_FROM_ON_SERVER: f64 = 100.0;

/// No more letters are pre-committed than leave in this time: so many may be unconfirmed after a loss of power.
const PRE_COMMIT_FOR: Duration = Duration::from_millis(40);

/// Before anything is known of the rate.
const FIRST: usize = 100;

/// On a server, where the first letters are slow and the claims behind them are not.
const FIRST_ON_SERVER: usize = 20;

/// A rate is known after so long.
const KNOWN_AFTER: Duration = Duration::from_millis(3);

/// What to ask the ledger for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClaimSize {
    /// Letters, at most.
    pub(super) letters: usize,
    /// Whether the claim is pre-committed.
    pub(super) pre_commit: bool,
}

/// The rate since the last claim.
#[derive(Debug)]
pub(super) struct ClaimSizer {
    most: usize,
    first: usize,
    /// The rate from which claims are pre-committed, if they may be.
    pre_commit_from: Option<f64>,
    last: Option<(Instant, u64)>,
}

impl ClaimSizer {
    /// At most so many letters at a time.
    pub(super) fn new(most: usize, may_pre_commit: bool, is_on_server: bool) -> Self {
        let (from, first) = if is_on_server {
            (PRE_COMMIT_FROM_ON_SERVER, FIRST_ON_SERVER)
        } else {
            (PRE_COMMIT_FROM, FIRST)
        };
        let most = most.max(1);
        Self { most, first: first.min(most), pre_commit_from: may_pre_commit.then_some(from), last: None }
    }

    /// The next claim, when so many letters have been answered in this run. The first one asks for it so that the worker's
    /// log is opened; its letters are begun one by one all the same.
    pub(super) fn next(&mut self, now: Instant, answered: u64) -> ClaimSize {
        let first = ClaimSize { letters: self.first, pre_commit: self.pre_commit_from.is_some() };
        let Some((then, before)) = self.last else {
            self.last = Some((now, answered));
            return first;
        };
        let since = now.saturating_duration_since(then);
        if self.pre_commit_from.is_some() && since < KNOWN_AFTER {
            return ClaimSize { pre_commit: false, ..first };
        }
        self.last = Some((now, answered));
        let rate = answered.saturating_sub(before) as f64 / since.as_secs_f64().max(1e-6);
        if self.pre_commit_from.is_none_or(|from| rate < from) {
            return ClaimSize { letters: self.most, pre_commit: false };
        }
        let letters = (rate * PRE_COMMIT_FOR.as_secs_f64()) as usize;
        ClaimSize { letters: letters.clamp(1, self.most), pre_commit: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_dispatches_pre_commit_what_leaves_in_a_moment() {
        let start = Instant::now();
        let check = |letters: u64, millis, expected: (usize, bool)| {
            let mut sizer = ClaimSizer::new(1000, true, false);
            let found = sizer.next(start, 7);
            assert_eq!((found.letters, found.pre_commit), (100, true), "to open the log");
            let found = sizer.next(start + Duration::from_millis(2), 57);
            assert_eq!((found.letters, found.pre_commit), (100, false), "no rate is known yet");
            let found = sizer.next(start + Duration::from_millis(millis), 7 + letters);
            assert_eq!((found.letters, found.pre_commit), expected, "{letters} in {millis} ms");
        };
        check(50, 5, (400, true));
        check(500, 10, (1000, true));
        check(50, 100, (20, true));
        check(50, 101, (1000, false));
        check(0, 3, (1000, false));
    }

    #[test]
    fn on_a_server_slower_dispatches_pre_commit_too() {
        let (start, mut sizer) = (Instant::now(), ClaimSizer::new(1000, true, true));
        let found = sizer.next(start, 0);
        assert_eq!((found.letters, found.pre_commit), (20, true), "to open the log");
        for (second, answered, expected) in
            [(1, 100, (4, true)), (2, 199, (1000, false)), (3, 5199, (200, true))]
        {
            let found = sizer.next(start + Duration::from_secs(second), answered);
            assert_eq!((found.letters, found.pre_commit), expected);
        }
    }

    #[test]
    fn where_letters_may_be_held_back_nothing_is_pre_committed() {
        let (start, mut sizer) = (Instant::now(), ClaimSizer::new(10, false, false));
        for second in 0..3 {
            let found = sizer.next(start + Duration::from_secs(second), 10_000 * second);
            assert_eq!(found, ClaimSize { letters: 10, pre_commit: false });
        }
    }
}
