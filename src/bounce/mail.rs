//! A message taken apart: its header, its parts as text, the words before the returned letter, and that letter's header.
//!
//! The tree of parts is walked here and not by `mail-parser`, which decodes fields and bodies, so that depth and number of
//! parts have limits, and so that a broken boundary or a message cut off in the middle still has its report.

use std::borrow::Cow;

use jiff::Timestamp;
use mail_parser::{
    MessageParser, MimeHeaders,
    decoders::{
        base64::base64_decode, charsets::map::charset_decoder, html::html_to_text,
        quoted_printable::quoted_printable_decode,
    },
};

use super::{
    fields::{Fields, cut, next_line, squeezed},
    ours::Ours,
    people, phrases,
};
use crate::address::EmailAddress;

/// Parts within parts.
const DEPTH_MAX: usize = 8;
/// Parts in all.
const PARTS_MAX: usize = 100;
/// Bytes of one part's text.
const TEXT_MAX: usize = 64 * 1024;

/// One part that has no parts of its own.
#[derive(Debug)]
pub(super) struct Part {
    /// `text/plain`, `message/delivery-status`, in lower case.
    pub(super) kind: String,
    pub(super) text: String,
}

/// A message, taken apart.
#[derive(Debug, Default)]
pub(super) struct Mail {
    /// Its own header.
    pub(super) fields: Fields,
    /// Its subject, decoded.
    pub(super) subject: String,
    /// `multipart/report`, in lower case.
    pub(super) kind: String,
    /// Its parts, in order.
    pub(super) parts: Vec<Part>,
    /// What it says in words: its text up to the returned letter.
    pub(super) words: String,
    /// The same in lower case, with single spaces.
    pub(super) lower: String,
    /// The header of the returned letter.
    pub(super) returned: Fields,
}

