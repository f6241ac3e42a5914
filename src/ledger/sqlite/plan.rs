//! Opening a dispatch and adding people to it: one transaction, streamed, however long the list.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, OptionalExtension, Row, Statement, params};

use super::{Store, millis, suppressed::Suppressed, timestamp};
use crate::{
    ledger::{BoxError, DispatchId, DispatchRecord, LedgerError, Opened},
    subscriber::Subscriber,
};

/// Names of domains whose rows are remembered while a list is streamed.
const DOMAINS_REMEMBERED: usize = 8192;

/// A dispatch to open, owned by the writer's thread.
pub(in crate::ledger) struct Frozen {
    pub(in crate::ledger) slug: String,
    pub(in crate::ledger) number: Option<u32>,
    pub(in crate::ledger) title: String,
    pub(in crate::ledger) digest: String,
    pub(in crate::ledger) rendered: Vec<u8>,
    pub(in crate::ledger) opened_at: i64,
}

/// What becomes of somebody who is on the list twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ledger) enum Twice {
    /// The first time counts.
    PassedOver,
    /// Everything is undone.
    Refused,
}

const RECORD: &str = "SELECT id, slug, number, title, digest, opened_at FROM dispatches";

impl Store {
    pub(in crate::ledger) fn open_dispatch(
        &mut self,
        frozen: &Frozen,
        people: impl Iterator<Item = Result<Subscriber, BoxError>>,
        twice: Twice,
    ) -> Result<Opened, LedgerError> {
        let tx = Self::writing(&mut self.db)?;
        let is_open = tx
            .prepare_cached(
                "SELECT 1 FROM dispatches WHERE slug = ?1 AND coalesce(number, 0) = coalesce(?2, 0)",
            )?
            .exists(params![frozen.slug, frozen.number])?;
        if is_open {
            return Err(LedgerError::AlreadyOpen { slug: frozen.slug.clone() });
        }
        tx.execute(
            "INSERT INTO dispatches (slug, number, title, digest, rendered, opened_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![frozen.slug, frozen.number, frozen.title, frozen.digest, frozen.rendered, frozen.opened_at],
        )?;
        let dispatch = tx.last_insert_rowid();
        self.suppressed.refresh(&tx)?;
        let opened = add(&tx, dispatch, &self.suppressed, people, twice)?;
        tx.commit()?;
        Ok(opened)
    }

    pub(in crate::ledger) fn extend_dispatch(
        &mut self,
        dispatch: DispatchId,
        people: impl Iterator<Item = Result<Subscriber, BoxError>>,
    ) -> Result<Opened, LedgerError> {
        let tx = Self::writing(&mut self.db)?;
        self.suppressed.refresh(&tx)?;
        let opened = add(&tx, dispatch.0, &self.suppressed, people, Twice::PassedOver)?;
        tx.commit()?;
        Ok(opened)
    }

    /// The latest dispatch of an issue.
    pub(in crate::ledger) fn find_dispatch(&self, slug: &str) -> Result<Option<DispatchRecord>, LedgerError> {
        let sql = format!("{RECORD} WHERE slug = ?1 ORDER BY id DESC LIMIT 1");
        Ok(self.db.prepare_cached(&sql)?.query_row([slug], |row| record(row, 0)).optional()?)
    }

