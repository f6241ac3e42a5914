//! DKIM signatures (RFC 6376, RFC 8301, RFC 8463).
//!
//! Header fields are canonicalised `relaxed`, because relays refold them; the body `simple`, because our encodings leave
//! nothing in it that a relay could tidy up (no trailing blanks, no empty lines at the end), and the relaxed form would
//! cost three times the hash for it.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    digest::{Digest, SHA256, digest},
    rand::SystemRandom,
    rsa::KeyPair as RsaKeyPair,
    signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;

use super::ComposeError;

/// Fields that are signed once more than they are there, so that nobody can add another one on the way
/// (RFC 6376 section 8.15).
const OVER_SIGNED: &[&str] = &["From", "To", "Subject", "Reply-To"];
/// Signs of a signature on a line of its field.
const SIGNS_A_LINE: usize = 72;
/// Signs of a SHA-256 in base64.
const HASH_SIGNS: usize = 44;

/// A key that signs for a domain. Cheap to clone; it never prints its key.
#[derive(Clone)]
pub struct Signer {
    domain: String,
    selector: String,
    key: Arc<Key>,
}

enum Key {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

/// A key that cannot sign letters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// The domain or the selector cannot stand in a DNS name.
    #[error("the {what} of the DKIM key is not a name in the DNS")]
    Name {
        /// `domain` or `selector`.
        what: &'static str,
    },
    /// There is no PEM block that could be a key.
    #[error("the DKIM key is not a private key in PEM form")]
    NotPem,
    /// It is something else in PEM form.
    #[error("the DKIM key file holds {found}, not a private key")]
    NotPrivate {
        /// What it holds.
        found: &'static str,
    },
    /// It can be opened only with a password.
    #[error("the DKIM key is encrypted with a password")]
    Encrypted,
    /// Neither RSA nor Ed25519.
    #[error("the DKIM key is neither an RSA nor an Ed25519 key")]
    WrongKind,
    /// Less than 2048 bits (RFC 8301 section 3.2).
    #[error("the DKIM key is too short: RSA keys have 2048 bits or more")]
    TooShort,
}

impl Signer {
    /// Reads a private key: RSA in PKCS#8 or PKCS#1, or Ed25519 in PKCS#8, in PEM form.
    pub fn from_pem(domain: &str, selector: &str, pem: &str) -> Result<Self, SignerError> {
        let domain = domain.trim().to_ascii_lowercase();
        if !is_dns_name(&domain) || !domain.contains('.') {
            return Err(SignerError::Name { what: "domain" });
        }
        if !is_dns_name(selector) {
            return Err(SignerError::Name { what: "selector" });
        }
        let (label, der) = read_pem(pem).ok_or(SignerError::NotPem)?;
        let key = match label {
            "PRIVATE KEY" => match Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der) {
                Ok(key) => Key::Ed25519(key),
                Err(_) => rsa(RsaKeyPair::from_pkcs8(&der), &der)?,
            },
            "RSA PRIVATE KEY" if pem.contains("Proc-Type: 4,ENCRYPTED") => {
                return Err(SignerError::Encrypted);
            }
            "RSA PRIVATE KEY" => rsa(RsaKeyPair::from_der(&der), &der)?,
            "ENCRYPTED PRIVATE KEY" => return Err(SignerError::Encrypted),
            "EC PRIVATE KEY" | "DSA PRIVATE KEY" => return Err(SignerError::WrongKind),
            "PUBLIC KEY" | "RSA PUBLIC KEY" => return Err(SignerError::NotPrivate { found: "a public key" }),
            "CERTIFICATE" => return Err(SignerError::NotPrivate { found: "a certificate" }),
            _ => return Err(SignerError::NotPem),
        };
        Ok(Self { domain, selector: selector.to_owned(), key: Arc::new(key) })
    }

    /// The domain that the signature speaks for.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The selector: the key's record is at `SELECTOR._domainkey.DOMAIN`.
    pub fn selector(&self) -> &str {
        &self.selector
    }

    /// `rsa-sha256` or `ed25519-sha256`.
    pub fn algorithm(&self) -> &'static str {
        match *self.key {
            Key::Rsa(_) => "rsa-sha256",
            Key::Ed25519(_) => "ed25519-sha256",
        }
    }

    /// What the DNS must say about this key: compare it with the record that is there.
    pub fn record(&self) -> String {
        match &*self.key {
            Key::Rsa(key) => super::keygen::rsa_record(key),
            Key::Ed25519(key) => super::keygen::ed25519_record(key.public_key().as_ref()),
        }
    }

    fn signature_octets(&self) -> usize {
        match &*self.key {
            Key::Rsa(key) => key.public_modulus_len(),
            Key::Ed25519(_) => 64,
        }
    }

    fn sign(&self, data: &[u8], to: &mut [u8]) -> Result<(), ComposeError> {
        let fail = |_| ComposeError::Signing { domain: self.domain.clone(), selector: self.selector.clone() };
        match &*self.key {
            Key::Rsa(key) => key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), data, to).map_err(fail),
            // RFC 8463 section 3: what is signed is the hash.
            Key::Ed25519(key) => {
                to.copy_from_slice(key.try_sign(digest(&SHA256, data).as_ref()).map_err(fail)?.as_ref());
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}, {}._domainkey.{})", self.algorithm(), self.selector, self.domain)
    }
}

