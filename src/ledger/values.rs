//! The words of the ledger: names, states, decisions and reasons.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{address::EmailAddress, render::RenderedIssue};

/// The dispatch of one frozen issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DispatchId(pub(super) i64);

impl DispatchId {
    /// As a number that no other dispatch of this ledger has.
    pub fn number(self) -> u64 {
        self.0.unsigned_abs()
    }
}

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

impl WorkerId {
    /// As a number that no other worker of this ledger has.
    pub fn number(self) -> u64 {
        self.0.unsigned_abs()
    }
}

/// Some deliveries that were selected by [`Ledger::select`](super::Ledger::select); known to the process that selected them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SelectionId(pub(super) i64);

/// What `open` made of a list of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The dispatch that was opened or extended.
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
    /// Body bytes may have left and no reply was read: no one can know. Never tried again unasked.
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

/// What became of a ledger that was to be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Rows that were copied and compared.
    pub rows: u64,
    /// False when an earlier try had copied it already.
    pub is_new: bool,
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
    /// Letters failed for now too often: the mailbox stayed full, or the server away.
    SoftBounce,
    /// The reader complained.
    Complaint,
    /// The owner said so.
    ByHand,
}

impl Reason {
    /// All reasons, in the order of their words here.
    pub const ALL: [Self; 5] =
        [Self::Unsubscribed, Self::HardBounce, Self::SoftBounce, Self::Complaint, Self::ByHand];

    /// The word in the ledger, in CSV and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unsubscribed => "unsubscribed",
            Self::HardBounce => "hard_bounce",
            Self::SoftBounce => "soft_bounce",
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
    /// The recipient's address.
    pub address: EmailAddress,
    /// Why it gets no letters.
    pub reason: Reason,
    /// In the owner's or the relay's words.
    pub note: Option<String>,
    /// Since when it gets no letters.
    pub at: Timestamp,
}

/// What a dispatch is opened with.
#[derive(Clone, Copy, Debug)]
pub struct NewDispatch<'a> {
    /// The issue to freeze; its slug, number, title and digest name the dispatch.
    pub rendered: &'a RenderedIssue,
    /// The time at which the dispatch is opened.
    pub opened_at: Timestamp,
}
