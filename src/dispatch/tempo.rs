//! How many letters to claim at a time, and how: from the rate at which they have left lately.

use std::time::Duration;

use tokio::time::Instant;

/// Letters a second from which their beginnings are made durable together with the claim. Below, the disk is waited for
/// with each, which is hardly felt; above, that would cost more than the letter.
const AHEAD_FROM: f64 = 500.0;

/// No more letters are begun ahead than leave in this time: so many may be unconfirmed after a power cut.
const AHEAD_FOR: Duration = Duration::from_millis(40);

/// Before anything is known of the rate.
const FIRST: usize = 100;

/// A rate is known after so long.
const KNOWN_AFTER: Duration = Duration::from_millis(3);

/// What to ask the ledger for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Helping {
    /// Letters, at most.
    pub(super) letters: usize,
    /// Whether they are begun together with the claim.
    pub(super) ahead: bool,
}

/// The rate since the last claim.
#[derive(Debug)]
pub(super) struct Tempo {
    most: usize,
    may_run_ahead: bool,
    last: Option<(Instant, u64)>,
}

impl Tempo {
    /// At most so many letters at a time.
    pub(super) fn new(most: usize, may_run_ahead: bool) -> Self {
        Self { most: most.max(1), may_run_ahead, last: None }
    }

    /// The next claim, when so many letters have been answered in this run. The first one is asked for ahead so that the
    /// worker's log is opened; it is begun letter by letter all the same.
    pub(super) fn helping(&mut self, now: Instant, answered: u64) -> Helping {
        let first = Helping { letters: self.most.min(FIRST), ahead: self.may_run_ahead };
        let Some((then, before)) = self.last else {
            self.last = Some((now, answered));
            return first;
        };
        let since = now.saturating_duration_since(then);
        if self.may_run_ahead && since < KNOWN_AFTER {
            return Helping { ahead: false, ..first };
        }
        self.last = Some((now, answered));
        let rate = answered.saturating_sub(before) as f64 / since.as_secs_f64().max(1e-6);
        if !self.may_run_ahead || rate < AHEAD_FROM {
            return Helping { letters: self.most, ahead: false };
        }
        let letters = (rate * AHEAD_FOR.as_secs_f64()) as usize;
        Helping { letters: letters.clamp(1, self.most), ahead: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_sendings_begin_with_the_claim_what_leaves_in_a_moment() {
        let start = Instant::now();
        let check = |letters: u64, millis, expected: (usize, bool)| {
            let mut tempo = Tempo::new(1000, true);
            let found = tempo.helping(start, 7);
            assert_eq!((found.letters, found.ahead), (100, true), "to open the log");
            let found = tempo.helping(start + Duration::from_millis(2), 57);
            assert_eq!((found.letters, found.ahead), (100, false), "no rate is known yet");
            let found = tempo.helping(start + Duration::from_millis(millis), 7 + letters);
            assert_eq!((found.letters, found.ahead), expected, "{letters} in {millis} ms");
        };
        check(50, 5, (400, true));
        check(500, 10, (1000, true));
        check(50, 100, (20, true));
        check(50, 101, (1000, false));
        check(0, 3, (1000, false));
    }

    #[test]
    fn where_letters_may_lie_about_nothing_is_begun_ahead() {
        let (start, mut tempo) = (Instant::now(), Tempo::new(10, false));
        for second in 0..3 {
            let found = tempo.helping(start + Duration::from_secs(second), 10_000 * second);
            assert_eq!(found, Helping { letters: 10, ahead: false });
        }
    }
}
