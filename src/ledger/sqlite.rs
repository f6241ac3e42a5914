//! The ledger's contract on SQLite: one writing connection, one reading connection, write-ahead log.
//!
//! Each function of [`Store`] is one transaction, or part of the one that its caller opened. Files import only what is above
//! them in this order: error, times, keys, recipients, suppressed, search, store, then the statements (schema, plan,
//! transitions, workers, claims, queries, decisions, hashes, erase, relays).

mod bounces;
mod claims;
mod decisions;
mod erase;
mod error;
mod hashes;
mod keys;
mod plan;
mod queries;
mod recipients;
mod relays;
mod schema;
mod search;
mod store;
mod suppressed;
mod times;
mod transitions;
mod workers;

pub(super) use error::StoreError;
pub(crate) use hashes::database_error;
pub(super) use plan::{Duplicates, Frozen, opened_at};
pub(super) use store::Store;
