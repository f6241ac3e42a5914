//! What all letters of an issue share: header fields and MIME structure, made by lettre once per issue.

use std::time::{Duration, SystemTime};

use lettre::{
    Address,
    address::Envelope,
    message::{
        Attachment, Body, Message, MultiPart, SinglePart,
        header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue},
    },
};
use memchr::memmem;

use super::{ComposeError, field};
use crate::render::{Picture, RenderedIssue};

/// The longest word of an owner's own header field; beyond it, it could not be folded within 998 octets.
const OWN_WORD_MAX: usize = 900;
/// Header fields that are ours, beside every name that begins with one of [`OUR_PREFIXES`].
const OURS: &[&str] = &[
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "bcc",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "return-path",
    "received",
    "dkim-signature",
    "authentication-results",
    "feedback-id",
    "precedence",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-archive",
];
const OUR_PREFIXES: &[&str] = &["content-", "resent-", "arc-", "x-mimeo-"];

/// A header field with its name, colon, folded value and CRLF.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// The letter with holes where its parts and its personal fields go.
pub(super) struct Skeleton {
    pub(super) fields: Vec<Field>,
    /// Names of the owner's own fields, which are not signed: relays take theirs out on the way.
    pub(super) own: Vec<String>,
    /// From behind the header to the text part, from there to the HTML part, and the rest.
    pub(super) body: [Vec<u8>; 3],
}

/// How a part is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    QuotedPrintable,
    Base64,
}

impl From<Encoding> for ContentTransferEncoding {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::QuotedPrintable => Self::QuotedPrintable,
            Encoding::Base64 => Self::Base64,
        }
    }
}

/// Builds the skeleton. `subject` is an encoded value, for an issue whose subject is the same for everybody.
pub(super) fn build(
    issue: &RenderedIssue,
    subject: Option<Vec<u8>>,
    boundary: &str,
    text: Encoding,
    html: Encoding,
) -> Result<Skeleton, ComposeError> {
    let seconds = u64::try_from(issue.date.as_second()).map_err(|_| refuse("Date", "lies before 1970"))?;
    let place = Address::new("nobody", "example.com").expect("a plain address");
    let envelope = Envelope::new(Some(place.clone()), vec![place]).expect("one recipient");
    let mut builder = Message::builder().envelope(envelope).raw_header(mailbox(
        "From",
        issue.from.name.as_deref(),
        issue.from.address.expose(),
    ));
    if let Some(reply_to) = &issue.reply_to {
        builder =
            builder.raw_header(mailbox("Reply-To", reply_to.name.as_deref(), reply_to.address.expose()));
    }
    if let Some(subject) = subject {
        builder = builder.raw_header(raw("Subject", subject));
    }
    builder = builder.date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).raw_header(list_id(issue)?);
    if issue.unsubscribe.https.is_some() {
        builder = builder.raw_header(raw("List-Unsubscribe-Post", b"List-Unsubscribe=One-Click".to_vec()));
    }
    if let Some(archive) = &issue.archive {
        builder = builder
            .raw_header(raw("List-Archive", format!("<{}>", url("List-Archive", archive)?).into_bytes()));
    }
    builder = builder
        .raw_header(raw("Feedback-ID", feedback_id(issue).into_bytes()))
        .raw_header(raw("Precedence", b"bulk".to_vec()));
    let mut own = Vec::new();
    for (name, value) in &issue.headers {
        builder = builder.raw_header(own_field(name, value)?);
        own.push(name.to_ascii_lowercase());
    }

    // No encoded body holds `=_`, so no boundary can ever stand in one (RFC 2045 section 6.7, rule 1 of its notes).
    let outer = format!("=_{boundary}");
    let inner = format!("=_{boundary}.r");
    let holes = [format!("=_{boundary}.text"), format!("=_{boundary}.html")];
    let part = |kind: ContentType, encoding: Encoding, hole: &str| {
        let body = Body::dangerous_pre_encoded(hole.as_bytes().to_vec(), encoding.into());
        SinglePart::builder().header(kind).body(body)
    };
    let mut alternative =
        MultiPart::alternative().boundary(&outer).singlepart(part(ContentType::TEXT_PLAIN, text, &holes[0]));
    let html = part(ContentType::TEXT_HTML, html, &holes[1]);
    alternative = if issue.pictures.is_empty() {
        alternative.singlepart(html)
    } else {
        let mut related = MultiPart::related().boundary(&inner).singlepart(html);
        for one in &issue.pictures {
            related = related.singlepart(picture(one)?);
        }
        alternative.multipart(related)
    };
    let letter =
        builder.multipart(alternative).map_err(|error| refuse("From", error.to_string()))?.formatted();

    let end = memmem::find(&letter, b"\r\n\r\n").expect("lettre ends a header with an empty line") + 2;
    let (header, body) = letter.split_at(end);
    let (before, rest) = cut(body, &holes[0]);
    let (between, behind) = cut(rest, &holes[1]);
    // RFC 2387 section 3.1 wants to be told what the root part is; lettre does not say.
    let between = String::from_utf8_lossy(between)
        .replacen("multipart/related;", "multipart/related; type=\"text/html\";", 1)
        .into_bytes();
    Ok(Skeleton { fields: fields(header), own, body: [before.to_vec(), between, behind.to_vec()] })
}

/// Cuts a hole out; the line break behind it is taken along, as a part ends with its own.
fn cut<'a>(body: &'a [u8], hole: &str) -> (&'a [u8], &'a [u8]) {
    let at = memmem::find(body, hole.as_bytes()).expect("the hole stands where it was put");
    (&body[..at], &body[at + hole.len()..])
}

