//! The keyed hashes of everybody's addresses, made again when the newsletter's keys have changed.

use jiff::Timestamp;

use super::{error::AudienceError, store};
use crate::{
    address::EmailAddress,
    message::ListTokens,
    storage::{Connection, OptionalExtension},
};

/// Makes the hashes of everybody, if the newsletter's keys have changed since they were made.
pub(super) fn renew_hashes(db: &Connection, tokens: &ListTokens) -> Result<(), AudienceError> {
    let made_with: Option<String> = db
        .query_row("SELECT value FROM subscriber_facts WHERE name = 'hashes'", [], |row| row.get(0))
        .optional()?;
    let fingerprint = made_by(tokens);
    if made_with.as_ref() == Some(&fingerprint) {
        return Ok(());
    }
    // Until the hashes of earlier addresses were made too, the value was the keys alone: those of present addresses are there.
    if made_with != Some(tokens.fingerprint()) {
        renew_present(db, tokens)?;
    }
    renew_earlier(db, tokens)?;
    db.execute(
        "INSERT INTO subscriber_facts (name, value) VALUES ('hashes', ?1) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [fingerprint],
    )?;
    Ok(())
}

/// What hashes are made by: the newsletter's keys, and those of which addresses.
fn made_by(tokens: &ListTokens) -> String {
    format!("present and earlier, {}", tokens.fingerprint())
}

/// Makes the hashes of the addresses that people have.
fn renew_present(db: &Connection, tokens: &ListTokens) -> Result<(), AudienceError> {
    let mut people =
        db.prepare_cached("SELECT id, key FROM subscribers WHERE id > ?1 ORDER BY id LIMIT ?2")?;
    let mut after = 0;
    loop {
        let page: Vec<(i64, String)> = people
            .query_map([after, store::PAGE], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = *last;
        store::put_hashes(db, tokens, page.iter().map(|(id, key)| (*id, key.as_str())))?;
    }
}

/// Has the hashes of earlier addresses lead to the people who had them last, and what is planned for these addresses looked at once
/// more. The letters that went there have links too.
fn renew_earlier(db: &Connection, tokens: &ListTokens) -> Result<(), AudienceError> {
    let sql = "SELECT subscriber, change FROM subscriber_history WHERE change LIKE 'address changed from %' ORDER BY id";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let moves: Vec<(i64, String)> = rows.collect::<Result<_, _>>()?;
    for (id, change) in moves {
        let earlier = change.strip_prefix(store::MOVED).and_then(|address| EmailAddress::parse(address).ok());
        let Some(key) = earlier.map(|address| address.key()) else { continue };
        if store::find(db, &key)?.is_none() {
            store::put_hashes(db, tokens, [(id, key.as_str())])?;
            store::restrict(db, [key])?;
        }
    }
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
    Ok(forgettable || made_with != Some(made_by(tokens)))
}
