//! One reading of the list beside the ledger: who is new, who is owed, which rows cannot be used.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    sync::{Arc, mpsc::sync_channel},
    thread,
};

use crate::{
    address::EmailAddress,
    issue::Placeholder,
    ledger::{BoxError, DispatchId, Ledger, LedgerError, Selection, SuppressedHashes},
    message::Composer,
    source::{Diagnostic, Diagnostics, Place, Severity},
    subscriber::{
        ConditionError, HEADER_VALUE_MAX, Inactive, InactiveCounts, List, ListError, Row, Subscriber,
    },
};

/// What a list is to a dispatch.
#[derive(Clone, Debug, Default)]
pub(super) struct Survey {
    /// People who want letters.
    pub(super) people: u64,
    /// People who are not in the dispatch yet.
    pub(super) newcomers: u64,
    /// Newcomers whose address is suppressed.
    pub(super) newcomers_suppressed: u64,
    /// People on the list who get no letters, by cause.
    pub(super) inactive: InactiveCounts,
    /// Rows that repeat an address.
    pub(super) duplicates: u64,
    /// Rows that cannot be read, and people whose letter would have a gap.
    pub(super) unusable: u64,
    /// The first of the unusable rows and the repeats.
    pub(super) diagnostics: Diagnostics,
    /// People who are owed the issue and whom the choice names; all who are owed when there is no choice.
    pub(super) chosen: u64,
    /// Those of them who failed before and are tried again.
    pub(super) retried: Vec<EmailAddress>,
    /// Whether others of those who failed stay so, because the list says that they get no letters.
    pub(super) failed_stay: bool,
    /// People who are owed the issue by the ledger, and have been suppressed since.
    pub(super) suppressed_since: u64,
    /// People who are owed the issue by the ledger, and of whom the list says that they get no letters.
    pub(super) opted_out: Vec<(EmailAddress, Inactive)>,
    /// People who are owed the issue and whom the list no longer has.
    pub(super) gone: u64,
    /// Addresses of the choice that are neither on the list nor in the dispatch.
    pub(super) unknown: Vec<EmailAddress>,
}

/// Whether letters that failed are owed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// They stay as they are.
    Stay,
    /// The owner asked for another try.
    Again,
}

