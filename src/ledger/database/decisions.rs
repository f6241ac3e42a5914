//! What the owner decides: selections for a run, unconfirmed and failed deliveries, suppressions.

use std::{
    collections::{BinaryHeap, HashMap, HashSet},
    ops::ControlFlow,
};

use crate::storage::{Connection, OptionalExtension, Row, params};
use jiff::Timestamp;

use super::{
    error::StoreError,
    keys::{self, Key},
    moved::suppress_present,
    queries::recipients_in,
    recipients::{self, Domains, People},
    store::{Store, begin_in_use},
    times::{millis, timestamp},
};
use crate::{
    address::EmailAddress,
    ledger::{
        claim::{Selected, Selection},
        error::{BoxError, LedgerError},
        values::{Decision, DispatchId, Reason, SelectionId, State, Suppression},
    },
    subscriber::Inactive,
};

impl Store {
    /// Notes the deliveries that a run is about, for as long as this connection lives.
    pub(in crate::ledger) fn select(
        &mut self,
        dispatch: DispatchId,
        selection: &Selection,
    ) -> Result<Selected, StoreError> {
        self.selections += 1;
        let tx = self.db.begin_writing()?;
        let id = new_selection(&tx, self.selections)?;
        let mut insert = tx.prepare_cached(
            "INSERT INTO selected (selection, delivery, dispatch) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        )?;
        let mut unknown = Vec::new();
        match selection {
            Selection::Only(addresses) => {
                let found = keys::find(&tx, Some(dispatch.0), addresses)?;
                for one in &found {
                    insert.execute([id, one.delivery, dispatch.0])?;
                }
                let known: HashSet<Key> = found.into_iter().map(|one| one.key).collect();
                let is_unknown = |address: &&EmailAddress| !known.contains(&keys::key_of(address));
                unknown.extend(addresses.iter().filter(is_unknown).cloned());
            }
            Selection::Where(condition) => {
                let mut people = People::default();
                each(
                    &tx,
                    dispatch.0,
                    |_| true,
                    |delivery| {
                        let person = people.person(&tx, delivery)?;
                        if person.is_some_and(|person| condition.matches(&person).unwrap_or(false)) {
                            insert.execute([id, delivery, dispatch.0])?;
                        }
                        Ok(ControlFlow::Continue(()))
                    },
                )?;
            }
            Selection::First(count) => {
                let mut left = *count;
                each(&tx, dispatch.0, State::is_owed, |delivery| {
                    if left == 0 {
                        return Ok(ControlFlow::Break(()));
                    }
                    left -= 1;
                    insert.execute([id, delivery, dispatch.0])?;
                    Ok(ControlFlow::Continue(()))
                })?;
            }
            Selection::Sample { count, seed } => {
                // Those with the smallest numbers are drawn; only they are kept.
                let mut drawn = BinaryHeap::new();
                each(&tx, dispatch.0, State::is_owed, |delivery| {
                    drawn.push((mix(*seed ^ mix(delivery as u64)), delivery));
                    if drawn.len() as u64 > *count {
                        drawn.pop();
                    }
                    Ok(ControlFlow::Continue(()))
                })?;
                for (_, delivery) in drawn {
                    insert.execute([id, delivery, dispatch.0])?;
                }
            }
        }
        drop(insert);
        let (chosen, owed): (i64, i64) = tx.query_row(
            "SELECT count(*), count(*) FILTER (WHERE d.id IS NULL OR d.state IN ('queued', 'deferred')) \
             FROM selected c LEFT JOIN deliveries d ON d.id = c.delivery WHERE c.selection = ?1",
            [id],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        tx.commit()?;
        Ok(Selected { id: SelectionId(id), chosen: chosen as u64, owed: owed as u64, unknown })
    }

    /// Decides about unconfirmed or failed deliveries: all of a dispatch, or those of some addresses.
    pub(in crate::ledger) fn decide(
        &mut self,
        dispatch: DispatchId,
        decision: Decision,
        addresses: Option<&[EmailAddress]>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let tx = begin_in_use(&self.db, self.place.as_deref())?;
        let from = match decision {
            Decision::Accept | Decision::Resend => "unconfirmed",
            Decision::Retry => "failed",
        };
        let range = "dispatch = ?1 AND id BETWEEN (SELECT first_id FROM dispatches WHERE id = ?1) \
                     AND (SELECT last_id FROM dispatches WHERE id = ?1)";
        let all: Option<(i64, i64)> = match addresses {
            None => Some((1, i64::MAX)),
            Some(_) => None,
        };
        let mut spans: Vec<(i64, i64)> = all.into_iter().collect();
        let found = keys::find(&tx, Some(dispatch.0), addresses.unwrap_or_default())?;
        spans.extend(found.into_iter().map(|one| (one.delivery, one.delivery)));
        let mut changed = 0;
        for (low, high) in spans {
            tx.execute(
                &format!(
                    "INSERT INTO decisions (delivery, at, decision) SELECT id, ?2, ?3 FROM deliveries \
                     WHERE {range} AND state = ?4 AND id BETWEEN ?5 AND ?6"
                ),
                params![dispatch.0, millis(now), decision.word(), from, low, high],
            )?;
            let set = match decision {
                Decision::Accept => "state = 'accepted'",
                Decision::Resend | Decision::Retry => "state = 'queued', due_at = 1, tries = 0",
            };
            changed += tx.execute(
                &format!("UPDATE deliveries SET {set} WHERE {range} AND state = ?2 AND id BETWEEN ?3 AND ?4"),
                params![dispatch.0, from, low, high],
            )?;
        }
        tx.commit()?;
        Ok(changed as u64)
    }

    /// Suppresses addresses; one that is suppressed already keeps its reason. How many are new.
    pub(in crate::ledger) fn suppress(
        &mut self,
        suppressions: impl Iterator<Item = Result<Suppression, BoxError>>,
    ) -> Result<u64, StoreError> {
        let tx = begin_in_use(&self.db, self.place.as_deref())?;
        let (mut new, mut is_changed) = (0, false);
        for suppression in suppressions {
            let suppression =
                suppression.map_err(|source| LedgerError::People { source: std::sync::Arc::from(source) })?;
            // A note that comes later is kept, unless there is one.
            tx.prepare_cached(
                "UPDATE suppressions SET note = ?2 WHERE key = ?1 AND note IS NULL AND CAST(?2 AS text) IS NOT NULL",
            )?
            .execute(params![suppression.address.key(), suppression.note])?;
            new += tx
                .prepare_cached(
                    "INSERT INTO suppressions (key, address, reason, note, at) VALUES (?1, ?2, ?3, ?4, ?5) \
                     ON CONFLICT (key) DO NOTHING",
                )?
                .execute(params![
                    suppression.address.key(),
                    suppression.address.expose(),
                    suppression.reason.word(),
                    suppression.note,
                    millis(suppression.at)
                ])?;
            let Suppression { address, reason, note, at } = &suppression;
            let tokens = self.suppressed.tokens();
            is_changed |= suppress_present(&tx, tokens, address, (*reason, note.as_deref()), *at)?;
        }
        if new > 0 || is_changed {
            // The database is asked again about letters of pre-committed claims.
            self.stamp_logs()?;
        }
        tx.commit()?;
        Ok(new as u64)
    }

    /// Closes what is still owed to people who opted out in the list. How many deliveries that were.
    pub(in crate::ledger) fn close_opted_out(
        &mut self,
        dispatch: DispatchId,
        people: &[(EmailAddress, Inactive)],
    ) -> Result<u64, StoreError> {
        let tx = begin_in_use(&self.db, self.place.as_deref())?;
        let addresses: Vec<EmailAddress> = people.iter().map(|(address, _)| address.clone()).collect();
        let why: HashMap<Key, Inactive> =
            people.iter().map(|(address, why)| (keys::key_of(address), *why)).collect();
        let mut domains = Domains::default();
        let mut frozen = People::default();
        let mut closed = 0;
        for found in keys::find(&tx, Some(dispatch.0), &addresses)? {
            let (Some(why), Some(person)) = (why.get(&found.key), frozen.person(&tx, found.delivery)?) else {
                continue;
            };
            let domain = domains.number(&tx, person.address.domain())?;
            let reason = format!("{} in the list", why.word());
            closed += tx
                .prepare_cached(
                    "INSERT INTO deliveries (id, dispatch, state, reason, domain) \
                     VALUES (?1, ?2, 'suppressed', ?3, ?4) ON CONFLICT (id) DO UPDATE \
                     SET state = excluded.state, due_at = 0, reason = excluded.reason \
                     WHERE deliveries.state = 'queued' OR deliveries.state = 'deferred'",
                )?
                .execute(params![found.delivery, dispatch.0, reason, domain])?;
        }
        tx.commit()?;
        Ok(closed as u64)
    }

    /// Lifts a suppression; false when there was none.
    pub(in crate::ledger) fn unsuppress(&mut self, address: &EmailAddress) -> Result<bool, StoreError> {
        Ok(self.db.execute("DELETE FROM suppressions WHERE key = ?1", [address.key()])? == 1)
    }

    /// The suppression of an address.
    pub(in crate::ledger) fn suppression(
        &self,
        address: &EmailAddress,
    ) -> Result<Option<Suppression>, StoreError> {
        let found = self
            .db
            .prepare_cached("SELECT id, address, reason, note, at FROM suppressions WHERE key = ?1")?
            .query_row([address.key()], |row| Ok(read(row)))
            .optional()?;
        found.map(|found| found.map(|(_, suppression)| suppression)).transpose()
    }

    /// How often the suppression list has changed.
    pub(in crate::ledger) fn suppression_changes(&self) -> Result<u64, StoreError> {
        let sql = "SELECT value FROM counters WHERE name = 'suppressions'";
        let number: i64 = self.db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(number.unsigned_abs())
    }

    /// A page of the suppression list, in the order it grew, after the entry named; with their names.
    pub(in crate::ledger) fn suppressions(
        &self,
        after: i64,
        limit: usize,
    ) -> Result<Vec<(i64, Suppression)>, StoreError> {
        let mut statement = self.db.prepare_cached(
            "SELECT id, address, reason, note, at FROM suppressions WHERE id > ?1 ORDER BY id LIMIT ?2",
        )?;
        let rows = statement.query_map([after, limit as i64], |row| Ok(read(row)))?;
        rows.map(|row| row?).collect()
    }
}

fn read(row: &Row<'_>) -> Result<(i64, Suppression), StoreError> {
    let address: String = row.get(1)?;
    let reason: String = row.get(2)?;
    Ok((
        row.get(0)?,
        Suppression {
            address: EmailAddress::parse(&address).map_err(|_| LedgerError::address(&address))?,
            reason: Reason::from_word(&reason).unwrap_or(Reason::ByHand),
            note: row.get(3)?,
            at: timestamp(row.get(4)?),
        },
    ))
}

/// A number for a selection, and a place for its deliveries. A connection to a file lasts as long as the run; one to a server may be
/// lost, so that its selections are in a table, and those of runs that ended long ago are forgotten here.
fn new_selection(db: &Connection, number: i64) -> Result<i64, StoreError> {
    if db.as_sqlite().is_some() {
        db.execute_batch(
            "CREATE TEMP TABLE IF NOT EXISTS selected \
             (selection bigint, delivery bigint, dispatch bigint, PRIMARY KEY (selection, delivery)) WITHOUT ROWID",
        )?;
        return Ok(number);
    }
    db.execute_batch(
        "WITH old AS (DELETE FROM selections WHERE made_at < clock_timestamp() - interval '30 days' RETURNING id) \
         DELETE FROM selected WHERE selection IN (SELECT id FROM old)",
    )?;
    Ok(db.query_row("INSERT INTO selections DEFAULT VALUES RETURNING id", [], |row| row.get(0))?)
}

/// SplitMix64's finishing steps: neighboring numbers go far apart.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Goes through the deliveries of a dispatch that are in a wanted state, in the order of the list.
fn each(
    db: &Connection,
    dispatch: i64,
    wants: impl Fn(State) -> bool,
    mut visit: impl FnMut(i64) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    let mut from = 0;
    while let Some(span) = recipients::span(db, dispatch, from)? {
        for delivery in recipients_in(db, span, &wants)? {
            if visit(delivery)?.is_break() {
                return Ok(());
            }
        }
        from = span.last + 1;
    }
    Ok(())
}
