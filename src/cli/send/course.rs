//! How a run went.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::{
    dispatch::{Ended, Event},
    report::{Waits, wait_word, words::when},
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
                "The brake stopped the run after {} refusals in a row ({} of {} attempts).",
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
    /// When the run began.
    pub(super) began: Option<Instant>,
    /// How long nothing went on.
    pub(super) waits: Waits,
    pub(super) waiting: Option<(&'static str, Instant)>,
    pub(super) took: Duration,
}

impl Totals {
    pub(super) fn note(&mut self, event: &Event<'_>) {
        self.note_at(event, Instant::now());
    }

    fn note_at(&mut self, event: &Event<'_>, now: Instant) {
        match event {
            Event::Answered { octets, outcome } => {
                self.wait_for(None, now);
                let octets = *octets as u64;
                self.answers += 1;
                if matches!(outcome, Outcome::Accepted { .. }) {
                    self.octets += octets;
                    self.least = if self.least == 0 { octets } else { self.least.min(octets) };
                    self.most = self.most.max(octets);
                }
            }
            Event::Waiting { why, .. } => self.wait_for(Some(wait_word(*why)), now),
            Event::RelayAway { .. } => self.wait_for(Some("the relay"), now),
            _ => {}
        }
    }

    /// Ends the wait that is on, and begins another.
    pub(super) fn wait_for(&mut self, cause: Option<&'static str>, now: Instant) {
        let next = cause.map(|cause| (cause, now));
        if let Some((cause, since)) = std::mem::replace(&mut self.waiting, next) {
            let began = *self.began.get_or_insert(since);
            let (mut from, to) =
                (since.saturating_duration_since(began), now.saturating_duration_since(began));
            while from < to {
                let second = from.as_secs();
                let end = to.min(Duration::from_secs(second + 1));
                *self.waits.entry((second, cause)).or_default() += end - from;
                from = end;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::Wait;

    #[test]
    fn waits_are_measured_and_not_added_up_as_they_are_announced() {
        let began = Instant::now();
        let after = |seconds| began + Duration::from_secs(seconds);
        let waiting =
            |why| Event::Waiting { why, until: Timestamp::UNIX_EPOCH, wait: Duration::from_secs(99) };
        let reply = crate::transport::Reply { code: 250, enhanced: None, text: String::new() };
        let answered = Event::Answered { outcome: &Outcome::Accepted { reply }, octets: 7 };
        let mut totals = Totals::default();
        totals.note_at(&waiting(Wait::Pace), after(1));
        totals.note_at(&waiting(Wait::Pace), after(2));
        totals.note_at(&waiting(Wait::Deferred), after(4));
        totals.note_at(&answered, after(9));
        totals.note_at(&answered, after(20));
        let one = Duration::from_secs(1);
        let waits = [0, 1, 2].map(|second| ((second, "the pace"), one));
        let more = [3, 4, 5, 6, 7].map(|second| ((second, "deferred letters"), one));
        assert_eq!(totals.waits, waits.into_iter().chain(more).collect());
    }
}
