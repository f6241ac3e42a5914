//! One connection to a database, its statements and its rows.

use std::ops::Deref;
#[cfg(feature = "postgres")]
use std::time::Duration;

use super::{
    error::Error,
    sqlite,
    value::{FromSql, Params, ValueRef},
};
#[cfg(feature = "postgres")]
use super::{
    postgres::{self, Client},
    server::Server,
};

/// A connection. Statements are prepared once and remembered.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(super) backend: Backend,
}

#[derive(Debug)]
pub(super) enum Backend {
    Sqlite(rusqlite::Connection),
    #[cfg(feature = "postgres")]
    Postgres(Box<Client>),
}

impl Connection {
    /// Over a connection to SQLite that was opened and set up.
    pub(crate) fn sqlite(sqlite: rusqlite::Connection) -> Self {
        Self { backend: Backend::Sqlite(sqlite) }
    }

    /// To a server.
    #[cfg(feature = "postgres")]
    pub(crate) fn postgres(server: &Server, busy_timeout: Duration) -> Result<Self, Error> {
        Ok(Self { backend: Backend::Postgres(Box::new(Client::connect(server, busy_timeout)?)) })
    }

    /// A database that no one else sees and that is gone when it is closed; nothing in it is durable.
    pub(crate) fn scratch(cache_kib: u32) -> Result<Self, Error> {
        Ok(Self::sqlite(sqlite::scratch(cache_kib)?))
    }

    /// The connection to SQLite, for what only SQLite has.
    pub(crate) fn as_sqlite(&self) -> Option<&rusqlite::Connection> {
        match &self.backend {
            Backend::Sqlite(sqlite) => Some(sqlite),
            #[cfg(feature = "postgres")]
            Backend::Postgres(_) => None,
        }
    }

    /// The connection to PostgreSQL, for what only PostgreSQL has.
    #[cfg(feature = "postgres")]
    pub(crate) fn as_postgres(&self) -> Option<&Client> {
        match &self.backend {
            Backend::Sqlite(_) => None,
            Backend::Postgres(client) => Some(client),
        }
    }

    /// One of two texts, where the databases do not understand the same.
    pub(crate) fn either<'a>(&self, sqlite: &'a str, postgres: &'a str) -> &'a str {
        if self.as_sqlite().is_some() { sqlite } else { postgres }
    }