/// Why a survey broke off.
#[derive(Debug, thiserror::Error)]
pub(super) enum SurveyError {
    /// The list cannot be read.
    #[error(transparent)]
    List(#[from] ListError),
    /// The ledger cannot be asked.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// So many diagnostics are kept; the counts tell how many there are.
const DIAGNOSTICS_MAX: usize = 50;

/// Addresses by the hash of their key. Used for counts only: whoever is written to is decided by the ledger's key.
#[derive(Default)]
struct Known {
    suppressed: HashSet<u64>,
    hashes: SuppressedHashes,
    /// Those who are in the dispatch.
    all: HashSet<u64>,
    /// Those who are owed the issue and have not been met on the list.
    owed: HashSet<u64>,
}

/// Reads the list once and counts.
pub(super) async fn survey(
    list: List,
    ledger: &Ledger,
    dispatch: Option<DispatchId>,
    composer: &Composer,
    choice: Option<&Selection>,
    failed: Failed,
) -> Result<Survey, SurveyError> {
    let mut survey = Survey::default();
    let mut known = Known::default();
    known.read_suppressions(ledger).await?;
    if let Some(dispatch) = dispatch {
        survey.count_ledger(ledger, dispatch, &list, &mut known, choice, failed).await?;
    }
    let mut missing: HashSet<u64> = match choice {
        Some(Selection::Only(addresses)) => addresses.iter().map(hash).collect(),
        _ => HashSet::new(),
    };
    missing.retain(|name| !known.all.contains(name));
    survey.count_list(list, &mut known, &mut missing, composer, choice)?;
    survey.gone = known.owed.len() as u64;
    match choice {
        Some(Selection::Only(addresses)) => {
            survey.unknown.extend(addresses.iter().filter(|one| missing.contains(&hash(one))).cloned());
        }
        Some(Selection::First(most)) => survey.chosen = survey.chosen.min(*most),
        Some(Selection::Sample { count, .. }) => survey.chosen = survey.chosen.min(*count),
        Some(Selection::Where(_)) | None => {}
    }
    Ok(survey)
}

/// Whether a choice means a person.
fn chooses(choice: Option<&Selection>, person: &Subscriber) -> Result<bool, ConditionError> {
    match choice {
        Some(Selection::Only(addresses)) => {
            Ok(addresses.iter().any(|address| address.key() == person.address.key()))
        }
        Some(Selection::Where(condition)) => condition.matches(person),
        Some(Selection::First(_) | Selection::Sample { .. }) | None => Ok(true),
    }
}

impl Known {
    async fn read_suppressions(&mut self, ledger: &Ledger) -> Result<(), LedgerError> {
        let mut pages = ledger.suppressions();
        while let Some(suppression) = pages.next().await? {
            self.suppressed.insert(hash(&suppression.address));
        }
        self.hashes = ledger.suppressed_hashes().await?;
        Ok(())
    }

    /// Whether the address is suppressed, or its keyed hash is.
    fn is_suppressed(&self, address: &EmailAddress) -> bool {
        self.suppressed.contains(&hash(address)) || self.hashes.has(&address.key_cow())
    }
}

impl Survey {
    /// Counts those whom the ledger knows already.
    async fn count_ledger(
        &mut self,
        ledger: &Ledger,
        dispatch: DispatchId,
        list: &List,
        known: &mut Known,
        choice: Option<&Selection>,
        failed: Failed,
    ) -> Result<(), LedgerError> {
        let mut pages = ledger.deliveries(dispatch, None);
        while let Some(row) = pages.next().await? {
            known.all.insert(hash(&row.address));
        }
        // They get it as they were frozen, so that is what a choice looks at.
        let mut pages = ledger.owed(dispatch);
        while let Some(person) = pages.next().await? {
            let name = hash(&person.address);
            if known.is_suppressed(&person.address) {
                self.suppressed_since += 1;
            } else if let Some(why) = list.why_inactive(&person.address) {
                self.opted_out.push((person.address, why));
            } else {
                known.owed.insert(name);
                self.chosen += u64::from(self.chooses_frozen(choice, &person, list));
            }
        }
        let mut pages = ledger.failed(dispatch);
        while failed == Failed::Again
            && let Some(person) = pages.next().await?
        {
            if known.is_suppressed(&person.address) {
                continue;
            }
            if list.why_inactive(&person.address).is_some() {
                self.failed_stay = true;
            } else if self.chooses_frozen(choice, &person, list) {
                self.chosen += 1;
                self.retried.push(person.address);
            }
        }
        Ok(())
    }

    /// Counts the rows of the list. Whoever is met on it is taken out of `known.owed` and `missing`.
    fn count_list(
        &mut self,
        list: List,
        known: &mut Known,
        missing: &mut HashSet<u64>,
        composer: &Composer,
        choice: Option<&Selection>,
    ) -> Result<(), ListError> {
        let path = list.path().to_owned();
        for row in list {
            let found = match row? {
                Row::Person { line, subscriber } => {
                    self.people += 1;
                    let name = hash(&subscriber.address);
                    let is_new = !known.all.contains(&name);
                    let is_suppressed = known.is_suppressed(&subscriber.address);
                    known.owed.remove(&name);
                    missing.remove(&name);
                    if is_new && let Some(gap) = composer.missing(&subscriber).next() {
                        self.unusable += 1;
                        self.note(incomplete(&path, line, gap));
                        continue;
                    }
                    if is_new && let Some(value) = composer.overlong(&subscriber) {
                        self.unusable += 1;
                        self.note(overlong(&path, line, value));
                        continue;
                    }
                    self.newcomers += u64::from(is_new);
                    self.newcomers_suppressed += u64::from(is_new && is_suppressed);
                    if !is_new || is_suppressed {
                        continue;
                    }
                    match chooses(choice, &subscriber) {
                        Ok(is_chosen) => self.chosen += u64::from(is_chosen),
                        Err(error) => {
                            self.unusable += 1;
                            self.note(undecided(
                                Place::Row { path: path.clone(), line, column: error.field },
                                error.why,
                            ));
                        }
                    }
                    continue;
                }
                Row::Inactive { why, .. } => {
                    self.inactive.add(why);
                    continue;
                }
                Row::Repeat(diagnostic) => {
                    self.duplicates += 1;
                    diagnostic
                }
                Row::Bad(diagnostic) => {
                    self.unusable += 1;
                    diagnostic
                }
            };
            self.note(found);
        }
        Ok(())
    }

    /// Whether a choice means someone as they were frozen.
    fn chooses_frozen(&mut self, choice: Option<&Selection>, person: &Subscriber, list: &List) -> bool {
        chooses(choice, person).unwrap_or_else(|error| {
            self.unusable += 1;
            let why = format!("{} ({})", error.why, person.address);
            self.note(undecided(Place::File { path: list.path().to_owned() }, why));
            false
        })
    }

    fn note(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < DIAGNOSTICS_MAX {
            self.diagnostics.push(diagnostic);
        }
    }
}

/// The people to write to, as a stream of the list; rows that cannot be used are passed over. A thread of its own reads
/// ahead while the ledger writes.
pub(super) fn people(
    list: List,
    composer: Arc<Composer>,
) -> impl Iterator<Item = Result<Subscriber, BoxError>> + Send + 'static {
    ahead(list.filter_map(move |row| match row {
        Ok(Row::Person { subscriber, .. }) => composer.is_complete(&subscriber).then_some(Ok(subscriber)),
        Ok(Row::Inactive { .. } | Row::Repeat(_) | Row::Bad(_)) => None,
        Err(error) => Some(Err(error.into())),
    }))
}

/// The people to write to, for a list that needs no report: it breaks off at the first row that is not a person whose letter has no
/// gap, and at the end of a list without people. Repeats are not looked for.
pub(super) fn people_without_fault(
    list: List,
    composer: Arc<Composer>,
) -> impl Iterator<Item = Result<Subscriber, BoxError>> + Send + 'static {
    let mut rows = list.without_repeats();
    let mut is_empty = true;
    ahead(std::iter::from_fn(move || match rows.next() {
        Some(Ok(Row::Person { subscriber, .. })) if composer.is_complete(&subscriber) => {
            is_empty = false;
            Some(Ok(subscriber))
        }
        None if !is_empty => None,
        _ => Some(Err("there is something to tell about the list".into())),
    }))
}

