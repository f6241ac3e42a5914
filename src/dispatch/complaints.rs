//! Which refusals are a reason to go slower, and which change of the pace is worth a message.

use crate::transport::{Complaint, Reply, Stage, complaint};

/// So many letters put off in a row, nobody knows why, are a reason to go slower, down to this many a second.
const UNCLEAR_MAX: u32 = 20;
const UNCLEAR_RATE: f64 = 2.0;

/// What relays complained about lately.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    /// Letters put off in a row at their first attempt for reasons that are not clear.
    unclear: u32,
    /// The pace that was last reported.
    reported: Option<f64>,
}

impl Complaints {
    /// A letter was accepted.
    pub(super) fn accepted(&mut self) {
        self.unclear = 0;
    }

    /// Whether a letter that was put off is a reason to go slower than `rate`. One that is tried again says nothing new.
    pub(super) fn slow_down(&mut self, stage: Stage, reply: &Reply, attempt: u32, rate: Option<f64>) -> bool {
        match complaint(stage, reply) {
            Complaint::Rate => true,
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
