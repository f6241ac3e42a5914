//! Numbers, sizes and times in messages.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};

/// A number with separators: `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number with its noun: `1 letter`, `2 letters`.
pub fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A duration with two significant parts: `350 ms`, `12 s`, `3 min`, `2 h 5 min`, `4 days`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 0.9995 {
        return format!("{} ms", (seconds * 1000.0).round());
    }
    if seconds < 9.95 && seconds.fract() > 0.05 && seconds.fract() < 0.95 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..600 if !whole.is_multiple_of(60) => format!("{} min {} s", whole / 60, whole % 60),
        60..3600 => format!("{} min", whole.div_ceil(60)),
        3600..172_800 if !(whole / 60).is_multiple_of(60) => {
            format!("{} h {} min", whole / 3600, whole / 60 % 60)
        }
        3600..172_800 => format!("{} h", whole / 3600),
        _ => format!("{} days", whole / 86_400),
    }
}

/// A number of bytes in units of a thousand, as mailbox providers count: `12.3 KB`.
pub fn human_bytes(number: u64) -> String {
    match number {
        0..1_000 => format!("{number} B"),
        1_000..1_000_000 => format!("{:.1} KB", number as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", number as f64 / 1e6),
        _ => format!("{:.1} GB", number as f64 / 1e9),
    }
}

/// A moment in the time zone of the machine: `2023-01-06 17:30 CET`.
pub fn when(moment: Timestamp) -> String {
    moment.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M %Z").to_string()
}

/// Text of a stranger's, such as a relay's reply, for a terminal: what would turn the direction of the line around is shown as
/// `\u{fffd}`, and so are control characters other than the end of a line and a tab.
pub fn printable(text: &str) -> String {
    let hides = |c: char| {
        c.is_control() && c != '\n' && c != '\t'
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if hides(c) { '\u{fffd}' } else { c }).collect()
}

/// A relay's reply for a page that is passed on: every address in it as an [`EmailAddress`](crate::address::EmailAddress) prints itself.
pub(super) fn masked(text: &str) -> String {
    let is_local = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let is_domain = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || c == '[';
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        let before = &rest[..at];
        let start = match before.strip_suffix('"').and_then(|quoted| quoted.rfind('"')) {
            Some(quote) => quote,
            None => before.trim_end_matches(is_local).len(),
        };
        let (words, local) = before.split_at(start);
        out.push_str(words);
        rest = &rest[at + 1..];
        match local.chars().next() {
            Some(first) if rest.starts_with(is_domain) => {
                out.push(first);
                out.push('…');
            }
            _ => out.push_str(local),
        }
        out.push('@');
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(123_456), "123,456");
        assert_eq!(plural(1, "letter", "letters"), "1 letter");
        for (seconds, expected) in [
            (0.0123, "12 ms"),
            (1.0, "1 s"),
            (2.5, "2.5 s"),
            (59.6, "1 min"),
            (61.0, "1 min 1 s"),
            (1000.0, "17 min"),
            (7500.0, "2 h 5 min"),
            (7200.0, "2 h"),
            (400_000.0, "4 days"),
        ] {
            assert_eq!(duration(Duration::from_secs_f64(seconds)), expected);
        }
        assert_eq!(human_bytes(102_400), "102.4 KB");
    }

    #[test]
    fn addresses_in_a_reply_are_masked() {
        for (reply, expected) in [
            ("550 5.1.1 <Ann@Example.com>: rejected", "550 5.1.1 <A…@Example.com>: rejected"),
            ("ann.b+c@a.example,bob@b.example.", "a…@a.example,b…@b.example."),
            ("no \"ann b\"@example.com here", "no \"…@example.com here"),
            ("jörg@bücher.example é", "j…@bücher.example é"),
            ("at 5 @ home, @b and a@", "at 5 @ home, @b and a@"),
            ("a@b@example.com", "a…@b…@example.com"),
            ("", ""),
        ] {
            assert_eq!(masked(reply), expected);
        }
    }
}
