//! Connections to the database: SQLite in a file, or PostgreSQL.
//!
//! In: statements of `ledger` and `audience` with their values. Out: rows, and errors sorted by what helps against them.
//! Never: knows what a delivery or a subscriber is; decides what is written.
//!
//! The interface is that of `rusqlite`, and as small as its callers need. Statements are written once where both databases
//! understand them (`?1` becomes `$1` on the way); where they do not, the caller takes one of two
//! ([`Connection::either`]).

mod bulk;
mod connection;
mod error;
#[cfg(feature = "postgres")]
mod origin;
#[cfg(feature = "postgres")]
mod postgres;
mod server;
mod sqlite;
mod value;

pub(crate) use connection::{CachedStatement, Connection, OptionalExtension, Row, Transaction};
pub(crate) use error::{Error, Kind};
#[cfg(feature = "postgres")]
pub(crate) use origin::Origin;
#[cfg(feature = "postgres")]
pub(crate) use postgres::Part;
pub use server::{Location, Server, ServerError};
pub(crate) use value::{ToSql, Value, ValueRef, params};
