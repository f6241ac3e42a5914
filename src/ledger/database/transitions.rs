//! Begin, end and withdraw: a group of them in one transaction.

#[cfg(feature = "postgres")]
use std::collections::HashSet;
use std::sync::Arc;

use crate::storage::{CachedStatement, Connection, OptionalExtension, params};

use super::{error::StoreError, recipients::People, store::Store, suppressed::Suppressed, times::millis};
use crate::{
    ledger::{
        lease::{Begun, Close, Hold, Next},
        log::{Closed, Log, Position},
        records::{OutcomeKind, reply_of},
        transition::{Transition, TransitionKind},
    },
    transport::{Outcome, Stage},
};

impl Store {
    /// Writes all of them down, durably and in their order, or none.
    pub(in crate::ledger) fn apply(&mut self, group: &mut [Transition]) -> Result<(), StoreError> {
        #[cfg(feature = "postgres")]
        if self.is_remote() {
            return self.apply_on_server(group);
        }
        let tx = self.db.begin_writing()?;
        self.suppressed.refresh(&self.db)?;
        let mut statements = Transitions::new(&self.db)?;
        for mark in group.iter_mut() {
            let hold = mark.hold;
            match &mut mark.kind {
                TransitionKind::Begin { at, is_pre_committed, answer, .. } => {
                    *answer = statements.begin(&self.suppressed, hold, *at, *is_pre_committed)?;
                }
                TransitionKind::Close { close: Close::Ended { at, outcome, next }, started_at } => {
                    let ours = self.begun.get(&hold.delivery).filter(|(epoch, _)| *epoch == hold.epoch);
                    let begun_at = started_at.or(ours.map(|(_, at)| *at));
                    statements.end(hold, begun_at, *at, outcome, *next)?;
                }
                TransitionKind::Close { close: Close::Withdrawn, .. } => statements.withdraw(hold)?,
            }
        }
        drop(statements);
        store_positions(&self.db, group)?;
        tx.commit()?;
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
}

/// What a dead worker wrote into its log, as a part of the transaction that is open. What the database has already changes
/// nothing.
pub(super) fn bring_in(db: &Connection, worker: i64, closed: Vec<Closed>) -> Result<(), StoreError> {
    let mut statements = Transitions::new(db)?;
    for Closed { delivery, epoch, started_at, close } in unknown(db, closed)? {
        // Fingerprints are for looking up suppressions, which is over.
        let hold = Hold { delivery, worker, epoch, fingerprint: 0, hash_changes: 0 };
        let Close::Ended { at, outcome, next } = close else {
            statements.withdraw(hold)?;
            continue;
        };
        let row = db
            .prepare_cached(
                "SELECT epoch, CASE WHEN worker = ?2 AND epoch = ?3 THEN begun_at END FROM deliveries WHERE id = ?1",
            )?
            .query_row(params![delivery, worker, epoch], |row| Ok((row.get::<_, u32>(0)?, row.get(1)?)))
            .optional()?;
        // A database from a backup may not know of the claim; what the log says of it is of no use there.
        let Some((_, known)) = row.filter(|(known, _)| epoch <= *known) else { continue };
        // Of what was begun by itself the database knows when.
        statements.end(hold, started_at.or(known), at, &outcome, next)?;
    }
    Ok(())
}

/// Those of them that the database may lack, where a look at each would take long.
#[cfg(feature = "postgres")]
fn unknown(db: &Connection, mut closed: Vec<Closed>) -> Result<Vec<Closed>, StoreError> {
    let Some(client) = db.as_postgres() else { return Ok(closed) };
    let ids: Vec<i64> = closed.iter().map(|one| one.delivery).collect();
    let epochs: Vec<i64> = closed.iter().map(|one| i64::from(one.epoch)).collect();
    let rows = client.query(UNKNOWN, &[&ids, &epochs])?;
    let unknown: HashSet<(i64, i64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    closed.retain(|one| unknown.contains(&(one.delivery, i64::from(one.epoch))));
    Ok(closed)
}

#[cfg(not(feature = "postgres"))]
fn unknown(_: &Connection, closed: Vec<Closed>) -> Result<Vec<Closed>, StoreError> {
    Ok(closed)
}

#[cfg(feature = "postgres")]
const UNKNOWN: &str = "SELECT m.id, m.epoch FROM unnest(?1::bigint[], ?2::bigint[]) AS m (id, epoch) \
     JOIN deliveries d ON d.id = m.id AND m.epoch <= d.epoch \
     LEFT JOIN attempts a ON a.delivery = m.id AND a.epoch = m.epoch \
     WHERE a.outcome IS NULL OR a.outcome = 'unconfirmed'";

/// How far the logs of this group have come.
fn store_positions(db: &Connection, group: &[Transition]) -> Result<(), StoreError> {
    let mut stored: Option<&Arc<Log>> = None;
    for log in group.iter().filter_map(|mark| Some(&mark.logged.as_ref()?.log)) {
        if !stored.is_some_and(|stored| Arc::ptr_eq(stored, log)) {
            store_position(db, log)?;
            stored = Some(log);
        }
    }
    Ok(())
}

/// Stores how far a worker's log has come, with the transaction that is open.
pub(super) fn store_position(db: &Connection, log: &Log) -> Result<(), StoreError> {
    let Position { file, bytes, sum } = log.position();
    db.prepare_cached("UPDATE workers SET log_file = ?2, log_bytes = ?3, log_sum = ?4 WHERE id = ?1")?
        .execute(params![log.worker(), file.cast_signed(), bytes.cast_signed(), sum])?;
    Ok(())
}

/// The statements of a group.
struct Transitions<'db> {
    db: &'db Connection,
    begin: CachedStatement<'db>,
    end_delivery: CachedStatement<'db>,
    end_attempt: CachedStatement<'db>,
    withdraw: CachedStatement<'db>,
}

const BEGIN: &str = "UPDATE deliveries SET state = 'begun', begun_at = ?4 \
     WHERE id = ?1 AND worker = ?2 AND epoch = ?3 AND state = ?5";

const SUPPRESS: &str = "UPDATE deliveries SET state = 'suppressed', reason = ?4, worker = NULL, begun_at = NULL \
     WHERE id = ?1 AND worker = ?2 AND epoch = ?3 AND state = ?5";

const WITHDRAW: &str = "UPDATE deliveries SET state = 'queued', due_at = 1, worker = NULL, begun_at = NULL \
     WHERE id = ?1 AND worker = ?2 AND epoch = ?3 AND state IN ('claimed', 'begun')";

const END_DELIVERY: &str = "UPDATE deliveries SET state = ?4, due_at = ?5, tries = tries + 1, \
     worker = NULL, begun_at = NULL \
     WHERE id = ?1 AND worker = ?2 AND epoch = ?3 AND (state = 'begun' OR state = 'claimed')";

const END_ATTEMPT: &str = "INSERT INTO attempts \
     (delivery, worker, epoch, ended_at, outcome, stage, code, enhanced, reply, begun_at) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

// The worker was taken for dead, but it lives and knows what became of the letter.
const LATE_ATTEMPT: &str = "INSERT INTO attempts \
     (delivery, worker, epoch, ended_at, outcome, stage, code, enhanced, reply, begun_at) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
     ON CONFLICT (delivery, epoch) DO UPDATE SET ended_at = excluded.ended_at, outcome = excluded.outcome, \
     stage = excluded.stage, code = excluded.code, enhanced = excluded.enhanced, reply = excluded.reply \
     WHERE attempts.outcome = 'unconfirmed' AND attempts.worker = excluded.worker";

// No one has claimed it since: what is known now counts. An acceptance counts even if a resend was asked for.
const LATE_DELIVERY: &str = "UPDATE deliveries SET state = ?2, due_at = ?3 \
     WHERE id = ?1 AND epoch = ?4 AND (state = 'unconfirmed' OR (state IN ('queued', 'deferred') AND ?2 = 'accepted'))";

// The worker was taken for dead, but nothing of the letter has left: there is nothing to doubt.
const LATE_WITHDRAWN_ATTEMPT: &str = "DELETE FROM attempts WHERE delivery = ?1 AND worker = ?2 AND epoch = ?3 \
     AND outcome = 'unconfirmed' \
     AND EXISTS (SELECT 1 FROM deliveries WHERE id = ?1 AND epoch = ?3 AND state = 'unconfirmed')";

const LATE_WITHDRAWN_DELIVERY: &str = "UPDATE deliveries SET state = 'queued', due_at = 1, \
     tries = CASE WHEN tries > 0 THEN tries - 1 ELSE 0 END WHERE id = ?1 AND epoch = ?2 AND state = 'unconfirmed'";

/// Takes a letter back to the queue that was called unconfirmed and of which nothing has left; whether it was.
pub(super) fn withdraw_late(
    db: &Connection,
    delivery: i64,
    worker: i64,
    epoch: u32,
) -> Result<bool, StoreError> {
    let doubted = db.prepare_cached(LATE_WITHDRAWN_ATTEMPT)?.execute(params![delivery, worker, epoch])?;
    if doubted == 1 {
        db.prepare_cached(LATE_WITHDRAWN_DELIVERY)?.execute(params![delivery, epoch])?;
    }
    Ok(doubted == 1)
}

impl<'db> Transitions<'db> {
    fn new(db: &'db Connection) -> Result<Self, StoreError> {
        Ok(Self {
            db,
            begin: db.prepare_cached(BEGIN)?,
            end_delivery: db.prepare_cached(END_DELIVERY)?,
            end_attempt: db.prepare_cached(END_ATTEMPT)?,
            withdraw: db.prepare_cached(WITHDRAW)?,
        })
    }

