//! Workers come and go; between that they lease deliveries.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    Store, millis,
    suppressed::{fingerprint, reason_in},
    timestamp,
};
use crate::{
    ledger::{
        Claim, DeliveryId, DispatchId, LedgerError, Worker, WorkerId,
        values::{Domains, Hold, Reaped, Wanted},
        worker::Life,
    },
    subscriber::{EmailAddress, Subscriber},
};

/// Up to which delivery no never-tried one is left that fits: such a delivery never comes back, so this only grows.
/// Kept per dispatch and condition.
#[derive(Default)]
pub(super) struct Cursors(HashMap<(i64, String), i64>);

/// Different conditions that are remembered; more than a run uses.
const CURSORS_MAX: usize = 256;

impl Cursors {
    fn get(&self, dispatch: i64, condition: &str) -> i64 {
        self.0.get(&(dispatch, condition.to_owned())).copied().unwrap_or(0)
    }

    fn set(&mut self, dispatch: i64, condition: String, delivery: i64) {
        if self.0.len() >= CURSORS_MAX {
            self.0.clear();
        }
        self.0.insert((dispatch, condition), delivery);
    }
}

const COLUMNS: &str = "SELECT d.id, d.epoch, d.tries, r.address, r.key, r.name, r.fields";

impl Store {
    /// Signs a worker on: from here its lock proves that it lives.
    pub(in crate::ledger) fn hire(&mut self, relay: &str, now: Timestamp) -> Result<Worker, LedgerError> {
        let tx = Self::writing(&mut self.db)?;
        tx.execute(
            "INSERT INTO workers (relay, boot, came_at) VALUES (?1, ?2, ?3)",
            params![relay, self.boot, millis(now)],
        )?;
        let id = tx.last_insert_rowid();
        let life = match &self.files {
            Some(files) => {
                Life::Lock(files.lock(id).map_err(|error| LedgerError::open(files.ledger(), error))?)
            }
            None => self.living.enter(id),
        };
        // Before this nobody knows of it; after this its lock is held.
        tx.commit()?;
        Ok(Worker::new(id, life))
    }

    /// Leases up to `limit` deliveries that are due, those that were put off first. Suppressed ones are closed.
    pub(in crate::ledger) fn claim(
        &mut self,
        dispatch: DispatchId,
        worker: WorkerId,
        limit: usize,
        now: Timestamp,
        wanted: &Wanted,
    ) -> Result<Vec<Claim>, LedgerError> {
        let tx = Self::writing(&mut self.db)?;
        self.suppressed.refresh(&tx)?;
        let mut search = Search::new(&tx, &self.cursors, dispatch.0, now, wanted)?;
        let mut claims = Vec::new();
        loop {
            let asked = limit - claims.len();
            let rows = search.next(&tx, asked)?;
            if rows.is_empty() {
                break;
            }
            let found = rows.len();
            for row in rows {
                if self.suppressed.may_have(row.fingerprint)
                    && let Some(reason) = reason_in(&tx, row.key())?
                {
                    tx.prepare_cached(
                        "UPDATE deliveries SET state = 'suppressed', due_at = 0, reason = ?2 WHERE id = ?1",
                    )?
                    .execute(params![row.delivery, reason.word()])?;
                    continue;
                }
                tx.prepare_cached(
                    "UPDATE deliveries SET state = 'claimed', due_at = 0, epoch = epoch + 1, worker = ?2 WHERE id = ?1",
                )?
                .execute(params![row.delivery, worker.0])?;
                claims.push(row.into_claim(dispatch, worker)?);
            }
            if claims.len() >= limit || found < asked {
                break;
            }
        }
        if let (Some(low), Some(high)) = (
            claims.iter().map(|claim| claim.delivery.0).min(),
            claims.iter().map(|claim| claim.delivery.0).max(),
        ) {
            tx.prepare_cached(
                "UPDATE workers SET left_at = NULL, first_id = min(coalesce(first_id, ?2), ?2), \
                 last_id = max(coalesce(last_id, ?3), ?3) WHERE id = ?1",
            )?
            .execute(params![worker.0, low, high])?;
        }
        let count: i64 = tx
            .prepare_cached("UPDATE counters SET value = value + 1 WHERE name = 'claims' RETURNING value")?
            .query_row([], |row| row.get(0))?;
        tx.commit()?;
        self.cursors.set(dispatch.0, search.condition, search.reached);
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
    ) -> Result<Option<Timestamp>, LedgerError> {
        let domains = domain_condition(&self.db, &wanted.domains)?;
        let sql = format!(
            "SELECT min(d.due_at) FROM deliveries d WHERE d.dispatch = ?1 AND d.due_at > 0{domains}{}",
            choice_condition(wanted)
        );
        let due: Option<i64> = self.db.prepare_cached(&sql)?.query_row([dispatch.0], |row| row.get(0))?;
        Ok(due.map(timestamp))
    }

