//! Where a list comes from: a CSV file, or a store that another module keeps.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    error::ListError,
    inactive::{Inactive, InactiveCounts},
    list::{CsvList, Row},
    list_file::ListFile,
    topics::{self, wants_one_of},
};
use crate::{address::EmailAddress, source::Diagnostics};

/// Where a list is.
#[derive(Clone, Debug)]
pub enum ListSource {
    /// In a CSV file.
    File(ListFile),
    /// In a store.
    Stored(Arc<dyn StoredList>),
}

/// The rows of a stored list.
pub type StoredRows = Box<dyn Iterator<Item = Result<Row, ListError>> + Send>;

/// A list that is kept in a store.
pub trait StoredList: fmt::Debug + Send + Sync {
    /// Where the store is, for reports.
    fn place(&self) -> &Path;

    /// Whether it is there.
    fn exists(&self) -> bool;

    /// The names that placeholders can use, and the rows.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    fn open(&self) -> Result<(Vec<String>, StoredRows), ListError>;
}

impl ListSource {
    /// The file, or the store's.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(file) => &file.path,
            Self::Stored(stored) => stored.place(),
        }
    }

    /// Whether it is there.
    pub fn exists(&self) -> bool {
        match self {
            Self::File(file) => file.exists(),
            Self::Stored(stored) => stored.exists(),
        }
    }

    /// The CSV file; `None` for a store.
    pub fn file(&self) -> Option<&ListFile> {
        match self {
            Self::File(file) => Some(file),
            Self::Stored(_) => None,
        }
    }
}

impl<P: Into<PathBuf>> From<P> for ListSource {
    fn from(path: P) -> Self {
        Self::File(path.into().into())
    }
}

impl From<ListFile> for ListSource {
    fn from(file: ListFile) -> Self {
        Self::File(file)
    }
}

impl From<&ListSource> for ListSource {
    fn from(list: &ListSource) -> Self {
        list.clone()
    }
}

/// A list of subscribers, read row by row: memory does not grow with it, but for 12 to 20 bytes a person by which repeats in
/// a file are known.
///
/// ```
/// use mimeograph::subscriber::{List, Row};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let list = List::read("list.csv", "email,first name\nada@example.com,Ada\nnot an address,Bo\n".as_bytes())?;
/// for row in list {
///     match row? {
///         Row::Person { line, subscriber } => println!("line {line}: {}", subscriber.address),
///         Row::Inactive { address, .. } => println!("no letters to {address}"),
///         Row::Repeat(problem) | Row::Bad(problem) => println!("{}: {}", problem.place, problem.message),
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct List {
    rows: Rows,
    path: PathBuf,
    columns: Vec<String>,
}

enum Rows {
    File(Box<CsvList>),
    /// The rows, and the people who get no letters, by their key.
    Stored(StoredRows, HashMap<String, Inactive>),
}

/// What a whole list holds.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Scan {
    /// People to write to.
    pub people: u64,
    /// People who get no letters, by cause.
    pub inactive: InactiveCounts,
    /// Rows that repeat an address.
    pub repeats: u64,
    /// Rows that cannot be read.
    pub bad: u64,
    /// The first of the bad rows and repeats, in the file's order; `bad` and `repeats` tell how many there are.
    pub diagnostics: Diagnostics,
    /// For each of the list's columns, the people to write to whose cell is empty.
    pub empty: BTreeMap<String, u64>,
}

impl List {
    /// Opens a list. A store, or a file that has columns about consent, is read once from end to end, so that a no counts
    /// wherever it is.
    ///
    /// # Errors
    ///
    /// When it cannot be read, has no column of addresses, or has a column that looks like consent and is not understood.
    pub fn open(list: impl Into<ListSource>) -> Result<Self, ListError> {
        Self::open_about(list, &[])
    }

