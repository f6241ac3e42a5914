//! Issues that are to be sent at a time of the owner's.

use std::{fmt, time::Duration};

use jiff::{
    Timestamp,
    civil::{DateTime, Time},
    fmt::temporal::{Pieces, PiecesOffset},
    tz::{AmbiguousOffset, TimeZone},
};
use serde::{Deserialize, Serialize};

use crate::render::RenderedIssue;

/// A time by the owner's clock: a date and a time of the day in a time zone. Which moment that is depends on the rules of the
/// zone, which governments change at short notice, and so it is worked out again whenever it matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalTime {
    at: DateTime,
    zone: String,
}

/// A text that is not a time of the owner's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid time `{text}`: {what}")]
pub struct InvalidLocalTime {
    text: String,
    what: String,
}

impl LocalTime {
    /// Reads `2026-12-04T09:00[Europe/Berlin]`, `2026-12-04T09:00+01:00`, or `2026-12-04T09:00` for this machine's zone.
    ///
    /// # Errors
    ///
    /// When the text is not a date with a time, names an unknown zone, or has an offset that the zone does not have then.
    pub fn parse(text: &str, system: &TimeZone) -> Result<Self, InvalidLocalTime> {
        let refuse = |what: &str| InvalidLocalTime { text: text.to_owned(), what: what.to_owned() };
        let pieces = Pieces::parse(text).map_err(|error| match Time::strptime("%H:%M", text.trim()) {
            Ok(_) => refuse("the day is missing"),
            Err(_) if !text.starts_with(|c: char| c.is_ascii_digit()) => {
                refuse("it does not begin with a date")
            }
            Err(_) => refuse(&error.to_string()),
        })?;
        let time = pieces.time().ok_or_else(|| refuse("the time of the day is missing"))?;
        let offset = pieces.to_numeric_offset();
        let zone = match pieces.time_zone_annotation() {
            Some(_) => pieces
                .to_time_zone()
                .ok()
                .flatten()
                .and_then(|zone| name_of(&zone))
                .ok_or_else(|| refuse("unknown time zone"))?,
            None => match pieces.offset() {
                Some(PiecesOffset::Zulu) => "UTC".to_owned(),
                Some(_) => offset.map(|offset| offset.to_string()).ok_or_else(|| refuse("invalid offset"))?,
                None => name_of(system).ok_or_else(|| refuse("the time zone of this machine has no name"))?,
            },
        };
        let zone = if zone.starts_with(['+', '-']) { padded(&zone) } else { zone };
        let this = Self { at: pieces.date().to_datetime(time), zone };
        let due = this.due().ok_or_else(|| refuse("unknown time zone"))?;
        if let (Some(offset), Some(_)) = (offset, pieces.time_zone_annotation())
            && offset.to_timestamp(this.at).ok() != Some(due)
        {
            return Err(refuse(&format!("{} has another offset then", this.zone)));
        }
        Ok(this)
    }

    /// From what the ledger has.
    pub(super) fn stored(at: &str, zone: String) -> Option<Self> {
        Some(Self { at: at.parse().ok()?, zone })
    }

    /// For the ledger: time and zone.
    pub(super) fn to_stored(&self) -> (String, String) {
        (self.at.to_string(), self.zone.clone())
    }

    /// The moment, by the rules of the zone as this machine knows them; `None` when it does not know the zone.
    ///
    /// A time that a clock skips (it is set forward) means the first moment after the gap; a time that comes twice (it is set
    /// back) means the first of the two.
    pub fn due(&self) -> Option<Timestamp> {
        let zone = Pieces::parse(&format!("2000-01-01[{}]", self.zone)).ok()?.to_time_zone().ok()??;
        match zone.to_ambiguous_timestamp(self.at).offset() {
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
                offset.to_timestamp(self.at).ok()
            }
            AmbiguousOffset::Gap { before, .. } => {
                let inside = before.to_timestamp(self.at).ok()?;
                // The gap ends at the last change of the clock up to then.
                let after = inside.checked_add(Duration::from_nanos(1)).ok()?;
                Some(zone.preceding(after).next().map_or(inside, |change| change.timestamp()))
            }
        }
    }
}

fn name_of(zone: &TimeZone) -> Option<String> {
    if let Some(name) = zone.iana_name() {
        return Some(name.to_owned());
    }
    if *zone == TimeZone::UTC {
        return Some("UTC".to_owned());
    }
    zone.to_fixed_offset().ok().map(|offset| offset.to_string())
}

/// `+01` as `+01:00`.
fn padded(offset: &str) -> String {
    if offset.len() == 3 { format!("{offset}:00") } else { offset.to_owned() }
}

/// `2026-12-04 09:00 (Europe/Berlin)`
impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.at.strftime("%Y-%m-%d %H:%M"), self.zone)
    }
}

/// A scheduled issue, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScheduleId(pub(super) i64);