    /// Makes everything that was put off due at once.
    pub(in crate::ledger) fn hurry(&mut self, dispatch: DispatchId) -> Result<u64, LedgerError> {
        let changed = self.db.execute(
            "UPDATE deliveries SET state = 'queued', due_at = 1 WHERE dispatch = ?1 AND due_at > 0 AND state = 'deferred'",
            [dispatch.0],
        )?;
        Ok(changed as u64)
    }

    /// Gives back what a worker has claimed and not begun, and signs it off if nothing of it is left.
    pub(in crate::ledger) fn release(
        &mut self,
        worker: WorkerId,
        now: Timestamp,
    ) -> Result<u64, LedgerError> {
        let tx = Self::writing(&mut self.db)?;
        let released = tx.execute(
            "UPDATE deliveries SET state = 'queued', due_at = 1, worker = NULL WHERE state = 'claimed' AND worker = ?1 \
             AND id BETWEEN (SELECT first_id FROM workers WHERE id = ?1) AND (SELECT last_id FROM workers WHERE id = ?1)",
            [worker.0],
        )?;
        tx.execute(
            "UPDATE workers SET left_at = ?2 WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM deliveries \
             WHERE worker = ?1 AND id BETWEEN workers.first_id AND workers.last_id)",
            params![worker.0, millis(now)],
        )?;
        tx.commit()?;
        Ok(released as u64)
    }

    /// Takes what dead workers held: claims go back to the queue, begun attempts are unconfirmed.
    pub(in crate::ledger) fn reap(&mut self, now: Timestamp) -> Result<Reaped, LedgerError> {
        let tx = Self::writing(&mut self.db)?;
        let mut reaped = Reaped::default();
        let present: Vec<(i64, Option<String>)> = tx
            .prepare_cached("SELECT id, boot FROM workers WHERE left_at IS NULL")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let mut dead = Vec::new();
        for (worker, boot) in present {
            let is_dead = match &self.files {
                // A lock does not outlive the start of the machine it was taken in.
                Some(files) => {
                    (boot.is_some() && self.boot.is_some() && boot != self.boot) || files.is_free(worker)
                }
                None => !self.living.has(worker),
            };
            if !is_dead {
                continue;
            }
            let range = "id BETWEEN (SELECT first_id FROM workers WHERE id = ?1) \
                         AND (SELECT last_id FROM workers WHERE id = ?1)";
            reaped.workers += 1;
            reaped.requeued += tx.execute(
                &format!(
                    "UPDATE deliveries SET state = 'queued', due_at = 1, worker = NULL \
                     WHERE state = 'claimed' AND worker = ?1 AND {range}"
                ),
                [worker],
            )? as u64;
            tx.execute(
                &format!(
                    "INSERT INTO attempts (delivery, epoch, worker, begun_at, ended_at, outcome, reply) \
                     SELECT id, epoch, worker, begun_at, ?2, 'unconfirmed', \
                     'the sending process ended before a reply was written down' \
                     FROM deliveries WHERE state = 'begun' AND worker = ?1 AND {range}"
                ),
                params![worker, millis(now)],
            )?;
            reaped.unconfirmed += tx.execute(
                &format!(
                    "UPDATE deliveries SET state = 'unconfirmed', tries = tries + 1, worker = NULL, begun_at = NULL \
                     WHERE state = 'begun' AND worker = ?1 AND {range}"
                ),
                [worker],
            )? as u64;
            tx.execute("UPDATE workers SET left_at = ?2 WHERE id = ?1", params![worker, millis(now)])?;
            dead.push(worker);
        }
        tx.commit()?;
        if let Some(files) = &self.files {
            dead.into_iter().for_each(|worker| files.bury(worker));
        }
        Ok(reaped)
    }
}

/// A delivery that can be claimed.
struct Found {
    delivery: i64,
    epoch: u32,
    tries: u32,
    address: String,
    key: Option<String>,
    name: Option<String>,
    fields: Option<String>,
    fingerprint: u64,
}

impl Found {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let address: String = row.get(3)?;
        let key: Option<String> = row.get(4)?;
        let fingerprint = fingerprint(key.as_deref().unwrap_or(&address));
        Ok(Self {
            delivery: row.get(0)?,
            epoch: row.get(1)?,
            tries: row.get(2)?,
            address,
            key,
            name: row.get(5)?,
            fields: row.get(6)?,
            fingerprint,
        })
    }

    fn key(&self) -> &str {
        self.key.as_deref().unwrap_or(&self.address)
    }

    fn into_claim(self, dispatch: DispatchId, worker: WorkerId) -> Result<Claim, LedgerError> {
        let fields = match &self.fields {
            None => Default::default(),
            Some(fields) => serde_json::from_str(fields)
                .map_err(|source| LedgerError::Frozen { source: std::sync::Arc::new(source) })?,
        };
        let address = EmailAddress::parse(&self.address).map_err(|_| LedgerError::address(&self.address))?;
        Ok(Claim {
            delivery: DeliveryId(self.delivery),
            dispatch,
            subscriber: Subscriber { address, name: self.name, fields },
            tries: self.tries,
            hold: Hold {
                delivery: self.delivery,
                worker: worker.0,
                epoch: self.epoch + 1,
                fingerprint: self.fingerprint,
            },
        })
    }
}

