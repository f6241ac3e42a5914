//! Imports: files are gathered beside the database, and become one transaction.

use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde::Serialize;

use super::{
    AudienceError, MergeFields, Person, Platform, Status,
    decide::{Decision, Here, Incoming, Rules, decide},
    platform::Mapping,
    store,
    values::Words,
};
use crate::{
    ledger::SuppressedHashes,
    message::ListTokens,
    source::Diagnostics,
    subscriber::{ColumnMeanings, Records},
};

/// What is to be imported, and how.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Where the files come from; `None` recognizes it by their columns.
    pub platform: Option<Platform>,
    /// The status of everybody in the files, if the owner says so.
    pub all_are: Option<Status>,
    /// How fields of people on the list are treated.
    pub merge: MergeFields,
    /// What people want to read about whose file does not say it.
    pub topics: Words,
    /// `[list.columns]`
    pub columns: ColumnMeanings,
}

/// The people of some files, one row for each, in a file of SQLite's own that is gone at the end.
pub struct Staged {
    db: Connection,
    options: ImportOptions,
    now: Timestamp,
    files: Vec<String>,
    summary: ImportSummary,
    /// The first of the rows that cannot be used.
    pub diagnostics: Diagnostics,
}

/// What an import does, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportSummary {
    /// Rows in the files.
    pub rows: u64,
    /// Rows that cannot be used.
    pub bad: u64,
    /// Rows about somebody whom an earlier row names already.
    pub repeats: u64,
    /// Different people.
    pub people: u64,
    /// New people, by status.
    pub created: StatusCounts,
    /// People on the list who change.
    pub changed: u64,
    /// People on the list who get fewer letters than before, by their new status.
    pub lowered: StatusCounts,
    /// People on the list who stay as they are.
    pub unchanged: u64,
    /// People whom a file calls active and who are not made active, by what they are here.
    pub kept: StatusCounts,
    /// People who were erased here, and do not come back.
    pub erased: u64,
    /// Where the files come from.
    pub from: Vec<String>,
    /// The import's number, once it is done.
    pub import: Option<i64>,
}

/// How many people have a status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatusCounts([u64; 6]);

impl StatusCounts {
    /// Counts so many more.
    pub fn add(&mut self, status: Status, count: u64) {
        self.0[status as usize] += count;
    }

    /// How many have this status.
    pub fn of(&self, status: Status) -> u64 {
        self.0[status as usize]
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl Serialize for StatusCounts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Status::ALL.iter().map(|status| (status.word(), self.of(*status))))
    }
}

/// So many diagnostics are kept.
const DIAGNOSTICS_MAX: usize = 50;
/// Pages that a long import keeps in memory, in KiB: indexes are written in no order.
const CACHE_KIB: i64 = 64 << 10;

impl Staged {
    /// Begins an import.
    ///
    /// # Errors
    ///
    /// When no file can be made for it.
    pub fn new(options: ImportOptions, now: Timestamp) -> Result<Self, AudienceError> {
        let db = Connection::open("")?;
        db.pragma_update(None, "journal_mode", "OFF")?;
        db.pragma_update(None, "synchronous", "OFF")?;
        db.pragma_update(None, "cache_size", -CACHE_KIB)?;
        db.execute_batch(
            "CREATE TABLE staged (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, says TEXT NOT NULL); BEGIN",
        )?;
        let (files, summary) = (Vec::new(), ImportSummary::default());
        Ok(Self { db, options, now, files, summary, diagnostics: Diagnostics::new() })
    }

