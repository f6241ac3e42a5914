//! Signatures over letters (RFC 6376, RFC 8301, RFC 8463).
//!
//! Relaxed headers, as relays refold them; simple bodies, as ours have no trailing blanks to be relaxed about, and
//! relaxing them costs more than hashing them.

use std::sync::Arc;

use aws_lc_rs::{
    digest::{Digest, SHA256, digest},
    encoding::{AsDer, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::error::ComposeError;

/// A key, and the name it signs under.
#[derive(Clone)]
pub struct Signer {
    domain: String,
    selector: String,
    key: Arc<Key>,
    /// Of the file.
    fingerprint: String,
}

enum Key {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

/// What a key is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyKind {
    /// rsa-sha256, 2048 bits or more.
    Rsa,
    /// ed25519-sha256.
    Ed25519,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer")
            .field("domain", &self.domain)
            .field("selector", &self.selector)
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}

/// Fields that are signed when they are there. `from` once more than it occurs, so that no one can add a second one.
const SIGNED: [&str; 15] = [
    "from",
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "reply-to",
    "mime-version",
    "content-type",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-archive",
    "feedback-id",
    "precedence",
];

/// Tells keys apart and tells nothing of them.
pub(super) fn fingerprint(secret: &[u8]) -> String {
    digest(&SHA256, secret).as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Signer {
    /// A key from a PEM file: RSA (PKCS#8 or PKCS#1) of at least 2048 bits, or Ed25519 (PKCS#8).
    ///
    /// # Errors
    ///
    /// [`ComposeError::Key`] if domain or selector are not names in the DNS, or the key cannot be used: it is locked, too short, of
    /// another kind, or public.
    pub fn from_pem(domain: &str, selector: &str, pem: &str) -> Result<Self, ComposeError> {
        let owner = domain.to_owned();
        let refuse = |reason| ComposeError::Key { domain: owner.clone(), reason };
        let domain = domain.to_ascii_lowercase();
        if !is_dns_name(&domain) {
            return Err(refuse("the domain is not a name in the DNS"));
        }
        if !is_dns_name(selector) {
            return Err(refuse("the selector is not a name in the DNS"));
        }
        if pem.contains("BEGIN ENCRYPTED PRIVATE KEY") || pem.contains("Proc-Type: 4,ENCRYPTED") {
            return Err(refuse("it is locked with a password; write it without one"));
        }
        if !pem.contains("PRIVATE KEY-----")
            && (pem.contains("PUBLIC KEY-----") || pem.contains("CERTIFICATE-----"))
        {
            return Err(refuse("it is the public half; the private key signs"));
        }
        let der = decode_pem(pem).ok_or_else(|| refuse("it is not a private key in PEM"))?;
        let key = if let Ok(key) = RsaKeyPair::from_pkcs8(&der).or_else(|_| RsaKeyPair::from_der(&der)) {
            // 2048 bits, in bytes (RFC 8301 section 3.2).
            if key.public_modulus_len() < KeySize::Rsa2048.len() {
                return Err(refuse("it is shorter than 2048 bits; make a new one with `mimeo keygen`"));
            }
            Key::Rsa(Box::new(key))
        } else if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der) {
            Key::Ed25519(key)
        } else if is_short_rsa(pem, &der) {
            return Err(refuse("it is shorter than 2048 bits; make a new one with `mimeo keygen`"));
        } else {
            return Err(refuse("it is neither an RSA nor an Ed25519 key"));
        };
        let fingerprint = format!("{owner}/{selector} {}", fingerprint(pem.trim().as_bytes()));
        Ok(Self { domain, selector: selector.to_owned(), key: Arc::new(key), fingerprint })
    }

    /// Name and key, in words that tell nothing of the key.
    pub(super) fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    /// What the key is made of.
    pub fn kind(&self) -> KeyKind {
        match *self.key {
            Key::Rsa(_) => KeyKind::Rsa,
            Key::Ed25519(_) => KeyKind::Ed25519,
        }
    }

    /// The domain that signs: the `d=` of its signatures.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The public key, as base64 for the `p=` of its DNS record.
    pub fn public_key(&self) -> String {
        match &*self.key {
            // The SubjectPublicKeyInfo, which verifiers expect (erratum 3017 of RFC 6376), not the bare key.
            Key::Rsa(key) => {
                let der: PublicKeyX509Der<'_> =
                    key.public_key().as_der().expect("a public key can be written");
                STANDARD.encode(der.as_ref())
            }
            Key::Ed25519(key) => STANDARD.encode(key.public_key().as_ref()),
        }
    }

    /// The whole field for a letter, with its CRLF. `header` holds the fields, each with its CRLF.
    fn field(&self, canonical: &Canonical, body_hash: &str, time: i64) -> Result<Vec<u8>, ComposeError> {
        let algorithm = match *self.key {
            Key::Rsa(_) => "rsa-sha256",
            Key::Ed25519(_) => "ed25519-sha256",
        };
        let (domain, selector, names) = (&self.domain, &self.selector, &canonical.names);
        let mut field = format!(
            "DKIM-Signature: v=1; a={algorithm}; c=relaxed/simple; d={domain};\r\n s={selector}; t={time};\r\n \
             h={names};\r\n bh={body_hash};\r\n b="
        )
        .into_bytes();
        let mut signed = canonical.fields.clone();
        relax(&field, &mut signed);
        // The signature's own field comes last, without its CRLF (RFC 6376 section 3.7).
        signed.truncate(signed.len() - 2);
        let failed = |_| ComposeError::Key { domain: domain.clone(), reason: "signing with it failed" };
        let signature = match &*self.key {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &signed, &mut signature).map_err(failed)?;
                signature
            }
            Key::Ed25519(key) => key.sign(digest(&SHA256, &signed).as_ref()).as_ref().to_vec(),
        };
        let signature = STANDARD.encode(signature);
        for (index, line) in signature.as_bytes().chunks(72).enumerate() {
            if index > 0 {
                field.extend_from_slice(b"\r\n ");
            }
            field.extend_from_slice(line);
        }
        field.extend_from_slice(b"\r\n");
        Ok(field)
    }
}

