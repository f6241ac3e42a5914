use std::borrow::Cow;

use super::{
    ComposeError, Message, Signer, Tokens,
    dkim::Signatures,
    field, gate,
    skeleton::{self, Encoding},
    token::TOKEN_LEN,
    wire::{self, Aligned, Base64Writer},
};
use crate::{
    issue::{Filter, Placeholder},
    render::{Escape, Pattern, Piece, RenderedIssue, apply_filters},
    subscriber::{EmailAddress, Subscriber},
};

/// The longest word of a subject that is written as it is; longer ones are encoded, so that they can be folded.
const SUBJECT_WORD_MAX: usize = 66;
/// What stands in front of the subject of a test letter.
const TEST_MARK: &str = "[Test] ";

/// What nobody else knows.
#[derive(Debug)]
pub struct Secrets<'a> {
    /// The newsletter's secret: tokens, identifiers and boundaries are made from it.
    pub key: &'a [u8; 32],
    /// The keys that sign letters; none, one, or RSA and Ed25519 together.
    pub signers: Vec<Signer>,
}

/// An issue made ready for addressing, once: everything that letters share is encoded already, and a letter costs
/// little more than copying it.
pub struct Composer {
    tokens: Tokens,
    slug: String,
    list_id: String,
    /// `message-id`, or another word for test letters, which must not be taken for the real ones by a mailbox that
    /// drops a second letter with the same identifier.
    identity: &'static str,
    sender_domain: String,
    envelope_from: EmailAddress,
    utf8_header: bool,
    /// The fields in front of the personal ones, and behind them.
    header: [Vec<u8>; 2],
    /// A subject that differs from reader to reader.
    subject: Option<Vec<Bit>>,
    unsubscribe: Way,
    steps: Vec<Step>,
    signatures: Signatures,
    /// What a letter was long last, about.
    size: usize,
}

/// A stretch of a pattern, as far as it can be known before the reader is.
enum Bit {
    Text(String),
    Token,
    Open(Slot),
}

/// A stretch of a body.
enum Step {
    /// Goes out as it is.
    Bytes(Vec<u8>),
    /// A value in quoted-printable.
    Quoted(Slot),
    /// The token, which every encoding of ours leaves as it is.
    Token,
    /// A body in base64.
    Base64(Vec<Base64Bit>),
}

enum Base64Bit {
    Text(Aligned),
    Token,
    Open(Slot),
}

/// A placeholder that waits for its reader.
struct Slot {
    placeholder: Placeholder,
    field: String,
    escape: Escape,
    /// The text of `default`, when that is the only filter.
    fallback: Option<String>,
}

/// How a reader leaves: the parts of `List-Unsubscribe` around the token.
struct Way {
    /// In front of the token, with an opening angle bracket, and behind it.
    https: Option<(String, String)>,
    mailto: Option<(String, String)>,
}

impl Composer {
    /// Compiles an issue. Fails for what no letter of it could be composed with.
    pub fn new(issue: &RenderedIssue, secrets: &Secrets<'_>) -> Result<Self, ComposeError> {
        Self::compile(issue, secrets, None)
    }

    /// The same for test letters: `[Test]` stands in front of the subject, and the identifier is another one.
    pub fn for_test(issue: &RenderedIssue, secrets: &Secrets<'_>) -> Result<Self, ComposeError> {
        Self::compile(issue, secrets, Some(TEST_MARK))
    }

