//! What each worker has done of a dispatch.

use std::collections::BTreeMap;

use super::{error::StoreError, store::Store, times::timestamp};
use crate::ledger::{
    records::WorkerShare,
    values::{DispatchId, WorkerId},
};

/// By pages: deliveries of other dispatches may lie between its own.
const ATTEMPTS: &str = "attempts a ON a.delivery BETWEEN p.first AND p.last WHERE p.dispatch = ?1 \
     AND p.first BETWEEN (SELECT first_id FROM dispatches WHERE id = ?1) \
     AND (SELECT last_id FROM dispatches WHERE id = ?1)";

/// Workers that are there and may have claimed something of a dispatch.
const PRESENT: &str = "SELECT w.id FROM workers w, dispatches d WHERE d.id = ?1 AND w.left_at IS NULL \
     AND coalesce(w.first_id, d.first_id) <= d.last_id AND coalesce(w.last_id, d.last_id) >= d.first_id";

impl Store {
    /// Each worker that ended attempts of a dispatch, or that lives and may have claims of it, in the order they came.
    pub(in crate::ledger) fn worker_shares(
        &self,
        dispatch: DispatchId,
    ) -> Result<Vec<WorkerShare>, StoreError> {
        let living = self.living_workers()?;
        let _look = self.db.begin_reading()?;
        let mut shares: BTreeMap<i64, (u64, u64, i64)> = BTreeMap::new();
        // Counted here: SQLite would sort the rows first.
        let sql = self.db.either(
            "SELECT a.worker, a.outcome, 1, a.ended_at FROM recipient_pages p CROSS JOIN",
            "SELECT a.worker, a.outcome, count(*), max(a.ended_at) FROM recipient_pages p JOIN",
        );
        let group = self.db.either("", "GROUP BY a.worker, a.outcome");
        let mut statement = self.db.prepare_cached(&format!("{sql} {ATTEMPTS} {group}"))?;
        let mut rows = statement.query([dispatch.0])?;
        while let Some(row) = rows.next()? {
            let share = shares.entry(row.get(0)?).or_default();
            let count = row.get::<_, i64>(2)?.unsigned_abs();
            share.0 += count;
            if row.get_ref(1)?.as_str()? == "accepted" {
                share.1 += count;
            }
            share.2 = share.2.max(row.get(3)?);
        }
        let mut present = self.db.prepare_cached(PRESENT)?;
        let mut rows = present.query([dispatch.0])?;
        while let Some(row) = rows.next()? {
            let worker: i64 = row.get(0)?;
            if living.contains(&worker) {
                shares.entry(worker).or_default();
            }
        }
        let mut worker =
            self.db.prepare_cached("SELECT relay, came_at, left_at FROM workers WHERE id = ?1")?;
        let mut list = Vec::new();
        for (id, (attempts, accepted, last)) in shares {
            list.push(worker.query_row([id], |row| {
                Ok(WorkerShare {
                    worker: WorkerId(id),
                    relay: row.get(0)?,
                    came_at: timestamp(row.get(1)?),
                    left_at: row.get::<_, Option<i64>>(2)?.map(timestamp),
                    lives: living.contains(&id),
                    attempts,
                    accepted,
                    last_at: (attempts > 0).then(|| timestamp(last)),
                })
            })?);
        }
        Ok(list)
    }
}
