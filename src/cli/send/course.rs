//! How a run went.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};

use crate::{
    dispatch::{Ended, Event},
    report::{wait_word, words::when},
    transport::Outcome,
};

/// How a run went.
pub(super) struct Course {
    pub(super) ended: Ended,
    pub(super) totals: Totals,
    pub(super) began: Timestamp,
    pub(super) took: Duration,
}

impl Course {
    pub(super) fn sentence(&self) -> String {
        match &self.ended {
            Ended::Finished => "The run finished.".to_owned(),
            Ended::Paused { why, until } => {
                format!("The run paused: {} until {}.", wait_word(*why), when(*until))
            }
            Ended::Interrupted => "The run was interrupted.".to_owned(),
            Ended::Brake(pulled) => format!(
                "The brake stopped the run after {} refusals in a row ({} of {} answers).",
                pulled.in_a_row, pulled.refused, pulled.answered
            ),
            Ended::RelayDown(down) => format!("The run stopped: {down}."),
        }
    }
}

/// What the events of a run add up to.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    pub(super) answers: u64,
    pub(super) octets: u64,
    pub(super) least: u64,
    pub(super) most: u64,
    pub(super) waits: BTreeMap<&'static str, Duration>,
    pub(super) took: Duration,
}

impl Totals {
    pub(super) fn note(&mut self, event: &Event<'_>) {
        match event {
            Event::Answered { octets, outcome } => {
                let octets = *octets as u64;
                self.answers += 1;
                if matches!(outcome, Outcome::Accepted { .. }) {
                    self.octets += octets;
                    self.least = if self.least == 0 { octets } else { self.least.min(octets) };
                    self.most = self.most.max(octets);
                }
            }
            Event::Waiting { why, until } => {
                let wait = until.duration_since(Timestamp::now()).max(SignedDuration::ZERO);
                *self.waits.entry(wait_word(*why)).or_default() += wait.unsigned_abs();
            }
            Event::RelayAway { wait, .. } => *self.waits.entry("the relay").or_default() += *wait,
            _ => {}
        }
    }
}
