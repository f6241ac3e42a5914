//! How a frozen issue is stored: a form of its own, with a number, so that a later version of the program reads what an
//! earlier one has frozen.

use std::{borrow::Cow, collections::BTreeMap, error::Error};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    newsletter::{Mailbox, Unsubscribe},
    pattern::Pattern,
    rendered_issue::RenderedIssue,
};
use crate::{address::EmailAddress, assets::Picture};

/// The form that is written now.
const FORMAT: u32 = 1;

/// Why a stored issue cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoredIssueError {
    /// It is not what [`RenderedIssue::to_stored`] writes.
    #[error("the stored issue is damaged")]
    Damaged(#[source] Box<dyn Error + Send + Sync>),
    /// A later version of the program has written it.
    #[error("the stored issue has format {format}, and this version reads formats up to {FORMAT}")]
    Newer {
        /// The format that it has.
        format: u32,
    },
}

fn damaged(error: serde_json::Error) -> StoredIssueError {
    StoredIssueError::Damaged(error.into())
}

/// All formats so far. What a later one adds has a default, for those before it.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    /// None before there were formats: today's fields, and the MJML.
    #[serde(default)]
    format: u32,
    slug: Cow<'a, str>,
    title: Cow<'a, str>,
    number: Option<u32>,
    language: Cow<'a, str>,
    subject: Cow<'a, Pattern>,
    html: Cow<'a, Pattern>,
    text: Cow<'a, Pattern>,
    pictures: Cow<'a, [Picture]>,
    from: Cow<'a, Mailbox>,
    reply_to: Option<Mailbox>,
    date: Timestamp,
    list_id: Cow<'a, str>,
    newsletter: Cow<'a, str>,
    unsubscribe: Cow<'a, Unsubscribe>,
    archive: Option<Cow<'a, str>>,
    view: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    preferences: Option<Cow<'a, str>>,
    bounces: Cow<'a, EmailAddress>,
    headers: Cow<'a, BTreeMap<String, String>>,
    #[serde(default)]
    topics: Cow<'a, [String]>,
}

/// Only what its format says about itself.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    format: u32,
}

/// What makes the letters, and nothing else; in this order.
#[derive(Serialize)]
struct Content<'a> {
    slug: &'a str,
    number: Option<u32>,
    subject: &'a Pattern,
    html: &'a Pattern,
    text: &'a Pattern,
    pictures: &'a [Picture],
    from: &'a Mailbox,
    reply_to: Option<&'a Mailbox>,
    list_id: &'a str,
    newsletter: &'a str,
    unsubscribe: &'a Unsubscribe,
    archive: Option<&'a str>,
    view: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferences: Option<&'a str>,
    bounces: &'a EmailAddress,
    headers: &'a BTreeMap<String, String>,
    /// They say who gets it.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    topics: &'a [String],
}

impl RenderedIssue {
    /// The form in which a dispatch freezes an issue. The MJML, which no letter has, is not in it.
    pub fn to_stored(&self) -> Vec<u8> {
        let stored = Stored {
            format: FORMAT,
            slug: self.slug.as_str().into(),
            title: self.title.as_str().into(),
            number: self.number,
            language: self.language.as_str().into(),
            subject: Cow::Borrowed(&self.subject),
            html: Cow::Borrowed(&self.html),
            text: Cow::Borrowed(&self.text),
            pictures: self.pictures.as_slice().into(),
            from: Cow::Borrowed(&self.from),
            reply_to: self.reply_to.clone(),
            date: self.date,
            list_id: self.list_id.as_str().into(),
            newsletter: self.newsletter.as_str().into(),
            unsubscribe: Cow::Borrowed(&self.unsubscribe),
            archive: self.archive.as_deref().map(Cow::from),
            view: self.view.as_deref().map(Cow::from),
            preferences: self.preferences.as_deref().map(Cow::from),
            bounces: Cow::Borrowed(&self.bounces),
            headers: Cow::Borrowed(&self.headers),
            topics: self.topics.as_slice().into(),
        };
        serde_json::to_vec(&stored).expect("a rendered issue is made of strings and numbers")
    }

