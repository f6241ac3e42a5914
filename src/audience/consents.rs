//! The table of proofs of consent.

use jiff::Timestamp;

use super::{
    error::AudienceError,
    store::time,
    values::{Consent, Words},
};
use crate::storage::{Connection, Value};

/// How long a network address that asked for letters is kept.
const KEPT_MONTHS: i64 = 13;

/// The columns of [`consent`].
pub(super) const CONSENT: [&str; 8] = [
    "subscriber",
    "form",
    "wording",
    "requested_at",
    "confirmed_at",
    "requested_from",
    "forget_at",
    "topics",
];

/// A proof of consent as it is written.
pub(super) fn consent(id: i64, consent: &Consent, now: Timestamp) -> Vec<Value> {
    use jiff::{ToSpan, tz::TimeZone};
    let forget_at = consent.requested_from.as_ref().map(|_| {
        let now = now.to_zoned_datetime(TimeZone::UTC);
        now.checked_add(KEPT_MONTHS.months()).map_or(i64::MAX, |at| at.timestamp().as_millisecond())
    });
    vec![
        id.into(),
        consent.form.as_str().into(),
        consent.wording.as_deref().into(),
        consent.requested_at.map(Timestamp::as_millisecond).into(),
        consent.confirmed_at.map(Timestamp::as_millisecond).into(),
        consent.requested_from.as_deref().into(),
        forget_at.into(),
        Some(consent.topics.to_string()).filter(|topics| !topics.is_empty()).into(),
    ]
}

pub(super) fn add_consent(
    db: &Connection,
    id: i64,
    proof: &Consent,
    now: Timestamp,
) -> Result<(), AudienceError> {
    let rows = std::iter::once(consent(id, proof, now));
    Ok(db.insert_all("consents", &CONSENT, rows)?)
}

pub(super) fn consents(db: &Connection, id: i64) -> Result<Vec<Consent>, AudienceError> {
    let mut statement = db.prepare_cached(
        "SELECT form, wording, requested_at, confirmed_at, requested_from, topics FROM consents WHERE subscriber = ?1 \
         ORDER BY id",
    )?;
    let rows = statement.query_map([id], |row| {
        Ok(Consent {
            form: row.get(0)?,
            wording: row.get(1)?,
            requested_at: row.get::<_, Option<i64>>(2)?.map(time),
            confirmed_at: row.get::<_, Option<i64>>(3)?.map(time),
            requested_from: row.get(4)?,
            topics: Words::parse(&row.get::<_, Option<String>>(5)?.unwrap_or_default()),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
