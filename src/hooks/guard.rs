//! What proves who sent a request: a shared secret, or a signature that is fresh.

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    hmac,
    signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};

use super::{
    digest::sha256,
    provider::{Keys, Surroundings, Verified},
    request::{Refusal, Request},
};
use crate::transport::Secret;

/// A signed moment may be so far from now.
pub(super) const WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// The secret among a service's keys.
pub(super) fn secret(keys: &Keys) -> Result<&Secret, Refusal> {
    match keys {
        Keys::Secret(secret) if !secret.expose().is_empty() => Ok(secret),
        _ => Err(Refusal::Unauthorized("this hook has no secret")),
    }
}

/// For services that do not sign: the secret is the password of HTTP's basic authentication (RFC 7617), with any name, or
/// a bearer token (RFC 6750).
pub(super) fn password<'a>(
    keys: &Keys,
    request: &Request<'a>,
    _: &Surroundings<'_>,
) -> Result<Verified<'a>, Refusal> {
    let expected = secret(keys)?;
    let field = request.field("authorization").ok_or(Refusal::Unauthorized("the secret is missing"))?;
    let (scheme, rest) = field.trim().split_once(' ').unwrap_or((field, ""));
    let given = if scheme.eq_ignore_ascii_case("bearer") {
        rest.trim().as_bytes().to_vec()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let login = STANDARD.decode(rest.trim()).unwrap_or_default();
        let colon = memchr::memchr(b':', &login).map_or(login.len(), |at| at + 1);
        login[colon..].to_vec()
    } else {
        Vec::new()
    };
    // Of the digests, so that the time says nothing of the length either.
    let (given, expected) = (sha256(&[&given]), sha256(&[expected.expose().as_bytes()]));
    if verify_slices_are_equal(&given, &expected).is_err() {
        return Err(Refusal::Unauthorized("the secret is wrong"));
    }
    Ok(Verified::Events { json: request.body.into(), once: None })
}

/// Whether an HMAC-SHA256 is the right one; in constant time.
pub(super) fn is_hmac(key: &[u8], parts: &[&[u8]], given: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::verify(&key, &parts.concat(), given).is_ok()
}

/// Whether an ECDSA signature over P-256 and SHA-256 is by this public key.
pub(super) fn is_ecdsa(public_key: &[u8], parts: &[&[u8]], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public_key).verify(&parts.concat(), signature).is_ok()
}

/// Whether a signed moment, in seconds since 1970, is near enough to now.
pub(super) fn is_fresh(seconds: &str, now: Timestamp, window: SignedDuration) -> bool {
    let at = seconds.trim().parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    at.is_some_and(|at| now.duration_since(at).abs() <= window)
}

/// Bytes in hexadecimal digits.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
