//! Recipient pages: the people of a dispatch as frozen, up to 500 to a page, in the order of the list.
//!
//! A page has a range of delivery IDs, one for each line. A recipient without a row in `deliveries` has never been claimed.
//! Pages are written once, so a committed one that was read stays valid.

use std::{collections::HashMap, sync::Arc};

use crate::storage::{Connection, OptionalExtension, Row, ToSql, Value, params};

use super::error::StoreError;
use super::keys::{EMPTY_KEY, KEY, Key, count, each_key, key_of, repeats};
use crate::{
    address::EmailAddress,
    ledger::error::LedgerError,
    subscriber::{Fields, Subscriber},
};

/// Lines of a page, at most. Never lowered: pages are looked for by it.
const LINES_MAX: usize = 500;

/// A page of this many bytes gets no further line: recipients with many or long fields share a page with fewer others.
const BYTES_MAX: usize = 256 << 10;

/// Domains that are remembered.
const DOMAINS_REMEMBERED: usize = 8192;

/// A page that was read.
struct RecipientPage {
    first: i64,
    last: i64,
    people: String,
    /// Where each line ends.
    ends: Vec<usize>,
}

impl RecipientPage {
    /// The columns of [`PAGE`].
    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        let (first, last, people): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let ends: Vec<usize> = memchr::memchr_iter(b'\n', people.as_bytes()).collect();
        let page = Self { first, last, people, ends };
        let keys = row.get_ref(3)?.as_blob().unwrap_or_default().as_chunks::<KEY>().0;
        let is_whole = page.ends.len() == keys.len()
            && (first..=last).count() == keys.len()
            && keys.iter().enumerate().all(|(line, key)| page.line(line).is_empty() == (*key == EMPTY_KEY));
        if is_whole { Ok(page) } else { Err(LedgerError::damaged("a page has lost people").into()) }
    }

    fn line(&self, line: usize) -> &str {
        let start = line.checked_sub(1).map_or(0, |before| self.ends[before] + 1);
        &self.people[start..self.ends[line]]
    }

    /// The person on the line of a delivery; `None` when it is empty.
    fn person(&self, delivery: i64) -> Result<Option<Subscriber>, StoreError> {
        match usize::try_from(delivery - self.first) {
            Ok(line) if line < self.ends.len() => read_line(self.line(line)),
            _ => Ok(None),
        }
    }
}

/// The page with the line of a delivery, if there is one.
const PAGE: &str =
    "SELECT first, last, people, keys FROM recipient_pages WHERE first <= ?1 ORDER BY first DESC LIMIT 1";

fn read_line(line: &str) -> Result<Option<Subscriber>, StoreError> {
    if line.is_empty() {
        return Ok(None);
    }
    let (address, name, fields): (String, Option<String>, Fields) =
        serde_json::from_str(line).map_err(frozen)?;
    let address = EmailAddress::parse(&address).map_err(|_| LedgerError::address(&address))?;
    Ok(Some(Subscriber { address, name, fields }))
}

fn frozen(source: serde_json::Error) -> LedgerError {
    LedgerError::Frozen { source: Arc::new(source) }
}

/// Reads recipients, and remembers the page that was read last.
#[derive(Default)]
pub(super) struct People {
    page: Option<RecipientPage>,
    domains: Domains,
}

impl People {
    /// The person of a delivery; `None` when there is no such delivery, or the person was struck off.
    pub(super) fn person(
        &mut self,
        db: &Connection,
        delivery: i64,
    ) -> Result<Option<Subscriber>, StoreError> {
        let holds = |page: &RecipientPage| page.first <= delivery && delivery <= page.last;
        if !self.page.as_ref().is_some_and(holds) {
            let mut statement = db.prepare_cached(PAGE)?;
            let mut rows = statement.query([delivery])?;
            let found = rows.next()?.map(RecipientPage::read).transpose()?;
            let Some(found) = found.filter(holds) else { return Ok(None) };
            self.page = Some(found);
        }
        self.page.as_ref().map_or(Ok(None), |page| page.person(delivery))
    }

    /// The person of a delivery that has a row.
    pub(super) fn known(&mut self, db: &Connection, delivery: i64) -> Result<Subscriber, StoreError> {
        self.person(db, delivery)?.ok_or_else(|| LedgerError::damaged("a delivery has no recipient").into())
    }

    /// The ID of a recipient's domain.
    pub(super) fn domain(&mut self, db: &Connection, name: &str) -> Result<i64, StoreError> {
        self.domains.find(db, name)?.ok_or_else(|| LedgerError::damaged("a domain has no ID").into())
    }
}

/// Domains and their numbers; those met lately are remembered.
#[derive(Default)]
pub(super) struct Domains(HashMap<String, i64>);

