//! A ledger on a PostgreSQL server: opening it, migrations, and knowing it again.

use std::{fs, io::Write, path::Path, time::Instant};

use aws_lc_rs::rand;

use super::{
    error::StoreError,
    schema::{MIGRATIONS, count_opening, known},
    store::{Remote, Store},
};
use crate::{
    ledger::{
        error::LedgerError,
        files::{self, Files},
        options::{OpenOptions, Restored},
    },
    storage::{Connection, Origin, Server},
};

impl Store {
    /// Connects, and brings the schema up to date.
    pub(in crate::ledger) fn open_server(server: &Server, options: &OpenOptions) -> Result<Self, StoreError> {
        let db = Connection::postgres(server, options.busy_timeout)?;
        migrate(&db)?;
        let mut store = Self::on_server(db, server, options)?;
        store.know_again(options.restored)?;
        Ok(store)
    }

    /// Connects read-only; the ledger must be there.
    pub(in crate::ledger) fn open_server_read_only(
        server: &Server,
        options: &OpenOptions,
    ) -> Result<Self, StoreError> {
        let db = Connection::postgres(server, options.busy_timeout)?;
        let found = schema(&db)?;
        if found == 0 {
            return Err(LedgerError::Missing { path: server.to_string().into() }.into());
        }
        if found > known() {
            return Err(LedgerError::Newer { found, known: known() }.into());
        }
        if found < known() {
            migrate(&db)?;
        }
        Self::on_server(db, server, options)
    }

    fn on_server(db: Connection, server: &Server, options: &OpenOptions) -> Result<Self, StoreError> {
        let identity: String = db.query_row("SELECT id FROM identity", [], |row| row.get(0))?;
        // Without a folder of its own nothing is remembered here, and leases alone prove that a worker is dead.
        let files = options
            .marks
            .as_deref()
            .and_then(|folder| Files::prepare_folder(&folder.join(format!("{identity}.db"))).ok());
        let place = files.as_ref().zip(options.boot.as_deref()).and_then(|(files, boot)| {
            let name = name_of(&files.beside("place"))?;
            Some(format!("{boot} {name}"))
        });
        let mut store = Self::with(db, None, options.boot.clone());
        store.place = Some(server.to_string());
        store.remote = Some(Remote {
            name: server.to_string(),
            files,
            place,
            lease: server.lease().unwrap_or(options.lease),
            renewed: None,
            is_in_doubt: false,
        });
        Ok(store)
    }

    /// Looks whether it is the database that was seen here last, at a later moment; counts the opening.
    fn know_again(&mut self, restored: Restored) -> Result<(), StoreError> {
        let Some(remote) = &self.remote else { return Ok(()) };
        let Some(files) = &remote.files else { return Ok(()) };
        let replaced = |why: String| {
            let source = std::sync::Arc::new(std::io::Error::other(why));
            StoreError::from(LedgerError::Replaced { place: remote.name.clone(), source })
        };
        // In this order: another worker of this machine may write a later place at any moment, and the database is never before it.
        let before = read_origin(&files.beside("origin"));
        let now =
            self.db.as_postgres().map(|client| client.look_at_origin()).transpose()?.unwrap_or_default();
        if let Some(before) = before
            && !before.goes_on_as(now)
            && restored == Restored::Refuse
        {
            return Err(replaced(if before.system != now.system {
                "another database cluster answers than before".to_owned()
            } else if before.timeline != now.timeline {
                format!("the server went from timeline {} to {}", before.timeline, now.timeline)
            } else {
                "the end of the server's log is before one that was seen".to_owned()
            }));
        }
        let count = count_opening(&self.db, files, restored).map_err(|StoreError(error)| match error {
            LedgerError::Restored { found, seen, .. } => {
                replaced(format!("it counts {found}, and {seen} was seen"))
            }
            error => error.into(),
        })?;
        self.remember(count)
    }

