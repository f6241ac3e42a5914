//! Signatures of messages by their sender's domain (DKIM, RFC 6376, RFC 8463), checked to know whether a request to unsubscribe is
//! from whom it says.
//!
//! The DNS is the caller's: a [`Signature`] says which record it needs, and is checked with its text.

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{
        ED25519, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, UnparsedPublicKey, VerificationAlgorithm,
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;

use super::mail::SIZE_MAX;
use crate::address::EmailAddress;

/// Signatures of one message that are looked at.
const SIGNATURES_MAX: usize = 5;

/// A signature that could prove the sender of a message.
#[derive(Clone, Debug)]
pub struct Signature {
    /// The name in the DNS that has the key: `selector._domainkey.example.org`.
    pub name: String,
    is_ed25519: bool,
    expires: Option<i64>,
    /// What was signed: the chosen fields, and the signature's own without its value.
    signed: Vec<u8>,
    value: Vec<u8>,
    /// `i=` names the domain itself and not a part of it.
    is_exact: bool,
}

/// One header field as it was written, without the end of its last line.
struct Field<'a> {
    name: &'a str,
    raw: &'a str,
}

/// The signatures of a message that are by the domain of its one sender, or by a domain that this one is part of. Their bodies
/// match; their keys are still to be asked for.
pub fn signatures(bytes: &[u8], sender: &EmailAddress) -> Vec<Signature> {
    if bytes.len() >= SIZE_MAX {
        return Vec::new();
    }
    let Some((header, body)) = split(bytes) else { return Vec::new() };
    let Ok(header) = String::from_utf8(header) else { return Vec::new() };
    let fields = fields(&header);
    let mut from = fields.iter().filter(|field| field.name.eq_ignore_ascii_case("from"));
    // Two senders would be one for the signature and another for the reader.
    let is_sole = from.next().is_some_and(|field| super::people::all(field.raw) == [sender.clone()]);
    if !is_sole || from.next().is_some() {
        return Vec::new();
    }
    let own = fields.iter().filter(|field| field.name.eq_ignore_ascii_case("dkim-signature"));
    own.take(SIGNATURES_MAX).filter_map(|field| read(field, &fields, &body, sender.domain())).collect()
}

fn read(own: &Field<'_>, fields: &[Field<'_>], body: &[u8], sender: &str) -> Option<Signature> {
    let (_, text) = own.raw.split_once(':')?;
    let tags = tags(text);
    let tag = |name: &str| tags.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
    let domain = tag("d")?.to_ascii_lowercase();
    let sender = sender.to_ascii_lowercase();
    let is_aligned = domain.contains('.') && (sender == domain || sender.ends_with(&format!(".{domain}")));
    // A signature over a part of the body would cover any other body that begins alike.
    if !is_aligned || tag("v") != Some("1") || tag("l").is_some() {
        return None;
    }
    let is_ed25519 = match tag("a")?.to_ascii_lowercase().as_str() {
        "rsa-sha256" => false,
        "ed25519-sha256" => true,
        _ => return None,
    };
    let (header_form, body_form) =
        tag("c").map_or(("simple", "simple"), |form| form.split_once('/').unwrap_or((form, "simple")));
    let expected = STANDARD.decode(tag("bh")?).ok()?;
    if digest(&SHA256, &canonical_body(body, body_form)?).as_ref() != expected {
        return None;
    }
    let names: Vec<String> = tag("h")?.split(':').map(|name| name.trim().to_ascii_lowercase()).collect();
    if !names.iter().any(|name| name == "from") {
        return None;
    }
    let mut signed = Vec::new();
    let mut used = vec![false; fields.len()];
    for name in &names {
        // The last one of a name first; a name without a field signs that there is none.
        let found =
            (0..fields.len()).rev().find(|at| !used[*at] && fields[*at].name.eq_ignore_ascii_case(name));
        if let Some(at) = found {
            used[at] = true;
            signed.extend(canonical_field(fields[at].raw, header_form)?);
            signed.extend_from_slice(b"\r\n");
        }
    }
    signed.extend(canonical_field(&without_value(own.raw), header_form)?);
    let selector = tag("s").filter(|selector| {
        selector.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    })?;
    let identity = tag("i")
        .and_then(|identity| identity.rsplit_once('@'))
        .map(|(_, domain)| domain.to_ascii_lowercase());
    Some(Signature {
        name: format!("{selector}._domainkey.{domain}"),
        is_ed25519,
        expires: tag("x").and_then(|text| text.parse().ok()),
        signed,
        value: STANDARD.decode(tag("b")?).ok()?,
        is_exact: identity.is_none_or(|identity| identity == domain),
    })
}

