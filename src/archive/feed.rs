//! All issues as an Atom feed (RFC 4287).
//!
//! In: a [`Newsletter`] and its issues with their [`Assets`]. Out: one XML document.
//! Never: holds a placeholder, a link to leave or a date of today.

use std::fmt::Write;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::page::{Page, PageWriter, PicturePaths, language};
use crate::{
    assets::Assets,
    issue::{Issue, document::BlockKind},
    render::{Escape, Newsletter},
};

/// An issue in a feed.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The issue that the entry is about.
    pub issue: &'a Issue,
    /// Its pictures and stored data.
    pub assets: &'a Assets,
    /// The issue's name: the file's (or folder's) name without its extension.
    pub slug: &'a str,
    /// Where it can be read, when it can.
    pub address: Option<&'a str>,
    /// When it was last changed; midnight (UTC) of the issue's own date when it is not given.
    pub updated: Option<Timestamp>,
}

/// The feed of a newsletter, entries in the order given. `address` is the feed's own, when it is known.
pub fn feed(newsletter: &Newsletter, entries: &[Entry<'_>], address: Option<&str>) -> String {
    let authority = authority(newsletter);
    let home = newsletter.archive.as_deref().or(newsletter.site.as_deref());
    let mut out = String::new();
    line(&mut out, 0, "<?xml version=\"1.0\" encoding=\"utf-8\"?>");
    line(
        &mut out,
        0,
        &format!(
            "<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"{}\">",
            escape(&newsletter.language)
        ),
    );
    element(&mut out, 1, "title", &newsletter.name);
    if let Some(tagline) = newsletter.tagline.as_deref().filter(|tagline| !tagline.is_empty()) {
        element(&mut out, 1, "subtitle", tagline);
    }
    element(&mut out, 1, "id", &format!("tag:{authority},2020:feed"));
    let updated = entries.iter().map(updated).max().unwrap_or(Timestamp::UNIX_EPOCH);
    element(&mut out, 1, "updated", &moment(updated));
    if let Some(address) = address {
        line(
            &mut out,
            1,
            &format!("<link rel=\"self\" type=\"application/atom+xml\" href=\"{}\"/>", iri(address)),
        );
    }
    if let Some(home) = home {
        line(&mut out, 1, &format!("<link rel=\"alternate\" type=\"text/html\" href=\"{}\"/>", iri(home)));
    }
    author(&mut out, 1, newsletter.from.name.as_deref().unwrap_or(&newsletter.name));
    line(&mut out, 1, "<generator>Mimeograph</generator>");
    for entry in entries {
        self::entry(&mut out, newsletter, entry, &authority);
    }
    line(&mut out, 0, "</feed>");
    out
}

fn entry(out: &mut String, newsletter: &Newsletter, entry: &Entry<'_>, authority: &str) {
    let head = &entry.issue.head;
    let content = content(newsletter, entry);
    let summary = summary(newsletter, entry);
    let title = if head.title.trim().is_empty() { entry.slug } else { head.title.trim() };
    line(out, 1, &format!("<entry xml:lang=\"{}\">", escape(language(entry.issue, newsletter))));
    element(out, 2, "title", title);
    let day = head.date.map_or_else(|| "2020".to_owned(), |date| date.to_string());
    element(out, 2, "id", &format!("tag:{authority},{day}:{}", encode(entry.slug)));
    element(out, 2, "updated", &moment(updated(entry)));
    if let Some(date) = head.date {
        element(out, 2, "published", &moment(midnight(date)));
    }
    if let Some(address) = entry.address {
        line(out, 2, &format!("<link rel=\"alternate\" type=\"text/html\" href=\"{}\"/>", iri(address)));
    }
    if let Some(name) = head.author.as_deref().filter(|name| !name.trim().is_empty()) {
        author(out, 2, name);
    }
    if !summary.is_empty() {
        element(out, 2, "summary", &summary);
    }
    let base = entry.address.map(|address| format!(" xml:base=\"{}\"", iri(address))).unwrap_or_default();
    line(out, 2, &format!("<content type=\"html\"{base}>{}</content>", escape(&content)));
    line(out, 1, "</entry>");
}

fn writer<'a>(newsletter: &'a Newsletter, entry: &Entry<'a>) -> PageWriter<'a> {
    let page = Page { slug: entry.slug, address: entry.address, pictures: PicturePaths::Site };
    PageWriter::new(entry.issue, newsletter, entry.assets, page)
}

/// The text of an issue as HTML.
pub(super) fn content(newsletter: &Newsletter, entry: &Entry<'_>) -> String {
    writer(newsletter, entry).article()
}

/// What an issue is about: its preheader, or its first words.
pub(super) fn summary(newsletter: &Newsletter, entry: &Entry<'_>) -> String {
    let mut writer = writer(newsletter, entry);
    match writer.phrase(&entry.issue.head.preheader) {
        preheader if preheader.trim().is_empty() => first_words(&writer, entry.issue),
        preheader => preheader,
    }
}

fn author(out: &mut String, depth: usize, name: &str) {
    line(out, depth, &format!("<author><name>{}</name></author>", escape(name)));
}

fn element(out: &mut String, depth: usize, name: &str, text: &str) {
    line(out, depth, &format!("<{name}>{}</{name}>", escape(text)));
}

fn line(out: &mut String, depth: usize, text: &str) {
    let _ = writeln!(out, "{:1$}{text}", "", depth * 2);
}

/// The domain in the feed's and the entries' `tag:` URIs (RFC 4151).
pub(super) fn authority(newsletter: &Newsletter) -> String {
    let list_id = newsletter.list_id.trim().to_ascii_lowercase();
    let is_domain = list_id.contains('.')
        && list_id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
    if is_domain { list_id } else { newsletter.from.address.domain().to_owned() }
}

fn updated(entry: &Entry<'_>) -> Timestamp {
    entry.updated.or_else(|| entry.issue.head.date.map(midnight)).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(super) fn midnight(date: Date) -> Timestamp {
    // Only the last days that a calendar knows have no midnight as a timestamp.
    date.to_zoned_datetime(TimeZone::UTC).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}

/// A date and time as RFC 3339 has it, in whole seconds.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The first paragraph, up to 200 characters.
fn first_words(weaver: &PageWriter<'_>, issue: &Issue) -> String {
    let first = issue.document.blocks.iter().find_map(|block| match &block.kind {
        BlockKind::Paragraph(content) => {
            Some(weaver.plain_words(content)).filter(|words| !words.trim().is_empty())
        }
        _ => None,
    });
    let words = first.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    if words.chars().count() <= 200 {
        return words;
    }
    let short: String = words.chars().take(199).collect();
    let end = short.rfind(' ').filter(|&end| end > 100).unwrap_or(short.len());
    format!("{}…", &short[..end])
}

/// Text as XML 1.0 may hold it.
fn escape(text: &str) -> String {
    Escape::Html.apply(text).replace(['\u{fffe}', '\u{ffff}'], "")
}

/// An address as an attribute.
fn iri(address: &str) -> String {
    escape(&address.trim().replace(' ', "%20"))
}

/// A name as part of a URI.
pub(super) fn encode(name: &str) -> String {
    Escape::UrlPart.apply(name)
}
