//! Opening the file: settings of the connection, migrations, a look at its health.

use std::{
    borrow::Cow,
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use rusqlite::{
    Connection as Sqlite, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior,
    backup::{Backup, StepResult},
    config::DbConfig,
};

use super::{
    copy::copy_tables,
    error::StoreError,
    recipients::{self, People},
    search::Cursors,
    store::Store,
    suppressed::Suppressed,
};
use crate::ledger::{
    error::LedgerError,
    files::{self, Files},
    log,
    options::{OpenOptions, Restored},
    worker::Living,
};
use crate::storage::Connection;

/// A step of the schema.
pub(super) struct Step {
    sqlite: &'static str,
    #[cfg(feature = "postgres")]
    pub(super) postgres: &'static str,
}

/// A step by the name of its files, one for each database.
macro_rules! step {
    ($name:literal) => {
        Step {
            sqlite: include_str!(concat!("../migrations/", $name, ".sql")),
            #[cfg(feature = "postgres")]
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        }
    };
}

/// The schema, step by step: a database knows how many it has taken. A step that was released never changes.
pub(super) const MIGRATIONS: [Step; 13] = [
    step!("0001_initial"),
    step!("0002_bounces"),
    step!("0003_managed_list"),
    step!("0004_dispatch_runs"),
    step!("0005_used_marks"),
    step!("0006_schedules"),
    step!("0007_topics"),
    step!("0008_service"),
    step!("0009_consent_topics"),
    step!("0010_soft_bounces"),
    step!("0011_shared_values"),
    step!("0012_moves"),
    step!("0013_counted_changes"),
];

/// The page cache of the connection that writes, in KiB. Plans, claims and marks go through the tables in their order: more
/// would make nothing faster.
const WRITER_CACHE_KIB: u32 = 2 << 10;
/// The page cache of one that only reads, mostly from one end to the other.
const READER_CACHE_KIB: u32 = 2 << 10;

/// The write-ahead log is cut back to this after a long list made it long.
const LOG_BYTES_KEPT: u32 = 16 << 20;

/// A ledger up to this size is looked through when it is opened; `check` does it for any size.
const QUICK_CHECK_BYTES: u64 = 32 << 20;

impl Store {
    /// Opens the file for writing, makes it where it is missing, and brings its schema up to date.
    pub(super) fn open_file(path: &Path, options: &OpenOptions) -> Result<Self, StoreError> {
        let files = Files::prepare(path).map_err(|error| LedgerError::open(path, error))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut db = Sqlite::open_with_flags(path, flags).map_err(|error| opening(path, error))?;
        db.busy_timeout(options.busy_timeout)?;
        // SQLite does not wait for a process that makes the same database at the same moment.
        let making = files.turn();
        first_look(&db)?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "journal_size_limit", LOG_BYTES_KEPT)?;
        settle_in(&db, WRITER_CACHE_KIB)?;
        migrate(&mut db)?;
        drop(making);
        if std::fs::metadata(path).is_ok_and(|file| file.len() <= QUICK_CHECK_BYTES) {
            quick_check(&db)?;
        }
        // What a row must be like is looked at above and by `check`, and by each mark where the program is tested: to look
        // again at each mark costs a third of the mark.
        db.pragma_update(None, "ignore_check_constraints", !cfg!(debug_assertions))?;
        let db = Connection::sqlite(db);
        let identity: String = db.query_row("SELECT id FROM identity", [], |row| row.get(0))?;
        let files = files.marked(options.marks.as_deref(), &identity);
        let count = count_opening(&db, &files, options.restored)?;
        files.remember(count);
        files.reserve_space();
        Ok(Self::with(db, Some(files), options.boot.clone()))
    }

    /// Opens the file read-only.
    pub(super) fn open_file_read_only(path: &Path, options: &OpenOptions) -> Result<Self, StoreError> {
        if let Err(error) = std::fs::metadata(path) {
            return Err(match error.kind() {
                io::ErrorKind::NotFound => LedgerError::Missing { path: path.to_owned() }.into(),
                _ => LedgerError::open(path, error).into(),
            });
        }
        // By whichever way it is reached, its write-ahead log is beside the file itself.
        let path = &*std::fs::canonicalize(path).map_or(Cow::Borrowed(path), Cow::Owned);
        if !log::left_behind(&Files::new(path)).is_empty() {
            // A sender has died: its log says which letters were started. Where that cannot be written down, all of its claim
            // is shown as begun.
            let reaped = Self::open_file(path, options).and_then(|mut store| store.reap(Timestamp::now()));
            drop(reaped);
        }
        let whole = |path: &Path| !files_beside(path, "-wal").exists();
        match Self::reading(path, OpenFlags::SQLITE_OPEN_READ_ONLY, options) {
            // Not even the files for readers can be made beside it. Where no one is writing, they are not needed.
            Err(StoreError(LedgerError::ReadOnly)) if whole(path) => {
                let escaped =
                    path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
                let address = format!("file:{escaped}?immutable=1");
                let access = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
                Self::reading(Path::new(&address), access, options)
            }
            opened => opened,
        }
    }

    /// A new file with the tables and nothing else, to copy another ledger into.
    pub(super) fn bare_file(path: &Path) -> Result<Connection, StoreError> {
        let mut db = Sqlite::open(path)?;
        db.pragma_update(None, "synchronous", "OFF")?;
        migrate(&mut db)?;
        Ok(Connection::sqlite(db))
    }

    /// The second connection of a process that writes: for reading, and for bringing a long log into the database
    /// without keeping the writer waiting.
    pub(super) fn beside_file(path: &Path, options: &OpenOptions) -> Result<Self, StoreError> {
        let store = Self::reading(path, OpenFlags::SQLITE_OPEN_READ_WRITE, options)?;
        store.db.execute_batch("PRAGMA query_only = true")?;
        Ok(store)
    }

    fn reading(path: &Path, access: OpenFlags, options: &OpenOptions) -> Result<Self, StoreError> {
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Sqlite::open_with_flags(path, flags).map_err(|error| opening(path, error))?;
        db.busy_timeout(options.busy_timeout)?;
        let found = first_look(&db)?;
        settle_in(&db, READER_CACHE_KIB)?;
        if found > known() {
            return Err(LedgerError::Newer { found, known: known() }.into());
        }
        if found < known() && access.contains(OpenFlags::SQLITE_OPEN_URI) {
            return Err(LedgerError::ReadOnly.into());
        }
        if found < known() {
            // Only a writer can bring it up to date.
            drop(db);
            Self::open_file(path, options)?;
            return Self::open_file_read_only(path, options);
        }
        Ok(Self::with(Connection::sqlite(db), Some(Files::new(path)), options.boot.clone()))
    }

    /// A ledger that no one else sees and that is gone when it is closed: in memory, and in a file without a name
    /// when it grows.
    pub(in crate::ledger) fn scratch() -> Result<Self, StoreError> {
        Self::scratch_of(Sqlite::open("")?)
    }

    /// A scratch ledger with everything that another holds at this moment.
    pub(in crate::ledger) fn scratch_copy(real: &Self) -> Result<Self, StoreError> {
        let mut db = Sqlite::open("")?;
        let copy = match real.db.as_sqlite() {
            Some(real) => {
                if Backup::new(real, &mut db)?.step(-1)? != StepResult::Done {
                    let why = io::Error::new(io::ErrorKind::ResourceBusy, "its file is in use");
                    return Err(LedgerError::Locked { source: Arc::new(why) }.into());
                }
                Self::scratch_of(db)?
            }
            None => {
                let copy = Self::scratch_of(db)?;
                copy_tables(&real.db, &copy.db)?;
                copy
            }
        };
        real.living_workers()?.into_iter().for_each(|worker| copy.living.keep(worker));
        Ok(copy)
    }

    fn scratch_of(mut db: Sqlite) -> Result<Self, StoreError> {
        db.pragma_update(None, "journal_mode", "MEMORY")?;
        db.pragma_update(None, "synchronous", "OFF")?;
        settle_in(&db, WRITER_CACHE_KIB)?;
        migrate(&mut db)?;
        Ok(Self::with(Connection::sqlite(db), None, None))
    }

    pub(super) fn with(db: Connection, files: Option<Files>, boot: Option<String>) -> Self {
        Self {
            db,
            place: files.as_ref().map(|files| files.ledger().display().to_string()),
            files,
            remote: None,
            living: Living::default(),
            boot,
            suppressed: Suppressed::default(),
            cursors: Cursors::default(),
            people: People::default(),
            selections: 0,
            begun: HashMap::default(),
        }
    }

    /// After a long list: brings the write-ahead log into the database as far as no one is in the way; a server looks again
    /// at how its tables are filled.
    pub(in crate::ledger) fn checkpoint(&self) -> Result<(), StoreError> {
        match self.db.as_sqlite() {
            Some(sqlite) => Ok(sqlite.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?),
            None => Ok(self.db.execute_batch("ANALYZE dispatches, recipient_pages, deliveries, attempts")?),
        }
    }

    /// The version of the server; `None` for a file.
    pub(in crate::ledger) fn server_version(&self) -> Result<Option<String>, StoreError> {
        if self.db.as_sqlite().is_some() {
            return Ok(None);
        }
        Ok(Some(self.db.query_row("SELECT current_setting('server_version')", [], |row| row.get(0))?))
    }

    /// The mark outside of the ledger's folder.
    pub(in crate::ledger) fn mark(&self) -> Option<PathBuf> {
        if let Some(remote) = &self.remote {
            return remote.files.as_ref().map(|files| files.beside("origin")).filter(|path| path.exists());
        }
        self.files.as_ref().and_then(Files::mark).map(Path::to_owned)
    }

    /// Writes a copy of this moment to a new file, whoever is writing meanwhile.
    pub(in crate::ledger) fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let failed = |error: io::Error| LedgerError::Backup { path: to.to_owned(), source: Arc::new(error) };
        if fs::symlink_metadata(to).is_ok() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()).into());
        }
        let mut partial = to.as_os_str().to_owned();
        partial.push(".partial");
        let partial = Path::new(&partial);
        files::new_private(partial).map_err(failed)?;
        let written = match self.db.as_sqlite() {
            Some(sqlite) => sqlite
                .execute("VACUUM INTO ?1", [partial.to_string_lossy()])
                .map(drop)
                .map_err(|error| LedgerError::Backup { path: to.to_owned(), source: Arc::new(error) }),
            None => self.copy_into_file(partial).map_err(LedgerError::from),
        };
        let copied = written
            .and_then(|()| fs::File::open(partial).and_then(|file| file.sync_all()).map_err(failed))
            .and_then(|()| fs::rename(partial, to).map_err(failed));
        if copied.is_err() {
            let _ = fs::remove_file(partial);
        }
        Ok(copied?)
    }

    /// Looks through the whole file for damage: pages, constraints, references.
    pub(in crate::ledger) fn check(&self) -> Result<(), StoreError> {
        // One look: others may be sending.
        let _look = self.db.begin_reading()?;
        if let Some(sqlite) = self.db.as_sqlite() {
            quick_check(sqlite)?;
            let sql = "SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1";
            let broken: Option<String> = sqlite.prepare(sql)?.query_row([], |row| row.get(0)).optional()?;
            if let Some(table) = broken {
                return Err(LedgerError::damaged(&format!("a row of `{table}` refers to nothing")).into());
            }
        }
        let dispatches: Vec<i64> = self.dispatches()?.into_iter().map(|dispatch| dispatch.id.0).collect();
        for dispatch in dispatches {
            recipients::check(&self.db, dispatch)?;
        }
        Ok(())
    }
}