    /// Remembers on this machine how far the database has come.
    pub(super) fn remember(&self, count: u64) -> Result<(), StoreError> {
        let Some(files) = self.remote.as_ref().and_then(|remote| remote.files.as_ref()) else {
            return Ok(());
        };
        let Some(client) = self.db.as_postgres() else { return Ok(()) };
        let Origin { system, timeline, position } = client.look_at_origin()?;
        files.remember(count);
        // Always the same length, in one write: a reader never sees half of it.
        let text = format!("{system:020} {timeline:020} {position:020}\n");
        let path = files.beside("origin");
        if let Ok(mut file) = files::private().create(true).truncate(false).write(true).open(path) {
            let _ = file.write_all(text.as_bytes());
        }
        Ok(())
    }

    /// Renews the leases of the workers that live here, when it is time; returns when it is time again.
    pub(in crate::ledger) fn tend(&mut self) -> Option<Instant> {
        let remote = self.remote.as_mut()?;
        let workers = self.living.all();
        if workers.is_empty() {
            remote.renewed = None;
            return None;
        }
        let (every, now) = (remote.lease / 3, Instant::now());
        let due = remote.renewed.map_or(now, |renewed| renewed + every);
        if now < due {
            return Some(due);
        }
        // While the database is away nothing can be renewed, and no one else can take anything.
        let renewed = self.db.as_postgres()?.execute(RENEW, &[&workers, &(remote.lease.as_millis() as i64)]);
        remote.renewed = renewed.is_ok().then_some(now);
        Some(now + if renewed.is_ok() { every } else { every.min(RETRY) })
    }
}

/// Between attempts to renew leases while the database is away.
const RETRY: std::time::Duration = std::time::Duration::from_millis(500);

const RENEW: &str = "UPDATE workers SET until = clock_timestamp() + ?2::bigint * interval '1 millisecond' \
     WHERE id = ANY(?1::bigint[]) AND left_at IS NULL";

fn schema(db: &Connection) -> Result<u32, StoreError> {
    let is_there: bool =
        db.query_row("SELECT to_regclass('schema_version') IS NOT NULL", [], |row| row.get(0))?;
    if !is_there {
        return Ok(0);
    }
    Ok(db.query_row("SELECT version FROM schema_version", [], |row| row.get(0))?)
}

fn migrate(db: &Connection) -> Result<(), StoreError> {
    let found = schema(db)?;
    if found == known() {
        return Ok(());
    }
    let tx = db.begin_writing()?;
    bring_up_to_date(&tx)?;
    Ok(tx.commit()?)
}

/// Takes the steps of the schema that are missing, in the transaction that is open.
pub(super) fn bring_up_to_date(tx: &Connection) -> Result<(), StoreError> {
    // Another process may have been faster.
    let found = schema(tx)?;
    if found > known() {
        return Err(LedgerError::Newer { found, known: known() }.into());
    }
    if found == 0 {
        tx.execute_batch(
            "CREATE TABLE schema_version (version bigint NOT NULL); INSERT INTO schema_version VALUES (0)",
        )?;
    }
    for step in MIGRATIONS.iter().skip(found as usize) {
        tx.execute_batch(step.postgres)?;
    }
    tx.execute("UPDATE schema_version SET version = ?1", [known()])?;
    Ok(())
}

fn read_origin(path: &Path) -> Option<Origin> {
    let text = fs::read_to_string(path).ok()?;
    let mut numbers = text.split_whitespace().map(|number| number.parse().ok());
    Some(Origin { system: numbers.next()??, timeline: numbers.next()??, position: numbers.next()?? })
}

/// The name in a file, which gets one if it has none.
fn name_of(path: &Path) -> Option<String> {
    if let Ok(mut file) = files::private().create_new(true).write(true).open(path) {
        let mut bytes = [0; 16];
        rand::fill(&mut bytes).ok()?;
        let name: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        file.write_all(name.as_bytes()).ok()?;
    }
    fs::read_to_string(path).ok().filter(|name| name.len() == 32)
}
