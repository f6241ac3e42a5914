//! Compiles an issue once; then a letter is its own header and values, between stretches that all letters share.

mod values;

use std::{borrow::Cow, sync::Arc};

use aws_lc_rs::digest;

use super::{
    body::{Body, Group, Source, Step},
    dkim::{self, Signer},
    error::ComposeError,
    field,
    letter::Message,
    letter_bytes::LetterBytes,
    secrets::Secrets,
    shared_header::{own_fields, shared_header, write_own},
    token::{TEST_TOKEN, TOKEN_LEN, Tokens, edition},
    unsubscribe::{UnsubscribeAddress, in_mailto},
    wire::{Base64Writer, quote_value},
};
use crate::{
    address::EmailAddress,
    issue::{Filter, Placeholder},
    render::{Escape, Pattern, Piece, RenderedIssue, apply_filters},
    subscriber::{HEADER_VALUE_MAX, Subscriber},
};
use values::{escaped, has_default};

/// An issue, ready to be addressed: makes the message of each subscriber.
///
/// ```
/// # use mimeograph::{address::EmailAddress, message::{Composer, Secrets}, render::{self, BuildContext, Mailbox, Newsletter}, source::Source, subscriber::Subscriber};
/// # let newsletter = Newsletter::new("Tea", Mailbox::new("Noor", EmailAddress::parse("noor@kettle.example.org")?));
/// # let built = render::build(Source::new("1.md", "---\ntitle: One\n---\nHello.\n"), "one", &BuildContext::new(&newsletter, ".".as_ref(), jiff::Timestamp::now()))?;
/// let composer = Composer::new(&built.rendered, Secrets::new([7; 32]))?;
/// let letter = composer.compose(&Subscriber::new(EmailAddress::parse("ada@example.com")?), Vec::new())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Composer {
    from: EmailAddress,
    slug: String,
    number: Option<u32>,
    /// The sender's own address is outside ASCII, and so is every header.
    utf8_header: bool,
    date: i64,
    /// Scope of the Message-IDs.
    edition: String,
    list_id: String,
    unsubscribe: UnsubscribeAddress,
    /// Fields that are the same in all letters, each with its CRLF.
    header: Vec<u8>,
    /// Fields of the owner's that name the letter.
    own_fields: Vec<(String, String)>,
    subject: Subject,
    /// The two parts with open placeholders, for [`preview`](Self::preview).
    text: Pattern,
    html: Pattern,
    is_test: bool,
    mailto: Option<String>,
    body: Body,
    tokens: Tokens,
    signers: Vec<Signer>,
    /// What is hashed of the body until the end of the first stretch.
    body_hash: digest::Context,
}

/// The subject, and whether it is the same in all letters.
enum Subject {
    Fixed(String),
    Open(Pattern),
}

/// What one person sees of a letter, before it is encoded for the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Filled {
    /// The subject line.
    pub subject: String,
    /// The HTML part.
    pub html: String,
    /// The text part.
    pub text: String,
}

/// Where the envelope's sender has the token of a delivery.
const TOKEN_PLACE: &str = "{token}";

impl Composer {
    /// Prepares an issue for composing, once for all of its readers.
    ///
    /// # Errors
    ///
    /// When a header field of the newsletter's own is one that the composer writes itself, or cannot be written.
    pub fn new(rendered: &RenderedIssue, secrets: Secrets) -> Result<Self, ComposeError> {
        Self::compile(rendered, secrets, None)
    }

    /// Compiles an issue for `mimeo test`: the subject starts with `[Test]`, and the unsubscribe token is
    /// [`TEST_TOKEN`]. See [`compose_test`](Self::compose_test).
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn for_test_letter(rendered: &RenderedIssue, secrets: Secrets) -> Result<Self, ComposeError> {
        Self::compile(rendered, secrets, Some("[Test] "))
    }

