//! What a person sees while a command waits for a time.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;

use super::{
    format::{duration, when},
    terminal::Terminal,
};

/// A line that says what is waited for and until when: redrawn each second on a terminal, printed once elsewhere.
pub struct Countdown {
    line: ProgressBar,
    terminal: Terminal,
    said: std::cell::Cell<bool>,
}

impl Countdown {
    /// Shows nothing yet.
    pub fn new(terminal: &Terminal) -> Self {
        let is_seen = terminal.is_interactive() && !terminal.is_quiet();
        let target = if is_seen { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let line = ProgressBar::with_draw_target(None, target);
        line.set_style(ProgressStyle::with_template("{msg}").expect("the template is well-formed"));
        Self { line, terminal: *terminal, said: std::cell::Cell::new(false) }
    }

    /// Shows how long it is until then.
    pub fn show(&self, issue: &str, until: Timestamp, now: Timestamp) {
        let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
        let text = format!(
            "`{issue}` is sent in {}, at {} (Ctrl-C leaves it scheduled)",
            duration(Duration::from_secs(left.as_secs_f64().ceil() as u64)),
            when(until)
        );
        if !self.line.is_hidden() {
            self.line.set_message(text);
            self.line.tick();
        } else if !self.said.replace(true) {
            self.terminal.say(&text);
        }
    }

    /// How long to wait before it is shown again: a second where someone watches, otherwise this long.
    pub fn tick(&self, unseen: Duration) -> Duration {
        if self.line.is_hidden() { unseen } else { Duration::from_secs(1) }
    }

    /// Removes the line.
    pub fn finish(&self) {
        self.line.finish_and_clear();
    }
}
