use std::{fmt, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    address::EmailAddress,
    render::RenderedIssue,
    transport::{Outcome, Reply, Stage},
};

/// A sending of one frozen issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DispatchId(pub(super) i64);

/// The duty to hand one issue over for one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeliveryId(pub(super) i64);

impl DeliveryId {
    /// As a number that no other delivery of this ledger has.
    pub fn number(self) -> u64 {
        self.0.unsigned_abs()
    }
}

/// One process that works deliveries off, for as long as it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WorkerId(pub(super) i64);

/// Some deliveries that were selected by [`Ledger::select`](super::Ledger::select); known to the process that selected them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SelectionId(pub(super) i64);

/// What `open` made of a list of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The dispatch.
    pub dispatch: DispatchId,
    /// New deliveries that are owed.
    pub owed: u64,
    /// People who are in the dispatch already, or twice on the list: nothing was changed for them.
    pub already: u64,
    /// New deliveries that are recorded as suppressed.
    pub suppressed: u64,
}

/// A dispatch as it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DispatchRecord {
    /// Its name in this ledger.
    pub id: DispatchId,
    /// The issue's name.
    pub slug: String,
    /// The number of the edition.
    pub number: Option<u32>,
    /// The issue's title.
    pub title: String,
    /// SHA-256 of the frozen issue ([`RenderedIssue::digest`](crate::render::RenderedIssue::digest)).
    pub digest: String,
    /// When it was opened.
    pub opened_at: Timestamp,
}

/// The state of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Owed, to be offered as soon as a worker is free.
    Queued,
    /// Owed, to be offered again at a time.
    Deferred,
    /// Leased to a worker; no byte of a body has left.
    Claimed,
    /// The attempt is written down; the body may have left.
    Begun,
    /// The relay took responsibility.
    Accepted,
    /// Refused for good, or tried as often as the owner wants.
    Failed,
    /// Body bytes may have left and no reply was read: nobody can know. Never tried again unasked.
    Unconfirmed,
    /// Not offered, because the address is suppressed.
    Suppressed,
}

impl State {
    /// All states, in the order of a delivery's life.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Deferred,
        Self::Claimed,
        Self::Begun,
        Self::Accepted,
        Self::Failed,
        Self::Unconfirmed,
        Self::Suppressed,
    ];

    /// The word in the ledger, in reports and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Deferred => "deferred",
            Self::Claimed => "claimed",
            Self::Begun => "begun",
            Self::Accepted => "accepted",
            Self::Failed => "failed",
            Self::Unconfirmed => "unconfirmed",
            Self::Suppressed => "suppressed",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether it is in the queue, now or later.
    pub(super) fn is_owed(self) -> bool {
        matches!(self, Self::Queued | Self::Deferred)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What `reap` found of dead workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reaped {
    /// Workers proved dead.
    pub workers: u64,
    /// Their claims, back in the queue.
    pub requeued: u64,
    /// Their begun attempts, now unconfirmed.
    pub unconfirmed: u64,
}

/// How many deliveries of a dispatch are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// All of them: the sum of the others.
    pub planned: u64,
    /// See [`State::Queued`].
    pub queued: u64,
    /// See [`State::Deferred`].
    pub deferred: u64,
    /// See [`State::Claimed`].
    pub claimed: u64,
    /// See [`State::Begun`].
    pub begun: u64,
    /// See [`State::Accepted`].
    pub accepted: u64,
    /// See [`State::Failed`].
    pub failed: u64,
    /// See [`State::Unconfirmed`].
    pub unconfirmed: u64,
    /// See [`State::Suppressed`].
    pub suppressed: u64,
}

impl Tally {
    /// The number of deliveries in one state.
    pub fn of(&self, state: State) -> u64 {
        match state {
            State::Queued => self.queued,
            State::Deferred => self.deferred,
            State::Claimed => self.claimed,
            State::Begun => self.begun,
            State::Accepted => self.accepted,
            State::Failed => self.failed,
            State::Unconfirmed => self.unconfirmed,
            State::Suppressed => self.suppressed,
        }
    }