fn rsa(parsed: Result<RsaKeyPair, aws_lc_rs::error::KeyRejected>, der: &[u8]) -> Result<Key, SignerError> {
    match parsed {
        Ok(key) if key.public_modulus_len() < 256 => Err(SignerError::TooShort),
        Ok(key) => Ok(Key::Rsa(Box::new(key))),
        // The object identifier of RSA keys, for the crate does not tell why it refuses.
        Err(_) if memchr::memmem::find(der, b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01").is_some() => {
            Err(if der.len() < 1100 { SignerError::TooShort } else { SignerError::WrongKind })
        }
        Err(_) if der.len() < 1100 && der.get(4..7) == Some(&[2, 1, 0]) => Err(SignerError::TooShort),
        Err(_) => Err(SignerError::WrongKind),
    }
}

fn is_dns_name(name: &str) -> bool {
    name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

/// The label and the content of the first PEM block (RFC 7468); `EC PARAMETERS` in front of a key are passed over.
fn read_pem(pem: &str) -> Option<(&str, Vec<u8>)> {
    let mut rest = pem;
    loop {
        let (_, block) = rest.split_once("-----BEGIN ")?;
        let (label, block) = block.split_once("-----")?;
        let (content, behind) = block.split_once("-----END ")?;
        if label == "EC PARAMETERS" {
            rest = behind;
            continue;
        }
        let base64: String =
            content.lines().filter(|line| !line.contains(':')).flat_map(str::split_whitespace).collect();
        let der = STANDARD.decode(base64);
        // A key locked with a password is told from its label, whatever it holds.
        return Some((label, der.ok().filter(|der| !der.is_empty())?));
    }
}

/// Everything about the signatures of one issue that is the same in every letter.
pub(super) struct Signatures {
    signatures: Vec<Prepared>,
    /// The canonical form of the fields that all letters share.
    shared: Vec<u8>,
}

struct Prepared {
    signer: Signer,
    /// From `DKIM-Signature:` to `bh=`.
    head: Vec<u8>,
    canonical_head: Vec<u8>,
    /// Octets of the whole field.
    len: usize,
}

impl Signatures {
    /// Prepares them: `shared` are the signed fields that all letters share, `personal` the names of those that each
    /// letter has for itself, in the order in which they stand there.
    pub(super) fn new(
        signers: &[Signer],
        date: Timestamp,
        shared: &[(&str, &[u8])],
        personal: &[&str],
    ) -> Self {
        let mut names: Vec<&str> =
            shared.iter().map(|(name, _)| *name).chain(personal.iter().copied()).collect();
        names.extend(OVER_SIGNED);
        let mut canonical = Vec::new();
        for (_, field) in shared {
            relax(field, &mut canonical);
        }
        let signatures = signers
            .iter()
            .map(|signer| {
                let head = head(signer, date, &names);
                let mut canonical_head = Vec::new();
                relax(&head, &mut canonical_head);
                canonical_head.truncate(canonical_head.len() - 2);
                let signs = signer.signature_octets().div_ceil(3) * 4;
                let len = head.len()
                    + HASH_SIGNS
                    + ";\r\n b=".len()
                    + signs
                    + (signs - 1) / SIGNS_A_LINE * "\r\n ".len()
                    + "\r\n".len();
                Prepared { signer: signer.clone(), head, canonical_head, len }
            })
            .collect();
        Self { signatures, shared: canonical }
    }

    /// The room they take at the head of a letter.
    pub(super) fn len(&self) -> usize {
        self.signatures.iter().map(|signature| signature.len).sum()
    }

    /// Signs a letter and writes the fields into the room kept for them.
    pub(super) fn sign(&self, personal: &[u8], body: &[u8], room: &mut [u8]) -> Result<(), ComposeError> {
        if self.signatures.is_empty() {
            return Ok(());
        }
        let hash: Digest = digest(&SHA256, body);
        let mut bh = [0; HASH_SIGNS];
        STANDARD.encode_slice(hash.as_ref(), &mut bh).expect("a SHA-256 is 44 signs of base64");
        let mut data = Vec::with_capacity(self.shared.len() + personal.len() + 1024);
        data.extend_from_slice(&self.shared);
        relax(personal, &mut data);
        let fields = data.len();
        let mut octets = [0; 1024];
        let mut signs = [0; 1368];
        let mut at = 0;
        for signature in &self.signatures {
            data.truncate(fields);
            data.extend_from_slice(&signature.canonical_head);
            data.extend_from_slice(&bh);
            data.extend_from_slice(b"; b=");
            let octets = &mut octets[..signature.signer.signature_octets()];
            signature.signer.sign(&data, octets)?;
            let count =
                STANDARD.encode_slice(&*octets, &mut signs).expect("8192 bits are 1368 signs of base64");

            let field = &mut room[at..at + signature.len];
            at += signature.len;
            let mut to = 0;
            let mut write = |bytes: &[u8]| {
                field[to..to + bytes.len()].copy_from_slice(bytes);
                to += bytes.len();
            };
            write(&signature.head);
            write(&bh);
            write(b";\r\n b=");
            for (index, line) in signs[..count].chunks(SIGNS_A_LINE).enumerate() {
                if index > 0 {
                    write(b"\r\n ");
                }
                write(line);
            }
            write(b"\r\n");
        }
        Ok(())
    }
}

/// A signature's field up to `bh=`, folded.
fn head(signer: &Signer, date: Timestamp, names: &[&str]) -> Vec<u8> {
    let mut head = format!(
        "DKIM-Signature: v=1; a={}; c=relaxed/simple;\r\n d={};\r\n s={}; t={};\r\n h=",
        signer.algorithm(),
        signer.domain,
        signer.selector,
        date.as_second()
    );
    let mut column = 3;
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            head.push(':');
            column += 1;
            if column + name.len() > 76 {
                head.push_str("\r\n ");
                column = 1;
            }
        }
        head.push_str(name);
        column += name.len();
    }
    head.push_str(";\r\n bh=");
    head.into_bytes()
}