    fn compile(
        issue: &RenderedIssue,
        secrets: &Secrets<'_>,
        mark: Option<&str>,
    ) -> Result<Self, ComposeError> {
        let tokens = Tokens::new(secrets.key);
        let unsubscribe = Way::new(issue)?;
        let mut subject = bits(&issue.subject, issue, &unsubscribe)?;
        if let Some(mark) = mark {
            subject.insert(0, Bit::Text(mark.to_owned()));
        }
        let (subject, shared_subject) = if subject.iter().all(|bit| matches!(bit, Bit::Text(_))) {
            (None, Some(subject))
        } else {
            (Some(subject), None)
        };
        let shared_subject = shared_subject.map(|bits| {
            let text: String = bits.iter().filter_map(Bit::text).collect();
            let mut encoded = Vec::new();
            field::unstructured(&text, SUBJECT_WORD_MAX, "Subject: ".len(), &mut encoded);
            encoded
        });

        let text = bits(&issue.text, issue, &unsubscribe)?;
        let html = bits(&issue.html, issue, &unsubscribe)?;
        let (text_encoding, html_encoding) = (shorter(&text), shorter(&html));
        let boundary = tokens.identifier("boundary", &issue.slug, &issue.digest());
        let boundary = String::from_utf8_lossy(&boundary);
        let skeleton = skeleton::build(issue, shared_subject, &boundary, text_encoding, html_encoding)?;

        let mut steps = Vec::new();
        let [before, between, behind] = skeleton.body;
        steps.push(Step::Bytes(before));
        encode(text, text_encoding, &mut steps);
        steps.push(Step::Bytes(between));
        encode(html, html_encoding, &mut steps);
        steps.push(Step::Bytes(behind));
        let steps = join(steps);

        // `From`, `Reply-To` and `Subject` stand in front of the personal fields, everything else behind them.
        let is_first = |name: &str| ["From", "Reply-To", "Subject"].contains(&name);
        let mut header = [Vec::new(), Vec::new()];
        for field in &skeleton.fields {
            header[usize::from(!is_first(&field.name))].extend_from_slice(&field.bytes);
        }
        let unsigned = |name: &str| name == "Precedence" || skeleton.own.contains(&name.to_ascii_lowercase());
        let signed: Vec<(&str, &[u8])> = skeleton
            .fields
            .iter()
            .filter(|field| !unsigned(&field.name))
            .map(|field| (field.name.as_str(), field.bytes.as_slice()))
            .collect();
        let mut personal = vec!["To"];
        personal.extend(subject.is_some().then_some("Subject"));
        personal.extend(["Message-ID", "List-Unsubscribe"]);
        let signatures = Signatures::new(&secrets.signers, issue.date, &signed, &personal);

        let utf8_header = [Some(&issue.from), issue.reply_to.as_ref()]
            .into_iter()
            .flatten()
            .any(|mailbox| mailbox.address.needs_smtputf8());
        gate::check(&[header[0].as_slice(), &header[1]].concat(), false)
            .or_else(|error| if utf8_header { Ok(()) } else { Err(error) })?;
        let size = steps.iter().map(Step::size).sum::<usize>()
            + header.iter().map(Vec::len).sum::<usize>()
            + signatures.len()
            + 2048;
        Ok(Self {
            slug: issue.slug.clone(),
            list_id: issue.list_id.clone(),
            identity: if mark.is_some() { "test-id" } else { "message-id" },
            sender_domain: issue.from.address.domain().to_owned(),
            envelope_from: issue.bounces.clone(),
            utf8_header,
            tokens,
            header,
            subject,
            unsubscribe,
            steps,
            signatures,
            size,
        })
    }

