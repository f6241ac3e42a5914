//! The list as a table, to be read by people, by spreadsheets and by an import.

use std::io::Write;

use super::{
    error::AudienceError,
    values::{Person, RESERVED},
};
use crate::subscriber::Export;

/// Writes people into a table: the columns of the list, then a column for each field.
pub struct Exporter<W: Write> {
    table: Export<W>,
    fields: Vec<String>,
}

impl<W: Write> Exporter<W> {
    /// Begins a table with columns for these fields.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn new(to: W, fields: Vec<String>) -> Result<Self, AudienceError> {
        let header: Vec<&str> = RESERVED.into_iter().chain(fields.iter().map(String::as_str)).collect();
        let table = Export::new(to, &header).map_err(AudienceError::Write)?;
        Ok(Self { table, fields })
    }

    /// Writes a person.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write(&mut self, person: &Person) -> Result<(), AudienceError> {
        let paused_until = person.paused_until.map(|until| until.to_string()).unwrap_or_default();
        let (status_at, joined_at) = (person.status_at.to_string(), person.joined_at.to_string());
        let (tags, topics) = (person.tags.to_string(), person.topics.to_string());
        let own = [
            person.address.expose(),
            person.name.as_deref().unwrap_or_default(),
            person.status.word(),
            &status_at,
            &paused_until,
            person.language.as_deref().unwrap_or_default(),
            &tags,
            &topics,
            &person.source,
            &joined_at,
        ];
        let fields = self.fields.iter().map(|name| person.fields.get(name).unwrap_or_default());
        self.table.row(own.into_iter().chain(fields)).map_err(AudienceError::Write)
    }

    /// Ends the table.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn finish(self) -> Result<W, AudienceError> {
        self.table.finish().map_err(AudienceError::Write)
    }
}
