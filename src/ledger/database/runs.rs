//! Which dispatches workers may join, and whether there is something to do.

use jiff::Timestamp;

use crate::storage::{OptionalExtension, params};

use super::{
    error::StoreError,
    plan::record,
    search::Search,
    store::{Store, begin_in_use},
    times::{millis, timestamp},
};
use crate::ledger::{
    claim::Wanted,
    runs::{Joinable, OpenRun, Stops},
    values::DispatchId,
};

pub(super) const STORE: &str = "INSERT INTO dispatch_runs (dispatch, is_open, settings, changed_at) VALUES (?1, ?2, ?3, ?4) \
     ON CONFLICT (dispatch) DO UPDATE SET settings = excluded.settings, changed_at = excluded.changed_at";

pub(super) const OPEN: &str = "UPDATE dispatch_runs SET is_open = 1, stopped = NULL WHERE dispatch = ?1";

const STOP: &str = "UPDATE dispatch_runs SET stopped = coalesce(stopped, ?2), changed_at = ?3, stops = stops + 1 WHERE dispatch = ?1";

const STOPPED: &str = "SELECT stops, stopped FROM dispatch_runs WHERE dispatch = ?1";

const RESUME: &str =
    "UPDATE dispatch_runs SET stopped = NULL, changed_at = ?2 WHERE dispatch = ?1 AND stopped IS NOT NULL";

const OPEN_RUNS: &str = "SELECT d.id, d.slug, d.number, d.title, d.digest, d.opened_at, r.settings, r.stopped, r.stops \
     FROM dispatch_runs r JOIN dispatches d ON d.id = r.dispatch WHERE r.is_open = 1 ORDER BY d.id";

impl Store {
    /// Stores with which settings a dispatch is sent, and whether others may join. Returns how often it has been stopped.
    pub(in crate::ledger) fn store_run(
        &mut self,
        dispatch: DispatchId,
        settings: &str,
        joinable: Joinable,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let tx = begin_in_use(&self.db, self.place.as_deref())?;
        tx.execute(STORE, params![dispatch.0, 0, settings, millis(now)])?;
        if joinable == Joinable::Yes {
            tx.execute(OPEN, [dispatch.0])?;
        }
        let stops = self.stops(dispatch)?.count;
        tx.commit()?;
        Ok(stops)
    }

    /// Has every worker leave a dispatch alone. The first reason stays.
    pub(in crate::ledger) fn stop_run(
        &mut self,
        dispatch: DispatchId,
        why: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let tx = begin_in_use(&self.db, self.place.as_deref())?;
        self.db.execute(STOP, params![dispatch.0, why, millis(now)])?;
        Ok(tx.commit()?)
    }

    /// Lets workers go on with a dispatch that was stopped. False when it was not.
    pub(in crate::ledger) fn resume_run(
        &mut self,
        dispatch: DispatchId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let tx = begin_in_use(&self.db, self.place.as_deref())?;
        let has_resumed = self.db.execute(RESUME, params![dispatch.0, millis(now)])? == 1;
        tx.commit()?;
        Ok(has_resumed)
    }

    /// How often a dispatch was stopped, and why it is stopped now.
    pub(in crate::ledger) fn stops(&self, dispatch: DispatchId) -> Result<Stops, StoreError> {
        let mut statement = self.db.prepare_cached(STOPPED)?;
        let stops = statement.query_row([dispatch.0], |row| {
            Ok(Stops { count: row.get::<_, i64>(0)?.unsigned_abs(), why: row.get(1)? })
        });
        Ok(stops.optional()?.unwrap_or_default())
    }

    /// The dispatches that workers may join, the oldest first.
    pub(in crate::ledger) fn open_runs(&self) -> Result<Vec<OpenRun>, StoreError> {
        let mut statement = self.db.prepare_cached(OPEN_RUNS)?;
        let rows = statement.query_map([], |row| {
            Ok(OpenRun {
                dispatch: record(row, 0)?,
                settings: row.get(6)?,
                stopped: row.get(7)?,
                stops: row.get::<_, i64>(8)?.unsigned_abs(),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What the letters of a dispatch are signed with; empty before the first run.
    pub(in crate::ledger) fn signing(&self, dispatch: DispatchId) -> Result<String, StoreError> {
        let sql = "SELECT signing FROM dispatches WHERE id = ?1";
        Ok(self.db.prepare_cached(sql)?.query_row([dispatch.0], |row| row.get(0))?)
    }

    /// When a worker finds something to claim in a dispatch; `None` when nothing is left that no one holds. Cheap: how far
    /// letters were handed out is remembered.
    pub(in crate::ledger) fn next_work(
        &mut self,
        dispatch: DispatchId,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let tx = self.db.begin_reading()?;
        let due: Option<i64> = tx
            .prepare_cached("SELECT min(due_at) FROM deliveries WHERE dispatch = ?1 AND due_at > 0")?
            .query_row([dispatch.0], |row| row.get(0))?;
        let due = due.map(timestamp);
        if due.is_some_and(|due| due <= now) {
            return Ok(due);
        }
        let mut search = Search::new(&tx, &self.cursors, dispatch.0, now, &Wanted::default())?;
        let has_fresh = search.has_fresh(&tx, &mut self.people)?;
        drop(tx);
        self.cursors.remember(search);
        Ok(if has_fresh { Some(now) } else { due })
    }
}
