//! One reading of the list beside the ledger: who is new, who is owed, which rows cannot be used.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    issue::Placeholder,
    ledger::{BoxError, Choice, DispatchId, Ledger, LedgerError, State},
    message::Composer,
    source::{Diagnostic, Diagnostics, Place, Severity},
    subscriber::{EmailAddress, List, ListError, Row, Subscriber},
};

/// What a list is to a dispatch.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// People who want letters.
    pub people: u64,
    /// People who are not in the dispatch yet.
    pub newcomers: u64,
    /// Newcomers whose address is suppressed.
    pub newcomers_suppressed: u64,
    /// Rows that say that the person is paused or has left.
    pub paused: u64,
    /// Rows that repeat an address.
    pub duplicates: u64,
    /// Rows that cannot be read, and people whose letter would have a gap.
    pub unusable: u64,
    /// The first of the unusable rows and the repeats.
    pub diagnostics: Diagnostics,
    /// People who are owed the issue and whom the choice names; all who are owed when there is no choice.
    pub chosen: u64,
}

/// Why a survey broke off.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
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
    all: HashSet<u64>,
    owed: HashSet<u64>,
}

/// Reads the list once and counts.
pub async fn survey(
    list: List,
    ledger: Option<&Ledger>,
    dispatch: Option<DispatchId>,
    composer: &Composer,
    choice: Option<&Choice>,
) -> Result<Survey, SurveyError> {
    let mut suppressed = HashSet::new();
    let mut known = Known::default();
    if let Some(ledger) = ledger {
        let mut pages = ledger.suppressions();
        while let Some(suppression) = pages.next().await? {
            suppressed.insert(hash(&suppression.address));
        }
        if let Some(dispatch) = dispatch {
            let mut pages = ledger.deliveries(dispatch, None);
            while let Some(row) = pages.next().await? {
                let name = hash(&row.address);
                known.all.insert(name);
                if matches!(row.state, State::Queued | State::Deferred) {
                    known.owed.insert(name);
                }
            }
        }
    }
    let path = list.path().to_owned();
    let mut survey = Survey::default();
    for row in list {
        let found = match row? {
            Row::Person { line, subscriber } => {
                survey.people += 1;
                let name = hash(&subscriber.address);
                let is_new = !known.all.contains(&name);
                let is_suppressed = suppressed.contains(&name);
                if is_new && let Some(gap) = composer.missing(&subscriber).next() {
                    survey.unusable += 1;
                    survey.note(incomplete(&path, line, gap));
                    continue;
                }
                survey.newcomers += u64::from(is_new);
                survey.newcomers_suppressed += u64::from(is_new && is_suppressed);
                let is_owed = (is_new || known.owed.contains(&name)) && !is_suppressed;
                survey.chosen += u64::from(is_owed && choice.is_none_or(|choice| names(choice, &subscriber)));
                continue;
            }
            Row::Paused { .. } => {
                survey.paused += 1;
                continue;
            }
            Row::Repeat(diagnostic) => {
                survey.duplicates += 1;
                diagnostic
            }
            Row::Bad(diagnostic) => {
                survey.unusable += 1;
                diagnostic
            }
        };
        survey.note(found);
    }
    match choice {
        Some(Choice::First(most)) => survey.chosen = survey.chosen.min(*most),
        Some(Choice::Sample { count, .. }) => survey.chosen = survey.chosen.min(*count),
        Some(Choice::Only(_) | Choice::Where { .. }) | None => {}
    }
    Ok(survey)
}

impl Survey {
    fn note(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < DIAGNOSTICS_MAX {
            self.diagnostics.push(diagnostic);
        }
    }
}

/// The people to write to, as a stream of the list; rows that cannot be used are passed over.
pub fn people(
    list: List,
    composer: Arc<Composer>,
) -> impl Iterator<Item = Result<Subscriber, BoxError>> + Send + 'static {
    list.filter_map(move |row| match row {
        Ok(Row::Person { subscriber, .. }) => {
            let is_complete = composer.missing(&subscriber).next().is_none();
            is_complete.then_some(Ok(subscriber))
        }
        Ok(Row::Paused { .. } | Row::Repeat(_) | Row::Bad(_)) => None,
        Err(error) => Some(Err(error.into())),
    })
}

fn names(choice: &Choice, subscriber: &Subscriber) -> bool {
    match choice {
        Choice::Only(addresses) => addresses.iter().any(|address| address.key() == subscriber.address.key()),
        Choice::Where { field, value } => subscriber.field(field) == Some(value.as_str()),
        Choice::First(_) | Choice::Sample { .. } => true,
    }
}

fn hash(address: &EmailAddress) -> u64 {
    let mut hasher = DefaultHasher::new();
    address.key().hash(&mut hasher);
    hasher.finish()
}

fn incomplete(path: &Path, line: u64, gap: &Placeholder) -> Diagnostic {
    let column = gap.path.last().cloned();
    let name = gap.path.join(".");
    let place = Place::Row { path: PathBuf::from(path), line, column };
    Diagnostic::at("M492", Severity::Error, place, format!("`{name}` is empty for this person"))
        .help(format!("fill it in, or give the placeholder a default: `{{{{ {name} | default(\"…\") }}}}`"))
}