    /// Reads what [`to_stored`](Self::to_stored) wrote, now or in an earlier version.
    ///
    /// # Errors
    ///
    /// When it is damaged, or of a later version.
    pub fn from_stored(bytes: &[u8]) -> Result<Self, StoredIssueError> {
        // The format first: what a later version writes may look different.
        let Head { format } = serde_json::from_slice(bytes).map_err(damaged)?;
        if format > FORMAT {
            return Err(StoredIssueError::Newer { format });
        }
        let stored: Stored<'_> = serde_json::from_slice(bytes).map_err(damaged)?;
        Ok(Self {
            slug: stored.slug.into_owned(),
            title: stored.title.into_owned(),
            number: stored.number,
            language: stored.language.into_owned(),
            subject: stored.subject.into_owned(),
            html: stored.html.into_owned(),
            text: stored.text.into_owned(),
            mjml: String::new(),
            pictures: stored.pictures.into_owned(),
            from: stored.from.into_owned(),
            reply_to: stored.reply_to,
            date: stored.date,
            list_id: stored.list_id.into_owned(),
            newsletter: stored.newsletter.into_owned(),
            unsubscribe: stored.unsubscribe.into_owned(),
            archive: stored.archive.map(Cow::into_owned),
            view: stored.view.map(Cow::into_owned),
            preferences: stored.preferences.map(Cow::into_owned),
            bounces: stored.bounces.into_owned(),
            headers: stored.headers.into_owned(),
            topics: stored.topics.into_owned(),
        })
    }

    /// SHA-256, in hexadecimal, over everything that makes the letters but their `Date`: equal digests, equal letters,
    /// whenever they were rendered.
    pub fn digest(&self) -> String {
        use aws_lc_rs::digest::{SHA256, digest};
        let content = Content {
            slug: &self.slug,
            number: self.number,
            subject: &self.subject,
            html: &self.html,
            text: &self.text,
            pictures: &self.pictures,
            from: &self.from,
            reply_to: self.reply_to.as_ref(),
            list_id: &self.list_id,
            newsletter: &self.newsletter,
            unsubscribe: &self.unsubscribe,
            archive: self.archive.as_deref(),
            view: self.view.as_deref(),
            preferences: self.preferences.as_deref(),
            bounces: &self.bounces,
            headers: &self.headers,
            topics: &self.topics,
        };
        let value = serde_json::to_vec(&content).expect("a rendered issue is made of strings and numbers");
        digest(&SHA256, &value).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue() -> RenderedIssue {
        let from = Mailbox { name: None, address: EmailAddress::parse("ada@example.org").unwrap() };
        RenderedIssue {
            html: Pattern { pieces: vec![crate::render::Piece::Literal("<p>Hello</p>".into())] },
            mjml: "<mjml></mjml>".into(),
            view: Some("https://example.org/archive/a-letter/".into()),
            preferences: Some("https://example.org/preferences/{token}".into()),
            ..RenderedIssue::new("a-letter", from)
        }
    }

    #[test]
    fn a_stored_issue_comes_back_without_its_mjml_and_with_its_digest() {
        let issue = issue();
        let back = RenderedIssue::from_stored(&issue.to_stored()).unwrap();
        assert_eq!(back, RenderedIssue { mjml: String::new(), ..issue.clone() });
        assert_eq!(back.digest(), issue.digest());
    }

    #[test]
    fn the_digest_is_that_of_the_letter() {
        let first = issue();
        let elsewhere = RenderedIssue {
            mjml: String::new(),
            title: "Another title".into(),
            language: "de".into(),
            date: Timestamp::MAX,
            ..first.clone()
        };
        assert_eq!(elsewhere.digest(), first.digest());
        let text = Pattern { pieces: vec![crate::render::Piece::Literal("Hello".into())] };
        assert_ne!(RenderedIssue { text, ..first.clone() }.digest(), first.digest());
        assert_ne!(RenderedIssue { number: Some(2), ..first.clone() }.digest(), first.digest());
    }

    #[test]
    fn an_issue_from_before_there_were_formats_is_read_and_one_of_later_is_refused_in_words() {
        let mut value: serde_json::Value = serde_json::from_slice(&issue().to_stored()).unwrap();
        value["format"] = 7.into();
        let error = RenderedIssue::from_stored(value.to_string().as_bytes()).unwrap_err();
        assert!(error.to_string().contains("format 7"), "{error}");
        let fields = value.as_object_mut().unwrap();
        fields.remove("format");
        fields.insert("mjml".into(), "<mjml></mjml>".into());
        let back = RenderedIssue::from_stored(value.to_string().as_bytes()).unwrap();
        assert_eq!(back.digest(), issue().digest());
        assert!(RenderedIssue::from_stored(b"{").is_err());
    }
}
