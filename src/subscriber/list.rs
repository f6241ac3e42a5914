use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use super::{
    Fields, ListError, Subscriber,
    export::unguard,
    header::Says,
    reader::{Reader, Trouble},
    seen::Seen,
    table::{Cells, Step},
};
use crate::address::EmailAddress;
use crate::source::{Diagnostic, Diagnostics, Severity};

/// A list of subscribers, read row by row: memory does not grow with it, but for 12 to 20 octets a person by which
/// repeats are known.
pub struct List {
    reader: Reader,
    /// Columns by their index and name, in the order of the names.
    fields: Vec<(usize, String)>,
    email: usize,
    columns: Vec<String>,
    /// `None` where repeats are not looked for.
    seen: Option<Seen>,
    done: bool,
}

/// What a row of a list is.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// Somebody to write to.
    Person {
        /// The line on which the row begins, from 1.
        line: u64,
        /// The person.
        subscriber: Subscriber,
    },
    /// Somebody who rests: `status`, `active` or `paused` says so.
    Paused {
        /// The line on which the row begins, from 1.
        line: u64,
        /// Who.
        address: EmailAddress,
    },
    /// An address that an earlier row has already; this row is not written to. A warning (`M320`).
    Repeat(Diagnostic),
    /// A row that cannot be read. An error (`M310` to `M317`).
    Bad(Diagnostic),
}

/// What a whole list holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scan {
    /// People to write to.
    pub people: u64,
    /// People who rest.
    pub paused: u64,
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
    /// Opens a list and reads its header.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, ListError> {
        let path = path.into();
        let (file, octets) = File::open(&path)
            .and_then(|file| {
                let octets = file.metadata()?.len();
                Ok((file, octets))
            })
            .map_err(|source| ListError::Read { path: path.clone(), source })?;
        Self::new(path, Box::new(file), octets)
    }

    /// Reads a list from anywhere; the path is for reports.
    pub fn read(path: impl Into<PathBuf>, input: impl Read + Send + 'static) -> Result<Self, ListError> {
        Self::new(path.into(), Box::new(input), 0)
    }

    fn new(path: PathBuf, input: Box<dyn Read + Send>, octets: u64) -> Result<Self, ListError> {
        let (reader, header_octets) = Reader::open(path, input)?;
        let header = &reader.header;
        let email = header.email.ok_or_else(|| reader.no_address_column())?;
        let mut fields = header.fields();
        let mut columns = vec!["email".to_owned()];
        if header.name.is_some() || header.first_name.is_some() || header.last_name.is_some() {
            columns.push("name".to_owned());
        }
        columns.extend(fields.iter().map(|(_, name)| name.clone()));
        fields.sort_by(|(_, one), (_, other)| one.cmp(other));
        // A row is rarely shorter than its header. Whatever a file's size claims, no more than 24 MB are set aside.
        let people = (octets / header_octets.max(40)).min(2_000_000);
        let seen = Some(Seen::with_room(people as usize));
        Ok(Self { fields, email, columns, seen, done: false, reader })
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.reader.path
    }

    /// The names that `{{ subscriber.NAME }}` can use with this list.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Whether it has a column that says who wants letters.
    pub fn knows_wishes(&self) -> bool {
        !self.reader.header.wishes.is_empty()
    }

    /// Looks for no repeats, and needs no memory for them: for a list that was read just now and had none.
    pub fn without_repeats(self) -> Self {
        Self { seen: None, ..self }
    }

    /// Reads the whole list and counts; keeps the first `limit` diagnostics.
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
                Row::Paused { .. } => {
                    scan.paused += 1;
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

    /// The person in the row that was read last.
    fn person(&mut self) -> Result<Row, Trouble> {
        let (reader, seen) = (&self.reader, &mut self.seen);
        let (header, cells) = (&reader.header, reader.table.cells());
        reader.check_width(cells)?;
        let address = reader.address(cells, self.email)?;
        let mut rests = None;
        for &(index, wish) in &header.wishes {
            let cell = reader.text(cells, index)?;
            match wish.read(&cell) {
                Says::Write => {}
                Says::Rest => rests = Some(index),
                Says::Unknown => return Err(Trouble::unknown_wish(index, wish, &cell)),
            }
        }
        let name = match header.name {
            Some(index) => reader.line(cells, index)?,
            None => Cow::Borrowed(""),
        };
        let name = match (name.is_empty(), header.first_name, header.last_name) {
            (true, first, last) => {
                let part =
                    |index: Option<usize>| index.map_or(Ok(Cow::Borrowed("")), |at| reader.line(cells, at));
                let (first, last) = (part(first)?, part(last)?);
                let blank = if first.is_empty() || last.is_empty() { "" } else { " " };
                format!("{first}{blank}{last}")
            }
            (false, ..) => name.into_owned(),
        };
        let mut fields = Fields::with_room();
        for (index, name) in &self.fields {
            let cell = reader.text(cells, *index)?;
            if !cell.is_empty() {
                fields.push(name, &flatten(unguard(&cell)));
            }
        }
        if let Some(first) = seen.as_mut().and_then(|seen| seen.note(&address.key_cow(), cells.line)) {
            return Ok(Row::Repeat(self.repeat(cells, first, rests)));
        }
        Ok(if rests.is_some() {
            Row::Paused { line: cells.line, address }
        } else {
            let name = Some(name).filter(|name| !name.is_empty());
            Row::Person { line: cells.line, subscriber: Subscriber { address, name, fields } }
        })
    }

    fn repeat(&self, cells: Cells<'_>, first: u64, rests: Option<usize>) -> Diagnostic {
        let message = match rests {
            None => format!("the same address as in line {first}; the first one counts"),
            Some(index) => format!(
                "the same address as in line {first}; the first one counts, although `{}` says here that the person \
                 wants no letters",
                self.reader.header.titles[index]
            ),
        };
        Diagnostic::at("M320", Severity::Warning, self.reader.place(cells.line, Some(self.email)), message)
            .help("remove one of the two rows")
    }
}

impl Iterator for List {
    type Item = Result<Row, ListError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.done {
            let row = match self.reader.step() {
                Ok(Step::Row) if self.reader.table.cells().is_blank() => continue,
                Ok(Step::Row) => self.person().or_else(|trouble| {
                    let line = self.reader.table.cells().line;
                    Ok(Row::Bad(self.reader.diagnose(line, trouble)))
                }),
                Ok(Step::Broken { line, problem }) => Ok(Row::Bad(self.reader.broken(line, problem))),
                Ok(Step::Hopeless { line }) => Err(self.reader.hopeless(line)),
                Ok(Step::End) => break,
                Err(error) => Err(error),
            };
            self.done = row.is_err();
            return Some(row);
        }
        self.done = true;
        None
    }
}

/// Line breaks and other control characters become blanks: a field is a phrase, not a page.
fn flatten(cell: &str) -> Cow<'_, str> {
    let odd = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if cell.bytes().all(|byte| (b' '..0x7f).contains(&byte)) || !cell.contains(odd) {
        return Cow::Borrowed(cell);
    }
    Cow::Owned(cell.replace("\r\n", "\n").replace(odd, " "))
}
