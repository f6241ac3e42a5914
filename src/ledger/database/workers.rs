//! Workers come and go, or die; what a dead one held is taken from it.

use crate::storage::{self, Connection, OptionalExtension, Row, params};
use std::collections::HashSet;

use jiff::Timestamp;

use super::{
    error::StoreError,
    store::{Remote, Store, begin_in_use},
    times::millis,
    transitions::{bring_in, withdraw_late},
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
        let mount = self.local_files().and_then(Files::mount);
        let tx = begin_in_use(&self.db, self.place.as_deref())?;
        let id: i64 = tx.query_row(
            "INSERT INTO workers (relay, boot, mount, came_at) VALUES (?1, ?2, ?3, ?4) RETURNING id",
            params![relay, self.boot, mount, millis(now)],
            |row| row.get(0),
        )?;
        let mut may_log = self.boot.is_some() && mount.is_some();
        let life = match (&self.files, &self.remote) {
            (Some(files), _) => {
                Life::Lock(files.lock(id).map_err(|error| LedgerError::open(files.ledger(), error))?)
            }
            (None, Some(remote)) => {
                let lock = remote.files.as_ref().and_then(|files| files.lock(id).ok());
                let place = remote.place.as_ref().filter(|_| lock.is_some());
                tx.execute(SIGN_LEASE, params![id, remote.lease.as_millis() as i64, place])?;
                may_log &= place.is_some();
                if let Some(files) = &remote.files {
                    // Of a database that was replaced by an older copy since: another worker had this number.
                    log::remove(files, id);
                }
                self.living.enter_locked(id, lock)
            }
            (None, None) => self.living.enter(id),
        };
        // Before this no one knows of it; after this its lock is held.
        tx.commit()?;
        let log = self.local_files().cloned().filter(|_| may_log).map(|files| Log::new(id, files));
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
        let leased = leased(&tx, self.remote.as_ref())?;
        let mut dead = Vec::new();
        for present in present(&tx)? {
            let (worker, boot) = (present.worker, &present.boot);
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
            // One that was stopped for longer than its lease keeps its files.
            if self.local_files().is_none_or(|files| self.files.is_some() || files.is_free(worker)) {
                dead.push(worker);
            }
            reaped.requeued += self.take_over_log(&tx, &present)?;
            reaped.requeued += tx.execute(&format!("{REQUEUE} AND {ITS_RANGE}"), [worker])? as u64;
            tx.execute(&format!("{DOUBT_ATTEMPT} AND {ITS_RANGE}"), params![worker, millis(now)])?;
            reaped.unconfirmed += tx.execute(&format!("{DOUBT_DELIVERY} AND {ITS_RANGE}"), [worker])? as u64;
            tx.execute("UPDATE workers SET left_at = ?2 WHERE id = ?1", params![worker, millis(now)])?;
        }
        let mut left_behind = Vec::new();
        if let Some(files) = self.remote.as_ref().and_then(|remote| remote.files.as_ref()) {
            // Another machine may have called unconfirmed what was never started here.
            for worker in log::left_behind(files) {
                let gone = gone(&tx, worker)?;
                if let Gone::Was(present) = &gone {
                    reaped.requeued += self.take_over_log(&tx, present)?;
                }
                if !matches!(gone, Gone::IsPresent) {
                    left_behind.push(worker);
                }
            }
        }
        tx.commit()?;
        if let Some(files) = self.remote.as_ref().and_then(|remote| remote.files.as_ref()) {
            dead.iter().chain(&left_behind).for_each(|worker| bury(files, *worker));
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
    /// On a server: the folder of its files, in that start of the machine.
    place: Option<String>,
}

fn present(db: &Connection) -> Result<Vec<Present>, StoreError> {
    let sql = format!("SELECT {} FROM workers WHERE left_at IS NULL", columns(db));
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map([], |row| Ok(read(row)?.0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What the database knows of a worker whose files have no owner.
enum Gone {
    Unknown,
    /// It has not signed off, and was not taken for dead.
    IsPresent,
    Was(Present),
}

fn gone(db: &Connection, worker: i64) -> Result<Gone, StoreError> {
    let sql = format!("SELECT {} FROM workers WHERE id = ?1", columns(db));
    let found = db.prepare_cached(&sql)?.query_row([worker], read).optional()?;
    Ok(match found {
        None => Gone::Unknown,
        Some((_, None)) => Gone::IsPresent,
        Some((present, Some(_))) => Gone::Was(present),
    })
}

fn columns(db: &Connection) -> String {
    let place = db.either("NULL", "place");
    format!("id, boot, mount, log_file, log_bytes, log_sum, left_at, {place}")
}

fn read(row: &Row<'_>) -> Result<(Present, Option<i64>), storage::Error> {
    let number = |column| row.get(column).map(i64::cast_unsigned);
    let position = Position { file: number(3)?, bytes: number(4)?, sum: row.get(5)? };
    let (worker, boot, mount) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok((Present { worker, boot, mount, position, place: row.get(7)? }, row.get(6)?))
}

impl Store {
    /// Brings in what the log of a worker says, if it is here, and takes back what the worker had not started; how many those were.
    fn take_over_log(&self, tx: &Connection, present: &Present) -> Result<u64, StoreError> {
        let Present { worker, boot, mount, position, place } = present;
        let (worker, mut is_here) = (*worker, boot.is_some() && *boot == self.boot);
        if let Some(remote) = &self.remote {
            let (Some(place), Some(ours)) = (place, &remote.place) else { return Ok(0) };
            let folder = |place: &str| place.rsplit(' ').next().map(str::to_owned);
            if folder(place) != folder(ours) {
                // A worker of another machine that has this number.
                return Ok(0);
            }
            is_here &= place == ours;
        }
        let Some(files) = self.local_files() else { return Ok(0) };
        // Should it live after all, it asks before a further letter leaves.
        let stamped = log::stamp(files, Some(worker));
        if self.is_remote() && !files.is_free(worker) {
            return Ok(0);
        }
        let log = match stamped.and_then(|()| log::recover(files, worker, *position)) {
            Ok(log) => log,
            // As on another machine: what it had begun stays unconfirmed. Another one may just have removed these files, or they are
            // another user's, and that stops no one here.
            Err(_) if self.is_remote() => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        bring_in(tx, worker, log.closed)?;
        // A filesystem that was lost and mounted again lacks what was not flushed, also in the same boot.
        is_here &= mount.is_some() && *mount == files.mount();
        let unstarted = log.unstarted.filter(|_| is_here).unwrap_or_default();
        Ok(requeue_unstarted(tx, worker, &unstarted)? as u64)
    }
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
        let changed = requeue.execute(params![delivery, worker, epoch])?;
        // Whoever took the worker for dead may have called it unconfirmed.
        let is_late = changed == 0 && withdraw_late(db, *delivery, worker, *epoch)?;
        requeued += changed + usize::from(is_late);
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