    fn begin(
        &mut self,
        suppressed: &Suppressed,
        hold: Hold,
        at: i64,
        is_pre_committed: bool,
    ) -> Result<Begun, StoreError> {
        let from = if is_pre_committed { "begun" } else { "claimed" };
        // A claim looked at all suppressions; a keyed hash that came since then may be this person's.
        let is_doubtful =
            suppressed.may_have(hold.fingerprint) || suppressed.hash_changes() != hold.hash_changes;
        if is_doubtful && let Some(changed) = self.suppress(suppressed, hold, at, from)? {
            return Ok(if changed == 1 { Begun::Suppressed } else { Begun::Lost });
        }
        let changed = self.begin.execute(params![hold.delivery, hold.worker, hold.epoch, at, from])?;
        Ok(if changed == 1 { Begun::Begun } else { Begun::Lost })
    }

    /// Closes the delivery if its address is suppressed, or the person paused or turned its topics off; `None` when not.
    fn suppress(
        &self,
        suppressed: &Suppressed,
        hold: Hold,
        at: i64,
        from: &str,
    ) -> Result<Option<usize>, StoreError> {
        let person = People::default().known(self.db, hold.delivery)?;
        let key = person.address.key_cow();
        let reason = match suppressed.reason(self.db, &key)? {
            Some(reason) => reason.word().to_owned(),
            None => match suppressed.restriction(self.db, &key, hold.delivery, at)? {
                Some(why) => format!("{} in the list", why.word()),
                None => return Ok(None),
            },
        };
        let close = params![hold.delivery, hold.worker, hold.epoch, reason, from];
        Ok(Some(self.db.prepare_cached(SUPPRESS)?.execute(close)?))
    }