/// Splits a header into its fields.
fn fields(header: &[u8]) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for line in header.split_inclusive(|byte| *byte == b'\n') {
        match fields.last_mut() {
            Some(field) if matches!(line, [b' ' | b'\t', ..]) => field.bytes.extend_from_slice(line),
            _ => {
                let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
                fields.push(Field { name: String::from_utf8_lossy(name).into_owned(), bytes: line.to_vec() });
            }
        }
    }
    fields
}

fn refuse(name: &str, reason: impl Into<String>) -> ComposeError {
    ComposeError::Field { name: name.chars().take(80).collect(), reason: reason.into() }
}

/// A field whose value is encoded already. lettre reads the raw value of `From` once more, so it gets the address alone.
fn raw(name: &'static str, value: Vec<u8>) -> HeaderValue {
    let value = String::from_utf8(value).expect("our fields are text");
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), value.clone(), value)
}

fn mailbox(name: &'static str, display: Option<&str>, address: &str) -> HeaderValue {
    let mut value = Vec::new();
    field::mailbox(display, address, name.len() + 2, &mut value);
    let value = String::from_utf8(value).expect("a mailbox is text");
    // The address in the raw value only has to be one to lettre, which knows fewer than we do.
    HeaderValue::dangerous_new_pre_encoded(
        HeaderName::new_from_ascii_str(name),
        "a@example.com".to_owned(),
        value,
    )
}

/// `Name <id>` (RFC 2919 section 2).
fn list_id(issue: &RenderedIssue) -> Result<HeaderValue, ComposeError> {
    let id = &issue.list_id;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if id.is_empty() || id.len() > 255 || !id.bytes().all(fits) || id.starts_with('.') || id.ends_with('.') {
        return Err(refuse("List-Id", "is not made of letters, digits, hyphens and dots"));
    }
    let mut value = Vec::new();
    field::mailbox(Some(&issue.newsletter), id, "List-Id: ".len(), &mut value);
    if !value.ends_with(b">") {
        value = format!("<{id}>").into_bytes();
    }
    Ok(raw("List-Id", value))
}

/// An address on the web as it may stand between angle brackets.
pub(super) fn url<'a>(name: &str, url: &'a str) -> Result<&'a str, ComposeError> {
    let safe = url.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"".contains(&byte));
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(refuse(name, "is not an address that begins with https://"));
    }
    if !safe || url.len() > OWN_WORD_MAX {
        return Err(refuse(name, "holds signs that must be percent-encoded, or is longer than 900 octets"));
    }
    Ok(url)
}

/// `issue:list:type:sender` for complaint loops that count by it; nothing personal in it, the last field of 5 to 15
/// signs.
fn feedback_id(issue: &RenderedIssue) -> String {
    let keep = |text: &str, max: usize| -> String {
        text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).take(max).collect()
    };
    let mut sender: String =
        keep(issue.from.address.domain(), 64).chars().filter(char::is_ascii_alphanumeric).take(15).collect();
    while sender.len() < 5 {
        sender.push('0');
    }
    format!("{}:{}:newsletter:{sender}", keep(&issue.slug, 60), keep(&issue.list_id, 60))
}

/// A field of the owner's own, if it is one and not one of ours.
fn own_field(name: &str, value: &str) -> Result<HeaderValue, ComposeError> {
    let shown: String = name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    let lower = name.to_ascii_lowercase();
    // RFC 5322 section 3.6.8, and lettre's limit
    if name.is_empty() || name.len() > 76 || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':')
    {
        return Err(refuse(&shown, "has no name that a header field can have"));
    }
    if OURS.contains(&lower.as_str()) || OUR_PREFIXES.iter().any(|prefix| lower.starts_with(prefix)) {
        return Err(refuse(&shown, "is written by Mimeograph and cannot be set"));
    }
    if value.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(refuse(&shown, "holds a line break or a control character"));
    }
    if value.trim().is_empty() {
        return Err(refuse(&shown, "is empty"));
    }
    let mut encoded = Vec::new();
    field::unstructured(value, OWN_WORD_MAX, name.len() + 2, &mut encoded);
    let encoded = String::from_utf8(encoded).expect("an encoded value is ASCII");
    let header = HeaderName::new_from_ascii(name.to_owned())
        .map_err(|_| refuse(&shown, "has no name that a header field can have"))?;
    Ok(HeaderValue::dangerous_new_pre_encoded(header, value.to_owned(), encoded))
}

fn picture(picture: &Picture) -> Result<SinglePart, ComposeError> {
    let refuse =
        |reason: &str| ComposeError::Picture { name: picture.name.clone(), reason: reason.to_owned() };
    let cid = &picture.cid;
    let plain = |text: &str, more: &[u8]| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
    };
    if cid.len() > 200 || !plain(cid, b"-_.@+") || !(1..=2).contains(&cid.split('@').count()) {
        return Err(refuse("its Content-ID is not made of letters, digits, hyphens and dots"));
    }
    let (kind, subkind) = picture.media_type.split_once('/').unwrap_or_default();
    if kind != "image" || !plain(subkind, b"-.+") {
        return Err(refuse("its media type is not that of a picture"));
    }
    let media_type =
        ContentType::parse(&picture.media_type).map_err(|_| refuse("its media type is not known"))?;
    let name: String = picture.name.chars().filter(|c| !c.is_control()).take(120).collect();
    // A text such as an SVG would go out as it is, bare line feeds included, if lettre were to choose.
    let body = Body::new_with_encoding(picture.bytes.clone(), ContentTransferEncoding::Base64)
        .map_err(|_| refuse("it cannot be encoded"))?;
    Ok(Attachment::new_inline_with_name(cid.clone(), name).body(body, media_type))
}
