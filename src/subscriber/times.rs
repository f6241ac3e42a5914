//! Times as lists write them.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};

/// A time in the spellings of exports: `2024-03-13T00:03:09Z`, `2024-03-13 00:03:09.18+00:00`, `2024-03-13 00:03:09 UTC`,
/// `2024-03-13 00:03:09` and `2024-03-13`; without a zone it is UTC.
pub fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let text = text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" GMT")).unwrap_or(text);
    let utc = |at: DateTime| at.to_zoned_datetime(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if text.len() == 10 {
        return text.parse::<Date>().ok().and_then(|day| utc(day.at(0, 0, 0, 0)));
    }
    text.parse::<DateTime>().ok().and_then(utc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_spellings_of_exports() {
        for (text, expected) in [
            ("2024-03-13T00:03:09Z", Some("2024-03-13T00:03:09Z")),
            ("2024-03-13 00:03:09.183465+00:00", Some("2024-03-13T00:03:09.183465Z")),
            ("2024-03-13 00:03:09 UTC", Some("2024-03-13T00:03:09Z")),
            ("2024-03-13 00:03:09", Some("2024-03-13T00:03:09Z")),
            ("2024-03-13T02:03:09+02:00", Some("2024-03-13T00:03:09Z")),
            ("2024-03-13", Some("2024-03-13T00:00:00Z")),
            ("13.03.2024", None),
            ("yes", None),
            ("", None),
        ] {
            assert_eq!(parse_time(text).map(|at| at.to_string()).as_deref(), expected, "{text}");
        }
    }
}
