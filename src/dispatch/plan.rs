//! Who gets an issue, who does not and why, and how long it will take.

use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use serde::Serialize;

use super::{options::Options, pace::PacePolicy, survey::Survey, window::Hours};
use crate::{
    ledger::{DispatchRecord, Tally},
    render::RenderedIssue,
    subscriber::InactiveCounts,
};

/// What a run would do, before it does it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Plan {
    /// The issue's name.
    pub issue: String,
    /// The issue's title.
    pub title: String,
    /// The digest of the rendered issue.
    pub digest: String,
    /// When the dispatch was opened; `None` when this run opens it.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub opened_at: Option<Timestamp>,
    /// What became of the letters so far.
    pub so_far: Tally,
    /// People on the list who are not in the dispatch yet.
    pub newcomers: u64,
    /// Newcomers who will get nothing, because their address is suppressed.
    pub newcomers_suppressed: u64,
    /// People who are in the dispatch and will get nothing, because their address has been suppressed since.
    pub suppressed_since: u64,
    /// People who are in the dispatch and will get nothing, because the list says now that they get no letters.
    pub opted_out_since: u64,
    /// People on the list who get no letters, by cause.
    #[serde(flatten)]
    #[cfg_attr(test, schemars(with = "crate::subscriber::InactiveCountsSchema"))]
    pub inactive: InactiveCounts,
    /// Rows that repeat an address.
    pub duplicates: u64,
    /// Rows that cannot be used, and are skipped because the owner said so.
    pub skipped_rows: u64,
    /// People who failed before and are tried again.
    pub retried: u64,
    /// People who are owed the issue although the list no longer has them: only a suppression stops a letter then.
    pub gone: u64,
    /// People whom the owner's choice (`--only`, `--where`, `--limit`, `--sample`) leaves for later.
    pub left_for_later: u64,
    /// Letters that this run will offer.
    pub letters: u64,
    /// How long it will take, as far as the pace tells.
    pub prediction: Prediction,
    #[serde(skip)]
    is_idle: bool,
}

impl Plan {
    pub(super) fn new(
        rendered: &RenderedIssue,
        opened: Option<&DispatchRecord>,
        survey: &Survey,
        so_far: Tally,
        options: &Options,
    ) -> Self {
        let newcomers = survey.newcomers - survey.newcomers_suppressed;
        let retried = survey.retried.len() as u64;
        let opted_out = survey.opted_out.len() as u64;
        let stopped = survey.suppressed_since + opted_out;
        let owed = (so_far.queued + so_far.deferred).saturating_sub(stopped) + retried + newcomers;
        let selects = options.selection.is_some();
        let letters = if selects { survey.chosen.min(owed) } else { owed };
        Self {
            issue: rendered.slug.clone(),
            title: rendered.title.clone(),
            digest: rendered.digest(),
            opened_at: opened.map(|record| record.opened_at),
            so_far,
            newcomers: survey.newcomers,
            newcomers_suppressed: survey.newcomers_suppressed,
            suppressed_since: survey.suppressed_since,
            opted_out_since: opted_out,
            inactive: survey.inactive,
            duplicates: survey.duplicates,
            skipped_rows: survey.unusable,
            retried,
            gone: survey.gone,
            left_for_later: owed - letters,
            letters,
            prediction: predict(letters, &options.pace, options.begins, 0),
            is_idle: letters == 0 && stopped == 0 && (survey.newcomers == 0 || selects),
        }
    }

    /// How many people the issue is for: those who have it, and those who are to get it, whatever this run selects.
    pub fn audience(&self) -> u64 {
        let recorded = self.so_far.planned.saturating_sub(self.so_far.suppressed);
        let stopped = self.suppressed_since + self.opted_out_since + self.newcomers_suppressed;
        (recorded + self.newcomers).saturating_sub(stopped)
    }

    /// Whether there is no letter to send and no person to record.
    pub fn is_idle(&self) -> bool {
        self.is_idle
    }
}

/// How long a run will take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Prediction {
    /// As fast as the relay takes them.
    AtOnce,
    /// The pace allows the last letter at this time.
    Until(#[cfg_attr(test, schemars(with = "String"))] Timestamp),
    /// The pace never allows it.
    Never,
}

