/// Stops a run before a list is burnt.
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

/// Counts what a relay answers.
#[derive(Debug)]
pub(super) struct Brake {
    policy: BrakePolicy,
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

impl Brake {
    /// A brake that has seen nothing.
    pub(super) fn new(policy: BrakePolicy) -> Self {
        Self { policy, in_a_row: 0, refused: 0, answered: 0 }
    }

    /// Takes note of an acceptance.
    pub(super) fn accepted(&mut self) {
        self.in_a_row = 0;
        self.answered += 1;
    }

    /// Takes note of a refusal for good, and says whether that was one too many.
    pub(super) fn refused(&mut self) -> Option<Pulled> {
        self.in_a_row += 1;
        self.refused += 1;
        self.answered += 1;
        let policy = &self.policy;
        let row = policy.refusals_in_a_row > 0 && policy.refusals_in_a_row <= self.in_a_row;
        let share = 0.0 < policy.share
            && policy.sample <= self.answered
            && policy.share <= f64::from(self.refused) / f64::from(self.answered);
        (row || share).then_some(Pulled {
            in_a_row: self.in_a_row,
            refused: self.refused,
            answered: self.answered,
        })
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
}