    /// Composes a person's letter into a buffer, which is emptied first and becomes the message's bytes: hand in the
    /// buffer of a letter that is done with.
    pub fn compose(&self, subscriber: &Subscriber, buffer: Vec<u8>) -> Result<Message, ComposeError> {
        let mut out = buffer;
        out.clear();
        out.reserve(self.size);
        let address = &subscriber.address;
        let mut token = [0; TOKEN_LEN];
        self.tokens.write_unsubscribe(&self.list_id, address, &mut token);

        let signatures = self.signatures.len();
        out.resize(signatures, b' ');
        out.extend_from_slice(&self.header[0]);
        let personal = out.len();
        out.extend_from_slice(b"To: ");
        field::mailbox(subscriber.name.as_deref(), address.expose(), 4, &mut out);
        if let Some(bits) = &self.subject {
            out.extend_from_slice(b"\r\nSubject: ");
            let mut text = String::with_capacity(120);
            for bit in bits {
                match bit {
                    Bit::Text(fixed) => text.push_str(fixed),
                    Bit::Token => text.push_str(&String::from_utf8_lossy(&token)),
                    Bit::Open(slot) => text.push_str(&slot.fill(subscriber)?),
                }
            }
            field::unstructured(&text, SUBJECT_WORD_MAX, "Subject: ".len(), &mut out);
        }
        out.extend_from_slice(b"\r\nMessage-ID: <");
        out.extend_from_slice(&self.tokens.identifier(self.identity, &self.slug, &address.key_cow()));
        out.push(b'@');
        out.extend_from_slice(self.sender_domain.as_bytes());
        out.extend_from_slice(b">\r\n");
        self.unsubscribe.write(&token, &mut out);
        let personal = personal..out.len();
        out.extend_from_slice(&self.header[1]);
        out.extend_from_slice(b"\r\n");

        let body = out.len();
        for step in &self.steps {
            match step {
                Step::Bytes(bytes) => out.extend_from_slice(bytes),
                Step::Quoted(slot) => wire::quote_value(&slot.fill(subscriber)?, &mut out),
                Step::Token => {
                    out.extend_from_slice(&token);
                    out.extend_from_slice(b"=\r\n");
                }
                Step::Base64(bits) => {
                    let mut writer = Base64Writer::default();
                    for bit in bits {
                        match bit {
                            Base64Bit::Text(text) => writer.fixed(text, &mut out),
                            Base64Bit::Token => writer.value(&token, &mut out),
                            Base64Bit::Open(slot) => {
                                let value = slot.fill(subscriber)?;
                                writer.value(wire::with_crlf(&value).as_bytes(), &mut out);
                            }
                        }
                    }
                    writer.end(&mut out);
                }
            }
        }
        if signatures > 0 {
            let (room, letter) = out.split_at_mut(signatures);
            let personal = &letter[personal.start - signatures..personal.end - signatures];
            self.signatures.sign(personal, &letter[body - signatures..], room)?;
        }
        gate::check(&out, self.utf8_header || address.needs_smtputf8())?;
        Ok(Message { from: self.envelope_from.clone(), to: address.clone(), bytes: out })
    }

    /// The placeholders that this person has no value for and that have no default: their letter cannot be composed.
    pub fn missing<'a>(&'a self, subscriber: &'a Subscriber) -> impl Iterator<Item = &'a Placeholder> {
        self.slots().filter(|slot| slot.value(subscriber).is_none()).map(|slot| &slot.placeholder)
    }

    /// The placeholders that wait for the reader, as often as they stand in the letter.
    pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.slots().map(|slot| &slot.placeholder)
    }

    fn slots(&self) -> impl Iterator<Item = &Slot> {
        let subject = self.subject.iter().flatten().filter_map(|bit| match bit {
            Bit::Open(slot) => Some(slot),
            Bit::Text(_) | Bit::Token => None,
        });
        let bodies = self.steps.iter().flat_map(|step| {
            let (quoted, base64): (Option<&Slot>, &[Base64Bit]) = match step {
                Step::Quoted(slot) => (Some(slot), &[]),
                Step::Base64(bits) => (None, bits),
                Step::Bytes(_) | Step::Token => (None, &[]),
            };
            quoted.into_iter().chain(base64.iter().filter_map(|bit| match bit {
                Base64Bit::Open(slot) => Some(slot),
                Base64Bit::Text(_) | Base64Bit::Token => None,
            }))
        });
        subject.chain(bodies)
    }

    /// The address on the web, or for mail, by which this person leaves: what `link.unsubscribe` becomes.
    pub fn unsubscribe_link(&self, address: &EmailAddress) -> String {
        let token = self.tokens.unsubscribe(&self.list_id, address);
        let (before, behind) = self.unsubscribe.link();
        format!("{before}{token}{behind}")
    }
}

impl Slot {
    fn new(placeholder: &Placeholder, escape: Escape, field: &str) -> Self {
        let fallback = match placeholder.filters.as_slice() {
            [Filter::Default(text)] => Some(text.clone()),
            _ => None,
        };
        Self { placeholder: placeholder.clone(), field: field.to_owned(), escape, fallback }
    }

    /// The value, filters applied, not escaped; copied only when a filter changes it.
    fn value<'a>(&'a self, subscriber: &'a Subscriber) -> Option<Cow<'a, str>> {
        let value = subscriber.field(&self.field);
        let filters = self.placeholder.filters.as_slice();
        if filters.is_empty() {
            return value.map(Cow::Borrowed);
        }
        if let Some(fallback) = &self.fallback {
            return Some(Cow::Borrowed(value.filter(|value| !value.trim().is_empty()).unwrap_or(fallback)));
        }
        match value {
            Some(value) => Some(Cow::Owned(apply_filters(filters, value))),
            None if has_default(&self.placeholder) => Some(Cow::Owned(apply_filters(filters, ""))),
            None => None,
        }
    }