impl Mail {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let bytes = &bytes[..bytes.len().min(SIZE_MAX)];
        let normal = normalized(bytes);
        let mut mail = Self::default();
        mail.walk(start(&normal), 0);
        mail.find_words();
        mail
    }

    /// Adds the parts of one entity.
    fn walk(&mut self, bytes: &[u8], depth: usize) {
        if depth > DEPTH_MAX || self.parts.len() >= PARTS_MAX {
            return;
        }
        let (head, body) = split(bytes);
        // The parser waits for the empty line that a message cut off in its header does not have.
        let closed =
            if head.ends_with(b"\n\n") { Cow::Borrowed(head) } else { Cow::Owned([head, b"\n\n"].concat()) };
        let header = MessageParser::default().parse_headers(&closed);
        let content = header.as_ref().and_then(|header| header.content_type());
        let kind = content.map_or_else(
            || "text/plain".to_owned(),
            |kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default()).to_ascii_lowercase(),
        );
        if depth == 0 {
            self.fields = Fields::read(&String::from_utf8_lossy(head)).0;
            self.subject =
                header.as_ref().and_then(|header| header.subject()).unwrap_or_default().trim().to_owned();
            self.kind = kind.clone();
        }
        let boundary = content.and_then(|kind| kind.attribute("boundary")).filter(|text| !text.is_empty());
        if let (true, Some(boundary)) = (kind.starts_with("multipart/"), boundary) {
            let mut found = false;
            for part in parts(body, boundary.as_bytes()) {
                found = true;
                self.walk(part, depth + 1);
            }
            if found {
                return;
            }
        }
        let encoding = header.as_ref().and_then(|header| header.content_transfer_encoding());
        let charset = content.and_then(|kind| kind.attribute("charset"));
        // A returned letter is not taken apart: its header is all that is asked for. A report that was forwarded whole is.
        if kind == "message/rfc822" && is_report(body) {
            return self.walk(start(body), depth + 1);
        }
        let text = decode(body, encoding, charset);
        let text = if kind == "text/html" {
            html_to_text(cut(&text, TEXT_MAX))
        } else {
            cut(&text, TEXT_MAX).to_owned()
        };
        self.parts.push(Part { kind, text });
    }

    /// The words in front of the returned letter, and that letter's header.
    fn find_words(&mut self) {
        let is_returned = |part: &&Part| {
            matches!(
                part.kind.as_str(),
                "message/rfc822"
                    | "message/global"
                    | "text/rfc822-headers"
                    | "message/global-headers"
                    | "message/rfc822-headers"
                    | "message/partial"
            )
        };
        if let Some(part) = self.parts.iter().find(is_returned) {
            self.returned = returned_header(&part.text);
        }
        let before = |part: &&Part| !is_returned(part);
        let texts =
            |kind: &'static str| self.parts.iter().take_while(before).filter(move |part| part.kind == kind);
        let mut words = String::new();
        for part in texts("text/plain") {
            words.push_str(&part.text);
            words.push('\n');
        }
        if words.trim().is_empty() {
            for part in self.parts.iter().take_while(before).filter(|part| part.kind.starts_with("text/")) {
                words.push_str(&part.text);
                words.push('\n');
            }
        }
        let (own, behind) = phrases::before_the_returned_letter(&words);
        if self.returned.is_empty() {
            self.returned = returned_header(behind);
        }
        self.words = own.to_owned();
        self.lower = squeezed(&self.words);
    }

    /// The part of a kind.
    pub(super) fn part(&self, kinds: &[&str]) -> Option<&Part> {
        self.parts.iter().find(|part| kinds.contains(&part.kind.as_str()))
    }

    /// The letter that it is about: the `Message-ID` of the returned header, or of what the message is an answer to.
    pub(super) fn returned_id(&self) -> Option<String> {
        let own = self.returned.get("message-id");
        let said = ["x-original-message-id", "in-reply-to", "references"]
            .into_iter()
            .find_map(|name| self.fields.get(name));
        let receipt =
            self.part(&["message/disposition-notification", "message/global-disposition-notification"]);
        let receipt = receipt.map(|part| Fields::read(part.text.trim_start()).0);
        let receipt = receipt.as_ref().and_then(|fields| fields.get("original-message-id"));
        let text = own.or(receipt).or(said)?;
        // The last of several references is the letter itself.
        let id = text.rsplit('<').next()?.split('>').next()?.trim();
        let id = if text.contains('<') { id } else { text.trim() };
        (id.contains('@') && id.len() <= 250 && !id.contains(char::is_whitespace)).then(|| id.to_owned())
    }

    /// When it was written.
    pub(super) fn date(&self) -> Option<Timestamp> {
        self.fields.get("date").and_then(date)
    }

    /// The token in the address that the message went to.
    pub(super) fn token(&self, ours: &Ours) -> Option<String> {
        let pattern = ours.bounces.as_ref()?;
        let mine = [
            "delivered-to",
            "x-original-to",
            "envelope-to",
            "x-envelope-to",
            "x-delivered-to",
            "x-rcpt-to",
            "to",
            "cc",
        ];
        let own = mine.into_iter().flat_map(|name| self.fields.all(name));
        let theirs = ["return-path", "x-original-from", "errors-to"]
            .into_iter()
            .flat_map(|name| self.returned.all(name));
        own.chain(theirs).flat_map(people::all).find_map(|address| token_in(pattern, &address))
    }

    /// Who wrote it.
    pub(super) fn from(&self) -> Option<EmailAddress> {
        ["from", "sender", "reply-to"]
            .into_iter()
            .flat_map(|name| self.fields.all(name))
            .flat_map(people::all)
            .next()
    }
}

/// What is in an address where a pattern has `{token}`.
fn token_in(pattern: &EmailAddress, address: &EmailAddress) -> Option<String> {
    let (before, behind) = pattern.local().split_once("{token}")?;
    if !pattern.domain().eq_ignore_ascii_case(address.domain()) {
        return None;
    }
    let local = address.local().to_ascii_lowercase();
    let token =
        local.strip_prefix(&before.to_ascii_lowercase())?.strip_suffix(&behind.to_ascii_lowercase())?;
    (!token.is_empty()).then(|| token.to_owned())
}

/// The header of a returned letter; some systems put words or empty lines in front of it.
fn returned_header(text: &str) -> Fields {
    let mut rest = text.trim_start_matches(['\n', ' ', '\t', '>']);
    for _ in 0..12 {
        let (fields, behind) = Fields::read(rest);
        let known = ["message-id", "from", "to", "received", "subject", "date"];
        if known.iter().filter(|name| fields.get(name).is_some()).count() >= 2 {
            return fields;
        }
        let Some((_, next)) = next_line(behind.trim_start_matches('\n')) else { break };
        rest = if fields.is_empty() { next } else { behind.trim_start_matches('\n') };
        if rest.is_empty() {
            break;
        }
    }
    Fields::default()
}

/// Line ends as LF, whatever they were.
fn normalized(bytes: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\r', bytes).is_none() {
        return Cow::Borrowed(bytes);
    }
    let mut to = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(b'\r', rest) {
        to.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        if rest.first() != Some(&b'\n') {
            to.push(b'\n');
        }
    }
    to.extend_from_slice(rest);
    Cow::Owned(to)
}

