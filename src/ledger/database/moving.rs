//! A ledger that moves: all of it is copied into another place, and the one that it was copied from is retired.
//!
//! The old ledger is retired in the last moment before the new one is there: if anything fails in between, neither sends, and
//! the same command again completes the move.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use aws_lc_rs::rand;
use jiff::Timestamp;

use super::{
    copy::{TABLES, fill, names},
    error::StoreError,
    store::{Store, moved_to},
    times::millis,
};
use crate::{
    ledger::{
        error::LedgerError,
        files,
        options::{OpenOptions, Restored},
        values::Moved,
    },
    storage::{Connection, Location, OptionalExtension, params},
};

/// Whether another process is connected; looked at so often, a tenth of a second apart.
const OTHERS: &str = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() \
     AND backend_type = 'client backend' AND pid <> pg_backend_pid() \
     AND coalesce(application_name, 'mimeo') = 'mimeo') FROM pg_sleep(0.1)";
const LOOKS: usize = 10;

const NOTE: &str = "INSERT INTO moves (at, direction, ledger, place) VALUES (?1, ?2, ?3, ?4)";

impl Store {
    /// Opens it for writing. One that was moved elsewhere is refused, unless the owner takes it back.
    pub(in crate::ledger) fn open(location: &Location, options: &OpenOptions) -> Result<Self, StoreError> {
        let store = Self::open_even_retired(location, options)?;
        if let Some(to) = moved_to(&store.db)? {
            if options.restored == Restored::Refuse {
                return Err(LedgerError::Moved { from: location.to_string(), to }.into());
            }
            let now = millis(Timestamp::now());
            store.db.execute(NOTE, params![now, "back", "", to])?;
        }
        Ok(store)
    }

    /// Copies a ledger that no one uses into a place where there is none, and retires it.
    pub(in crate::ledger) fn move_ledger(
        from: &Location,
        to: &Location,
        options: &OpenOptions,
    ) -> Result<Moved, StoreError> {
        // Nothing is made where nothing is.
        drop(Self::open_read_only(from, options)?);
        let mut source = Self::open_even_retired(from, options)?;
        source.check_that_it_moved_nowhere_else(from, to)?;
        source.check_that_no_one_uses_it(options)?;
        source.reap(Timestamp::now())?;
        source.check_that_no_one_sends()?;
        match to {
            Location::File(path) => source.move_into_file(path, to),
            Location::Server(_) => source.move_to_server(to, options),
        }
    }

    /// A retired ledger is copied again only to complete the move that retired it: a second copy would send what the first sends.
    fn check_that_it_moved_nowhere_else(&self, from: &Location, to: &Location) -> Result<(), StoreError> {
        let Some(place) = moved_to(&self.db)? else { return Ok(()) };
        let is_same = place_of(to)? == place;
        // A file that is not there, and of which no part is either, has been moved on.
        let is_there = to.file().is_none_or(|path| path.exists() || partial(path).exists());
        if is_same && is_there {
            return Ok(());
        }
        Err(LedgerError::Moved { from: from.to_string(), to: place }.into())
    }

    fn check_that_no_one_sends(&self) -> Result<(), StoreError> {
        if self.living_workers()?.is_empty() {
            return Ok(());
        }
        Err(LedgerError::InUse { what: "a sender is at work, or its lease has not run out" }.into())
    }

    fn check_that_no_one_uses_it(&self, options: &OpenOptions) -> Result<(), StoreError> {
        let is_used = if let Some(sqlite) = self.db.as_sqlite() {
            let set = |mode: &str| -> rusqlite::Result<String> {
                sqlite.pragma_update_and_check(None, "journal_mode", mode, |row| row.get(0))
            };
            // Only whoever is alone can leave this mode.
            sqlite.busy_timeout(Duration::ZERO)?;
            let is_alone = set("DELETE").is_ok_and(|mode| mode == "delete");
            sqlite.busy_timeout(options.busy_timeout)?;
            set("WAL")?;
            !is_alone
        } else {
            // The server may need a moment to see that a process has ended.
            let mut is_used = true;
            for _ in 0..LOOKS {
                is_used = is_used && self.db.query_row(OTHERS, [], |row| row.get(0))?;
            }
            is_used
        };
        if is_used { Err(LedgerError::InUse { what: "another process has it open" }.into()) } else { Ok(()) }
    }

    fn identity(&self) -> Result<String, StoreError> {
        Ok(self.db.query_row("SELECT id FROM identity", [], |row| row.get(0))?)
    }

