use std::{fmt, time::Duration};

use tokio::time::Instant;

/// Stops a run before rejections damage the sender reputation.
#[derive(Clone, Debug, PartialEq)]
pub struct BrakePolicy {
    /// Refusals of different people in a row after which the run stops; 0 switches it off.
    pub refusals_in_a_row: u32,
    /// The share of refusals (0 to 1) among all answers after which the run stops; 0 switches it off.
    pub share: f64,
    /// The share counts only once there are this many answers.
    pub sample: u32,
}

impl Default for BrakePolicy {
    fn default() -> Self {
        Self { refusals_in_a_row: 10, share: 0.25, sample: 100 }
    }
}

/// Counts what a relay answers to one sender.
#[derive(Debug)]
pub(super) struct Brake {
    policy: BrakePolicy,
    all: Answers,
    /// What the other senders do not know yet.
    unshared: Answers,
}

/// Answers of a relay, or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Answers {
    /// Refusals since the last acceptance.
    in_a_row: u32,
    refused: u32,
    answered: u32,
}

/// Why the brake was pulled.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Pulled {
    /// Refusals in a row.
    pub in_a_row: u32,
    /// Refusals in all.
    pub refused: u32,
    /// Answers in all.
    pub answered: u32,
}

impl fmt::Display for Pulled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { in_a_row, refused, answered } = self;
        write!(f, "{in_a_row} refused in a row, {refused} of {answered} attempts in all")
    }
}

impl BrakePolicy {
    /// Whether these are too many refusals.
    fn judge(&self, answers: Answers) -> Option<Pulled> {
        (self.is_row_too_long(answers) || self.is_share_too_large(answers)).then(|| answers.pulled())
    }

    fn is_row_too_long(&self, answers: Answers) -> bool {
        self.refusals_in_a_row > 0 && self.refusals_in_a_row <= answers.in_a_row
    }

    fn is_share_too_large(&self, answers: Answers) -> bool {
        let Answers { refused, answered, .. } = answers;
        self.share > 0.0 && answered >= self.sample && f64::from(refused) / f64::from(answered) >= self.share
    }
}

/// A row of refusals over several senders, whose refusals are known sooner than their acceptances: it counts when it is still too
/// long after all of them have said what was accepted.
#[derive(Debug, Default)]
pub(super) struct SharedRow {
    since: Option<Instant>,
}

impl SharedRow {
    /// Whether all answers together are too many refusals. `all_known`: every sender says within this time what it knows.
    pub(super) fn judge(
        &mut self,
        policy: &BrakePolicy,
        all: Answers,
        now: Instant,
        all_known: Duration,
    ) -> Option<Pulled> {
        if policy.is_share_too_large(all) {
            return Some(all.pulled());
        }
        if !policy.is_row_too_long(all) {
            self.since = None;
            return None;
        }
        let since = *self.since.get_or_insert(now);
        (now.saturating_duration_since(since) >= all_known).then(|| all.pulled())
    }

    /// Whether there is a row that is too long, if no other sender knows of an acceptance.
    pub(super) fn is_open(&self) -> bool {
        self.since.is_some()
    }
}

impl Answers {
    fn pulled(self) -> Pulled {
        let Self { in_a_row, refused, answered } = self;
        Pulled { in_a_row, refused, answered }
    }

    fn accept(&mut self) {
        self.in_a_row = 0;
        self.answered = self.answered.saturating_add(1);
    }

    fn refuse(&mut self) {
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.refused = self.refused.saturating_add(1);
        self.answered = self.answered.saturating_add(1);
    }

    /// Adds answers that came later.
    pub(super) fn add(&mut self, later: Self) {
        let has_accepted = later.answered > later.refused;
        let before = if has_accepted { 0 } else { self.in_a_row };
        self.in_a_row = before.saturating_add(later.in_a_row);
        self.refused = self.refused.saturating_add(later.refused);
        self.answered = self.answered.saturating_add(later.answered);
    }
}

impl Brake {
    /// A brake that has seen nothing.
    pub(super) fn new(policy: BrakePolicy) -> Self {
        Self { policy, all: Answers::default(), unshared: Answers::default() }
    }

    /// Takes note of an acceptance.
    pub(super) fn accepted(&mut self) {
        self.all.accept();
        self.unshared.accept();
    }

