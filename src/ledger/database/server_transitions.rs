//! Begins and ends on a server: a group of them in few statements, which are sent together.
//!
//! The transaction holds the lock that suppressions wait for only while the server works, never while an answer travels. So
//! that a begin needs no second look from here, its statement compares the counters of suppressions with those that the set in
//! memory was made by. Where they differ, nothing is begun, and the set is brought up to date.

use std::collections::HashSet;

use super::{
    error::StoreError,
    recipients::People,
    store::Store,
    transitions::{Ended, ended},
};
use crate::{
    ledger::{
        lease::{Begun, Close, Hold},
        log::Position,
        transition::{Transition, TransitionKind},
    },
    storage::Part,
};

impl Store {
    /// Writes all of them down, durably and in their order, or none.
    pub(super) fn apply_on_server(&mut self, group: &mut [Transition]) -> Result<(), StoreError> {
        let is_in_doubt = self.remote.as_ref().is_some_and(|remote| remote.is_in_doubt);
        let done = self.fly_group(group, is_in_doubt);
        if let Some(remote) = &mut self.remote {
            remote.is_in_doubt = done.is_err();
        }
        done
    }

    fn fly_group(&mut self, group: &mut [Transition], is_in_doubt: bool) -> Result<(), StoreError> {
        let mut only_begins = false;
        loop {
            if self.fly_once(group, is_in_doubt, only_begins)? {
                break;
            }
            // Someone was suppressed meanwhile. What ended is written down; the begins are tried again.
            self.suppressed.refresh(&self.db)?;
            only_begins = true;
        }
        for mark in group {
            match mark.kind {
                TransitionKind::Begin { at, answer: Begun::Begun, .. } => {
                    self.begun.insert(mark.hold.delivery, (mark.hold.epoch, at));
                }
                TransitionKind::Begin { .. } => {}
                TransitionKind::Close { .. } => {
                    self.begun.remove(&mark.hold.delivery);
                }
            }
        }
        Ok(())
    }

    /// False when the begins were not looked at, because suppressions have changed.
    fn fly_once(
        &mut self,
        group: &mut [Transition],
        is_in_doubt: bool,
        only_begins: bool,
    ) -> Result<bool, StoreError> {
        let has_begins = group.iter().any(|mark| mark.kind.is_begin());
        let mut batches = vec![Batch::default()];
        for (index, mark) in group.iter().enumerate() {
            let hold = mark.hold;
            if only_begins && !mark.kind.is_begin() {
                continue;
            }
            if batches.last().is_none_or(|batch| batch.seen.contains(&hold.delivery)) {
                batches.push(Batch::default());
            }
            let reason = match &mark.kind {
                TransitionKind::Begin { at, .. } => self.reason_to_stop(hold, *at)?,
                TransitionKind::Close { .. } => None,
            };
            let Some(batch) = batches.last_mut() else { continue };
            batch.seen.insert(hold.delivery);
            match &mark.kind {
                TransitionKind::Begin { at, is_pre_committed, .. } => {
                    let before = if *is_pre_committed { "begun" } else { "claimed" };
                    match reason {
                        None => batch.begin(index, hold, *at, before),
                        Some(reason) => batch.suppress(index, hold, reason, before),
                    }
                }
                TransitionKind::Close { close: Close::Ended { at, outcome, next }, started_at } => {
                    let ours = self.begun.get(&hold.delivery).filter(|(epoch, _)| *epoch == hold.epoch);
                    let begun_at = started_at.or(ours.map(|(_, at)| *at));
                    batch.end(hold, begun_at, *at, ended(outcome, *next));
                }
                TransitionKind::Close { close: Close::Withdrawn, .. } => {
                    batch.withdrawals.push(index, hold, 0)
                }
            }
        }
        let known = self.suppressed.changes();
        let positions = positions(group);
        let Some(client) = self.db.as_postgres() else { return Ok(true) };
        let mut parts: Vec<Part<'_>> = vec![(COUNTERS, vec![])];
        let mut answers: Vec<(usize, Answer)> = Vec::new();
        for (number, batch) in batches.iter().enumerate() {
            batch.add_to(&mut parts, &mut answers, number, &known, &is_in_doubt);
        }
        for (worker, file, bytes, sum) in &positions {
            parts.push((POSITION, vec![worker, file, bytes, sum]));
        }
        let rows = client.fly(&parts)?;
        let counted: Option<i64> = rows.first().and_then(|rows| rows.first()).map(|row| row.get(0));
        if has_begins && counted != Some(known) {
            return Ok(false);
        }
        for (part, answer) in answers {
            let changed: HashSet<i64> = rows[part].iter().map(|row| row.get(0)).collect();
            let (marks, yes) = match answer {
                Answer::Begun(batch) => (&batches[batch].begins, Begun::Begun),
                Answer::Suppressed(batch) => (&batches[batch].suppressions, Begun::Suppressed),
            };
            for (index, delivery) in marks.indices.iter().zip(&marks.ids) {
                if let TransitionKind::Begin { answer, .. } = &mut group[*index].kind {
                    *answer = if changed.contains(delivery) { yes } else { Begun::Lost };
                }
            }
        }
        Ok(true)
    }

