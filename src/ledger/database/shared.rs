//! Values that all senders on a ledger share: each is compared and set, by the database's clock.

use jiff::Timestamp;

use super::{error::StoreError, store::Store, times::timestamp};
use crate::storage::{OptionalExtension, params};

/// The time of day, and the value with its version, if there is one.
const READ_SQLITE: &str = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER), v.value, v.version \
     FROM (SELECT 1) LEFT JOIN shared_values v ON v.name = ?1";

const READ_POSTGRES: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint, v.value, v.version \
     FROM (SELECT 1) AS one LEFT JOIN shared_values v ON v.name = ?1";

const INSERT: &str =
    "INSERT INTO shared_values (name, value, version) VALUES (?1, ?2, 1) ON CONFLICT (name) DO NOTHING";

const UPDATE: &str =
    "UPDATE shared_values SET value = ?2, version = version + 1 WHERE name = ?1 AND version = ?3";

impl Store {
    /// Revises a value until no other process was faster; `None` from `revise` leaves it as it is.
    pub(in crate::ledger) fn revise<T>(
        &mut self,
        name: &str,
        mut revise: impl FnMut(Option<&str>, Timestamp) -> (Option<String>, T),
    ) -> Result<T, StoreError> {
        loop {
            let (now, value, version): (i64, Option<String>, Option<i64>) = self
                .db
                .prepare_cached(self.db.either(READ_SQLITE, READ_POSTGRES))?
                .query_row([name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            let (revised, answer) = revise(value.as_deref(), timestamp(now));
            let Some(revised) = revised else { return Ok(answer) };
            // In a transaction on a file, where asking for its lock is patient beside a busy sender.
            let tx = if self.is_remote() { None } else { Some(self.db.begin_writing()?) };
            let changed = match version {
                None => self.db.execute(INSERT, params![name, revised])?,
                Some(version) => self.db.execute(UPDATE, params![name, revised, version])?,
            };
            if let Some(tx) = tx {
                tx.commit()?;
            }
            if changed == 1 {
                return Ok(answer);
            }
        }
    }

    /// A value as it is at the moment.
    pub(in crate::ledger) fn shared_value(&self, name: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT value FROM shared_values WHERE name = ?1";
        Ok(self.db.prepare_cached(sql)?.query_row([name], |row| row.get(0)).optional()?)
    }
}
