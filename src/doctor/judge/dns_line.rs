//! Lines about the DNS.

use crate::doctor::line::{Level, Line, Part};

/// A line about the DNS.
pub(super) fn line(check: &'static str, level: Level, text: impl Into<String>) -> Line {
    Line::new(Part::Dns, check, level, text)
}

/// A question that was not answered: nothing can be said.
pub(super) fn unanswered(check: &'static str, name: &str, reason: &str) -> Line {
    line(check, Level::Warning, format!("the DNS gave no answer about `{name}`: {reason}"))
        .help("run it again in a moment; if it stays, look at the domain's name servers, or ask another one with --dns ADDRESS")
}
