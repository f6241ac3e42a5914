//! What is wanted, what is leased, and how a lease begins and ends.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    DeliveryId, DispatchId, SelectionId,
    log::{Fence, Log},
};
use crate::address::EmailAddress;
use crate::subscriber::Subscriber;

/// Which deliveries to claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Behind which recipient domains.
    pub domains: Domains,
    /// Only deliveries of this choice.
    pub choice: Option<SelectionId>,
    /// Whether never-tried deliveries are wanted too, or only those that were put off or given back and are due.
    pub only_due: bool,
    /// Whether they are begun as a whole, durably, together with the claim: then [`Ledger::begin`](super::Ledger::begin)
    /// does not wait for the disk. A worker that is killed leaves no more unconfirmed than otherwise; a power cut, or
    /// another end of the machine, leaves everything that was claimed so. Without effect where there is no file, or where
    /// the system does not tell one start of the machine from another.
    pub ahead: bool,
}

/// A condition on the domain behind the `@`, in A-labels and lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Domains {
    /// Any domain.
    #[default]
    All,
    /// One of these.
    Only(Vec<String>),
    /// None of these.
    Except(Vec<String>),
}

/// Which deliveries of a dispatch a run is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// These addresses.
    Only(Vec<EmailAddress>),
    /// Those whose field has this value; `email` and `name` are fields too.
    Where {
        /// The field's normalised name.
        field: String,
        /// Its value, compared as it is written.
        value: String,
    },
    /// The first so many, in the order of the list, that are still owed.
    First(u64),
    /// So many that are still owed, drawn by the seed: the same seed draws the same people.
    Sample {
        /// How many.
        count: u64,
        /// The chance.
        seed: u64,
    },
}

/// What a [`Selection`] came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// To claim by.
    pub id: SelectionId,
    /// How many deliveries were chosen, whatever their state.
    pub chosen: u64,
    /// How many of them are owed (queued or deferred).
    pub owed: u64,
    /// Addresses that are not in the dispatch ([`Selection::Only`]).
    pub unknown: Vec<EmailAddress>,
}

/// A lease on one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The delivery.
    pub delivery: DeliveryId,
    /// The dispatch it belongs to.
    pub dispatch: DispatchId,
    /// The person, as frozen when the delivery was planned.
    pub subscriber: Subscriber,
    /// How many attempts ended before, since the owner last asked for the delivery.
    pub tries: u32,
    /// When the first of those attempts ended.
    pub first_tried: Option<Timestamp>,
    pub(super) hold: Hold,
    pub(super) logged: Option<Logged>,
}

/// The way into the worker's log.
#[derive(Clone, Debug)]
pub(super) struct Logged {
    pub(super) log: Arc<Log>,
    /// Its fence when the delivery was begun with the whole claim; `None` when it is begun by itself.
    pub(super) fence: Option<Fence>,
}

impl PartialEq for Logged {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.log, &other.log) && self.fence == other.fence
    }
}

impl Eq for Logged {}

impl Claim {
    /// The number of the attempt that this claim is for, from 1: what a retry policy counts.
    pub fn attempt(&self) -> u32 {
        self.tries.saturating_add(1)
    }

    /// Grows with each claim of the delivery; a worker that comes too late is recognised by it.
    pub fn epoch(&self) -> u32 {
        self.hold.epoch
    }
}

/// The part of a claim that the ledger's writer needs: enough to fence off late workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hold {
    pub(super) delivery: i64,
    pub(super) worker: i64,
    pub(super) epoch: u32,
    /// Of the address key, to look suppressions up in memory.
    pub(super) fingerprint: u64,
}

/// The answer to `begin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// The attempt is written down for good: the body may leave.
    Begun,
    /// The address has been suppressed in the meantime; the delivery is closed so.
    Suppressed,
    /// The lease is not ours any more: hang up before the body.
    Lost,
}

/// What follows an ended attempt that put the letter off or refused it. An accepted or unconfirmed one is always
/// closed as such, whatever is asked for here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Next {
    /// Nothing: the delivery is closed, as accepted, failed or unconfirmed by its outcome.
    Close,
    /// Another attempt, at this time or later.
    RetryAt(Timestamp),
    /// Another attempt, as soon as a worker is free.
    Requeue,
}
