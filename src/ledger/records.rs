//! What queries of the ledger return: deliveries, attempts and their sums.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::bounces::BounceEvent;
use super::values::{Decision, DeliveryId, DispatchRecord, State, WorkerId};
use crate::{
    address::EmailAddress,
    transport::{Outcome, Reply, Stage},
};

/// One delivery, as a report lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// The delivery's name in the ledger.
    pub delivery: DeliveryId,
    /// The recipient's address.
    pub address: EmailAddress,
    /// Where it is.
    pub state: State,
    /// All attempts that ever ended.
    pub attempts: u32,
    /// What the relay said last, or what happened instead, in words; the reason of a suppressed one.
    pub reply: Option<String>,
    /// When the last attempt ended, or when a begun one began.
    pub at: Option<Timestamp>,
    /// When a deferred one is due.
    pub due_at: Option<Timestamp>,
}

/// Everything that ever happened to one issue for one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryHistory {
    /// The dispatch that the delivery belongs to.
    pub dispatch: DispatchRecord,
    /// The delivery, with its present state.
    pub delivery: DeliveryRow,
    /// What was tried and decided, oldest first.
    pub events: Vec<HistoryEvent>,
}

/// One line of a [`DeliveryHistory`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryEvent {
    /// An attempt that ended.
    Attempt {
        /// When its body was begun; `None` when it did not come so far.
        begun_at: Option<Timestamp>,
        /// When it ended.
        ended_at: Timestamp,
        /// Through which relay.
        relay: String,
        /// How it ended.
        outcome: Outcome,
    },
    /// The owner decided.
    Decision {
        /// When the owner decided.
        at: Timestamp,
        /// What the owner decided.
        decision: Decision,
    },
    /// It came back, or its reader complained.
    Returned(BounceEvent),
}

impl HistoryEvent {
    /// When it happened.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Attempt { ended_at, .. } => *ended_at,
            Self::Decision { at, .. } => *at,
            Self::Returned(event) => event.at,
        }
    }
}

/// Letters offered per relay and recipient domain, for limits that hold across restarts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The name that the worker gave its relay.
    pub relay: String,
    /// Behind the `@`.
    pub domain: String,
    /// Attempts begun or ended in the time asked for.
    pub letters: u64,
}

/// What one worker has done of a dispatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerShare {
    /// Its name in the ledger.
    pub worker: WorkerId,
    /// The name that it gave its relay.
    pub relay: String,
    /// When it signed on.
    pub came_at: Timestamp,
    /// When it signed off or was found dead.
    pub left_at: Option<Timestamp>,
    /// Whether it lives, as far as can be known from here.
    pub lives: bool,
    /// Attempts of this dispatch that ended.
    pub attempts: u64,
    /// Those that the relay accepted.
    pub accepted: u64,
    /// When the last one ended.
    pub last_at: Option<Timestamp>,
}

/// Attempts that ended alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyGroup {
    /// What it came to.
    pub kind: OutcomeKind,
    /// How far the conversation got.
    pub stage: Option<Stage>,
    /// The reply's three digits.
    pub code: Option<u16>,
    /// The enhanced code (RFC 3463).
    pub enhanced: Option<(u8, u16, u16)>,
    /// One of the texts, as an example.
    pub example: String,
    /// How many attempts.
    pub count: u64,
}

/// An [`Outcome`] without its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutcomeKind {
    /// See [`Outcome::Accepted`].
    Accepted,
    /// See [`Outcome::Deferred`].
    Deferred,
    /// See [`Outcome::Rejected`].
    Rejected,
    /// See [`Outcome::Unconfirmed`].
    Unconfirmed,
}

impl OutcomeKind {
    pub(super) const ALL: [Self; 4] = [Self::Accepted, Self::Deferred, Self::Rejected, Self::Unconfirmed];

    /// The word in the ledger and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Deferred => "deferred",
            Self::Rejected => "rejected",
            Self::Unconfirmed => "unconfirmed",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// Attempts that ended in one stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Where the stretch begins.
    pub from: Timestamp,
    /// Attempts accepted.
    pub accepted: u64,
    /// Attempts put off.
    pub deferred: u64,
    /// Attempts refused.
    pub rejected: u64,
    /// Attempts without an answer.
    pub unconfirmed: u64,
}

pub(super) fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted { reply } | Outcome::Deferred { reply, .. } | Outcome::Rejected { reply, .. } => {
            reply.to_string()
        }
        Outcome::Unconfirmed { why } => why.clone(),
    }
}

pub(super) fn reply_of(outcome: &Outcome) -> Option<&Reply> {
    match outcome {
        Outcome::Accepted { reply } | Outcome::Deferred { reply, .. } | Outcome::Rejected { reply, .. } => {
            Some(reply)
        }
        Outcome::Unconfirmed { .. } => None,
    }
}
