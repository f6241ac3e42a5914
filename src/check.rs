//! What a reader, a mail client or a mailbox provider would trip over.
//!
//! In: an issue that was built ([`Built`], or [`BuildError`](crate::render::BuildError)) and a [`CheckContext`]. Out: a [`Report`] of
//! diagnostics, each with a code that [`rule`] knows. Never: changes anything, opens a connection, or runs a program.

mod access;
mod backgrounds;
mod clients;
mod compliance;
mod css;
mod facts;
mod findings;
mod levels;
mod links;
mod online;
mod people;
mod pictures;
mod reading;
mod run;
mod size;
mod support;
mod text_checks;
mod unfinished;

#[doc(hidden)]
pub use clients::clients_date;
pub use findings::{Rule, rule, rules};
pub use levels::{Level, Levels, UnknownCode};
#[doc(hidden)]
pub use links::targets;
use online::check_answers;
pub use online::{Answer, Answers, addresses};
use people::check_list;
#[doc(hidden)]
pub use reading::{Link, Reading, reading};
pub use run::{CheckContext, Report, run, run_draft};
#[doc(hidden)]
pub use size::{BEFORE_FIRST_HEADING, TEMPLATE};
pub use size::{Costs, Share};
use size::{budget, costs};

use std::path::Path;

use jiff::civil::Date;

use crate::{
    assets::Seen,
    issue::Issue,
    render::{Built, Newsletter},
    source::{Diagnostic, Diagnostics, Place, Span},
};

/// What can be checked before there is a letter.
struct IssueContext<'a> {
    issue: &'a Issue,
    newsletter: &'a Newsletter,
    /// Pictures of the issue that are files: source as written, and what they are.
    pictures: &'a [PictureFacts],
    /// Earlier issues, the latest first.
    earlier: &'a [Earlier],
    today: Date,
}

/// Everything that can be checked.
struct LetterContext<'a> {
    /// The issue and what is around it.
    draft: IssueContext<'a>,
    built: &'a Built,
    /// The settings file.
    settings: &'a Path,
    /// The domain of the DKIM signature, if messages are signed.
    dkim_domain: Option<&'a str>,
}

/// What is known about a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PictureFacts {
    /// The path or address as the author wrote it.
    source: String,
    /// For example `image/png`; `None` for an address elsewhere.
    media_type: Option<String>,
    /// Width in pixels of the file.
    width: Option<u32>,
    /// Its size in bytes.
    octets: Option<u64>,
    /// What its bytes say beyond that.
    seen: Seen,
}

/// What is remembered of an earlier issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Its file, as the user would write it.
    pub slug: String,
    /// The number of the edition.
    pub number: Option<u32>,
    /// The date in its front matter.
    pub date: Option<Date>,
    /// Its subject, as written.
    pub subject: String,
    /// Its preheader, as written.
    pub preheader: String,
    /// Where its links lead.
    pub links: Vec<String>,
}

/// Checks everything but the network and the list.
fn check(case: &LetterContext<'_>) -> Diagnostics {
    let facts = facts::gather(&case.draft.issue.document);
    let mut found = drafted(&case.draft, &facts);
    size::check(case, &mut found);
    compliance::check(case, &facts, &mut found);
    support::check(case, &facts, &mut found);
    access::check(case, &facts, &mut found);
    found
}

/// Checks what an issue says when it could not be built: words, links and pictures.
fn check_draft(draft: &IssueContext<'_>) -> Diagnostics {
    drafted(draft, &facts::gather(&draft.issue.document))
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

impl IssueContext<'_> {
    /// A finding at a span of the issue, with the severity that its rule has on its own.
    fn find(
        &self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Diagnostic {
        findings::at(&self.issue.source, code, span, message, help)
    }

    /// Where a field of the front matter is; the head of the file when it is not there.
    fn field(&self, name: &str) -> Span {
        self.issue.head.spans.get(name).cloned().unwrap_or(0..0)
    }
}