    fn withdraw(&mut self, hold: Hold) -> Result<(), StoreError> {
        if self.withdraw.execute(params![hold.delivery, hold.worker, hold.epoch])? == 0 {
            withdraw_late(self.db, hold.delivery, hold.worker, hold.epoch)?;
        }
        Ok(())
    }

    fn end(
        &mut self,
        hold: Hold,
        begun_at: Option<i64>,
        at: i64,
        outcome: &Outcome,
        next: Next,
    ) -> Result<(), StoreError> {
        let Ended { outcome, stage, code, enhanced, reply, state, due_at } = ended(outcome, next);
        let attempt = params![
            hold.delivery,
            hold.worker,
            hold.epoch,
            at,
            outcome,
            stage,
            code,
            enhanced,
            reply,
            begun_at
        ];
        let ours = params![hold.delivery, hold.worker, hold.epoch, state, due_at];
        if self.end_delivery.execute(ours)? == 1 {
            self.end_attempt.execute(attempt)?;
        } else if self.db.prepare_cached(LATE_ATTEMPT)?.execute(attempt)? == 1 {
            let late = params![hold.delivery, state, due_at, hold.epoch];
            self.db.prepare_cached(LATE_DELIVERY)?.execute(late)?;
        }
        Ok(())
    }
}

/// What an outcome and what follows come to, in the words of the tables.
pub(super) struct Ended<'a> {
    pub(super) outcome: &'static str,
    pub(super) stage: Option<&'static str>,
    pub(super) code: Option<u16>,
    pub(super) enhanced: Option<String>,
    pub(super) reply: &'a str,
    pub(super) state: &'static str,
    pub(super) due_at: i64,
}

