//! What `mimeo status` counts and lists, and what it prints as JSON.

use jiff::Timestamp;
use serde::Serialize;

use crate::ledger::{DeliveryRow, DispatchRecord, ReturnedTally, Schedule, ScheduleState, State, Tally};

/// The states that the owner can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Listed {
    Accepted,
    Queued,
    Deferred,
    Failed,
    Unconfirmed,
    Suppressed,
}

impl Listed {
    /// What a worker holds is still queued as long as nothing was begun, and unknown when it was.
    pub(super) fn states(self) -> &'static [State] {
        match self {
            Self::Accepted => &[State::Accepted],
            Self::Queued => &[State::Queued, State::Claimed],
            Self::Deferred => &[State::Deferred],
            Self::Failed => &[State::Failed],
            Self::Unconfirmed => &[State::Unconfirmed, State::Begun],
            Self::Suppressed => &[State::Suppressed],
        }
    }

    pub(super) fn of(state: State) -> &'static str {
        match state {
            State::Accepted => "accepted",
            State::Queued | State::Claimed => "queued",
            State::Deferred => "deferred",
            State::Failed => "failed",
            State::Unconfirmed | State::Begun => "unconfirmed",
            State::Suppressed => "suppressed",
        }
    }
}

/// The counts that add up to the plan.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct Counts {
    pub(super) planned: u64,
    pub(super) accepted: u64,
    pub(super) queued: u64,
    pub(super) deferred: u64,
    pub(super) failed: u64,
    pub(super) unconfirmed: u64,
    pub(super) suppressed: u64,
    pub(super) bounced: u64,
    pub(super) complained: u64,
}

impl From<Tally> for Counts {
    fn from(tally: Tally) -> Self {
        Self {
            planned: tally.planned,
            accepted: tally.accepted,
            queued: tally.queued + tally.claimed,
            deferred: tally.deferred,
            failed: tally.failed,
            unconfirmed: tally.unconfirmed + tally.begun,
            suppressed: tally.suppressed,
            bounced: 0,
            complained: 0,
        }
    }
}

impl Counts {
    pub(super) fn of(tally: Tally, returned: ReturnedTally) -> Self {
        Self { bounced: returned.bounced, complained: returned.complained, ..tally.into() }
    }
}

/// The letters of an issue.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct Letters {
    #[serde(flatten)]
    pub(super) counts: Counts,
    /// Why no worker goes on with what is left; null when nothing stops them
    pub(super) stopped: Option<String>,
    /// When it is sent, if it is scheduled
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) schedule: Option<ScheduleStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) deliveries: Option<Vec<Delivery>>,
}

impl Letters {
    /// So many, and no word about a schedule or single letters.
    pub(super) fn of(tally: Tally, returned: ReturnedTally) -> Self {
        Self { counts: Counts::of(tally, returned), stopped: None, schedule: None, deliveries: None }
    }

    /// None yet.
    pub(super) fn none(schedule: Option<ScheduleStatus>, deliveries: Option<Vec<Delivery>>) -> Self {
        Self { counts: Tally::default().into(), stopped: None, schedule, deliveries }
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct StatusReport<'a> {
    /// The issue's name
    pub(super) issue: &'a str,
    /// Its number, if it has one
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) number: Option<u32>,
    /// Its title
    pub(super) title: &'a str,
    /// The digest of the letter
    pub(super) digest: &'a str,
    /// When the first `send` froze it
    pub(super) opened_at: String,
    #[serde(flatten)]
    pub(super) letters: Letters,
}

/// Of an issue that was never opened: the same numbers, all zero.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct Unsent<'a> {
    /// The issue's name
    pub(super) issue: &'a str,
    /// Null: it was never opened
    pub(super) opened_at: Option<String>,
    #[serde(flatten)]
    pub(super) letters: Letters,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct Delivery {
    pub(super) address: String,
    /// `accepted`, `queued`, `deferred`, `failed`, `unconfirmed` or `suppressed`
    pub(super) state: &'static str,
    pub(super) attempts: u32,
    /// The relay's last reply
    pub(super) reply: Option<String>,
    /// When it was last tried
    pub(super) at: Option<String>,
    /// When a deferred letter is tried again
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<String>,
}
impl From<DeliveryRow> for Delivery {
    fn from(row: DeliveryRow) -> Self {
        Self {
            address: row.address.expose().to_owned(),
            state: Listed::of(row.state),
            attempts: row.attempts,
            reply: row.reply,
            at: row.at.map(|at| at.to_string()),
            due_at: row.due_at.map(|at| at.to_string()),
        }
    }
}

impl<'a> StatusReport<'a> {
    pub(super) fn new(record: &'a DispatchRecord, letters: Letters) -> Self {
        Self {
            issue: &record.slug,
            number: record.number,
            title: &record.title,
            digest: &record.digest,
            opened_at: record.opened_at.to_string(),
            letters,
        }
    }
}

/// A scheduled send.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct ScheduleStatus {
    /// `waiting`, `held` (the owner decides) or `void` (the issue was edited)
    state: ScheduleState,
    /// The owner's clock and its time zone
    local_time: String,
    /// The moment, by the rules of the zone as they are now
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    due_at: Option<Timestamp>,
    /// Why it is held or void
    why: Option<String>,
}

impl From<&Schedule> for ScheduleStatus {
    fn from(schedule: &Schedule) -> Self {
        let (state, why) = (schedule.state, schedule.why.clone());
        Self { state, local_time: schedule.at.to_string(), due_at: schedule.at.due(), why }
    }
}
