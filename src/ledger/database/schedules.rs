//! Scheduled issues. What changes one is a compare-and-set on its state, so that of several processes one does it.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    error::StoreError,
    plan::Frozen,
    runs::{OPEN, STORE},
    store::{Store, begin_in_use},
    times::millis,
};
use crate::{
    ledger::{
        error::LedgerError,
        schedules::{LocalTime, Schedule, ScheduleId, ScheduleState},
        values::DispatchId,
    },
    storage::{Row, params},
};

const COLUMNS: &str = "SELECT id, slug, number, title, digest, local_time, zone, late, skip_bad_rows, signing, settings, \
     state, why FROM schedules";

/// What has not started, and is not being started either.
const FREE: &str = "(state = 'waiting' OR state = 'held' OR state = 'void') AND (starting_until IS NULL OR starting_until < ?1)";

/// A schedule to store, owned by the writer's thread.
pub(in crate::ledger) struct FrozenSchedule {
    pub(in crate::ledger) issue: Frozen,
    pub(in crate::ledger) at: LocalTime,
    pub(in crate::ledger) late: Duration,
    pub(in crate::ledger) skip_bad_rows: bool,
    pub(in crate::ledger) signing: String,
    pub(in crate::ledger) settings: String,
}

impl Store {
    /// Schedules an issue, in place of an earlier schedule of it. `None` while that one is being started.
    pub(in crate::ledger) fn schedule(
        &mut self,
        new: &FrozenSchedule,
        now: Timestamp,
    ) -> Result<Option<ScheduleId>, StoreError> {
        let (now, issue) = (millis(now), &new.issue);
        let tx = begin_in_use(&self.db, self.place.as_deref())?;
        tx.execute(
            &format!(
                "UPDATE schedules SET state = 'canceled', why = 'scheduled again', starter = NULL, \
                 starting_until = NULL, changed_at = ?1 \
                 WHERE slug = ?2 AND coalesce(number, 0) = coalesce(?3, 0) AND {FREE}"
            ),
            params![now, issue.slug, issue.number],
        )?;
        let is_there = tx
            .prepare_cached(
                "SELECT 1 FROM schedules WHERE slug = ?1 AND coalesce(number, 0) = coalesce(?2, 0) \
                 AND (state = 'waiting' OR state = 'held')",
            )?
            .exists(params![issue.slug, issue.number])?;
        if is_there {
            return Ok(None);
        }
        let (at, zone) = new.at.to_stored();
        let id: i64 = tx.query_row(
            "INSERT INTO schedules (slug, number, title, digest, rendered, signing, settings, skip_bad_rows, local_time, \
             zone, late, state, made_at, changed_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'waiting', ?12, ?12) RETURNING id",
            params![
                issue.slug,
                issue.number,
                issue.title,
                issue.digest,
                issue.rendered,
                new.signing,
                new.settings,
                i64::from(new.skip_bad_rows),
                at,
                zone,
                i64::try_from(new.late.as_millis()).unwrap_or(i64::MAX),
                now
            ],
            |row| row.get(0),
        )?;
        tx.commit()?;
        Ok(Some(ScheduleId(id)))
    }

    /// All schedules that were not canceled, the earliest made first.
    pub(in crate::ledger) fn schedules(&self) -> Result<Vec<Schedule>, StoreError> {
        let sql = format!("{COLUMNS} WHERE state <> 'canceled' ORDER BY id");
        let mut statement = self.db.prepare_cached(&sql)?;
        let rows = statement.query_map([], |row| Ok(read(row)))?;
        rows.map(|row| row?).collect()
    }

    /// One schedule, whatever has become of it.
    pub(in crate::ledger) fn schedule_by_id(&self, id: ScheduleId) -> Result<Schedule, StoreError> {
        let sql = format!("{COLUMNS} WHERE id = ?1");
        self.db.prepare_cached(&sql)?.query_row([id.0], |row| Ok(read(row)))?
    }