    /// The value as it may stand in its place.
    fn fill<'a>(&'a self, subscriber: &'a Subscriber) -> Result<Cow<'a, str>, ComposeError> {
        let value = self
            .value(subscriber)
            .ok_or_else(|| ComposeError::Missing { placeholder: self.placeholder.to_string() })?;
        if is_harmless(&value, self.escape) {
            return Ok(value);
        }
        Ok(Cow::Owned(self.escape.apply(&value)))
    }
}

fn has_default(placeholder: &Placeholder) -> bool {
    placeholder.filters.iter().any(|filter| matches!(filter, Filter::Default(_)))
}

/// Whether [`Escape::apply`] would leave a value as it is, as it does with most.
fn is_harmless(value: &str, escape: Escape) -> bool {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'');
    match escape {
        Escape::Text | Escape::Header => value.bytes().all(|byte| matches!(byte, b' '..=b'~')),
        Escape::Html | Escape::Attribute => value.bytes().all(plain),
        Escape::Url => {
            (value.starts_with("https://") || value.starts_with("http://"))
                && value.bytes().all(|byte| plain(byte) && byte != b' ')
        }
        Escape::UrlPart => value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)),
    }
}

impl Bit {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Token | Self::Open(_) => None,
        }
    }
}

impl Step {
    fn size(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Quoted(_) | Self::Token => 80,
            Self::Base64(bits) => bits
                .iter()
                .map(|bit| match bit {
                    Base64Bit::Text(text) => text.size(),
                    Base64Bit::Token | Base64Bit::Open(_) => 120,
                })
                .sum(),
        }
    }
}

impl Way {
    fn new(issue: &RenderedIssue) -> Result<Self, ComposeError> {
        let https = match &issue.unsubscribe.https {
            None => None,
            Some(url) => {
                let url = url.trim();
                if !url.starts_with("https://") {
                    return Err(ComposeError::Field {
                        name: "List-Unsubscribe".to_owned(),
                        reason: "is not an address that begins with https://".to_owned(),
                    });
                }
                let (before, behind) = match url.split_once("{token}") {
                    Some((before, behind)) => (before.to_owned(), behind.to_owned()),
                    None if url.ends_with(['/', '=', '?', '&']) => (url.to_owned(), String::new()),
                    None => (format!("{url}/"), String::new()),
                };
                skeleton::url("List-Unsubscribe", &format!("{before}x{behind}"))?;
                Some((before, behind))
            }
        };
        let mailto = issue.unsubscribe.mailto.as_ref().map(|address| {
            use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
            // RFC 6068 section 2
            const LOCAL: &AsciiSet = &NON_ALPHANUMERIC
                .remove(b'-')
                .remove(b'.')
                .remove(b'_')
                .remove(b'~')
                .remove(b'+')
                .remove(b'!');
            let local = utf8_percent_encode(address.local(), LOCAL);
            (format!("mailto:{local}@{}?subject=unsubscribe%20", address.domain()), String::new())
        });
        if https.is_none() && mailto.is_none() {
            return Err(ComposeError::NoWayOut);
        }
        Ok(Self { https, mailto })
    }

    /// The link for the two parts: on the web when there is one.
    fn link(&self) -> (&str, &str) {
        let way = self.https.as_ref().or(self.mailto.as_ref());
        way.map_or(("", ""), |(before, behind)| (before, behind))
    }

    /// The whole header field, the web first (RFC 8058 section 3.1).
    fn write(&self, token: &[u8], to: &mut Vec<u8>) {
        to.extend_from_slice(b"List-Unsubscribe: ");
        for (index, (before, behind)) in self.https.iter().chain(&self.mailto).enumerate() {
            if index > 0 {
                to.extend_from_slice(b",\r\n ");
            }
            to.push(b'<');
            to.extend_from_slice(before.as_bytes());
            to.extend_from_slice(token);
            to.extend_from_slice(behind.as_bytes());
            to.push(b'>');
        }
        to.extend_from_slice(b"\r\n");
    }
}

