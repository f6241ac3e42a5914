//! What speaks against a send.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::{
    address::EmailAddress,
    dispatch::survey::SurveyError,
    ledger::{LedgerError, Selection},
    message::{ComposeError, Composer},
    render::RenderedIssue,
    source::{Diagnostics, nearest},
    subscriber::{List, ListError},
};

/// Why a dispatch is not opened. Nothing has been recorded then, and no letter has left.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The issue is the one that was opened under another name: its readers would get it again.
    #[error("`{slug}` looks like the issue that was opened as `{opened_as}`")]
    Renamed {
        /// The issue's slug.
        slug: String,
        /// The slug it was opened with.
        opened_as: String,
        /// When it was opened.
        opened_at: Timestamp,
    },
    /// The issue was edited after some subscribers got it.
    #[error("`{}` has been edited since its dispatch was opened", edited.slug)]
    Edited {
        /// When the dispatch was opened.
        opened_at: Timestamp,
        /// The letter that was frozen then.
        frozen: Box<RenderedIssue>,
        /// The letter as it is now.
        edited: Box<RenderedIssue>,
    },
    /// The dispatch goes through a relay, and this send would end in a folder.
    #[error("`{slug}` is being sent through {relay}, and no relay is set now")]
    RelayLost {
        /// The issue's slug.
        slug: String,
        /// The relay's name in the ledger.
        relay: String,
    },
    /// Letters of the dispatch were made with other keys.
    #[error(
        "the keys have changed since letters of this issue left: they were signed with {frozen}, and would be with {now} now"
    )]
    KeysChanged {
        /// The [fingerprint](crate::message::Secrets::fingerprint) of the keys of the first run.
        frozen: String,
        /// The fingerprint of the keys of this run.
        now: String,
    },
    /// The selection's condition names fields that the list does not have.
    #[error("the condition cannot be used with `{}`", list.display())]
    Condition {
        /// The list's file.
        list: PathBuf,
        /// The fields.
        diagnostics: Diagnostics,
    },
    /// The list lacks columns that the letter needs.
    #[error(transparent)]
    Columns(#[from] ColumnsError),
    /// The selection names addresses that are neither on the list nor in the dispatch.
    #[error("{} of the selected addresses are not in `{}`", addresses.len(), list.display())]
    NotOnList {
        /// The list's file.
        list: PathBuf,
        /// The addresses: at least one.
        addresses: Vec<EmailAddress>,
    },
    /// The list has rows that cannot be used.
    #[error("{rows} rows of the subscriber list cannot be used")]
    BadRows {
        /// How many rows.
        rows: u64,
        /// The first of them.
        diagnostics: Diagnostics,
    },
    /// The list cannot be read.
    #[error(transparent)]
    List(#[from] ListError),
    /// The letter cannot be composed.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl From<SurveyError> for OpenError {
    fn from(error: SurveyError) -> Self {
        match error {
            SurveyError::List(error) => error.into(),
            SurveyError::Ledger(error) => error.into(),
        }
    }
}

/// A list without the columns that are asked for.
#[derive(Debug, thiserror::Error)]
#[error("`{}` has {what}", list.display())]
pub struct ColumnsError {
    /// The list's file.
    pub list: PathBuf,
    /// The columns that it has.
    pub columns: Vec<String>,
    what: String,
}

/// Checks that a list says who wants the topics of an issue.
pub(super) fn check_topics(topics: &[String], list: &List) -> Result<(), ColumnsError> {
    if topics.is_empty() || list.columns().iter().any(|column| column == "topics") {
        return Ok(());
    }
    let what = format!("no column `topics`, and the issue is about {}", topics.join(", "));
    Err(ColumnsError { list: list.path().to_owned(), columns: list.columns().to_vec(), what })
}

/// Checks that every `subscriber.NAME` of a letter is a column of the list.
///
/// # Errors
///
/// Names every column that is missing.
pub(crate) fn check_columns(composer: &Composer, list: &List) -> Result<(), ColumnsError> {
    let mut unknown: Vec<String> = Vec::new();
    for placeholder in composer.placeholders() {
        let [space, name] = placeholder.path.as_slice() else { continue };
        if space == "subscriber"
            && !matches!(name.as_str(), "email" | "address" | "name")
            && !list.columns().contains(name)
        {
            let near = nearest(name, list.columns().iter().map(String::as_str));
            let help = near.map(|near| format!(" (did you mean `subscriber.{near}`?)")).unwrap_or_default();
            let line = format!("`subscriber.{name}`{help}");
            if !unknown.contains(&line) {
                unknown.push(line);
            }
        }
    }
    if unknown.is_empty() {
        return Ok(());
    }
    let what = if unknown.len() == 1 { "no column for a placeholder" } else { "no columns for placeholders" };
    Err(ColumnsError {
        list: list.path().to_owned(),
        columns: list.columns().to_vec(),
        what: format!("{what}: {}", unknown.join(", ")),
    })
}

/// A selection by a field that no column has is a mistake, and not a selection of no one.
pub(super) fn check_condition(selection: Option<&Selection>, list: &List) -> Result<(), OpenError> {
    let Some(Selection::Where(condition)) = selection else { return Ok(()) };
    condition
        .check(list.columns().iter().map(String::as_str))
        .map_err(|diagnostics| OpenError::Condition { list: list.path().to_owned(), diagnostics })
}
