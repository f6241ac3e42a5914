//! The tables of the managed list: one person.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{AudienceError, Consent, HistoryEntry, Person, Status, values::Words};
use crate::{
    address::EmailAddress,
    ledger::{Reason, database_error},
    message::{ListTokens, PersonHash},
};

/// The columns that [`person`] reads, behind the ID and the version.
pub(super) const COLUMNS: &str = "id, version, address, name, fields, tags, topics, language, status, status_at, paused_until, \
     source, joined_at";

/// A person with what only the database knows.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) id: i64,
    pub(super) version: i64,
    pub(super) person: Person,
}

pub(super) fn read(row: &Row<'_>) -> Result<Stored, AudienceError> {
    let address: String = row.get(2)?;
    let fields: String = row.get(4)?;
    let status: String = row.get(8)?;
    let damaged = |what: String| AudienceError::Damaged { what };
    let words = |index| -> Result<Words, rusqlite::Error> {
        Ok(Words::parse(row.get_ref(index)?.as_str().unwrap_or_default()))
    };
    Ok(Stored {
        id: row.get(0)?,
        version: row.get(1)?,
        person: Person {
            address: EmailAddress::parse(&address).map_err(|_| damaged("an address".to_owned()))?,
            name: row.get(3)?,
            fields: serde_json::from_str(&fields)
                .map_err(|_| damaged("the fields of a person".to_owned()))?,
            tags: words(5)?,
            topics: words(6)?,
            language: row.get(7)?,
            status: Status::from_word(&status).ok_or_else(|| damaged(format!("a status `{status}`")))?,
            status_at: time(row.get(9)?),
            paused_until: row.get::<_, Option<i64>>(10)?.map(time),
            source: row.get(11)?,
            joined_at: time(row.get(12)?),
        },
    })
}

pub(super) fn time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The person with this key.
pub(super) fn find(db: &Connection, key: &str) -> Result<Option<Stored>, AudienceError> {
    let sql = format!("SELECT {COLUMNS} FROM subscribers WHERE key = ?1");
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query([key])?;
    rows.next()?.map(read).transpose()
}

/// The person with this ID.
pub(super) fn by_id(db: &Connection, id: i64) -> Result<Option<Stored>, AudienceError> {
    let sql = format!("SELECT {COLUMNS} FROM subscribers WHERE id = ?1");
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(read).transpose()
}

/// The person behind a keyed hash.
pub(super) fn by_hash(db: &Connection, person: &PersonHash) -> Result<Option<Stored>, AudienceError> {
    let id: Option<i64> = db
        .prepare_cached("SELECT subscriber FROM subscriber_hashes WHERE person = ?1")?
        .query_row([person.as_bytes()], |row| row.get(0))
        .optional()?;
    id.map_or(Ok(None), |id| by_id(db, id))
}

/// Adds a person; their ID.
pub(super) fn insert(db: &Connection, tokens: &ListTokens, person: &Person) -> Result<i64, AudienceError> {
    let key = person.address.key();
    db.prepare_cached(
        "INSERT INTO subscribers (key, address, name, fields, tags, topics, language, status, status_at, paused_until, \
         source, joined_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        key,
        person.address.expose(),
        person.name,
        json(person),
        person.tags.to_string(),
        person.topics.to_string(),
        person.language,
        person.status.word(),
        person.status_at.as_millisecond(),
        person.paused_until.map(Timestamp::as_millisecond),
        person.source,
        person.joined_at.as_millisecond(),
    ])?;
    let id = db.last_insert_rowid();
    add_hashes(db, tokens, &key, id)?;
    Ok(id)
}

/// Writes a person's row again, with a new version.
pub(super) fn update(db: &Connection, id: i64, person: &Person) -> Result<(), AudienceError> {
    db.prepare_cached(
        "UPDATE subscribers SET name = ?2, fields = ?3, tags = ?4, topics = ?5, language = ?6, status = ?7, \
         status_at = ?8, paused_until = ?9, source = ?10, joined_at = ?11, version = version + 1 WHERE id = ?1",
    )?
    .execute(params![
        id,
        person.name,
        json(person),
        person.tags.to_string(),
        person.topics.to_string(),
        person.language,
        person.status.word(),
        person.status_at.as_millisecond(),
        person.paused_until.map(Timestamp::as_millisecond),
        person.source,
        person.joined_at.as_millisecond(),
    ])?;
    Ok(())
}

