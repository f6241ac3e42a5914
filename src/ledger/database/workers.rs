//! Workers come and go, or die; what a dead one held is taken from it.

use crate::storage::{Connection, params};
use std::collections::HashSet;

use jiff::Timestamp;

use super::{
    error::StoreError,
    store::{Remote, Store, begin_in_use},
    times::millis,
    transitions::bring_in,
};
use crate::ledger::{
    error::LedgerError,
    files::Files,
    log::{self, Log, Position},
    values::{Reaped, WorkerId},
    worker::{Life, Worker},
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
    ) -> Result<Worker, StoreError> {
        let mount = self.files.as_ref().and_then(Files::mount);
        let tx = begin_in_use(&self.db, self.place.as_deref())?;
        let id: i64 = tx.query_row(
            "INSERT INTO workers (relay, boot, mount, came_at) VALUES (?1, ?2, ?3, ?4) RETURNING id",
            params![relay, self.boot, mount, millis(now)],
            |row| row.get(0),
        )?;
        let life = match (&self.files, &self.remote) {
            (Some(files), _) => {
                Life::Lock(files.lock(id).map_err(|error| LedgerError::open(files.ledger(), error))?)
            }
            (None, Some(remote)) => {
                let lock = remote.files.as_ref().and_then(|files| files.lock(id).ok());
                let place = remote.place.as_ref().filter(|_| lock.is_some());
                tx.execute(SIGN_LEASE, params![id, remote.lease.as_millis() as i64, place])?;
                self.living.enter_locked(id, lock)
            }
            (None, None) => self.living.enter(id),
        };
        // Before this no one knows of it; after this its lock is held.
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
    ) -> Result<u64, StoreError> {
        let tx = self.db.begin_writing()?;
        let mut released = tx.execute(&format!("{REQUEUE} AND {ITS_RANGE}"), [worker.0])?;
        released += requeue_unstarted(&tx, worker.0, &log.map(Log::release_unstarted).unwrap_or_default())?;
        let signed_off = tx.execute(
            "UPDATE workers SET left_at = ?2 WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM deliveries \
             WHERE worker = ?1 AND id BETWEEN workers.first_id AND workers.last_id)",
            params![worker.0, millis(now)],
        )?;
        tx.commit()?;
        if let Some(log) = log.filter(|_| signed_off == 1) {
            log.remove();
        }
        Ok(released as u64)
    }

    /// The workers that live, by the files beside the ledger.
    pub(in crate::ledger) fn living_workers(&self) -> Result<Vec<i64>, StoreError> {
        let leased = leased(&self.db, self.remote.as_ref())?;
        let mut living = present(&self.db)?;
        living.retain(|one| match &self.files {
            Some(files) => lives(files, one.worker, one.boot.as_deref(), self.boot.as_deref()),
            None => leased.contains(&one.worker),
        });
        Ok(living.into_iter().map(|one| one.worker).collect())
    }

    /// Takes what dead workers held: claims go back to the queue, begun attempts are unconfirmed.
    pub(in crate::ledger) fn reap(&mut self, now: Timestamp) -> Result<Reaped, StoreError> {
        let tx = self.db.begin_writing()?;
        let mut reaped = Reaped::default();
        let here = self.files.as_ref().and_then(Files::mount);
        let leased = leased(&tx, self.remote.as_ref())?;
        let mut dead = Vec::new();
        for Present { worker, boot, mount, position } in present(&tx)? {
            let lives = match &self.files {
                Some(files) => lives(files, worker, boot.as_deref(), self.boot.as_deref()),
                // Whatever became of its lease, one that lives here is not dead.
                None if self.remote.is_some() => leased.contains(&worker) || self.living.has(worker),
                None => self.living.has(worker),
            };
            if lives {
                continue;
            }
            reaped.workers += 1;
            if let Some(files) = &self.files {
                // Should it live after all, it asks before a further letter leaves.
                log::stamp(files, Some(worker))?;
                let log = log::recover(files, worker, position)?;
                bring_in(&tx, worker, log.closed)?;
                // A filesystem that was lost and mounted again lacks what was not flushed, also in the same boot.
                let is_here = boot.is_some() && boot == self.boot && mount.is_some() && mount == here;
                let unstarted = log.unstarted.filter(|_| is_here).unwrap_or_default();
                reaped.requeued += requeue_unstarted(&tx, worker, &unstarted)? as u64;
            }
            reaped.requeued += tx.execute(&format!("{REQUEUE} AND {ITS_RANGE}"), [worker])? as u64;
            tx.execute(&format!("{DOUBT_ATTEMPT} AND {ITS_RANGE}"), params![worker, millis(now)])?;
            reaped.unconfirmed += tx.execute(&format!("{DOUBT_DELIVERY} AND {ITS_RANGE}"), [worker])? as u64;
            tx.execute("UPDATE workers SET left_at = ?2 WHERE id = ?1", params![worker, millis(now)])?;
            dead.push(worker);
        }
        tx.commit()?;
        if let Some(files) = self.remote.as_ref().and_then(|remote| remote.files.as_ref()) {
            dead.iter().for_each(|worker| files.remove_lock(*worker));
        }
        if let Some(files) = &self.files {
            dead.into_iter().for_each(|worker| bury(files, worker));
            // Whoever signed off and could not tidy up.
            for worker in log::left_behind(files) {
                let is_here = "SELECT 1 FROM workers WHERE id = ?1 AND left_at IS NULL";
                if !self.db.prepare_cached(is_here)?.exists([worker])? {
                    bury(files, worker);
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
    /// Of its log, at the last commit.
    position: Position,
}

fn present(db: &Connection) -> Result<Vec<Present>, StoreError> {
    let sql = "SELECT id, boot, mount, log_file, log_bytes, log_sum FROM workers WHERE left_at IS NULL";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| {
        let number = |column| row.get(column).map(i64::cast_unsigned);
        let position = Position { file: number(3)?, bytes: number(4)?, sum: row.get(5)? };
        Ok(Present { worker: row.get(0)?, boot: row.get(1)?, mount: row.get(2)?, position })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether a worker may live. A lock does not outlive the start of the machine that it was taken in.
fn lives(files: &Files, worker: i64, its_boot: Option<&str>, our_boot: Option<&str>) -> bool {
    let is_earlier = its_boot.is_some() && our_boot.is_some() && its_boot != our_boot;
    !is_earlier && !files.is_free(worker)
}

/// Workers of a ledger on a server that may live: their lease has not run out, and no lock on this machine says otherwise.
fn leased(db: &Connection, remote: Option<&Remote>) -> Result<HashSet<i64>, StoreError> {
    let Some(remote) = remote else { return Ok(HashSet::new()) };
    let mut statement = db.prepare_cached(LEASED)?;
    let rows = statement
        .query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?)))?
        .collect::<Result<Vec<_>, _>>()?;
    let is_dead = |worker: i64, place: Option<&str>| {
        let is_here = place.is_some() && place == remote.place.as_deref();
        is_here && remote.files.as_ref().is_some_and(|files| files.is_free(worker))
    };
    Ok(rows.into_iter().filter(|(id, place)| !is_dead(*id, place.as_deref())).map(|(id, _)| id).collect())
}

const LEASED: &str = "SELECT id, place FROM workers WHERE left_at IS NULL AND until > clock_timestamp()";

const SIGN_LEASE: &str = "UPDATE workers SET until = clock_timestamp() + ?2::bigint * interval '1 millisecond', place = ?3 \
     WHERE id = ?1";

/// Removes the files of a dead worker.
fn bury(files: &Files, worker: i64) {
    log::remove(files, worker);
    files.remove_lock(worker);
}

/// Takes back to the queue what the database calls begun and was not started.
fn requeue_unstarted(db: &Connection, worker: i64, unstarted: &[(i64, u32)]) -> Result<usize, StoreError> {
    let mut requeue = db.prepare_cached(REQUEUE_UNSTARTED)?;
    let mut requeued = 0;
    for (delivery, epoch) in unstarted {
        requeued += requeue.execute(params![delivery, worker, epoch])?;
    }
    Ok(requeued)
}

const REQUEUE_UNSTARTED: &str = "UPDATE deliveries SET state = 'queued', due_at = 1, worker = NULL, begun_at = NULL \
     WHERE id = ?1 AND worker = ?2 AND epoch = ?3 AND state = 'begun'";

const REQUEUE: &str = "UPDATE deliveries SET state = 'queued', due_at = 1, worker = NULL \
     WHERE state = 'claimed' AND worker = ?1";

const DOUBT_ATTEMPT: &str = "INSERT INTO attempts (delivery, epoch, worker, begun_at, ended_at, outcome, reply) \
     SELECT id, epoch, worker, begun_at, ?2, 'unconfirmed', \
     'the sending process ended before a reply was written down' \
     FROM deliveries WHERE state = 'begun' AND worker = ?1";

const DOUBT_DELIVERY: &str = "UPDATE deliveries SET state = 'unconfirmed', tries = tries + 1, \
     worker = NULL, begun_at = NULL WHERE state = 'begun' AND worker = ?1";
