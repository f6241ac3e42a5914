//! An email address: parsed once, compared by its key, printed masked.
//!
//! In: a text. Out: an [`EmailAddress`] that a letter can go to, or the reason why none can.
//! Never: knows a list or a relay, asks the DNS, prints an address whole.

use std::{borrow::Cow, fmt, str::FromStr};

use icu_properties::{
    CodePointMapData,
    props::{GeneralCategory, Script},
};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Bytes in front of the `@` (RFC 5321 section 4.5.3.1.1).
const LOCAL_MAX: usize = 64;
/// Bytes behind the `@`, in A-labels (RFC 5321 section 4.5.3.1.2).
const DOMAIN_MAX: usize = 255;
/// Bytes in all: a path is at most 256 with its angle brackets (RFC 5321 section 4.5.3.1.3).
const ADDRESS_MAX: usize = 254;

/// An address a letter can go to. Its shape is checked; it prints itself masked.
///
/// ```
/// use mimeograph::address::EmailAddress;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let ada = EmailAddress::parse(" Ada@Example.COM ")?;
/// assert_eq!(ada.expose(), "Ada@example.com");
/// assert_eq!(ada.to_string(), "A…@example.com");
/// assert_eq!(ada.key(), EmailAddress::parse("ada@example.com")?.key());
/// assert!(EmailAddress::parse("ada@localhost").is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// A text that is not a valid email address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidAddress {
    /// What is wrong, in words for the owner of the list. It never repeats the text itself.
    pub reason: String,
}

impl EmailAddress {
    /// Checks the shape (RFC 5321 section 4.1.2, without obsolete and quoted forms), lower-cases the domain and
    /// writes it in A-labels, and brings the local part to NFC. Spaces around the address are dropped.
    ///
    /// Refused on purpose, though the grammar knows them: quoted local parts (they can carry SMTP parameters past
    /// careless software), addresses of hosts in brackets, and domains of a single label.
    ///
    /// # Errors
    ///
    /// What is wrong with the text: it is empty, has no `@`, or holds characters that no address can have, for example.
    pub fn parse(input: &str) -> Result<Self, InvalidAddress> {
        check(input).map_err(|reason| InvalidAddress { reason: reason.to_owned() })
    }

    /// The whole address, for the envelope, the `To` header and the owner's eyes.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A key for comparisons, equal for every spelling of one mailbox as far as we can tell. Never used to send.
    ///
    /// NFC, the domain in A-labels, all in lower case. A host may tell `Ann@` from `ann@` (RFC 5321 section 2.4), but
    /// hardly any does, while lists hold both spellings of one person every day; and a suppression must not be
    /// escaped by a capital letter. `+tag` and dots are kept: they do make different mailboxes.
    pub fn key(&self) -> String {
        self.key_cow().into_owned()
    }

    /// [`key`](Self::key) without a copy for an address that is its own key, as most are.
    pub fn key_cow(&self) -> Cow<'_, str> {
        if self.0.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
            Cow::Borrowed(&self.0)
        } else if self.0.is_ascii() {
            Cow::Owned(self.0.to_ascii_lowercase())
        } else {
            Cow::Owned(self.0.to_lowercase().nfc().collect())
        }
    }

    /// In front of the `@`, as given.
    pub fn local(&self) -> &str {
        split(&self.0).map_or("", |(local, _)| local)
    }

    /// Behind the `@`, in A-labels.
    pub fn domain(&self) -> &str {
        split(&self.0).map_or("", |(_, domain)| domain)
    }

    /// The top-level domain, if it is one that never has mail: reserved by RFC 6761 (`invalid`, `localhost`), RFC 7686
    /// (`onion`) or RFC 9476 (`alt`). The other reserved names (`test`, `example`, `local`, `internal`) are used inside of networks and
    /// with relays that only collect letters.
    pub fn unreachable_domain(&self) -> Option<&str> {
        let domain = self.domain().rsplit('.').next().unwrap_or_default();
        matches!(domain, "invalid" | "localhost" | "onion" | "alt").then_some(domain)
    }

    /// Whether only a relay that offers SMTPUTF8 (RFC 6531) can take a letter to it: the local part is not ASCII.
    pub fn needs_smtputf8(&self) -> bool {
        !self.0.is_ascii()
    }
}

/// At the last `@`.
fn split(address: &str) -> Option<(&str, &str)> {
    let at = memchr::memrchr(b'@', address.as_bytes())?;
    Some((&address[..at], &address[at + 1..]))
}

