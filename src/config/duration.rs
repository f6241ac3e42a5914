//! Stretches of time as people write them.

use std::time::Duration;

/// Reads `500ms`, `30s`, `1h30m`, `2d`; `None` when it is nothing of the kind. A hundred years are the most.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u32 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "ms" => Duration::from_millis(1),
            "s" | "sec" => Duration::from_secs(1),
            "m" | "min" => Duration::from_secs(60),
            "h" => Duration::from_secs(60 * 60),
            "d" => Duration::from_secs(24 * 60 * 60),
            _ => return None,
        };
        total = total.checked_add(unit.checked_mul(number)?)?;
        rest = rest[letters..].trim_start();
    }
    (total <= Duration::from_secs(36_525 * 24 * 60 * 60)).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_required_and_add_up() {
        for (text, expected) in [
            ("500ms", Some(Duration::from_millis(500))),
            ("30s", Some(Duration::from_secs(30))),
            ("1h30m", Some(Duration::from_secs(5400))),
            ("1h 30m", Some(Duration::from_secs(5400))),
            ("2d", Some(Duration::from_secs(172_800))),
            ("", None),
            ("30", None),
            ("m", None),
            ("3 weeks", None),
            ("-1s", None),
            ("1.5h", None),
            ("99999999999s", None),
            ("4000000000d", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
