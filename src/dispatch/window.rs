use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Time, Weekday},
    tz::TimeZone,
};

/// The hours in which letters may leave.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// The days; none means every day.
    pub days: Vec<Weekday>,
    /// From this time of the day.
    pub from: Time,
    /// Until before this time of the day; earlier than `from` reaches past midnight, equal means the whole day.
    pub to: Time,
    /// Whose days and hours.
    pub zone: TimeZone,
}

/// What a window says at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hours {
    /// Letters may leave until then.
    OpenUntil(Timestamp),
    /// Letters may leave again from then on.
    ClosedUntil(Timestamp),
}

impl Window {
    /// Whether letters may leave now, and until when that holds.
    ///
    /// A stretch belongs to the day it begins on: a window of Friday from 22:00 to 02:00 is open on Saturday at 01:00.
    pub fn at(&self, now: Timestamp) -> Hours {
        let today = now.to_zoned_datetime(self.zone.clone()).date();
        let mut opens = None;
        for offset in -1..=8_i64 {
            let Ok(day) = today.checked_add(offset.days()) else { continue };
            if !self.days.is_empty() && !self.days.contains(&day.weekday()) {
                continue;
            }
            let end_day = if self.from < self.to { Ok(day) } else { day.tomorrow() };
            let (Ok(start), Ok(end)) = (
                day.to_datetime(self.from).to_zoned_datetime(self.zone.clone()),
                end_day.and_then(|day| day.to_datetime(self.to).to_zoned_datetime(self.zone.clone())),
            ) else {
                continue;
            };
            let (start, end) = (start.timestamp(), end.timestamp());
            if start <= now && now < end {
                return Hours::OpenUntil(end);
            }
            if now < start && opens.is_none() {
                opens = Some(start);
            }
        }
        Hours::ClosedUntil(
            opens.unwrap_or_else(|| now.saturating_add(SignedDuration::from_hours(24)).unwrap_or(now)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::time;

    fn utc(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(window: &Window, now: &str, expected: Hours) {
        assert_eq!(window.at(utc(now)), expected, "{now}");
    }

    #[test]
    fn office_hours_in_another_time_zone() {
        let window = Window {
            days: vec![Weekday::Monday, Weekday::Friday],
            from: time(9, 0, 0, 0),
            to: time(17, 30, 0, 0),
            zone: TimeZone::get("Europe/Berlin").unwrap(),
        };
        // 2023-01-06 is a Friday; Berlin is an hour ahead in winter.
        check(&window, "2023-01-06T07:59:59Z", Hours::ClosedUntil(utc("2023-01-06T08:00:00Z")));
        check(&window, "2023-01-06T08:00:00Z", Hours::OpenUntil(utc("2023-01-06T16:30:00Z")));
        check(&window, "2023-01-06T16:30:00Z", Hours::ClosedUntil(utc("2023-01-09T08:00:00Z")));
    }

    #[test]
    fn a_night_belongs_to_the_day_it_begins_on() {
        let window = Window {
            days: vec![Weekday::Friday],
            from: time(22, 0, 0, 0),
            to: time(2, 0, 0, 0),
            zone: TimeZone::UTC,
        };
        check(&window, "2023-01-07T01:00:00Z", Hours::OpenUntil(utc("2023-01-07T02:00:00Z")));
        check(&window, "2023-01-06T01:00:00Z", Hours::ClosedUntil(utc("2023-01-06T22:00:00Z")));
    }

    #[test]
    fn equal_times_mean_the_whole_day() {
        let window =
            Window { days: vec![], from: time(0, 0, 0, 0), to: time(0, 0, 0, 0), zone: TimeZone::UTC };
        check(&window, "2023-01-07T13:00:00Z", Hours::OpenUntil(utc("2023-01-08T00:00:00Z")));
    }
}
