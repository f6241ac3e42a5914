//! Opening a dispatch and adding people to it: one transaction, streamed, however long the list.

use std::sync::Arc;

use crate::storage::{Connection, Error, OptionalExtension, Row, ToSql, Value, params};

use super::{
    error::StoreError,
    keys,
    recipients::{self, Domains, PageWriter},
    store::{Store, begin_in_use},
    suppressed::Suppressed,
    times::{millis, timestamp},
};
use crate::{
    ledger::{
        error::{BoxError, LedgerError},
        values::{DispatchId, DispatchRecord, Opened},
    },
    subscriber::Subscriber,
};

/// A dispatch to open, owned by the writer's thread.
pub(in crate::ledger) struct Frozen {
    pub(in crate::ledger) slug: String,
    pub(in crate::ledger) number: Option<u32>,
    pub(in crate::ledger) title: String,
    pub(in crate::ledger) digest: String,
    pub(in crate::ledger) rendered: Vec<u8>,
    pub(in crate::ledger) opened_at: i64,
    /// With a comma between two.
    pub(in crate::ledger) topics: String,
}

/// What to do about an address that is on the list twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ledger) enum Duplicates {
    /// The first row counts.
    Skip,
    /// Everything is undone.
    Refuse,
}

/// Rows of suppressed people that are written together.
const CLOSED_TOGETHER: usize = 4096;

const CLOSED_COLUMNS: [&str; 5] = ["id", "dispatch", "state", "reason", "domain"];

pub(super) const RECORD: &str = "SELECT id, slug, number, title, digest, opened_at FROM dispatches";

impl Store {
    pub(in crate::ledger) fn open_dispatch(
        &mut self,
        frozen: &Frozen,
        people: impl Iterator<Item = Result<Subscriber, BoxError>>,
        duplicates: Duplicates,
    ) -> Result<Opened, StoreError> {
        let tx = begin_in_use(&self.db, self.place.as_deref())?;
        let is_open = tx
            .prepare_cached(
                "SELECT 1 FROM dispatches WHERE slug = ?1 AND coalesce(number, 0) = coalesce(?2, 0)",
            )?
            .exists(params![frozen.slug, frozen.number])?;
        if is_open {
            return Err(LedgerError::AlreadyOpen { slug: frozen.slug.clone() }.into());
        }
        let dispatch: i64 = tx.query_row(
            "INSERT INTO dispatches (slug, number, title, digest, rendered, opened_at, topics) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id",
            params![
                frozen.slug,
                frozen.number,
                frozen.title,
                frozen.digest,
                frozen.rendered,
                frozen.opened_at,
                frozen.topics
            ],
            |row| row.get(0),
        )?;
        self.suppressed.refresh(&tx)?;
        let opened = add(&tx, dispatch, &self.suppressed, people, duplicates)?;
        tx.commit()?;
        Ok(opened)
    }

    pub(in crate::ledger) fn extend_dispatch(
        &mut self,
        dispatch: DispatchId,
        people: impl Iterator<Item = Result<Subscriber, BoxError>>,
    ) -> Result<Opened, StoreError> {
        let tx = begin_in_use(&self.db, self.place.as_deref())?;
        self.suppressed.refresh(&tx)?;
        let opened = add(&tx, dispatch.0, &self.suppressed, people, Duplicates::Skip)?;
        tx.commit()?;
        Ok(opened)
    }

    /// The latest dispatch of an issue.
    pub(in crate::ledger) fn find_dispatch(&self, slug: &str) -> Result<Option<DispatchRecord>, StoreError> {
        let sql = format!("{RECORD} WHERE slug = ?1 ORDER BY id DESC LIMIT 1");
        Ok(self.db.prepare_cached(&sql)?.query_row([slug], |row| record(row, 0)).optional()?)
    }

