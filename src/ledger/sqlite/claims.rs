//! Leasing deliveries to a worker.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::params;

use super::{
    error::StoreError,
    search::{Filter, Search},
    store::Store,
    times::{millis, timestamp},
    transitions::store_position,
};
use crate::ledger::{
    claim::{Claim, InLog, Wanted},
    log::Log,
    values::{DispatchId, WorkerId},
};

const LEASE: &str = "UPDATE deliveries SET state = ?3, begun_at = ?4, due_at = 0, epoch = epoch + 1, worker = ?1 \
     WHERE id = ?2";

/// Of one that was never claimed.
const FIRST_LEASE: &str = "INSERT INTO deliveries (id, dispatch, state, begun_at, epoch, worker, domain) \
     VALUES (?2, ?5, ?3, ?4, 1, ?1, ?6)";

const SUPPRESS: &str = "INSERT INTO deliveries (id, dispatch, state, reason, domain) VALUES (?1, ?2, 'suppressed', ?3, ?4) \
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, due_at = 0, reason = excluded.reason";

impl Store {
    /// Leases up to `limit` deliveries that are due, those that were put off first. Suppressed ones are closed.
    pub(in crate::ledger) fn claim(
        &mut self,
        dispatch: DispatchId,
        worker: WorkerId,
        log: Option<&Arc<Log>>,
        limit: usize,
        now: Timestamp,
        wanted: &Wanted,
    ) -> Result<Vec<Claim>, StoreError> {
        if let Some(log) = log {
            log.check()?;
        }
        let tx = Self::writing(&mut self.db)?;
        self.suppressed.refresh(&tx)?;
        let pre_committing = match log {
            Some(log) if wanted.pre_commit && log.prepare()? => Some(log),
            _ => None,
        };
        let (state, begun_at) = match pre_committing {
            Some(_) => ("begun", Some(millis(now))),
            None => ("claimed", None),
        };
        let mut search = Search::new(&tx, &self.cursors, dispatch.0, now, wanted)?;
        let mut claims = Vec::new();
        while claims.len() < limit {
            let asked = limit - claims.len();
            let found = search.next(&tx, &mut self.people, asked)?;
            let is_last = found.len() < asked;
            let (mut lease, mut first_lease) = (tx.prepare_cached(LEASE)?, tx.prepare_cached(FIRST_LEASE)?);
            for one in found {
                if let Some(reason) = self.suppressed.reason(&tx, &one.subscriber.address.key_cow())? {
                    let close = params![one.delivery, dispatch.0, reason.word(), one.domain];
                    tx.prepare_cached(SUPPRESS)?.execute(close)?;
                    continue;
                }
                match one.tried {
                    Some(_) => lease.execute(params![worker.0, one.delivery, state, begun_at])?,
                    None => first_lease.execute(params![
                        worker.0,
                        one.delivery,
                        state,
                        begun_at,
                        dispatch.0,
                        one.domain
                    ])?,
                };
                claims.push(one.into_claim(dispatch, worker, self.suppressed.hash_changes()));
            }
            if is_last {
                break;
            }
        }
        let held = claims.iter().map(|claim| claim.delivery.0);
        if let (Some(low), Some(high)) = (held.clone().min(), held.max()) {
            tx.prepare_cached(
                "UPDATE workers SET left_at = NULL, first_id = min(coalesce(first_id, ?2), ?2), \
                 last_id = max(coalesce(last_id, ?3), ?3) WHERE id = ?1",
            )?
            .execute(params![worker.0, low, high])?;
        }
        let count: i64 = tx
            .prepare_cached("UPDATE counters SET value = value + 1 WHERE name = 'claims' RETURNING value")?
            .query_row([], |row| row.get(0))?;
        let names = || claims.iter().map(|claim| (claim.hold.delivery, claim.hold.epoch)).collect();
        // What the log was told and the database was not makes it untrue: the names of these claims are given again.
        let fence = match pre_committing.filter(|_| !claims.is_empty()) {
            Some(log) => Some(log.pre_commit(names()).inspect_err(|error| log.distrust(error))?),
            None => None,
        };
        for claim in &mut claims {
            claim.in_log = log.map(|log| InLog { log: Arc::clone(log), fence });
        }
        if let Some(log) = pre_committing {
            store_position(&tx, log)?;
        }
        if let Err(error) = tx.commit() {
            let StoreError(error) = error.into();
            if let Some(log) = pre_committing {
                log.distrust(&error);
            }
            return Err(error.into());
        }
        self.cursors.remember(search);
        if let Some(files) = &self.files {
            files.remember(count.max(0) as u64);
        }
        Ok(claims)
    }

    /// When the next delivery that was put off is due; `None` when none waits.
    pub(in crate::ledger) fn next_due(
        &mut self,
        dispatch: DispatchId,
        wanted: &Wanted,
    ) -> Result<Option<Timestamp>, StoreError> {
        let filter = Filter::new(&self.db, wanted)?;
        if filter.is_void() {
            return Ok(None);
        }
        let sql = format!(
            "SELECT min(d.due_at) FROM deliveries d INDEXED BY deliveries_due \
             WHERE d.dispatch = ?1 AND d.due_at > 0{}",
            filter.condition()
        );
        let due: Option<i64> = self.db.prepare_cached(&sql)?.query_row([dispatch.0], |row| row.get(0))?;
        Ok(due.map(timestamp))
    }

    /// Makes everything that was put off due at once.
    pub(in crate::ledger) fn make_due_now(&mut self, dispatch: DispatchId) -> Result<u64, StoreError> {
        let changed = self.db.execute(
            "UPDATE deliveries SET state = 'queued', due_at = 1 WHERE dispatch = ?1 AND due_at > 0 AND state = 'deferred'",
            [dispatch.0],
        )?;
        Ok(changed as u64)
    }
}
