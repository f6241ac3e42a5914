//! How the list grows and shrinks.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Serialize;

use super::{
    import::StatusCounts,
    values::{Person, Status},
};

/// The list in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// People on the list, whatever their status.
    pub people: u64,
    /// By what they are now.
    pub by_status: StatusCounts,
    /// By where they came from.
    pub by_source: BTreeMap<String, u64>,
    /// People who get letters, by tag.
    pub by_tag: BTreeMap<String, u64>,
    /// People who get letters, by topic.
    pub by_topic: BTreeMap<String, u64>,
    /// The months in which something happened, the earliest first.
    pub months: BTreeMap<String, Month>,
}

/// What happened in a month. Only people count who ever got letters from this list: an import also brings people who left
/// another one before, and no one joins who has not confirmed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Month {
    /// People who joined.
    pub joined: u64,
    /// The same people by where they came from.
    pub joined_from: BTreeMap<String, u64>,
    /// People who unsubscribed.
    pub unsubscribed: u64,
    /// People whose letters came back.
    pub bounced: u64,
    /// People who complained.
    pub complained: u64,
}

impl Month {
    /// How many people were lost.
    pub fn lost(&self) -> u64 {
        self.unsubscribed + self.bounced + self.complained
    }
}

impl Stats {
    /// Counts a person. `was_on` says of someone who gets no letters whether they ever got some from this list.
    pub fn add(&mut self, person: &Person, was_on: bool, now: Timestamp) {
        let status = person.status_now(now);
        self.people += 1;
        self.by_status.add(status, 1);
        *self.by_source.entry(person.source.clone()).or_default() += 1;
        if status == Status::Active {
            for (counts, words) in [(&mut self.by_tag, &person.tags), (&mut self.by_topic, &person.topics)] {
                for word in words.iter() {
                    *counts.entry(word.to_owned()).or_default() += 1;
                }
            }
        }
        let has_joined = match status {
            Status::Active | Status::Paused => true,
            _ => was_on,
        };
        if !has_joined {
            return;
        }
        let came = self.months.entry(month(person.joined_at)).or_default();
        came.joined += 1;
        *came.joined_from.entry(person.source.clone()).or_default() += 1;
        if status.is_no() {
            let lost = self.months.entry(month(person.status_at)).or_default();
            match status {
                Status::Bounced => lost.bounced += 1,
                Status::Complained => lost.complained += 1,
                _ => lost.unsubscribed += 1,
            }
        }
    }

    /// Every month from the first to the last with anything in it, with how many people the list had at its end.
    pub fn course(&self) -> Vec<(String, Month, u64)> {
        let parse = |text: &String| format!("{text}-01").parse::<Date>().ok();
        let (Some(first), Some(last)) =
            (self.months.keys().next().and_then(parse), self.months.keys().next_back().and_then(parse))
        else {
            return Vec::new();
        };
        let (mut course, mut size, mut at) = (Vec::new(), 0_u64, first);
        while at <= last {
            let name = name(at);
            let month = self.months.get(&name).cloned().unwrap_or_default();
            size = (size + month.joined).saturating_sub(month.lost());
            course.push((name, month, size));
            let Ok(next) = at.checked_add(jiff::Span::new().months(1)) else { break };
            at = next;
        }
        course
    }
}

fn month(at: Timestamp) -> String {
    name(at.to_zoned_datetime(TimeZone::UTC).date())
}

fn name(day: Date) -> String {
    format!("{:04}-{:02}", day.year(), day.month())
}
