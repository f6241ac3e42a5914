//! Dispatches under way, look by look: rates of the last seconds, the time left, and lines for people.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{
    format::{count, duration, plural, printable},
    progress::rate,
};
use crate::ledger::{DispatchId, DispatchRecord, Tally, WorkerId, WorkerShare};

/// Rates are of this time.
const WINDOW: Duration = Duration::from_secs(10);

/// A dispatch, or one worker's share of it.
type Watched = (DispatchId, Option<WorkerId>);

/// Ended attempts at the looks of the last seconds, of dispatches and of workers.
#[derive(Debug, Default)]
pub struct Rates(HashMap<Watched, VecDeque<(Instant, u64)>>);

impl Rates {
    /// Adds a look at a dispatch or at one worker's share of it. Returns the attempts per second of the last seconds; `None` at
    /// the first look.
    pub fn note(
        &mut self,
        dispatch: DispatchId,
        worker: Option<WorkerId>,
        attempts: u64,
        now: Instant,
    ) -> Option<f64> {
        let looks = self.0.entry((dispatch, worker)).or_default();
        // One look before the window stays, so that the window is whole.
        while looks.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW) {
            looks.pop_front();
        }
        looks.push_back((now, attempts));
        let (first, before) = looks.front().copied()?;
        let time = now.duration_since(first).as_secs_f64();
        (time > 0.0).then(|| attempts.saturating_sub(before) as f64 / time)
    }
}

/// A dispatch at one moment.
#[derive(Clone, Debug)]
pub struct WatchedDispatch<'a> {
    /// The dispatch.
    pub dispatch: &'a DispatchRecord,
    /// The states of its deliveries.
    pub tally: Tally,
    /// Attempts per second, of all workers.
    pub rate: Option<f64>,
    /// Why no worker goes on with what is left, if it is stopped.
    pub stopped: Option<String>,
    /// Its workers, each with its attempts per second.
    pub workers: Vec<(WorkerShare, Option<f64>)>,
}

impl WatchedDispatch<'_> {
    /// The time until nothing is left that can be sent now, at the present rate.
    pub fn time_left(&self) -> Option<Duration> {
        // Deferred letters wait for their time, whatever the rate.
        let left = self.tally.queued + self.tally.in_flight();
        let rate = self.rate.filter(|rate| *rate > 0.0 && left > 0)?;
        Some(Duration::from_secs_f64((left as f64 / rate).min(1e9)))
    }

    /// `one: 1,200 of 3,000 accepted, 1,800 left, 35 letters per second, 51 s left`
    pub fn line(&self) -> String {
        let tally = &self.tally;
        let mut parts = vec![format!("{} of {} accepted", count(tally.accepted), count(tally.planned))];
        for (number, what) in [
            (tally.queued + tally.in_flight(), "left"),
            (tally.deferred, "deferred"),
            (tally.failed, "failed"),
            (tally.unconfirmed, "unconfirmed"),
            (tally.suppressed, "suppressed"),
        ] {
            if number > 0 {
                parts.push(format!("{} {what}", count(number)));
            }
        }
        if let Some(per_second) = self.rate.filter(|_| tally.owed() > 0) {
            parts.push(rate(per_second));
        }
        if let Some(left) = self.time_left() {
            parts.push(format!("{} to go", duration(left)));
        }
        let living = self.workers.iter().filter(|(share, _)| share.lives).count();
        if tally.owed() > 0 {
            parts.push(if living == 0 {
                "no worker".to_owned()
            } else {
                plural(living as u64, "worker", "workers")
            });
        }
        let stopped = self.stopped.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
        printable(&format!("{}: {}{stopped}", self.dispatch.slug, parts.join(", ")))
    }

    /// A line for each worker that lives.
    pub fn worker_lines(&self) -> impl Iterator<Item = String> + '_ {
        self.workers.iter().filter(|(share, _)| share.lives).map(|(share, per_second)| {
            let rate = per_second.map(|per_second| format!(", {}", rate(per_second))).unwrap_or_default();
            printable(&format!(
                "  worker {}, {}: {}{rate}",
                share.worker.number(),
                share.relay,
                plural(share.attempts, "attempt", "attempts")
            ))
        })
    }
}

/// Lines on a terminal that are drawn again in their place.
pub struct LiveLines {
    all: MultiProgress,
    lines: Vec<ProgressBar>,
}

impl LiveLines {
    /// On standard output.
    pub fn new() -> Self {
        Self { all: MultiProgress::with_draw_target(ProgressDrawTarget::stdout()), lines: Vec::new() }
    }

    /// Draws these lines where the last ones were; what is too long for the terminal is cut.
    pub fn draw(&mut self, lines: &[String]) {
        for gone in self.lines.drain(lines.len().min(self.lines.len())..) {
            gone.finish_and_clear();
            self.all.remove(&gone);
        }
        while self.lines.len() < lines.len() {
            let style = ProgressStyle::with_template("{wide_msg}").expect("the template is well-formed");
            self.lines.push(self.all.add(ProgressBar::new_spinner().with_style(style)));
        }
        for (bar, line) in self.lines.iter().zip(lines) {
            bar.set_message(line.clone());
            bar.tick();
        }
    }

    /// Leaves the last lines on the terminal.
    pub fn finish(self) {
        self.lines.iter().for_each(ProgressBar::abandon);
    }
}

impl Default for LiveLines {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_the_last_seconds() {
        let dispatch: DispatchId = serde_json::from_str("1").unwrap();
        let began = Instant::now();
        let mut rates = Rates::default();
        let mut note = |seconds: u64, attempts| {
            rates.note(dispatch, None, attempts, began + Duration::from_secs(seconds))
        };
        assert_eq!(note(0, 100), None);
        assert_eq!(note(2, 120), Some(10.0));
        assert_eq!(note(12, 120), Some(0.0));
        // The look at 2 s is the last before the window.
        assert_eq!(note(14, 140), Some(20.0 / 12.0));
        // A ledger that was exchanged for an older one makes no rate below zero.
        assert_eq!(note(15, 0), Some(0.0));
    }
}