    /// Why a letter may not be begun, as far as the set in memory knows.
    fn reason_to_stop(&self, hold: Hold, at: i64) -> Result<Option<String>, StoreError> {
        let is_doubtful =
            self.suppressed.may_have(hold.fingerprint) || self.suppressed.hash_changes() != hold.hash_changes;
        if !is_doubtful {
            return Ok(None);
        }
        let person = People::default().known(&self.db, hold.delivery)?;
        let key = person.address.key_cow();
        if let Some(reason) = self.suppressed.reason(&self.db, &key)? {
            return Ok(Some(reason.word().to_owned()));
        }
        let why = self.suppressed.restriction(&self.db, &key, hold.delivery, at)?;
        Ok(why.map(|why| format!("{} in the list", why.word())))
    }
}

/// How far the logs of this group have come: a worker, and the file, bytes and checksum of its log.
fn positions(group: &[Transition]) -> Vec<(i64, i64, i64, i64)> {
    let mut positions: Vec<(i64, i64, i64, i64)> = Vec::new();
    for log in group.iter().filter_map(|mark| Some(&mark.logged.as_ref()?.log)) {
        if positions.iter().all(|(worker, ..)| *worker != log.worker()) {
            let Position { file, bytes, sum } = log.position();
            positions.push((log.worker(), file.cast_signed(), bytes.cast_signed(), i64::from(sum)));
        }
    }
    positions
}

/// Which answers a part of the flight brings.
enum Answer {
    Begun(usize),
    Suppressed(usize),
}

/// Marks of one kind.
#[derive(Default)]
struct Marks {
    /// Where they are in the group.
    indices: Vec<usize>,
    ids: Vec<i64>,
    workers: Vec<i64>,
    epochs: Vec<i64>,
    ats: Vec<i64>,
}

impl Marks {
    fn push(&mut self, index: usize, hold: Hold, at: i64) {
        self.indices.push(index);
        self.ids.push(hold.delivery);
        self.workers.push(hold.worker);
        self.epochs.push(i64::from(hold.epoch));
        self.ats.push(at);
    }
}

/// Marks of different deliveries: their order does not matter.
#[derive(Default)]
struct Batch {
    seen: HashSet<i64>,
    begins: Marks,
    /// In which state what begins is until then.
    begin_from: Vec<&'static str>,
    suppressions: Marks,
    suppress_from: Vec<&'static str>,
    reasons: Vec<String>,
    withdrawals: Marks,
    ends: Marks,
    begun_ats: Vec<Option<i64>>,
    outcomes: Vec<&'static str>,
    stages: Vec<Option<&'static str>>,
    codes: Vec<Option<i64>>,
    enhanced: Vec<Option<String>>,
    replies: Vec<String>,
    states: Vec<&'static str>,
    due_ats: Vec<i64>,
}

impl Batch {
    fn begin(&mut self, index: usize, hold: Hold, at: i64, before: &'static str) {
        self.begins.push(index, hold, at);
        self.begin_from.push(before);
    }