/// Items that are read at a time, and how many such pages may wait.
const PAGE: usize = 500;
const PAGES_AHEAD: usize = 4;

/// Runs an iterator on a thread of its own. An empty page ends it: a reader that dies before is an error, not a short list.
fn ahead<T: Send + 'static>(
    mut items: impl Iterator<Item = Result<T, BoxError>> + Send + 'static,
) -> impl Iterator<Item = Result<T, BoxError>> + Send + 'static {
    let (sender, pages) = sync_channel(PAGES_AHEAD);
    // Without a thread the sender is gone, which is handled below.
    let _ = thread::Builder::new().name("list-reader".into()).spawn(move || {
        loop {
            let page: Vec<_> = items.by_ref().take(PAGE).collect();
            let is_last = page.is_empty();
            // Who does not listen any more has given up.
            if sender.send(page).is_err() || is_last {
                return;
            }
        }
    });
    let (mut page, mut is_over) = (Vec::new().into_iter(), false);
    std::iter::from_fn(move || {
        loop {
            if let Some(item) = page.next() {
                return Some(item);
            }
            if is_over {
                return None;
            }
            match pages.recv() {
                Ok(next) => {
                    is_over = next.is_empty();
                    page = next.into_iter();
                }
                Err(_) => {
                    is_over = true;
                    return Some(Err("the reading of the list broke off".into()));
                }
            }
        }
    })
}

fn hash(address: &EmailAddress) -> u64 {
    let mut hasher = DefaultHasher::new();
    address.key().hash(&mut hasher);
    hasher.finish()
}

/// A person of whom a condition does not say whether it means them.
fn undecided(place: Place, why: String) -> Diagnostic {
    Diagnostic::at("M322", Severity::Error, place, format!("the condition cannot be evaluated: {why}")).help(
        "fix the value, or let the condition pass such people over: has(subscriber.age) && int(age) > 40",
    )
}

fn incomplete(path: &Path, line: u64, gap: &Placeholder) -> Diagnostic {
    let column = gap.path.last().cloned();
    let name = gap.path.join(".");
    let place = Place::Row { path: PathBuf::from(path), line, column };
    Diagnostic::at("M492", Severity::Error, place, format!("`{name}` is empty for this person"))
        .help(format!("fill it in, or give the placeholder a default: `{{{{ {name} | default(\"…\") }}}}`"))
}

fn overlong(path: &Path, line: u64, value: &Placeholder) -> Diagnostic {
    let column = value.path.last().cloned();
    let place = Place::Row { path: PathBuf::from(path), line, column };
    let message = format!("`{}` is too long for the subject", value.path.join("."));
    Diagnostic::at("M319", Severity::Error, place, message)
        .help(format!("shorten it: a header field of a letter takes {HEADER_VALUE_MAX} characters"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_ahead_changes_nothing_and_a_reader_that_dies_is_reported() {
        for count in [0, 1, PAGE, PAGE * 7 + 3] {
            let read: Vec<usize> = ahead((0..count).map(Ok)).map(Result::unwrap).collect();
            assert_eq!(read, (0..count).collect::<Vec<_>>());
        }
        let dying =
            (0..PAGE * 2).map(|n| if n == PAGE + 1 { panic!("the reader of this test dies") } else { Ok(n) });
        let read: Vec<Result<usize, BoxError>> = ahead(dying).collect();
        assert_eq!(read.len(), PAGE + 1);
        assert!(read[..PAGE].iter().all(Result::is_ok) && read[PAGE].is_err());
    }
}
