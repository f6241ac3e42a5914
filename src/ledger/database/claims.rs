//! Leasing deliveries to a worker.

use std::{sync::Arc, time::Instant};

use crate::storage::{Connection, params};
use jiff::Timestamp;

use super::{
    error::StoreError,
    search::{Filter, Found, Search},
    store::{OUTAGE, Remote, Store, begin_in_use},
    times::{millis, timestamp},
    transitions::store_position,
};
use crate::ledger::{
    claim::{Claim, InLog, Wanted},
    error::LedgerError,
    lease::Hold,
    log::Log,
    values::{DispatchId, WorkerId},
};

const LEASE: &str = "UPDATE deliveries SET state = ?3, begun_at = ?4, due_at = 0, epoch = epoch + 1, worker = ?1 \
     WHERE id = ?2";

/// Of one that was never claimed.
const FIRST_LEASE: &str = "INSERT INTO deliveries (id, dispatch, state, begun_at, epoch, worker, domain) \
     VALUES (?2, ?5, ?3, ?4, 1, ?1, ?6)";

/// How often claims are looked for whose commit had no answer.
const LOOKS_MAX: usize = 10;

/// On a server.
const RENEW: &str =
    "UPDATE workers SET until = clock_timestamp() + ?2::bigint * interval '1 millisecond' WHERE id = ?1";

const SUPPRESS: &str = "INSERT INTO deliveries (id, dispatch, state, reason, domain) VALUES (?1, ?2, 'suppressed', ?3, ?4) \
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, due_at = 0, reason = excluded.reason";

/// All readers get one letter: a claimer that read the issue before it was frozen again gets nothing.
fn check_digest(db: &Connection, dispatch: DispatchId, digest: &str) -> Result<(), StoreError> {
    let frozen: String = db
        .prepare_cached("SELECT digest FROM dispatches WHERE id = ?1")?
        .query_row([dispatch.0], |row| row.get(0))?;
    if frozen == digest { Ok(()) } else { Err(LedgerError::Refrozen.into()) }
}

/// Leases of one claim, on their way into the table.
struct Leases<'a> {
    worker: WorkerId,
    dispatch: DispatchId,
    state: &'a str,
    begun_at: Option<i64>,
    again: Vec<i64>,
    first: Vec<i64>,
    domains: Vec<i64>,
}

impl<'a> Leases<'a> {
    fn new(worker: WorkerId, dispatch: DispatchId, state: &'a str, begun_at: Option<i64>) -> Self {
        let (again, first, domains) = (Vec::new(), Vec::new(), Vec::new());
        Self { worker, dispatch, state, begun_at, again, first, domains }
    }

    fn add(&mut self, found: &Found) {
        if found.tried.is_some() {
            self.again.push(found.delivery);
        } else {
            self.first.push(found.delivery);
            self.domains.push(found.domain);
        }
    }

    fn write(&self, db: &Connection) -> Result<(), StoreError> {
        let Self { worker, dispatch, state, begun_at, .. } = self;
        #[cfg(feature = "postgres")]
        if let Some(client) = db.as_postgres() {
            // All in one statement: each way to a server takes longer than the statement.
            client.execute(LEASE_ALL, &[&worker.0, &self.again, state, begun_at])?;
            let Self { first, domains, .. } = self;
            client.execute(FIRST_LEASE_ALL, &[&worker.0, &dispatch.0, first, domains, state, begun_at])?;
            return Ok(());
        }
        let mut lease = db.prepare_cached(LEASE)?;
        for delivery in &self.again {
            lease.execute(params![worker.0, delivery, state, begun_at])?;
        }
        let mut lease = db.prepare_cached(FIRST_LEASE)?;
        for (delivery, domain) in self.first.iter().zip(&self.domains) {
            lease.execute(params![worker.0, delivery, state, begun_at, dispatch.0, domain])?;
        }
        Ok(())
    }
}

#[cfg(feature = "postgres")]
const LEASE_ALL: &str = "UPDATE deliveries SET state = ?3, begun_at = ?4::bigint, due_at = 0, epoch = epoch + 1, worker = ?1 \
     WHERE id = ANY(?2::bigint[])";

