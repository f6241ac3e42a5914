//! Pace, brake, retry and hours, until the rooms that use them stand.
#![allow(missing_docs, reason = "gone as soon as `dispatch` stands")]

use std::{collections::BTreeMap, time::Duration};

use jiff::{
    civil::{Time, Weekday},
    tz::TimeZone,
};

#[derive(Clone, Debug, PartialEq)]
pub struct BrakePolicy {
    pub refusals_in_a_row: u32,
    pub share: f64,
    pub sample: u32,
}

impl Default for BrakePolicy {
    fn default() -> Self {
        Self { refusals_in_a_row: 10, share: 0.25, sample: 100 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub letters: u32,
    pub per: Duration,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct PacePolicy {
    pub limits: Vec<Limit>,
    pub domains: BTreeMap<String, DomainPolicy>,
    pub adaptive: bool,
    pub window: Option<Window>,
    pub warm_up: Vec<u32>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct DomainPolicy {
    pub limits: Vec<Limit>,
    pub connections: Option<u32>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    pub days: Vec<Weekday>,
    pub from: Time,
    pub to: Time,
    pub zone: TimeZone,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    pub attempts_max: u32,
    pub first_wait: Duration,
    pub wait_max: Duration,
    pub give_up_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        let hour = Duration::from_secs(3600);
        Self {
            attempts_max: 12,
            first_wait: Duration::from_secs(60),
            wait_max: 4 * hour,
            give_up_after: 48 * hour,
        }
    }
}
