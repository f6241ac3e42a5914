//! The people of a dispatch as frozen: some hundreds on a sheet, in the order of the list.
//!
//! A sheet names its deliveries by a range, one for each line. Whoever stands on it and has no row in `deliveries` has never
//! been claimed. Sheets are written once; what was read of a committed one stays true.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, OptionalExtension, Row, Statement, params};

use super::{
    keys::{KEY, Key, NOBODY, each_key, key_of, repeats},
    schema::damaged,
};
use crate::{
    address::EmailAddress,
    ledger::LedgerError,
    subscriber::{Fields, Subscriber},
};

/// Lines of a sheet, at most. Never lowered: sheets are looked for by it.
const LINES_MAX: usize = 500;

/// Octets on a sheet behind which no further line is begun: people of whom much is told are fewer on theirs.
const OCTETS_MAX: usize = 256 << 10;

/// Domains that are remembered.
const DOMAINS_REMEMBERED: usize = 8192;

/// A sheet that was read.
struct Sheet {
    first: i64,
    last: i64,
    people: String,
    /// Where each line ends.
    ends: Vec<usize>,
}

impl Sheet {
    /// The columns of [`SHEET`].
    fn read(row: &Row<'_>) -> Result<Self, LedgerError> {
        let (first, last, people): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let ends: Vec<usize> = memchr::memchr_iter(b'\n', people.as_bytes()).collect();
        let sheet = Self { first, last, people, ends };
        let keys = row.get_ref(3)?.as_blob().unwrap_or_default().as_chunks::<KEY>().0;
        let is_whole = sheet.ends.len() == keys.len()
            && (first..=last).count() == keys.len()
            && keys.iter().enumerate().all(|(line, key)| sheet.line(line).is_empty() == (*key == NOBODY));
        if is_whole { Ok(sheet) } else { Err(damaged("a sheet has lost people".to_owned())) }
    }

    fn line(&self, line: usize) -> &str {
        let start = line.checked_sub(1).map_or(0, |before| self.ends[before] + 1);
        &self.people[start..self.ends[line]]
    }

    /// The person on the line of a delivery; `None` when it is empty.
    fn person(&self, delivery: i64) -> Result<Option<Subscriber>, LedgerError> {
        match usize::try_from(delivery - self.first) {
            Ok(line) if line < self.ends.len() => read_line(self.line(line)),
            _ => Ok(None),
        }
    }
}

/// The sheet on which a delivery has its line, if it has one.
const SHEET: &str =
    "SELECT first, last, people, keys FROM sheets WHERE first <= ?1 ORDER BY first DESC LIMIT 1";

