//! The ledger's contract in a database: one writing connection, one reading connection.
//!
//! Each function of [`Store`] is one transaction, or part of the one that its caller opened. Files import only what is above
//! them in this order: error, times, keys, recipients, moved, suppressed, search, store, then the statements (schema, plan,
//! transitions, workers, shares, claims, queries, decisions, hashes, erase, relays, runs, schedules, shared).

mod bounces;
mod claims;
mod copy;
mod decisions;
mod erase;
mod error;
mod hashes;
mod keys;
#[cfg(test)]
mod model;
mod moved;
mod moving;
mod opening;
mod plan;
mod queries;
mod recipients;
mod relays;
mod runs;
mod schedules;
mod schema;
mod search;
#[cfg(feature = "postgres")]
mod server;
#[cfg(feature = "postgres")]
mod server_transitions;
mod shared;
mod shares;
mod store;
mod suppressed;
mod times;
mod transitions;
mod workers;

pub(super) use error::StoreError;
pub(crate) use hashes::{database_error, suppressed_hashes};
pub(super) use plan::{Duplicates, Frozen, opened_at};
pub(super) use schedules::FrozenSchedule;
pub(super) use store::Store;