/// Without what mailbox files and byte order marks put in front.
fn start(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    loop {
        if let Some(behind) = rest.strip_prefix(b"\n") {
            rest = behind;
        } else if rest.starts_with(b"From ") || rest.starts_with(b">From ") {
            rest = memchr::memchr(b'\n', rest).map_or(&[][..], |at| &rest[at + 1..]);
        } else {
            return rest;
        }
    }
}

/// Whether a message within a message is a report.
fn is_report(body: &[u8]) -> bool {
    let (head, _) = split(start(body));
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let kind = Fields::read(&head).0.get("content-type").map(str::to_owned).unwrap_or_default();
    kind.starts_with("multipart/report")
}

/// Header and body of an entity; a body without a header is all body.
fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    if let Some(body) = bytes.strip_prefix(b"\n") {
        return (&[], body);
    }
    match memchr::memmem::find(bytes, b"\n\n") {
        Some(at) => (&bytes[..at + 2], &bytes[at + 2..]),
        None => (bytes, &[]),
    }
}

/// What is between the lines of a boundary (RFC 2046 section 5.1.1). The end may be missing.
fn parts<'a>(body: &'a [u8], boundary: &[u8]) -> Vec<&'a [u8]> {
    let line = [b"--", boundary].concat();
    let mut found = Vec::new();
    let mut open: Option<usize> = None;
    for at in memchr::memmem::find_iter(body, &line) {
        if at > 0 && body[at - 1] != b'\n' {
            continue;
        }
        let behind = &body[at + line.len()..];
        let end = memchr::memchr(b'\n', behind).unwrap_or(behind.len());
        // A longer word is another boundary.
        if !behind[..end].iter().all(|byte| matches!(byte, b'-' | b' ' | b'\t')) {
            continue;
        }
        if let Some(from) = open {
            found.push(&body[from..at.max(from)]);
        }
        open = (!behind.starts_with(b"--")).then(|| (at + line.len() + end + 1).min(body.len()));
        if open.is_none() || found.len() > PARTS_MAX {
            return found;
        }
    }
    found.extend(open.map(|from| &body[from..]));
    found
}

fn decode(body: &[u8], encoding: Option<&str>, charset: Option<&str>) -> String {
    let bytes = match encoding.map(|word| word.trim().to_ascii_lowercase()).as_deref() {
        Some("base64") => base64_decode(body).map_or(Cow::Borrowed(body), Cow::Owned),
        Some("quoted-printable") => quoted_printable_decode(body).map_or(Cow::Borrowed(body), Cow::Owned),
        _ => Cow::Borrowed(body),
    };
    let bytes = if bytes.contains(&b'\r') { Cow::Owned(normalized(&bytes).into_owned()) } else { bytes };
    // More than is kept of a text need not be decoded.
    let bytes = &bytes[..bytes.len().min(2 * TEXT_MAX)];
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\u{1b}') => text.to_owned(),
        _ => {
            let known = charset.map(str::trim).filter(|name| !name.eq_ignore_ascii_case("us-ascii"));
            let known = known.filter(|name| !name.eq_ignore_ascii_case("utf-8"));
            // Without a name: what is in use where none is given.
            let guess = if bytes.contains(&0x1b) { "iso-2022-jp" } else { "windows-1252" };
            match charset_decoder(known.unwrap_or(guess).as_bytes()) {
                Some(decoder) => decoder(bytes),
                None => String::from_utf8_lossy(bytes).into_owned(),
            }
        }
    }
}

/// A date of a header field.
pub(super) fn date(text: &str) -> Option<Timestamp> {
    let text = text.split('(').next().unwrap_or(text).trim();
    let parsed = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text);
    parsed.ok()
}

/// Bytes of a message that are looked at. Reports come first in a message, and what was returned comes last.
pub const SIZE_MAX: usize = 256 * 1024;

/// Whom the returned letter, or the message's own header, names: the only one.
pub(super) fn of_the_letter(mail: &Mail) -> Option<EmailAddress> {
    let failed = mail.fields.get("x-failed-recipients").and_then(people::first);
    failed.or_else(|| {
        let mut to = ["x-hmxmroriginalrecipient", "delivered-to", "to"]
            .into_iter()
            .flat_map(|name| mail.returned.all(name))
            .flat_map(people::all);
        to.next().filter(|_| to.next().is_none())
    })
}