fn read_line(line: &str) -> Result<Option<Subscriber>, LedgerError> {
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

/// Reads people, and remembers the sheet that was read last.
#[derive(Default)]
pub(super) struct People {
    sheet: Option<Sheet>,
    domains: Domains,
}

impl People {
    /// The person of a delivery; `None` when there is no such delivery, or the person was struck off.
    pub(super) fn person(
        &mut self,
        db: &Connection,
        delivery: i64,
    ) -> Result<Option<Subscriber>, LedgerError> {
        let holds = |sheet: &Sheet| sheet.first <= delivery && delivery <= sheet.last;
        if !self.sheet.as_ref().is_some_and(holds) {
            let mut statement = db.prepare_cached(SHEET)?;
            let mut rows = statement.query([delivery])?;
            let found = rows.next()?.map(Sheet::read).transpose()?;
            let Some(found) = found.filter(holds) else { return Ok(None) };
            self.sheet = Some(found);
        }
        self.sheet.as_ref().map_or(Ok(None), |sheet| sheet.person(delivery))
    }

    /// The person of a delivery that has a row.
    pub(super) fn known(&mut self, db: &Connection, delivery: i64) -> Result<Subscriber, LedgerError> {
        self.person(db, delivery)?.ok_or_else(|| damaged("a delivery has nobody behind it".to_owned()))
    }

    /// The number of a domain of somebody on a sheet.
    pub(super) fn domain(&mut self, db: &Connection, name: &str) -> Result<i64, LedgerError> {
        self.domains.find(db, name)?.ok_or_else(|| damaged("a domain has no number".to_owned()))
    }
}

/// Domains and their numbers; those met lately are remembered.
#[derive(Default)]
pub(super) struct Domains(HashMap<String, i64>);

impl Domains {
    fn find(&mut self, db: &Connection, name: &str) -> Result<Option<i64>, LedgerError> {
        if let Some(&number) = self.0.get(name) {
            return Ok(Some(number));
        }
        let mut statement = db.prepare_cached("SELECT id FROM domains WHERE name = ?1")?;
        let found = statement.query_row([name], |row| row.get(0)).optional()?;
        Ok(found.inspect(|number| self.remember(name, *number)))
    }

    /// The number of a domain, which gets one if it has none.
    pub(super) fn number(&mut self, db: &Connection, name: &str) -> Result<i64, LedgerError> {
        if let Some(number) = self.find(db, name)? {
            return Ok(number);
        }
        let number = db.prepare_cached("INSERT INTO domains (name) VALUES (?1)")?.insert([name])?;
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

/// Deliveries of a dispatch that lie on one sheet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) first: i64,
    pub(super) last: i64,
}

/// The next of a dispatch's sheets that reaches to `from` or beyond: its part from there on.
pub(super) fn span(db: &Connection, dispatch: i64, from: i64) -> Result<Option<Span>, LedgerError> {
    let mut statement = db.prepare_cached(
        "SELECT max(first, ?2), s.last FROM sheets s WHERE s.first > ?2 - ?3 AND s.last >= ?2 AND s.dispatch = ?1 \
         AND s.first <= (SELECT d.last_id FROM dispatches d WHERE d.id = ?1) ORDER BY s.first LIMIT 1",
    )?;
    let from = from.max(first(db, dispatch)?);
    let read = |row: &Row<'_>| Ok(Span { first: row.get(0)?, last: row.get(1)? });
    Ok(statement.query_row(params![dispatch, from, LINES_MAX as i64], read).optional()?)
}

/// Lines on which somebody stands.
pub(super) fn lines(db: &Connection, span: Span) -> Result<Vec<i64>, LedgerError> {
    let mut statement =
        db.prepare_cached("SELECT first, keys FROM sheets WHERE first <= ?1 ORDER BY first DESC LIMIT 1")?;
    let mut rows = statement.query([span.first])?;
    let mut standing = Vec::new();
    if let Some(row) = rows.next()? {
        let first: i64 = row.get(0)?;
        let lines = (first..=span.last).zip(row.get_ref(1)?.as_blob().unwrap_or_default().as_chunks().0);
        standing
            .extend(lines.filter(|(line, key)| span.first <= *line && **key != NOBODY).map(|(line, _)| line));
    }
    Ok(standing)
}

fn first(db: &Connection, dispatch: i64) -> Result<i64, LedgerError> {
    let first = db
        .prepare_cached("SELECT first_id FROM dispatches WHERE id = ?1")?
        .query_row([dispatch], |row| row.get(0))
        .optional()?;
    Ok(first.unwrap_or(1))
}

/// How many people stand on a dispatch's sheets.
pub(super) fn count(db: &Connection, dispatch: i64) -> Result<u64, LedgerError> {
    let count: i64 = db
        .prepare_cached(
            "SELECT coalesce(sum(count), 0) FROM sheets WHERE dispatch = ?1 \
             AND first BETWEEN (SELECT first_id FROM dispatches WHERE id = ?1) \
             AND (SELECT last_id FROM dispatches WHERE id = ?1)",
        )?
        .query_row([dispatch], |row| row.get(0))?;
    Ok(count.max(0) as u64)
}

/// Writes people down, sheet by sheet.
pub(super) struct Pen<'db> {
    insert: Statement<'db>,
    dispatch: i64,
    first: i64,
    next: i64,
    count: i64,
    keys: Vec<u8>,
    people: Vec<u8>,
}

impl<'db> Pen<'db> {
    /// Begins behind every delivery that there is.
    pub(super) fn new(db: &'db Connection, dispatch: i64) -> Result<Self, LedgerError> {
        let first = db.query_row(
            "SELECT coalesce(max(last), 0) + 1 FROM (SELECT last FROM sheets ORDER BY first DESC LIMIT 1)",
            [],
            |row| row.get(0),
        )?;
        Self::at(db, dispatch, first)
    }

    /// Begins with a delivery of that name.
    pub(super) fn at(db: &'db Connection, dispatch: i64, first: i64) -> Result<Self, LedgerError> {
        let insert = db.prepare(
            "INSERT INTO sheets (first, last, dispatch, count, keys, people) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let (keys, people) = (Vec::with_capacity(KEY * LINES_MAX), Vec::new());
        Ok(Self { insert, dispatch, first, next: first, count: 0, keys, people })
    }

    /// The name of the delivery to the next person.
    pub(super) fn next(&self) -> i64 {
        self.next
    }

    /// Writes a person down. Returns the name of the delivery.
    pub(super) fn put(&mut self, key: &Key, person: &Subscriber) -> Result<i64, LedgerError> {
        let line = (person.address.expose(), &person.name, &person.fields);
        serde_json::to_writer(&mut self.people, &line).expect("strings are JSON");
        self.people.push(b'\n');
        self.keys.extend_from_slice(key);
        self.count += 1;
        self.next += 1;
        if LINES_MAX * KEY <= self.keys.len() || OCTETS_MAX <= self.people.len() {
            self.turn()?;
        }
        Ok(self.next - 1)
    }

    /// Writes the sheet that is begun.
    pub(super) fn turn(&mut self) -> Result<(), LedgerError> {
        if self.first < self.next {
            let people = std::str::from_utf8(&self.people).expect("JSON is UTF-8");
            let last = self.next - 1;
            self.insert.execute(params![self.first, last, self.dispatch, self.count, self.keys, people])?;
        }
        (self.first, self.count) = (self.next, 0);
        self.keys.clear();
        self.people.clear();
        Ok(())
    }
}

/// Takes people off their sheets, in the transaction that wrote them; by their deliveries, in order.
pub(super) fn strike(db: &Connection, deliveries: &[i64]) -> Result<(), LedgerError> {
    let mut left = deliveries;
    while let Some(delivery) = left.first() {
        let (first, last, people, mut keys): (i64, i64, String, Vec<u8>) = db
            .prepare_cached(SHEET)?
            .query_row([delivery], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        let (here, behind) = left.split_at(left.partition_point(|delivery| *delivery <= last));
        let mut lines: Vec<&str> = people.lines().collect();
        for delivery in here {
            let line = (delivery - first) as usize;
            keys[line * KEY..][..KEY].copy_from_slice(&NOBODY);
            lines[line] = "";
        }
        let people = lines.join("\n") + "\n";
        db.prepare_cached("UPDATE sheets SET keys = ?2, people = ?3, count = count - ?4 WHERE first = ?1")?
            .execute(params![first, keys, people, here.len() as i64])?;
        left = behind;
    }
    Ok(())
}

/// Looks through the sheets of a dispatch: people are where their keys are, nobody is on two lines, and every delivery has
/// somebody behind it.
pub(super) fn check(db: &Connection, dispatch: i64) -> Result<(), LedgerError> {
    let mut rows = db.prepare_cached("SELECT id FROM deliveries WHERE id BETWEEN ?1 AND ?2")?;
    let (mut people, mut from, mut behind, mut standing) = (People::default(), 0, 0, 0);
    while let Some(span) = span(db, dispatch, from)? {
        let lines = lines(db, span)?;
        let rows: Vec<i64> =
            rows.query_map([span.first, span.last], |row| row.get(0))?.collect::<Result<_, _>>()?;
        behind += rows.iter().filter(|row| lines.binary_search(row).is_ok()).count() as i64;
        standing += lines.len() as u64;
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
        "a delivery has nobody behind it"
    } else if standing != count(db, dispatch)? {
        "a sheet does not know how many people it has"
    } else if !repeats(db, dispatch)?.is_empty() {
        "an address stands twice in a dispatch"
    } else if !is_theirs {
        "a key is not of its person's address"
    } else {
        return Ok(());
    };
    Err(damaged(found.to_owned()))
}

/// Writes the sheets of a ledger that had a row for each person.
pub(super) fn fill(db: &Connection) -> Result<(), LedgerError> {
    let mut statement = db.prepare(
        "SELECT d.dispatch, d.id, r.address, r.name, coalesce(r.fields, '{}') FROM deliveries d \
         JOIN recipients r ON r.delivery = d.id ORDER BY d.id",
    )?;
    let mut rows = statement.query([])?;
    let mut pen: Option<Pen<'_>> = None;
    while let Some(row) = rows.next()? {
        let (dispatch, delivery): (i64, i64) = (row.get(0)?, row.get(1)?);
        if pen.as_ref().is_none_or(|pen| (pen.dispatch, pen.next) != (dispatch, delivery)) {
            pen.as_mut().map_or(Ok(()), Pen::turn)?;
            pen = Some(Pen::at(db, dispatch, delivery)?);
        }
        let (address, fields): (String, String) = (row.get(2)?, row.get(4)?);
        let address = EmailAddress::parse(&address).map_err(|_| LedgerError::address(&address))?;
        let fields = serde_json::from_str(&fields).map_err(frozen)?;
        let person = Subscriber { address, name: row.get(3)?, fields };
        pen.as_mut().map_or(Ok(0), |pen| pen.put(&key_of(&person.address), &person))?;
    }
    pen.as_mut().map_or(Ok(()), Pen::turn)
}
