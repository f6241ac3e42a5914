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
    Connection, ErrorCode, OpenFlags,
    backup::{Backup, StepResult},
    config::DbConfig,
};

use super::{
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

/// The schema, step by step: the file's `user_version` is the number of steps it has taken. A step that was released never
/// changes.
const MIGRATIONS: [&str; 3] = [
    include_str!("../migrations/0001_initial.sql"),
    include_str!("../migrations/0002_bounces.sql"),
    include_str!("../migrations/0003_managed_list.sql"),
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
    pub(in crate::ledger) fn open(path: &Path, options: &OpenOptions) -> Result<Self, StoreError> {
        let files = Files::prepare(path).map_err(|error| LedgerError::open(path, error))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut db = Connection::open_with_flags(path, flags).map_err(|error| opening(path, error))?;
        db.busy_timeout(options.patience)?;
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
        let identity: String = db.query_row("SELECT id FROM identity", [], |row| row.get(0))?;
        let files = files.marked(options.marks.as_deref(), &identity);
        let count = count_opening(&mut db, &files, options.restored)?;
        files.remember(count);
        files.reserve_space();
        Ok(Self::with(db, Some(files), options.boot.clone()))
    }

    /// Opens the file for questions only.
    pub(in crate::ledger) fn open_read_only(path: &Path, options: &OpenOptions) -> Result<Self, StoreError> {
        if let Err(error) = std::fs::metadata(path) {
            return Err(match error.kind() {
                io::ErrorKind::NotFound => LedgerError::Missing { path: path.to_owned() }.into(),
                _ => LedgerError::open(path, error).into(),
            });
        }
        // By whichever way it is reached, its write-ahead log stands beside the file itself.
        let path = &*std::fs::canonicalize(path).map_or(Cow::Borrowed(path), Cow::Owned);
        if !log::left_behind(&Files::new(path)).is_empty() {
            // A sender has died: its log says which letters were started. Where that cannot be written down, all of its claim
            // is shown as begun.
            let reaped = Self::open(path, options).and_then(|mut store| store.reap(Timestamp::now()));
            drop(reaped);
        }
        let whole = |path: &Path| !files_beside(path, "-wal").exists();
        match Self::reading(path, OpenFlags::SQLITE_OPEN_READ_ONLY, options) {
            // Not even the files for readers can be made beside it. Where nobody is writing, they are not needed.
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

    /// The second connection of a process that writes: for questions, and for bringing a long log into the database
    /// without keeping the writer waiting.
    pub(in crate::ledger) fn beside(path: &Path, options: &OpenOptions) -> Result<Self, StoreError> {
        let store = Self::reading(path, OpenFlags::SQLITE_OPEN_READ_WRITE, options)?;
        store.db.pragma_update(None, "query_only", true)?;
        Ok(store)
    }

    fn reading(path: &Path, access: OpenFlags, options: &OpenOptions) -> Result<Self, StoreError> {
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags).map_err(|error| opening(path, error))?;
        db.busy_timeout(options.patience)?;
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
            Self::open(path, options)?;
            return Self::open_read_only(path, options);
        }
        Ok(Self::with(db, Some(Files::new(path)), options.boot.clone()))
    }

    /// A ledger that nobody else sees and that is gone when it is closed: in memory, and in a file without a name
    /// when it grows.
    pub(in crate::ledger) fn scratch() -> Result<Self, StoreError> {
        Self::scratch_of(Connection::open("")?)
    }

    /// A scratch ledger with everything that a file holds at this moment.
    pub(in crate::ledger) fn scratch_copy(path: &Path) -> Result<Self, StoreError> {
        let real = Self::open_read_only(path, &OpenOptions::default())?;
        let mut db = Connection::open("")?;
        if Backup::new(&real.db, &mut db)?.step(-1)? != StepResult::Done {
            let why = io::Error::new(io::ErrorKind::ResourceBusy, "its file is in use");
            return Err(LedgerError::Locked { source: Arc::new(why) }.into());
        }
        let copy = Self::scratch_of(db)?;
        real.living_workers()?.into_iter().for_each(|worker| copy.living.keep(worker));
        Ok(copy)
    }

    fn scratch_of(mut db: Connection) -> Result<Self, StoreError> {
        db.pragma_update(None, "journal_mode", "MEMORY")?;
        db.pragma_update(None, "synchronous", "OFF")?;
        settle_in(&db, WRITER_CACHE_KIB)?;
        migrate(&mut db)?;
        Ok(Self::with(db, None, None))
    }

    fn with(db: Connection, files: Option<Files>, boot: Option<String>) -> Self {
        Self {
            db,
            files,
            living: Living::default(),
            boot,
            suppressed: Suppressed::default(),
            cursors: Cursors::default(),
            people: People::default(),
            selections: 0,
            begun: HashMap::default(),
        }
    }

    /// Brings the write-ahead log into the database as far as nobody is in the way.
    pub(in crate::ledger) fn checkpoint(&self) -> Result<(), StoreError> {
        Ok(self.db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?)
    }

    /// The mark outside of the ledger's folder.
    pub(in crate::ledger) fn mark(&self) -> Option<PathBuf> {
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
        let copied = self
            .db
            .execute("VACUUM INTO ?1", [partial.to_string_lossy()])
            .map_err(|error| LedgerError::Backup { path: to.to_owned(), source: Arc::new(error) })
            .and_then(|_| fs::File::open(partial).and_then(|file| file.sync_all()).map_err(failed))
            .and_then(|()| fs::rename(partial, to).map_err(failed));
        if copied.is_err() {
            let _ = fs::remove_file(partial);
        }
        Ok(copied?)
    }

    /// Looks through the whole file for damage: pages, constraints, references.
    pub(in crate::ledger) fn check(&self) -> Result<(), StoreError> {
        // One look: others may be sending.
        let _look = self.db.unchecked_transaction()?;
        quick_check(&self.db)?;
        let broken: Option<String> = {
            let mut statement = self.db.prepare("SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1")?;
            let mut rows = statement.query([])?;
            rows.next()?.map(|row| row.get(0)).transpose()?
        };
        if let Some(table) = broken {
            return Err(LedgerError::damaged(&format!("a row of `{table}` refers to nothing")).into());
        }
        let dispatches: Vec<i64> = self.dispatches()?.into_iter().map(|dispatch| dispatch.id.0).collect();
        for dispatch in dispatches {
            recipients::check(&self.db, dispatch)?;
        }
        Ok(())
    }
}

fn settle_in(db: &Connection, cache_kib: u32) -> Result<(), StoreError> {
    db.pragma_update(None, "cache_size", -i64::from(cache_kib))?;
    // Ways through the tables are chosen once, not anew for each value.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // References are looked through by `check`; looking at each mark would cost more than the mark.
    db.pragma_update(None, "foreign_keys", false)?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(())
}

fn known() -> u32 {
    MIGRATIONS.len() as u32
}

/// The schema, as the first thing that is read: a folder that cannot be written shows here.
fn first_look(db: &Connection) -> Result<u32, StoreError> {
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

fn schema(db: &Connection) -> Result<u32, StoreError> {
    Ok(db.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

fn migrate(db: &mut Connection) -> Result<(), StoreError> {
    let mut found = schema(db)?;
    if found < known() {
        let tx = Store::writing(db)?;
        // Another process may have been faster.
        found = schema(&tx)?;
        for step in MIGRATIONS.iter().skip(found as usize) {
            tx.execute_batch(step)?;
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

fn quick_check(db: &Connection) -> Result<(), StoreError> {
    let found: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(LedgerError::damaged(&found).into()) }
}

fn count_opening(db: &mut Connection, files: &Files, restored: Restored) -> Result<u64, StoreError> {
    let tx = Store::writing(db)?;
    let found: i64 =
        tx.query_row("SELECT value FROM counters WHERE name = 'claims'", [], |row| row.get(0))?;
    let (found, seen) = (found.max(0) as u64, files.seen());
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
