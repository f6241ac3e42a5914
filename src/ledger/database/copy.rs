//! Everything in a ledger, table by table: into another database, and compared with it afterwards.

use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};

use super::{error::StoreError, store::Store};
use crate::{
    ledger::error::LedgerError,
    storage::{Connection, Error, Value},
};

/// A table of the schema.
pub(super) struct Table {
    pub(super) name: &'static str,
    /// The column whose numbers the database gives, if there is one.
    number: Option<&'static str>,
    /// Columns that only a server has: they are about the processes of the moment.
    pub(super) passing: &'static [&'static str],
}

const fn table(name: &'static str) -> Table {
    Table { name, number: None, passing: &[] }
}

const fn numbered(name: &'static str) -> Table {
    Table { name, number: Some("id"), passing: &[] }
}

/// All tables, each behind those that it refers to. A test holds the list to the schema of each database.
pub(super) const TABLES: &[Table] = &[
    table("identity"),
    numbered("dispatches"),
    numbered("domains"),
    Table { passing: &["until", "place"], ..numbered("workers") },
    table("recipient_pages"),
    table("deliveries"),
    table("attempts"),
    numbered("decisions"),
    numbered("suppressions"),
    table("counters"),
    numbered("bounces"),
    table("suppressed_hashes"),
    numbered("subscribers"),
    table("subscriber_hashes"),
    table("subscriber_facts"),
    table("subscriber_fields"),
    numbered("subscriber_history"),
    numbered("consents"),
    numbered("imports"),
    table("import_changes"),
    table("import_suppressions"),
    table("dispatch_runs"),
    table("used_marks"),
    numbered("schedules"),
    table("restricted"),
    table("signups"),
    table("consent_texts"),
    table("service_letters"),
    table("service_counts"),
    numbered("moves"),
    table("shared_values"),
];

/// Their names.
pub(super) fn names() -> Vec<&'static str> {
    TABLES.iter().map(|table| table.name).collect()
}

/// The rows of a table, in whichever order: their number, and a sum of their digests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) rows: u64,
    sum: [u64; 4],
}

impl Contents {
    fn add(&mut self, row: &[Value]) {
        let mut bytes = Vec::new();
        for value in row {
            // A kind, a length and the value: no two rows have the same bytes.
            let (kind, length) = match value {
                Value::Null => (0, 0),
                Value::Integer(_) => (1, 8),
                Value::Text(text) => (2, text.len()),
                Value::Blob(blob) => (3, blob.len()),
            };
            bytes.push(kind);
            bytes.extend((length as u64).to_le_bytes());
            match value {
                Value::Null => {}
                Value::Integer(number) => bytes.extend(number.to_le_bytes()),
                Value::Text(text) => bytes.extend(text.as_bytes()),
                Value::Blob(blob) => bytes.extend(blob),
            }
        }
        let digest = digest(&SHA256, &bytes);
        for (sum, part) in self.sum.iter_mut().zip(digest.as_ref().as_chunks::<8>().0) {
            *sum = sum.wrapping_add(u64::from_le_bytes(*part));
        }
        self.rows += 1;
    }
}

impl Store {
    /// Copies everything into a new file, as it is at this moment.
    pub(super) fn copy_into_file(&self, path: &Path) -> Result<(), StoreError> {
        let copy = Self::bare_file(path)?;
        copy_tables(&self.db, &copy)
    }
}

/// Copies all tables of a ledger as they are at this moment into one that is new.
pub(super) fn copy_tables(from: &Connection, to: &Connection) -> Result<(), StoreError> {
    let _look = from.begin_reading()?;
    let tx = to.begin_writing()?;
    fill(from, &tx)?;
    tx.commit()?;
    Ok(())
}

/// Writes the rows of all tables over those that are there, and compares them. Both have a transaction open. Returns how many
/// rows that were.
pub(super) fn fill(from: &Connection, to: &Connection) -> Result<u64, StoreError> {
    to.set_triggers(&names(), false)?;
    let filled = fill_tables(from, to);
    let reset = to.set_triggers(&names(), true);
    let rows = filled?;
    reset?;
    Ok(rows)
}

