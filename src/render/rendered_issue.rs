//! An issue that is ready to be addressed.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    newsletter::{Mailbox, Unsubscribe},
    pattern::Pattern,
};
use crate::{address::EmailAddress, assets::Picture};

/// An issue ready to be addressed: everything a letter needs but the person. This is what a dispatch freezes.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderedIssue {
    /// The issue's name: the file's (or folder's) name without its extension.
    pub slug: String,
    /// The title, for reports.
    pub title: String,
    /// The number of the edition.
    pub number: Option<u32>,
    /// A BCP 47 tag.
    pub language: String,
    /// The subject line, with placeholders for the reader still open.
    pub subject: Pattern,
    /// The HTML part: one document, lines as mrml made them.
    pub html: Pattern,
    /// The text part: lines end in `\n`.
    pub text: Pattern,
    /// The tree that the HTML was made from, as MJML, for people and other tools.
    pub mjml: String,
    /// Pictures that travel inside the letter, in the order of their first use.
    pub pictures: Vec<Picture>,
    /// The sender that readers see.
    pub from: Mailbox,
    /// Who gets the answers, when it is someone else.
    pub reply_to: Option<Mailbox>,
    /// The `Date` of every letter (RFC 5322 section 3.3), frozen with the issue.
    pub date: Timestamp,
    /// `List-Id` without angle brackets (RFC 2919), for example `letters.example.org`.
    pub list_id: String,
    /// The newsletter's name, for `List-Id` and reports.
    pub newsletter: String,
    /// How a reader leaves.
    pub unsubscribe: Unsubscribe,
    /// `List-Archive` (RFC 2369).
    pub archive: Option<String>,
    /// Where this issue can be read on the web, when it can.
    pub view: Option<String>,
    /// Where readers choose what they get; `{token}` in it is replaced by the reader's own token.
    pub preferences: Option<String>,
    /// Addresses that bounces go to: the envelope's sender.
    pub bounces: EmailAddress,
    /// Header fields of the owner's own.
    pub headers: BTreeMap<String, String>,
    /// What it is about: only people who want one of these topics get it. Without topics it is for everybody.
    pub topics: Vec<String>,
}

impl RenderedIssue {
    /// An issue without a word in it, from someone; the rest is for `..` in what makes one by hand.
    pub fn new(slug: &str, from: Mailbox) -> Self {
        let domain = from.address.domain().to_owned();
        Self {
            slug: slug.to_owned(),
            title: slug.to_owned(),
            number: None,
            language: "en".to_owned(),
            subject: Pattern::default(),
            html: Pattern::default(),
            text: Pattern::default(),
            mjml: String::new(),
            pictures: Vec::new(),
            bounces: from.address.clone(),
            from,
            reply_to: None,
            date: Timestamp::UNIX_EPOCH,
            newsletter: domain.clone(),
            list_id: domain,
            unsubscribe: Unsubscribe::default(),
            archive: None,
            view: None,
            preferences: None,
            headers: BTreeMap::new(),
            topics: Vec::new(),
        }
    }
}