    pub(super) fn add(&mut self, state: State, count: u64) {
        self.planned += count;
        *match state {
            State::Queued => &mut self.queued,
            State::Deferred => &mut self.deferred,
            State::Claimed => &mut self.claimed,
            State::Begun => &mut self.begun,
            State::Accepted => &mut self.accepted,
            State::Failed => &mut self.failed,
            State::Unconfirmed => &mut self.unconfirmed,
            State::Suppressed => &mut self.suppressed,
        } += count;
    }

    /// In the hands of a worker, or of one that died and was not reaped yet.
    pub fn in_flight(&self) -> u64 {
        self.claimed + self.begun
    }

    /// Still to be worked off: queued, deferred and in flight.
    pub fn owed(&self) -> u64 {
        self.queued + self.deferred + self.in_flight()
    }
}

/// One delivery, as a report lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// The delivery.
    pub delivery: DeliveryId,
    /// Whose.
    pub address: EmailAddress,
    /// Where it stands.
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
    /// The dispatch.
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
        /// With what.
        outcome: Outcome,
    },
    /// The owner decided.
    Decision {
        /// When.
        at: Timestamp,
        /// What.
        decision: Decision,
    },
}

impl HistoryEvent {
    /// When it happened.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Attempt { ended_at, .. } => *ended_at,
            Self::Decision { at, .. } => *at,
        }
    }
}

/// A decision of the owner about deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// An unconfirmed letter is taken as accepted.
    Accept,
    /// An unconfirmed letter goes out again: the same bytes, and perhaps a second time.
    Resend,
    /// A failed delivery is tried again.
    Retry,
}

impl Decision {
    /// The word in the ledger and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Resend => "resend",
            Self::Retry => "retry",
        }
    }
}

/// Why an address gets no letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The reader left.
    Unsubscribed,
    /// A relay said that there is no such person.
    HardBounce,
    /// The reader complained.
    Complaint,
    /// The owner said so.
    ByHand,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 4] = [Self::Unsubscribed, Self::HardBounce, Self::Complaint, Self::ByHand];

    /// The word in the ledger, in CSV and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unsubscribed => "unsubscribed",
            Self::HardBounce => "hard_bounce",
            Self::Complaint => "complaint",
            Self::ByHand => "by_hand",
        }
    }

    /// The reason behind a word; `None` when it is no reason.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// An address that gets no letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// Which.
    pub address: EmailAddress,
    /// Why.
    pub reason: Reason,
    /// In the owner's or the relay's words.
    pub note: Option<String>,
    /// Since when.
    pub at: Timestamp,
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
    /// How many.
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

/// How a ledger in a file is opened.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// How long to wait for another process that is writing.
    pub patience: Duration,
    /// Whether a ledger that is older than what this folder has seen (a backup put back) is taken as the truth.
    pub restored: Restored,
    /// A folder outside of the ledger's own, in which to keep how far the ledger has come: so a backup of the whole folder
    /// that was put back is noticed. `None` keeps that beside the ledger only. A folder that cannot be written is no error
    /// ([`Ledger::mark`](super::Ledger::mark)).
    pub marks: Option<std::path::PathBuf>,
    /// The name of this start of the machine; `None` when the machine has no such name.
    pub boot: Option<String>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(10),
            restored: Restored::Refuse,
            marks: None,
            boot: super::files::boot(),
        }
    }
}

/// What to do with a ledger that came back from a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restored {
    /// Stop: letters that went out after the backup would go out again.
    Refuse,
    /// The owner knows, and goes on.
    Accept,
}

/// What a dispatch is opened with.
#[derive(Clone, Copy, Debug)]
pub struct NewDispatch<'a> {
    /// The issue to freeze; its slug, number, title and digest name the dispatch.
    pub rendered: &'a RenderedIssue,
    /// Now.
    pub opened_at: Timestamp,
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