fn settle_in(db: &Sqlite, cache_kib: u32) -> Result<(), StoreError> {
    db.pragma_update(None, "cache_size", -i64::from(cache_kib))?;
    // Ways through the tables are chosen once, not again for each value.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // References are looked through by `check`; looking at each mark would cost more than the mark.
    db.pragma_update(None, "foreign_keys", false)?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(())
}

pub(super) fn known() -> u32 {
    MIGRATIONS.len() as u32
}

/// The schema, as the first thing that is read: a folder that cannot be written shows here.
fn first_look(db: &Sqlite) -> Result<u32, StoreError> {
    let found = db.pragma_query_value(None, "user_version", |row| row.get(0));
    found.map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen) => LedgerError::ReadOnly.into(),
        _ => error.into(),
    })
}

fn files_beside(path: &Path, ending: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn schema(db: &Sqlite) -> Result<u32, StoreError> {
    Ok(db.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

fn migrate(db: &mut Sqlite) -> Result<(), StoreError> {
    let mut found = schema(db)?;
    if found < known() {
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have been faster.
        found = schema(&tx)?;
        for step in MIGRATIONS.iter().skip(found as usize) {
            tx.execute_batch(step.sqlite)?;
        }
        tx.pragma_update(None, "user_version", known().max(found))?;
        tx.commit()?;
        found = found.max(known());
    }
    if found > known() {
        return Err(LedgerError::Newer { found, known: known() }.into());
    }
    Ok(())
}

fn quick_check(db: &Sqlite) -> Result<(), StoreError> {
    let found: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(LedgerError::damaged(&found).into()) }
}

pub(super) fn count_opening(db: &Connection, files: &Files, restored: Restored) -> Result<u64, StoreError> {
    // First what was seen, as others count on meanwhile.
    let seen = files.seen();
    let tx = db.begin_writing()?;
    let found: i64 =
        tx.query_row("SELECT value FROM counters WHERE name = 'claims'", [], |row| row.get(0))?;
    let found = found.max(0) as u64;
    if found < seen && restored == Restored::Refuse {
        return Err(LedgerError::Restored { path: files.ledger().to_owned(), found, seen }.into());
    }
    let next = found.max(seen) + 1;
    tx.execute("UPDATE counters SET value = ?1 WHERE name = 'claims'", [next as i64])?;
    tx.commit()?;
    Ok(next)
}

fn opening(path: &Path, error: rusqlite::Error) -> LedgerError {
    match StoreError::from(error).0 {
        LedgerError::Other { source } => LedgerError::Open { path: path.to_owned(), source },
        known => known,
    }
}
