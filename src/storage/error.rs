//! Why a statement failed.

use std::{error, fmt};

#[cfg(feature = "postgres")]
use super::origin::Origin;

/// Why a statement failed, as the database said it.
#[derive(Debug)]
pub(crate) enum Error {
    /// SQLite's words.
    Sqlite(rusqlite::Error),
    /// PostgreSQL's words.
    #[cfg(feature = "postgres")]
    Postgres(tokio_postgres::Error),
    /// The server does not answer, or refuses the login.
    Unreachable(Box<dyn error::Error + Send + Sync>),
    /// Between us and the server is something that shares sessions among clients.
    #[cfg(feature = "postgres")]
    Pooler(Box<dyn error::Error + Send + Sync>),
    /// Another database answers, or an earlier state of the one that was used before.
    #[cfg(feature = "postgres")]
    Replaced { before: Origin, now: Origin },
    /// One row was asked for, and there is none.
    NoRows,
    /// A column holds another type than the one that was asked for.
    Type {
        /// Counted from 0.
        column: usize,
    },
}

/// What helps against an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Another transaction is in the way.
    Locked,
    /// The disk is full.
    Full,
    /// The database is damaged.
    Corrupt,
    /// Nothing may be written.
    ReadOnly,
    /// The server is away, or restarts.
    Unreachable,
    /// Sessions are shared among clients.
    Pooler,
    /// It is not the database that was used before.
    Replaced,
    /// Anything else.
    Other,
}

impl Error {
    /// What helps against it.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Sqlite(error) => {
                use rusqlite::ErrorCode;
                match error.sqlite_error_code() {
                    Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Kind::Locked,
                    Some(ErrorCode::DiskFull) => Kind::Full,
                    Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Kind::Corrupt,
                    Some(ErrorCode::ReadOnly) => Kind::ReadOnly,
                    _ => Kind::Other,
                }
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(error) => match error.code().map(tokio_postgres::error::SqlState::code) {
                Some("53100") => Kind::Full,
                Some("55P03" | "57014" | "40001" | "40P01" | "25P03") => Kind::Locked,
                Some("XX001" | "XX002") => Kind::Corrupt,
                Some("25006" | "42501") => Kind::ReadOnly,
                Some(code) if code.starts_with("57P") || code.starts_with("08") || code == "53300" => {
                    Kind::Unreachable
                }
                None if error.is_closed()
                    || error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>()) =>
                {
                    Kind::Unreachable
                }
                _ => Kind::Other,
            },
            Self::Unreachable(_) => Kind::Unreachable,
            #[cfg(feature = "postgres")]
            Self::Pooler(_) => Kind::Pooler,
            #[cfg(feature = "postgres")]
            Self::Replaced { .. } => Kind::Replaced,
            Self::NoRows | Self::Type { .. } => Kind::Other,
        }
    }

    /// Of a connection that could not be made.
    #[cfg(feature = "postgres")]
    pub(super) fn connecting(error: tokio_postgres::Error) -> Self {
        let is_pooler =
            error.as_db_error().is_some_and(|said| said.message().contains("unsupported startup parameter"));
        if is_pooler { Self::Pooler(Box::new(error)) } else { Self::Unreachable(Box::new(error)) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(error) => error.fmt(f),
            #[cfg(feature = "postgres")]
            Self::Postgres(error) => match error.as_db_error() {
                Some(said) => write!(f, "{} (SQLSTATE {})", said.message(), said.code().code()),
                None => error.fmt(f),
            },
            Self::Unreachable(error) => error.fmt(f),
            #[cfg(feature = "postgres")]
            Self::Pooler(error) => error.fmt(f),
            #[cfg(feature = "postgres")]
            Self::Replaced { before, now } if before.system != now.system => {
                f.write_str("another database cluster answers than before")
            }
            #[cfg(feature = "postgres")]
            Self::Replaced { before, now } if before.timeline != now.timeline => {
                write!(f, "the server has changed from timeline {} to {}", before.timeline, now.timeline)
            }
            #[cfg(feature = "postgres")]
            Self::Replaced { .. } => f.write_str("the end of the server's log is before one that was seen"),
            Self::NoRows => f.write_str("the database returned no rows"),
            Self::Type { column } => write!(f, "column {column} holds a value of another type"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Sqlite(error) => error.source(),
            #[cfg(feature = "postgres")]
            Self::Postgres(error) => error.source(),
            #[cfg(feature = "postgres")]
            Self::Pooler(error) => error.source(),
            Self::Unreachable(error) => error.source(),
            _ => None,
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::QueryReturnedNoRows => Self::NoRows,
            error => Self::Sqlite(error),
        }
    }
}

#[cfg(feature = "postgres")]
impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}
