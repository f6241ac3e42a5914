//! What came back: recording it with what follows, in one transaction, and asking for it.

use crate::storage::{Error, OptionalExtension, Row, params};
use jiff::{SignedDuration, Timestamp};

use super::{
    error::StoreError,
    keys,
    moved::suppress_present,
    plan::{RECORD, record},
    queries::state,
    recipients::People,
    store::{Store, begin_in_use},
    times::{millis, timestamp},
};
use crate::{
    address::EmailAddress,
    bounce::{Class, Kind},
    ledger::{
        bounces::{BounceEvent, BounceGroup, Effect, FoundDelivery, NewBounce, Recorded, ReturnedTally},
        values::{DeliveryId, DispatchId, State},
    },
};

/// Marks that count once are remembered that long; what they are in is refused sooner, because of its age.
const MARKS_KEPT: SignedDuration = SignedDuration::from_hours(24);

impl Store {
    /// Records what came back. A message that is known for this person changes nothing.
    pub(in crate::ledger) fn record_bounce(
        &mut self,
        new: &NewBounce,
        now: Timestamp,
    ) -> Result<Recorded, StoreError> {
        let tx = begin_in_use(&self.db, self.place.as_deref())?;
        let delivery = new.delivery.as_ref().map(|found| found.delivery.0);
        let proves = matches!(new.kind, Kind::Bounce | Kind::Delay | Kind::Complaint | Kind::Delivered);
        let unconfirmed = "SELECT EXISTS (SELECT 1 FROM deliveries WHERE id = ?1 AND state = 'unconfirmed')";
        let resolved: bool = proves && tx.query_row(unconfirmed, [delivery], |row| row.get(0))?;
        let address = new.address.as_ref();
        let is_new = tx.execute(
            "INSERT INTO bounces (message, key, delivery, dispatch, domain, kind, class, status, reply, at, read_at, \
             effect, resolved) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
             ON CONFLICT (message, key) DO NOTHING",
            params![
                new.message,
                address.map(EmailAddress::key).unwrap_or_default(),
                delivery,
                new.delivery.as_ref().map(|found| found.dispatch.id.0),
                address.map(EmailAddress::domain).unwrap_or_default(),
                new.kind.word(),
                new.class.map(Class::word),
                new.status,
                new.reply,
                millis(new.at),
                millis(now),
                new.effect.word(),
                resolved,
            ],
        )? == 1;
        if !is_new {
            return Ok(Recorded::default());
        }
        if resolved {
            tx.execute(
                "UPDATE deliveries SET state = 'accepted' WHERE id = ?1 AND state = 'unconfirmed'",
                [delivery],
            )?;
        }
        let mut suppressed = false;
        if let (Some(address), Some((reason, note))) = (address, &new.suppress) {
            suppressed = tx.execute(
                "INSERT INTO suppressions (key, address, reason, note, at) VALUES (?1, ?2, ?3, ?4, ?5) \
                 ON CONFLICT (key) DO NOTHING",
                params![address.key(), address.expose(), reason.word(), note, millis(now)],
            )? == 1;
            let tokens = self.suppressed.tokens();
            suppressed |= suppress_present(&tx, tokens, address, (*reason, Some(note)), now)?;
        }
        if suppressed {
            // The database is asked again about letters of pre-committed claims.
            self.stamp_logs()?;
        }
        tx.commit()?;
        Ok(Recorded { is_new, suppressed, resolved })
    }

