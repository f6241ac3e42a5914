use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
};

use super::{
    Encryption, LetterSource, Relay, RelayConfigError, RelayDown,
    connection::{Connection, Ended},
    handshake::open,
    letter_guard::Taken,
    tls::Tls,
};

/// A relay we hand letters to. Its connections share what they learn about it.
#[derive(Debug)]
pub struct Smtp {
    relay: Box<Relay>,
    tls: Option<Tls>,
    learned: Learned,
}

/// What the connections found out about the relay.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// It offers PIPELINING but gets out of step.
    pub(super) one_by_one: AtomicBool,
    /// Times in a row that it closed the connection on commands that were sent ahead.
    pub(super) closed_ahead: AtomicU32,
    /// Letters on one connection, at most; 0 when unknown.
    letters_per_connection: AtomicU32,
}

impl Smtp {
    /// Checks the settings and reads the certificates; dials nobody.
    pub fn new(relay: Relay) -> Result<Self, RelayConfigError> {
        relay.check()?;
        let tls = match relay.encryption {
            Encryption::None => None,
            Encryption::Implicit | Encryption::StartTls => Some(Tls::new(&relay)?),
        };
        Ok(Self { relay: Box::new(relay), tls, learned: Learned::default() })
    }

    /// The settings.
    pub fn relay(&self) -> &Relay {
        &self.relay
    }

    /// Dials, says hello, logs in, and hangs up: whether the relay can be used.
    pub async fn probe(&self) -> Result<(), RelayDown> {
        let (wire, offer) = open(&self.relay, self.tls.as_ref()).await?;
        Connection::new(self, wire, offer).quit().await;
        Ok(())
    }

    pub(super) async fn run<D: LetterSource>(&self, desk: &D) -> Result<(), RelayDown> {
        let mut first = None;
        loop {
            let letter = match first.take() {
                Some(letter) => letter,
                None => match desk.next().await {
                    Some(letter) => Taken::new(desk, letter),
                    None => return Ok(()),
                },
            };
            let (wire, offer) = open(&self.relay, self.tls.as_ref()).await?;
            match Connection::new(self, wire, offer).work(desk, letter).await? {
                Ended::Done => return Ok(()),
                Ended::DialAgain(letter) => first = letter,
            }
        }
    }

    pub(super) fn learned(&self) -> &Learned {
        &self.learned
    }

    /// Letters on one connection, at most: as set, or as learned.
    pub(super) fn letters_per_connection(&self) -> u32 {
        let set = self.relay.letters_per_connection.map_or(u32::MAX, NonZeroU32::get);
        match self.learned.letters_per_connection.load(Relaxed) {
            0 => set,
            learned => set.min(learned),
        }
    }

    /// The relay took no more than these on one connection.
    pub(super) fn learn_letters_per_connection(&self, letters: u32) {
        self.learned.letters_per_connection.store(letters.max(1), Relaxed);
    }
}