/// When the last of so many letters can leave under a pace, from now on. Reads no clock.
///
/// It goes day by day: the warm-up's share and a limit per day bound a day's letters, and the hours of the window and the
/// shorter limits bound how many fit into what is left of it. Earlier letters are not counted: it is a prediction, and the
/// pace itself is exact.
pub(super) fn predict(letters: u64, pace: &PacePolicy, now: Timestamp, warm_up_days: usize) -> Prediction {
    let day = Duration::from_secs(86_400);
    let short: Vec<_> = pace.limits.iter().filter(|limit| limit.per < day).collect();
    let per_day =
        pace.limits.iter().filter(|limit| day <= limit.per).map(|limit| u64::from(limit.letters)).min();
    if letters == 0
        || (short.is_empty() && per_day.is_none() && pace.window.is_none() && pace.warm_up.is_empty())
    {
        return Prediction::AtOnce;
    }
    let zone = pace.window.as_ref().map_or(jiff::tz::TimeZone::UTC, |window| window.zone.clone());
    let (mut left, mut at, mut warm_day) = (letters, now, warm_up_days);
    // Ten years of days: whatever takes longer is not a plan.
    for _ in 0..3_650 {
        let today = at.to_zoned_datetime(zone.clone()).date();
        let Ok(midnight) = today.checked_add(1.day()).and_then(|day| day.to_zoned_datetime(zone.clone()))
        else {
            break;
        };
        let midnight = midnight.timestamp();
        let mut share = per_day.unwrap_or(u64::MAX);
        if let Some(cap) = pace.warm_up.get(warm_day) {
            share = share.min(u64::from(*cap));
        }
        let before = left;
        while at < midnight && share > 0 && left > 0 {
            let open_until = match pace.window.as_ref().map(|window| window.at(at)) {
                Some(Hours::ClosedUntil(opens)) => {
                    at = opens;
                    continue;
                }
                Some(Hours::OpenUntil(closes)) => closes.min(midnight),
                None => midnight,
            };
            let room = Duration::try_from(open_until.duration_since(at)).unwrap_or_default();
            let fit =
                short.iter().map(|limit| fits(limit.letters, limit.per, room)).min().unwrap_or(u64::MAX);
            let leave = left.min(share).min(fit);
            left -= leave;
            share -= leave;
            if left == 0 {
                let needs = short
                    .iter()
                    .map(|limit| needs(leave, limit.letters, limit.per))
                    .max()
                    .unwrap_or_default();
                return at.checked_add(needs).map_or(Prediction::Never, Prediction::Until);
            }
            at = open_until;
        }
        if left < before {
            warm_day += 1;
        }
        at = at.max(midnight);
    }
    Prediction::Never
}

/// Letters that fit into a stretch when at most `letters` may leave in any `per`.
fn fits(letters: u32, per: Duration, stretch: Duration) -> u64 {
    let whole = (stretch.as_nanos() / per.as_nanos().max(1)) as u64;
    (whole + 1).saturating_mul(u64::from(letters))
}

/// The time that so many letters need when at most `letters` may leave in any `per`: the first lot leaves at once.
fn needs(count: u64, letters: u32, per: Duration) -> Duration {
    let lots = count.saturating_sub(1) / u64::from(letters.max(1));
    per.saturating_mul(u32::try_from(lots).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::{Limit, Window};
    use jiff::{civil::time, tz::TimeZone};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(letters: u64, pace: &PacePolicy, expected: Prediction) {
        assert_eq!(predict(letters, pace, at("2023-01-06T10:00:00Z"), 0), expected);
    }

    fn limit(letters: u32, seconds: u64) -> Limit {
        Limit { letters, per: Duration::from_secs(seconds) }
    }

    #[test]
    fn without_limits_the_relay_decides() {
        check(1_000_000, &PacePolicy::default(), Prediction::AtOnce);
    }

    #[test]
    fn the_tightest_limit_decides() {
        let pace = PacePolicy { limits: vec![limit(10, 1), limit(60, 60)], ..PacePolicy::default() };
        check(60, &pace, Prediction::Until(at("2023-01-06T10:00:05Z")));
        check(180, &pace, Prediction::Until(at("2023-01-06T10:02:00Z")));
    }

    #[test]
    fn a_limit_per_day_spreads_over_days() {
        let pace = PacePolicy { limits: vec![limit(100, 86_400), limit(100, 3600)], ..PacePolicy::default() };
        check(250, &pace, Prediction::Until(at("2023-01-08T00:00:00Z")));
    }

    #[test]
    fn a_warm_up_grows_and_then_ends() {
        let pace = PacePolicy { warm_up: vec![10, 20], ..PacePolicy::default() };
        check(10, &pace, Prediction::Until(at("2023-01-06T10:00:00Z")));
        check(31, &pace, Prediction::Until(at("2023-01-08T00:00:00Z")));
    }

    #[test]
    fn a_window_holds_letters_until_it_opens() {
        let window =
            Window { days: vec![], from: time(12, 0, 0, 0), to: time(13, 0, 0, 0), zone: TimeZone::UTC };
        let pace = PacePolicy { limits: vec![limit(10, 600)], window: Some(window), ..PacePolicy::default() };
        check(20, &pace, Prediction::Until(at("2023-01-06T12:10:00Z")));
        check(80, &pace, Prediction::Until(at("2023-01-07T12:00:00Z")));
    }

    #[test]
    fn nothing_allowed_is_never() {
        let pace = PacePolicy { limits: vec![limit(0, 86_400)], ..PacePolicy::default() };
        check(1, &pace, Prediction::Never);
    }
}