impl Signature {
    /// Whether it was made with the key in this record.
    pub fn is_by(&self, record: &str, now: Timestamp) -> bool {
        if self.expires.is_some_and(|at| at < now.as_second()) {
            return false;
        }
        let tags = tags(record);
        let tag = |name: &str| tags.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        let lists = |name: &str, word: &str| {
            tag(name).is_none_or(|list| list.split(':').any(|one| one.trim().eq_ignore_ascii_case(word)))
        };
        let kind = if self.is_ed25519 { "ed25519" } else { "rsa" };
        let fits = tag("v").is_none_or(|version| version == "DKIM1")
            && tag("k").unwrap_or("rsa").eq_ignore_ascii_case(kind)
            && lists("h", "sha256")
            && tag("s").is_none_or(|list| list.split(':').any(|one| matches!(one.trim(), "*" | "email")))
            && (self.is_exact
                || !tag("t").is_some_and(|flags| flags.split(':').any(|flag| flag.trim() == "s")));
        // An empty key was revoked.
        let Some(key) =
            tag("p").filter(|key| fits && !key.is_empty()).and_then(|key| STANDARD.decode(key).ok())
        else {
            return false;
        };
        let algorithm: &'static dyn VerificationAlgorithm =
            if self.is_ed25519 { &ED25519 } else { &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY };
        // Ed25519 signs the digest (RFC 8463 section 3).
        let hashed = digest(&SHA256, &self.signed);
        let message = if self.is_ed25519 { hashed.as_ref() } else { &self.signed };
        UnparsedPublicKey::new(algorithm, key).verify(message, &self.value).is_ok()
    }
}

/// Header and body with line ends as they were sent.
fn split(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let bytes = match bytes.strip_prefix(b"From ") {
        Some(rest) => &rest[memchr::memchr(b'\n', rest)? + 1..],
        None => bytes,
    };
    let mut whole = Vec::with_capacity(bytes.len() + bytes.len() / 30);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        whole.extend_from_slice(text.strip_suffix(b"\r").unwrap_or(text));
        if line.ends_with(b"\n") {
            whole.extend_from_slice(b"\r\n");
        }
    }
    let end = memchr::memmem::find(&whole, b"\r\n\r\n")?;
    let body = whole.split_off(end + 4);
    whole.truncate(end);
    Some((whole, body))
}

fn fields(header: &str) -> Vec<Field<'_>> {
    let mut fields = Vec::new();
    let mut start = 0;
    let ends = header.match_indices("\r\n").map(|(at, _)| at).chain([header.len()]);
    for end in ends {
        let is_folded = header.get(end + 2..).is_some_and(|rest| rest.starts_with([' ', '\t']));
        if is_folded {
            continue;
        }
        let raw = &header[start..end];
        if let Some((name, _)) = raw.split_once(':') {
            fields.push(Field { name: name.trim_end(), raw });
        }
        start = (end + 2).min(header.len());
    }
    fields
}

/// `a=b; c=d`, without the spaces that folding makes.
fn tags(text: &str) -> Vec<(&str, String)> {
    let without_spaces = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect();
    let parts = text.split(';').filter_map(|part| part.split_once('='));
    parts.map(|(name, value)| (name.trim(), without_spaces(value))).collect()
}

/// The signature's own field, with nothing behind `b=`.
fn without_value(raw: &str) -> String {
    let Some((name, text)) = raw.split_once(':') else { return raw.to_owned() };
    let parts: Vec<String> = text
        .split(';')
        .map(|part| match part.split_once('=') {
            Some((tag, _)) if tag.trim() == "b" => format!("{tag}="),
            _ => part.to_owned(),
        })
        .collect();
    format!("{name}:{}", parts.join(";"))
}

fn canonical_field(raw: &str, form: &str) -> Option<Vec<u8>> {
    match form {
        "simple" => Some(raw.as_bytes().to_vec()),
        "relaxed" => {
            let (name, value) = raw.split_once(':')?;
            let value = value
                .split([' ', '\t', '\r', '\n'])
                .filter(|word| !word.is_empty())
                .collect::<Vec<_>>()
                .join(" ");
            Some(format!("{}:{value}", name.trim_end().to_ascii_lowercase()).into_bytes())
        }
        _ => None,
    }
}

