//! People who are suppressed by their keyed hash alone, and the way of the managed list to its tables.

use jiff::Timestamp;

use super::{
    error::StoreError,
    store::{Store, begin_in_use},
    suppressed::hashes,
    times::millis,
};
use crate::{
    ledger::{error::LedgerError, suppressed_hashes::SuppressedHashes, values::Reason},
    message::{ListTokens, PersonHash},
    storage::{self, Connection, params},
};

impl Store {
    /// Suppresses people by their keyed hashes; one that is suppressed already keeps its reason. How many are new.
    pub(in crate::ledger) fn suppress_hashes(
        &mut self,
        people: &[PersonHash],
        reason: Reason,
        note: Option<&str>,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        let tx = begin_in_use(&self.db, self.place.as_deref())?;
        let new = insert_hashes(&tx, people, reason, note, at)?;
        if new > 0 {
            self.stamp_logs()?;
        }
        tx.commit()?;
        Ok(new)
    }

    /// Lifts the suppression of a keyed hash; false when there was none.
    pub(in crate::ledger) fn unsuppress_hash(&mut self, person: &PersonHash) -> Result<bool, StoreError> {
        Ok(self.db.execute("DELETE FROM suppressed_hashes WHERE person = ?1", [person.as_bytes()])? == 1)
    }

    /// Who is suppressed by keyed hash, and what makes an address such a hash.
    pub(in crate::ledger) fn hashes(&self) -> Result<SuppressedHashes, StoreError> {
        let hashes = hashes(&self.db)?;
        let tokens = self.suppressed.tokens().cloned();
        if !hashes.is_empty() && tokens.is_none() {
            return Err(LedgerError::NoKey.into());
        }
        Ok(SuppressedHashes { hashes, tokens })
    }

    /// From now on, people who are suppressed by their keyed hash are recognized.
    pub(in crate::ledger) fn recognize(&mut self, tokens: ListTokens) {
        self.suppressed.recognize(tokens);
    }

    /// A transaction that writes, for a module with tables of its own.
    pub(in crate::ledger) fn in_transaction<T, E: From<LedgerError>>(
        &mut self,
        job: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let tx = begin_in_use(&self.db, self.place.as_deref()).map_err(LedgerError::from)?;
        let changes = |db: &Connection| -> Result<i64, StoreError> {
            let sum = "SELECT CAST(sum(value) AS bigint) FROM counters WHERE name IN ('suppressions', 'suppressed_hashes', 'restricted')";
            Ok(db.prepare_cached(sum)?.query_row([], |row| row.get(0))?)
        };
        let before = changes(&tx).map_err(LedgerError::from)?;
        let done = job(&tx)?;
        if self.local_files().is_some() && changes(&tx).map_err(LedgerError::from)? != before {
            self.stamp_logs()?;
        }
        tx.commit().map_err(database_error)?;
        Ok(done)
    }

    /// The connection, to ask tables of another module.
    pub(in crate::ledger) fn connection(&self) -> &Connection {
        &self.db
    }

    /// The connection without anything else.
    pub(in crate::ledger) fn into_connection(self) -> Connection {
        self.db
    }
}

/// What SQLite said in a table of another module, as the ledger's error.
pub(crate) fn database_error(error: storage::Error) -> LedgerError {
    StoreError::from(error).into()
}

/// The people who are suppressed by their keyed hash, as a transaction of another module sees them.
pub(crate) fn suppressed_hashes(
    db: &Connection,
    tokens: &ListTokens,
) -> Result<SuppressedHashes, LedgerError> {
    let hashes = hashes(db).map_err(LedgerError::from)?;
    Ok(SuppressedHashes { hashes, tokens: Some(tokens.clone()) })
}

fn insert_hashes(
    db: &Connection,
    people: &[PersonHash],
    reason: Reason,
    note: Option<&str>,
    at: Timestamp,
) -> Result<u64, StoreError> {
    let mut insert = db.prepare_cached(
        "INSERT INTO suppressed_hashes (person, reason, note, at) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (person) DO NOTHING",
    )?;
    let mut new = 0;
    for person in people {
        new += insert.execute(params![person.as_bytes(), reason.word(), note, millis(at)])? as u64;
    }
    Ok(new)
}