/// The signed fields in relaxed form, and their names.
struct Canonical {
    fields: Vec<u8>,
    names: String,
}

/// The signature fields for a letter, each with its CRLF.
pub(super) fn sign(
    signers: &[Signer],
    header: &[u8],
    body_hash: Digest,
    time: i64,
) -> Result<Vec<u8>, ComposeError> {
    let body_hash = STANDARD.encode(body_hash);
    let canonical = canonical(header);
    let mut fields = Vec::with_capacity(1024);
    for signer in signers {
        fields.extend(signer.field(&canonical, &body_hash, time)?);
    }
    Ok(fields)
}

fn canonical(header: &[u8]) -> Canonical {
    let all: Vec<&[u8]> = fields(header).collect();
    let mut canonical = Canonical { fields: Vec::with_capacity(header.len()), names: String::new() };
    let mut line = 0;
    let mut taken = [""; SIGNED.len()];
    for (index, name) in SIGNED.iter().enumerate() {
        let found = all.iter().find(|field| is_named(field, name));
        let again = taken[..index].contains(name);
        if found.is_none() {
            continue;
        }
        taken[index] = name;
        if !canonical.names.is_empty() {
            canonical.names.push(':');
            line += 1;
        }
        if line + name.len() > 60 {
            canonical.names.push_str("\r\n  ");
            line = 0;
        }
        canonical.names.push_str(name);
        line += name.len();
        // A name that appears more often than its field signs that there is none more.
        if let (Some(field), false) = (found, again) {
            relax(field, &mut canonical.fields);
        }
    }
    canonical
}

fn is_named(field: &[u8], name: &str) -> bool {
    field.len() > name.len()
        && field[name.len()] == b':'
        && field[..name.len()].eq_ignore_ascii_case(name.as_bytes())
}

