//! A folder or a relay behind one interface.

use std::num::NonZeroU16;

use super::{
    error::RelayDown,
    halt::Halt,
    letter::LetterSource,
    outbox::Outbox,
    smtp::{RelayLimits, Smtp},
};

/// Where letters go: a folder, or a relay.
#[derive(Debug)]
pub enum Transport {
    /// Each letter becomes a file.
    Outbox(Outbox),
    /// Each letter is handed to a relay.
    Smtp(Smtp),
}

impl Transport {
    /// The name that a folder has in place of a relay's.
    pub const OUTBOX: &str = "outbox";

    /// Its name in the ledger, for limits and histories: the relay's address without its login.
    pub fn name(&self) -> String {
        match self {
            Self::Outbox(_) => Self::OUTBOX.to_owned(),
            Self::Smtp(smtp) => smtp.relay().to_string(),
        }
    }

    /// The limits that the relay has shown; a folder has none.
    pub fn learned(&self) -> RelayLimits {
        match self {
            Self::Outbox(_) => RelayLimits::default(),
            Self::Smtp(smtp) => smtp.limits(),
        }
    }

    /// Goes on with what an earlier run has learned about the relay.
    pub fn recall(&self, limits: RelayLimits) {
        if let Self::Smtp(smtp) = self {
            smtp.recall(limits);
        }
    }

    /// Keeps in mind how many connections the relay takes at the same time.
    pub fn learn_connections(&self, connections: Option<NonZeroU16>) {
        if let Self::Smtp(smtp) = self {
            smtp.learn_connections(connections);
        }
    }

    /// One connection: works the source's letters until `next` returns `None`, and hangs up politely.
    ///
    /// It connects when there is a first letter, hangs up while it has long been idle, and dials again by itself
    /// where that is the normal course (the relay takes only so many letters on one connection, or closed it while
    /// nothing was going on). Everything else that ends a connection is the caller's to judge: `Err` says whether
    /// waiting may help. Run several of these for several connections; what one learns about the relay (no
    /// pipelining, letters per connection) the others know.
    ///
    /// When `halt` is pulled the connection is dropped at once, and `Ok` returned. Dropping the future does the same.
    /// Either way each letter that was taken has been ended or given back.
    ///
    /// # Errors
    ///
    /// [`RelayDown`] when the relay cannot be used: it says nothing about a letter.
    pub async fn run<D: LetterSource>(&self, source: &D, halt: Halt) -> Result<(), RelayDown> {
        let work = async {
            match self {
                Self::Outbox(outbox) => outbox.run(source).await,
                Self::Smtp(smtp) => smtp.run(source).await,
            }
        };
        tokio::select! {
            biased;
            done = work => done,
            () = halt.pulled() => Ok(()),
        }
    }
}
