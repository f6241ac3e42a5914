//! The tables of what people ask for on the web: sign-ups, the letters that follow, and how often it happened.

use jiff::Timestamp;

use super::{
    admission::{HOURS, Hour, LetterKind, SignupKind, before, hour_of},
    error::AudienceError,
    store::{self, Stored, time},
    values::Words,
};
use crate::{
    address::EmailAddress,
    ledger::Reason,
    message::{ListTokens, PersonHash},
    storage::{Connection, OptionalExtension, Row, params},
    subscriber::Fields,
};

/// A request on the web.
#[derive(Clone, Debug)]
pub struct Signup {
    /// Its number, drawn at random.
    pub id: [u8; 12],
    /// What is asked for.
    pub kind: SignupKind,
    /// Whose letters, or where to.
    pub address: EmailAddress,
    /// The person's name.
    pub name: Option<String>,
    /// What else the form asked.
    pub fields: Fields,
    /// What they want to read about.
    pub topics: Words,
    /// The language of the form.
    pub language: Option<String>,
    /// Whose address is to change: the person's keyed hash.
    pub person: Option<PersonHash>,
    /// The form's name.
    pub form: String,
    /// What the person read.
    pub wording: String,
    /// When the person asked for it.
    pub requested_at: Timestamp,
    /// The network address that asked, as far as it is kept.
    pub requested_from: Option<String>,
    /// When it is looked at.
    pub due_at: Timestamp,
    /// Until when it can be confirmed.
    pub expires_at: Timestamp,
}

/// A request as it is stored.
#[derive(Clone, Debug)]
pub(super) struct StoredSignup {
    pub(super) signup: Signup,
    pub(super) subscriber: Option<i64>,
    pub(super) is_confirmed: bool,
}

const COLUMNS: &str = "id, kind, address, name, fields, topics, language, subscriber, form, requested_at, \
     requested_from, due_at, expires_at, state, coalesce((SELECT text FROM consent_texts WHERE digest = wording), '')";

fn read(row: &Row<'_>) -> Result<StoredSignup, AudienceError> {
    let damaged = |what: &str| AudienceError::Damaged { what: what.to_owned() };
    let (kind, address, fields, topics): (String, String, String, String) =
        (row.get(1)?, row.get(2)?, row.get(4)?, row.get(5)?);
    let state: String = row.get(13)?;
    Ok(StoredSignup {
        signup: Signup {
            id: bytes(row.get(0)?)?,
            kind: SignupKind::from_word(&kind).ok_or_else(|| damaged("a sign-up of another kind"))?,
            address: EmailAddress::parse(&address).map_err(|_| damaged("an address"))?,
            name: row.get(3)?,
            fields: serde_json::from_str(&fields).map_err(|_| damaged("the fields of a sign-up"))?,
            topics: Words::parse(&topics),
            language: row.get(6)?,
            person: None,
            form: row.get(8)?,
            wording: row.get(14)?,
            requested_at: time(row.get(9)?),
            requested_from: row.get(10)?,
            due_at: time(row.get(11)?),
            expires_at: time(row.get(12)?),
        },
        subscriber: row.get(7)?,
        is_confirmed: state == "confirmed",
    })
}

fn bytes(blob: Vec<u8>) -> Result<[u8; 12], AudienceError> {
    blob.try_into().map_err(|_| AudienceError::Damaged { what: "a number of a sign-up".to_owned() })
}

/// Keeps a request, and what was read with it.
pub(super) fn insert(
    db: &Connection,
    signup: &Signup,
    digest: &str,
    subscriber: Option<i64>,
) -> Result<(), AudienceError> {
    db.execute(
        "INSERT INTO consent_texts (digest, text) VALUES (?1, ?2) ON CONFLICT (digest) DO NOTHING",
        params![digest, signup.wording],
    )?;
    db.execute(
        "INSERT INTO signups (id, kind, key, address, name, fields, topics, language, subscriber, form, wording, \
         requested_at, requested_from, state, due_at, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 'new', ?14, ?15)",
        params![
            signup.id,
            signup.kind.word(),
            signup.address.key(),
            signup.address.expose(),
            signup.name,
            serde_json::to_string(&signup.fields).expect("texts are JSON"),
            signup.topics.to_string(),
            signup.language,
            subscriber,
            signup.form,
            digest,
            signup.requested_at.as_millisecond(),
            signup.requested_from,
            signup.due_at.as_millisecond(),
            signup.expires_at.as_millisecond(),
        ],
    )?;
    Ok(())
}