/// The relaxed form of header fields (RFC 6376 section 3.4.2): names in lower case, lines unfolded, runs of blanks as
/// one, none around the value. A last field without a line break gets one.
fn relax(fields: &[u8], to: &mut Vec<u8>) {
    let mut rest = fields;
    while !rest.is_empty() {
        let name = memchr::memchr(b':', rest).unwrap_or(rest.len());
        to.extend(
            rest[..name].iter().filter(|byte| !matches!(byte, b' ' | b'\t')).map(u8::to_ascii_lowercase),
        );
        to.push(b':');
        rest = rest.get(name + 1..).unwrap_or_default();
        let start = to.len();
        let mut blank = false;
        loop {
            let line = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            for byte in &rest[..line] {
                match byte {
                    b' ' | b'\t' | b'\r' | b'\n' => blank = true,
                    byte => {
                        if blank && to.len() > start {
                            to.push(b' ');
                        }
                        blank = false;
                        to.push(*byte);
                    }
                }
            }
            rest = &rest[line..];
            if !matches!(rest, [b' ' | b'\t', ..]) {
                break;
            }
        }
        to.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_relaxed_form_is_that_of_the_rfc() {
        let mut out = Vec::new();
        relax(b"A: X\r\nB : Y\t\r\n\tZ  \r\nSubject:\r\n  long \r\n  one\r\nEmpty: \r\n", &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "a:X\r\nb:Y Z\r\nsubject:long one\r\nempty:\r\n");
    }

    #[test]
    fn keys_that_cannot_sign_are_refused_by_what_they_are() {
        let read = |pem: &str| Signer::from_pem("example.com", "mimeo", pem).map(|_| ()).unwrap_err();
        let block =
            |label: &str, body: &str| format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
        assert_eq!(read(""), SignerError::NotPem);
        assert_eq!(read("hunter2"), SignerError::NotPem);
        assert_eq!(read(&block("PRIVATE KEY", "???")), SignerError::NotPem);
        assert_eq!(read(&block("PRIVATE KEY", "")), SignerError::NotPem);
        assert_eq!(read(&block("PRIVATE KEY", "AAAA")), SignerError::WrongKind);
        assert_eq!(read(&block("EC PRIVATE KEY", "AAAA")), SignerError::WrongKind);
        assert_eq!(read(&block("ENCRYPTED PRIVATE KEY", "AAAA")), SignerError::Encrypted);
        assert_eq!(
            read(&block("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA")),
            SignerError::Encrypted
        );
        assert_eq!(read(&block("PUBLIC KEY", "AAAA")), SignerError::NotPrivate { found: "a public key" });
        assert_eq!(read(&block("CERTIFICATE", "AAAA")), SignerError::NotPrivate { found: "a certificate" });
        let (pem, _) = super::super::keygen::generate(super::super::KeyKind::Ed25519);
        for (domain, selector) in
            [("example", "a"), ("exa mple.com", "a"), ("example.com", ""), ("example.com", "a;b")]
        {
            assert!(matches!(Signer::from_pem(domain, selector, &pem), Err(SignerError::Name { .. })));
        }
    }
}