/// What has become of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum ScheduleState {
    /// It starts at its time.
    Waiting,
    /// It has started.
    Started,
    /// Its time has passed, or it could not start: the owner decides.
    Held,
    /// The owner took it back, or sent the issue another way.
    Canceled,
    /// The issue was edited after it was scheduled.
    Void,
}

impl ScheduleState {
    const ALL: [Self; 5] = [Self::Waiting, Self::Started, Self::Held, Self::Canceled, Self::Void];

    /// The word in the ledger, in JSON and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Started => "started",
            Self::Held => "held",
            Self::Canceled => "canceled",
            Self::Void => "void",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// An issue with the time at which it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Its number.
    pub id: ScheduleId,
    /// The issue's name.
    pub slug: String,
    /// The number of the edition.
    pub number: Option<u32>,
    /// The issue's title.
    pub title: String,
    /// The digest of the frozen letter.
    pub digest: String,
    /// When it is sent.
    pub at: LocalTime,
    /// So much later it may still start.
    pub late: Duration,
    /// Whether rows of the list that cannot be used are skipped.
    pub skip_bad_rows: bool,
    /// The fingerprint of the keys that its letters are signed with.
    pub signing: String,
    /// The settings, as [`Ledger::store_run`](super::Ledger::store_run) keeps them.
    pub settings: String,
    /// What has become of it.
    pub state: ScheduleState,
    /// Why it is held, void or canceled.
    pub why: Option<String>,
}

/// An issue to be scheduled.
#[derive(Clone, Debug)]
pub struct NewSchedule<'a> {
    /// The letter.
    pub rendered: &'a RenderedIssue,
    /// When it is sent.
    pub at: LocalTime,
    /// So much later it may still start.
    pub late: Duration,
    /// Whether rows of the list that cannot be used are skipped.
    pub skip_bad_rows: bool,
    /// The fingerprint of the keys.
    pub signing: String,
    /// The settings.
    pub settings: String,
    /// The time of day.
    pub now: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn due(text: &str) -> String {
        LocalTime::parse(text, &TimeZone::UTC).unwrap().due().unwrap().to_string()
    }

    #[test]
    fn a_time_is_read_in_its_zone() {
        assert_eq!(due("2026-12-04T09:00[Europe/Berlin]"), "2026-12-04T08:00:00Z");
        assert_eq!(due("2026-07-04 09:00[Europe/Berlin]"), "2026-07-04T07:00:00Z");
        assert_eq!(due("2026-12-04T09:00+05:30"), "2026-12-04T03:30:00Z");
        assert_eq!(due("2026-12-04T09:00-03"), "2026-12-04T12:00:00Z");
        assert_eq!(due("2026-12-04T09:00Z"), "2026-12-04T09:00:00Z");
        assert_eq!(due("2026-12-04T09:00"), "2026-12-04T09:00:00Z");
        assert_eq!(due("2026-12-04T09:00+01:00[Europe/Berlin]"), "2026-12-04T08:00:00Z");
    }

    #[test]
    fn a_time_that_the_clock_skips_is_the_first_after_it_and_one_that_comes_twice_is_the_first() {
        // On 2027-03-28 clocks in Berlin go from 02:00 to 03:00, on 2027-10-31 from 03:00 to 02:00.
        for text in ["2027-03-28T02:00", "2027-03-28T02:30", "2027-03-28T02:59", "2027-03-28T03:00"] {
            assert_eq!(due(&format!("{text}[Europe/Berlin]")), "2027-03-28T01:00:00Z", "{text}");
        }
        assert_eq!(due("2027-03-28T01:59[Europe/Berlin]"), "2027-03-28T00:59:00Z");
        assert_eq!(due("2027-10-31T02:30[Europe/Berlin]"), "2027-10-31T00:30:00Z");
        assert_eq!(due("2027-10-31T03:00[Europe/Berlin]"), "2027-10-31T02:00:00Z");
    }

    #[test]
    fn what_is_not_a_time_is_refused_with_what_is_wrong() {
        for (text, what) in [
            ("2026-12-04", "the time of the day is missing"),
            ("2026-12-04T09:00[Europe/Belrin]", "unknown time zone"),
            ("2026-12-04T09:00+02:00[Europe/Berlin]", "Europe/Berlin has another offset then"),
        ] {
            let error = LocalTime::parse(text, &TimeZone::UTC).unwrap_err();
            assert_eq!(error.to_string(), format!("invalid time `{text}`: {what}"));
        }
        assert!(LocalTime::parse("tomorrow", &TimeZone::UTC).is_err());
        assert!(LocalTime::parse("2026-13-04T09:00", &TimeZone::UTC).is_err());
    }

    #[test]
    fn the_ledger_keeps_a_time_as_it_was_written() {
        for text in ["2027-03-28T02:30[Europe/Berlin]", "2026-12-04T09:00-03:30", "2026-12-04T09:00Z"] {
            let time = LocalTime::parse(text, &TimeZone::UTC).unwrap();
            let (at, zone) = time.to_stored();
            assert_eq!(LocalTime::stored(&at, zone), Some(time));
        }
    }
}
