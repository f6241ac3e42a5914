//! What to claim, and what was claimed.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{
    lease::Hold,
    log::{Fence, Log},
    system,
    values::{DeliveryId, DispatchId, SelectionId},
};
use crate::address::EmailAddress;
use crate::subscriber::{Condition, Subscriber};

/// Which deliveries to claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Behind which recipient domains.
    pub domains: Domains,
    /// Only deliveries of this selection.
    pub selection: Option<SelectionId>,
    /// Only this part of them.
    pub share: Option<Share>,
    /// Whether never-tried deliveries are wanted too, or only those that were put off or given back and are due.
    pub only_due: bool,
    /// Whether the claim is pre-committed: the database calls all of it begun, durably, before a letter leaves, so that
    /// [`Ledger::begin`](super::Ledger::begin) need not wait for the disk. A worker that is killed leaves no more
    /// unconfirmed than otherwise; a loss of power leaves everything that was claimed so. On a server the ledger is asked
    /// again about letters that have not begun after a quarter of a second. Without effect in a scratch
    /// ledger, for the first claim of a worker, and where the system does not tell boots or mounts apart.
    pub pre_commit: bool,
    /// The digest of the letter that the claimer will send: where the ledger has another one, nothing is claimed
    /// ([`LedgerError::Refrozen`](super::LedgerError::Refrozen)).
    pub digest: Option<Arc<str>>,
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

/// A part of all deliveries, by their numbers: the rest of `number * stride` divided by `of` is in `from..to`. Several parts that
/// differ in their range only do not overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Share {
    /// Parts in all; at least 1.
    pub of: u32,
    /// Spreads the parts over the list; it has no divisor in common with `of`.
    pub stride: u32,
    /// The first part.
    pub from: u32,
    /// Behind the last part.
    pub to: u32,
}

impl Share {
    /// Whether a delivery is in it.
    pub fn has(&self, delivery: i64) -> bool {
        let rest = delivery.wrapping_mul(i64::from(self.stride)).rem_euclid(i64::from(self.of.max(1)));
        (i64::from(self.from)..i64::from(self.to)).contains(&rest)
    }
}

/// Which deliveries of a dispatch a run is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// These addresses.
    Only(Vec<EmailAddress>),
    /// Those whom a condition means; who cannot be asked is not meant.
    Where(Condition),
    /// The first so many, in the order of the list, that are still owed.
    First(u64),
    /// So many that are still owed, drawn by the seed: the same seed draws the same people.
    Sample {
        /// How many people.
        count: u64,
        /// What the draw depends on: any number.
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
    /// The delivery that is leased.
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
    pub(super) in_log: Option<InLog>,
}

/// The log of the worker that claimed.
#[derive(Clone, Debug)]
pub(super) struct InLog {
    pub(super) log: Arc<Log>,
    /// Its fence when the claim was pre-committed; `None` when its letters are begun one by one.
    pub(super) fence: Option<Fence>,
    /// On a server: when the claim's letters are asked about again, as time since the machine was started.
    pub(super) until: Option<Duration>,
}

impl InLog {
    /// Whether letters of the claim may be started without asking. To be looked at when the start is in the log.
    pub(super) fn is_open(&self) -> bool {
        self.until.is_none_or(|until| system::since_boot().is_some_and(|now| now < until))
    }
}

impl PartialEq for InLog {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.log, &other.log) && self.fence == other.fence && self.until == other.until
    }
}

impl Eq for InLog {}

impl Claim {
    /// The number of the attempt that this claim is for, from 1: what a retry policy counts.
    pub fn attempt(&self) -> u32 {
        self.tries.saturating_add(1)
    }

    /// Grows with each claim of the delivery; a worker that comes too late is recognized by it.
    pub fn epoch(&self) -> u32 {
        self.hold.epoch
    }
}
