use std::{collections::HashMap, hash::BuildHasherDefault};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{error::StoreError, recipients::People, search::Cursors, suppressed::Suppressed};
use crate::ledger::{files::Files, identity_hasher::IdentityHasher, worker::Living};

/// A connection to the ledger, and what is remembered between its transactions.
pub(in crate::ledger) struct Store {
    pub(super) db: Connection,
    /// `None` for a scratch ledger.
    pub(super) files: Option<Files>,
    pub(super) living: Living,
    pub(super) boot: Option<String>,
    pub(super) suppressed: Suppressed,
    pub(super) cursors: Cursors,
    pub(super) people: People,
    pub(super) selections: i64,
    /// Epoch and time of what was begun through this connection and has not ended.
    pub(super) begun: HashMap<i64, (u32, i64), BuildHasherDefault<IdentityHasher>>,
}

impl Store {
    /// A transaction that may write: no other process writes until it ends.
    pub(super) fn writing(db: &mut Connection) -> Result<Transaction<'_>, StoreError> {
        Ok(db.transaction_with_behavior(TransactionBehavior::Immediate)?)
    }

    /// Makes room on a full disk, once.
    pub(in crate::ledger) fn release_reserve(&self) -> bool {
        self.files.as_ref().is_some_and(Files::release_reserve)
    }
}
