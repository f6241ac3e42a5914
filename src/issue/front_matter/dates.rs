//! Dates as people write them.

use jiff::civil::{Date, DateTime};

/// `2022-12-30`, alone or with a time behind it; with slashes or dots and without zeros too, as year, month and day are
/// distinguished by their order.
pub(super) fn parse_date(text: &str) -> Option<Date> {
    numeric_date(text).or_else(|| worded_date(text))
}

/// `20221230`, `30 December 2022`, `Dec 30, 2022`, `Fri, 30 Dec 2022 09:00:00 +0000` (RFC 5322): what has one meaning only.
fn worded_date(text: &str) -> Option<Date> {
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Date::strptime("%Y%m%d", text).ok().filter(|date| (1900..2200).contains(&date.year()));
    }
    let forms = ["%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%B %d %Y", "%b %d %Y"];
    let date = forms.iter().find_map(|form| Date::strptime(form, text).ok());
    date.or_else(|| jiff::fmt::rfc2822::parse(text).ok().map(|time| time.date()))
}

fn numeric_date(text: &str) -> Option<Date> {
    let mark = text.chars().nth(4).filter(|mark| matches!(mark, '-' | '/' | '.'))?;
    let end = text.find(|c: char| !c.is_ascii_digit() && c != mark).unwrap_or(text.len());
    let (day, rest) = text.split_at(end);
    let number = |part: Option<&str>, digits: std::ops::RangeInclusive<usize>| {
        part.filter(|part| digits.contains(&part.len())).and_then(|part| part.parse::<i16>().ok())
    };
    let mut parts = day.split(mark);
    let year = number(parts.next(), 4..=4)?;
    let month = number(parts.next(), 1..=2)?;
    let day = number(parts.next(), 1..=2)?;
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let rest = rest.trim();
    let timed = rest.is_empty() || {
        let (clock, zone) = match rest.trim_start_matches(['T', 't']).find(['Z', 'z', '+', '-', ' ', '[']) {
            Some(at) => rest.trim_start_matches(['T', 't']).split_at(at),
            None => (rest.trim_start_matches(['T', 't']), ""),
        };
        let zone = zone.trim();
        let zero = if clock.find(':') == Some(1) { "0" } else { "" };
        format!("{date}T{zero}{clock}").parse::<DateTime>().is_ok()
            && (zone.is_empty()
                || zone.eq_ignore_ascii_case("z")
                || zone.chars().all(|c| c.is_ascii_alphanumeric() || "+-:[]/_".contains(c)))
    };
    (parts.next().is_none() && timed).then_some(date)
}

#[cfg(test)]
mod tests {
    use super::parse_date;

    #[test]
    fn a_date_is_year_month_day_and_perhaps_a_time() {
        for text in [
            "2022-12-30",
            "2022-12-30T09:00:00+01:00",
            "2022-12-30 09:00",
            "2022-12-30T09:00:00Z",
            "2022/12/30 15:50",
            "2022.12.30",
            "2022-12-30T9:05",
            "20221230",
            "30 December 2022",
            "30 Dec 2022",
            "December 30, 2022",
            "Dec 30 2022",
            "Fri, 30 Dec 2022 09:00:00 +0000",
        ] {
            assert_eq!(
                parse_date(text).map(|date| date.to_string()).as_deref(),
                Some("2022-12-30"),
                "{text}"
            );
        }
        assert_eq!(parse_date("2020-12-2").map(|date| date.to_string()).as_deref(), Some("2020-12-02"));
        for text in [
            "30.12.2022",
            "2022-12/30",
            "2022-12",
            "22-12-30",
            "2022-12-30-1",
            "2022-13-01",
            "2022-02-30",
            "Dez 30, 2022",
            "12/30/2022",
            "30 December",
            "31 February 2022",
            "2022-12-30 noon",
            "20221330",
            "",
        ] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }
}
