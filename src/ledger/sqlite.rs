//! The ledger's contract on SQLite: one writing connection, one reading connection, write-ahead log.
//!
//! Each public function here is one transaction, or part of the one that its caller opened.

mod claims;
mod decisions;
mod keys;
mod plan;
mod queries;
mod recipients;
mod relays;
mod schema;
mod search;
mod suppressed;
mod transitions;
mod workers;

use std::{collections::HashMap, hash::BuildHasherDefault, sync::Arc};

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use super::{error::LedgerError, files::Files, identity_hasher::IdentityHasher, worker::Living};
use recipients::People;
use search::Cursors;
use suppressed::Suppressed;

pub(super) use plan::{Duplicates, Frozen, opened_at};

/// A connection to the ledger, and what is remembered between its transactions.
pub(super) struct Store {
    db: Connection,
    /// `None` for a scratch ledger.
    files: Option<Files>,
    living: Living,
    boot: Option<String>,
    suppressed: Suppressed,
    cursors: Cursors,
    people: People,
    selections: i64,
    /// Epoch and time of what was begun through this connection and has not ended.
    begun: HashMap<i64, (u32, i64), BuildHasherDefault<IdentityHasher>>,
}

impl Store {
    /// A transaction that may write: no other process writes until it ends.
    fn writing(db: &mut Connection) -> Result<Transaction<'_>, LedgerError> {
        Ok(db.transaction_with_behavior(TransactionBehavior::Immediate)?)
    }

    /// Makes room on a full disk, once.
    pub(super) fn release_reserve(&self) -> bool {
        self.files.as_ref().is_some_and(Files::release_reserve)
    }
}

impl From<rusqlite::Error> for LedgerError {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error_code();
        let source = Arc::new(error);
        match code {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { source },
            Some(ErrorCode::DiskFull) => Self::Full { source },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt { source },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            _ => Self::Other { source },
        }
    }
}

/// Milliseconds since 1970, as the ledger keeps times.
fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// The time behind a number of the ledger; one that no calendar knows is moved to its nearest end.
fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(if millis < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
