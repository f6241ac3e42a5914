//! The rows of a table as they are, with what each says about consent: for imports.

use std::{fs::File, path::PathBuf};

use super::{
    Fields, ListError,
    consent::{ColumnMeanings, Inactive, Meaning, Says},
    export::unguard,
    list::flatten,
    reader::{Reader, Trouble},
    table::Step,
};
use crate::{address::EmailAddress, source::Diagnostic};

/// A table of people, read row by row. Unlike a [`List`](super::List) it also has what is known of people who get no letters,
/// and each row speaks for itself.
pub struct Records {
    reader: Reader,
    email: usize,
    fields: Vec<(usize, String)>,
    done: bool,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The line on which the row begins, from 1.
    pub line: u64,
    /// Who.
    pub address: EmailAddress,
    /// The name, from `name`, or from first and last name.
    pub name: Option<String>,
    /// Every other column that is not empty, those about consent too.
    pub fields: Fields,
    /// Why the person gets no letters, as far as this row says.
    pub says: Option<Inactive>,
}

impl Records {
    /// Opens a table.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, has no column of addresses, or has a column that looks like consent and is not
    /// understood.
    pub fn open(path: impl Into<PathBuf>, meanings: &ColumnMeanings) -> Result<Self, ListError> {
        let path = path.into();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(source) => return Err(ListError::Read { path, source }),
        };
        let (reader, _) = Reader::open(path, Box::new(file), meanings)?;
        let email = reader.header.email.ok_or_else(|| reader.no_address_column())?;
        if let Some(error) = reader.unclear_consent() {
            return Err(error);
        }
        let mut fields = reader.header.fields();
        fields.sort_by(|(_, one), (_, other)| one.cmp(other));
        Ok(Self { reader, email, fields, done: false })
    }

    /// The header, normalised.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.reader.header.names.iter().map(String::as_str)
    }

    /// The names of the columns that speak about consent, and whether each names a cause, in cells that may be dates.
    pub fn consent_columns(&self) -> impl Iterator<Item = (&str, bool)> {
        self.reader.header.consent.iter().map(|column| {
            let is_cause = matches!(column.meaning, Meaning::Cause(_));
            (self.reader.header.names[column.index].as_str(), is_cause)
        })
    }

    fn row(&self) -> Result<Result<Record, Trouble>, ListError> {
        let (reader, cells) = (&self.reader, self.reader.table.cells());
        for column in reader.header.consent.iter().filter(|column| column.is_guessed) {
            if let Ok(cell) = reader.text(cells, column.index)
                && column.meaning.read(cell) == Says::Unknown
            {
                let value = cell.chars().take(40).flat_map(char::escape_debug).collect();
                let unclear = reader.unclear_column(cells.line, column.index, value);
                return Err(reader.unusable(vec![unclear]));
            }
        }
        Ok(self.record())
    }

    fn record(&self) -> Result<Record, Trouble> {
        let (reader, cells) = (&self.reader, self.reader.table.cells());
        reader.check_width(cells)?;
        let address = reader.address(cells, self.email)?;
        let mut says = None;
        for column in &reader.header.consent {
            let cell = reader.text(cells, column.index)?;
            match column.meaning.read(cell) {
                Says::Active => {}
                Says::Inactive(why) => says = says.max(Some(why)),
                Says::Unknown => return Err(Trouble::unknown_status(*column, cell)),
            }
        }
        let part = |index: Option<usize>| match index {
            Some(index) => reader.line(cells, index).map(|text| text.to_string()),
            None => Ok(String::new()),
        };
        let mut name = part(reader.header.name)?;
        if name.is_empty() {
            let (first, last) = (part(reader.header.first_name)?, part(reader.header.last_name)?);
            name = format!("{first} {last}").trim().to_owned();
        }
        let mut fields = Fields::with_room();
        for (index, name) in &self.fields {
            let cell = reader.text(cells, *index)?;
            if !cell.is_empty() {
                fields.push(name, &flatten(unguard(cell)));
            }
        }
        let name = Some(name).filter(|name| !name.is_empty());
        Ok(Record { line: cells.line, address, name, fields, says })
    }
}

impl Iterator for Records {
    /// A row, or what is wrong with it.
    type Item = Result<Result<Record, Diagnostic>, ListError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.done {
            let row = match self.reader.step() {
                Ok(Step::Row) if self.reader.table.cells().is_blank() => continue,
                Ok(Step::Row) => {
                    let line = self.reader.table.cells().line;
                    match self.row() {
                        Ok(Ok(record)) => Ok(Ok(record)),
                        Ok(Err(trouble)) => Ok(Err(self.reader.diagnose(line, trouble))),
                        Err(error) => Err(error),
                    }
                }
                Ok(Step::Broken { line, problem }) => Ok(Err(self.reader.broken(line, problem))),
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