fn check(input: &str) -> Result<EmailAddress, &'static str> {
    let text = input.trim_matches(|c| matches!(c, ' ' | '\t' | '\u{a0}' | '\u{3000}'));
    if text.is_empty() {
        return Err("it is empty");
    }
    // Nothing longer can be an address, and what follows need not look at megabytes.
    if text.len() > 4 * ADDRESS_MAX {
        return Err("it is longer than 254 bytes");
    }
    // As it is written, too: a mark behind a `<` would make another character of it.
    refuse_characters(text)?;
    let text = if text.is_ascii() || is_nfc(text) {
        Cow::Borrowed(text)
    } else {
        let text = text.nfc().collect::<String>();
        refuse_characters(&text)?;
        Cow::Owned(text)
    };
    let Some((local, domain)) = split(&text) else {
        return Err(if text.contains('\u{ff20}') { "its @ is a full-width \u{ff20}" } else { "it has no @" });
    };
    check_local(local)?;
    let domain = check_domain(domain)?;
    if domain.len() > DOMAIN_MAX {
        return Err("its domain is longer than 255 bytes");
    }
    if local.len() + 1 + domain.len() > ADDRESS_MAX {
        return Err("it is longer than 254 bytes");
    }
    let mut address = String::with_capacity(local.len() + 1 + domain.len());
    address.push_str(local);
    address.push('@');
    address.push_str(&domain);
    Ok(EmailAddress(address))
}

/// Characters that no address contains, with a reason that says more than "not allowed".
fn refuse_characters(text: &str) -> Result<(), &'static str> {
    let harmless =
        |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"' | b',' | b';' | b':');
    if text.bytes().all(harmless) {
        return Ok(());
    }
    for c in text.chars() {
        match c {
            '\r' | '\n' => return Err("it contains a line break"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                return Err("it contains a control character");
            }
            c if c.is_whitespace() => {
                return Err(if text.contains('<') {
                    "it contains more than an address: put the name in a column of its own"
                } else {
                    "it contains a space"
                });
            }
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                return Err("it contains a character that changes the writing direction");
            }
            '\u{ad}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200d}'
            | '\u{2060}'..='\u{2064}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}' => return Err("it contains an invisible character"),
            '\u{fffd}' => return Err("it contains a character that was lost in a conversion"),
            '<' | '>' => return Err("it contains angle brackets: keep only what is between them"),
            '"' => return Err("quoted local parts are not supported"),
            ',' | ';' => return Err("it contains a comma or semicolon: write one address per row"),
            c if c.is_ascii() => {}
            c => match CodePointMapData::<GeneralCategory>::new().get(c) {
                GeneralCategory::Format => return Err("it contains an invisible character"),
                GeneralCategory::PrivateUse | GeneralCategory::Unassigned => {
                    return Err("it contains a character without a meaning");
                }
                _ => {}
            },
        }
    }
    Ok(())
}

/// Whether a text begins with a mark that would be drawn over whatever is before it.
fn begins_with_mark(text: &str) -> bool {
    let marks =
        [GeneralCategory::NonspacingMark, GeneralCategory::SpacingMark, GeneralCategory::EnclosingMark];
    let first = text.chars().next().filter(|first| !first.is_ascii());
    first.is_some_and(|first| marks.contains(&CodePointMapData::<GeneralCategory>::new().get(first)))
}

fn check_local(local: &str) -> Result<(), &'static str> {
    if local.is_empty() {
        return Err("nothing precedes the @");
    }
    if local.contains('@') {
        return Err("it has more than one @");
    }
    if begins_with_mark(local) {
        return Err("its local part begins with a mark that belongs to a letter before it");
    }
    if local.len() > LOCAL_MAX {
        return Err("more than 64 bytes precede the @");
    }
    if local.starts_with('.') || local.ends_with('.') {
        return Err("its local part begins or ends with a dot");
    }
    if local.as_bytes().windows(2).any(|pair| pair == b"..") {
        return Err("its local part contains two dots in a row");
    }
    // atext of RFC 5322 section 3.2.3, and everything outside ASCII (RFC 6531 section 3.3)
    let atext = |byte: u8| {
        byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte)
    };
    if local.bytes().all(atext) {
        Ok(())
    } else {
        Err("its local part contains a character that has to be quoted")
    }
}

fn check_domain(domain: &str) -> Result<Cow<'_, str>, &'static str> {
    let domain = if is_plain(domain) { Cow::Borrowed(domain) } else { to_plain(domain)? };
    match memchr::memrchr(b'.', domain.as_bytes()) {
        None => Err("its domain has no dot"),
        Some(dot) if domain[dot + 1..].bytes().all(|byte| byte.is_ascii_digit()) => {
            Err("its domain ends in a number, as the address of a host does")
        }
        // All top-level domains are letters, or encoded.
        Some(dot) if has_digit(&domain[dot + 1..]) => Err("its top-level domain contains a digit"),
        Some(_) => Ok(domain),
    }
}

fn has_digit(top_level: &str) -> bool {
    !top_level.starts_with("xn--") && top_level.bytes().any(|byte| byte.is_ascii_digit())
}