    fn compile(rendered: &RenderedIssue, secrets: Secrets, mark: Option<&str>) -> Result<Self, ComposeError> {
        let tokens = Tokens::new(&secrets.key);
        let edition = edition(&rendered.slug, rendered.number);
        let mut subject = rendered.subject.clone();
        if let Some(mark) = mark {
            subject.pieces.insert(0, Piece::Literal(mark.to_owned()));
        }
        let fixed_subject = match subject.placeholders().next() {
            Some(_) => None,
            None => Some(literal(&subject)),
        };
        let unsubscribe = UnsubscribeAddress::of(rendered);
        let header = shared_header(rendered, fixed_subject.as_deref())?;
        let subject = fixed_subject.map_or(Subject::Open(subject), Subject::Fixed);
        let body = Body::new(rendered)?;
        let mut body_hash = digest::Context::new(&digest::SHA256);
        if let Some(first) = body.shared.first() {
            body_hash.update(&first.bytes[body.header_rest..]);
        }
        Ok(Self {
            from: rendered.bounces.clone(),
            slug: rendered.slug.clone(),
            number: rendered.number,
            utf8_header: [Some(&rendered.from), rendered.reply_to.as_ref()]
                .into_iter()
                .flatten()
                .any(|mailbox| mailbox.address.needs_smtputf8()),
            date: rendered.date.as_second(),
            edition,
            list_id: rendered.list_id.clone(),
            mailto: rendered.unsubscribe.mailto.as_ref().map(in_mailto),
            unsubscribe,
            header,
            own_fields: own_fields(rendered),
            subject,
            text: rendered.text.clone(),
            html: rendered.html.clone(),
            is_test: mark.is_some(),
            body,
            tokens,
            signers: secrets.signers,
            body_hash,
        })
    }

