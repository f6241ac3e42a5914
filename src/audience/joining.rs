//! What the files of an import say about people whom other rows name: in rows that cannot be used, and about earlier addresses.

use super::{decide::Incoming, error::AudienceError, store, values::Status};
use crate::{
    message::ListTokens,
    storage::{Connection, OptionalExtension, params},
};

/// Notes what a row that cannot be used says about someone: a no, or something that is not a yes.
pub(super) fn note_no(staged: &Connection, mut says: Incoming) -> Result<(), AudienceError> {
    let key = says.address.key();
    if let Some(known) = find(staged, "unusable", &key)? {
        says.join(known);
    }
    let insert = "INSERT INTO unusable (key, says) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET says = excluded.says";
    staged.execute(insert, params![key, says.to_json()])?;
    Ok(())
}

/// Joins what rows that cannot be used say to the people of the others. Someone of whom there is no other row is only brought along
/// if the row says no. Returns how many these are.
pub(super) fn join_unusable(staged: &Connection) -> Result<u64, AudienceError> {
    let mut new = 0;
    for key in keys(staged, "SELECT key FROM unusable")? {
        let Some(says) = find(staged, "unusable", &key)? else { continue };
        if let Some(mut known) = find(staged, "staged", &key)? {
            known.join(says);
            put(staged, &key, &known)?;
        } else if says.status.is_no() {
            new += 1;
            put(staged, &key, &says)?;
        }
    }
    staged.execute("DELETE FROM unusable", [])?;
    Ok(new)
}

/// Makes the rows about earlier addresses rows about the people who had them. Returns how many of these people are in the files under
/// their present address too.
pub(super) fn join_earlier(
    staged: &Connection,
    db: &Connection,
    tokens: &ListTokens,
) -> Result<u64, AudienceError> {
    // Those that no one has now.
    let earlier = "SELECT key FROM restricted WHERE NOT EXISTS (SELECT 1 FROM subscribers s WHERE s.key = restricted.key)";
    let mut repeats = 0;
    for key in keys(db, earlier)? {
        let Some(says) = find(staged, "staged", &key)? else { continue };
        let Some(stored) = store::find_by_any(db, tokens, &key)? else { continue };
        staged.execute("DELETE FROM staged WHERE key = ?1", [&key])?;
        let says = says.about_earlier(stored.person.address);
        let present = says.address.key();
        let Some(mut known) = find(staged, "staged", &present)? else {
            put(staged, &present, &says)?;
            continue;
        };
        repeats += 1;
        if says.status.is_no() || says.status == Status::Paused {
            known.join(says);
            put(staged, &present, &known)?;
        }
    }
    Ok(repeats)
}

fn keys(db: &Connection, sql: &str) -> Result<Vec<String>, AudienceError> {
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn find(staged: &Connection, table: &str, key: &str) -> Result<Option<Incoming>, AudienceError> {
    let mut statement = staged.prepare_cached(&format!("SELECT says FROM {table} WHERE key = ?1"))?;
    let says: Option<String> = statement.query_row([key], |row| row.get(0)).optional()?;
    says.map(|says| Incoming::from_json(&says)).transpose()
}

fn put(staged: &Connection, key: &str, says: &Incoming) -> Result<(), AudienceError> {
    let put =
        "INSERT INTO staged (key, says) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET says = excluded.says";
    staged.execute(put, params![key, says.to_json()])?;
    Ok(())
}