    /// Whether a message was recorded for this person.
    pub(in crate::ledger) fn knows_message(
        &self,
        message: &[u8; 32],
        address: Option<&EmailAddress>,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM bounces WHERE message = ?1 AND key = ?2)";
        let key = address.map(EmailAddress::key).unwrap_or_default();
        Ok(self.db.prepare_cached(sql)?.query_row(params![message, key], |row| row.get(0))?)
    }

    /// Uses a mark for a content. False when it was used for another.
    pub(in crate::ledger) fn use_once(
        &mut self,
        mark: &[u8; 32],
        content: &[u8; 32],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let tx = begin_in_use(&self.db, self.place.as_deref())?;
        tx.execute("DELETE FROM used_marks WHERE at < ?1", [millis(now - MARKS_KEPT)])?;
        tx.execute(
            "INSERT INTO used_marks (mark, content, at) VALUES (?1, ?2, ?3) ON CONFLICT (mark) DO NOTHING",
            params![mark, content, millis(now)],
        )?;
        let is_same = "SELECT content = ?2 FROM used_marks WHERE mark = ?1";
        let is_same = tx.query_row(is_same, params![mark, content], |row| row.get(0))?;
        tx.commit()?;
        Ok(is_same)
    }

    /// A delivery by its number.
    pub(in crate::ledger) fn delivery(
        &self,
        delivery: DeliveryId,
    ) -> Result<Option<FoundDelivery>, StoreError> {
        let Some(person) = People::default().person(&self.db, delivery.0)? else { return Ok(None) };
        let sql = "SELECT dispatch FROM recipient_pages WHERE first <= ?1 ORDER BY first DESC LIMIT 1";
        let dispatch: i64 = self.db.prepare_cached(sql)?.query_row([delivery.0], |row| row.get(0))?;
        self.found(dispatch, delivery.0, person.address).map(Some)
    }

    /// The delivery of a dispatch to an address.
    pub(in crate::ledger) fn delivery_to(
        &self,
        dispatch: DispatchId,
        address: &EmailAddress,
    ) -> Result<Option<FoundDelivery>, StoreError> {
        let found = keys::find(&self.db, Some(dispatch.0), std::slice::from_ref(address))?;
        let Some(one) = found.first() else { return Ok(None) };
        let person = People::default().known(&self.db, one.delivery)?;
        self.found(dispatch.0, one.delivery, person.address).map(Some)
    }

    fn found(
        &self,
        dispatch: i64,
        delivery: i64,
        address: EmailAddress,
    ) -> Result<FoundDelivery, StoreError> {
        let mut record_of = self.db.prepare_cached(&format!("{RECORD} WHERE id = ?1"))?;
        let known = self
            .db
            .prepare_cached("SELECT state FROM deliveries WHERE id = ?1")?
            .query_row([delivery], |row| Ok(state(row, 0)))
            .optional()?;
        Ok(FoundDelivery {
            delivery: DeliveryId(delivery),
            dispatch: record_of.query_row([dispatch], |row| record(row, 0))?,
            address,
            state: known.transpose()?.unwrap_or(State::Queued),
        })
    }

    /// How many letters of a dispatch came back.
    pub(in crate::ledger) fn returned(&self, dispatch: DispatchId) -> Result<ReturnedTally, StoreError> {
        let sql = "SELECT count(DISTINCT delivery) FILTER (WHERE kind = 'bounce'), \
                   count(DISTINCT delivery) FILTER (WHERE kind = 'complaint') FROM bounces WHERE dispatch = ?1";
        let row = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
        let (bounced, complained) = self.db.prepare_cached(sql)?.query_row([dispatch.0], row)?;
        Ok(ReturnedTally { bounced: bounced as u64, complained: complained as u64 })
    }

    /// Letters of a dispatch to one domain: those that bounced hard since a moment, and all that were offered.
    pub(in crate::ledger) fn hard_bounces(
        &self,
        dispatch: DispatchId,
        domain: &str,
        since: Timestamp,
    ) -> Result<(u64, u64), StoreError> {
        let hard = "SELECT count(DISTINCT delivery) FROM bounces \
                    WHERE dispatch = ?1 AND domain = ?2 AND kind = 'bounce' AND class = 'hard' AND at >= ?3";
        let hard: i64 = self
            .db
            .prepare_cached(hard)?
            .query_row(params![dispatch.0, domain, millis(since)], |row| row.get(0))?;
        let all = format!(
            "SELECT count(*) FROM deliveries d {} WHERE d.dispatch = ?1 AND d.id BETWEEN \
                   (SELECT first_id FROM dispatches WHERE id = ?1) AND (SELECT last_id FROM dispatches WHERE id = ?1) \
                   AND d.domain = (SELECT id FROM domains WHERE name = ?2) AND d.state <> 'suppressed'",
            self.db.either("NOT INDEXED", "")
        );
        let all: i64 =
            self.db.prepare_cached(&all)?.query_row(params![dispatch.0, domain], |row| row.get(0))?;
        Ok((hard as u64, all as u64))
    }

    /// Takes back what hard bounces of a dispatch at one domain did since a moment: suppressions are lifted. How many.
    pub(in crate::ledger) fn hold_bounces(
        &mut self,
        dispatch: DispatchId,
        domain: &str,
        since: Timestamp,
    ) -> Result<u64, StoreError> {
        let tx = begin_in_use(&self.db, self.place.as_deref())?;
        let which = "dispatch = ?1 AND domain = ?2 AND class = 'hard' AND effect = 'suppressed' AND at >= ?3";
        let lifted = tx.execute(
            &format!(
                "DELETE FROM suppressions WHERE reason = 'hard_bounce' AND key IN (SELECT key FROM bounces WHERE {which})"
            ),
            params![dispatch.0, domain, millis(since)],
        )?;
        tx.execute(
            &format!("UPDATE bounces SET effect = 'held' WHERE {which}"),
            params![dispatch.0, domain, millis(since)],
        )?;
        tx.commit()?;
        Ok(lifted as u64)
    }

    /// What came back for a delivery, oldest first.
    pub(in crate::ledger) fn bounces_of(&self, delivery: i64) -> Result<Vec<BounceEvent>, StoreError> {
        let mut statement = self.db.prepare_cached(
            "SELECT at, kind, class, reply, effect, resolved FROM bounces WHERE delivery = ?1 ORDER BY at, id",
        )?;
        let rows = statement.query_map([delivery], |row| {
            Ok(BounceEvent {
                at: timestamp(row.get(0)?),
                kind: kind(row, 1)?,
                class: class(row, 2)?,
                reply: row.get(3)?,
                effect: Effect::from_word(row.get_ref(4)?.as_str()?).unwrap_or(Effect::Nothing),
                resolved: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What came back, of one dispatch or of all; what is alike together, the most frequent first.
    pub(in crate::ledger) fn bounce_groups(
        &self,
        dispatch: Option<DispatchId>,
    ) -> Result<Vec<BounceGroup>, StoreError> {
        let of_one = if dispatch.is_some() { "WHERE dispatch = ?1" } else { "WHERE ?1 = 0" };
        let mut statement = self.db.prepare_cached(&format!(
            "SELECT domain, kind, class, status, delivery IS NOT NULL OR effect = 'suppressed', min(reply), count(*) \
             FROM bounces {of_one} GROUP BY 1, 2, 3, 4, 5 ORDER BY 7 DESC, 1, 2, 3, 4, 5",
        ))?;
        let rows = statement.query_map([dispatch.map_or(0, |dispatch| dispatch.0)], |row| {
            Ok(BounceGroup {
                domain: row.get(0)?,
                kind: kind(row, 1)?,
                class: class(row, 2)?,
                status: row.get(3)?,
                is_ours: row.get(4)?,
                example: row.get(5)?,
                count: row.get::<_, i64>(6)? as u64,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Who asked for no more letters in a mail that anybody could have written, and is not suppressed: what the addresses are
    /// compared by.
    pub(in crate::ledger) fn unproved_requests(&self) -> Result<Vec<String>, StoreError> {
        let mut statement = self.db.prepare_cached(
            "SELECT DISTINCT key FROM bounces WHERE kind = 'unsubscribe' AND effect = 'shown' AND key <> '' \
             AND domain <> 'erased.invalid' \
             AND NOT EXISTS (SELECT 1 FROM suppressions WHERE suppressions.key = bounces.key) ORDER BY 1",
        )?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn kind(row: &Row<'_>, column: usize) -> Result<Kind, Error> {
    Ok(Kind::from_word(row.get_ref(column)?.as_str()?).unwrap_or(Kind::Unknown))
}

fn class(row: &Row<'_>, column: usize) -> Result<Option<Class>, Error> {
    Ok(row.get_ref(column)?.as_str_or_null()?.and_then(Class::from_word))
}
