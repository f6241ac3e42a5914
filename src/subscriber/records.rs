//! The rows of a table as they are, with what each says about consent: for imports.

use std::path::PathBuf;

use super::{
    consent::ColumnMeanings,
    error::ListError,
    export::unguard,
    fields::Fields,
    inactive::Inactive,
    list::flatten,
    list_file,
    meaning::{Meaning, Says},
    reader::Reader,
    row_error::RowError,
};
use crate::{address::EmailAddress, source::Diagnostic};

/// A table of people, read row by row. Unlike a [`List`](super::source::List) it also has what is known of people who get no letters,
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
    /// The address of the person in the row.
    pub address: EmailAddress,
    /// The name, from `name`, or from first and last name.
    pub name: Option<String>,
    /// Every other column that is not empty, those about consent too.
    pub fields: Fields,
    /// Why the person gets no letters, as far as this row says.
    pub says: Option<Inactive>,
}

/// A row that cannot be used.
#[derive(Clone, Debug, PartialEq)]
pub struct BadRow {
    /// What is wrong with it.
    pub diagnostic: Diagnostic,
    /// Who gets no letters, as far as this row says; whatever is not understood, or cut, is not a yes.
    pub no: Option<(EmailAddress, Inactive)>,
}

impl Records {
    /// Opens a table; `-` is the standard input, and a pipe will do.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, has no column of addresses, or has a column that looks like consent and is not
    /// understood.
    pub fn open(path: impl Into<PathBuf>, meanings: &ColumnMeanings) -> Result<Self, ListError> {
        let path = path.into();
        let (input, _) = match list_file::open(&path) {
            Ok(input) => input,
            Err(source) => return Err(ListError::Read { path, source }),
        };
        let (reader, _) = Reader::open(path, input, meanings)?;
        let email = reader.header.email.ok_or_else(|| reader.no_address_column())?;
        if let Some(error) = reader.unclear_consent() {
            return Err(error);
        }
        let mut fields = reader.header.fields();
        fields.sort_by(|(_, one), (_, other)| one.cmp(other));
        Ok(Self { reader, email, fields, done: false })
    }

    /// Does not look for a no that hides in cells about something else: for a file of people who all said no.
    pub fn of_people_who_said_no(mut self) -> Self {
        self.reader.header.others.clear();
        self
    }

    /// The header, normalized.
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

    fn row(&self) -> Result<Result<Record, BadRow>, ListError> {
        let (reader, cells) = (&self.reader, self.reader.table.cells());
        let unclear = reader.unclear_cells(cells);
        if !unclear.is_empty() {
            return Err(reader.unusable(unclear.into_iter().map(|(_, diagnostic)| diagnostic).collect()));
        }
        Ok(self
            .record()
            .map_err(|row_error| BadRow { no: self.no(), diagnostic: reader.diagnose_row(row_error) }))
    }

    /// What a row that cannot be used says all the same.
    fn no(&self) -> Option<(EmailAddress, Inactive)> {
        let (reader, cells) = (&self.reader, self.reader.table.cells());
        let address = reader.address(cells, self.email).ok()?;
        let is_cut = !reader.header.consent.is_empty() && reader.check_width(cells).is_err();
        let says = self.says().unwrap_or(Some(Inactive::Unconfirmed));
        Some((address, says.or(is_cut.then_some(Inactive::Unconfirmed))?))
    }

    /// Why the person gets no letters, as far as the row says.
    fn says(&self) -> Result<Option<Inactive>, RowError> {
        let (reader, cells) = (&self.reader, self.reader.table.cells());
        let mut says = None;
        for column in &reader.header.consent {
            let cell = reader.text(cells, column.index)?;
            match column.read(cell) {
                Says::Active => {}
                Says::Inactive(why) => says = says.max(Some(why)),
                Says::Unknown => return Err(RowError::unknown_status(*column, cell)),
            }
        }
        Ok(says.max(reader.hidden_no(cells)?).or(reader.by_name))
    }

    fn record(&self) -> Result<Record, RowError> {
        let (reader, cells) = (&self.reader, self.reader.table.cells());
        reader.check_width(cells)?;
        let address = reader.address(cells, self.email)?;
        let says = self.says()?;
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
    type Item = Result<Result<Record, BadRow>, ListError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let row = self.reader.next_row().map(|next| {
            Ok(match next? {
                Ok(()) => self.row()?,
                Err(diagnostic) => Err(BadRow { diagnostic, no: None }),
            })
        });
        self.done = row.as_ref().is_none_or(Result::is_err);
        row
    }
}