    /// All dispatches, the latest first.
    pub(in crate::ledger) fn dispatches(&self) -> Result<Vec<DispatchRecord>, StoreError> {
        let sql = format!("{RECORD} ORDER BY id DESC");
        let mut statement = self.db.prepare_cached(&sql)?;
        let rows = statement.query_map([], |row| record(row, 0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The frozen issue.
    pub(in crate::ledger) fn rendered(&self, dispatch: DispatchId) -> Result<Vec<u8>, StoreError> {
        Ok(self
            .db
            .query_row("SELECT rendered FROM dispatches WHERE id = ?1", [dispatch.0], |row| row.get(0))?)
    }
}

/// The columns of [`RECORD`], from `first` on.
pub(super) fn record(row: &Row<'_>, first: usize) -> Result<DispatchRecord, Error> {
    Ok(DispatchRecord {
        id: DispatchId(row.get(first)?),
        slug: row.get(first + 1)?,
        number: row.get(first + 2)?,
        title: row.get(first + 3)?,
        digest: row.get(first + 4)?,
        opened_at: timestamp(row.get(first + 5)?),
    })
}

/// Streams people into a dispatch, page by page. Duplicates are looked for at the end, which is what makes a million people
/// cheap.
fn add(
    db: &Connection,
    dispatch: i64,
    suppressed: &Suppressed,
    people: impl Iterator<Item = Result<Subscriber, BoxError>>,
    duplicates: Duplicates,
) -> Result<Opened, StoreError> {
    let mut opened = Opened { dispatch: DispatchId(dispatch), owed: 0, already: 0, suppressed: 0 };
    let known = keys::keys(db, dispatch)?;
    // Of its own: should all be undone, so are the numbers.
    let mut domains = Domains::default();
    let mut pages = PageWriter::new(db, dispatch)?;
    let mut closed: Vec<Vec<Value>> = Vec::new();
    let first = pages.next();
    for person in people {
        let person = person.map_err(|source| LedgerError::People { source: Arc::from(source) })?;
        let key = keys::key_of(&person.address);
        if known.binary_search(&key).is_ok() {
            opened.already += 1;
            continue;
        }
        let domain = domains.number(db, person.address.domain())?;
        let delivery = pages.put(&key, &person)?;
        match suppressed.reason(db, &person.address.key_cow())? {
            None => opened.owed += 1,
            Some(reason) => {
                let row = params![delivery, dispatch, "suppressed", reason.word(), domain];
                closed.push(row.iter().map(|value| value.to_sql().to_value()).collect());
                if closed.len() >= CLOSED_TOGETHER {
                    db.insert_all("deliveries", &CLOSED_COLUMNS, closed.drain(..))?;
                }
                opened.suppressed += 1;
            }
        }
    }
    pages.finish()?;
    db.insert_all("deliveries", &CLOSED_COLUMNS, closed.drain(..))?;
    let last = pages.next() - 1;
    if first <= last {
        db.execute(
            "UPDATE dispatches SET first_id = CASE WHEN last_id = 0 THEN ?2 ELSE first_id END, last_id = ?3 WHERE id = ?1",
            params![dispatch, first, last],
        )?;
    }
    let mut repeats = keys::repeats(db, dispatch)?;
    // What was there before is not touched, whatever is wrong with it.
    repeats.retain(|delivery| first <= *delivery);
    if duplicates == Duplicates::Refuse && !repeats.is_empty() {
        return Err(LedgerError::Repeated.into());
    }
    recipients::strike(db, &repeats)?;
    for delivery in repeats {
        let was_suppressed = db.execute("DELETE FROM deliveries WHERE id = ?1", [delivery])? as u64;
        opened.suppressed -= was_suppressed;
        opened.owed -= 1 - was_suppressed;
        opened.already += 1;
    }
    Ok(opened)
}

/// When a dispatch was opened, as the table has it.
pub(in crate::ledger) fn opened_at(at: jiff::Timestamp) -> i64 {
    millis(at)
}
