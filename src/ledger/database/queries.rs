//! Queries for reports: tallies, lists, histories, the course of a run.

use std::{cmp::Reverse, collections::BTreeMap};

use crate::storage::{Connection, OptionalExtension, Row, Value, ValueRef};
use jiff::Timestamp;

use super::{
    error::StoreError,
    keys,
    plan::{RECORD, record},
    recipients::{self, People, Span},
    store::Store,
    times::{millis, timestamp},
    transitions::{stage_from_word, stage_word},
};
use crate::{
    address::EmailAddress,
    ledger::{
        records::{
            Bucket, DeliveryHistory, DeliveryRow, HistoryEvent, Offered, OutcomeKind, ReplyGroup, words,
        },
        values::{Decision, DeliveryId, DispatchId, Reason, State, Tally},
    },
    subscriber::Subscriber,
    transport::{Outcome, Reply, Stage},
};

/// Everything of a dispatch lies in this range of deliveries.
const RANGE: &str = "d.dispatch = ?1 AND d.id BETWEEN (SELECT first_id FROM dispatches WHERE id = ?1) \
                     AND (SELECT last_id FROM dispatches WHERE id = ?1)";

const ROW: &str = "d.id, d.state, d.due_at, d.begun_at, d.reason, \
     (SELECT count(*) FROM attempts a WHERE a.delivery = d.id), \
     l.ended_at, l.outcome, l.stage, l.code, l.enhanced, l.reply \
     FROM deliveries d \
     LEFT JOIN attempts l ON l.delivery = d.id \
     AND l.epoch = (SELECT max(a.epoch) FROM attempts a WHERE a.delivery = d.id)";

impl Store {
    pub(in crate::ledger) fn tally(&self, dispatch: DispatchId) -> Result<Tally, StoreError> {
        let _look = self.db.begin_reading()?;
        // Counted here: SQLite would sort the rows first.
        let sql = self.db.either(
            "SELECT d.state, 1 FROM deliveries d NOT INDEXED WHERE",
            "SELECT min(d.state), count(*) FROM deliveries d WHERE",
        );
        let group = self.db.either("", "GROUP BY d.state");
        let mut statement = self.db.prepare_cached(&format!("{sql} {RANGE} {group}"))?;
        let mut rows = statement.query([dispatch.0])?;
        let mut tally = Tally::default();
        while let Some(row) = rows.next()? {
            tally.add(state(row, 0)?, row.get::<_, i64>(1)?.unsigned_abs());
        }
        let planned = keys::count(&self.db, dispatch.0)?;
        tally.add(State::Queued, planned.saturating_sub(tally.planned));
        Ok(tally)
    }

    /// A page of a dispatch's deliveries, in the order of the list, after the one named.
    pub(in crate::ledger) fn deliveries(
        &self,
        dispatch: DispatchId,
        only: Option<State>,
        after: i64,
        limit: usize,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        let wants = |state| only.is_none_or(|only| only == state);
        let sql = format!("SELECT {ROW} WHERE d.id BETWEEN ?1 AND ?2 ORDER BY d.id");
        let mut statement = self.db.prepare_cached(&sql)?;
        self.page(dispatch, wants, after, limit, |people, wanted, page| {
            let (Some(low), Some(high)) = (wanted.first(), wanted.last()) else { return Ok(()) };
            let mut rows = statement.query([low, high])?;
            let mut row = rows.next()?;
            for &id in wanted {
                let mut summary = Summary::default();
                while let Some(known) = row
                    && known.get::<_, i64>(0)? <= id
                {
                    if known.get::<_, i64>(0)? == id {
                        summary = Summary::read(known)?;
                    }
                    row = rows.next()?;
                }
                page.push(summary.of(id, people.known(&self.db, id)?));
            }
            Ok(())
        })
    }

    /// A page of the people whose deliveries are in one of two states, as frozen, in the order of the list.
    pub(in crate::ledger) fn people(
        &self,
        dispatch: DispatchId,
        states: [State; 2],
        after: i64,
        limit: usize,
    ) -> Result<Vec<(i64, Subscriber)>, StoreError> {
        self.page(
            dispatch,
            |state| states.contains(&state),
            after,
            limit,
            |people, wanted, page| {
                for &id in wanted {
                    page.push((id, people.known(&self.db, id)?));
                }
                Ok(())
            },
        )
    }