    fn move_into_file(&self, path: &Path, to: &Location) -> Result<Moved, StoreError> {
        let failed =
            |error: io::Error| LedgerError::Backup { path: path.to_owned(), source: Arc::new(error) };
        if fs::symlink_metadata(path).is_ok() {
            let is_complete =
                rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
                    .map_err(StoreError::from)
                    .and_then(|there| self.is_copied_to(&Connection::sqlite(there)));
            return self.is_there_already(is_complete.unwrap_or(false), to);
        }
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            crate::files::make_untracked_folder(folder).map_err(failed)?;
        }
        let partial = partial(path);
        let _ = fs::remove_file(&partial);
        files::new_private(&partial).map_err(failed)?;
        let look = self.db.begin_alone(&names())?;
        // Whoever came since the first look begins nothing once the move is noted; a sender is left in peace.
        self.check_that_no_one_sends()?;
        let copy = Self::bare_file(&partial)?;
        let tx = copy.begin_writing()?;
        let rows = fill(&look, &tx)?;
        self.name_copy(&tx)?;
        tx.commit()?;
        drop(copy);
        fs::File::open(&partial).and_then(|file| file.sync_all()).map_err(failed)?;
        let place = place_of(to)?;
        look.execute(NOTE, params![millis(Timestamp::now()), "to", "", place])?;
        look.commit()?;
        fs::rename(&partial, path).map_err(failed)?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        }
        Ok(Moved { rows, is_new: true })
    }

    /// The copy is another ledger: what was seen of the old one says nothing about it.
    fn name_copy(&self, copy: &Connection) -> Result<(), StoreError> {
        let mut bytes = [0; 16];
        rand::fill(&mut bytes).map_err(|_| LedgerError::damaged("the system has no random numbers"))?;
        let id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        copy.execute("UPDATE identity SET id = ?1", [id])?;
        copy.execute(NOTE, params![millis(Timestamp::now()), "from", self.identity()?, ""])?;
        Ok(())
    }

    /// Whether a ledger was made by this move, which was interrupted after it.
    fn is_copied_to(&self, there: &Connection) -> Result<bool, StoreError> {
        let of = "SELECT ledger FROM moves WHERE direction = 'from' ORDER BY id DESC LIMIT 1";
        let from: Option<String> = there.prepare_cached(of)?.query_row([], |row| row.get(0)).optional()?;
        Ok(from == Some(self.identity()?))
    }

    fn is_there_already(&self, is_complete: bool, to: &Location) -> Result<Moved, StoreError> {
        if is_complete && moved_to(&self.db)?.is_some() {
            return Ok(Moved { rows: 0, is_new: false });
        }
        Err(LedgerError::NotEmpty { place: to.to_string() }.into())
    }
}

/// Where a copy is written before it is whole.
fn partial(path: &Path) -> PathBuf {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    PathBuf::from(partial)
}

/// How the old ledger names the place of the new one.
fn place_of(to: &Location) -> Result<String, StoreError> {
    let Some(path) = to.file() else { return Ok(to.to_string()) };
    let failed = |error: io::Error| LedgerError::Backup { path: path.to_owned(), source: Arc::new(error) };
    Ok(std::path::absolute(path).map_err(failed)?.display().to_string())
}

/// Whether a ledger was opened and never used.
fn is_unused(db: &Connection) -> Result<bool, StoreError> {
    let made_with_it = ["identity", "counters"];
    for table in TABLES.iter().filter(|table| !made_with_it.contains(&table.name)) {
        if db.prepare_cached(&format!("SELECT 1 FROM \"{}\" LIMIT 1", table.name))?.exists([])? {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(feature = "postgres")]
impl Store {
    fn move_to_server(&self, to: &Location, options: &OpenOptions) -> Result<Moved, StoreError> {
        let Location::Server(server) = to else { return self.is_there_already(false, to) };
        let copy = Connection::postgres(server, options.busy_timeout)?;
        let tx = copy.begin_writing()?;
        tx.execute_batch(
            "SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0",
        )?;
        super::server::bring_up_to_date(&tx)?;
        if !is_unused(&tx)? {
            let is_complete = self.is_copied_to(&tx)?;
            return self.is_there_already(is_complete, to);
        }
        let look = self.db.begin_alone(&names())?;
        // Whoever came since the first look begins nothing once the move is noted; a sender is left in peace.
        self.check_that_no_one_sends()?;
        let rows = fill(&look, &tx)?;
        self.name_copy(&tx)?;
        look.execute(NOTE, params![millis(Timestamp::now()), "to", "", place_of(to)?])?;
        look.commit()?;
        tx.commit()?;
        copy.execute_batch("ANALYZE")?;
        Ok(Moved { rows, is_new: true })
    }
}

#[cfg(not(feature = "postgres"))]
impl Store {
    fn move_to_server(&self, to: &Location, options: &OpenOptions) -> Result<Moved, StoreError> {
        // What is refused there says why.
        Self::open_even_retired(to, options)
            .and_then(|there| is_unused(&there.db))
            .and_then(|_| self.is_there_already(false, to))
    }
}
