//! What checks look at: an issue with what is around it, and the letter that was built from it.

use std::path::Path;

use jiff::civil::Date;

use super::findings;
use crate::{
    assets::Seen,
    issue::Issue,
    render::{Built, Newsletter},
    source::{Diagnostic, Span},
};

/// What can be checked before there is a letter.
pub(super) struct IssueContext<'a> {
    pub(super) issue: &'a Issue,
    pub(super) newsletter: &'a Newsletter,
    /// Pictures of the issue that are files: source as written, and what they are.
    pub(super) pictures: &'a [PictureFacts],
    /// Earlier issues, the latest first.
    pub(super) earlier: &'a [Earlier],
    pub(super) today: Date,
}

/// Everything that can be checked.
pub(super) struct LetterContext<'a> {
    /// The issue and what is around it.
    pub(super) draft: IssueContext<'a>,
    pub(super) built: &'a Built,
    /// The settings file.
    pub(super) settings: &'a Path,
    /// The domain of the DKIM signature, if messages are signed.
    pub(super) dkim_domain: Option<&'a str>,
}

/// What is known about a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PictureFacts {
    /// The path or address as the author wrote it.
    pub(super) source: String,
    /// For example `image/png`; `None` for an address elsewhere.
    pub(super) media_type: Option<String>,
    /// Width in pixels of the file.
    pub(super) width: Option<u32>,
    /// Its size in bytes.
    pub(super) bytes: Option<u64>,
    /// What its bytes say beyond that.
    pub(super) seen: Seen,
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

impl IssueContext<'_> {
    /// A finding at a span of the issue, with the severity that its rule has on its own.
    pub(super) fn find(
        &self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Diagnostic {
        findings::at(&self.issue.source, code, span, message, help)
    }

    /// Where a field of the front matter is; the head of the file when it is not there.
    pub(super) fn field(&self, name: &str) -> Span {
        self.issue.head.spans.get(name).cloned().unwrap_or(0..0)
    }
}
