use std::fmt;

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
    pub(super) fn judge(&self, answers: Answers) -> Option<Pulled> {
        let Answers { in_a_row, refused, answered } = answers;
        let row = self.refusals_in_a_row > 0 && self.refusals_in_a_row <= in_a_row;
        let share = self.share > 0.0
            && answered >= self.sample
            && f64::from(refused) / f64::from(answered) >= self.share;
        (row || share).then_some(Pulled { in_a_row, refused, answered })
    }
}

impl Answers {
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
}
