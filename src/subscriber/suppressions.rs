use std::{
    fs::File,
    io::{self, Read, Write},
    path::PathBuf,
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{consent::ColumnMeanings, error::ListError, export::Export, reader::Reader, row_error::RowError};
use crate::{address::EmailAddress, source::Diagnostic};

/// An address that gets no letters, as a row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// The address that gets no letters.
    pub address: EmailAddress,
    /// Why, in the words of the table.
    pub reason: Option<String>,
    /// Since when; a day alone means its beginning in UTC.
    pub date: Option<Timestamp>,
    /// A note of the owner's.
    pub note: Option<String>,
}

/// A table of suppressions, read row by row: the address, and `reason`, `date` and `note` where there are such columns.
pub struct Suppressions {
    reader: Reader,
    email: usize,
    reason: Option<usize>,
    /// Of an export that has one status only, what it says about all of its rows.
    status: Option<&'static str>,
    date: Option<usize>,
    note: Option<usize>,
    done: bool,
}

/// Columns that only files of people have who unsubscribed, or whose letters came back: Mailchimp's.
const STATUSES: [(&str, &str); 2] = [("unsub_time", "unsubscribed"), ("clean_time", "hard_bounce")];

impl Suppressions {
    /// Opens a table.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or has no column of addresses.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, ListError> {
        let path = path.into();
        match File::open(&path) {
            Ok(file) => Self::read(path, file),
            Err(source) => Err(ListError::Read { path, source }),
        }
    }

    /// Reads a table from anywhere; the path is for reports.
    ///
    /// # Errors
    ///
    /// When the input cannot be read, or has no column of addresses.
    pub fn read(path: impl Into<PathBuf>, input: impl Read + Send + 'static) -> Result<Self, ListError> {
        let (reader, _) = Reader::open(path.into(), Box::new(input), &ColumnMeanings::new())?;
        let column = |name| reader.header.names.iter().position(|found| found == name);
        let email = reader.header.email.or(column("address")).ok_or_else(|| reader.no_address_column())?;
        Ok(Self {
            email,
            reason: column("reason"),
            status: STATUSES.iter().find(|(name, _)| column(*name).is_some()).map(|(_, status)| *status),
            date: column("date"),
            note: column("note"),
            done: false,
            reader,
        })
    }

    /// Writes a table that [`read`](Self::read) reads, safe to open in a spreadsheet.
    ///
    /// # Errors
    ///
    /// When the destination cannot be written to.
    pub fn write<W: Write>(to: W, rows: impl IntoIterator<Item = Suppression>) -> io::Result<W> {
        let mut export = Export::new(to, &["address", "reason", "date", "note"])?;
        for row in rows {
            let date = row.date.map(|date| date.to_string()).unwrap_or_default();
            export.row([
                row.address.expose(),
                row.reason.as_deref().unwrap_or_default(),
                &date,
                row.note.as_deref().unwrap_or_default(),
            ])?;
        }
        export.finish()
    }

    fn row(&self) -> Result<Suppression, RowError> {
        let (reader, cells) = (&self.reader, self.reader.table.cells());
        reader.check_width(cells)?;
        let address = reader.address(cells, self.email)?;
        let cell = |index: Option<usize>| {
            index.map(|index| Ok((index, reader.line(cells, index)?))).transpose().map(|cell| {
                cell.filter(|(_, text)| !text.is_empty()).map(|(index, text)| (index, text.to_owned()))
            })
        };
        let date = match cell(self.date)? {
            None => None,
            Some((index, text)) => Some(date(&text).ok_or_else(|| RowError::bad_date(index))?),
        };
        let text = |index| Ok(cell(index)?.map(|(_, text)| text));
        let reason = text(self.reason)?.or_else(|| self.status.map(str::to_owned));
        Ok(Suppression { address, reason, date, note: text(self.note)? })
    }
}

fn date(text: &str) -> Option<Timestamp> {
    let day = || text.parse::<Date>().ok().filter(|_| text.len() == 10);
    match day() {
        Some(day) => day.to_zoned_datetime(TimeZone::UTC).ok().map(|start| start.timestamp()),
        None => text.parse().ok(),
    }
}

impl Iterator for Suppressions {
    /// A row, or what is wrong with it.
    type Item = Result<Result<Suppression, Diagnostic>, ListError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let row = self.reader.next_row().map(|next| {
            Ok(match next? {
                Ok(()) => self.row().map_err(|row_error| self.reader.diagnose_row(row_error)),
                Err(diagnostic) => Err(diagnostic),
            })
        });
        self.done = row.as_ref().is_none_or(Result::is_err);
        row
    }
}