/// Notes the names of a person's fields.
pub(super) fn note_fields<'a>(
    db: &Connection,
    names: impl Iterator<Item = &'a str>,
) -> Result<(), AudienceError> {
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO subscriber_fields (name) VALUES (?1)")?;
    for name in names {
        insert.execute([name])?;
    }
    Ok(())
}

fn json(person: &Person) -> String {
    serde_json::to_string(&person.fields).expect("texts are JSON")
}

fn add_hashes(db: &Connection, tokens: &ListTokens, key: &str, id: i64) -> Result<(), AudienceError> {
    let mut insert =
        db.prepare_cached("INSERT OR REPLACE INTO subscriber_hashes (person, subscriber) VALUES (?1, ?2)")?;
    for person in tokens.people(key) {
        insert.execute(params![person.as_bytes(), id])?;
    }
    Ok(())
}

/// Makes the hashes of everybody, if the newsletter's keys have changed since they were made.
pub(super) fn renew_hashes(db: &Connection, tokens: &ListTokens) -> Result<(), AudienceError> {
    let made_with: Option<String> = db
        .query_row("SELECT value FROM subscriber_facts WHERE name = 'hashes'", [], |row| row.get(0))
        .optional()?;
    let fingerprint = tokens.fingerprint();
    if made_with.as_ref() == Some(&fingerprint) {
        return Ok(());
    }
    db.execute("DELETE FROM subscriber_hashes", [])?;
    let mut people = db.prepare("SELECT id, key FROM subscribers")?;
    let mut rows = people.query([])?;
    while let Some(row) = rows.next()? {
        add_hashes(db, tokens, row.get_ref(1)?.as_str().unwrap_or_default(), row.get(0)?)?;
    }
    db.execute("INSERT OR REPLACE INTO subscriber_facts (name, value) VALUES ('hashes', ?1)", [fingerprint])?;
    Ok(())
}

/// Whether [`renew_hashes`] has something to do, or network addresses are to be forgotten.
pub(super) fn is_behind(db: &Connection, tokens: &ListTokens, now: Timestamp) -> Result<bool, AudienceError> {
    let made_with: Option<String> = db
        .query_row("SELECT value FROM subscriber_facts WHERE name = 'hashes'", [], |row| row.get(0))
        .optional()?;
    let forgettable: bool = db.query_row(
        "SELECT EXISTS (SELECT 1 FROM consents WHERE forget_at <= ?1)",
        [now.as_millisecond()],
        |row| row.get(0),
    )?;
    Ok(forgettable || made_with != Some(tokens.fingerprint()))
}

/// Forgets network addresses that have been kept long enough.
pub(super) fn forget(db: &Connection, now: Timestamp) -> Result<(), AudienceError> {
    db.execute(
        "UPDATE consents SET requested_from = NULL, forget_at = NULL WHERE forget_at <= ?1",
        [now.as_millisecond()],
    )?;
    Ok(())
}

