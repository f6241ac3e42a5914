//! Many rows at once: out of a table, and into one.

#[cfg(feature = "postgres")]
use super::{
    connection::Backend,
    postgres::{Param, column, copy::CopyIn},
};
use super::{
    connection::{Connection, Row, Statement},
    error::Error,
    value::Value,
};

/// Rows that a server is asked for at once.
#[cfg(feature = "postgres")]
const ROWS: usize = 1000;

/// Rows on their way into a table.
pub(crate) enum BulkInsert<'db> {
    Sqlite(Statement<'db>),
    #[cfg(feature = "postgres")]
    Postgres(CopyIn),
}

impl Connection {
    /// Adds rows to a table; nothing else can be asked of this connection before they are [finished](BulkInsert::finish).
    pub(crate) fn bulk_insert(&self, table: &str, columns: &[String]) -> Result<BulkInsert<'_>, Error> {
        let names = quoted(columns);
        #[cfg(feature = "postgres")]
        if let Backend::Postgres(client) = &self.backend {
            return Ok(BulkInsert::Postgres(client.copy_in(table, &names)?));
        }
        let places: Vec<String> = (1..=columns.len()).map(|number| format!("?{number}")).collect();
        let sql = format!("INSERT INTO \"{table}\" ({names}) VALUES ({})", places.join(", "));
        Ok(BulkInsert::Sqlite(self.prepare_cached(&sql)?))
    }

    /// Adds some rows to a table.
    pub(crate) fn insert_all(
        &self,
        table: &str,
        columns: &[&str],
        rows: impl ExactSizeIterator<Item = Vec<Value>>,
    ) -> Result<(), Error> {
        if rows.len() == 0 {
            return Ok(());
        }
        let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
        let mut insert = self.bulk_insert(table, &columns)?;
        for row in rows {
            insert.push(&row)?;
        }
        insert.finish()
    }

    /// Does the same with each of these rows of values.
    pub(crate) fn execute_all(&self, sql: &str, rows: &[Vec<Value>]) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        #[cfg(feature = "postgres")]
        if let Backend::Postgres(client) = &self.backend {
            let rows: Vec<Vec<_>> =
                rows.iter().map(|row| row.iter().map(|value| Param(value.into())).collect()).collect();
            return client.execute_all(sql, &rows);
        }
        let mut statement = self.prepare_cached(sql)?;
        for row in rows {
            statement.execute(row.as_slice())?;
        }
        Ok(())
    }

    /// Reads all rows of a table, without holding them. On a server it needs a transaction.
    pub(crate) fn scan<E: From<Error>>(
        &self,
        table: &str,
        columns: &[String],
        mut take: impl FnMut(&[Value]) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = format!("SELECT {} FROM \"{table}\"", quoted(columns));
        #[cfg(feature = "postgres")]
        if let Backend::Postgres(client) = &self.backend {
            client.batch(&format!("DECLARE rows NO SCROLL CURSOR FOR {sql}"))?;
            loop {
                // Not remembered: the same words fetch other columns from the next table.
                let rows = client.query_once(&format!("FETCH {ROWS} FROM rows"))?;
                for row in &rows {
                    let row: Result<Vec<Value>, Error> =
                        (0..columns.len()).map(|index| Ok(column(row, index)?.to_value())).collect();
                    take(&row?)?;
                }
                if rows.len() < ROWS {
                    client.batch("CLOSE rows")?;
                    return Ok(());
                }
            }
        }
        let mut statement = self.prepare_cached(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let row: &Row<'_> = row;
            let row: Vec<Value> =
                (0..columns.len()).map(|index| row.get(index)).collect::<Result<_, Error>>()?;
            take(&row)?;
        }
        Ok(())
    }
}

impl BulkInsert<'_> {
    /// Adds a row.
    pub(crate) fn push(&mut self, row: &[Value]) -> Result<(), Error> {
        match self {
            Self::Sqlite(statement) => statement.execute(row).map(drop),
            #[cfg(feature = "postgres")]
            Self::Postgres(copy) => copy.push(row),
        }
    }

    /// The end; without it a server takes none of the rows.
    pub(crate) fn finish(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Self::Postgres(copy) => copy.finish(),
        }
    }
}

fn quoted(columns: &[String]) -> String {
    columns.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}
