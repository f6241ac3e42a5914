use std::{
    collections::HashMap,
    hash::BuildHasherDefault,
    time::{Duration, Instant},
};

use crate::storage::{Connection, OptionalExtension, Transaction};

use super::{error::StoreError, recipients::People, search::Cursors, suppressed::Suppressed};
use crate::ledger::{
    error::LedgerError, files::Files, identity_hasher::IdentityHasher, log, system, worker::Living,
};

/// A connection to the ledger, and what is remembered between its transactions.
pub(in crate::ledger) struct Store {
    pub(super) db: Connection,
    /// `None` for a scratch ledger.
    pub(super) files: Option<Files>,
    /// Where it is, as messages name it; `None` for a scratch ledger.
    pub(super) place: Option<String>,
    /// For a ledger on a server.
    pub(super) remote: Option<Remote>,
    pub(super) living: Living,
    pub(super) boot: Option<String>,
    pub(super) suppressed: Suppressed,
    pub(super) cursors: Cursors,
    pub(super) people: People,
    pub(super) selections: i64,
    /// Epoch and time of what was begun through this connection and has not ended.
    pub(super) begun: HashMap<i64, (u32, i64), BuildHasherDefault<IdentityHasher>>,
}

/// How long a server may be away before what was asked for fails.
pub(super) const OUTAGE: Duration = Duration::from_secs(90);

/// What a ledger on a server needs beside it.
pub(in crate::ledger) struct Remote {
    /// The server, as messages name it.
    pub(super) name: String,
    /// In a folder of this machine's user: what was seen of the database, and the locks of workers here.
    pub(super) files: Option<Files>,
    /// That folder, by a name that no other folder has, in this start of the machine.
    pub(super) place: Option<String>,
    /// How long a worker is taken for living after its last word.
    pub(super) lease: Duration,
    /// When the leases of the workers here were renewed.
    pub(super) renewed: Option<Instant>,
    /// A commit whose answer was lost may have begun letters.
    pub(super) is_in_doubt: bool,
}

/// Where a ledger was moved to, if its last move was one to another place.
pub(super) fn moved_to(db: &Connection) -> Result<Option<String>, StoreError> {
    let last = db
        .prepare_cached("SELECT direction, place FROM moves ORDER BY id DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)));
    Ok(last.optional()?.filter(|(direction, _)| direction == "to").map(|(_, place)| place))
}

/// A transaction that writes to the ledger at `place`, unless it was moved since it was opened: what would be written is lost
/// then, and letters leave from the copy.
pub(super) fn begin_in_use<'a>(
    db: &'a Connection,
    place: Option<&str>,
) -> Result<Transaction<'a>, StoreError> {
    let tx = db.begin_writing()?;
    if let Some(from) = place
        && let Some(to) = moved_to(&tx)?
    {
        return Err(LedgerError::Moved { from: from.to_owned(), to }.into());
    }
    Ok(tx)
}

/// So long may letters of a pre-committed claim be started without asking a server again. A suppression by another machine counts
/// after this time at the latest.
const WINDOW: Duration = Duration::from_millis(250);

impl Remote {
    /// Until when letters of a claim that is pre-committed now may be started: much shorter than the lease, which is renewed with the
    /// claim. `None` where no clock is fit for it.
    pub(super) fn window_from_now(&self) -> Option<Duration> {
        Some(system::since_boot()? + WINDOW.min(self.lease / 8))
    }
}

impl Store {
    /// Whether it is on a server, which may be away for a while.
    pub(in crate::ledger) fn is_remote(&self) -> bool {
        self.remote.is_some()
    }

    /// The files of this machine: workers' locks and logs.
    pub(super) fn local_files(&self) -> Option<&Files> {
        self.files.as_ref().or_else(|| self.remote.as_ref()?.files.as_ref())
    }

    /// Has the database asked again about letters of pre-committed claims. On a server this only makes it sooner: it is asked again
    /// after a while in any case.
    pub(super) fn stamp_logs(&self) -> Result<(), LedgerError> {
        let Some(files) = self.local_files() else { return Ok(()) };
        match log::stamp(files, None) {
            Err(_) if self.is_remote() => Ok(()),
            stamped => stamped,
        }
    }

    /// Waits for a while until a server that is away answers again. What follows fails by itself if it does not.
    pub(in crate::ledger) fn wait_for_database(&self) {
        #[cfg(feature = "postgres")]
        if let Some(client) = self.db.as_postgres() {
            client.wait(OUTAGE);
        }
    }

    /// Refuses to go on with a file that was deleted or moved away.
    pub(in crate::ledger) fn check_place(&self) -> Result<(), StoreError> {
        match &self.files {
            Some(files) if !files.are_in_place() => {
                Err(LedgerError::Missing { path: files.ledger().to_owned() }.into())
            }
            _ => Ok(()),
        }
    }

    /// Makes room on a full disk, once.
    pub(in crate::ledger) fn release_reserve(&self) -> bool {
        self.files.as_ref().is_some_and(Files::release_reserve)
    }
}