    fn suppress(&mut self, index: usize, hold: Hold, reason: String, before: &'static str) {
        self.suppressions.push(index, hold, 0);
        self.reasons.push(reason);
        self.suppress_from.push(before);
    }

    fn end(&mut self, hold: Hold, begun_at: Option<i64>, at: i64, ended: Ended<'_>) {
        self.ends.push(0, hold, at);
        self.begun_ats.push(begun_at);
        self.outcomes.push(ended.outcome);
        self.stages.push(ended.stage);
        self.codes.push(ended.code.map(i64::from));
        self.enhanced.push(ended.enhanced);
        // PostgreSQL has no place for this character in a text.
        self.replies.push(ended.reply.replace('\0', "\u{fffd}"));
        self.states.push(ended.state);
        self.due_ats.push(ended.due_at);
    }

    fn add_to<'a>(
        &'a self,
        parts: &mut Vec<Part<'a>>,
        answers: &mut Vec<(usize, Answer)>,
        number: usize,
        known: &'a i64,
        is_in_doubt: &'a bool,
    ) {
        if !self.ends.ids.is_empty() {
            let Marks { ids, workers, epochs, ats, .. } = &self.ends;
            parts.push((
                END,
                vec![
                    ids,
                    workers,
                    epochs,
                    ats,
                    &self.begun_ats,
                    &self.outcomes,
                    &self.stages,
                    &self.codes,
                    &self.enhanced,
                    &self.replies,
                    &self.states,
                    &self.due_ats,
                ],
            ));
        }
        if !self.withdrawals.ids.is_empty() {
            let Marks { ids, workers, epochs, .. } = &self.withdrawals;
            parts.push((WITHDRAW, vec![ids, workers, epochs]));
        }
        if !self.suppressions.ids.is_empty() {
            let Marks { ids, workers, epochs, .. } = &self.suppressions;
            answers.push((parts.len(), Answer::Suppressed(number)));
            parts.push((SUPPRESS, vec![ids, workers, epochs, &self.reasons, known, &self.suppress_from]));
        }
        if !self.begins.ids.is_empty() {
            let Marks { ids, workers, epochs, ats, .. } = &self.begins;
            answers.push((parts.len(), Answer::Begun(number)));
            parts.push((begin(), vec![ids, workers, epochs, ats, known, is_in_doubt, &self.begin_from]));
        }
    }
}

/// How often suppressions have changed, of addresses and of keyed hashes.
const COUNTERS: &str = "SELECT sum(value)::bigint FROM counters WHERE name <> 'claims'";

const POSITION: &str = "UPDATE workers SET log_file = ?2::bigint, log_bytes = ?3::bigint, log_sum = ?4::bigint WHERE id = ?1::bigint";

// A begin whose commit was made and whose answer was lost is found again by its time.
const BEGIN: &str = "UPDATE deliveries d SET state = 'begun', begun_at = m.at \
     FROM unnest(?1::bigint[], ?2::bigint[], ?3::bigint[], ?4::bigint[], ?7::text[]) \
         AS m (id, worker, epoch, at, before) \
     WHERE d.id = m.id AND d.worker = m.worker AND d.epoch = m.epoch \
     AND (d.state = m.before OR (?6::bool AND d.state = 'begun' AND d.begun_at = m.at)) \
     AND (SELECT sum(value)::bigint FROM counters WHERE name <> 'claims') = ?5::bigint RETURNING d.id";

/// The statement of a begin. In debug builds a test can have one that asks for no lease, to see that it is found out.
fn begin() -> &'static str {
    #[cfg(debug_assertions)]
    if std::env::var_os("MIMEO_FAULT").is_some_and(|fault| fault == "no fence") {
        return "UPDATE deliveries d SET state = 'begun', begun_at = m.at, worker = m.worker \
             FROM unnest(?1::bigint[], ?2::bigint[], ?3::bigint[], ?4::bigint[]) AS m (id, worker, epoch, at) \
             WHERE d.id = m.id AND d.state IN ('claimed', 'begun') AND (?6::bool OR ?7::text[] IS NOT NULL) AND m.epoch > 0 \
             AND (SELECT sum(value)::bigint FROM counters WHERE name <> 'claims') = ?5::bigint RETURNING d.id";
    }
    BEGIN
}