    /// The frozen letter of a schedule.
    pub(in crate::ledger) fn scheduled(&self, id: ScheduleId) -> Result<Vec<u8>, StoreError> {
        let sql = "SELECT rendered FROM schedules WHERE id = ?1";
        Ok(self.db.prepare_cached(sql)?.query_row([id.0], |row| row.get(0))?)
    }

    /// Reserves the start of a waiting schedule for a while. False when someone else has it.
    pub(in crate::ledger) fn reserve_start(
        &mut self,
        id: ScheduleId,
        starter: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let changed = self.db.execute(
            "UPDATE schedules SET starter = ?2, starting_until = ?3 WHERE id = ?1 AND state = 'waiting' \
             AND (starting_until IS NULL OR starting_until < ?4)",
            params![id.0, starter, millis(until), millis(now)],
        )?;
        Ok(changed == 1)
    }

    /// Notes that a schedule has started, and opens its dispatch to workers, in one step. False when the start was not this
    /// starter's any more.
    pub(in crate::ledger) fn start_schedule(
        &mut self,
        id: ScheduleId,
        starter: &str,
        dispatch: Option<DispatchId>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let tx = begin_in_use(&self.db, self.place.as_deref())?;
        let changed = tx.execute(
            "UPDATE schedules SET state = 'started', starter = NULL, starting_until = NULL, changed_at = ?3 \
             WHERE id = ?1 AND state = 'waiting' AND starter = ?2",
            params![id.0, starter, millis(now)],
        )?;
        if changed == 0 {
            return Ok(false);
        }
        if let Some(dispatch) = dispatch {
            let settings: String =
                tx.query_row("SELECT settings FROM schedules WHERE id = ?1", [id.0], |row| row.get(0))?;
            tx.execute(STORE, params![dispatch.0, 0, settings, millis(now)])?;
            tx.execute(OPEN, [dispatch.0])?;
        }
        tx.commit()?;
        Ok(true)
    }

    /// Ends a schedule that has not started: `starter` has reserved its start, or no one has. False when it is too late.
    pub(in crate::ledger) fn end_schedule(
        &mut self,
        id: ScheduleId,
        starter: Option<&str>,
        state: ScheduleState,
        why: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let changed = self.db.execute(
            &format!(
                "UPDATE schedules SET state = ?3, why = ?4, starter = NULL, starting_until = NULL, changed_at = ?1 \
                 WHERE id = ?2 AND (state = 'waiting' AND starter = ?5 OR {FREE})"
            ),
            params![millis(now), id.0, state.word(), why, starter],
        )?;
        Ok(changed == 1)
    }

    /// Gives the reserved start of a schedule back.
    pub(in crate::ledger) fn release_start(
        &mut self,
        id: ScheduleId,
        starter: &str,
    ) -> Result<(), StoreError> {
        self.db.execute(
            "UPDATE schedules SET starter = NULL, starting_until = NULL WHERE id = ?1 AND starter = ?2",
            params![id.0, starter],
        )?;
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<Schedule, StoreError> {
    let (at, zone, state): (String, String, String) = (row.get(5)?, row.get(6)?, row.get(11)?);
    let damaged = || LedgerError::damaged("a schedule has no valid time or state");
    Ok(Schedule {
        id: ScheduleId(row.get(0)?),
        slug: row.get(1)?,
        number: row.get(2)?,
        title: row.get(3)?,
        digest: row.get(4)?,
        at: LocalTime::stored(&at, zone).ok_or_else(damaged)?,
        late: Duration::from_millis(row.get::<_, i64>(7)?.max(0) as u64),
        skip_bad_rows: row.get::<_, i64>(8)? != 0,
        signing: row.get(9)?,
        settings: row.get(10)?,
        state: ScheduleState::from_word(&state).ok_or_else(damaged)?,
        why: row.get(12)?,
    })
}