/// Looks for deliveries to claim: those that are due, then never-tried ones.
struct Search<'a> {
    dispatch: i64,
    now: i64,
    wanted: &'a Wanted,
    domains: String,
    condition: String,
    /// See [`Cursors`].
    reached: i64,
}

impl<'a> Search<'a> {
    fn new(
        db: &Connection,
        cursors: &Cursors,
        dispatch: i64,
        now: Timestamp,
        wanted: &'a Wanted,
    ) -> Result<Self, LedgerError> {
        let domains = domain_condition(db, &wanted.domains)?;
        let condition = format!("{domains} {:?}", wanted.choice);
        let reached = cursors.get(dispatch, &condition);
        Ok(Self { dispatch, now: millis(now), wanted, domains, condition, reached })
    }

    /// At most `limit`; fewer when there are no more.
    fn next(&mut self, db: &Connection, limit: usize) -> Result<Vec<Found>, LedgerError> {
        let mut rows = self.due(db, limit)?;
        if !self.wanted.only_due && rows.len() < limit {
            self.fresh(db, limit, &mut rows)?;
        }
        Ok(rows)
    }

    fn due(&self, db: &Connection, limit: usize) -> Result<Vec<Found>, LedgerError> {
        let due = format!(
            "{COLUMNS} FROM deliveries d JOIN recipients r ON r.delivery = d.id \
             WHERE d.dispatch = ?1 AND d.due_at > 0 AND d.due_at <= ?2{}{} ORDER BY d.due_at, d.id LIMIT ?3",
            self.domains,
            choice_condition(self.wanted)
        );
        let mut statement = db.prepare_cached(&due)?;
        let rows = statement.query_map(params![self.dispatch, self.now, limit as i64], Found::read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn fresh(&mut self, db: &Connection, limit: usize, rows: &mut Vec<Found>) -> Result<(), LedgerError> {
        let range: Option<(i64, i64)> = db
            .prepare_cached("SELECT first_id, last_id FROM dispatches WHERE id = ?1")?
            .query_row([self.dispatch], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((first, last)) = range else { return Ok(()) };
        let domains = &self.domains;
        let fresh = match self.wanted.choice {
            None => format!(
                "{COLUMNS} FROM deliveries d NOT INDEXED CROSS JOIN recipients r ON r.delivery = d.id \
                 WHERE d.id > ?2 AND d.id <= ?3 AND d.dispatch = ?1 AND d.state = 'queued' AND d.due_at = 0{domains} \
                 ORDER BY d.id LIMIT ?4"
            ),
            Some(choice) => format!(
                "{COLUMNS} FROM temp.chosen c CROSS JOIN deliveries d ON d.id = c.delivery \
                 CROSS JOIN recipients r ON r.delivery = d.id \
                 WHERE c.choice = {} AND c.delivery > ?2 AND c.delivery <= ?3 AND d.dispatch = ?1 \
                 AND d.state = 'queued' AND d.due_at = 0{domains} ORDER BY c.delivery LIMIT ?4",
                choice.0
            ),
        };
        let asked = limit - rows.len();
        let from = self.reached.max(first - 1);
        let mut statement = db.prepare_cached(&fresh)?;
        let mut found = 0;
        for row in statement.query_map(params![self.dispatch, from, last, asked as i64], Found::read)? {
            let row = row?;
            self.reached = row.delivery;
            found += 1;
            rows.push(row);
        }
        if found < asked {
            self.reached = self.reached.max(last);
        }
        Ok(())
    }
}

/// ` AND d.domain …`, or nothing. Numbers only, so that it can stand in the statement.
fn domain_condition(db: &Connection, domains: &Domains) -> Result<String, LedgerError> {
    let (word, names) = match domains {
        Domains::All => return Ok(String::new()),
        Domains::Only(names) => ("IN", names),
        Domains::Except(names) => ("NOT IN", names),
    };
    let mut find = db.prepare_cached("SELECT id FROM domains WHERE name = ?1")?;
    let mut ids: Vec<i64> = Vec::with_capacity(names.len());
    for name in names {
        ids.extend(find.query_row([name], |row| row.get::<_, i64>(0)).optional()?);
    }
    ids.sort_unstable();
    ids.dedup();
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    Ok(format!(" AND d.domain {word} ({})", ids.join(", ")))
}

fn choice_condition(wanted: &Wanted) -> String {
    wanted.choice.map_or_else(String::new, |choice| {
        format!(" AND EXISTS (SELECT 1 FROM temp.chosen WHERE choice = {} AND delivery = d.id)", choice.0)
    })
}