    /// Reads a file. Rows that cannot be used are counted.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or its columns are not understood.
    pub fn read(&mut self, path: PathBuf) -> Result<Platform, AudienceError> {
        let records = Records::open(path.clone(), &self.options.columns)?;
        let platform = self.options.platform.unwrap_or_else(|| Platform::detect(records.names()));
        let consent: Vec<(String, bool)> =
            records.consent_columns().map(|(name, is_cause)| (name.to_owned(), is_cause)).collect();
        let mapping = Mapping {
            platform,
            consent: &consent,
            file: &path,
            all_are: self.options.all_are,
            now: self.now,
        };
        let mut insert =
            self.db.prepare("INSERT INTO staged (key, says) VALUES (?1, ?2) ON CONFLICT (key) DO NOTHING")?;
        let mut find = self.db.prepare("SELECT says FROM staged WHERE key = ?1")?;
        let mut join = self.db.prepare("UPDATE staged SET says = ?2 WHERE key = ?1")?;
        let (summary, diagnostics) = (&mut self.summary, &mut self.diagnostics);
        for row in records {
            summary.rows += 1;
            let record = match row? {
                Ok(record) => record,
                Err(diagnostic) => {
                    summary.bad += 1;
                    if diagnostics.len() < DIAGNOSTICS_MAX {
                        diagnostics.push(diagnostic);
                    }
                    continue;
                }
            };
            let key = record.address.key();
            let says = mapping.incoming(record);
            if insert.execute(params![key, text(&says)])? == 1 {
                summary.people += 1;
                continue;
            }
            summary.repeats += 1;
            let known: String = find.query_row([&key], |row| row.get(0))?;
            let mut joined = parse(&known)?;
            joined.join(says);
            join.execute(params![key, text(&joined)])?;
        }
        self.files.push(path.display().to_string());
        let word = platform.word().to_owned();
        if !summary.from.contains(&word) {
            summary.from.push(word);
        }
        Ok(platform)
    }

    /// What the import would do to the list in this database.
    pub(super) fn plan(
        self,
        db: &Connection,
        hashes: &SuppressedHashes,
    ) -> Result<(Self, ImportSummary), AudienceError> {
        let mut summary = self.summary.clone();
        self.each(db, hashes, &mut summary, |_, _, _| Ok(()))?;
        Ok((self, summary))
    }

    /// Does it, in the transaction that the caller has opened.
    pub(super) fn apply(
        self,
        db: &Connection,
        hashes: &SuppressedHashes,
        tokens: &ListTokens,
    ) -> Result<ImportSummary, AudienceError> {
        let before: i64 = db.pragma_query_value(None, "cache_size", |row| row.get(0))?;
        db.pragma_update(None, "cache_size", -CACHE_KIB)?;
        let done = self.write(db, hashes, tokens);
        db.pragma_update(None, "cache_size", before)?;
        done
    }

    fn write(
        &self,
        db: &Connection,
        hashes: &SuppressedHashes,
        tokens: &ListTokens,
    ) -> Result<ImportSummary, AudienceError> {
        let mut summary = self.summary.clone();
        db.execute(
            "INSERT INTO imports (at, files, created, changed) VALUES (?1, ?2, 0, 0)",
            params![self.now.as_millisecond(), self.files.join("\n")],
        )?;
        let import = db.last_insert_rowid();
        let actor = format!("import {import}");
        let mut note = db.prepare(
            "INSERT INTO import_changes (import, subscriber, version, before) VALUES (?1, ?2, ?3, ?4)",
        )?;
        let mut note_suppression =
            db.prepare("INSERT INTO import_suppressions (import, suppression) VALUES (?1, ?2)")?;
        let mut fields = std::collections::BTreeSet::new();
        self.each(db, hashes, &mut summary, |stored, says, after| {
            for (name, _) in
                after.fields.iter().filter(|(name, _)| !fields.contains(*name)).collect::<Vec<_>>()
            {
                fields.insert(name.to_owned());
            }
            let (id, before, change) = match stored {
                None => (store::insert(db, tokens, after)?, None, format!("added as {}", after.status)),
                Some(stored) => {
                    store::update(db, stored.id, after)?;
                    let change = if stored.person.status == after.status {
                        "fields".to_owned()
                    } else {
                        format!("{} -> {}", stored.person.status, after.status)
                    };
                    let before = serde_json::to_string(&stored.person).expect("a person is JSON");
                    (stored.id, Some((stored.version, before)), change)
                }
            };
            store::log(db, id, self.now, &change, &says.source, &actor)?;
            let version = before.as_ref().map_or(1, |(version, _)| version + 1);
            if before.is_none()
                && let Some(consent) = &says.consent
            {
                store::add_consent(db, id, consent, self.now)?;
            }
            if let Some(reason) = after.status.suppression() {
                let added = store::suppress(db, &after.address, reason, Some(&actor), after.status_at)?;
                if let Some(suppression) = added {
                    note_suppression.execute(params![import, suppression])?;
                }
            }
            note.execute(params![import, id, version, before.map(|(_, before)| before)])?;
            Ok(())
        })?;
        store::note_fields(db, fields.iter().map(String::as_str))?;
        db.execute(
            "UPDATE imports SET created = ?2, changed = ?3 WHERE id = ?1",
            params![import, summary.created.total() as i64, summary.changed as i64],
        )?;
        summary.import = Some(import);
        Ok(summary)
    }

