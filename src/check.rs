//! What a reader, a mail client or a mailbox provider would trip over.
//!
//! In: an issue, what it was rendered to, and what stands around it ([`LetterContext`]). Out: diagnostics, each with a code that
//! [`rule`] knows. Never: changes anything. The network is asked only by the probe of `--online`.

mod access;
mod clients;
mod css;
mod examples;
mod facts;
mod law;
mod levels;
mod links;
mod online;
mod people;
mod pictures;
mod reading;
mod rules;
mod size;
mod stories;
mod support;
mod words;

pub use clients::clients_date;
pub use examples::example;
pub use levels::{Level, Levels, UnknownCode};
pub use links::targets;
pub use online::{Answer, Answers, addresses, check_answers};
pub use people::check_list;
pub use reading::{Link, Reading, reading};
pub use rules::{RULES, Rule, rule};
pub use size::{Costs, Share, budget, costs};
pub use stories::STORIES;

use jiff::civil::Date;

use crate::{
    assets::Seen,
    issue::Issue,
    render::{Newsletter, RenderedIssue, Template},
    source::{Diagnostic, Diagnostics, Place, Span},
};

/// What can be looked at before a letter is made.
pub struct IssueContext<'a> {
    /// The issue.
    pub issue: &'a Issue,
    /// What it appears in.
    pub newsletter: &'a Newsletter,
    /// Pictures of the issue that are files: source as written, and what they are.
    pub pictures: &'a [PictureFacts],
    /// Earlier issues, the latest first.
    pub earlier: &'a [Earlier],
    /// Today.
    pub today: Date,
}

/// Everything a check looks at.
pub struct LetterContext<'a> {
    /// The issue and what stands around it.
    pub draft: IssueContext<'a>,
    /// What it was rendered to.
    pub rendered: &'a RenderedIssue,
    /// What it was laid out by.
    pub template: &'a Template,
    /// Octets of the HTML part for each block of the document, as they go over the wire.
    pub blocks: &'a [(Span, usize)],
    /// The domain that letters are signed for, when they are.
    pub dkim_domain: Option<&'a str>,
}

impl<'a> std::ops::Deref for LetterContext<'a> {
    type Target = IssueContext<'a>;

    fn deref(&self) -> &IssueContext<'a> {
        &self.draft
    }
}

/// What is known about a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureFacts {
    /// The path or address as the author wrote it.
    pub source: String,
    /// For example `image/png`; `None` for an address elsewhere.
    pub media_type: Option<String>,
    /// Width in pixels of the file.
    pub width: Option<u32>,
    /// Its size in octets.
    pub octets: Option<u64>,
    /// What the walk over its bytes told.
    pub seen: Seen,
}

/// What is remembered of an earlier issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Its file, as the user would write it.
    pub slug: String,
    /// The number of the edition.
    pub number: Option<u32>,
    /// Its date.
    pub date: Option<Date>,
    /// Its subject, as written.
    pub subject: String,
    /// Its preheader, as written.
    pub preheader: String,
    /// Where its links lead.
    pub links: Vec<String>,
}

/// Looks at everything but the network and the list.
pub fn check(case: &LetterContext<'_>) -> Diagnostics {
    let facts = facts::gather(&case.issue.document);
    let mut found = drafted(case, &facts);
    size::check(case, &mut found);
    law::check(case, &facts, &mut found);
    support::check(case, &facts, &mut found);
    access::check(case, &facts, &mut found);
    sort(&mut found);
    found
}

/// Looks at what an issue says, for one that cannot become a letter yet: words, links and pictures.
pub fn check_draft(draft: &IssueContext<'_>) -> Diagnostics {
    let mut found = drafted(draft, &facts::gather(&draft.issue.document));
    sort(&mut found);
    found
}

fn drafted(draft: &IssueContext<'_>, facts: &facts::Facts<'_>) -> Diagnostics {
    let mut found = Vec::new();
    words::check(draft, facts, &mut found);
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
    /// A finding at a span of the issue, with the severity that its rule has by itself.
    fn find(
        &self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Diagnostic {
        support::at(&self.issue.source, code, span, message, help)
    }

    /// Where a field of the front matter stands; the head of the file when it is not there.
    fn field(&self, name: &str) -> Span {
        self.issue.head.spans.get(name).cloned().unwrap_or(0..0)
    }
}
