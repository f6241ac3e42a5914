//! People of the managed list whose address has changed. The keyed hashes of their earlier addresses lead to them, so that a
//! letter to an earlier address is the person's, and what they say about it they say about the present one.

use jiff::Timestamp;

use super::{error::StoreError, times::millis};
use crate::{
    address::EmailAddress,
    ledger::{error::LedgerError, values::Reason},
    message::ListTokens,
    storage::{Connection, OptionalExtension, Row, params},
    subscriber::Inactive,
};

/// What the managed list says about the letters of a person.
pub(super) struct Wishes {
    status: String,
    paused_until: Option<i64>,
    /// With a comma between two.
    pub(super) topics: String,
}

const WISHES: &str = "SELECT status, paused_until, topics FROM subscribers";

impl Wishes {
    /// Of the person who has this address, or had it before it changed; `None` when no one had.
    pub(super) fn of(
        db: &Connection,
        tokens: Option<&ListTokens>,
        key: &str,
    ) -> Result<Option<Self>, StoreError> {
        let by_key =
            db.prepare_cached(&format!("{WISHES} WHERE key = ?1"))?.query_row([key], read).optional()?;
        if by_key.is_some() {
            return Ok(by_key);
        }
        let by_hash =
            format!("{WISHES} WHERE id = (SELECT subscriber FROM subscriber_hashes WHERE person = ?1)");
        let mut by_hash = db.prepare_cached(&by_hash)?;
        for person in tokens.ok_or(LedgerError::NoKey)?.people(key) {
            if let Some(found) = by_hash.query_row([person.as_bytes()], read).optional()? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Why the person gets no letter at this time, whatever it is about.
    pub(super) fn why_not(&self, at: i64) -> Option<Inactive> {
        match self.status.as_str() {
            "paused" if self.paused_until.is_none_or(|until| until > at) => Some(Inactive::Paused),
            "unsubscribed" => Some(Inactive::OptedOut),
            "bounced" => Some(Inactive::Bounced),
            "complained" => Some(Inactive::Complained),
            _ => None,
        }
    }
}

fn read(row: &Row<'_>) -> Result<Wishes, crate::storage::Error> {
    Ok(Wishes { status: row.get(0)?, paused_until: row.get(1)?, topics: row.get(2)? })
}

/// Suppresses the present address of a person who says no about an earlier one, or of whom the owner says it. Whether it is new.
/// A mailbox that is gone says nothing about the one that came after it.
pub(super) fn suppress_present(
    db: &Connection,
    tokens: Option<&ListTokens>,
    earlier: &EmailAddress,
    (reason, note): (Reason, Option<&str>),
    at: Timestamp,
) -> Result<bool, StoreError> {
    let Some(tokens) = tokens.filter(|_| !matches!(reason, Reason::HardBounce | Reason::SoftBounce)) else {
        return Ok(false);
    };
    let mut find = db.prepare_cached(
        "SELECT s.key, s.address FROM subscriber_hashes h JOIN subscribers s ON s.id = h.subscriber WHERE h.person = ?1",
    )?;
    let key = earlier.key_cow();
    for person in tokens.people(&key) {
        let found: Option<(String, String)> =
            find.query_row([person.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((present, address)) = found else { continue };
        if present == *key {
            return Ok(false);
        }
        let insert = "INSERT INTO suppressions (key, address, reason, note, at) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (key) DO NOTHING";
        let row = params![present, address, reason.word(), note, millis(at)];
        return Ok(db.prepare_cached(insert)?.execute(row)? == 1);
    }
    Ok(false)
}