const SUPPRESS: &str = "UPDATE deliveries d SET state = 'suppressed', reason = m.reason, worker = NULL, begun_at = NULL \
     FROM unnest(?1::bigint[], ?2::bigint[], ?3::bigint[], ?4::text[], ?6::text[]) \
         AS m (id, worker, epoch, reason, before) \
     WHERE d.id = m.id AND d.worker = m.worker AND d.epoch = m.epoch AND d.state = m.before \
     AND (SELECT sum(value)::bigint FROM counters WHERE name <> 'claims') = ?5::bigint RETURNING d.id";

// `late`: the worker was taken for dead, but nothing of the letter has left, so that there is nothing to doubt.
const WITHDRAW: &str = "WITH m AS (SELECT * FROM unnest(?1::bigint[], ?2::bigint[], ?3::bigint[]) AS m (id, worker, epoch)), \
     held AS (UPDATE deliveries d SET state = 'queued', due_at = 1, worker = NULL, begun_at = NULL FROM m \
         WHERE d.id = m.id AND d.worker = m.worker AND d.epoch = m.epoch AND d.state IN ('claimed', 'begun')), \
     late AS (DELETE FROM attempts a USING m, deliveries d WHERE a.delivery = m.id AND a.epoch = m.epoch \
         AND a.worker = m.worker AND a.outcome = 'unconfirmed' \
         AND d.id = m.id AND d.epoch = m.epoch AND d.state = 'unconfirmed' RETURNING m.id) \
     UPDATE deliveries d SET state = 'queued', due_at = 1, tries = CASE WHEN tries > 0 THEN tries - 1 ELSE 0 END \
     FROM late WHERE d.id = late.id AND d.state = 'unconfirmed'";

// `late`: the worker was taken for dead, but it lives and knows what became of the letter. Where no one has claimed it since,
// what is known now counts; an acceptance counts even if a resend was asked for. There are few of them: to look for all ends among
// all others would take a thousand times as long for a thousand of them.
const END: &str = "WITH m AS (SELECT * FROM unnest(?1::bigint[], ?2::bigint[], ?3::bigint[], ?4::bigint[], \
         ?5::bigint[], ?6::text[], ?7::text[], ?8::bigint[], ?9::text[], ?10::text[], ?11::text[], ?12::bigint[]) \
         AS m (id, worker, epoch, at, begun_at, outcome, stage, code, enhanced, reply, state, due_at)), \
     ended AS (UPDATE deliveries d SET state = m.state, due_at = m.due_at, tries = tries + 1, worker = NULL, \
         begun_at = NULL FROM m WHERE d.id = m.id AND d.worker = m.worker AND d.epoch = m.epoch \
         AND d.state IN ('begun', 'claimed') RETURNING d.id), \
     known AS (INSERT INTO attempts (delivery, worker, epoch, ended_at, outcome, stage, code, enhanced, reply, begun_at) \
         SELECT m.id, m.worker, m.epoch, m.at, m.outcome, m.stage, m.code, m.enhanced, m.reply, m.begun_at FROM m \
         ON CONFLICT (delivery, epoch) DO UPDATE SET ended_at = excluded.ended_at, outcome = excluded.outcome, \
         stage = excluded.stage, code = excluded.code, enhanced = excluded.enhanced, reply = excluded.reply \
         WHERE attempts.outcome = 'unconfirmed' AND attempts.worker = excluded.worker RETURNING delivery), \
     late AS MATERIALIZED (SELECT delivery FROM known WHERE delivery NOT IN (SELECT id FROM ended)) \
     UPDATE deliveries d SET state = m.state, due_at = m.due_at FROM late, m \
     WHERE late.delivery = m.id AND d.id = m.id AND d.epoch = m.epoch \
     AND (d.state = 'unconfirmed' OR (d.state IN ('queued', 'deferred') AND m.state = 'accepted'))";