    /// All dispatches, the latest first.
    pub(in crate::ledger) fn dispatches(&self) -> Result<Vec<DispatchRecord>, LedgerError> {
        let sql = format!("{RECORD} ORDER BY id DESC");
        let mut statement = self.db.prepare_cached(&sql)?;
        let rows = statement.query_map([], |row| record(row, 0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The frozen issue.
    pub(in crate::ledger) fn rendered(&self, dispatch: DispatchId) -> Result<Vec<u8>, LedgerError> {
        Ok(self
            .db
            .query_row("SELECT rendered FROM dispatches WHERE id = ?1", [dispatch.0], |row| row.get(0))?)
    }
}

/// The columns of [`RECORD`], from `first` on.
pub(super) fn record(row: &Row<'_>, first: usize) -> rusqlite::Result<DispatchRecord> {
    Ok(DispatchRecord {
        id: DispatchId(row.get(first)?),
        slug: row.get(first + 1)?,
        number: row.get(first + 2)?,
        title: row.get(first + 3)?,
        digest: row.get(first + 4)?,
        opened_at: timestamp(row.get(first + 5)?),
    })
}

/// Streams people into a dispatch. The keys come last and in order, which is what makes a million of them cheap.
fn add(
    db: &Connection,
    dispatch: i64,
    suppressed: &Suppressed,
    people: impl Iterator<Item = Result<Subscriber, BoxError>>,
    on_repeat: Twice,
) -> Result<Opened, LedgerError> {
    let mut opened = Opened { dispatch: DispatchId(dispatch), owed: 0, already: 0, suppressed: 0 };
    let mut delivery = db.prepare(
        "INSERT INTO deliveries (id, dispatch, state, reason, domain) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let mut recipient = db.prepare(
        "INSERT INTO recipients (delivery, address, key, name, fields) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let mut known = db.prepare("SELECT 1 FROM delivery_keys WHERE dispatch = ?1 AND key = ?2")?;
    let has_keys =
        db.prepare("SELECT 1 FROM delivery_keys WHERE dispatch = ?1 LIMIT 1")?.exists([dispatch])?;
    let mut domains = Domains::new(db)?;
    let mut fields = Vec::new();
    let highest: i64 = db.query_row("SELECT coalesce(max(id), 0) FROM deliveries", [], |row| row.get(0))?;
    let first = highest + 1;
    let mut last = highest;
    for person in people {
        let person = person.map_err(|source| LedgerError::People { source: Arc::from(source) })?;
        let address = person.address.expose();
        let key = person.address.key();
        if has_keys && known.exists(params![dispatch, key])? {
            opened.already += 1;
            continue;
        }
        let reason = suppressed.reason(db, &key)?;
        let domain = domains.id(person.address.domain())?;
        let state = if reason.is_some() { "suppressed" } else { "queued" };
        last += 1;
        delivery.execute(params![last, dispatch, state, reason.map(|reason| reason.word()), domain])?;
        fields.clear();
        if !person.fields.is_empty() {
            serde_json::to_writer(&mut fields, &person.fields).expect("a map of strings is JSON");
        }
        recipient.execute(params![
            last,
            address,
            (key != address).then_some(&key),
            person.name,
            (!fields.is_empty()).then(|| std::str::from_utf8(&fields).expect("JSON is UTF-8"))
        ])?;
        match reason {
            None => opened.owed += 1,
            Some(_) => opened.suppressed += 1,
        }
    }
    if last >= first {
        let keyed = db.execute(
            "INSERT OR IGNORE INTO delivery_keys (dispatch, key, delivery) \
             SELECT ?1, coalesce(key, address), delivery FROM recipients \
             WHERE delivery BETWEEN ?2 AND ?3 ORDER BY 2, 3",
            params![dispatch, first, last],
        )? as u64;
        let twice = opened.owed + opened.suppressed - keyed;
        if twice > 0 && on_repeat == Twice::Refused {
            return Err(LedgerError::Repeated);
        }
        if twice > 0 {
            opened.already += twice;
            forget_twice(db, dispatch, first, last, &mut opened)?;
        }
        db.execute(
            "UPDATE dispatches SET first_id = iif(last_id = 0, ?2, first_id), last_id = ?3 WHERE id = ?1",
            params![dispatch, first, last],
        )?;
    }
    Ok(opened)
}

/// Who was on the list twice has two deliveries now; only the first has a key.
fn forget_twice(
    db: &Connection,
    dispatch: i64,
    first: i64,
    last: i64,
    opened: &mut Opened,
) -> Result<(), LedgerError> {
    db.execute(
        "DELETE FROM deliveries WHERE id IN (SELECT r.delivery FROM recipients r \
         JOIN delivery_keys k ON k.dispatch = ?1 AND k.key = coalesce(r.key, r.address) \
         WHERE r.delivery BETWEEN ?2 AND ?3 AND k.delivery <> r.delivery)",
        params![dispatch, first, last],
    )?;
    db.execute(
        "DELETE FROM recipients WHERE delivery BETWEEN ?1 AND ?2 \
         AND NOT EXISTS (SELECT 1 FROM deliveries WHERE id = recipients.delivery)",
        params![first, last],
    )?;
    opened.suppressed = db.query_row(
        "SELECT count(*) FROM deliveries WHERE id BETWEEN ?1 AND ?2 AND state = 'suppressed'",
        params![first, last],
        |row| row.get::<_, i64>(0),
    )? as u64;
    let all: i64 = db.query_row(
        "SELECT count(*) FROM deliveries WHERE id BETWEEN ?1 AND ?2",
        params![first, last],
        |row| row.get(0),
    )?;
    opened.owed = all as u64 - opened.suppressed;
    Ok(())
}

/// Domains by name; those met lately are remembered.
struct Domains<'db> {
    remembered: HashMap<String, i64>,
    find: Statement<'db>,
    add: Statement<'db>,
}

impl<'db> Domains<'db> {
    fn new(db: &'db Connection) -> Result<Self, LedgerError> {
        Ok(Self {
            remembered: HashMap::new(),
            find: db.prepare("SELECT id FROM domains WHERE name = ?1")?,
            add: db.prepare("INSERT INTO domains (name) VALUES (?1)")?,
        })
    }

    fn id(&mut self, name: &str) -> Result<i64, LedgerError> {
        if let Some(&id) = self.remembered.get(name) {
            return Ok(id);
        }
        let found = self.find.query_row([name], |row| row.get(0)).optional()?;
        let id = match found {
            Some(id) => id,
            None => self.add.insert([name])?,
        };
        if self.remembered.len() >= DOMAINS_REMEMBERED {
            self.remembered.clear();
        }
        self.remembered.insert(name.to_owned(), id);
        Ok(id)
    }
}

/// When a dispatch was opened, as the table has it.
pub(in crate::ledger) fn opened_at(at: jiff::Timestamp) -> i64 {
    millis(at)
}