/// Writes a line of a person's history.
pub(super) fn log(
    db: &Connection,
    id: i64,
    at: Timestamp,
    change: &str,
    cause: &str,
    actor: &str,
) -> Result<(), AudienceError> {
    db.prepare_cached(
        "INSERT INTO subscriber_history (subscriber, at, change, cause, actor) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![id, at.as_millisecond(), change, cause, actor])?;
    Ok(())
}

/// A person's history, the earliest first.
pub(super) fn history(db: &Connection, id: i64) -> Result<Vec<HistoryEntry>, AudienceError> {
    let mut statement = db.prepare_cached(
        "SELECT at, change, cause, actor FROM subscriber_history WHERE subscriber = ?1 ORDER BY id",
    )?;
    let rows = statement.query_map([id], |row| {
        Ok(HistoryEntry {
            at: time(row.get(0)?),
            change: row.get(1)?,
            cause: row.get(2)?,
            actor: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How long a network address that asked for letters is kept.
const KEPT_MONTHS: i64 = 13;

pub(super) fn add_consent(
    db: &Connection,
    id: i64,
    consent: &Consent,
    now: Timestamp,
) -> Result<(), AudienceError> {
    use jiff::{ToSpan, tz::TimeZone};
    let forget_at = consent.requested_from.as_ref().map(|_| {
        let now = now.to_zoned_datetime(TimeZone::UTC);
        now.checked_add(KEPT_MONTHS.months()).map_or(i64::MAX, |at| at.timestamp().as_millisecond())
    });
    db.prepare_cached(
        "INSERT INTO consents (subscriber, form, wording, requested_at, confirmed_at, requested_from, forget_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        id,
        consent.form,
        consent.wording,
        consent.requested_at.map(Timestamp::as_millisecond),
        consent.confirmed_at.map(Timestamp::as_millisecond),
        consent.requested_from,
        forget_at,
    ])?;
    Ok(())
}

pub(super) fn consents(db: &Connection, id: i64) -> Result<Vec<Consent>, AudienceError> {
    let mut statement = db.prepare_cached(
        "SELECT form, wording, requested_at, confirmed_at, requested_from FROM consents WHERE subscriber = ?1 \
         ORDER BY id",
    )?;
    let rows = statement.query_map([id], |row| {
        Ok(Consent {
            form: row.get(0)?,
            wording: row.get(1)?,
            requested_at: row.get::<_, Option<i64>>(2)?.map(time),
            confirmed_at: row.get::<_, Option<i64>>(3)?.map(time),
            requested_from: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Suppresses an address, if it is not suppressed already; the suppression's ID then.
pub(super) fn suppress(
    db: &Connection,
    address: &EmailAddress,
    reason: Reason,
    note: Option<&str>,
    at: Timestamp,
) -> Result<Option<i64>, AudienceError> {
    let changed = db
        .prepare_cached(
            "INSERT INTO suppressions (key, address, reason, note, at) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (key) DO NOTHING",
        )?
        .execute(params![address.key(), address.expose(), reason.word(), note, at.as_millisecond()])?;
    Ok((changed == 1).then(|| db.last_insert_rowid()))
}

/// Why an address is suppressed, if it is.
pub(super) fn suppression(db: &Connection, key: &str) -> Result<Option<Reason>, AudienceError> {
    let word: Option<String> = db
        .prepare_cached("SELECT reason FROM suppressions WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    Ok(word.map(|word| Reason::from_word(&word).unwrap_or(Reason::ByHand)))
}

/// Takes a suppression back: by address and by keyed hash. Whether there was one.
pub(super) fn unsuppress(db: &Connection, tokens: &ListTokens, key: &str) -> Result<bool, AudienceError> {
    let mut changed = db.prepare_cached("DELETE FROM suppressions WHERE key = ?1")?.execute([key])?;
    let mut hashes = db.prepare_cached("DELETE FROM suppressed_hashes WHERE person = ?1")?;
    for person in tokens.people(key) {
        changed += hashes.execute([person.as_bytes()])?;
    }
    Ok(changed > 0)
}

/// Suppresses a keyed hash; false when it is suppressed already.
pub(super) fn suppress_hash(
    db: &Connection,
    person: &PersonHash,
    reason: Reason,
    note: Option<&str>,
    at: Timestamp,
) -> Result<bool, AudienceError> {
    let changed = db
        .prepare_cached(
            "INSERT INTO suppressed_hashes (person, reason, note, at) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (person) DO NOTHING",
        )?
        .execute(params![person.as_bytes(), reason.word(), note, at.as_millisecond()])?;
    Ok(changed == 1)
}

/// Deletes a person with everything that is known of them.
pub(super) fn delete(db: &Connection, id: i64) -> Result<(), AudienceError> {
    let key: Option<String> =
        db.query_row("SELECT key FROM subscribers WHERE id = ?1", [id], |row| row.get(0)).optional()?;
    if key.is_none() {
        return Ok(());
    }
    for sql in [
        "DELETE FROM subscriber_history WHERE subscriber = ?1",
        "DELETE FROM consents WHERE subscriber = ?1",
        "DELETE FROM import_changes WHERE subscriber = ?1",
        "DELETE FROM subscribers WHERE id = ?1",
    ] {
        db.prepare_cached(sql)?.execute([id])?;
    }
    Ok(())
}

/// Takes the hashes of a key away.
pub(super) fn delete_hashes(db: &Connection, tokens: &ListTokens, key: &str) -> Result<(), AudienceError> {
    let mut delete = db.prepare_cached("DELETE FROM subscriber_hashes WHERE person = ?1")?;
    for person in tokens.people(key) {
        delete.execute([person.as_bytes()])?;
    }
    Ok(())
}

impl From<rusqlite::Error> for AudienceError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Ledger(database_error(error))
    }
}