    /// Decides about each person, in the order of the files, and hands those who change over.
    fn each(
        &self,
        db: &Connection,
        hashes: &SuppressedHashes,
        summary: &mut ImportSummary,
        mut change: impl FnMut(Option<&store::Stored>, &Incoming, &Person) -> Result<(), AudienceError>,
    ) -> Result<(), AudienceError> {
        let rules = Rules { merge: self.options.merge, topics: &self.options.topics, now: self.now };
        let mut staged = self.db.prepare("SELECT key, says FROM staged ORDER BY id")?;
        let mut rows = staged.query([])?;
        while let Some(row) = rows.next()? {
            let key: String = row.get(0)?;
            let says = parse(row.get_ref(1)?.as_str().unwrap_or_default())?;
            let stored = store::find(db, &key)?;
            let here = Here {
                person: stored.as_ref().map(|stored| &stored.person),
                suppressed: store::suppression(db, &key)?,
                by_hash: stored.is_none() && hashes.has(&key),
            };
            let now_is = match decide(&here, &says, &rules) {
                Decision::Erased => {
                    summary.erased += 1;
                    continue;
                }
                Decision::Same => {
                    summary.unchanged += 1;
                    here.person.map(|person| person.status)
                }
                Decision::Create(person) => {
                    summary.created.add(person.status, 1);
                    change(None, &says, &person)?;
                    Some(person.status)
                }
                Decision::Change(person) => {
                    summary.changed += 1;
                    if here.person.is_some_and(|before| before.status != person.status) {
                        summary.lowered.add(person.status, 1);
                    }
                    change(stored.as_ref(), &says, &person)?;
                    Some(person.status)
                }
            };
            if let Some(status) =
                now_is.filter(|status| says.status == Status::Active && *status != says.status)
            {
                summary.kept.add(status, 1);
            }
        }
        Ok(())
    }
}

fn text(says: &Incoming) -> String {
    serde_json::to_string(says).expect("what files say is JSON")
}

fn parse(text: &str) -> Result<Incoming, AudienceError> {
    serde_json::from_str(text).map_err(|_| AudienceError::Damaged { what: "a row of the import".to_owned() })
}

/// What was undone of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Undone {
    /// People who were taken off the list.
    pub removed: u64,
    /// People who are again as they were.
    pub restored: u64,
    /// People who changed after the import, and stay as they are.
    pub kept: u64,
}

/// Undoes an import for everybody who has not changed since.
pub(super) fn undo(
    db: &Connection,
    tokens: &ListTokens,
    import: i64,
    now: Timestamp,
) -> Result<Undone, AudienceError> {
    let mut done = Undone::default();
    let is_open: Option<bool> = {
        let mut find = db.prepare("SELECT undone_at IS NULL FROM imports WHERE id = ?1")?;
        let mut rows = find.query([import])?;
        rows.next()?.map(|row| row.get(0)).transpose()?
    };
    match is_open {
        None => return Err(AudienceError::NoImport { import }),
        Some(false) => return Err(AudienceError::UndoneAlready { import }),
        Some(true) => {}
    }
    let changes: Vec<(i64, i64, Option<String>)> = db
        .prepare("SELECT subscriber, version, before FROM import_changes WHERE import = ?1")?
        .query_map([import], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    let actor = format!("import {import}");
    for (id, version, before) in changes {
        let Some(stored) = store::by_id(db, id)? else { continue };
        if stored.version != version {
            done.kept += 1;
            continue;
        }
        let key = stored.person.address.key();
        db.prepare_cached(
            "DELETE FROM suppressions WHERE key = ?1 \
             AND id IN (SELECT suppression FROM import_suppressions WHERE import = ?2)",
        )?
        .execute(params![key, import])?;
        match before {
            None => {
                store::delete_hashes(db, tokens, &key)?;
                store::delete(db, id)?;
                done.removed += 1;
            }
            Some(before) => {
                let person: Person = serde_json::from_str(&before)
                    .map_err(|_| AudienceError::Damaged { what: "the record of an import".to_owned() })?;
                store::update(db, id, &person)?;
                store::log(db, id, now, "as before the import", &format!("{actor} was undone"), "owner")?;
                done.restored += 1;
            }
        }
    }
    db.execute("UPDATE imports SET undone_at = ?2 WHERE id = ?1", params![import, now.as_millisecond()])?;
    Ok(done)
}
