//! What the owner asks: tallies, lists, histories, the course of a run.

use std::{cmp::Reverse, collections::BTreeMap};

use jiff::Timestamp;
use rusqlite::{
    OptionalExtension, Row, params,
    types::{Value, ValueRef},
};

use super::{
    Store,
    marks::{stage_from_word, stage_word},
    millis,
    plan::record,
    search::subscriber,
    timestamp,
};
use crate::{
    ledger::{
        DeliveryId, DispatchId, LedgerError, Reason, State,
        values::{
            Bucket, Decision, DeliveryRow, Offered, OutcomeKind, ReplyGroup, Story, StoryEvent, Tally, words,
        },
    },
    subscriber::{EmailAddress, Subscriber},
    transport::{Outcome, Reply, Stage},
};

/// Everything of a dispatch lies in this range of deliveries.
const RANGE: &str = "d.dispatch = ?1 AND d.id BETWEEN (SELECT first_id FROM dispatches WHERE id = ?1) \
                     AND (SELECT last_id FROM dispatches WHERE id = ?1)";

const ROW: &str = "d.id, r.address, d.state, d.due_at, d.begun_at, d.reason, \
     (SELECT count(*) FROM attempts a WHERE a.delivery = d.id), \
     l.ended_at, l.outcome, l.stage, l.code, l.enhanced, l.reply \
     FROM deliveries d JOIN recipients r ON r.delivery = d.id \
     LEFT JOIN attempts l ON l.delivery = d.id \
     AND l.epoch = (SELECT max(a.epoch) FROM attempts a WHERE a.delivery = d.id)";

impl Store {
    pub(in crate::ledger) fn tally(&self, dispatch: DispatchId) -> Result<Tally, LedgerError> {
        // Counted here: SQLite would sort the rows first.
        let sql = format!("SELECT d.state FROM deliveries d NOT INDEXED WHERE {RANGE}");
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut rows = statement.query([dispatch.0])?;
        let mut tally = Tally::default();
        while let Some(row) = rows.next()? {
            tally.add(state(row, 0)?, 1);
        }
        Ok(tally)
    }

