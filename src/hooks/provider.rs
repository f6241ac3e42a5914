//! What a delivery service is to us: what proves its events, and how they are read.

use std::borrow::Cow;

use jiff::Timestamp;

use super::{
    certificates::{Certificates, Fetch, Topic},
    event::Event,
    request::{Malformed, Refusal, Request},
};
use crate::transport::Secret;

/// A delivery service.
pub(super) struct Provider {
    /// Its name in settings and in the path of the hook.
    pub(super) name: &'static str,
    /// What proves that an event is from it.
    pub(super) needs: Needs,
    /// Checks that; returns what the events are read from.
    pub(super) verify: Verify,
    /// Reads events from JSON that was verified.
    pub(super) read: fn(&[u8]) -> Result<Vec<Event>, Malformed>,
}

pub(super) type Verify = for<'a> fn(&Keys, &Request<'a>, &Surroundings<'_>) -> Result<Verified<'a>, Refusal>;

/// What the owner has to keep for a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// A secret that both know: a password, or a key of signatures.
    Secret,
    /// The service's public key.
    PublicKey,
    /// The topics of Amazon SNS that events come from.
    Topics,
}

/// What proves that events are from a service.
#[derive(Clone, Debug)]
pub enum Keys {
    /// A password, or a key of signatures.
    Secret(Secret),
    /// A public key, as the DER of its SubjectPublicKeyInfo.
    PublicKey(Vec<u8>),
    /// Topics of Amazon SNS.
    Topics(Vec<Topic>),
}

/// What is outside.
pub(super) struct Surroundings<'a> {
    pub(super) now: Timestamp,
    pub(super) fetch: &'a dyn Fetch,
    pub(super) certificates: &'a Certificates,
}

/// A request whose sender is proved.
pub(super) enum Verified<'a> {
    /// It has events. What may be used once only is named.
    Events { json: Cow<'a, [u8]>, once: Option<String> },
    /// It had no events, and all that it asked for is done.
    Done(&'static str),
}
