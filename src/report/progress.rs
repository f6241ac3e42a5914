//! What a person sees while letters leave: a bar on a terminal, plain lines elsewhere.

use std::{
    io::Write as _,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::format::{count, duration, plural, when};
use crate::{
    dispatch::{Event, Wait},
    transport::Outcome,
};

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A bar that redraws itself.
    Bar,
    /// A plain line every ten seconds, for logs and pipes.
    Lines,
    /// No progress is shown.
    Silent,
}

/// Listens to a run and shows how it goes, on standard error.
pub struct Progress {
    style: Style,
    total: u64,
    /// Before each line, where several dispatches run at once.
    issue: String,
    bar: ProgressBar,
    state: Mutex<State>,
}

struct State {
    began: Instant,
    said: Instant,
    said_done: u64,
    done: u64,
    deferred: u64,
    refused: u64,
    unconfirmed: u64,
    waiting_for: Option<String>,
}

/// The least time between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Shorter waits are not shown.
const WAIT_SHOWN_FROM: Duration = Duration::from_secs(2);

impl Progress {
    /// Progress towards `total` letters.
    pub fn new(style: Style, total: u64) -> Self {
        let bar = ProgressBar::with_draw_target(
            Some(total),
            match style {
                Style::Bar => ProgressDrawTarget::stderr_with_hz(10),
                Style::Lines | Style::Silent => ProgressDrawTarget::hidden(),
            },
        );
        let template = "{bar:32} {pos}/{len} letters  {msg}";
        bar.set_style(
            ProgressStyle::with_template(template)
                .expect("the template is well-formed")
                .progress_chars("━╸─"),
        );
        let now = Instant::now();
        let state = State {
            began: now,
            said: now,
            said_done: 0,
            done: 0,
            deferred: 0,
            refused: 0,
            unconfirmed: 0,
            waiting_for: None,
        };
        Self { style, total, issue: String::new(), bar, state: Mutex::new(state) }
    }

    /// Names the issue before each line.
    #[must_use]
    pub fn of_issue(self, slug: &str) -> Self {
        Self { issue: format!("`{slug}`: "), ..self }
    }

    /// Updates the display for an event.
    pub fn event(&self, event: &Event<'_>) {
        if self.style == Style::Silent {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Answered { outcome, .. } => {
                state.waiting_for = None;
                match outcome {
                    Outcome::Accepted { .. } => state.done += 1,
                    Outcome::Deferred { .. } => state.deferred += 1,
                    Outcome::Rejected { .. } => {
                        state.done += 1;
                        state.refused += 1;
                    }
                    Outcome::Unconfirmed { .. } => {
                        state.done += 1;
                        state.unconfirmed += 1;
                    }
                }
                self.tick(&mut state);
            }
            Event::SuppressedLate => {
                state.done += 1;
                self.tick(&mut state);
            }
            Event::Slower { letters_per_second, why } => {
                // Whoever says so in the settings starts there the next time.
                let hint = match letters_per_second.floor() as u32 {
                    0 => format!("per_minute = {}", (letters_per_second * 60.0).floor().max(1.0)),
                    letters => format!("per_second = {letters}"),
                };
                self.say(&format!(
                    "slower, {} from now on: the relay said \u{201c}{why}\u{201d}; to start at this pace, set `{hint}` in [pace]",
                    rate(*letters_per_second)
                ));
            }
            Event::FewerConnections(most) => {
                let most = *most;
                self.say(&format!(
                    "the relay takes {} at a time; to start with that, set `connections = {most}` in [relay]",
                    plural(most as u64, "connection", "connections")
                ));
            }
            Event::RelayAway { down, wait } => {
                self.say(&format!("{down}; trying again in {}", duration(*wait)));
            }
            // Shorter waits are the pace itself.
            Event::Waiting { wait, .. } if *wait < WAIT_SHOWN_FROM => {}
            Event::Waiting { why, until, .. } => {
                let why = match why {
                    Wait::Pace => "a limit in [pace] is reached",
                    Wait::Throttled => "the relay asked us to slow down",
                    Wait::Window => "outside of the hours in [pace.window]",
                    Wait::WarmUp => "today's share of the warm-up is used up",
                    Wait::Deferred => "deferred letters are tried again then",
                };
                let text = format!("waiting until {}: {why} (Ctrl-C is safe)", when(*until));
                if state.waiting_for.as_ref() != Some(&text) {
                    self.say(&text);
                    // A rate and a time left would be wrong while nothing leaves.
                    let mut parts = vec![format!("waiting until {}", when(*until))];
                    parts.extend(self.troubles(&state));
                    self.bar.set_message(parts.join(", "));
                    state.waiting_for = Some(text);
                }
            }
            Event::ComesBack { .. } | Event::Connections(_) => {}
        }
    }

    /// Ends the display.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn tick(&self, state: &mut State) {
        let now = Instant::now();
        if self.style == Style::Bar && now.duration_since(state.said) < Duration::from_millis(100) {
            return;
        }
        if self.style == Style::Lines && now.duration_since(state.said) < LINE_EVERY {
            return;
        }
        let message = self.message(state, now);
        state.said = now;
        match self.style {
            Style::Bar => {
                self.bar.set_position(state.done);
                self.bar.set_message(message);
            }
            Style::Lines if state.said_done < state.done => {
                state.said_done = state.done;
                let _ = writeln!(
                    anstream::stderr(),
                    "{}{} of {} letters, {message}",
                    self.issue,
                    count(state.done),
                    count(self.total)
                );
            }
            Style::Lines | Style::Silent => {}
        }
    }

    fn message(&self, state: &State, now: Instant) -> String {
        let elapsed = now.duration_since(state.began).as_secs_f64().max(0.001);
        let per_second = state.done as f64 / elapsed;
        let mut parts = vec![rate(per_second)];
        // Deferred letters wait for their time, whatever the rate.
        let left = self.total.saturating_sub(state.done + state.deferred);
        if per_second > 0.0 && left > 0 {
            let seconds = left as f64 / per_second;
            parts.push(format!("{} left", duration(Duration::from_secs_f64(seconds.min(1e9)))));
        }
        parts.extend(self.troubles(state));
        parts.join(", ")
    }

    /// How many letters were not accepted, by outcome.
    fn troubles(&self, state: &State) -> Vec<String> {
        [(state.deferred, "deferred"), (state.refused, "refused"), (state.unconfirmed, "unconfirmed")]
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| format!("{} {what}", count(number)))
            .collect()
    }

    /// A line above the bar.
    fn say(&self, text: &str) {
        if self.style == Style::Bar {
            self.bar.suspend(|| {
                let _ = writeln!(anstream::stderr(), "{text}");
            });
        } else {
            let _ = writeln!(anstream::stderr(), "{}{text}", self.issue);
        }
    }
}

/// Letters per second, or per minute when they are few.
pub(super) fn rate(per_second: f64) -> String {
    if per_second < 1.0 {
        format!("{:.0} letters per minute", per_second * 60.0)
    } else {
        format!("{} letters per second", count(per_second.round() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_not_promised_for_letters_that_only_wait() {
        let progress = Progress::new(Style::Bar, 16);
        let now = Instant::now();
        let state = State {
            began: now,
            said: now,
            said_done: 0,
            done: 12,
            deferred: 4,
            refused: 0,
            unconfirmed: 0,
            waiting_for: None,
        };
        let later = now + Duration::from_secs(2);
        assert_eq!(progress.message(&state, later), "6 letters per second, 4 deferred");
        let state = State { deferred: 1, ..state };
        assert_eq!(progress.message(&state, later), "6 letters per second, 500 ms left, 1 deferred");
    }
}
