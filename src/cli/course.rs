//! A run with its progress, and how it went: for `send` and `work`.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::failure::Exit;
use crate::{
    dispatch::{Ended, Event, Run, Wait},
    ledger::{LedgerError, Tally},
    report::{
        Progress, Waits,
        format::{count, duration, plural, when},
        wait_word,
    },
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
    /// Runs it, and shows its progress.
    pub(super) async fn of(run: Run, progress: Progress) -> Result<Self, LedgerError> {
        let progress = Arc::new(progress);
        let (began, started) = (Timestamp::now(), Instant::now());
        let totals = Arc::new(Mutex::new(Totals { began: Some(started), ..Totals::default() }));
        let ended = {
            let (progress, totals) = (Arc::clone(&progress), Arc::clone(&totals));
            let emit = move |event: Event<'_>| {
                totals.lock().unwrap_or_else(PoisonError::into_inner).note(&event);
                progress.event(&event);
            };
            run.send(emit).await
        };
        progress.finish();
        let mut totals = std::mem::take(&mut *totals.lock().unwrap_or_else(PoisonError::into_inner));
        totals.wait_for(None, Instant::now());
        totals.took = started.elapsed();
        Ok(Self { ended: ended?, took: totals.took, totals, began })
    }

    /// The exit code, when the letters of the dispatch are in these states. `is_for_all`: none was to be left for another run.
    pub(super) fn exit(&self, tally: &Tally, is_for_all: bool) -> Exit {
        let left = if is_for_all { tally.queued + tally.deferred } else { 0 };
        match &self.ended {
            Ended::Interrupted => Exit::Interrupted,
            Ended::Brake(_) | Ended::Stopped(_) | Ended::RelayDown(_) => Exit::Stopped,
            Ended::Paused { why: Wait::Deferred, .. } => Exit::Unfinished,
            Ended::Paused { .. } => Exit::Stopped,
            Ended::Finished if tally.failed + tally.unconfirmed + elsewhere(tally) + left > 0 => {
                Exit::Unfinished
            }
            Ended::Finished => Exit::Done,
        }
    }

    /// How it ended, in a word for programs, and when to go on.
    pub(super) fn word(&self) -> (&'static str, Option<Timestamp>) {
        match &self.ended {
            Ended::Finished => ("finished", None),
            Ended::Paused { until, .. } => ("paused", Some(*until)),
            Ended::Interrupted => ("interrupted", None),
            Ended::Brake(_) => ("brake", None),
            Ended::Stopped(_) => ("stopped", None),
            Ended::RelayDown(_) => ("relay_down", None),
        }
    }

    /// `500 attempts in 3 s, 160 a second`
    pub(super) fn speed(&self) -> String {
        let answers = self.totals.answers;
        let speed = answers as f64 / self.took.as_secs_f64().max(0.001);
        format!(
            "{} in {}, {} a second",
            plural(answers, "attempt", "attempts"),
            duration(self.took),
            count(speed.round() as u64)
        )
    }

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
            Ended::Stopped(why) => format!("The run was stopped: {why}."),
            Ended::RelayDown(down) => format!("The run stopped: {down}."),
        }
    }
}

/// What the events of a run add up to.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    pub(super) answers: u64,
    pub(super) bytes: u64,
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
            Event::Answered { bytes, outcome } => {
                self.wait_for(None, now);
                let bytes = *bytes as u64;
                self.answers += 1;
                if matches!(outcome, Outcome::Accepted { .. }) {
                    self.bytes += bytes;
                    self.least = if self.least == 0 { bytes } else { self.least.min(bytes) };
                    self.most = self.most.max(bytes);
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

/// Letters that another living sender holds: the dead were reaped, and ours are all back.
pub(super) fn elsewhere(tally: &Tally) -> u64 {
    tally.claimed + tally.begun
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
        let answered = Event::Answered { outcome: &Outcome::Accepted { reply }, bytes: 7 };
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

    #[test]
    fn a_run_for_all_that_leaves_letters_in_the_queue_is_not_done() {
        let course = Course {
            ended: Ended::Finished,
            totals: Totals::default(),
            began: Timestamp::UNIX_EPOCH,
            took: Duration::ZERO,
        };
        let accepted = Tally { accepted: 3, ..Tally::default() };
        for (tally, is_for_all, expected) in [
            (accepted, true, Exit::Done),
            (Tally { queued: 1, ..accepted }, true, Exit::Unfinished),
            (Tally { deferred: 1, ..accepted }, true, Exit::Unfinished),
            (Tally { queued: 1, ..accepted }, false, Exit::Done),
            (Tally { failed: 1, ..accepted }, false, Exit::Unfinished),
        ] {
            assert_eq!(course.exit(&tally, is_for_all), expected, "{tally:?}");
        }
    }
}