impl Domains {
    fn find(&mut self, db: &Connection, name: &str) -> Result<Option<i64>, StoreError> {
        if let Some(&number) = self.0.get(name) {
            return Ok(Some(number));
        }
        let mut statement = db.prepare_cached("SELECT id FROM domains WHERE name = ?1")?;
        let found = statement.query_row([name], |row| row.get(0)).optional()?;
        Ok(found.inspect(|number| self.remember(name, *number)))
    }

    /// The number of a domain, which gets one if it has none.
    pub(super) fn number(&mut self, db: &Connection, name: &str) -> Result<i64, StoreError> {
        if let Some(number) = self.find(db, name)? {
            return Ok(number);
        }
        let number = db
            .prepare_cached("INSERT INTO domains (name) VALUES (?1) RETURNING id")?
            .query_row([name], |row| row.get(0))?;
        self.remember(name, number);
        Ok(number)
    }

    fn remember(&mut self, name: &str, number: i64) {
        if self.0.len() >= DOMAINS_REMEMBERED {
            self.0.clear();
        }
        self.0.insert(name.to_owned(), number);
    }
}

/// Deliveries of a dispatch that are on one page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) first: i64,
    pub(super) last: i64,
}

/// The next of a dispatch's pages that reaches to `from` or beyond: its part from there on.
pub(super) fn span(db: &Connection, dispatch: i64, from: i64) -> Result<Option<Span>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT s.first, s.last FROM recipient_pages s WHERE s.first > ?3 AND s.last >= ?2 AND s.dispatch = ?1 \
         AND s.first <= (SELECT d.last_id FROM dispatches d WHERE d.id = ?1) ORDER BY s.first LIMIT 1",
    )?;
    let from = from.max(first(db, dispatch)?);
    let read = |row: &Row<'_>| Ok(Span { first: from.max(row.get(0)?), last: row.get(1)? });
    Ok(statement.query_row([dispatch, from, from - LINES_MAX as i64], read).optional()?)
}

/// The lines of a span that are not empty.
pub(super) fn lines(db: &Connection, span: Span) -> Result<Vec<i64>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT first, keys FROM recipient_pages WHERE first <= ?1 ORDER BY first DESC LIMIT 1",
    )?;
    let mut rows = statement.query([span.first])?;
    let mut remaining = Vec::new();
    if let Some(row) = rows.next()? {
        let first: i64 = row.get(0)?;
        let lines = (first..=span.last).zip(row.get_ref(1)?.as_blob().unwrap_or_default().as_chunks().0);
        remaining.extend(
            lines.filter(|(line, key)| span.first <= *line && **key != EMPTY_KEY).map(|(line, _)| line),
        );
    }
    Ok(remaining)
}

fn first(db: &Connection, dispatch: i64) -> Result<i64, StoreError> {
    let first = db
        .prepare_cached("SELECT first_id FROM dispatches WHERE id = ?1")?
        .query_row([dispatch], |row| row.get(0))
        .optional()?;
    Ok(first.unwrap_or(1))
}

/// Writes recipients, page by page.
pub(super) struct PageWriter<'db> {
    db: &'db Connection,
    dispatch: i64,
    first: i64,
    next: i64,
    count: i64,
    keys: Vec<u8>,
    people: Vec<u8>,
    /// Pages that are not written yet: to a server many travel together.
    waiting: Vec<Vec<Value>>,
    together: usize,
}

/// Pages that travel to a server together.
const PAGES_TOGETHER: usize = 32;

const PAGE_COLUMNS: [&str; 6] = ["first", "last", "dispatch", "count", "keys", "people"];

impl<'db> PageWriter<'db> {
    /// Starts after the last delivery of the ledger.
    pub(super) fn new(db: &'db Connection, dispatch: i64) -> Result<Self, StoreError> {
        let first = db.query_row(
            "SELECT coalesce(max(last), 0) + 1 FROM (SELECT last FROM recipient_pages ORDER BY first DESC LIMIT 1) l",
            [],
            |row| row.get(0),
        )?;
        let (keys, people) = (Vec::with_capacity(KEY * LINES_MAX), Vec::new());
        let together = if db.as_sqlite().is_some() { 1 } else { PAGES_TOGETHER };
        Ok(Self { db, dispatch, first, next: first, count: 0, keys, people, waiting: Vec::new(), together })
    }

    /// The ID of the delivery to the next person.
    pub(super) fn next(&self) -> i64 {
        self.next
    }

    /// Adds a person. Returns the ID of the delivery.
    pub(super) fn put(&mut self, key: &Key, person: &Subscriber) -> Result<i64, StoreError> {
        let line = (person.address.expose(), &person.name, &person.fields);
        serde_json::to_writer(&mut self.people, &line).expect("strings are JSON");
        self.people.push(b'\n');
        self.keys.extend_from_slice(key);
        self.count += 1;
        self.next += 1;
        if self.keys.len() >= LINES_MAX * KEY || self.people.len() >= BYTES_MAX {
            self.turn()?;
        }
        Ok(self.next - 1)
    }