    /// A page of a dispatch's deliveries, in the order of the list, after the one named.
    pub(in crate::ledger) fn deliveries(
        &self,
        dispatch: DispatchId,
        only: Option<State>,
        after: i64,
        limit: usize,
    ) -> Result<Vec<DeliveryRow>, LedgerError> {
        let sql = format!(
            "SELECT {ROW} WHERE {RANGE} AND d.id > ?2 AND (?3 IS NULL OR d.state = ?3) ORDER BY d.id LIMIT ?4"
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut rows = statement.query(params![dispatch.0, after, only.map(State::word), limit as i64])?;
        let mut page = Vec::new();
        while let Some(row) = rows.next()? {
            page.push(delivery(row, 0)?);
        }
        Ok(page)
    }

    /// A page of the people whose deliveries are in one of two states, as frozen, in the order of the list.
    pub(in crate::ledger) fn people(
        &self,
        dispatch: DispatchId,
        states: [State; 2],
        after: i64,
        limit: usize,
    ) -> Result<Vec<(i64, Subscriber)>, LedgerError> {
        let sql = format!(
            "SELECT d.id, r.address, r.name, r.fields FROM deliveries d JOIN recipients r ON r.delivery = d.id \
             WHERE {RANGE} AND d.id > ?2 AND d.state IN (?4, ?5) ORDER BY d.id LIMIT ?3"
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let [one, other] = states.map(State::word);
        let mut rows = statement.query(params![dispatch.0, after, limit as i64, one, other])?;
        let mut page = Vec::new();
        while let Some(row) = rows.next()? {
            let (address, fields): (String, Option<String>) = (row.get(1)?, row.get(3)?);
            page.push((row.get(0)?, subscriber(&address, row.get(2)?, fields.as_deref())?));
        }
        Ok(page)
    }

    /// Everything that ever happened for an address, the latest dispatch first.
    pub(in crate::ledger) fn history(&self, address: &EmailAddress) -> Result<Vec<Story>, LedgerError> {
        let sql = format!(
            "SELECT p.id, p.slug, p.number, p.title, p.digest, p.opened_at, {ROW} \
             JOIN dispatches p ON p.id = d.dispatch WHERE d.id = ?1"
        );
        let mut story = self.db.prepare_cached(&sql)?;
        let mut found = self.db.prepare_cached(
            "SELECT k.delivery FROM dispatches p JOIN delivery_keys k ON k.dispatch = p.id AND k.key = ?1 \
             ORDER BY p.id DESC",
        )?;
        let ids: Vec<i64> = found.query_map([address.key()], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut stories = Vec::new();
        for id in ids {
            let mut rows = story.query([id])?;
            if let Some(row) = rows.next()? {
                stories.push(Story {
                    dispatch: record(row, 0)?,
                    delivery: delivery(row, 6)?,
                    events: self.events(id)?,
                });
            }
        }
        Ok(stories)
    }

    fn events(&self, delivery: i64) -> Result<Vec<StoryEvent>, LedgerError> {
        let mut events = Vec::new();
        let mut attempts = self.db.prepare_cached(
            "SELECT a.ended_at, a.outcome, a.stage, a.code, a.enhanced, a.reply, a.begun_at, w.relay \
             FROM attempts a JOIN workers w ON w.id = a.worker WHERE a.delivery = ?1 ORDER BY a.epoch",
        )?;
        let mut rows = attempts.query([delivery])?;
        while let Some(row) = rows.next()? {
            events.push(StoryEvent::Attempt {
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
            events.push(StoryEvent::Decision { at: timestamp(row.get(0)?), decision });
        }
        // Stable: what the ledger wrote first stays first where the clock shows the same.
        events.sort_by_key(StoryEvent::at);
        Ok(events)
    }

    /// Attempts begun or ended since then, by relay and recipient domain.
    pub(in crate::ledger) fn offered(
        &self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Offered>, LedgerError> {
        // Only workers that were there since then can have offered anything, and only in their range.
        let mut statement = self.db.prepare_cached(
            "SELECT relay, name, count(*) FROM (\
                SELECT w.relay AS relay, d.domain AS domain FROM workers w \
                CROSS JOIN attempts a ON a.delivery BETWEEN w.first_id AND w.last_id AND a.worker = w.id \
                CROSS JOIN deliveries d ON d.id = a.delivery \
                WHERE coalesce(w.left_at, ?1) >= ?1 AND a.ended_at BETWEEN ?1 AND ?2 \
                UNION ALL \
                SELECT w.relay, d.domain FROM workers w \
                CROSS JOIN deliveries d ON d.id BETWEEN w.first_id AND w.last_id AND d.worker = w.id \
                WHERE w.left_at IS NULL AND d.state = 'begun' AND d.begun_at BETWEEN ?1 AND ?2\
             ) JOIN domains ON domains.id = domain GROUP BY relay, name ORDER BY relay, name",
        )?;
        let rows = statement.query_map([millis(since), millis(until)], |row| {
            Ok(Offered { relay: row.get(0)?, domain: row.get(1)?, letters: row.get::<_, i64>(2)? as u64 })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Ended attempts of a dispatch that ended alike, the most frequent first.
    pub(in crate::ledger) fn replies(&self, dispatch: DispatchId) -> Result<Vec<ReplyGroup>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT a.reply, a.outcome, a.stage, a.code, a.enhanced FROM attempts a \
             JOIN deliveries d ON d.id = a.delivery WHERE d.dispatch = ?1 \
             AND a.delivery BETWEEN (SELECT first_id FROM dispatches WHERE id = ?1) \
             AND (SELECT last_id FROM dispatches WHERE id = ?1)",
        )?;
        let mut rows = statement.query([dispatch.0])?;
        // Few, and mostly it is the one of the row before.
        let mut groups: Vec<([Value; 4], ReplyGroup)> = Vec::new();
        let mut at = 0;
        while let Some(row) = rows.next()? {
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
        }
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
    ) -> Result<Vec<Bucket>, LedgerError> {
        let mut statement = self.db.prepare_cached(
            "SELECT a.ended_at / ?2 * ?2, a.outcome \
             FROM attempts a JOIN deliveries d ON d.id = a.delivery WHERE d.dispatch = ?1 \
             AND a.delivery BETWEEN (SELECT first_id FROM dispatches WHERE id = ?1) \
             AND (SELECT last_id FROM dispatches WHERE id = ?1)",
        )?;
        let mut rows = statement.query(params![dispatch.0, i64::from(seconds.max(1)) * 1000])?;
        let mut buckets = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let from: i64 = row.get(0)?;
            let empty =
                Bucket { from: timestamp(from), accepted: 0, deferred: 0, rejected: 0, unconfirmed: 0 };
            let bucket = buckets.entry(from).or_insert(empty);
            *match kind(row, 1)? {
                OutcomeKind::Accepted => &mut bucket.accepted,
                OutcomeKind::Deferred => &mut bucket.deferred,
                OutcomeKind::Rejected => &mut bucket.rejected,
                OutcomeKind::Unconfirmed => &mut bucket.unconfirmed,
            } += 1;
        }
        Ok(buckets.into_values().collect())
    }

    /// The state of an address in a dispatch.
    pub(in crate::ledger) fn state_of(
        &self,
        dispatch: DispatchId,
        address: &EmailAddress,
    ) -> Result<Option<State>, LedgerError> {
        let word: Option<String> = self
            .db
            .prepare_cached(
                "SELECT d.state FROM delivery_keys k JOIN deliveries d ON d.id = k.delivery \
                 WHERE k.dispatch = ?1 AND k.key = ?2",
            )?
            .query_row(params![dispatch.0, address.key()], |row| row.get(0))
            .optional()?;
        Ok(word.and_then(|word| State::from_word(&word)))
    }
}

/// The columns of [`ROW`], from `first` on.
fn delivery(row: &Row<'_>, first: usize) -> Result<DeliveryRow, LedgerError> {
    let address: String = row.get(first + 1)?;
    let state = state(row, first + 2)?;
    let due_at: i64 = row.get(first + 3)?;
    let begun_at: Option<i64> = row.get(first + 4)?;
    let reason: Option<String> = row.get(first + 5)?;
    let ended_at: Option<i64> = row.get(first + 7)?;
    let reply = match (&reason, ended_at) {
        (Some(reason), _) => {
            Some(Reason::from_word(reason).map_or_else(|| reason.clone(), |reason| reason.to_string()))
        }
        (None, Some(_)) => Some(words(&outcome(row, first + 8)?)),
        (None, None) => None,
    };
    Ok(DeliveryRow {
        delivery: DeliveryId(row.get(first)?),
        address: EmailAddress::parse(&address).map_err(|_| LedgerError::address(&address))?,
        state,
        attempts: row.get(first + 6)?,
        reply,
        at: begun_at.or(ended_at).map(timestamp),
        due_at: (state == State::Deferred).then(|| timestamp(due_at)),
    })
}

/// Outcome, stage, code, enhanced code and text, from `first` on.
fn outcome(row: &Row<'_>, first: usize) -> Result<Outcome, LedgerError> {
    let text: String = row.get(first + 4)?;
    let reply = |text| -> Result<Reply, LedgerError> {
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

fn state(row: &Row<'_>, column: usize) -> Result<State, LedgerError> {
    let word = row.get_ref(column)?.as_str().unwrap_or_default();
    // A constraint keeps other words out.
    Ok(State::from_word(word).unwrap_or(State::Unconfirmed))
}

fn kind(row: &Row<'_>, column: usize) -> Result<OutcomeKind, LedgerError> {
    let word = row.get_ref(column)?.as_str().unwrap_or_default();
    Ok(OutcomeKind::from_word(word).unwrap_or(OutcomeKind::Unconfirmed))
}

fn stage(row: &Row<'_>, column: usize) -> Result<Option<Stage>, LedgerError> {
    let word: Option<String> = row.get(column)?;
    Ok(word.and_then(|word| stage_from_word(&word)))
}

fn enhanced(row: &Row<'_>, column: usize) -> Result<Option<(u8, u16, u16)>, LedgerError> {
    let text: Option<String> = row.get(column)?;
    Ok(text.and_then(|text| {
        let mut parts = text.split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }))
}
