//! Keys for DKIM, and what the DNS says about them.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};

/// The kinds of keys that sign letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA with 2048 bits: every receiver knows it.
    Rsa2048,
    /// Ed25519: fast and short, but not every receiver checks it; use it beside RSA.
    Ed25519,
}

/// Draws a new key: the private key in PEM form (PKCS#8), and the value of its DNS record.
///
/// # Panics
///
/// When the system has no randomness to give; nothing could be trusted then.
pub fn generate(kind: KeyKind) -> (String, String) {
    match kind {
        KeyKind::Rsa2048 => {
            let key = RsaKeyPair::generate(KeySize::Rsa2048).expect("the system gives randomness");
            let der: Pkcs8V1Der<'_> = key.as_der().expect("a key that was just made can be written");
            (pem(der.as_ref()), rsa_record(&key))
        }
        KeyKind::Ed25519 => {
            let key = Ed25519KeyPair::generate().expect("the system gives randomness");
            let der = key.to_pkcs8v1().expect("a key that was just made can be written");
            (pem(der.as_ref()), ed25519_record(key.public_key().as_ref()))
        }
    }
}

/// A record's value as zone files take it: strings of at most 255 octets in quotation marks (RFC 6376 section 3.6.2.2).
pub fn zone_text(record: &str) -> String {
    let strings: Vec<_> = record
        .as_bytes()
        .chunks(255)
        .map(|chunk| format!("\"{}\"", String::from_utf8_lossy(chunk)))
        .collect();
    strings.join(" ")
}

pub(super) fn rsa_record(key: &RsaKeyPair) -> String {
    let der: PublicKeyX509Der<'_> = key.public_key().as_der().expect("a public key can be written");
    format!("v=DKIM1; k=rsa; p={}", STANDARD.encode(der.as_ref()))
}

pub(super) fn ed25519_record(public: &[u8]) -> String {
    format!("v=DKIM1; k=ed25519; p={}", STANDARD.encode(public))
}

fn pem(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let mut pem = "-----BEGIN PRIVATE KEY-----\n".to_owned();
    for line in base64.as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem + "-----END PRIVATE KEY-----\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Signer;

    #[test]
    fn a_new_key_signs_and_knows_its_record() {
        for (kind, algorithm) in [(KeyKind::Rsa2048, "rsa-sha256"), (KeyKind::Ed25519, "ed25519-sha256")] {
            let (pem, record) = generate(kind);
            let signer = Signer::from_pem("Example.com", "mimeo", &pem).unwrap();
            assert_eq!(
                (signer.algorithm(), signer.domain(), signer.record()),
                (algorithm, "example.com", record)
            );
        }
    }

    #[test]
    fn a_record_is_cut_into_strings_that_the_dns_can_hold() {
        let (_, record) = generate(KeyKind::Rsa2048);
        let text = zone_text(&record);
        let strings: Vec<_> = text.split("\" \"").map(|string| string.trim_matches('"')).collect();
        assert!(strings.len() == 2 && strings.iter().all(|string| string.len() <= 255));
        assert_eq!(strings.concat(), record);
    }
}