/// The request with this number.
pub(super) fn find(db: &Connection, id: &[u8; 12]) -> Result<Option<StoredSignup>, AudienceError> {
    let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM signups WHERE id = ?1"))?;
    let mut rows = statement.query(params![id])?;
    rows.next()?.map(read).transpose()
}

/// The next request to look at.
pub(super) fn next(db: &Connection, now: Timestamp) -> Result<Option<[u8; 12]>, AudienceError> {
    let sql = "SELECT id FROM signups WHERE state = 'new' AND due_at <= ?1 ORDER BY due_at LIMIT 1";
    let id: Option<Vec<u8>> =
        db.prepare_cached(sql)?.query_row([now.as_millisecond()], |row| row.get(0)).optional()?;
    id.map(bytes).transpose()
}

/// The request with this number, if it is still to be looked at.
pub(super) fn due(
    db: &Connection,
    id: &[u8; 12],
    now: Timestamp,
) -> Result<Option<StoredSignup>, AudienceError> {
    let sql = format!("SELECT {COLUMNS} FROM signups WHERE id = ?1 AND state = 'new' AND due_at <= ?2");
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(params![id, now.as_millisecond()])?;
    rows.next()?.map(read).transpose()
}

/// Writes how far a request is.
pub(super) fn set_state(db: &Connection, id: &[u8; 12], state: &str) -> Result<(), AudienceError> {
    db.execute("UPDATE signups SET state = ?2 WHERE id = ?1", params![id, state])?;
    Ok(())
}

/// Has a request looked at later.
pub(super) fn wait(db: &Connection, id: &[u8; 12], until: Timestamp) -> Result<(), AudienceError> {
    db.execute("UPDATE signups SET due_at = ?2 WHERE id = ?1", params![id, until.as_millisecond()])?;
    Ok(())
}

/// Forgets a request.
pub(super) fn delete(db: &Connection, id: &[u8; 12]) -> Result<(), AudienceError> {
    db.execute("DELETE FROM signups WHERE id = ?1", params![id])?;
    Ok(())
}

/// Forgets what was asked for with an address and is not confirmed. Whether a letter has asked its owner, who could still confirm: one
/// that waits for the relay has not, one that is being handed over may have.
pub(super) fn delete_open(db: &Connection, key: &str, now: Timestamp) -> Result<bool, AudienceError> {
    let was_asked = "SELECT EXISTS (SELECT 1 FROM signups WHERE key = ?1 AND state = 'mailed' AND expires_at > ?2 \
         AND NOT EXISTS (SELECT 1 FROM service_letters WHERE service_letters.id = signups.id AND is_held = 0))";
    let was_asked = db.query_row(was_asked, params![key, now.as_millisecond()], |row| row.get(0))?;
    let letters = "DELETE FROM service_letters WHERE id IN (SELECT id FROM signups WHERE key = ?1 AND state <> 'confirmed')";
    db.execute(letters, [key])?;
    db.execute("DELETE FROM signups WHERE key = ?1 AND state <> 'confirmed'", [key])?;
    Ok(was_asked)
}