pub(super) fn ended(outcome: &Outcome, next: Next) -> Ended<'_> {
    let (kind, stage) = kind_of(outcome);
    let reply = reply_of(outcome);
    let (state, due_at) = match (kind, next) {
        (OutcomeKind::Accepted, _) => ("accepted", 0),
        (OutcomeKind::Unconfirmed, _) => ("unconfirmed", 0),
        (_, Next::Close) => ("failed", 0),
        (_, Next::Requeue) => ("queued", 1),
        // Rounded up, so that it is never due before its time.
        (_, Next::RetryAt(due)) => ("deferred", millis(due).saturating_add(1).max(1)),
    };
    Ended {
        outcome: kind.word(),
        stage: stage.map(stage_word),
        code: reply.map(|reply| reply.code),
        enhanced: reply
            .and_then(|reply| reply.enhanced)
            .map(|(class, subject, detail)| format!("{class}.{subject}.{detail}")),
        reply: match outcome {
            Outcome::Unconfirmed { why } => why.as_str(),
            _ => reply.map_or("", |reply| reply.text.as_str()),
        },
        state,
        due_at,
    }
}

fn kind_of(outcome: &Outcome) -> (OutcomeKind, Option<Stage>) {
    match outcome {
        Outcome::Accepted { .. } => (OutcomeKind::Accepted, None),
        Outcome::Deferred { stage, .. } => (OutcomeKind::Deferred, Some(*stage)),
        Outcome::Rejected { stage, .. } => (OutcomeKind::Rejected, Some(*stage)),
        Outcome::Unconfirmed { .. } => (OutcomeKind::Unconfirmed, None),
    }
}

/// As the transport writes stages in JSON.
const STAGES: [(Stage, &str); 9] = [
    (Stage::Connect, "connect"),
    (Stage::Greeting, "greeting"),
    (Stage::Ehlo, "ehlo"),
    (Stage::Tls, "tls"),
    (Stage::Auth, "auth"),
    (Stage::Mail, "mail"),
    (Stage::Rcpt, "rcpt"),
    (Stage::Data, "data"),
    (Stage::Body, "body"),
];

pub(super) fn stage_word(stage: Stage) -> &'static str {
    STAGES.iter().find(|(known, _)| *known == stage).map_or("body", |(_, word)| word)
}

pub(super) fn stage_from_word(word: &str) -> Option<Stage> {
    STAGES.iter().find(|(_, known)| *known == word).map(|(stage, _)| *stage)
}
