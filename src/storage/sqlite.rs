//! What SQLite does in its own way.

use std::{
    thread,
    time::{Duration, Instant},
};

use rusqlite::{
    ErrorCode,
    types::{ToSqlOutput, ValueRef as SqliteRef},
};

use super::{
    error::Error,
    value::{Params, ValueRef},
};

impl rusqlite::ToSql for ValueRef<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => SqliteRef::Null,
            Self::Integer(number) => SqliteRef::Integer(number),
            Self::Text(text) => SqliteRef::Text(text.as_bytes()),
            Self::Blob(bytes) => SqliteRef::Blob(bytes),
        }))
    }
}

/// Gives a statement its values.
pub(super) fn bind(statement: &mut rusqlite::Statement<'_>, params: &impl Params) -> Result<(), Error> {
    for index in 0..params.count() {
        statement.raw_bind_parameter(index + 1, params.at(index))?;
    }
    Ok(())
}

/// What a column of a row holds.
pub(super) fn column<'a>(row: &'a rusqlite::Row<'_>, column: usize) -> Result<ValueRef<'a>, Error> {
    Ok(match row.get_ref(column)? {
        SqliteRef::Null => ValueRef::Null,
        SqliteRef::Integer(number) => ValueRef::Integer(number),
        SqliteRef::Text(bytes) => {
            ValueRef::Text(std::str::from_utf8(bytes).map_err(|_| Error::Type { column })?)
        }
        SqliteRef::Blob(bytes) => ValueRef::Blob(bytes),
        SqliteRef::Real(_) => return Err(Error::Type { column }),
    })
}

/// Opens a transaction that writes, and waits for its turn as long as the connection waits for a lock.
///
/// Others hold the lock for some milliseconds and take it again soon. SQLite's own wait asks ever less often, so that next to
/// a process that writes all the time another one would hardly find the lock free.
pub(super) fn begin_writing(db: &rusqlite::Connection) -> Result<(), Error> {
    let mut begin = db.prepare_cached("BEGIN IMMEDIATE")?;
    let millis: i64 = db.prepare_cached("PRAGMA busy_timeout")?.query_row([], |row| row.get(0))?;
    let busy_timeout = Duration::from_millis(millis.unsigned_abs());
    db.busy_timeout(Duration::ZERO)?;
    let since = Instant::now();
    let begun = loop {
        let begun = begin.execute([]);
        let is_busy =
            matches!(&begun, Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy));
        let waited = since.elapsed();
        if !is_busy || waited >= busy_timeout {
            break begun;
        }
        // Whoever is not let in for long waits for a long transaction, such as an import.
        let pause = (waited / 16).clamp(Duration::from_micros(500), Duration::from_millis(10));
        thread::sleep(pause.min(busy_timeout - waited));
    };
    db.busy_timeout(busy_timeout)?;
    Ok(begun.map(drop)?)
}

/// A database in memory, and in a file without a name when it grows.
pub(super) fn scratch(cache_kib: u32) -> Result<rusqlite::Connection, Error> {
    let db = rusqlite::Connection::open("")?;
    db.pragma_update(None, "journal_mode", "OFF")?;
    db.pragma_update(None, "synchronous", "OFF")?;
    set_cache(&db, -i64::from(cache_kib))?;
    Ok(db)
}

/// The size of the page cache: pages, or KiB below zero.
pub(super) fn cache(db: &rusqlite::Connection) -> Result<i64, Error> {
    Ok(db.pragma_query_value(None, "cache_size", |row| row.get(0))?)
}

/// Sets the size of the page cache.
pub(super) fn set_cache(db: &rusqlite::Connection, size: i64) -> Result<(), Error> {
    Ok(db.pragma_update(None, "cache_size", size)?)
}
