//! Many people at once: a few statements for all of them, since each statement is a question to a database that may be on another
//! machine.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{
    consents,
    error::AudienceError,
    store::{self, Stored},
    values::{Consent, Person},
};
use crate::{
    ledger::Reason,
    message::ListTokens,
    storage::{Connection, Value, params},
};

/// A condition: the key is one of a list, which is the first value as JSON.
fn is_listed(db: &Connection) -> &'static str {
    db.either(
        "key IN (SELECT value FROM json_each(?1))",
        "key = ANY (ARRAY (SELECT jsonb_array_elements_text(?1::text::jsonb)))",
    )
}

fn list(keys: &[String]) -> String {
    serde_json::to_string(keys).expect("texts are JSON")
}

/// Those of these keys who are on the list.
pub(super) fn find(db: &Connection, keys: &[String]) -> Result<HashMap<String, Stored>, AudienceError> {
    let sql = format!("SELECT {}, key FROM subscribers WHERE {}", store::COLUMNS, is_listed(db));
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query([list(keys)])?;
    let mut found = HashMap::new();
    while let Some(row) = rows.next()? {
        found.insert(row.get(store::COLUMNS_COUNT)?, store::read(row)?);
    }
    Ok(found)
}

/// Those of these keys that are suppressed, and why.
pub(super) fn suppressions(
    db: &Connection,
    keys: &[String],
) -> Result<HashMap<String, Reason>, AudienceError> {
    let sql = format!("SELECT key, reason FROM suppressions WHERE {}", is_listed(db));
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map([list(keys)], |row| {
        let word: String = row.get(1)?;
        Ok((row.get(0)?, Reason::from_word(&word).unwrap_or(Reason::ByHand)))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Adds people who are not on the list; their IDs by key.
pub(super) fn insert(
    db: &Connection,
    tokens: &ListTokens,
    people: &[&Person],
) -> Result<HashMap<String, i64>, AudienceError> {
    if people.is_empty() {
        return Ok(HashMap::new());
    }
    db.insert_all("subscribers", &store::WRITTEN, people.iter().map(|person| store::row(person)))?;
    let keys: Vec<String> = people.iter().map(|person| person.address.key()).collect();
    let sql = format!("SELECT key, id FROM subscribers WHERE {}", is_listed(db));
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map([list(&keys)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let ids: HashMap<String, i64> = rows.collect::<Result<_, _>>()?;
    store::put_hashes(db, tokens, ids.iter().map(|(key, id)| (*id, key.as_str())))?;
    Ok(ids)
}

/// Writes the rows of people again, each from what it was to what it is.
pub(super) fn update(db: &Connection, changes: &[(&Stored, &Person)]) -> Result<(), AudienceError> {
    let fewer = changes.iter().filter(|(before, after)| store::is_restricted(&before.person.topics, after));
    store::restrict(db, fewer.map(|(_, after)| after.address.key()))?;
    if db.as_sqlite().is_none() && !changes.is_empty() {
        // All of them in one question: each has an answer that is waited for.
        let rows: Vec<_> = changes.iter().map(|(before, after)| updated(before.id, after)).collect();
        let rows = serde_json::to_string(&rows).expect("texts and numbers are JSON");
        db.prepare_cached(UPDATE_ALL)?.execute([rows])?;
        return Ok(());
    }
    let rows: Vec<Vec<Value>> =
        changes.iter().map(|(before, after)| store::updated(before.id, after)).collect();
    Ok(db.execute_all(store::UPDATE, &rows)?)
}

/// [`store::UPDATE`] for many people.
const UPDATE_ALL: &str = "UPDATE subscribers s SET name = v.name, fields = v.fields, tags = v.tags, topics = v.topics, \
     language = v.language, status = v.status, status_at = v.status_at, paused_until = v.paused_until, source = v.source, \
     joined_at = v.joined_at, version = s.version + 1 FROM jsonb_to_recordset(?1::text::jsonb) AS v (id bigint, name text, \
     fields text, tags text, topics text, language text, status text, status_at bigint, paused_until bigint, source text, \
     joined_at bigint) WHERE s.id = v.id";

/// The values of [`UPDATE_ALL`] for one of them.
fn updated(id: i64, person: &Person) -> serde_json::Value {
    // PostgreSQL has no place for this character in a text.
    let text = |text: &str| text.replace('\0', "\u{fffd}");
    serde_json::json!({
        "id": id,
        "name": person.name.as_deref().map(text),
        "fields": serde_json::to_string(&person.fields).expect("texts are JSON"),
        "tags": text(&person.tags.to_string()),
        "topics": text(&person.topics.to_string()),
        "language": person.language.as_deref().map(text),
        "status": person.status.word(),
        "status_at": person.status_at.as_millisecond(),
        "paused_until": person.paused_until.map(Timestamp::as_millisecond),
        "source": text(&person.source),
        "joined_at": person.joined_at.as_millisecond(),
    })
}

/// A line of a person's history.
pub(super) struct Line<'a> {
    pub(super) id: i64,
    pub(super) change: String,
    pub(super) cause: &'a str,
}

/// Writes lines of histories.
pub(super) fn log(
    db: &Connection,
    at: Timestamp,
    actor: &str,
    lines: &[Line<'_>],
) -> Result<(), AudienceError> {
    let rows = lines.iter().map(|line| {
        let (change, cause) = (line.change.as_str(), line.cause);
        vec![line.id.into(), at.as_millisecond().into(), change.into(), cause.into(), actor.into()]
    });
    Ok(db.insert_all("subscriber_history", &["subscriber", "at", "change", "cause", "actor"], rows)?)
}

/// Keeps proofs of consent, by the IDs of people.
pub(super) fn add_consents(
    db: &Connection,
    consents: &[(i64, &Consent)],
    now: Timestamp,
) -> Result<(), AudienceError> {
    let rows = consents.iter().map(|(id, consent)| consents::consent(*id, consent, now));
    Ok(db.insert_all("consents", &consents::CONSENT, rows)?)
}

/// A suppression that an import makes.
pub(super) struct New<'a> {
    pub(super) person: &'a Person,
    pub(super) reason: Reason,
}

/// Suppresses people whose addresses are not suppressed, for an import.
pub(super) fn suppress(
    db: &Connection,
    import: i64,
    note: &str,
    new: &[New<'_>],
) -> Result<(), AudienceError> {
    if new.is_empty() {
        return Ok(());
    }
    let rows = new.iter().map(|New { person, reason }| {
        vec![
            person.address.key().into(),
            person.address.expose().into(),
            reason.word().into(),
            note.into(),
            person.status_at.as_millisecond().into(),
        ]
    });
    db.insert_all("suppressions", &["key", "address", "reason", "note", "at"], rows)?;
    let keys: Vec<String> = new.iter().map(|new| new.person.address.key()).collect();
    let sql = format!(
        "INSERT INTO import_suppressions (import, suppression) \
         SELECT CAST(?2 AS bigint), id FROM suppressions WHERE {}",
        is_listed(db)
    );
    db.execute(&sql, params![list(&keys), import])?;
    Ok(())
}