fn to_plain(domain: &str) -> Result<Cow<'_, str>, &'static str> {
    if domain.is_empty() {
        return Err("nothing follows the @");
    }
    if domain.starts_with('[') {
        return Err("its domain is the address of a host in brackets");
    }
    if domain.ends_with('.') {
        return Err("its domain ends with a dot");
    }
    if domain.starts_with('.') || domain.contains("..") {
        return Err("its domain has an empty label");
    }
    if domain.bytes().any(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"-.".contains(&byte)) {
        return Err("its domain contains a character that no domain has");
    }
    if domain.split('.').any(|label| label.starts_with('-') || label.ends_with('-')) {
        return Err("a label of its domain begins or ends with a hyphen");
    }
    if domain.is_ascii() && domain.split('.').any(|label| label.len() > 63) {
        return Err("a label of its domain is longer than 63 bytes");
    }
    let idna = Uts46::new();
    let plain = idna
        .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .map_err(|_| "its domain is invalid (IDNA)")?;
    let (read, _) = idna.to_unicode(plain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    if read.is_ascii() || read.split('.').all(fits_beside_others) {
        Ok(plain)
    } else {
        Err("its domain contains a character that no domain has at that place")
    }
}

/// Whether the characters of a label that are allowed only beside certain others are there: RFC 5892 appendices A.3 to A.9. UTS 46
/// does not ask.
fn fits_beside_others(label: &str) -> bool {
    let script = CodePointMapData::<Script>::new();
    let of = |c: Option<char>, wanted| c.is_some_and(|c| script.get(c) == wanted);
    let is_japanese = |c| [Script::Hiragana, Script::Katakana, Script::Han].contains(&script.get(c));
    let has = |digits: std::ops::RangeInclusive<char>| label.chars().any(|c| digits.contains(&c));
    label.char_indices().all(|(at, c)| {
        let before = label[..at].chars().next_back();
        let after = label[at + c.len_utf8()..].chars().next();
        match c {
            // Of Catalan `l·l` only
            '\u{b7}' => before == Some('l') && after == Some('l'),
            '\u{375}' => of(after, Script::Greek),
            '\u{5f3}' | '\u{5f4}' => of(before, Script::Hebrew),
            '\u{30fb}' => label.chars().any(is_japanese),
            '\u{660}'..='\u{669}' => !has('\u{6f0}'..='\u{6f9}'),
            _ => true,
        }
    })
}

/// Whether a domain is plain already: labels of lower-case letters, digits and inner hyphens, none of them encoded.
fn is_plain(domain: &str) -> bool {
    domain.len() <= 253
        && domain.split('.').all(|label| {
            let bytes = label.as_bytes();
            !bytes.is_empty()
                && bytes.len() <= 63
                && bytes[0] != b'-'
                && bytes[bytes.len() - 1] != b'-'
                && !label.starts_with("xn--")
                && bytes
                    .iter()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
        })
}

/// Shows `a…@example.com`, so that a log line never holds the whole address.
impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first: String = self.local().chars().take(1).collect();
        write!(f, "{first}…@{}", self.domain())
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmailAddress({self})")
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        Self::parse(text)
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = InvalidAddress;

    fn try_from(text: String) -> Result<Self, InvalidAddress> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_never_prints_itself_whole() {
        let address = EmailAddress::parse("margaret@example.com").unwrap();
        assert_eq!(address.to_string(), "m…@example.com");
        assert_eq!(format!("{address:?}"), "EmailAddress(m…@example.com)");
        assert_eq!(address.expose(), "margaret@example.com");
    }

    #[test]
    fn a_reason_never_repeats_the_text() {
        let error = EmailAddress::parse("margaret example.com").unwrap_err();
        assert!(!error.to_string().contains("margaret"), "{error}");
    }

    #[test]
    fn only_a_local_part_outside_ascii_needs_smtputf8() {
        assert!(!EmailAddress::parse("jo@bücher.example").unwrap().needs_smtputf8());
        assert!(EmailAddress::parse("jörg@example.org").unwrap().needs_smtputf8());
    }

    #[test]
    fn spellings_of_one_mailbox_share_a_key() {
        let key = |text| EmailAddress::parse(text).unwrap().key();
        assert_eq!(key("Ann@Example.COM"), key("ann@example.com"));
        assert_eq!(key("jo@BÜCHER.example"), key("jo@xn--bcher-kva.example"));
        assert_eq!(key("jo\u{308}rg@example.org"), key("JÖRG@example.org"));
        assert_ne!(key("ann+news@example.com"), key("ann@example.com"));
    }

    proptest! {
        #[test]
        fn whatever_passes_is_stable_safe_and_short(text in "(?s)(\\PC|.){0,12}@?(\\PC|.){0,12}(\\.[a-z]{2})?") {
            if let Ok(address) = EmailAddress::parse(&text) {
                let again = EmailAddress::parse(address.expose()).unwrap();
                prop_assert_eq!(again.expose(), address.expose());
                prop_assert!(address.expose().len() <= ADDRESS_MAX);
                prop_assert!(!address.expose().contains(|c: char| c.is_control() || c.is_whitespace() || "<>\",;:".contains(c)));
                prop_assert!(address.domain().is_ascii());
                let key = address.key();
                prop_assert_eq!(EmailAddress::parse(&key).unwrap().key(), key);
            }
        }
    }
}
