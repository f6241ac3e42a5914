//! Begin, end and withdraw: a group of marks in one transaction.

use rusqlite::{CachedStatement, Connection, params};

use super::{Store, millis, suppressed::Suppressed};
use crate::{
    ledger::{
        Begun, LedgerError,
        values::{Hold, Next, OutcomeKind, reply_of},
        writer::{Mark, MarkKind},
    },
    transport::{Outcome, Stage},
};

impl Store {
    /// Writes all of them down, durably and in their order, or none.
    pub(in crate::ledger) fn apply(&mut self, group: &mut [Mark]) -> Result<(), LedgerError> {
        let tx = Self::writing(&mut self.db)?;
        self.suppressed.refresh(&tx)?;
        {
            let mut begin = tx.prepare_cached(BEGIN)?;
            for mark in group {
                let hold = mark.hold;
                match &mut mark.kind {
                    MarkKind::Begin { at, answer, .. } => {
                        *answer = self::begin(&tx, &mut begin, &self.suppressed, hold, *at)?;
                    }
                    MarkKind::End { at, outcome, next } => end(&tx, hold, *at, outcome, *next)?,
                    MarkKind::Withdraw => {
                        tx.prepare_cached(WITHDRAW)?.execute(params![
                            hold.delivery,
                            hold.worker,
                            hold.epoch
                        ])?;
                    }
                }
            }
        }
        tx.commit()?;
        Ok(())
    }
}

const BEGIN: &str = "UPDATE deliveries SET state = 'begun', begun_at = ?4 \
     WHERE id = ?1 AND worker = ?2 AND epoch = ?3 AND state = 'claimed'";

const SUPPRESS: &str = "UPDATE deliveries SET state = 'suppressed', reason = ?4, worker = NULL, begun_at = NULL \
     WHERE id = ?1 AND worker = ?2 AND epoch = ?3 AND state = 'claimed'";

const WITHDRAW: &str = "UPDATE deliveries SET state = 'queued', due_at = 1, worker = NULL, begun_at = NULL \
     WHERE id = ?1 AND worker = ?2 AND epoch = ?3 AND state IN ('claimed', 'begun')";

const END_ATTEMPT: &str = "INSERT INTO attempts \
     (delivery, epoch, worker, begun_at, ended_at, outcome, stage, code, enhanced, reply) \
     SELECT id, epoch, worker, begun_at, ?4, ?5, ?6, ?7, ?8, ?9 FROM deliveries \
     WHERE id = ?1 AND worker = ?2 AND epoch = ?3 AND state IN ('begun', 'claimed')";

const END_DELIVERY: &str = "UPDATE deliveries SET state = ?2, due_at = ?3, tries = tries + 1, \
     worker = NULL, begun_at = NULL WHERE id = ?1";

// The worker was taken for dead, but it lives and knows what became of the letter.
const LATE_ATTEMPT: &str = "INSERT INTO attempts \
     (delivery, epoch, worker, begun_at, ended_at, outcome, stage, code, enhanced, reply) \
     VALUES (?1, ?3, ?2, NULL, ?4, ?5, ?6, ?7, ?8, ?9) \
     ON CONFLICT (delivery, epoch) DO UPDATE SET ended_at = excluded.ended_at, outcome = excluded.outcome, \
     stage = excluded.stage, code = excluded.code, enhanced = excluded.enhanced, reply = excluded.reply \
     WHERE outcome = 'unconfirmed' AND worker = excluded.worker";

// Nobody has claimed it since: what is known now counts. An acceptance counts even if a resend was asked for.
const LATE_DELIVERY: &str = "UPDATE deliveries SET state = ?2, due_at = ?3 \
     WHERE id = ?1 AND epoch = ?4 AND (state = 'unconfirmed' OR (state IN ('queued', 'deferred') AND ?2 = 'accepted'))";

fn begin(
    db: &Connection,
    statement: &mut CachedStatement<'_>,
    suppressed: &Suppressed,
    hold: Hold,
    at: i64,
) -> Result<Begun, LedgerError> {
    if suppressed.may_have(hold.fingerprint) {
        let key: String = db
            .prepare_cached("SELECT coalesce(key, address) FROM recipients WHERE delivery = ?1")?
            .query_row([hold.delivery], |row| row.get(0))?;
        if let Some(reason) = suppressed.reason(db, &key)? {
            let changed = db.prepare_cached(SUPPRESS)?.execute(params![
                hold.delivery,
                hold.worker,
                hold.epoch,
                reason.word()
            ])?;
            return Ok(if changed == 1 { Begun::Suppressed } else { Begun::Lost });
        }
    }
    let changed = statement.execute(params![hold.delivery, hold.worker, hold.epoch, at])?;
    Ok(if changed == 1 { Begun::Begun } else { Begun::Lost })
}

fn end(db: &Connection, hold: Hold, at: i64, outcome: &Outcome, next: Next) -> Result<(), LedgerError> {
    let (kind, stage) = kind_of(outcome);
    let reply = reply_of(outcome);
    let enhanced = reply
        .and_then(|reply| reply.enhanced)
        .map(|(class, subject, detail)| format!("{class}.{subject}.{detail}"));
    let text = match outcome {
        Outcome::Unconfirmed { why } => why.as_str(),
        _ => reply.map_or("", |reply| reply.text.as_str()),
    };
    let attempt = params![
        hold.delivery,
        hold.worker,
        hold.epoch,
        at,
        kind.word(),
        stage.map(stage_word),
        reply.map(|reply| reply.code),
        enhanced,
        text
    ];
    let (state, due_at) = match (kind, next) {
        (OutcomeKind::Accepted, _) => ("accepted", 0),
        (OutcomeKind::Unconfirmed, _) => ("unconfirmed", 0),
        (_, Next::Close) => ("failed", 0),
        (_, Next::Requeue) => ("queued", 1),
        // Rounded up, so that it is never due before its time.
        (_, Next::RetryAt(due)) => ("deferred", millis(due).saturating_add(1).max(1)),
    };
    if db.prepare_cached(END_ATTEMPT)?.execute(attempt)? == 1 {
        db.prepare_cached(END_DELIVERY)?.execute(params![hold.delivery, state, due_at])?;
    } else if db.prepare_cached(LATE_ATTEMPT)?.execute(attempt)? == 1 {
        db.prepare_cached(LATE_DELIVERY)?.execute(params![hold.delivery, state, due_at, hold.epoch])?;
    }
    Ok(())
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

fn stage_word(stage: Stage) -> &'static str {
    STAGES.iter().find(|(known, _)| *known == stage).map_or("body", |(_, word)| word)
}

pub(super) fn stage_from_word(word: &str) -> Option<Stage> {
    STAGES.iter().find(|(_, known)| *known == word).map(|(stage, _)| *stage)
}
