//! What the facts mean. Every function here is pure: the same facts give the same lines.

pub(super) mod files;
pub(super) mod providers;
pub(super) mod relay;
pub(super) mod web;

mod dkim;
mod dmarc;
mod mail;
mod spf;

use super::{
    Level, Line, Part,
    gather::{DnsFacts, Expected},
};

/// Lines about the DNS of the newsletter's domains.
pub fn judge_dns(facts: &DnsFacts, expected: &Expected) -> Vec<Line> {
    let mut lines = vec![mail::sender(facts, expected)];
    // Records of a domain that does not exist are no news.
    if lines[0].level == Level::Error {
        return lines;
    }
    lines.push(spf::judge(&facts.spf, expected));
    lines.extend(dkim::judge(&facts.dkim, expected));
    lines.extend(dmarc::judge(&facts.dmarc, expected));
    lines.push(dmarc::alignment(facts, expected));
    lines.extend(mail::receiving(facts, expected));
    lines.extend(mail::notes(facts, expected));
    lines.extend(mail::reverse(facts));
    lines
}

/// A line about the DNS.
fn line(check: &'static str, level: Level, text: impl Into<String>) -> Line {
    Line::new(Part::Dns, check, level, text)
}

/// A question that was not answered: nothing can be said.
fn unanswered(check: &'static str, name: &str, reason: &str) -> Line {
    line(check, Level::Warning, format!("the DNS gave no answer about `{name}`: {reason}"))
        .help("run it again in a moment; if it stays, look at the domain's name servers, or ask another one with --dns ADDRESS")
}
