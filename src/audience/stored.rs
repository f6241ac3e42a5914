//! The managed list as the dispatch, the preview and the checks read it: like a file.

use std::{
    collections::{BTreeSet, VecDeque},
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::{
    error::AudienceError,
    stats::Stats,
    store::{self, Stored},
    values::Person,
};
use crate::{
    ledger::{Ledger, LedgerError, Location},
    storage::Connection,
    subscriber::{ListError, Row, StoredList, StoredRows},
};

/// The managed list in a ledger's file, to be read.
#[derive(Clone, Debug)]
pub struct ManagedList {
    ledger: Location,
    /// As messages name it.
    shown: PathBuf,
}

impl ManagedList {
    /// In this ledger.
    pub fn new(ledger: impl Into<Location>) -> Self {
        let ledger = ledger.into();
        Self { shown: ledger.to_string().into(), ledger }
    }

    /// The ledger, as messages name it.
    pub fn path(&self) -> &Path {
        &self.shown
    }

    /// Everybody, in the order in which they were added.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read; where there is none, there is no one.
    pub fn people(&self) -> Result<People, AudienceError> {
        let db = match Ledger::reading_connection(&self.ledger) {
            Err(LedgerError::Missing { .. }) => None,
            db => Some(db?),
        };
        Ok(People { db, after: 0, page: VecDeque::new() })
    }

    /// The list in numbers.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn stats(&self, now: Timestamp) -> Result<Stats, AudienceError> {
        let (mut stats, mut people) = (Stats::default(), self.people()?);
        let mut were_on = BTreeSet::new();
        let mut known_to = 0;
        while let Some(stored) = people.next_stored().transpose()? {
            if stored.id > known_to {
                // A new page.
                known_to = people.after;
                were_on = people.who_got_letters(stored.id, known_to)?;
            }
            stats.add(&stored.person, were_on.contains(&stored.id), now);
        }
        Ok(stats)
    }

    /// The names of fields that someone has, or had, sorted.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn field_names(&self) -> Result<Vec<String>, AudienceError> {
        let db = match Ledger::reading_connection(&self.ledger) {
            Err(LedgerError::Missing { .. }) => return Ok(Vec::new()),
            db => db?,
        };
        let mut names = db.prepare_cached("SELECT name FROM subscriber_fields ORDER BY name")?;
        let names = names.query_map([], |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    }

    /// The names that placeholders and conditions can use.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub fn columns(&self) -> Result<Vec<String>, AudienceError> {
        let own = ["email", "name", "language", "tags", "topics", "source", "joined_at"];
        let mut columns: Vec<String> = own.into_iter().map(str::to_owned).collect();
        columns.extend(self.field_names()?);
        Ok(columns)
    }
}

impl StoredList for ManagedList {
    fn place(&self) -> &Path {
        &self.shown
    }

    fn exists(&self) -> bool {
        self.ledger.exists()
    }

    fn open(&self) -> Result<(Vec<String>, StoredRows), ListError> {
        let failed =
            |source: AudienceError| ListError::Stored { path: self.shown.clone(), source: Box::new(source) };
        let (columns, people) = (self.columns().map_err(failed)?, self.people().map_err(failed)?);
        let (path, now) = (self.shown.clone(), Timestamp::now());
        let rows = people.stored().map(move |stored| match stored {
            Err(source) => Err(ListError::Stored { path: path.clone(), source: Box::new(source) }),
            Ok(Stored { id, person, .. }) => {
                let line = id.unsigned_abs();
                Ok(match person.status_now(now).inactive() {
                    None => Row::Person { line, subscriber: person.into_subscriber() },
                    Some(why) => Row::Inactive { line, address: person.address, why },
                })
            }
        });
        Ok((columns, Box::new(rows)))
    }
}

/// People who are read at once.
const PAGE: i64 = 500;

/// Everybody on the list, page by page: no transaction is open between two pages, and memory stays flat.
pub struct People {
    /// `None` where there is no ledger yet.
    db: Option<Connection>,
    after: i64,
    page: VecDeque<Stored>,
}

impl People {
    fn turn(&mut self) -> Result<(), AudienceError> {
        let Some(db) = &self.db else { return Ok(()) };
        let sql = format!("SELECT {} FROM subscribers WHERE id > ?1 ORDER BY id LIMIT ?2", store::COLUMNS);
        let mut statement = db.prepare_cached(&sql)?;
        let mut rows = statement.query([self.after, PAGE])?;
        while let Some(row) = rows.next()? {
            let stored = store::read(row)?;
            self.after = stored.id;
            self.page.push_back(stored);
        }
        Ok(())
    }

    /// Those of some people of whose history a line says that they were active or paused.
    fn who_got_letters(&self, first: i64, last: i64) -> Result<BTreeSet<i64>, AudienceError> {
        let Some(db) = &self.db else { return Ok(BTreeSet::new()) };
        let mut statement = db.prepare_cached(
            "SELECT DISTINCT subscriber FROM subscriber_history WHERE subscriber BETWEEN ?1 AND ?2 \
             AND (change IN ('added as active', 'added as paused') OR change LIKE 'active -> %' \
             OR change LIKE 'paused -> %' OR change LIKE '% -> active' OR change LIKE '% -> paused%')",
        )?;
        let ids = statement.query_map([first, last], |row| row.get(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    fn stored(mut self) -> impl Iterator<Item = Result<Stored, AudienceError>> + Send {
        std::iter::from_fn(move || self.next_stored())
    }

    fn next_stored(&mut self) -> Option<Result<Stored, AudienceError>> {
        if self.page.is_empty()
            && let Err(error) = self.turn()
        {
            self.db = None;
            return Some(Err(error));
        }
        self.page.pop_front().map(Ok)
    }
}

impl Iterator for People {
    type Item = Result<Person, AudienceError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_stored().map(|stored| stored.map(|stored| stored.person))
    }
}
