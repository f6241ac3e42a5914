//! `[list]`: where the subscriber list is, and what its columns mean.

use std::{path::Path, sync::Arc};

use super::{
    overrides::{Override, Overrides},
    paths::under,
    raw::Table,
};
use crate::{
    audience::ManagedList,
    ledger::Location,
    subscriber::{self, ColumnMeanings, ListFile, ListSource, Meaning},
};

/// `[list]`: a file, or the ledger's database, and what its columns mean.
pub(super) fn list(
    tree: &Table<'_>,
    root: &Path,
    base: &Path,
    overrides: &Overrides,
    ledger: &Location,
) -> (ListSource, ColumnMeanings) {
    let section = tree.table("list");
    let columns = list_columns(&section);
    let found = section.text("path", "subscribers.csv").map(|path| under(base, &path.value));
    let managed = section.flag("managed").filter(|managed| managed.value);
    if let Some(managed) = &managed
        && found.is_some()
    {
        let message = "a list cannot be a file and managed";
        tree.notes().error("M013", managed.span.clone(), message, "remove `path`, or remove `managed`");
    }
    section.finish();
    let said = overrides.list.as_ref().map(Override::path);
    let list = match (managed, said) {
        (Some(_), None) => ListSource::Stored(Arc::new(ManagedList::new(ledger))),
        (_, said) => {
            let path = said.or(found).unwrap_or_else(|| under(root, "subscribers.csv"));
            ListSource::File(ListFile { path, columns: columns.clone() })
        }
    };
    (list, columns)
}

/// `[list.columns]`: what columns of the list mean.
fn list_columns(section: &Table<'_>) -> ColumnMeanings {
    let mut columns = ColumnMeanings::new();
    for (name, word) in section.named_texts("columns") {
        match Meaning::from_word(&word.value) {
            Some(meaning) => {
                columns.insert(subscriber::normalize(&name.value), meaning);
            }
            None => {
                let known: Vec<_> = Meaning::WORDS.iter().map(|(word, _)| *word).collect();
                let message = format!("`list.columns.{}` cannot be {:?}", name.value, word.value);
                section.notes().error(
                    "M005",
                    word.span,
                    message,
                    format!("write one of: {}", known.join(", ")),
                );
            }
        }
    }
    columns
}
