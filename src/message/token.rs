//! Names that only we can make: identifiers of letters, and what a reader leaves with.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::address::EmailAddress;

/// Signs of a token: 128 bits in base64url.
pub(super) const TOKEN_LEN: usize = 22;
/// Signs of an identifier: 130 bits in base32.
const IDENTIFIER_LEN: usize = 26;
/// Characters of a delivery's token that prove it.
const PROOF_LEN: usize = 13;
/// Characters of the largest number of a delivery.
const NUMBER_LEN_MAX: usize = 13;
/// Characters of a delivery's token, at most.
pub const DELIVERY_TOKEN_MAX: usize = NUMBER_LEN_MAX + PROOF_LEN;

/// Base32 of RFC 4648 section 6, in lower case.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// What identifiers of an issue's letters are made from.
pub(super) fn edition(slug: &str, number: Option<u32>) -> String {
    format!("{slug}#{}", number.unwrap_or(0))
}

/// A number in base32, without leading zeros.
fn base32(number: u64) -> String {
    let digits = (0..NUMBER_LEN_MAX).rev().map(|place| (number >> (5 * place) & 31) as usize);
    let mut digits = digits.skip_while(|digit| *digit == 0).peekable();
    match digits.peek() {
        None => "a".to_owned(),
        Some(_) => digits.map(|digit| char::from(ALPHABET[digit])).collect(),
    }
}

/// Makes tokens and identifiers from one secret; each kind has its own purpose in front, so that none can stand in for
/// another.
#[derive(Clone, Debug)]
pub struct Tokens(hmac::Key);

impl Tokens {
    /// From the newsletter's secret.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// What lets somebody leave a list, and nothing else: base64url of the first 128 bits of
    /// HMAC-SHA256(key, `unsubscribe` 0 list 0 address), the address as its [`EmailAddress::key`].
    pub fn unsubscribe(&self, list_id: &str, address: &EmailAddress) -> String {
        let mut token = [0; TOKEN_LEN];
        self.write_unsubscribe(list_id, address, &mut token);
        String::from_utf8_lossy(&token).into_owned()
    }

