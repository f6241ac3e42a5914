//! The tables of the managed list: one person.

use jiff::Timestamp;

use super::{
    error::AudienceError,
    values::{HistoryEntry, Person, Status, Words},
};
use crate::{
    address::EmailAddress,
    ledger::{Reason, database_error},
    message::{ListTokens, PersonHash},
    storage::{Connection, Error, OptionalExtension, Row, Value, params},
};

/// The columns that [`person`] reads, behind the ID and the version.
pub(super) const COLUMNS: &str = "id, version, address, name, fields, tags, topics, language, status, status_at, paused_until, \
     source, joined_at";

/// People who are read or written at once.
pub(super) const PAGE: i64 = 1000;

/// Begins the line of a history about an earlier address, which follows.
pub(super) const MOVED: &str = "address changed from ";

/// How many [`COLUMNS`] there are.
pub(super) const COLUMNS_COUNT: usize = 13;

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
    let words = |index| -> Result<Words, Error> {
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

/// Asks the smallest thing.
pub(super) fn answers(db: &Connection) -> Result<(), AudienceError> {
    Ok(db.query_row("SELECT 1 FROM subscriber_facts LIMIT 1", [], |_| Ok(())).optional().map(drop)?)
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

/// The person with this key, or the one who had it before their address changed.
pub(super) fn find_by_any(
    db: &Connection,
    tokens: &ListTokens,
    key: &str,
) -> Result<Option<Stored>, AudienceError> {
    if let Some(stored) = find(db, key)? {
        return Ok(Some(stored));
    }
    for person in tokens.people(key) {
        if let Some(stored) = by_hash(db, &person)? {
            return Ok(Some(stored));
        }
    }
    Ok(None)
}

/// The columns of [`row`].
pub(super) const WRITTEN: [&str; 12] = [
    "key",
    "address",
    "name",
    "fields",
    "tags",
    "topics",
    "language",
    "status",
    "status_at",
    "paused_until",
    "source",
    "joined_at",
];

/// A person as their row is written.
pub(super) fn row(person: &Person) -> Vec<Value> {
    vec![
        person.address.key().into(),
        person.address.expose().into(),
        person.name.as_deref().into(),
        serde_json::to_string(&person.fields).expect("texts are JSON").into(),
        person.tags.to_string().into(),
        person.topics.to_string().into(),
        person.language.as_deref().into(),
        person.status.word().into(),
        person.status_at.as_millisecond().into(),
        person.paused_until.map(Timestamp::as_millisecond).into(),
        person.source.as_str().into(),
        person.joined_at.as_millisecond().into(),
    ]
}

/// Adds a person; their ID.
pub(super) fn insert(db: &Connection, tokens: &ListTokens, person: &Person) -> Result<i64, AudienceError> {
    let places: Vec<String> = (1..=WRITTEN.len()).map(|number| format!("?{number}")).collect();
    let (columns, places) = (WRITTEN.join(", "), places.join(", "));
    let sql = format!("INSERT INTO subscribers ({columns}) VALUES ({places}) RETURNING id");
    let id = db.prepare_cached(&sql)?.query_row(row(person).as_slice(), |row| row.get(0))?;
    add_hashes(db, tokens, &person.address.key(), id)?;
    Ok(id)
}

/// Writes a person's row again, with a new version: all of [`row`] but the address, and behind it the ID.
pub(super) const UPDATE: &str = "UPDATE subscribers SET name = ?1, fields = ?2, tags = ?3, topics = ?4, language = ?5, \
     status = ?6, status_at = ?7, paused_until = ?8, source = ?9, joined_at = ?10, version = version + 1 WHERE id = ?11";

/// The values of [`UPDATE`].
pub(super) fn updated(id: i64, person: &Person) -> Vec<Value> {
    let mut values = row(person).split_off(2);
    values.push(id.into());
    values
}

/// Writes a person's row again, with a new version.
pub(super) fn update(db: &Connection, id: i64, person: &Person) -> Result<(), AudienceError> {
    let topics: Option<String> = db
        .prepare_cached("SELECT topics FROM subscribers WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    if is_restricted(&Words::parse(&topics.unwrap_or_default()), person) {
        restrict(db, [person.address.key()])?;
    }
    db.prepare_cached(UPDATE)?.execute(updated(id, person).as_slice())?;
    Ok(())
}

/// Whether a person who wanted to read about these topics gets fewer letters now.
pub(super) fn is_restricted(before: &Words, person: &Person) -> bool {
    person.status == Status::Paused || before.iter().any(|topic| !person.topics.has(topic))
}

/// Notes that letters which are planned may not be for these people any more: they are looked at again before they begin.
pub(super) fn restrict(db: &Connection, keys: impl IntoIterator<Item = String>) -> Result<(), AudienceError> {
    let rows: Vec<Vec<Value>> = keys.into_iter().map(|key| vec![key.into()]).collect();
    if rows.is_empty() {
        return Ok(());
    }
    db.execute_all("INSERT INTO restricted (key) VALUES (?1) ON CONFLICT (key) DO NOTHING", &rows)?;
    // Also for someone who was noted before: a claim that looked since then saw another row.
    db.prepare_cached("UPDATE counters SET value = value + 1 WHERE name = 'restricted'")?.execute([])?;
    Ok(())
}

/// Notes the names of a person's fields.
pub(super) fn note_fields<'a>(
    db: &Connection,
    names: impl Iterator<Item = &'a str>,
) -> Result<(), AudienceError> {
    let mut insert =
        db.prepare_cached("INSERT INTO subscriber_fields (name) VALUES (?1) ON CONFLICT (name) DO NOTHING")?;
    for name in names {
        insert.execute([name])?;
    }
    Ok(())
}

pub(super) fn add_hashes(
    db: &Connection,
    tokens: &ListTokens,
    key: &str,
    id: i64,
) -> Result<(), AudienceError> {
    put_hashes(db, tokens, [(id, key)])
}

/// The hashes that lead to a person: of their address, and of earlier ones.
pub(super) fn hashes(db: &Connection, id: i64) -> Result<Vec<PersonHash>, AudienceError> {
    let mut statement = db.prepare_cached("SELECT person FROM subscriber_hashes WHERE subscriber = ?1")?;
    let rows = statement.query_map([id], |row| row.get::<_, Vec<u8>>(0))?;
    let bytes: Vec<Vec<u8>> = rows.collect::<Result<_, _>>()?;
    Ok(bytes.iter().filter_map(|bytes| PersonHash::from_bytes(bytes)).collect())
}

/// Has tokens lead to these people, by ID and key.
pub(super) fn put_hashes<'a>(
    db: &Connection,
    tokens: &'a ListTokens,
    people: impl IntoIterator<Item = (i64, &'a str)>,
) -> Result<(), AudienceError> {
    let hashes = people.into_iter().flat_map(|(id, key)| tokens.people(key).map(move |person| (person, id)));
    let known = "ON CONFLICT (person) DO UPDATE SET subscriber = excluded.subscriber";
    if db.as_sqlite().is_none() {
        // All of them in one question: each has an answer that is waited for.
        let hex = |person: PersonHash| person.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let rows: Vec<(String, i64)> = hashes.map(|(person, id)| (hex(person), id)).collect();
        let sql = format!(
            "INSERT INTO subscriber_hashes (person, subscriber) SELECT DISTINCT decode(one ->> 0, 'hex'), (one ->> 1)::bigint \
             FROM jsonb_array_elements(?1::text::jsonb) AS one {known}"
        );
        db.prepare_cached(&sql)?
            .execute([serde_json::to_string(&rows).expect("texts and numbers are JSON")])?;
        return Ok(());
    }
    let rows: Vec<Vec<Value>> =
        hashes.map(|(person, id)| vec![person.as_bytes().as_slice().into(), id.into()]).collect();
    let sql = format!("INSERT INTO subscriber_hashes (person, subscriber) VALUES (?1, ?2) {known}");
    Ok(db.execute_all(&sql, &rows)?)
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

/// Suppresses an address, if it is not suppressed already; the suppression's ID then.
pub(super) fn suppress(
    db: &Connection,
    address: &EmailAddress,
    reason: Reason,
    note: Option<&str>,
    at: Timestamp,
) -> Result<Option<i64>, AudienceError> {
    Ok(db
        .prepare_cached(
            "INSERT INTO suppressions (key, address, reason, note, at) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (key) DO NOTHING RETURNING id",
        )?
        .query_row(
            params![address.key(), address.expose(), reason.word(), note, at.as_millisecond()],
            |row| row.get(0),
        )
        .optional()?)
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

/// Has the no of a keyed hash that was erased count from now on as one of the present.
pub(super) fn suppress_hash_again(
    db: &Connection,
    person: &PersonHash,
    note: &str,
    at: Timestamp,
) -> Result<(), AudienceError> {
    db.execute(
        "UPDATE suppressed_hashes SET note = ?2, at = ?3 WHERE person = ?1",
        params![person.as_bytes(), note, at.as_millisecond()],
    )?;
    Ok(())
}

/// Deletes a person with everything that is known of them.
pub(super) fn delete(db: &Connection, id: i64) -> Result<(), AudienceError> {
    let key: Option<String> =
        db.query_row("SELECT key FROM subscribers WHERE id = ?1", [id], |row| row.get(0)).optional()?;
    if key.is_none() {
        return Ok(());
    }
    db.prepare_cached("DELETE FROM restricted WHERE key = ?1")?.execute([&key])?;
    for sql in [
        // SQLite gives the ID out again: what waits for a confirmation would be another person's then.
        "DELETE FROM service_letters WHERE id IN (SELECT id FROM signups WHERE subscriber = ?1)",
        "DELETE FROM signups WHERE subscriber = ?1",
        "DELETE FROM subscriber_history WHERE subscriber = ?1",
        "DELETE FROM subscriber_hashes WHERE subscriber = ?1",
        "DELETE FROM consents WHERE subscriber = ?1",
        "DELETE FROM import_changes WHERE subscriber = ?1 AND import IN (SELECT id FROM imports)",
        "DELETE FROM subscribers WHERE id = ?1",
    ] {
        db.prepare_cached(sql)?.execute([id])?;
    }
    Ok(())
}

impl From<Error> for AudienceError {
    fn from(error: Error) -> Self {
        Self::Ledger(database_error(error))
    }
}
