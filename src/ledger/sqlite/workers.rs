//! Workers come and go, or die; what a dead one held is taken from it.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::transitions::bring_in;
use super::{Store, millis};
use crate::ledger::{
    LedgerError, Reaped, Worker, WorkerId,
    files::Files,
    log::{self, Log},
    worker::Life,
};

/// What a worker `?1` holds lies here: everything that it ever claimed does.
const ITS_RANGE: &str =
    "id BETWEEN (SELECT first_id FROM workers WHERE id = ?1) AND (SELECT last_id FROM workers WHERE id = ?1)";

impl Store {
    /// Signs a worker on: from here its lock proves that it lives.
    pub(in crate::ledger) fn register_worker(
        &mut self,
        relay: &str,
        now: Timestamp,
    ) -> Result<Worker, LedgerError> {
        let mount = self.files.as_ref().and_then(Files::mount);
        let tx = Self::writing(&mut self.db)?;
        tx.execute(
            "INSERT INTO workers (relay, boot, mount, came_at) VALUES (?1, ?2, ?3, ?4)",
            params![relay, self.boot, mount, millis(now)],
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
        let log = self
            .files
            .clone()
            .filter(|_| self.boot.is_some() && mount.is_some())
            .map(|files| Log::new(id, files));
        Ok(Worker::new(id, life, log))
    }

    /// Gives back what a worker has claimed and not begun, and signs it off if nothing of it is left.
    pub(in crate::ledger) fn release(
        &mut self,
        worker: WorkerId,
        log: Option<&Log>,
        now: Timestamp,
    ) -> Result<u64, LedgerError> {
        let tx = Self::writing(&mut self.db)?;
        let mut released = tx.execute(&format!("{REQUEUE} AND {ITS_RANGE}"), [worker.0])?;
        released += requeue_unbegun(&tx, worker.0, &log.map(Log::let_go).unwrap_or_default())?;
        let signed_off = tx.execute(
            "UPDATE workers SET left_at = ?2 WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM deliveries \
             WHERE worker = ?1 AND id BETWEEN workers.first_id AND workers.last_id)",
            params![worker.0, millis(now)],
        )?;
        tx.commit()?;
        if let Some(log) = log.filter(|_| signed_off == 1) {
            log.tidy();
        }
        Ok(released as u64)
    }

    /// The workers that live, by the files beside the ledger.
    pub(in crate::ledger) fn living_workers(&self) -> Result<Vec<i64>, LedgerError> {
        let Some(files) = &self.files else { return Ok(Vec::new()) };
        let mut living = present(&self.db)?;
        living.retain(|one| lives(files, one.worker, one.boot.as_deref(), self.boot.as_deref()));
        Ok(living.into_iter().map(|one| one.worker).collect())
    }

    /// Takes what dead workers held: claims go back to the queue, begun attempts are unconfirmed.
    pub(in crate::ledger) fn reap(&mut self, now: Timestamp) -> Result<Reaped, LedgerError> {
        let tx = Self::writing(&mut self.db)?;
        let mut reaped = Reaped::default();
        let here = self.files.as_ref().and_then(Files::mount);
        let mut dead = Vec::new();
        for Present { worker, boot, mount } in present(&tx)? {
            let lives = match &self.files {
                Some(files) => lives(files, worker, boot.as_deref(), self.boot.as_deref()),
                None => self.living.has(worker),
            };
            if lives {
                continue;
            }
            reaped.workers += 1;
            if let Some(files) = &self.files {
                // Should it live after all, it asks before a further letter leaves.
                files.stamp_logs(Some(worker)).map_err(LedgerError::beside)?;
                let told = log::read(files, worker).map_err(LedgerError::beside)?;
                bring_in(&tx, worker, &told.closed)?;
                // A filesystem that was lost and mounted again lacks what was not flushed, also in the same boot.
                let is_complete = boot.is_some() && boot == self.boot && mount.is_some() && mount == here;
                let unbegun = told.unbegun.filter(|_| is_complete).unwrap_or_default();
                reaped.requeued += requeue_unbegun(&tx, worker, &unbegun)? as u64;
            }
            reaped.requeued += tx.execute(&format!("{REQUEUE} AND {ITS_RANGE}"), [worker])? as u64;
            tx.execute(&format!("{DOUBT_ATTEMPT} AND {ITS_RANGE}"), params![worker, millis(now)])?;
            reaped.unconfirmed += tx.execute(&format!("{DOUBT_DELIVERY} AND {ITS_RANGE}"), [worker])? as u64;
            tx.execute("UPDATE workers SET left_at = ?2 WHERE id = ?1", params![worker, millis(now)])?;
            dead.push(worker);
        }
        tx.commit()?;
        if let Some(files) = &self.files {
            dead.into_iter().for_each(|worker| files.bury(worker));
            // Whoever signed off and could not tidy up.
            for worker in files.left_logs() {
                let is_here = "SELECT 1 FROM workers WHERE id = ?1 AND left_at IS NULL";
                if !self.db.prepare_cached(is_here)?.exists([worker])? {
                    files.bury(worker);
                }
            }
        }
        Ok(reaped)
    }
}

/// A worker that has not signed off, with the start of the machine and the mount that it came in.
struct Present {
    worker: i64,
    boot: Option<String>,
    mount: Option<i64>,
}

fn present(db: &Connection) -> Result<Vec<Present>, LedgerError> {
    let mut statement = db.prepare_cached("SELECT id, boot, mount FROM workers WHERE left_at IS NULL")?;
    let rows = statement
        .query_map([], |row| Ok(Present { worker: row.get(0)?, boot: row.get(1)?, mount: row.get(2)? }))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether a worker may live. A lock does not outlive the start of the machine that it was taken in.
fn lives(files: &Files, worker: i64, its_boot: Option<&str>, our_boot: Option<&str>) -> bool {
    let is_earlier = its_boot.is_some() && our_boot.is_some() && its_boot != our_boot;
    !is_earlier && !files.is_free(worker)
}

/// Takes back to the queue what the database calls begun and the worker's log does not.
fn requeue_unbegun(db: &Connection, worker: i64, unbegun: &[(i64, u32)]) -> Result<usize, LedgerError> {
    let mut requeue = db.prepare_cached(REQUEUE_UNBEGUN)?;
    let mut requeued = 0;
    for (delivery, epoch) in unbegun {
        requeued += requeue.execute(params![delivery, worker, epoch])?;
    }
    Ok(requeued)
}

const REQUEUE_UNBEGUN: &str = "UPDATE deliveries SET state = 'queued', due_at = 1, worker = NULL, begun_at = NULL \
     WHERE id = ?1 AND worker = ?2 AND epoch = ?3 AND state = 'begun'";

const REQUEUE: &str = "UPDATE deliveries SET state = 'queued', due_at = 1, worker = NULL \
     WHERE state = 'claimed' AND worker = ?1";

const DOUBT_ATTEMPT: &str = "INSERT INTO attempts (delivery, epoch, worker, begun_at, ended_at, outcome, reply) \
     SELECT id, epoch, worker, begun_at, ?2, 'unconfirmed', \
     'the sending process ended before a reply was written down' \
     FROM deliveries WHERE state = 'begun' AND worker = ?1";

const DOUBT_DELIVERY: &str = "UPDATE deliveries SET state = 'unconfirmed', tries = tries + 1, \
     worker = NULL, begun_at = NULL WHERE state = 'begun' AND worker = ?1";