    /// A statement, which is remembered.
    pub(crate) fn prepare_cached(&self, sql: &str) -> Result<Statement<'_>, Error> {
        match &self.backend {
            Backend::Sqlite(sqlite) => Ok(Statement::Sqlite(sqlite.prepare_cached(sql)?)),
            #[cfg(feature = "postgres")]
            Backend::Postgres(client) => {
                client.prepare(sql)?;
                Ok(Statement::Postgres(client, sql.to_owned()))
            }
        }
    }

    /// Does something; returns how many rows it changed.
    pub(crate) fn execute(&self, sql: &str, params: impl Params) -> Result<usize, Error> {
        self.prepare_cached(sql)?.execute(params)
    }

    /// Does several things, without values.
    pub(crate) fn execute_batch(&self, sql: &str) -> Result<(), Error> {
        match &self.backend {
            Backend::Sqlite(sqlite) => Ok(sqlite.execute_batch(sql)?),
            #[cfg(feature = "postgres")]
            Backend::Postgres(client) => client.batch(sql),
        }
    }

    /// The first row of an answer.
    pub(crate) fn query_row<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.prepare_cached(sql)?.query_row(params, read)
    }

    /// A transaction that may write: no other process writes until it ends.
    pub(crate) fn begin_writing(&self) -> Result<Transaction<'_>, Error> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite::begin_writing(sqlite)?,
            #[cfg(feature = "postgres")]
            Backend::Postgres(client) => client.begin_alone()?,
        }
        Ok(Transaction { db: self, is_open: true })
    }

    /// A transaction in which everything that is read is of the same moment.
    pub(crate) fn begin_reading(&self) -> Result<Transaction<'_>, Error> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.prepare_cached("BEGIN")?.execute([]).map(drop)?,
            #[cfg(feature = "postgres")]
            Backend::Postgres(client) => client.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?,
        }
        Ok(Transaction { db: self, is_open: true })
    }

    /// A transaction in which no other connection writes anything at all, so that everything that is read is the last word. On a
    /// server, who begins to write waits until this connection ends.
    pub(crate) fn begin_alone(&self, tables: &[&str]) -> Result<Transaction<'_>, Error> {
        #[cfg(feature = "postgres")]
        if let Backend::Postgres(client) = &self.backend {
            client.keep_writers_away()?;
            client.begin(&format!(
                "BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL idle_in_transaction_session_timeout = 0; \
                 SET LOCAL statement_timeout = 0; LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE",
                tables.join(", ")
            ))?;
            return Ok(Transaction { db: self, is_open: true });
        }
        let _ = tables;
        self.begin_writing()
    }

    /// Has triggers do nothing, or something again: what they did is copied too.
    pub(crate) fn set_triggers(&self, tables: &[&str], are_on: bool) -> Result<(), Error> {
        if let Some(sqlite) = self.as_sqlite() {
            let config = rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER;
            return Ok(sqlite.set_db_config(config, are_on).map(drop)?);
        }
        let word = if are_on { "ENABLE" } else { "DISABLE" };
        let of = |table: &&str| format!("ALTER TABLE {table} {word} TRIGGER USER;");
        self.execute_batch(&tables.iter().map(of).collect::<String>())
    }

    /// Does something with a larger cache of pages: many rows are written in no order.
    pub(crate) fn with_cache<T, E: From<Error>>(
        &self,
        kib: u32,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let Some(sqlite) = self.as_sqlite() else { return work() };
        let before = sqlite::cache(sqlite)?;
        sqlite::set_cache(sqlite, -i64::from(kib))?;
        let done = work();
        sqlite::set_cache(sqlite, before)?;
        done
    }
}

/// A transaction; undone when it is dropped without a commit.
pub(crate) struct Transaction<'db> {
    db: &'db Connection,
    is_open: bool,
}

impl Transaction<'_> {
    /// Makes it durable.
    pub(crate) fn commit(mut self) -> Result<(), Error> {
        match &self.db.backend {
            Backend::Sqlite(sqlite) => sqlite.prepare_cached("COMMIT")?.execute([]).map(drop)?,
            #[cfg(feature = "postgres")]
            Backend::Postgres(client) => client.commit()?,
        }
        self.is_open = false;
        Ok(())
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.db
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.is_open {
            return;
        }
        match &self.db.backend {
            // Some errors have undone everything already.
            Backend::Sqlite(sqlite) if sqlite.is_autocommit() => {}
            Backend::Sqlite(sqlite) => drop(sqlite.execute_batch("ROLLBACK")),
            #[cfg(feature = "postgres")]
            Backend::Postgres(client) => client.rollback(),
        }
    }
}

