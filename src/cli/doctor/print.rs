//! The lines for people and as JSON (`docs/schemas/doctor.schema.json`).

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::{
    doctor::{Level, Line, Part},
    report::format::plural,
};

/// What `--json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct Report<'a> {
    errors: usize,
    warnings: usize,
    notes: usize,
    lines: &'a [Line],
}

fn count<'a>(lines: impl IntoIterator<Item = &'a Line>, level: Level) -> usize {
    lines.into_iter().filter(|line| line.level == level).count()
}

pub(super) fn report(lines: &[Line]) -> Report<'_> {
    Report {
        errors: count(lines, Level::Error),
        warnings: count(lines, Level::Warning),
        notes: count(lines, Level::Note),
        lines,
    }
}

fn heading(part: Part) -> &'static str {
    match part {
        Part::Relay => "Relay",
        Part::Dns => "DNS",
        Part::Unsubscribe => "Unsubscribing",
        Part::Bounces => "Letters that come back",
        Part::Files => "Files",
        Part::Providers => "Large mailbox providers",
    }
}

fn word(level: Level) -> (&'static str, Style) {
    match level {
        Level::Ok => ("ok", AnsiColor::Green.on_default()),
        Level::Note => ("note", AnsiColor::Cyan.on_default()),
        Level::Warning => ("warning", AnsiColor::Yellow.on_default().bold()),
        Level::Error => ("error", AnsiColor::Red.on_default().bold()),
    }
}

/// What several checks say alike is said once, such as that a name server does not answer.
fn once(lines: &[Line]) -> Vec<&Line> {
    let mut shown: Vec<&Line> = Vec::new();
    for line in lines {
        let is_same = |other: &&Line| Line { check: line.check, ..(*other).clone() } == *line;
        if !shown.iter().any(is_same) {
            shown.push(line);
        }
    }
    shown
}

pub(super) fn text(lines: &[Line]) -> String {
    let lines = once(lines);
    let mut text = String::new();
    let mut part = None;
    // Writing to a String cannot fail.
    for line in &lines {
        if part.replace(line.part) != Some(line.part) {
            let gap = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{gap}{}", heading(line.part));
        }
        let (word, style) = word(line.level);
        let _ = writeln!(text, "  {style}{word:<8}{style:#} {}", line.text);
        if let Some(help) = &line.help {
            let _ = writeln!(text, "           {help}");
        }
        if let Some(record) = &line.record {
            let _ = writeln!(text, "             name   {}", record.name);
            let _ = writeln!(text, "             type   {}", record.kind);
            let _ = writeln!(text, "             value  {}", record.value);
        }
    }
    let counts = [
        (Level::Error, "error", "errors"),
        (Level::Warning, "warning", "warnings"),
        (Level::Note, "note", "notes"),
    ]
    .map(|(level, one, many)| plural(count(lines.iter().copied(), level) as u64, one, many));
    let _ = writeln!(text, "\n{}", counts.join(", "));
    text
}
