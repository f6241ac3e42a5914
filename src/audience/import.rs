//! Imports: files are collected beside the database, and become one transaction.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    batch,
    decide::{Decision, Here, Incoming, MergeFields, Rules, decide},
    error::AudienceError,
    joining,
    managed::Audience,
    platform::{Mapping, Platform},
    store::{self, Stored},
    values::{Person, Status, Words},
};
use crate::{
    ledger::{Reason, SuppressedHashes, suppressed_hashes},
    message::ListTokens,
    source::Diagnostics,
    storage::{Connection, params},
    subscriber::{BadRow, ColumnMeanings, ListError, Records},
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
    /// Rows about someone whom an earlier row names already.
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

impl Audience {
    /// What an import would do.
    ///
    /// # Errors
    ///
    /// When the database cannot be used.
    pub async fn plan_import(&self, staged: Staged) -> Result<(Staged, ImportSummary), AudienceError> {
        let tokens = self.tokens.clone();
        self.ledger.ask_tables(move |db| staged.plan(db, &suppressed_hashes(db, &tokens)?, &tokens)).await
    }

    /// Imports, whole or not at all.
    ///
    /// # Errors
    ///
    /// When the database cannot be used; nothing has changed then.
    pub async fn import(&self, staged: Staged) -> Result<ImportSummary, AudienceError> {
        let tokens = self.tokens.clone();
        // Those of this moment: who is erased while files are read does not come back.
        self.ledger.transact(move |db| staged.apply(db, &suppressed_hashes(db, &tokens)?, &tokens)).await
    }
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
pub(super) const CACHE_KIB: u32 = 64 << 10;

impl Staged {
    /// Begins an import.
    ///
    /// # Errors
    ///
    /// When no file can be made for it.
    pub fn new(options: ImportOptions, now: Timestamp) -> Result<Self, AudienceError> {
        let db = Connection::scratch(CACHE_KIB)?;
        db.execute_batch(
            "CREATE TABLE staged (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, says TEXT NOT NULL); \
             CREATE TABLE unusable (key TEXT PRIMARY KEY, says TEXT NOT NULL); BEGIN",
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
        let (records, platform) = self.open(&path)?;
        let consent: Vec<(String, bool)> =
            records.consent_columns().map(|(name, is_cause)| (name.to_owned(), is_cause)).collect();
        let mapping = Mapping {
            platform,
            consent: &consent,
            file: &path,
            all_are: self.options.all_are,
            now: self.now,
        };
        let mut insert = self
            .db
            .prepare_cached("INSERT INTO staged (key, says) VALUES (?1, ?2) ON CONFLICT (key) DO NOTHING")?;
        let mut find = self.db.prepare_cached("SELECT says FROM staged WHERE key = ?1")?;
        let mut join = self.db.prepare_cached("UPDATE staged SET says = ?2 WHERE key = ?1")?;
        let (summary, diagnostics) = (&mut self.summary, &mut self.diagnostics);
        for row in records {
            summary.rows += 1;
            let record = match row? {
                Ok(record) => record,
                Err(BadRow { diagnostic, no }) => {
                    summary.bad += 1;
                    if diagnostics.len() < DIAGNOSTICS_MAX {
                        diagnostics.push(diagnostic);
                    }
                    if let Some((address, why)) = no.filter(|_| self.options.all_are.is_none()) {
                        joining::note_no(&self.db, mapping.no(address, why))?;
                    }
                    continue;
                }
            };
            let key = record.address.key();
            let says = mapping.incoming(record);
            if insert.execute(params![key, says.to_json()])? == 1 {
                summary.people += 1;
                continue;
            }
            summary.repeats += 1;
            let known: String = find.query_row([&key], |row| row.get(0))?;
            let mut joined = Incoming::from_json(&known)?;
            joined.join(says);
            join.execute(params![key, joined.to_json()])?;
        }
        self.files.push(path.display().to_string());
        let word = platform.word().to_owned();
        if !summary.from.contains(&word) {
            summary.from.push(word);
        }
        Ok(platform)
    }

    /// Opens a file, and says where it comes from. What the settings say about a column is about tables of the owner's; in an
    /// export of a service whose status is in a column of that name, it would make people active who said no.
    fn open(&self, path: &Path) -> Result<(Records, Platform), AudienceError> {
        let ImportOptions { columns, platform, all_are, .. } = &self.options;
        let open = |columns: &ColumnMeanings| {
            let records = Records::open(path, columns)?;
            let said_no = all_are.is_some_and(Status::is_no);
            Ok::<_, ListError>(if said_no { records.of_people_who_said_no() } else { records })
        };
        let records = open(columns)?;
        let from = platform.unwrap_or_else(|| Platform::detect(records.names()));
        let Some(own) = from.status_column().filter(|own| columns.contains_key(*own)) else {
            return Ok((records, from));
        };
        let mut others = columns.clone();
        others.remove(own);
        let understood = || open(&others).is_ok_and(|mut rows| rows.all(|row| row.is_ok()));
        if platform.is_some() || understood() {
            return Ok((open(&others)?, from));
        }
        Ok((records, Platform::Other))
    }

    /// What the import would do to the list in this database.
    pub(super) fn plan(
        self,
        db: &Connection,
        hashes: &SuppressedHashes,
        tokens: &ListTokens,
    ) -> Result<(Self, ImportSummary), AudienceError> {
        let mut summary = self.summary.clone();
        self.each(db, hashes, tokens, &mut summary, |_| Ok(()))?;
        Ok((self, summary))
    }

    /// Does it, in the transaction that the caller has opened.
    pub(super) fn apply(
        self,
        db: &Connection,
        hashes: &SuppressedHashes,
        tokens: &ListTokens,
    ) -> Result<ImportSummary, AudienceError> {
        db.with_cache(CACHE_KIB, || self.write(db, hashes, tokens))
    }

    fn write(
        &self,
        db: &Connection,
        hashes: &SuppressedHashes,
        tokens: &ListTokens,
    ) -> Result<ImportSummary, AudienceError> {
        let mut summary = self.summary.clone();
        let import: i64 = db.query_row(
            "INSERT INTO imports (at, files, created, changed) VALUES (?1, ?2, 0, 0) RETURNING id",
            params![self.now.as_millisecond(), self.files.join("\n")],
            |row| row.get(0),
        )?;
        let mut fields = std::collections::BTreeSet::new();
        self.each(db, hashes, tokens, &mut summary, |changes| {
            for (name, _) in changes.iter().flat_map(|change| change.after.fields.iter()) {
                if !fields.contains(name) {
                    fields.insert(name.to_owned());
                }
            }
            write_page(db, tokens, import, self.now, changes)
        })?;
        store::note_fields(db, fields.iter().map(String::as_str))?;
        db.execute(
            "UPDATE imports SET created = ?2, changed = ?3 WHERE id = ?1",
            params![import, summary.created.total() as i64, summary.changed as i64],
        )?;
        summary.import = Some(import);
        Ok(summary)
    }

    /// Decides about each person, in the order of the files, and hands those who change over, page by page.
    fn each(
        &self,
        db: &Connection,
        hashes: &SuppressedHashes,
        tokens: &ListTokens,
        summary: &mut ImportSummary,
        mut write: impl FnMut(&[Changed]) -> Result<(), AudienceError>,
    ) -> Result<(), AudienceError> {
        let rules = Rules { merge: self.options.merge, topics: &self.options.topics, now: self.now };
        summary.people += joining::join_unusable(&self.db)?;
        let repeats = joining::join_earlier(&self.db, db, tokens)?;
        (summary.people, summary.repeats) = (summary.people - repeats, summary.repeats + repeats);
        let mut staged =
            self.db.prepare_cached("SELECT id, key, says FROM staged WHERE id > ?1 ORDER BY id LIMIT ?2")?;
        let mut last: i64 = 0;
        loop {
            let rows =
                staged.query_map([last, store::PAGE], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            let page: Vec<(i64, String, String)> = rows.collect::<Result<_, _>>()?;
            let Some((id, ..)) = page.last() else { return Ok(()) };
            last = *id;
            let (keys, texts): (Vec<String>, Vec<String>) =
                page.into_iter().map(|(_, key, says)| (key, says)).unzip();
            let mut people = batch::find(db, &keys)?;
            let suppressed = batch::suppressions(db, &keys)?;
            let mut changes = Vec::new();
            for (key, says) in keys.iter().zip(&texts) {
                let stored = people.remove(key);
                let by_hash = stored.is_none() && hashes.has(key);
                let suppressed = suppressed.get(key).copied();
                changes.extend(decide_one(
                    Incoming::from_json(says)?,
                    stored,
                    suppressed,
                    by_hash,
                    &rules,
                    summary,
                ));
            }
            write(&changes)?;
        }
    }
}

/// A person whom an import brings or changes.
struct Changed {
    /// As they were, if they were on the list.
    stored: Option<Stored>,
    says: Incoming,
    after: Person,
    /// Their address is suppressed already.
    is_suppressed: bool,
}

/// Decides about one person and counts them.
fn decide_one(
    says: Incoming,
    stored: Option<Stored>,
    suppressed: Option<Reason>,
    by_hash: bool,
    rules: &Rules<'_>,
    summary: &mut ImportSummary,
) -> Option<Changed> {
    let here = Here { person: stored.as_ref().map(|stored| &stored.person), suppressed, by_hash };
    let before = here.person.map(|person| person.status);
    let after = match decide(&here, &says, rules) {
        Decision::Erased => {
            summary.erased += 1;
            return None;
        }
        Decision::Same => {
            summary.unchanged += 1;
            None
        }
        Decision::Create(person) => {
            summary.created.add(person.status, 1);
            Some(person)
        }
        Decision::Change(person) => {
            summary.changed += 1;
            if before != Some(person.status) {
                summary.lowered.add(person.status, 1);
            }
            Some(person)
        }
    };
    let now_is = after.as_ref().map(|person| person.status).or(before);
    if let Some(status) = now_is.filter(|status| says.status == Status::Active && *status != says.status) {
        summary.kept.add(status, 1);
    }
    Some(Changed { stored, says, after: after?, is_suppressed: suppressed.is_some() })
}

/// Writes those whom an import brings or changes, and how to undo it.
fn write_page(
    db: &Connection,
    tokens: &ListTokens,
    import: i64,
    now: Timestamp,
    changes: &[Changed],
) -> Result<(), AudienceError> {
    let actor = format!("import {import}");
    let new: Vec<&Person> = changes.iter().filter(|one| one.stored.is_none()).map(|one| &one.after).collect();
    let ids = batch::insert(db, tokens, &new)?;
    let updates: Vec<_> = changes.iter().filter_map(|one| Some((one.stored.as_ref()?, &one.after))).collect();
    batch::update(db, &updates)?;
    let (mut lines, mut notes, mut consents, mut suppressed) = (vec![], vec![], vec![], vec![]);
    for Changed { stored, says, after, is_suppressed } in changes {
        let (id, version, before, change) = match stored {
            None => {
                let lost = || AudienceError::Damaged { what: "no row of a person who was added".to_owned() };
                let id = *ids.get(&after.address.key()).ok_or_else(lost)?;
                consents.extend(says.consent.as_ref().map(|consent| (id, consent)));
                (id, 1, None, format!("added as {}", after.status))
            }
            Some(Stored { id, version, person }) => {
                let change = if person.status == after.status {
                    "fields".to_owned()
                } else {
                    format!("{} -> {}", person.status, after.status)
                };
                let before = serde_json::to_string(person).expect("a person is JSON");
                (*id, version + 1, Some(before), change)
            }
        };
        lines.push(batch::Line { id, change, cause: &says.source });
        notes.push(vec![import.into(), id.into(), version.into(), before.into()]);
        let reason = after.status.suppression().filter(|_| !is_suppressed);
        suppressed.extend(reason.map(|reason| batch::New { person: after, reason }));
    }
    batch::log(db, now, &actor, &lines)?;
    batch::add_consents(db, &consents, now)?;
    batch::suppress(db, import, &actor, &suppressed)?;
    let columns = ["import", "subscriber", "version", "before"];
    Ok(db.insert_all("import_changes", &columns, notes.into_iter())?)
}
