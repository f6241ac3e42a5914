//! `[pace]`, `[retry]` and `[check]`: what the owner allows and asks for: speed, retries and strictness.

use std::{collections::BTreeMap, time::Duration};

use jiff::{
    civil::{Time, Weekday},
    tz::TimeZone,
};
use toml::de::DeValue;

use super::{
    raw::{Item, Table, choices_help, choose},
    settings::Check,
};
use crate::{
    address::EmailAddress,
    check::{Level, Levels},
    dispatch::{ApprovalPolicy, BrakePolicy, DomainPolicy, Limit, PacePolicy, RetryPolicy, Window},
    source::Severity,
};

pub(super) fn pace(root: &Table<'_>) -> (PacePolicy, BrakePolicy) {
    let section = root.table("pace");
    let pace = PacePolicy {
        limits: limits(&section),
        window: window(&section),
        warm_up: section
            .numbers("warm_up", 1..=u32::MAX)
            .map(|days| days.into_iter().map(|day| day.value).collect())
            .unwrap_or_default(),
        domains: domains(&section),
        adaptive: section.flag("adaptive").is_none_or(|flag| flag.value),
    };
    let brake = brake(&section);
    section.finish();
    (pace, brake)
}

/// `[approval]`.
pub(super) fn approval(root: &Table<'_>) -> ApprovalPolicy {
    let section = root.table("approval");
    let usual = ApprovalPolicy::default();
    let required = section.flag("required").map_or(usual.required, |flag| flag.value);
    let growth = section.share("growth").map_or(usual.growth_max, |share| share.value);
    section.finish();
    ApprovalPolicy { required, growth_max: growth }
}

/// `[schedule] late`: six hours, unless it says otherwise.
pub(super) fn late(root: &Table<'_>) -> Duration {
    let section = root.table("schedule");
    let late = section.duration("late");
    section.finish();
    late.map_or(Duration::from_secs(6 * 3600), |late| late.value)
}

pub(super) fn limits(table: &Table<'_>) -> Vec<Limit> {
    [("per_second", 1), ("per_minute", 60), ("per_hour", 60 * 60), ("per_day", 24 * 60 * 60)]
        .into_iter()
        .filter_map(|(name, seconds)| {
            let letters = table.number(name, 1..=u32::MAX)?.value;
            Some(Limit { letters, per: Duration::from_secs(seconds) })
        })
        .collect()
}

fn domains(section: &Table<'_>) -> BTreeMap<String, DomainPolicy> {
    let mut domains = BTreeMap::new();
    for (name, table) in section.named_tables("per_domain") {
        let of_domain = DomainPolicy {
            limits: limits(&table),
            connections: table.number("connections", 1..=1000).map(|number| number.value),
        };
        table.finish();
        // As the domain of an address is written, so that both are one.
        match EmailAddress::parse(&format!("someone@{}", name.value)) {
            Ok(address) => {
                domains.insert(address.domain().to_owned(), of_domain);
            }
            Err(_) => {
                let message = format!("invalid domain {:?}", name.value);
                section.notes().error(
                    "M005",
                    name.span,
                    message,
                    "write it like \"gmail.com\" = { per_minute = 60 }",
                );
            }
        }
    }
    domains
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

fn window(section: &Table<'_>) -> Option<Window> {
    let table = section.table("window");
    let notes = table.notes();
    let mut days = Vec::new();
    for day in table.texts("days", "[\"mon\", \"tue\"]").unwrap_or_default() {
        let short: String = day.value.to_lowercase().chars().take(3).collect();
        match choose(&short, &DAYS) {
            Some(weekday) => days.push(weekday),
            None => {
                let message = format!("`{}` cannot hold {:?}", table.name_of("days"), day.value);
                notes.error("M005", day.span, message, choices_help(&day.value, &DAYS));
            }
        }
    }
    let from = time(&table, "from", "09:00");
    let to = time(&table, "to", "17:30");
    let zone = table.text("time_zone", "Europe/Berlin").and_then(|zone| match TimeZone::get(&zone.value) {
        Ok(zone) => Some(zone),
        Err(_) => {
            let message = format!("no time zone is called {:?}", zone.value);
            notes.error("M005", zone.span, message, "write it like \"Europe/Berlin\" or \"UTC\"");
            None
        }
    });
    let there = table.is_there();
    table.finish();
    there.then(|| Window {
        days,
        from: from.unwrap_or(Time::midnight()),
        to: to.unwrap_or(Time::midnight()),
        zone: zone.unwrap_or_else(TimeZone::system),
    })
}

/// A time of the day, as `"09:00"` or as TOML's own `09:00:00`.
fn time(table: &Table<'_>, name: &'static str, example: &str) -> Option<Time> {
    let value = table.any(name)?;
    let text = match value.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Datetime(moment) if moment.date.is_none() && moment.offset.is_none() => moment.to_string(),
        _ => String::new(),
    };
    let parsed =
        Time::strptime("%H:%M", text.trim()).or_else(|_| Time::strptime("%H:%M:%S", text.trim())).ok();
    if parsed.is_none() {
        let message = format!("`{}` must be a time of the day", table.name_of(name));
        table.notes().error("M005", value.span(), message, format!("write it like `{name} = {example:?}`"));
    }
    parsed
}

fn brake(section: &Table<'_>) -> BrakePolicy {
    let table = section.table("brake");
    let usual = BrakePolicy::default();
    let brake = BrakePolicy {
        refusals_in_a_row: table
            .number("refusals_in_a_row", 0..=u32::MAX)
            .map_or(usual.refusals_in_a_row, |number| number.value),
        share: table.share("share").map_or(usual.share, |share| share.value),
        sample: table.number("sample", 1..=u32::MAX).map_or(usual.sample, |number| number.value),
    };
    table.finish();
    brake
}

pub(super) fn retry(root: &Table<'_>) -> RetryPolicy {
    let section = root.table("retry");
    let usual = RetryPolicy::default();
    let wait = |name, usual| section.wait(name).map_or(usual, |wait: Item<Duration>| wait.value);
    let retry = RetryPolicy {
        attempts_max: section
            .number("attempts_max", 1..=1000)
            .map_or(usual.attempts_max, |number| number.value),
        first_wait: wait("first_wait", usual.first_wait),
        wait_max: wait("wait_max", usual.wait_max),
        give_up_after: section.duration("give_up_after").map_or(usual.give_up_after, |after| after.value),
    };
    section.finish();
    retry
}

const LEVELS: [(&str, Level); 4] = [
    ("allow", Level::Allow),
    ("note", Level::As(Severity::Note)),
    ("warning", Level::As(Severity::Warning)),
    ("error", Level::As(Severity::Error)),
];

pub(super) fn check(root: &Table<'_>) -> Check {
    let section = root.table("check");
    let notes = section.notes();
    let mut levels = Levels::default();
    for (code, level) in section.named_texts("levels") {
        let Some(level) = choose(&level.value, &LEVELS) else {
            let message = format!("`check.levels.{}` cannot be {:?}", code.value, level.value);
            notes.error("M005", level.span, message, choices_help(&level.value, &LEVELS));
            continue;
        };
        if let Err(unknown) = levels.set(&code.value, level) {
            let help = match unknown.nearest {
                Some(near) => format!("did you mean `{near}`?"),
                None => "codes look like `M401`; `mimeo check` shows them".to_owned(),
            };
            notes.error("M003", code.span, format!("no finding has the code `{}`", code.value), help);
        }
    }
    let history = section.number("history", 0..=1000).map_or(10, |number| number.value);
    section.finish();
    Check { levels, history }
}
