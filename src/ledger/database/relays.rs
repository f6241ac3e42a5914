//! Through which relays a dispatch went, what its letters are signed with, and what may be done to it while no one has it.

use crate::storage::{Connection, params};

use super::{error::StoreError, plan::Frozen, store::Store};
use crate::ledger::values::DispatchId;

/// Of a letter that has left, or may have.
const LETTERS_BY_RELAY: &str = "SELECT w.relay, count(*) FROM ( \
         SELECT a.worker FROM deliveries d JOIN attempts a ON a.delivery = d.id \
         WHERE d.dispatch = ?1 AND (a.begun_at IS NOT NULL OR a.outcome = 'accepted' OR a.outcome = 'unconfirmed') \
         UNION ALL SELECT worker FROM deliveries WHERE dispatch = ?1 AND state = 'begun' \
     ) l JOIN workers w ON w.id = l.worker GROUP BY w.relay ORDER BY w.relay";

const REQUEUE: &str = "UPDATE deliveries SET state = 'queued', due_at = 1, tries = 0 \
     WHERE dispatch = ?1 AND (state = 'accepted' OR state = 'failed' OR state = 'unconfirmed' OR state = 'deferred') \
     AND EXISTS (SELECT 1 FROM attempts a JOIN workers w ON w.id = a.worker \
                 WHERE a.delivery = deliveries.id AND w.relay = ?2) \
     AND NOT EXISTS (SELECT 1 FROM attempts a JOIN workers w ON w.id = a.worker \
                     WHERE a.delivery = deliveries.id AND w.relay <> ?2)";

impl Store {
    /// The relays of all workers that ever registered.
    pub(in crate::ledger) fn relays(&self) -> Result<Vec<String>, StoreError> {
        let mut statement = self.db.prepare_cached("SELECT DISTINCT relay FROM workers ORDER BY relay")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many letters of a dispatch have begun to leave through which relay.
    pub(in crate::ledger) fn letters_by_relay(
        &self,
        dispatch: DispatchId,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        letters_by_relay(&self.db, dispatch)
    }

    /// Queues again what went through this relay only. Returns how many letters that are.
    pub(in crate::ledger) fn requeue(
        &mut self,
        dispatch: DispatchId,
        relay: &str,
    ) -> Result<u64, StoreError> {
        let tx = self.db.begin_writing()?;
        let changed = tx.execute(REQUEUE, params![dispatch.0, relay])?;
        tx.commit()?;
        Ok(changed as u64)
    }

    /// What letters of a dispatch are signed with: this, from the first time on or while no one has one.
    pub(in crate::ledger) fn freeze_signing(
        &mut self,
        dispatch: DispatchId,
        signing: &str,
        uncounted: Option<&str>,
    ) -> Result<String, StoreError> {
        let tx = self.db.begin_writing()?;
        let frozen: String =
            tx.query_row("SELECT signing FROM dispatches WHERE id = ?1", [dispatch.0], |row| row.get(0))?;
        if frozen == signing {
            return Ok(frozen);
        }
        if !frozen.is_empty() {
            let letters = letters_by_relay(&tx, dispatch)?;
            if letters.iter().any(|(relay, _)| Some(relay.as_str()) != uncounted) {
                return Ok(frozen);
            }
        }
        tx.execute("UPDATE dispatches SET signing = ?2 WHERE id = ?1", params![dispatch.0, signing])?;
        tx.commit()?;
        Ok(signing.to_owned())
    }

    /// Notes that letters of a dispatch are signed otherwise from now on.
    pub(in crate::ledger) fn change_signing(
        &mut self,
        dispatch: DispatchId,
        signing: &str,
    ) -> Result<(), StoreError> {
        self.db.execute("UPDATE dispatches SET signing = ?2 WHERE id = ?1", params![dispatch.0, signing])?;
        Ok(())
    }

    /// Freezes the issue again, if no letter has begun to leave (through another relay than the one that does not
    /// count) and no worker holds one. False when it is too late.
    pub(in crate::ledger) fn refreeze(
        &mut self,
        dispatch: DispatchId,
        frozen: &Frozen,
        uncounted: Option<&str>,
    ) -> Result<bool, StoreError> {
        let tx = self.db.begin_writing()?;
        let is_held: bool = tx.query_row(
            "SELECT EXISTS (SELECT 1 FROM deliveries WHERE dispatch = ?1 AND state = 'claimed')",
            [dispatch.0],
            |row| row.get(0),
        )?;
        let letters = letters_by_relay(&tx, dispatch)?;
        if is_held || letters.iter().any(|(relay, _)| Some(relay.as_str()) != uncounted) {
            return Ok(false);
        }
        tx.execute(
            "UPDATE dispatches SET title = ?2, digest = ?3, rendered = ?4, opened_at = ?5, topics = ?6, signing = '' WHERE id = ?1",
            params![dispatch.0, frozen.title, frozen.digest, frozen.rendered, frozen.opened_at, frozen.topics],
        )?;
        tx.commit()?;
        Ok(true)
    }
}

fn letters_by_relay(db: &Connection, dispatch: DispatchId) -> Result<Vec<(String, u64)>, StoreError> {
    let mut statement = db.prepare_cached(LETTERS_BY_RELAY)?;
    let rows =
        statement.query_map([dispatch.0], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
