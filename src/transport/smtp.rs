//! A relay, and what its connections have learned about it.

use std::{
    num::{NonZeroU16, NonZeroU32},
    sync::atomic::{AtomicBool, AtomicU16, AtomicU32, Ordering::Relaxed},
};

use serde::{Deserialize, Serialize};

use super::{
    relay::{Encryption, Relay, RelayConfigError},
    session::SessionLimit,
    tls::Tls,
};

/// A relay we hand letters to. Its connections share what they learn about it.
#[derive(Debug)]
pub struct Smtp {
    relay: Box<Relay>,
    tls: Option<Tls>,
    learned: Learned,
}

/// Limits that a relay has shown, to be kept for the next run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RelayLimits {
    /// Connections at the same time.
    pub connections: Option<NonZeroU16>,
    /// Letters on one connection.
    pub letters_per_connection: Option<NonZeroU32>,
}

/// What the connections found out about the relay.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// It offers PIPELINING but gets out of step.
    pub(super) one_by_one: AtomicBool,
    /// Times in a row that it closed the connection on commands that were sent ahead.
    pub(super) closed_ahead: AtomicU32,
    /// It may dislike commands that are sent ahead: it closed the connection on them more than once.
    pub(super) dislikes_ahead: AtomicBool,
    /// Letters on one connection.
    pub(super) session: SessionLimit,
    /// Connections at the same time; 0 while there is no limit.
    connections: AtomicU16,
}

impl Smtp {
    /// Checks the settings and reads the certificates; dials no one.
    ///
    /// # Errors
    ///
    /// When the settings contradict each other, or the certificates cannot be read.
    pub fn new(relay: Relay) -> Result<Self, RelayConfigError> {
        relay.check()?;
        let tls = match relay.encryption {
            Encryption::None => None,
            Encryption::Implicit | Encryption::StartTls => Some(Tls::new(&relay)?),
        };
        Ok(Self { relay: Box::new(relay), tls, learned: Learned::default() })
    }

    /// The settings of the relay.
    pub fn relay(&self) -> &Relay {
        &self.relay
    }

    /// What handshakes are made with; `None` for a relay without TLS.
    pub(super) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    pub(super) fn learned(&self) -> &Learned {
        &self.learned
    }

    /// Letters on one connection, at most: as set, or as learned.
    pub(super) fn letters_per_connection(&self) -> u32 {
        let set = self.relay.letters_per_connection.map_or(u32::MAX, NonZeroU32::get);
        self.learned.session.letters().map_or(set, |learned| set.min(learned))
    }

    /// Goes on with what an earlier run has learned.
    pub fn recall(&self, limits: RelayLimits) {
        self.learned.session.recall(limits.letters_per_connection.map(NonZeroU32::get));
        self.learn_connections(limits.connections);
    }

    /// The limits that the relay has shown.
    pub fn limits(&self) -> RelayLimits {
        RelayLimits {
            connections: NonZeroU16::new(self.learned.connections.load(Relaxed)),
            letters_per_connection: self.learned.session.letters().and_then(NonZeroU32::new),
        }
    }

    /// The relay takes only so many connections at the same time; `None` when it seems to take all.
    pub(super) fn learn_connections(&self, connections: Option<NonZeroU16>) {
        self.learned.connections.store(connections.map_or(0, NonZeroU16::get), Relaxed);
    }
}
