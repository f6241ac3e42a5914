//! Which refusals are a reason to go slower, and which change of the pace is worth a message.

use crate::transport::{Complaint, Reply, Stage, complaint};

/// So many letters put off in a row, no one knows why, are a reason to go slower, down to this many a second.
const UNCLEAR_MAX: u32 = 20;
const UNCLEAR_RATE: f64 = 2.0;
/// What is left of an answer's weight with each later one: some hundred answers count.
const FADING: f64 = 0.99;
/// A relay that takes more than this of the letters has no limit that we are over: it speaks of a person or of a moment.
const SELDOM: f64 = 0.05;

/// What relays complained about lately.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    /// Letters put off in a row at their first attempt for reasons that are not clear.
    unclear: u32,
    /// Answers lately, and complaints about our rate among them.
    answers: f64,
    rate: f64,
    /// The pace that was last reported.
    reported: Option<f64>,
}

impl Complaints {
    /// A letter was accepted.
    pub(super) fn accepted(&mut self) {
        self.unclear = 0;
        self.answered(0.0);
    }

    fn answered(&mut self, complaint: f64) {
        self.answers = self.answers * FADING + 1.0;
        self.rate = self.rate * FADING + complaint;
    }

    /// Whether a letter that was put off is a reason to go slower than `rate`. One that is tried again says nothing new.
    pub(super) fn slow_down(&mut self, stage: Stage, reply: &Reply, attempt: u32, rate: Option<f64>) -> bool {
        match complaint(stage, reply) {
            // Where there is a pace already, it swings around the limit, and few complaints are left.
            Complaint::Rate => {
                self.answered(1.0);
                rate.is_some() || self.rate > SELDOM * self.answers
            }
            Complaint::Unclear if attempt <= 1 => {
                self.unclear += 1;
                self.unclear.is_multiple_of(UNCLEAR_MAX) && rate.is_none_or(|rate| rate > UNCLEAR_RATE)
            }
            _ => false,
        }
    }

    /// Whether to report a pace: it swings around what the relay takes, and only what is new is reported.
    pub(super) fn is_news(&mut self, rate: f64) -> bool {
        let news = self.reported.is_none_or(|before| rate < before * 0.7);
        if news {
            self.reported = Some(rate);
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first of so many letters at which the pace falls, when one in so many is refused in these words.
    fn falls_at(letters: u32, one_in: u32, reply: &str) -> Option<u32> {
        let mut complaints = Complaints::default();
        let reply: Reply = reply.parse().unwrap();
        (1..=letters).find(|letter| {
            if letter.is_multiple_of(one_in) {
                complaints.slow_down(Stage::Body, &reply, 1, None)
            } else {
                complaints.accepted();
                false
            }
        })
    }

    #[test]
    fn a_pace_falls_when_many_are_refused_and_not_for_one_in_fifty() {
        let busy = "451 4.3.2 The service is busy: slow down";
        for one_in in [50, 100, 300] {
            assert_eq!(falls_at(20_000, one_in, busy), None, "one in {one_in}");
        }
        assert_eq!(falls_at(9, 1, busy), Some(1));
        assert!(falls_at(100, 2, busy).is_some_and(|at| at < 10));
        // A relay that took everything and begins to refuse nearly all.
        let mut complaints = Complaints::default();
        (0..5_000).for_each(|_| complaints.accepted());
        let reply: Reply = busy.parse().unwrap();
        let refused = (1..20).find(|_| complaints.slow_down(Stage::Body, &reply, 1, None));
        assert_eq!(refused, Some(6));
        // Once there is a pace, every complaint counts.
        (0..5_000).for_each(|_| complaints.accepted());
        assert!(complaints.slow_down(Stage::Body, &reply, 1, Some(100.0)));
    }
}