    /// Writes everything that was added.
    pub(super) fn finish(&mut self) -> Result<(), StoreError> {
        self.turn()?;
        self.write()
    }

    /// Begins another page.
    fn turn(&mut self) -> Result<(), StoreError> {
        if self.first < self.next {
            let people = std::str::from_utf8(&self.people).expect("JSON is UTF-8");
            let (last, keys) = (self.next - 1, &self.keys);
            let page = params![self.first, last, self.dispatch, self.count, keys, people];
            self.waiting.push(page.iter().map(|value| value.to_sql().to_value()).collect());
        }
        (self.first, self.count) = (self.next, 0);
        self.keys.clear();
        self.people.clear();
        if self.waiting.len() >= self.together { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), StoreError> {
        Ok(self.db.insert_all("recipient_pages", &PAGE_COLUMNS, self.waiting.drain(..))?)
    }
}

/// Empties the lines of some deliveries, in the transaction that wrote them. The deliveries are in order.
pub(super) fn strike(db: &Connection, deliveries: &[i64]) -> Result<(), StoreError> {
    let mut left = deliveries;
    while let Some(delivery) = left.first() {
        let (first, last, people, mut keys): (i64, i64, String, Vec<u8>) = db
            .prepare_cached(PAGE)?
            .query_row([delivery], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        let (here, behind) = left.split_at(left.partition_point(|delivery| *delivery <= last));
        let mut lines: Vec<&str> = people.lines().collect();
        for delivery in here {
            let line = (delivery - first) as usize;
            keys[line * KEY..][..KEY].copy_from_slice(&EMPTY_KEY);
            lines[line] = "";
        }
        let people = lines.join("\n") + "\n";
        db.prepare_cached(
            "UPDATE recipient_pages SET keys = ?2, people = ?3, count = count - ?4 WHERE first = ?1",
        )?
        .execute(params![first, keys, people, here.len() as i64])?;
        left = behind;
    }
    Ok(())
}

/// Puts an address without anything else on the line of a delivery.
pub(super) fn replace(db: &Connection, delivery: i64, address: &EmailAddress) -> Result<(), StoreError> {
    let (first, people, mut keys): (i64, String, Vec<u8>) =
        db.prepare_cached(PAGE)?.query_row([delivery], |row| Ok((row.get(0)?, row.get(2)?, row.get(3)?)))?;
    let line = (delivery - first) as usize;
    let mut lines: Vec<&str> = people.lines().collect();
    let person = serde_json::json!([address.expose(), null, {}]).to_string();
    if line >= lines.len() || keys.len() < (line + 1) * KEY {
        return Err(LedgerError::damaged("a delivery has no recipient").into());
    }
    keys[line * KEY..][..KEY].copy_from_slice(&key_of(address));
    lines[line] = &person;
    let people = lines.join("\n") + "\n";
    db.prepare_cached("UPDATE recipient_pages SET keys = ?2, people = ?3 WHERE first = ?1")?
        .execute(params![first, keys, people])?;
    Ok(())
}

/// Checks the pages of a dispatch: each recipient has its key, no address is there twice, and every delivery has a
/// recipient.
pub(super) fn check(db: &Connection, dispatch: i64) -> Result<(), StoreError> {
    let mut rows = db.prepare_cached("SELECT id FROM deliveries WHERE id BETWEEN ?1 AND ?2")?;
    let (mut people, mut from, mut behind, mut remaining) = (People::default(), 0, 0, 0);
    while let Some(span) = span(db, dispatch, from)? {
        let lines = lines(db, span)?;
        let rows: Vec<i64> =
            rows.query_map([span.first, span.last], |row| row.get(0))?.collect::<Result<_, _>>()?;
        behind += rows.iter().filter(|row| lines.binary_search(row).is_ok()).count() as i64;
        remaining += lines.len() as u64;
        from = span.last + 1;
    }
    let mut is_theirs = true;
    each_key(db, Some(dispatch), |_, delivery, key| {
        let person = people.known(db, delivery)?;
        is_theirs &= key_of(&person.address) == *key;
        Ok(())
    })?;
    let all: i64 =
        db.query_row("SELECT count(*) FROM deliveries WHERE dispatch = ?1", [dispatch], |row| row.get(0))?;
    let found = if all != behind {
        "a delivery has no recipient"
    } else if remaining != count(db, dispatch)? {
        "a page does not know how many people it has"
    } else if !repeats(db, dispatch)?.is_empty() {
        "an address is in a dispatch twice"
    } else if !is_theirs {
        "a key is not of its person's address"
    } else {
        return Ok(());
    };
    Err(LedgerError::damaged(found).into())
}
