//! A lease of one delivery, and what may become of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::transport::Outcome;

/// The part of a claim that the ledger's writer needs: enough to fence off late workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hold {
    pub(super) delivery: i64,
    pub(super) worker: i64,
    pub(super) epoch: u32,
    /// Of the address key, to look suppressions up in memory.
    pub(super) fingerprint: u64,
    /// How often the suppressed keyed hashes had changed when it was claimed.
    pub(super) hash_changes: i64,
}

/// The answer to [`Ledger::begin`](super::Ledger::begin).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// The attempt is durable: the body may leave.
    Begun,
    /// The address was suppressed after the claim; the delivery is closed as such.
    Suppressed,
    /// The lease is not ours any more: hang up before the body.
    Lost,
}

/// What follows an ended attempt that deferred the letter or refused it. An accepted or unconfirmed one is always
/// closed as such, whatever is requested here.
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

/// How a lease ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Close {
    /// With an outcome, at a time in milliseconds.
    Ended { at: i64, outcome: Outcome, next: Next },
    /// Back to the queue: no byte of the body has left.
    Withdrawn,
}