fn fill_tables(from: &Connection, to: &Connection) -> Result<u64, StoreError> {
    for table in TABLES.iter().rev() {
        to.execute_batch(&format!("DELETE FROM \"{}\"", table.name))?;
    }
    let mut rows = 0;
    for table in TABLES {
        let columns = columns(to, table)?;
        let mut contents = Contents::default();
        let mut insert = to.bulk_insert(table.name, &columns)?;
        from.scan(table.name, &columns, |row| -> Result<(), StoreError> {
            let row: Vec<Value> = row.iter().map(portable).collect();
            contents.add(&row);
            Ok(insert.push(&row)?)
        })?;
        insert.finish()?;
        let mut copied = Contents::default();
        to.scan(table.name, &columns, |row| -> Result<(), StoreError> {
            copied.add(row);
            Ok(())
        })?;
        if copied != contents {
            let what = format!("the copy of `{}` is not what it was copied from", table.name);
            return Err(LedgerError::damaged(&what).into());
        }
        if let Some(column) = table.number.filter(|_| to.as_sqlite().is_none()) {
            let name = table.name;
            to.execute_batch(&format!(
                "SELECT setval(pg_get_serial_sequence('{name}', '{column}'), \
                 (SELECT coalesce(max({column}), 0) + 1 FROM \"{name}\"), false)"
            ))?;
        }
        rows += contents.rows;
    }
    Ok(rows)
}

/// As each database can hold it: PostgreSQL has no place for this character in a text.
fn portable(value: &Value) -> Value {
    match value {
        Value::Text(text) if text.contains('\0') => Value::Text(text.replace('\0', "\u{fffd}")),
        other => other.clone(),
    }
}

/// The columns of a table that are copied.
pub(super) fn columns(db: &Connection, table: &Table) -> Result<Vec<String>, StoreError> {
    let sql = db.either(
        "SELECT name FROM pragma_table_info(?1) ORDER BY cid",
        "SELECT column_name::text FROM information_schema.columns \
         WHERE table_schema = current_schema() AND table_name = ?1 ORDER BY ordinal_position",
    );
    let mut statement = db.prepare_cached(sql)?;
    let columns =
        statement.query_map([table.name], |row| row.get(0))?.collect::<Result<Vec<String>, Error>>()?;
    Ok(columns.into_iter().filter(|column| !table.passing.contains(&column.as_str())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_copied() {
        let store = Store::scratch().unwrap();
        let sql =
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
        let mut statement = store.db.prepare_cached(sql).unwrap();
        let there: Vec<String> =
            statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, Error>>().unwrap();
        let mut named = names();
        named.sort_unstable();
        assert_eq!(there, named, "TABLES is not the schema");
        for table in TABLES {
            let columns = columns(&store.db, table).unwrap();
            assert_eq!(
                columns.iter().any(|column| column == "id"),
                table.number.is_some() || is_named(table)
            );
        }
    }

    /// Whether its `id` is no number.
    fn is_named(table: &Table) -> bool {
        ["identity", "deliveries", "signups", "service_letters"].contains(&table.name)
    }

    #[test]
    fn contents_are_equal_in_any_order_and_differ_in_anything_else() {
        let of = |rows: &[Value]| {
            let mut contents = Contents::default();
            rows.iter().for_each(|value| contents.add(std::slice::from_ref(value)));
            contents
        };
        let text = |text: &str| Value::Text(text.to_owned());
        assert_eq!(of(&[Value::Integer(1), text("2")]), of(&[text("2"), Value::Integer(1)]));
        assert_ne!(of(&[text("2")]), of(&[Value::Blob(b"2".to_vec())]));
        assert_ne!(of(&[text("")]), of(&[Value::Null]));
        assert_ne!(of(&[Value::Integer(1), Value::Integer(1)]), of(&[Value::Integer(1)]));
    }
}
