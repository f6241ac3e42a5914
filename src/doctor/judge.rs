//! What the facts mean. Every function here is pure: the same facts give the same lines.

pub(super) mod files;
pub(super) mod mailbox;
pub(super) mod providers;
pub(super) mod relay;
pub(super) mod web;

mod dkim;
mod dmarc;
mod dns_line;
mod mail;
mod mta_sts;
mod spf;

use super::{
    line::{Level, Line, Part},
    lookup::{DnsFacts, Expected},
};

/// Lines about the DNS of the newsletter's domains.
pub fn judge_dns(facts: &DnsFacts, expected: &Expected) -> Vec<Line> {
    let mut lines = vec![mail::sender(facts, expected)];
    // Records of a domain that does not exist are no news.
    if lines[0].level == Level::Error {
        return lines;
    }
    lines.push(spf::judge(&facts.spf, expected));
    lines.extend(dkim::judge(facts, expected));
    lines.extend(dmarc::judge(&facts.dmarc, expected));
    lines.push(dmarc::alignment(facts, expected));
    lines.extend(mail::receiving(facts, expected));
    lines.extend(mta_sts::judge(&facts.mta_sts, &facts.bounces_mx, &expected.bounces));
    lines.extend(mail::tls_reports(facts, expected));
    lines.extend(mail::reverse(facts));
    lines
}

/// A larger difference between clocks, in seconds, is a fault of one of them.
const CLOCK_MAX: u64 = 30;

/// The line about this machine's clock, which is so many seconds ahead of another.
fn clock(part: Part, ahead: i64, other: &str) -> Line {
    let seconds = ahead.unsigned_abs();
    if seconds <= CLOCK_MAX {
        return Line::new(part, "clock", Level::Ok, format!("this machine's clock agrees with {other}"));
    }
    let way = if ahead > 0 { "ahead of" } else { "behind" };
    Line::new(part, "clock", Level::Warning, format!("this machine's clock is {seconds} seconds {way} {other}")).help(
        "set the clock by NTP (`timedatectl set-ntp true`): dates and signatures in the future are refused, and schedules \
         and limits count by it",
    )
}