/// The fields of a header, each with its folded lines and without its last CRLF.
fn fields(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = header;
    std::iter::from_fn(move || {
        let mut from = 0;
        if rest.is_empty() {
            return None;
        }
        loop {
            let end = memchr::memmem::find(&rest[from..], b"\r\n").map_or(rest.len(), |at| from + at);
            let behind = (end + 2).min(rest.len());
            if !matches!(rest.get(behind), Some(b' ' | b'\t')) {
                let field = &rest[..end];
                rest = &rest[behind..];
                return Some(field);
            }
            from = behind;
        }
    })
}

/// The relaxed form of a field (RFC 6376 section 3.4.2), with a CRLF.
fn relax(field: &[u8], to: &mut Vec<u8>) {
    let colon = memchr::memchr(b':', field).unwrap_or(field.len());
    to.extend(field[..colon].iter().filter(|byte| !matches!(byte, b' ' | b'\t')).map(u8::to_ascii_lowercase));
    to.push(b':');
    let start = to.len();
    let mut blank = false;
    for byte in field.get(colon + 1..).unwrap_or_default() {
        match byte {
            b'\r' | b'\n' => {}
            b' ' | b'\t' => blank = true,
            byte => {
                if blank && start < to.len() {
                    to.push(b' ');
                }
                blank = false;
                to.push(*byte);
            }
        }
    }
    to.extend_from_slice(b"\r\n");
}

/// The bytes between `-----BEGIN … PRIVATE KEY-----` and its end.
fn decode_pem(pem: &str) -> Option<Vec<u8>> {
    let begin =
        pem.lines().position(|line| line.starts_with("-----BEGIN ") && line.contains("PRIVATE KEY-----"))?;
    let body: String = pem
        .lines()
        .skip(begin + 1)
        .take_while(|line| !line.starts_with("-----END "))
        .flat_map(|line| line.chars().filter(|c| !c.is_whitespace()))
        .collect();
    STANDARD.decode(body).ok().filter(|der| !der.is_empty())
}

/// Whether a key that was refused is RSA's all the same: the crate takes none under 2048 bits and does not say so.
fn is_short_rsa(pem: &str, der: &[u8]) -> bool {
    const RSA_ENCRYPTION: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
    // A whole key of 2048 bits takes 1,190 bytes.
    der.len() < 1100
        && (pem.contains("BEGIN RSA PRIVATE KEY") || memchr::memmem::find(der, RSA_ENCRYPTION).is_some())
}

fn is_dns_name(name: &str) -> bool {
    name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relaxed(field: &str) -> String {
        let mut out = Vec::new();
        relax(field.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn relaxed_fields_are_as_the_rfc_shows() {
        assert_eq!(relaxed("A: X"), "a:X\r\n");
        assert_eq!(relaxed("B : Y\t\r\n\tZ  "), "b:Y Z\r\n");
    }

    #[test]
    fn folded_fields_stay_together() {
        let all: Vec<&[u8]> = fields(b"A: 1\r\n 2\r\nB: 3\r\n").collect();
        assert_eq!(all, [b"A: 1\r\n 2".as_slice(), b"B: 3"]);
    }

    #[test]
    fn what_is_no_key_is_refused_in_words() {
        for (pem, reason) in [
            ("", "it is not a private key in PEM"),
            (
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n",
                "it is locked with a password; write it without one",
            ),
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n", "it is the public half; the private key signs"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----",
                "it is shorter than 2048 bits; make a new one with `mimeo keygen`",
            ),
            ("-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----", "it is not a private key in PEM"),
            (
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
                "it is neither an RSA nor an Ed25519 key",
            ),
        ] {
            let error = Signer::from_pem("example.org", "s", pem).unwrap_err().to_string();
            assert!(error.ends_with(reason), "{error}");
        }
        for (domain, selector) in
            [("exa mple.org", "s"), ("example.org", "s;h=x"), ("example.org", "s\r\nBcc: x")]
        {
            let error = Signer::from_pem(domain, selector, "").unwrap_err().to_string();
            assert!(error.ends_with("is not a name in the DNS"), "{error}");
        }
    }
}
