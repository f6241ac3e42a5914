//! Takes an import back, for everybody who has not changed since.
//!
//! People whom it brought are deleted in a few statements for all of them; those whom it changed become again what they were, page
//! by page. Memory does not grow with the import.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    batch,
    error::AudienceError,
    import::CACHE_KIB,
    managed::Audience,
    store::{self, Stored},
    values::Person,
};
use crate::storage::{Connection, Value, params};

/// What was undone of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// People who were taken off the list.
    pub removed: u64,
    /// People who are again as they were.
    pub restored: u64,
    /// People who changed after the import, and stay as they are.
    pub kept: u64,
}

/// Those whom import `?1` brought and who have not changed since.
const BROUGHT: &str = "SELECT c.subscriber FROM import_changes c JOIN subscribers s ON s.id = c.subscriber \
     WHERE c.import = ?1 AND c.before IS NULL AND s.version = c.version";

impl Audience {
    /// Undoes an import for everybody who has not changed since.
    ///
    /// # Errors
    ///
    /// When there is no such import, or it was undone before.
    pub async fn undo_import(&self, import: i64, now: Timestamp) -> Result<Undone, AudienceError> {
        self.ledger.transact(move |db| take_back_import(db, import, now)).await
    }
}

/// Undoes an import for everybody who has not changed since, in the transaction that the caller has opened.
fn take_back_import(db: &Connection, import: i64, now: Timestamp) -> Result<Undone, AudienceError> {
    let is_open: Option<bool> = {
        let mut find = db.prepare_cached("SELECT undone_at IS NULL FROM imports WHERE id = ?1")?;
        let mut rows = find.query([import])?;
        rows.next()?.map(|row| row.get(0)).transpose()?
    };
    match is_open {
        None => Err(AudienceError::NoImport { import }),
        Some(false) => Err(AudienceError::UndoneAlready { import }),
        Some(true) => db.with_cache(CACHE_KIB, || take_back(db, import, now)),
    }
}

fn take_back(db: &Connection, import: i64, now: Timestamp) -> Result<Undone, AudienceError> {
    let kept: i64 = db.query_row(
        "SELECT count(*) FROM import_changes c JOIN subscribers s ON s.id = c.subscriber \
         WHERE c.import = ?1 AND s.version <> c.version",
        [import],
        |row| row.get(0),
    )?;
    let restored = restore(db, import, now)?;
    let removed = remove(db, import)?;
    db.execute("UPDATE imports SET undone_at = ?2 WHERE id = ?1", params![import, now.as_millisecond()])?;
    Ok(Undone { removed, restored, kept: kept.unsigned_abs() })
}

/// Deletes those whom it brought, with everything that is known of them.
fn remove(db: &Connection, import: i64) -> Result<u64, AudienceError> {
    for sql in [
        &format!(
            "DELETE FROM suppressions WHERE key IN (SELECT key FROM subscribers WHERE id IN ({BROUGHT})) \
             AND EXISTS (SELECT 1 FROM import_suppressions i WHERE i.import = ?1 AND i.suppression = suppressions.id)"
        ),
        &format!("DELETE FROM restricted WHERE key IN (SELECT key FROM subscribers WHERE id IN ({BROUGHT}))"),
        // SQLite gives IDs out again: what waits for a confirmation would be another person's then.
        &format!(
            "DELETE FROM service_letters WHERE id IN (SELECT id FROM signups WHERE subscriber IN ({BROUGHT}))"
        ),
        &format!("DELETE FROM signups WHERE subscriber IN ({BROUGHT})"),
        &format!("DELETE FROM subscriber_hashes WHERE subscriber IN ({BROUGHT})"),
        &format!("DELETE FROM subscriber_history WHERE subscriber IN ({BROUGHT})"),
        &format!("DELETE FROM consents WHERE subscriber IN ({BROUGHT})"),
    ] {
        db.execute(sql, [import])?;
    }
    let removed = db.execute(&format!("DELETE FROM subscribers WHERE id IN ({BROUGHT})"), [import])?;
    // What other imports did to them is gone with them.
    db.execute(
        "DELETE FROM import_changes WHERE subscriber IN (SELECT subscriber FROM import_changes \
         WHERE import = ?1 AND before IS NULL) AND NOT EXISTS (SELECT 1 FROM subscribers s \
         WHERE s.id = import_changes.subscriber)",
        [import],
    )?;
    Ok(removed as u64)
}

/// Makes those whom it changed what they were before.
fn restore(db: &Connection, import: i64, now: Timestamp) -> Result<u64, AudienceError> {
    let cause = format!("import {import} was undone");
    let sql = format!(
        "SELECT {}, c.before FROM import_changes c JOIN subscribers s ON s.id = c.subscriber \
         WHERE c.import = ?1 AND c.subscriber > ?2 AND c.before IS NOT NULL AND s.version = c.version \
         ORDER BY c.subscriber LIMIT ?3",
        store::COLUMNS.split(", ").map(|column| format!("s.{column}")).collect::<Vec<_>>().join(", ")
    );
    let mut changed = db.prepare_cached(&sql)?;
    let (mut restored, mut last) = (0, 0);
    loop {
        let mut page: Vec<(Stored, Person)> = Vec::new();
        let mut rows = changed.query(params![import, last, store::PAGE])?;
        while let Some(row) = rows.next()? {
            let before: String = row.get(store::COLUMNS_COUNT)?;
            let person = serde_json::from_str(&before)
                .map_err(|_| AudienceError::Damaged { what: "the record of an import".to_owned() })?;
            page.push((store::read(row)?, person));
        }
        let Some((stored, _)) = page.last() else { return Ok(restored) };
        last = stored.id;
        restored += page.len() as u64;
        let keys: Vec<Vec<Value>> =
            page.iter().map(|(stored, _)| vec![stored.person.address.key().into(), import.into()]).collect();
        db.execute_all(
            "DELETE FROM suppressions WHERE key = ?1 AND EXISTS (SELECT 1 FROM import_suppressions i \
             WHERE i.import = ?2 AND i.suppression = suppressions.id)",
            &keys,
        )?;
        let updates: Vec<_> = page.iter().map(|(stored, person)| (stored, person)).collect();
        batch::update(db, &updates)?;
        let line = |(stored, _): &(Stored, Person)| batch::Line {
            id: stored.id,
            change: "as before the import".to_owned(),
            cause: &cause,
        };
        batch::log(db, now, "owner", &page.iter().map(line).collect::<Vec<_>>())?;
    }
}