#[cfg(feature = "postgres")]
const FIRST_LEASE_ALL: &str = "INSERT INTO deliveries (id, dispatch, state, begun_at, epoch, worker, domain) \
     SELECT id, ?2, ?5, ?6::bigint, 1, ?1, domain FROM unnest(?3::bigint[], ?4::bigint[]) AS f (id, domain)";

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
        let tx = begin_in_use(&self.db, self.place.as_deref())?;
        // From here on no one is suppressed, and no lease is taken from anyone, until this is committed.
        let until = self.remote.as_ref().and_then(Remote::window_from_now);
        if let Some(digest) = &wanted.digest {
            check_digest(&tx, dispatch, digest)?;
        }
        self.suppressed.refresh(&tx)?;
        let may_pre_commit = wanted.pre_commit && (until.is_some() || self.remote.is_none());
        let pre_committing = match log {
            Some(log) if may_pre_commit && log.prepare()? => Some(log),
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
            let mut leases = Leases::new(worker, dispatch, state, begun_at);
            for one in found {
                if let Some(reason) = self.suppressed.reason(&tx, &one.subscriber.address.key_cow())? {
                    let close = params![one.delivery, dispatch.0, reason.word(), one.domain];
                    tx.prepare_cached(SUPPRESS)?.execute(close)?;
                    continue;
                }
                leases.add(&one);
                claims.push(one.into_claim(dispatch, worker, self.suppressed.hash_changes()));
            }
            leases.write(&tx)?;
            if is_last {
                break;
            }
        }
        let held = claims.iter().map(|claim| claim.delivery.0);
        if let (Some(low), Some(high)) = (held.clone().min(), held.max()) {
            tx.prepare_cached(
                "UPDATE workers SET left_at = NULL, \
                 first_id = CASE WHEN first_id < ?2 THEN first_id ELSE ?2 END, \
                 last_id = CASE WHEN last_id > ?3 THEN last_id ELSE ?3 END WHERE id = ?1",
            )?
            .execute(params![worker.0, low, high])?;
            if let Some(remote) = &self.remote {
                // One that was taken for dead lives again.
                let lease = remote.lease.as_millis() as i64;
                tx.prepare_cached(RENEW)?.execute(params![worker.0, lease])?;
            }
        }
        let count: i64 = tx
            .prepare_cached("UPDATE counters SET value = value + 1 WHERE name = 'claims' RETURNING value")?
            .query_row([], |row| row.get(0))?;
        let names: Vec<_> = claims.iter().map(|claim| (claim.hold.delivery, claim.hold.epoch)).collect();
        // What the log has and the database has not makes it untrue: the names of these claims are given again.
        let fence = match pre_committing.filter(|_| !claims.is_empty()) {
            Some(log) => Some(log.pre_commit(names.clone()).inspect_err(|error| log.distrust(error))?),
            None => None,
        };
        for claim in &mut claims {
            // Whoever may have paused or turned a topic off is looked at when the letter is begun.
            let asks = self.suppressed.may_have(claim.hold.fingerprint);
            let fence = fence.map(|fence| if asks { fence.map(|byte| !byte) } else { fence });
            claim.in_log = log.map(|log| InLog { log: Arc::clone(log), fence, until });
        }
        let stored = pre_committing.map_or(Ok(()), |log| store_position(&tx, log));
        if let Err(StoreError(error)) = stored.and_then(|()| Ok(tx.commit()?)) {
            let is_away = error.is_away() && self.is_remote();
            if is_away && self.has_leased_after_all(&claims) {
                return Ok(claims);
            }
            match pre_committing {
                // A server that comes back is not known to have anything wrong with it.
                Some(log) if is_away => log.retract(&names).inspect_err(|error| log.distrust(error))?,
                Some(log) => log.distrust(&error),
                None => {}
            }
            return Err(error.into());
        }
        self.cursors.remember(search);
        if let Some(files) = &self.files {
            files.remember(count.max(0) as u64);
        }
        #[cfg(feature = "postgres")]
        if self.is_remote() {
            // It is only a witness.
            let _ = self.remember(count.max(0) as u64);
        }
        Ok(claims)
    }

    /// Whether a commit was made whose answer was lost. Should the connection be lost again and again it is not known, and the claims
    /// are no one's.
    fn has_leased_after_all(&self, claims: &[Claim]) -> bool {
        let since = Instant::now();
        let looks = std::iter::repeat_with(|| self.has_leased(claims)).take(LOOKS_MAX);
        let mut answers = looks.take_while(|answer| answer.is_ok() || since.elapsed() < OUTAGE);
        answers.find_map(Result::ok).unwrap_or(false)
    }

    /// The claims are looked for, in the database that comes back.
    fn has_leased(&self, claims: &[Claim]) -> Result<bool, StoreError> {
        self.wait_for_database();
        let Some(Hold { delivery, worker, epoch, .. }) = claims.first().map(|claim| claim.hold) else {
            return Ok(false);
        };
        // The lock is free when that commit has been made or undone.
        let tx = self.db.begin_writing()?;
        let sql = "SELECT 1 FROM deliveries WHERE id = ?1 AND worker = ?2 AND epoch = ?3";
        Ok(tx.prepare_cached(sql)?.exists(params![delivery, worker, epoch])?)
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
            "SELECT min(d.due_at) FROM deliveries d {} WHERE d.dispatch = ?1 AND d.due_at > 0{}",
            self.db.either("INDEXED BY deliveries_due", ""),
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