fn canonical_body(body: &[u8], form: &str) -> Option<Vec<u8>> {
    let mut to = match form {
        "simple" => body.to_vec(),
        "relaxed" => {
            let mut to = Vec::with_capacity(body.len());
            for line in body.split_inclusive(|byte| *byte == b'\n') {
                let text = line.strip_suffix(b"\r\n").unwrap_or(line);
                let words: Vec<&[u8]> = text.split(|byte| matches!(byte, b' ' | b'\t')).collect();
                let begins = words.first().is_some_and(|word| word.is_empty());
                let words: Vec<&[u8]> = words.into_iter().filter(|word| !word.is_empty()).collect();
                if begins && !words.is_empty() {
                    to.push(b' ');
                }
                to.extend(words.join(&b' '));
                if line.ends_with(b"\r\n") {
                    to.extend_from_slice(b"\r\n");
                }
            }
            to
        }
        _ => return None,
    };
    while to.ends_with(b"\r\n\r\n") {
        to.truncate(to.len() - 2);
    }
    if to == b"\r\n" && form == "relaxed" {
        to.clear();
    } else if !to.ends_with(b"\r\n") && (form == "simple" || !to.is_empty()) {
        to.extend_from_slice(b"\r\n");
    }
    Some(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8463 appendix A.
    const MESSAGE: &str = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n subject : date : message-id : from : subject : date;\r\n bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\nFrom: Joe SixPack <joe@football.example.com>\r\nTo: Suzie Q <suzie@shopping.example.net>\r\nSubject: Is dinner ready?\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\nMessage-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\nHi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
    const RECORD: &str = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

    fn joe() -> EmailAddress {
        EmailAddress::parse("joe@football.example.com").unwrap()
    }

    fn is_proved(message: &str, sender: &EmailAddress, record: &str) -> bool {
        let now = Timestamp::from_second(1_600_000_000).unwrap();
        signatures(message.as_bytes(), sender).iter().any(|one| one.is_by(record, now))
    }

    #[test]
    fn the_example_of_the_standard_is_proved() {
        let found = signatures(MESSAGE.as_bytes(), &joe());
        assert_eq!(found[0].name, "brisbane._domainkey.football.example.com");
        assert!(is_proved(MESSAGE, &joe(), RECORD));
        assert!(is_proved(&MESSAGE.replace("\r\n", "\n"), &joe(), RECORD), "from a maildir");
        assert!(is_proved(&format!("Received: by x\r\n{MESSAGE}\r\n\r\n"), &joe(), RECORD));
    }

    #[test]
    fn what_was_changed_or_is_not_the_senders_is_not_proved() {
        let other = EmailAddress::parse("joe@example.com").unwrap();
        let replaced = |from: &str, to: &str| MESSAGE.replace(from, to);
        for (message, sender, record) in [
            (replaced("hungry", "thirsty"), joe(), RECORD),
            (replaced("dinner", "lunch"), joe(), RECORD),
            (replaced("Joe SixPack", "Joe"), joe(), RECORD),
            (replaced("joe@football.example.com", "joe@example.com"), other, RECORD),
            (
                replaced("joe@football.example.com", "joe@football.example.com, x@football.example.com"),
                joe(),
                RECORD,
            ),
            (replaced("\r\nTo:", "\r\nFrom: x@example.net\r\nTo:"), joe(), RECORD),
            (replaced("h=from : to", "h=to"), joe(), RECORD),
            (replaced("t=1528637909", "t=1528637909; x=1528637910"), joe(), RECORD),
            (replaced("q=dns/txt", "l=10"), joe(), RECORD),
            (MESSAGE.to_owned(), joe(), "v=DKIM1; k=ed25519; p="),
            (MESSAGE.to_owned(), joe(), "v=DKIM1; k=rsa; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="),
            (
                MESSAGE.to_owned(),
                joe(),
                "v=DKIM1; k=ed25519; h=sha1; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
            ),
            (MESSAGE.to_owned(), joe(), "v=DKIM1; k=ed25519; p=AAqYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="),
            (MESSAGE.to_owned(), joe(), ""),
        ] {
            assert!(!is_proved(&message, &sender, record), "{message}\n{record}");
        }
    }

    #[test]
    fn broken_messages_have_no_signatures() {
        for message in [
            "",
            "\r\n\r\n",
            "From:\r\n\r\n",
            "DKIM-Signature: \r\n\r\nx",
            ":\r\n \r\n\r\n",
            "From: joe@football.example.com\r\nDKIM-Signature: b=; d=; ;=;\r\n\r\n",
        ] {
            assert!(signatures(message.as_bytes(), &joe()).is_empty(), "{message}");
        }
    }
}