    /// Everything that is filled in letter by letter.
    pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        let subject = match &self.subject {
            Subject::Fixed(_) => None,
            Subject::Open(pattern) => Some(pattern),
        };
        subject
            .into_iter()
            .flat_map(Pattern::placeholders)
            .chain(self.body.slots.iter().map(|slot| &slot.placeholder))
    }

    /// Placeholders without a default that are empty for this person. Who has one gets no letter.
    pub fn missing<'a>(&'a self, subscriber: &'a Subscriber) -> impl Iterator<Item = &'a Placeholder> {
        self.placeholders().filter(|placeholder| match placeholder.path.as_slice() {
            [space, name] if space == "subscriber" => {
                subscriber.field(name).is_none()
                    && !placeholder.filters.iter().any(|filter| matches!(filter, Filter::Default(_)))
            }
            _ => false,
        })
    }

    /// A placeholder of the subject whose value is too long for a header field. Who has one gets no letter.
    pub fn overlong(&self, subscriber: &Subscriber) -> Option<&Placeholder> {
        let Subject::Open(pattern) = &self.subject else { return None };
        pattern.placeholders().find(|placeholder| {
            let name = placeholder.path.last().map(String::as_str).unwrap_or_default();
            let value = subscriber.field(name).unwrap_or_default();
            value.len() > HEADER_VALUE_MAX && value.chars().count() > HEADER_VALUE_MAX
        })
    }

    /// Whether this person's letter can be made as it was written: no placeholder is empty or too long.
    pub fn is_complete(&self, subscriber: &Subscriber) -> bool {
        self.missing(subscriber).next().is_none() && self.overlong(subscriber).is_none()
    }

    /// Bytes of a letter, about.
    pub fn size_hint(&self) -> usize {
        self.room() + self.body.shared_bytes()
    }

    /// Bytes of a letter's own, about.
    fn room(&self) -> usize {
        self.header.len() + 800 + self.body.own_bytes() + 900 * self.signers.len()
    }

    /// Makes the letter to one person. The buffer's room is used again, its content is not.
    ///
    /// # Errors
    ///
    /// [`ComposeError::Missing`] if the person has no value for a placeholder without a default.
    pub fn compose(&self, subscriber: &Subscriber, buffer: Vec<u8>) -> Result<Message, ComposeError> {
        self.compose_to(subscriber, subscriber.address.clone(), TEST_TOKEN, buffer)
    }

    /// Makes the letter of a delivery: the envelope's sender has a token for it where the newsletter has `{token}`. The
    /// letter's bytes do not depend on it.
    pub fn compose_delivery(
        &self,
        subscriber: &Subscriber,
        delivery: u64,
        buffer: Vec<u8>,
    ) -> Result<Message, ComposeError> {
        let address = subscriber.address.clone();
        if !self.from.local().contains(TOKEN_PLACE) {
            return self.compose_to(subscriber, address, "", buffer);
        }
        let token = self.tokens.delivery(&self.slug, self.number, delivery, &address);
        self.compose_to(subscriber, address, &token, buffer)
    }

    /// The envelope's sender, with a token where the newsletter has `{token}`.
    fn sender(&self, token: &str) -> EmailAddress {
        if !self.from.local().contains(TOKEN_PLACE) {
            return self.from.clone();
        }
        let whole = self.from.expose().replacen(TOKEN_PLACE, &token.to_ascii_lowercase(), 1);
        // The settings leave room for the token.
        EmailAddress::parse(&whole).unwrap_or_else(|_| self.from.clone())
    }

    /// Makes the letter that `subscriber` would get, addressed in the envelope to someone else who looks at it.
    ///
    /// # Errors
    ///
    /// As for [`compose`](Self::compose).
    pub fn compose_test(&self, subscriber: &Subscriber, to: EmailAddress) -> Result<Message, ComposeError> {
        self.compose_to(subscriber, to, TEST_TOKEN, Vec::new())
    }

    /// What this person sees: subject and parts with all placeholders filled in.
    ///
    /// # Errors
    ///
    /// As for [`compose`](Self::compose).
    pub fn preview(&self, subscriber: &Subscriber) -> Result<Filled, ComposeError> {
        let token = self.token(&subscriber.address);
        let token = std::str::from_utf8(&token).expect("base64url is ASCII");
        let links = Links { token, unsubscribe: self.unsubscribe.with(token) };
        let mut slots = 0..self.body.slots.len();
        let mut fill = |pattern: &Pattern| {
            let mut filled = String::new();
            for piece in &pattern.pieces {
                match piece {
                    Piece::Literal(text) => filled.push_str(text),
                    Piece::Open { .. } => {
                        // The body numbers its slots in the same order: the text part first.
                        let slot = slots.next().expect("every open piece of a part has a slot");
                        filled.push_str(&self.value(slot, subscriber, &links)?);
                    }
                }
            }
            Ok::<_, ComposeError>(filled)
        };
        let (text, html) = (fill(&self.text)?, fill(&self.html)?);
        Ok(Filled { subject: self.subject(subscriber)?.into_owned(), html, text })
    }

    /// The reader's unsubscribe token.
    fn token(&self, address: &EmailAddress) -> [u8; TOKEN_LEN] {
        let mut token = [0; TOKEN_LEN];
        if self.is_test {
            token.copy_from_slice(TEST_TOKEN.as_bytes());
        } else {
            self.tokens.write_unsubscribe(&self.list_id, address, &mut token);
        }
        token
    }

    fn subject(&self, subscriber: &Subscriber) -> Result<Cow<'_, str>, ComposeError> {
        let pattern = match &self.subject {
            Subject::Fixed(subject) => return Ok(Cow::Borrowed(subject)),
            Subject::Open(pattern) => pattern,
        };
        let mut subject = String::new();
        for piece in &pattern.pieces {
            match piece {
                Piece::Literal(text) => subject.push_str(text),
                Piece::Open { placeholder, .. } => {
                    let name = placeholder.path.last().map(String::as_str).unwrap_or_default();
                    let value = subscriber.field(name).unwrap_or_default();
                    if value.chars().nth(HEADER_VALUE_MAX).is_some() {
                        return Err(ComposeError::Overlong { name: placeholder.path.join(".") });
                    }
                    if value.is_empty() && !has_default(placeholder) {
                        return Err(ComposeError::Missing { name: placeholder.path.join(".") });
                    }
                    subject.push_str(&Escape::Header.apply(&apply_filters(&placeholder.filters, value)));
                }
            }
        }
        Ok(Cow::Owned(subject))
    }

    fn compose_to(
        &self,
        subscriber: &Subscriber,
        recipient: EmailAddress,
        delivery_token: &str,
        buffer: Vec<u8>,
    ) -> Result<Message, ComposeError> {
        let mut to = buffer;
        to.clear();
        to.reserve(self.room());
        let mut cuts = Vec::with_capacity(self.body.shared.len());
        let token = self.token(&subscriber.address);
        let token = std::str::from_utf8(&token).expect("base64url is ASCII");
        let links = Links { token, unsubscribe: self.unsubscribe.with(token) };
        self.write_header(subscriber, &links, &mut to)?;
        for step in &self.body.steps {
            match step {
                Step::Shared => cuts.push(to.len()),
                Step::Quoted(slot) => quote_value(&self.value(*slot, subscriber, &links)?, &mut to),
                Step::Base64(groups) => {
                    let mut writer = Base64Writer::default();
                    for group in groups {
                        match group {
                            Group::Fixed(text) => writer.fixed(text, &mut to),
                            Group::Value(slot) => {
                                writer.value(self.value(*slot, subscriber, &links)?.as_bytes(), &mut to);
                            }
                        }
                    }
                    writer.end(&mut to);
                }
            }
        }
        let mut bytes = LetterBytes::new(to, cuts, Arc::clone(&self.body.shared));
        if !self.signers.is_empty() {
            bytes.prepend(&self.signatures(&bytes)?);
        }
        let utf8_header = self.utf8_header || subscriber.address.needs_smtputf8();
        Message::of(self.sender(delivery_token), recipient, bytes, utf8_header)
    }

    /// The signatures' fields. The header is the first stretch and the beginning of the second, up to the blank line.
    fn signatures(&self, bytes: &LetterBytes) -> Result<Vec<u8>, ComposeError> {
        let mut slices = bytes.slices();
        let mut header = slices.next().unwrap_or_default().to_vec();
        let rest = slices.next().unwrap_or_default();
        header.extend_from_slice(&rest[..self.body.header_rest - 2]);
        let mut body = self.body_hash.clone();
        slices.for_each(|slice| body.update(slice));
        dkim::sign(&self.signers, &header, body.finish(), self.date)
    }

    /// The fields that differ from letter to letter, and those that do not.
    fn write_header(
        &self,
        subscriber: &Subscriber,
        links: &Links<'_>,
        to: &mut Vec<u8>,
    ) -> Result<(), ComposeError> {
        to.extend_from_slice(&self.header);
        to.extend_from_slice(b"To: ");
        field::mailbox(subscriber.name.as_deref(), subscriber.address.expose(), 4, to);
        if matches!(self.subject, Subject::Open(_)) {
            let subject = self.subject(subscriber)?;
            to.extend_from_slice(b"\r\nSubject: ");
            field::unstructured(&subject, 66, 9, to);
        }
        to.extend_from_slice(b"\r\nMessage-ID: <");
        let key = subscriber.address.key_cow();
        let identifier = if self.is_test {
            self.tokens.test_identifier(&self.edition, &key)
        } else {
            self.tokens.identifier("message-id", &self.edition, &key)
        };
        to.extend_from_slice(&identifier);
        to.push(b'@');
        to.extend_from_slice(self.from.domain().as_bytes());
        to.extend_from_slice(b">");
        if !self.own_fields.is_empty() {
            write_own(&self.own_fields, std::str::from_utf8(&identifier).expect("base32 is ASCII"), to);
        }
        if !matches!(self.unsubscribe, UnsubscribeAddress::Nothing) {
            to.extend_from_slice(b"\r\nList-Unsubscribe: <");
            to.extend_from_slice(links.unsubscribe.as_bytes());
            to.push(b'>');
            if let (UnsubscribeAddress::Https { .. }, Some(address)) = (&self.unsubscribe, &self.mailto) {
                to.extend_from_slice(b",\r\n <mailto:");
                to.extend_from_slice(address.as_bytes());
                to.extend_from_slice(b"?subject=unsubscribe%20");
                to.extend_from_slice(links.token.as_bytes());
                to.push(b'>');
            }
        }
        to.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn value<'a>(
        &'a self,
        slot: usize,
        subscriber: &'a Subscriber,
        links: &'a Links<'_>,
    ) -> Result<Cow<'a, str>, ComposeError> {
        let slot = &self.body.slots[slot];
        let filters = slot.placeholder.filters.as_slice();
        let raw = match &slot.source {
            Source::Subscriber(name) => Cow::Borrowed(subscriber.field(name).unwrap_or_default()),
            Source::Unsubscribe => Cow::Borrowed(links.unsubscribe.as_str()),
            Source::Preferences(before, after) => Cow::Owned([before, links.token, after].concat()),
            Source::Known(text) => Cow::Borrowed(text.as_str()),
        };
        let filtered = match filters {
            [] => raw,
            [Filter::Default(_)] if !raw.trim().is_empty() => raw,
            [Filter::Default(value)] => Cow::Borrowed(value.as_str()),
            filters => Cow::Owned(apply_filters(filters, &raw)),
        };
        if filtered.is_empty()
            && matches!(slot.source, Source::Subscriber(_))
            && !filters.iter().any(|filter| matches!(filter, Filter::Default(_)))
        {
            return Err(ComposeError::Missing { name: slot.placeholder.path.join(".") });
        }
        Ok(escaped(slot.escape, filtered))
    }
}

/// What only one reader's letter has.
struct Links<'a> {
    /// The reader's token.
    token: &'a str,
    /// The address that unsubscribes them.
    unsubscribe: String,
}

fn literal(pattern: &Pattern) -> String {
    let pieces = pattern.pieces.iter();
    pieces
        .filter_map(|piece| if let Piece::Literal(text) = piece { Some(text.as_str()) } else { None })
        .collect()
}