    /// Opens a list for an issue about some topics: people who want none of them get no letters. An issue without topics is
    /// for everybody.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub fn open_about(list: impl Into<ListSource>, topics: &[String]) -> Result<Self, ListError> {
        match list.into() {
            ListSource::File(file) => Ok(Self::from_file(CsvList::open(file, topics)?)),
            ListSource::Stored(stored) => {
                let mut inactive = HashMap::new();
                for row in about(stored.open()?.1, topics) {
                    if let Row::Inactive { address, why, .. } = row? {
                        inactive.insert(address.key(), why);
                    }
                }
                let (columns, rows) = stored.open()?;
                let rows = about(rows, topics);
                Ok(Self { rows: Rows::Stored(rows, inactive), path: stored.place().to_owned(), columns })
            }
        }
    }

    /// Reads a CSV list from memory; the path is for reports.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub fn read(path: impl Into<PathBuf>, text: impl Into<Arc<[u8]>>) -> Result<Self, ListError> {
        Ok(Self::from_file(CsvList::read(path, text)?))
    }

    fn from_file(list: CsvList) -> Self {
        let (path, columns) = (list.path().to_owned(), list.columns().to_vec());
        Self { rows: Rows::File(Box::new(list)), path, columns }
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names that `{{ subscriber.NAME }}` can use with this list.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Whether it says who wants letters.
    pub fn has_consent_column(&self) -> bool {
        match &self.rows {
            Rows::File(list) => list.has_consent_column(),
            Rows::Stored(..) => true,
        }
    }

    /// Why a person gets no letters, if the list says so: also in a row that cannot be used otherwise.
    pub fn why_inactive(&self, address: &EmailAddress) -> Option<Inactive> {
        match &self.rows {
            Rows::File(list) => list.why_inactive(address),
            Rows::Stored(_, inactive) => inactive.get(&*address.key_cow()).copied(),
        }
    }

    /// Looks for no repeats, and needs no memory for them: for a list that was read just now and had none.
    pub fn without_repeats(self) -> Self {
        match self.rows {
            Rows::File(list) => Self { rows: Rows::File(Box::new(list.without_repeats())), ..self },
            Rows::Stored(..) => self,
        }
    }

    /// Reads the whole list and counts; keeps the first `limit` diagnostics.
    ///
    /// # Errors
    ///
    /// When the list breaks off.
    pub fn scan(self, limit: usize) -> Result<Scan, ListError> {
        let mut scan = Scan::default();
        let columns = self.columns.clone();
        let mut empty = vec![0; columns.len()];
        for row in self {
            let diagnostic = match row? {
                Row::Person { subscriber, .. } => {
                    scan.people += 1;
                    for (column, count) in columns.iter().zip(&mut empty) {
                        *count += u64::from(subscriber.field(column).is_none());
                    }
                    continue;
                }
                Row::Inactive { why, .. } => {
                    scan.inactive.add(why);
                    continue;
                }
                Row::Repeat(diagnostic) => {
                    scan.repeats += 1;
                    diagnostic
                }
                Row::Bad(diagnostic) => {
                    scan.bad += 1;
                    diagnostic
                }
            };
            if scan.diagnostics.len() < limit {
                scan.diagnostics.push(diagnostic);
            }
        }
        scan.empty = columns.into_iter().zip(empty).collect();
        Ok(scan)
    }
}

/// The rows with people who want none of an issue's topics as inactive.
fn about(rows: StoredRows, topics: &[String]) -> StoredRows {
    if topics.is_empty() {
        return rows;
    }
    let topics = topics.to_vec();
    Box::new(rows.map(move |row| {
        Ok(match row? {
            Row::Person { line, subscriber }
                if !wants_one_of(subscriber.field(topics::FIELD).unwrap_or_default(), &topics) =>
            {
                Row::Inactive { line, address: subscriber.address, why: Inactive::OffTopic }
            }
            row => row,
        })
    }))
}

impl Iterator for List {
    type Item = Result<Row, ListError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.rows {
            Rows::File(list) => list.next(),
            Rows::Stored(rows, _) => rows.next(),
        }
    }
}