/// A pattern with everything filled in that is the same for all readers.
fn bits(pattern: &Pattern, issue: &RenderedIssue, way: &Way) -> Result<Vec<Bit>, ComposeError> {
    let mut bits: Vec<Bit> = Vec::new();
    let push = |bits: &mut Vec<Bit>, text: String| match bits.last_mut() {
        Some(Bit::Text(last)) => last.push_str(&text),
        _ => bits.push(Bit::Text(text)),
    };
    for piece in &pattern.pieces {
        let (placeholder, escape) = match piece {
            Piece::Literal(text) => {
                push(&mut bits, text.clone());
                continue;
            }
            Piece::Open { placeholder, escape } => (placeholder, *escape),
        };
        let path: Vec<&str> = placeholder.path.iter().map(String::as_str).collect();
        let known = match path.as_slice() {
            ["subscriber", field] => {
                bits.push(Bit::Open(Slot::new(placeholder, escape, field)));
                continue;
            }
            ["link", "unsubscribe"] => {
                // Filters that change letters would break the link; a default is never needed.
                let (before, behind) = way.link();
                push(&mut bits, escape.apply(before));
                bits.push(Bit::Token);
                push(
                    &mut bits,
                    if behind.is_empty() { String::new() } else { escape_inside(escape, behind) },
                );
                continue;
            }
            ["link", "view"] => issue.view.as_deref(),
            ["link", "archive"] => issue.archive.as_deref(),
            _ => None,
        };
        match known {
            Some(value) => push(&mut bits, escape.apply(&apply_filters(&placeholder.filters, value))),
            None if has_default(placeholder) => {
                push(&mut bits, escape.apply(&apply_filters(&placeholder.filters, "")));
            }
            None => return Err(ComposeError::Unknown { placeholder: placeholder.to_string() }),
        }
    }
    Ok(bits)
}

/// Escapes what stands inside a URL whose beginning was looked at already.
fn escape_inside(escape: Escape, text: &str) -> String {
    if escape == Escape::Url { Escape::Attribute.apply(text) } else { escape.apply(text) }
}

/// The encoding in which the fixed text of a part is shorter; quoted-printable, which people can read, when they are
/// about equal.
fn shorter(bits: &[Bit]) -> Encoding {
    let (plain, quoted) = bits
        .iter()
        .filter_map(Bit::text)
        .fold((0, 0), |(plain, quoted), text| (plain + text.len(), quoted + wire::quoted_size(text)));
    if quoted * 10 > plain * 15 { Encoding::Base64 } else { Encoding::QuotedPrintable }
}

/// Encodes a part; it ends with a line break, as texts do.
fn encode(mut bits: Vec<Bit>, encoding: Encoding, steps: &mut Vec<Step>) {
    match bits.last_mut() {
        Some(Bit::Text(text)) if text.ends_with('\n') => {}
        Some(Bit::Text(text)) => text.push('\n'),
        _ => bits.push(Bit::Text("\n".to_owned())),
    }
    match encoding {
        Encoding::QuotedPrintable => {
            let last = bits.len() - 1;
            for (index, bit) in bits.into_iter().enumerate() {
                steps.push(match bit {
                    Bit::Token => Step::Token,
                    Bit::Open(slot) => Step::Quoted(slot),
                    Bit::Text(text) => {
                        let mut bytes = Vec::with_capacity(wire::quoted_size(&text) * 27 / 25);
                        if wire::quote(&text, 0, &mut bytes) > 0 && index < last {
                            bytes.extend_from_slice(b"=\r\n");
                        }
                        Step::Bytes(bytes)
                    }
                });
            }
        }
        Encoding::Base64 => {
            let bits = bits.into_iter().map(|bit| match bit {
                Bit::Text(text) => Base64Bit::Text(Aligned::new(&wire::with_crlf(&text))),
                Bit::Token => Base64Bit::Token,
                Bit::Open(slot) => Base64Bit::Open(slot),
            });
            steps.push(Step::Base64(bits.collect()));
        }
    }
}

/// Neighbouring bytes in one piece.
fn join(steps: Vec<Step>) -> Vec<Step> {
    let mut joined: Vec<Step> = Vec::with_capacity(steps.len());
    for step in steps {
        match (joined.last_mut(), step) {
            (Some(Step::Bytes(last)), Step::Bytes(bytes)) => last.extend_from_slice(&bytes),
            (_, step) => joined.push(step),
        }
    }
    joined
}