    /// At most `limit` of something about the deliveries behind `after` that are in a wanted state, page by page.
    fn page<T>(
        &self,
        dispatch: DispatchId,
        wants: impl Fn(State) -> bool,
        after: i64,
        limit: usize,
        mut visit: impl FnMut(&mut People, &[i64], &mut Vec<T>) -> Result<(), StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        // One look: what is summary of a delivery is of the moment in which it was found.
        let _look = self.db.begin_reading()?;
        let (mut people, mut page, mut from) = (People::default(), Vec::new(), after + 1);
        while page.len() < limit
            && let Some(span) = recipients::span(&self.db, dispatch.0, from)?
        {
            let mut wanted = recipients_in(&self.db, span, &wants)?;
            wanted.truncate(limit - page.len());
            visit(&mut people, &wanted, &mut page)?;
            from = span.last + 1;
        }
        Ok(page)
    }

    /// Everything that ever happened for an address, the latest dispatch first.
    pub(in crate::ledger) fn history(
        &self,
        address: &EmailAddress,
    ) -> Result<Vec<DeliveryHistory>, StoreError> {
        let mut found = keys::find(&self.db, None, std::slice::from_ref(address))?;
        found.sort_by_key(|found| Reverse(found.dispatch));
        let mut dispatch = self.db.prepare_cached(&format!("{RECORD} WHERE id = ?1"))?;
        let mut summary = self.db.prepare_cached(&format!("SELECT {ROW} WHERE d.id = ?1"))?;
        let mut people = People::default();
        let mut histories = Vec::new();
        for one in found {
            let mut rows = summary.query([one.delivery])?;
            let summary = rows.next()?.map(Summary::read).transpose()?.unwrap_or_default();
            histories.push(DeliveryHistory {
                dispatch: dispatch.query_row([one.dispatch], |row| record(row, 0))?,
                delivery: summary.of(one.delivery, people.known(&self.db, one.delivery)?),
                events: self.events(one.delivery)?,
            });
        }
        Ok(histories)
    }

    fn events(&self, delivery: i64) -> Result<Vec<HistoryEvent>, StoreError> {
        let mut events = Vec::new();
        let mut attempts = self.db.prepare_cached(
            "SELECT a.ended_at, a.outcome, a.stage, a.code, a.enhanced, a.reply, a.begun_at, w.relay \
             FROM attempts a JOIN workers w ON w.id = a.worker WHERE a.delivery = ?1 ORDER BY a.epoch",
        )?;
        let mut rows = attempts.query([delivery])?;
        while let Some(row) = rows.next()? {
            events.push(HistoryEvent::Attempt {
                begun_at: row.get::<_, Option<i64>>(6)?.map(timestamp),
                ended_at: timestamp(row.get(0)?),
                relay: row.get(7)?,
                outcome: outcome(row, 1)?,
            });
        }
        let mut decisions =
            self.db.prepare_cached("SELECT at, decision FROM decisions WHERE delivery = ?1 ORDER BY id")?;
        let mut rows = decisions.query([delivery])?;
        while let Some(row) = rows.next()? {
            let decision = match row.get_ref(1)?.as_str().unwrap_or_default() {
                "accept" => Decision::Accept,
                "resend" => Decision::Resend,
                _ => Decision::Retry,
            };
            events.push(HistoryEvent::Decision { at: timestamp(row.get(0)?), decision });
        }
        events.extend(self.bounces_of(delivery)?.into_iter().map(HistoryEvent::Returned));
        // Stable: what the ledger wrote first stays first where the clock shows the same.
        events.sort_by_key(HistoryEvent::at);
        Ok(events)
    }