/// The keys of the addresses whose owners were asked by letter, and have not confirmed.
pub(super) fn asked_keys(db: &Connection) -> Result<Vec<String>, AudienceError> {
    let mut statement = db.prepare_cached("SELECT DISTINCT key FROM signups WHERE state = 'mailed'")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Forgets everything that an address asked for, and the letters that wait for it.
pub(super) fn erase(db: &Connection, key: &str, address: &str) -> Result<(), AudienceError> {
    db.execute("DELETE FROM signups WHERE key = ?1", [key])?;
    db.execute("DELETE FROM service_letters WHERE address = ?1", [address])?;
    Ok(())
}

/// Counts something that happened.
pub(super) fn count(db: &Connection, bucket: &[u8; 12], at: Timestamp) -> Result<(), AudienceError> {
    db.execute(
        "INSERT INTO service_counts (bucket, at, number) VALUES (?1, ?2, 1) \
         ON CONFLICT (bucket, at) DO UPDATE SET number = service_counts.number + 1",
        params![bucket, at.as_millisecond()],
    )?;
    Ok(())
}

/// How often it happened since a moment.
pub(super) fn counted(db: &Connection, bucket: &[u8; 12], since: Timestamp) -> Result<u32, AudienceError> {
    let sql =
        "SELECT CAST(coalesce(sum(number), 0) AS bigint) FROM service_counts WHERE bucket = ?1 AND at > ?2";
    let number: i64 = db.query_row(sql, params![bucket, since.as_millisecond()], |row| row.get(0))?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

/// The last two weeks by hour, the present one first.
pub(super) fn hours(
    db: &Connection,
    tokens: &ListTokens,
    now: Timestamp,
) -> Result<Vec<Hour>, AudienceError> {
    let mut hours = vec![Hour::default(); HOURS];
    let present = hour_of(now).as_millisecond();
    for (what, is_asked) in [("asked", true), ("confirmed", false)] {
        let mut statement =
            db.prepare_cached("SELECT at, number FROM service_counts WHERE bucket = ?1 AND at > ?2")?;
        let since = before(now, HOURS as i64).as_millisecond();
        let mut rows = statement.query(params![tokens.bucket(what, ""), since])?;
        while let Some(row) = rows.next()? {
            let (at, number): (i64, i64) = (row.get(0)?, row.get(1)?);
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let Some(hour) =
                usize::try_from((present - at) / 3_600_000).ok().and_then(|index| hours.get_mut(index))
            else {
                continue;
            };
            if is_asked {
                hour.asked = number;
            } else {
                hour.confirmed = number;
            }
        }
    }
    Ok(hours)
}

/// Whether several people of the list have their mail at a domain.
pub(super) fn is_known_domain(db: &Connection, domain: &str) -> Result<bool, AudienceError> {
    let pattern = format!("%@{}", domain.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
    let sql = "SELECT count(*) FROM (SELECT 1 FROM subscribers WHERE status = 'active' AND key LIKE ?1 ESCAPE '\\' \
               LIMIT 5) AS found";
    let number: i64 = db.query_row(sql, [pattern], |row| row.get(0))?;
    Ok(number >= 5)
}

/// Why and since when a keyed hash is suppressed, and whether it was erased.
pub(super) fn hash_suppression(
    db: &Connection,
    person: &PersonHash,
) -> Result<Option<(Timestamp, bool)>, AudienceError> {
    let sql = "SELECT at, note FROM suppressed_hashes WHERE person = ?1";
    let found = db.query_row(sql, params![person.as_bytes()], |row| {
        let (at, note): (i64, Option<String>) = (row.get(0)?, row.get(1)?);
        Ok((time(at), note.as_deref() == Some("erased")))
    });
    Ok(found.optional()?)
}

/// Why and since when an address is suppressed.
pub(super) fn suppression(db: &Connection, key: &str) -> Result<Option<(Reason, Timestamp)>, AudienceError> {
    let found = db.query_row("SELECT reason, at FROM suppressions WHERE key = ?1", [key], |row| {
        let (word, at): (String, i64) = (row.get(0)?, row.get(1)?);
        Ok((Reason::from_word(&word).unwrap_or(Reason::ByHand), time(at)))
    });
    Ok(found.optional()?)
}

/// A letter that waits for the relay.
#[derive(Clone, Debug)]
pub struct ServiceLetter {
    /// Its number, which makes its Message-ID.
    pub id: [u8; 12],
    /// What it says.
    pub kind: LetterKind,
    /// Whom to.
    pub address: EmailAddress,
    /// The reader's language.
    pub language: Option<String>,
    /// What the token of its link is about.
    pub subject: [u8; 12],
    /// Since when it waits.
    pub made_at: Timestamp,
    /// How often it was tried, with this time.
    pub attempts: u32,
}

/// Puts a letter into the queue; one that is there already stays.
pub(super) fn enqueue(db: &Connection, letter: &ServiceLetter) -> Result<(), AudienceError> {
    db.execute(
        "INSERT INTO service_letters (id, kind, address, language, subject, made_at, due_at, attempts, is_held) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 0, 0) ON CONFLICT (id) DO NOTHING",
        params![
            letter.id,
            letter.kind.word(),
            letter.address.expose(),
            letter.language,
            letter.subject,
            letter.made_at.as_millisecond(),
        ],
    )?;
    Ok(())
}

/// Takes letters that are due: they are due again at `until`, if nothing is heard of them. One that cannot be read is not.
pub(super) fn take(
    db: &Connection,
    most: u32,
    now: Timestamp,
    until: Timestamp,
) -> Result<Vec<Result<ServiceLetter, AudienceError>>, AudienceError> {
    let mut statement = db.prepare_cached(
        // The condition is there twice: PostgreSQL looks at the outer one again when another process took the letter meanwhile.
        "UPDATE service_letters SET due_at = ?3, attempts = attempts + 1, is_held = 1 WHERE due_at <= ?1 AND id IN \
         (SELECT id FROM service_letters WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2) \
         RETURNING id, kind, address, language, subject, made_at, attempts",
    )?;
    let mut rows = statement.query(params![now.as_millisecond(), most, until.as_millisecond()])?;
    let (mut letters, mut damaged) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        match read_letter(row) {
            Err(error @ AudienceError::Damaged { .. }) => {
                damaged.push(bytes(row.get(0)?)?);
                letters.push(Err(error));
            }
            letter => letters.push(Ok(letter?)),
        }
    }
    for id in damaged {
        postpone(db, &id, Timestamp::MAX)?;
    }
    Ok(letters)
}

fn read_letter(row: &Row<'_>) -> Result<ServiceLetter, AudienceError> {
    let (kind, address): (String, String) = (row.get(1)?, row.get(2)?);
    let damaged = |what: &str| AudienceError::Damaged { what: what.to_owned() };
    Ok(ServiceLetter {
        id: bytes(row.get(0)?)?,
        kind: LetterKind::from_word(&kind).ok_or_else(|| damaged("a letter of another kind"))?,
        address: EmailAddress::parse(&address).map_err(|_| damaged("an address"))?,
        language: row.get(3)?,
        subject: bytes(row.get(4)?)?,
        made_at: time(row.get(5)?),
        attempts: row.get(6)?,
    })
}

/// Takes a letter out of the queue.
pub(super) fn remove_letter(db: &Connection, id: &[u8; 12]) -> Result<(), AudienceError> {
    db.execute("DELETE FROM service_letters WHERE id = ?1", params![id])?;
    Ok(())
}

/// Has a letter tried again later.
pub(super) fn postpone(db: &Connection, id: &[u8; 12], until: Timestamp) -> Result<(), AudienceError> {
    let sql = "UPDATE service_letters SET due_at = ?2, is_held = 0 WHERE id = ?1";
    db.execute(sql, params![id, until.as_millisecond()])?;
    Ok(())
}

/// Has all letters tried now: those of a process that is gone, and those that waited for a relay.
pub(super) fn release(db: &Connection, now: Timestamp) -> Result<(), AudienceError> {
    let sql = "UPDATE service_letters SET due_at = ?1, is_held = 0 WHERE due_at > ?1";
    db.execute(sql, params![now.as_millisecond()])?;
    Ok(())
}

/// How many letters wait.
pub(super) fn waiting(db: &Connection) -> Result<u64, AudienceError> {
    let number: i64 = db.query_row("SELECT count(*) FROM service_letters", [], |row| row.get(0))?;
    Ok(number.unsigned_abs())
}

/// Forgets requests that can no longer be confirmed, and counts that count no more.
pub(super) fn tidy(db: &Connection, now: Timestamp) -> Result<(), AudienceError> {
    db.execute("DELETE FROM signups WHERE expires_at <= ?1", params![now.as_millisecond()])?;
    let old = before(now, 31 * 24).as_millisecond();
    db.execute("DELETE FROM service_counts WHERE at <= ?1", params![old])?;
    Ok(())
}

/// Gives a person another address. Links of letters to the earlier one go on working, and letters that wait for it are looked
/// at once more before they begin.
pub(super) fn change_address(
    db: &Connection,
    tokens: &ListTokens,
    known: &Stored,
    address: &EmailAddress,
) -> Result<(), AudienceError> {
    let key = address.key();
    store::restrict(db, [known.person.address.key()])?;
    db.execute(
        "UPDATE subscribers SET key = ?2, address = ?3, version = version + 1 WHERE id = ?1",
        params![known.id, key, address.expose()],
    )?;
    store::add_hashes(db, tokens, &key, known.id)
}

/// The address under which a person is on the list who had this one earlier; `None` for everybody else.
pub(super) fn present_address(
    db: &Connection,
    tokens: &ListTokens,
    address: &EmailAddress,
) -> Result<Option<EmailAddress>, AudienceError> {
    let key = address.key();
    let known = store::find_by_any(db, tokens, &key)?.map(|stored| stored.person.address);
    Ok(known.filter(|known| known.key() != key))
}

/// Makes a request one of another address.
pub(super) fn readdress(db: &Connection, id: &[u8; 12], address: &EmailAddress) -> Result<(), AudienceError> {
    let sql = "UPDATE signups SET key = ?2, address = ?3 WHERE id = ?1";
    db.execute(sql, params![id, address.key(), address.expose()])?;
    Ok(())
}