    /// Takes note of a refusal for good, and says whether that was one too many.
    pub(super) fn refused(&mut self) -> Option<Pulled> {
        self.all.refuse();
        self.unshared.refuse();
        self.policy.judge(self.all)
    }

    /// Whether there is a refusal that the other senders do not know.
    pub(super) fn has_news(&self) -> bool {
        self.unshared.refused > 0
    }

    /// What was answered since the last call; `None` if nothing was.
    pub(super) fn take_unshared(&mut self) -> Option<Answers> {
        Some(std::mem::take(&mut self.unshared)).filter(|answers| answers.answered > 0)
    }

    /// These are unknown to the other senders after all.
    pub(super) fn put_back_unshared(&mut self, mut answers: Answers) {
        answers.add(self.unshared);
        self.unshared = answers;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_refusals_in_a_row_pull_the_brake_and_nine_do_not() {
        let mut brake = Brake::new(BrakePolicy::default());
        for _ in 0..9 {
            assert_eq!(brake.refused(), None);
        }
        brake.accepted();
        for _ in 0..9 {
            assert_eq!(brake.refused(), None);
        }
        assert_eq!(brake.refused(), Some(Pulled { in_a_row: 10, refused: 19, answered: 20 }));
    }

    #[test]
    fn a_share_of_a_sample_pulls_it_too() {
        let mut brake = Brake::new(BrakePolicy { refusals_in_a_row: 0, share: 0.2, sample: 10 });
        assert_eq!(brake.refused(), None);
        for _ in 0..8 {
            brake.accepted();
        }
        assert_eq!(brake.refused(), Some(Pulled { in_a_row: 1, refused: 2, answered: 10 }));
    }

    #[test]
    fn refusals_of_several_senders_count_together_and_an_acceptance_of_any_ends_their_row() {
        let answers = |in_a_row, refused, answered| Answers { in_a_row, refused, answered };
        let mut all = Answers::default();
        for (later, expected) in [
            (answers(2, 2, 2), answers(2, 2, 2)),
            (answers(3, 3, 3), answers(5, 5, 5)),
            (answers(1, 4, 9), answers(1, 9, 14)),
            (answers(0, 0, 5), answers(0, 9, 19)),
        ] {
            all.add(later);
            assert_eq!(all, expected);
        }
        let mut brake = Brake::new(BrakePolicy::default());
        assert_eq!(brake.take_unshared(), None);
        brake.refused();
        brake.accepted();
        assert!(brake.has_news());
        assert_eq!(brake.take_unshared(), Some(answers(0, 1, 2)));
        assert!(!brake.has_news());
        assert_eq!(brake.all, answers(0, 1, 2), "its own count goes on");
    }

    #[test]
    fn a_row_over_several_senders_counts_when_all_have_said_what_was_accepted() {
        let answers = |in_a_row, refused, answered| Answers { in_a_row, refused, answered };
        let (start, all_known) = (Instant::now(), Duration::from_secs(2));
        let policy = BrakePolicy { sample: 100, ..BrakePolicy::default() };
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut row = SharedRow::default();
        assert_eq!(row.judge(&policy, answers(9, 9, 9), at(0), all_known), None);
        assert!(!row.is_open());
        assert_eq!(
            row.judge(&policy, answers(10, 10, 10), at(1), all_known),
            None,
            "perhaps one was accepted"
        );
        assert!(row.is_open());
        // Another sender says that one was.
        assert_eq!(row.judge(&policy, answers(5, 10, 11), at(2), all_known), None);
        assert!(!row.is_open());
        assert_eq!(row.judge(&policy, answers(11, 16, 17), at(4), all_known), None);
        assert_eq!(row.judge(&policy, answers(12, 17, 18), at(5), all_known), None);
        let pulled = Some(Pulled { in_a_row: 12, refused: 17, answered: 18 });
        assert_eq!(row.judge(&policy, answers(12, 17, 18), at(6), all_known), pulled);
        let mut row = SharedRow::default();
        let pulled = Some(Pulled { in_a_row: 2, refused: 30, answered: 100 });
        assert_eq!(
            row.judge(&policy, answers(2, 30, 100), at(0), all_known),
            pulled,
            "a share counts at once"
        );
    }
}