    /// Attempts begun or ended since then, by relay and recipient domain.
    pub(in crate::ledger) fn attempts_between(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Offered>, StoreError> {
        // Only workers that were there since then can have offered anything, and only in their range.
        // SQLite takes the tables of a CROSS JOIN in their order.
        let join = self.db.either("CROSS JOIN", "JOIN");
        let mut statement = self.db.prepare_cached(&format!(
            "SELECT relay, name, count(*) FROM (\
                SELECT w.relay AS relay, d.domain AS domain FROM workers w \
                {join} attempts a ON a.delivery BETWEEN w.first_id AND w.last_id AND a.worker = w.id \
                {join} deliveries d ON d.id = a.delivery \
                WHERE coalesce(w.left_at, ?1) >= ?1 AND a.ended_at BETWEEN ?1 AND ?2 \
                UNION ALL \
                SELECT w.relay, d.domain FROM workers w \
                {join} deliveries d ON d.id BETWEEN w.first_id AND w.last_id AND d.worker = w.id \
                WHERE w.left_at IS NULL AND d.state = 'begun' AND d.begun_at BETWEEN ?1 AND ?2\
             ) offered JOIN domains ON domains.id = domain GROUP BY relay, name ORDER BY relay, name",
        ))?;
        let rows = statement.query_map([millis(since), millis(until)], |row| {
            Ok(Offered { relay: row.get(0)?, domain: row.get(1)?, letters: row.get::<_, i64>(2)? as u64 })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Ended attempts of a dispatch that ended alike, the most frequent first.
    pub(in crate::ledger) fn replies(&self, dispatch: DispatchId) -> Result<Vec<ReplyGroup>, StoreError> {
        // Few, and mostly it is the one of the row before.
        let mut groups: Vec<([Value; 4], ReplyGroup)> = Vec::new();
        let mut at = 0;
        self.each_attempt(dispatch, "reply, outcome, stage, code, enhanced", |row| {
            let columns = [row.get_ref(1)?, row.get_ref(2)?, row.get_ref(3)?, row.get_ref(4)?];
            let is_it = |(key, _): &([Value; 4], ReplyGroup)| {
                key.iter().zip(&columns).all(|(key, column)| ValueRef::from(key) == *column)
            };
            let reply = row.get_ref(0)?.as_str().unwrap_or_default();
            if !groups.get(at).is_some_and(is_it) {
                at = groups.iter().position(is_it).unwrap_or(groups.len());
            }
            if at == groups.len() {
                let group = ReplyGroup {
                    kind: kind(row, 1)?,
                    stage: stage(row, 2)?,
                    code: row.get(3)?,
                    enhanced: enhanced(row, 4)?,
                    example: reply.to_owned(),
                    count: 0,
                };
                groups.push(([row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?], group));
            }
            let group = &mut groups[at].1;
            group.count += 1;
            if reply < group.example.as_str() {
                reply.clone_into(&mut group.example);
            }
            Ok(())
        })?;
        let mut groups: Vec<_> = groups.into_iter().map(|(_, group)| group).collect();
        groups.sort_by_key(|group| {
            (Reverse(group.count), group.kind.word(), group.stage.map(stage_word), group.code, group.enhanced)
        });
        Ok(groups)
    }

    /// The course of a dispatch in stretches of so many seconds; stretches in which nothing ended are left out.
    pub(in crate::ledger) fn timeline(
        &self,
        dispatch: DispatchId,
        seconds: u32,
    ) -> Result<Vec<Bucket>, StoreError> {
        let stretch = i64::from(seconds.max(1)) * 1000;
        let mut buckets = BTreeMap::new();
        self.each_attempt(dispatch, "ended_at, outcome", |row| {
            let from = row.get::<_, i64>(0)? / stretch * stretch;
            let empty =
                Bucket { from: timestamp(from), accepted: 0, deferred: 0, rejected: 0, unconfirmed: 0 };
            let bucket = buckets.entry(from).or_insert(empty);
            *match kind(row, 1)? {
                OutcomeKind::Accepted => &mut bucket.accepted,
                OutcomeKind::Deferred => &mut bucket.deferred,
                OutcomeKind::Rejected => &mut bucket.rejected,
                OutcomeKind::Unconfirmed => &mut bucket.unconfirmed,
            } += 1;
            Ok(())
        })?;
        Ok(buckets.into_values().collect())
    }

    /// Looks at some columns of each attempt of a dispatch that ended.
    fn each_attempt(
        &self,
        dispatch: DispatchId,
        columns: &str,
        mut look: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let _look = self.db.begin_reading()?;
        let sql = format!("SELECT {columns} FROM attempts WHERE delivery BETWEEN ?1 AND ?2");
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut from = 0;
        while let Some(span) = recipients::span(&self.db, dispatch.0, from)? {
            let mut rows = statement.query([span.first, span.last])?;
            while let Some(row) = rows.next()? {
                look(row)?;
            }
            from = span.last + 1;
        }
        Ok(())
    }

    /// The state of an address in a dispatch.
    pub(in crate::ledger) fn state_of(
        &self,
        dispatch: DispatchId,
        address: &EmailAddress,
    ) -> Result<Option<State>, StoreError> {
        let found = keys::find(&self.db, Some(dispatch.0), std::slice::from_ref(address))?;
        let Some(found) = found.first() else { return Ok(None) };
        let state = self
            .db
            .prepare_cached("SELECT state FROM deliveries WHERE id = ?1")?
            .query_row([found.delivery], |row| Ok(state(row, 0)))
            .optional()?;
        Ok(Some(state.transpose()?.unwrap_or(State::Queued)))
    }
}

/// Deliveries on a part of a recipient page that are in a wanted state, in the order of the list.
pub(super) fn recipients_in(
    db: &Connection,
    span: Span,
    wants: impl Fn(State) -> bool,
) -> Result<Vec<i64>, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT id, state FROM deliveries WHERE id BETWEEN ?1 AND ?2 ORDER BY id")?;
    let mut rows = statement.query([span.first, span.last])?;
    let mut known = Vec::new();
    while let Some(row) = rows.next()? {
        known.push((row.get::<_, i64>(0)?, state(row, 1)?));
    }
    if known.iter().all(|(_, state)| !wants(*state)) && (!wants(State::Queued)) {
        return Ok(Vec::new());
    }
    let mut known = known.into_iter().peekable();
    let mut remaining = recipients::lines(db, span)?;
    remaining.retain(|id| {
        let state = known.next_if(|(known, _)| known == id).map_or(State::Queued, |(_, state)| state);
        wants(state)
    });
    Ok(remaining)
}

/// What the row of a delivery holds.
struct Summary {
    state: State,
    attempts: u32,
    reply: Option<String>,
    at: Option<Timestamp>,
    due_at: Option<Timestamp>,
}

/// Of one that has no row: it was never tried.
impl Default for Summary {
    fn default() -> Self {
        Self { state: State::Queued, attempts: 0, reply: None, at: None, due_at: None }
    }
}

impl Summary {
    /// The columns of [`ROW`].
    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        let state = state(row, 1)?;
        let due_at: i64 = row.get(2)?;
        let begun_at: Option<i64> = row.get(3)?;
        let reason: Option<String> = row.get(4)?;
        let ended_at: Option<i64> = row.get(6)?;
        let reply = match (&reason, ended_at) {
            (Some(reason), _) => {
                Some(Reason::from_word(reason).map_or_else(|| reason.clone(), |reason| reason.to_string()))
            }
            (None, Some(_)) => Some(words(&outcome(row, 7)?)),
            (None, None) => None,
        };
        Ok(Self {
            state,
            attempts: row.get(5)?,
            reply,
            at: begun_at.or(ended_at).map(timestamp),
            due_at: (state == State::Deferred).then(|| timestamp(due_at)),
        })
    }

    fn of(self, delivery: i64, person: Subscriber) -> DeliveryRow {
        let Self { state, attempts, reply, at, due_at } = self;
        DeliveryRow {
            delivery: DeliveryId(delivery),
            address: person.address,
            state,
            attempts,
            reply,
            at,
            due_at,
        }
    }
}

/// Outcome, stage, code, enhanced code and text, from `first` on.
fn outcome(row: &Row<'_>, first: usize) -> Result<Outcome, StoreError> {
    let text: String = row.get(first + 4)?;
    let reply = |text| -> Result<Reply, StoreError> {
        Ok(Reply { code: row.get(first + 2)?, enhanced: enhanced(row, first + 3)?, text })
    };
    let stage = stage(row, first + 1)?.unwrap_or(Stage::Body);
    Ok(match kind(row, first)? {
        OutcomeKind::Accepted => Outcome::Accepted { reply: reply(text)? },
        OutcomeKind::Deferred => Outcome::Deferred { stage, reply: reply(text)? },
        OutcomeKind::Rejected => Outcome::Rejected { stage, reply: reply(text)? },
        OutcomeKind::Unconfirmed => Outcome::Unconfirmed { why: text },
    })
}

pub(super) fn state(row: &Row<'_>, column: usize) -> Result<State, StoreError> {
    let word = row.get_ref(column)?.as_str().unwrap_or_default();
    // A constraint keeps other words out.
    Ok(State::from_word(word).unwrap_or(State::Unconfirmed))
}

fn kind(row: &Row<'_>, column: usize) -> Result<OutcomeKind, StoreError> {
    let word = row.get_ref(column)?.as_str().unwrap_or_default();
    Ok(OutcomeKind::from_word(word).unwrap_or(OutcomeKind::Unconfirmed))
}

fn stage(row: &Row<'_>, column: usize) -> Result<Option<Stage>, StoreError> {
    let word: Option<String> = row.get(column)?;
    Ok(word.and_then(|word| stage_from_word(&word)))
}

fn enhanced(row: &Row<'_>, column: usize) -> Result<Option<(u8, u16, u16)>, StoreError> {
    let text: Option<String> = row.get(column)?;
    Ok(text.and_then(|text| {
        let mut parts = text.split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }))
}
