//! `COPY`: many rows into a table in one statement.

use std::pin::Pin;

use tokio_postgres::binary_copy::BinaryCopyInWriter;

use super::{Client, Param};
use crate::storage::{error::Error, value::Value};

/// Rows on their way into a table.
pub(crate) struct CopyIn(Pin<Box<BinaryCopyInWriter>>);

impl Client {
    /// Adds rows to these columns of a table; they are there when the copy is [finished](CopyIn::finish).
    pub(crate) fn copy_in(&self, table: &str, columns: &str) -> Result<CopyIn, Error> {
        self.ensure()?;
        let client = self.client.borrow();
        let select = format!("SELECT {columns} FROM \"{table}\"");
        let columns_of = pollster::block_on(client.prepare(&select))?;
        let types: Vec<_> = columns_of.columns().iter().map(|one| one.type_().clone()).collect();
        let copy = format!("COPY \"{table}\" ({columns}) FROM STDIN (FORMAT binary)");
        let sink = pollster::block_on(client.copy_in(&copy))?;
        Ok(CopyIn(Box::pin(BinaryCopyInWriter::new(sink, &types))))
    }
}

impl CopyIn {
    /// Adds a row.
    pub(crate) fn push(&mut self, row: &[Value]) -> Result<(), Error> {
        let row: Vec<Param<'_>> = row.iter().map(|value| Param(value.into())).collect();
        Ok(pollster::block_on(self.0.as_mut().write_raw(row))?)
    }

    /// The end.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        pollster::block_on(self.0.as_mut().finish())?;
        Ok(())
    }
}
