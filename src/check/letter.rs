//! All checks of an issue and of its letter, one after the other.

use super::{
    access, compliance,
    context::{IssueContext, LetterContext},
    facts, links, pictures, size, support, text_checks, unfinished,
};
use crate::source::{Diagnostic, Diagnostics, Place};

/// Checks everything but the network and the list.
pub(super) fn check(case: &LetterContext<'_>) -> Diagnostics {
    let facts = facts::find(&case.draft.issue.document);
    let mut found = drafted(&case.draft, &facts);
    size::check(case, &mut found);
    compliance::check(case, &facts, &mut found);
    support::check(case, &facts, &mut found);
    access::check(case, &facts, &mut found);
    found
}

/// Checks what an issue says when it could not be built: words, links and pictures.
pub(super) fn check_draft(draft: &IssueContext<'_>) -> Diagnostics {
    drafted(draft, &facts::find(&draft.issue.document))
}

fn drafted(draft: &IssueContext<'_>, facts: &facts::Facts<'_>) -> Diagnostics {
    let mut found = Vec::new();
    unfinished::check(draft, facts, &mut found);
    text_checks::check(draft, facts, &mut found);
    links::check(draft, facts, &mut found);
    pictures::check(draft, facts, &mut found);
    found
}

/// In the order of the file, so that two runs print the same.
pub fn sort(found: &mut Diagnostics) {
    found.sort_by(|a, b| order(a).cmp(&order(b)));
}

fn order(diagnostic: &Diagnostic) -> (String, u64, u32, &'static str, &str) {
    let (path, line, column) = match &diagnostic.place {
        Place::File { path } => (path, 0, 0),
        Place::Text { path, start, .. } => (path, start.line.into(), start.column),
        Place::Row { path, line, .. } => (path, *line, 0),
    };
    (path.display().to_string(), line, column, diagnostic.code, &diagnostic.message)
}