    /// Whether a token lets this address leave this list; takes the same time whatever it says.
    pub fn may_unsubscribe(&self, token: &str, list_id: &str, address: &EmailAddress) -> bool {
        let expected = self.unsubscribe(list_id, address);
        aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_bytes(), token.as_bytes()).is_ok()
    }

    pub(super) fn write_unsubscribe(&self, list_id: &str, address: &EmailAddress, to: &mut [u8; TOKEN_LEN]) {
        let tag = self.tag("unsubscribe", list_id, &address.key_cow());
        URL_SAFE_NO_PAD.encode_slice(&tag.as_ref()[..16], to).expect("16 octets are 22 signs of base64url");
    }

    /// What names a delivery in the envelope's sender, so that a letter that comes back is known without reading it: the
    /// delivery's number in base32, and 65 bits of HMAC-SHA256 over it, the issue and the address. Lower-case letters and
    /// digits, at most 26.
    pub fn delivery(&self, slug: &str, number: Option<u32>, delivery: u64, address: &EmailAddress) -> String {
        let mut token = base32(delivery);
        let whose = format!("{delivery} {}", address.key_cow());
        let proof = self.identifier("delivery", &edition(slug, number), &whose);
        token.push_str(std::str::from_utf8(&proof[..PROOF_LEN]).expect("base32 is ASCII"));
        token
    }

    /// The number of the delivery that a token claims to name; to be believed after [`is_delivery`](Self::is_delivery).
    pub fn delivery_in(token: &str) -> Option<u64> {
        let number = token.get(..token.len().checked_sub(PROOF_LEN)?)?;
        if number.is_empty() || number.len() > NUMBER_LEN_MAX {
            return None;
        }
        number.bytes().try_fold(0_u64, |sum, byte| {
            let digit = ALPHABET.iter().position(|known| *known == byte.to_ascii_lowercase())?;
            sum.checked_mul(32)?.checked_add(digit as u64)
        })
    }

    /// Whether a token names this delivery; takes the same time whatever it says.
    pub fn is_delivery(
        &self,
        token: &str,
        slug: &str,
        number: Option<u32>,
        delivery: u64,
        address: &EmailAddress,
    ) -> bool {
        let expected = self.delivery(slug, number, delivery, address);
        let token = token.to_ascii_lowercase();
        aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_bytes(), token.as_bytes()).is_ok()
    }

    /// Whether a `Message-ID` is that of the letter that brings an issue to an address.
    pub fn is_message_id(&self, id: &str, slug: &str, number: Option<u32>, address: &EmailAddress) -> bool {
        let expected = self.identifier("message-id", &edition(slug, number), &address.key_cow());
        let left = id.split('@').next().unwrap_or_default().to_ascii_lowercase();
        aws_lc_rs::constant_time::verify_slices_are_equal(&expected, left.as_bytes()).is_ok()
    }

    /// The left side of a `Message-ID`: the same for every attempt to bring one issue to one address.
    pub(super) fn identifier(&self, purpose: &str, issue: &str, recipient: &str) -> [u8; IDENTIFIER_LEN] {
        let tag = self.tag(purpose, issue, recipient);
        let bytes = tag.as_ref();
        std::array::from_fn(|index| {
            let bit = index * 5;
            let pair = u16::from(bytes[bit / 8]) << 8 | u16::from(bytes[bit / 8 + 1]);
            ALPHABET[usize::from(pair >> (11 - bit % 8) & 31)]
        })
    }

    fn tag(&self, purpose: &str, scope: &str, whose: &str) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        for part in [purpose.as_bytes(), b"\0", scope.as_bytes(), b"\0", whose.as_bytes()] {
            context.update(part);
        }
        context.sign()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> EmailAddress {
        EmailAddress::parse(text).unwrap()
    }

    #[test]
    fn a_token_opens_one_door_only() {
        let tokens = Tokens::new(&[7; 32]);
        let ann = address("ann@example.com");
        let token = tokens.unsubscribe("letters.example.org", &ann);
        assert_eq!(token.len(), TOKEN_LEN);
        assert!(tokens.may_unsubscribe(&token, "letters.example.org", &address("Ann@EXAMPLE.com")));
        assert!(!tokens.may_unsubscribe(&token, "other.example.org", &ann));
        assert!(!tokens.may_unsubscribe(&token, "letters.example.org", &address("bo@example.com")));
        assert!(!tokens.may_unsubscribe(&token[1..], "letters.example.org", &ann));
        assert!(!Tokens::new(&[8; 32]).may_unsubscribe(&token, "letters.example.org", &ann));
        for at in 0..TOKEN_LEN {
            let mut forged = token.clone().into_bytes();
            forged[at] ^= 1;
            assert!(!tokens.may_unsubscribe(
                &String::from_utf8(forged).unwrap(),
                "letters.example.org",
                &ann
            ));
        }
    }

    #[test]
    fn the_token_is_what_anybody_with_the_secret_computes() {
        // python3 -c 'import hmac,base64; print(base64.urlsafe_b64encode(hmac.digest(bytes([7])*32,
        // b"unsubscribe\0letters.example.org\0ann@example.com","sha256")[:16]))'
        let token = Tokens::new(&[7; 32]).unsubscribe("letters.example.org", &address("ann@example.com"));
        assert_eq!(token, "pt7OTbUgyNzB_8rLG8fujg");
    }

    #[test]
    fn a_deliverys_token_is_read_back_and_proves_one_delivery() {
        let tokens = Tokens::new(&[7; 32]);
        let ann = address("ann@example.com");
        for delivery in [0, 1, 31, 32, 1_000_000, u64::MAX] {
            let token = tokens.delivery("a-year", Some(95), delivery, &ann);
            assert!(token.len() <= DELIVERY_TOKEN_MAX, "{token}");
            assert_eq!(Tokens::delivery_in(&token.to_uppercase()), Some(delivery), "{token}");
            assert!(tokens.is_delivery(&token.to_uppercase(), "a-year", Some(95), delivery, &ann));
            assert!(!tokens.is_delivery(&token, "a-year", None, delivery, &ann));
            assert!(!tokens.is_delivery(&token, "a-year", Some(95), delivery ^ 1, &ann));
            assert!(!tokens.is_delivery(&token, "a-year", Some(95), delivery, &address("bo@example.com")));
            assert!(!Tokens::new(&[8; 32]).is_delivery(&token, "a-year", Some(95), delivery, &ann));
        }
        for none in ["", "a", TEST_TOKEN_OF_NONE, "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "\u{e9}aaaaaaaaaaaaaaa"]
        {
            assert_eq!(Tokens::delivery_in(none), None, "{none}");
        }
    }

    /// It has characters that no number has.
    const TEST_TOKEN_OF_NONE: &str = "1-aaaaaaaaaaaaa";

    #[test]
    fn an_identifier_is_base32() {
        let tokens = Tokens::new(&[7; 32]);
        let identifier = tokens.identifier("message-id", "a-year", "ann@example.com");
        assert_eq!(std::str::from_utf8(&identifier).unwrap(), "6om5m7fcqs3vuwdbcd7uajlarf");
    }
}