/// A statement with open values.
pub(crate) enum Statement<'db> {
    Sqlite(rusqlite::CachedStatement<'db>),
    #[cfg(feature = "postgres")]
    Postgres(&'db Client, String),
}

/// As [`Connection::prepare_cached`] returns it.
pub(crate) type CachedStatement<'db> = Statement<'db>;

impl Statement<'_> {
    /// Does it; returns how many rows it changed.
    pub(crate) fn execute(&mut self, params: impl Params) -> Result<usize, Error> {
        match self {
            Self::Sqlite(statement) => {
                sqlite::bind(statement, &params)?;
                Ok(statement.raw_execute()?)
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(client, sql) => {
                let values = postgres::values(&params);
                Ok(client.execute(sql, &postgres::refer(&values))? as usize)
            }
        }
    }

    /// Asks it.
    pub(crate) fn query(&mut self, params: impl Params) -> Result<Rows<'_>, Error> {
        match self {
            Self::Sqlite(statement) => {
                sqlite::bind(statement, &params)?;
                Ok(Rows::Sqlite(statement.raw_query()))
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(client, sql) => {
                let values = postgres::values(&params);
                let rows = client.query(sql, &postgres::refer(&values))?;
                Ok(Rows::Postgres(rows.into_iter(), None))
            }
        }
    }

    /// Asks it, and reads each row.
    pub(crate) fn query_map<T, F: FnMut(&Row<'_>) -> Result<T, Error>>(
        &mut self,
        params: impl Params,
        read: F,
    ) -> Result<MappedRows<'_, F>, Error> {
        Ok(MappedRows { rows: self.query(params)?, read })
    }

    /// Asks it, and reads the first row.
    pub(crate) fn query_row<T>(
        &mut self,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.query(params)?.next()?.ok_or(Error::NoRows).and_then(read)
    }

    /// Whether the answer has a row.
    pub(crate) fn exists(&mut self, params: impl Params) -> Result<bool, Error> {
        Ok(self.query(params)?.next()?.is_some())
    }
}

/// The rows of an answer.
pub(crate) enum Rows<'stmt> {
    Sqlite(rusqlite::Rows<'stmt>),
    /// Those that follow, and the one that was read last.
    #[cfg(feature = "postgres")]
    Postgres(std::vec::IntoIter<tokio_postgres::Row>, Option<tokio_postgres::Row>),
}

impl Rows<'_> {
    /// The next one; `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<&Row<'_>>, Error> {
        match self {
            Self::Sqlite(rows) => Ok(rows.next()?.map(|row| row as &Row<'_>)),
            #[cfg(feature = "postgres")]
            Self::Postgres(rows, last) => {
                *last = rows.next();
                Ok(last.as_ref().map(|row| row as &Row<'_>))
            }
        }
    }
}

/// The rows of an answer, each read.
pub(crate) struct MappedRows<'stmt, F> {
    rows: Rows<'stmt>,
    read: F,
}

impl<T, F: FnMut(&Row<'_>) -> Result<T, Error>> Iterator for MappedRows<'_, F> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next().map(|row| row.map(&mut self.read)).transpose().map(Result::flatten)
    }
}

/// A row of an answer, whichever database gave it.
pub(crate) type Row<'a> = dyn Columns + 'a;

/// The columns of a row.
pub(crate) trait Columns {
    /// What a column holds.
    fn column(&self, index: usize) -> Result<ValueRef<'_>, Error>;
}

impl Columns for rusqlite::Row<'_> {
    fn column(&self, index: usize) -> Result<ValueRef<'_>, Error> {
        sqlite::column(self, index)
    }
}

#[cfg(feature = "postgres")]
impl Columns for tokio_postgres::Row {
    fn column(&self, index: usize) -> Result<ValueRef<'_>, Error> {
        postgres::column(self, index)
    }
}

/// The place of a column, from 0.
pub(crate) trait Index {
    /// As a number.
    fn index(self) -> usize;
}

impl Index for usize {
    fn index(self) -> usize {
        self
    }
}

impl dyn Columns + '_ {
    /// What a column holds, as the type that is asked for.
    pub(crate) fn get<I: Index, T: FromSql>(&self, index: I) -> Result<T, Error> {
        let column = index.index();
        T::from_sql(self.column(column)?).ok_or(Error::Type { column })
    }

    /// What a column holds.
    pub(crate) fn get_ref(&self, index: usize) -> Result<ValueRef<'_>, Error> {
        self.column(index)
    }
}

/// Makes an answer without rows `None`.
pub(crate) trait OptionalExtension<T> {
    /// `None` when there is no row.
    fn optional(self) -> Result<Option<T>, Error>;
}

impl<T> OptionalExtension<T> for Result<T, Error> {
    fn optional(self) -> Result<Option<T>, Error> {
        match self {
            Ok(found) => Ok(Some(found)),
            Err(Error::NoRows) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
