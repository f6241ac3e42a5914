//! Identifiers of letters, and tokens by which readers unsubscribe: what only the newsletter can make.
//!
//! A token is base64url, without padding, of 29 bytes: the key's number (1), the keyed hash of the person (12), and a MAC (16).
//! `docs/tokens.md` describes it for programs of others.

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::person_hash::{PERSON, PersonHash};
use crate::address::EmailAddress;

/// Characters of a token.
pub(super) const TOKEN_LEN: usize = 39;
/// Bytes of a token.
const TOKEN_BYTES: usize = 1 + PERSON + MAC;
const MAC: usize = 16;
/// Characters of an identifier: 130 bits in base32.
const IDENTIFIER_LEN: usize = 26;
/// Characters of a test letter's identifier that are its own; the others prove that it is one of a test letter.
const TEST_OWN_LEN: usize = 16;
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

/// What a test letter has where other letters have their unsubscribe token: as long as one, and the same in all test
/// letters. It is no one's token, whatever the newsletter's key.
pub const TEST_TOKEN: &str = "TEST-LETTER--THIS-LINK-CHANGES-NOTHING-";

/// Makes and checks tokens, and makes identifiers. Each kind has its own purpose in front of what is hashed, so that none can
/// stand in for another.
#[derive(Clone, Debug)]
pub struct Tokens {
    current: Key,
    /// Keys that were used before: their tokens stay valid.
    earlier: Vec<Key>,
}

#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Says in a token which key made it. Two keys may share it.
    number: u8,
    hmac: hmac::Key,
}

/// What a token is, after its MAC was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadToken {
    /// It unsubscribes this person.
    Unsubscribe(PersonHash),
    /// It comes from a letter of `mimeo test`, and changes nothing.
    Test,
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// It does not have the form of a token.
    #[error("invalid token: it is not {TOKEN_LEN} characters of base64url")]
    Malformed,
    /// No key of this newsletter made it for this list.
    #[error("invalid token: it was not made with this newsletter's key and for this list")]
    Forged,
}

impl Tokens {
    /// From the newsletter's key.
    pub fn new(key: &[u8; 32]) -> Self {
        Self { current: Key::new(key), earlier: Vec::new() }
    }

    /// Accepts the tokens of keys that were used before, too.
    pub fn with_earlier<'a>(mut self, keys: impl IntoIterator<Item = &'a [u8; 32]>) -> Self {
        self.earlier.extend(keys.into_iter().map(Key::new));
        self
    }

    /// The token that unsubscribes this address from a list, and does nothing else.
    pub fn unsubscribe(&self, list_id: &str, address: &EmailAddress) -> String {
        let mut token = [0; TOKEN_LEN];
        self.write_unsubscribe(list_id, address, &mut token);
        String::from_utf8_lossy(&token).into_owned()
    }

    /// What a token is. Nothing but its own bytes is needed: it is checked before anything is looked up, in a time that does
    /// not depend on them.
    ///
    /// # Errors
    ///
    /// When it is not a token, or was made with another key, for another list or for another purpose.
    pub fn read(&self, token: &str, list_id: &str) -> Result<ReadToken, InvalidToken> {
        let token = token.trim();
        if token == TEST_TOKEN {
            return Ok(ReadToken::Test);
        }
        let mut bytes = [0; TOKEN_BYTES];
        match URL_SAFE_NO_PAD.decode_slice(token, &mut bytes) {
            Ok(TOKEN_BYTES) if token.len() == TOKEN_LEN => {}
            _ => return Err(InvalidToken::Malformed),
        }
        let person = PersonHash::from_bytes(&bytes[1..1 + PERSON]).expect("12 bytes are a person's hash");
        let is_ours = self.keys().filter(|key| key.number == bytes[0]).any(|key| {
            let expected = key.mac(list_id, &person);
            verify_slices_are_equal(&expected, &bytes[1 + PERSON..]).is_ok()
        });
        if is_ours { Ok(ReadToken::Unsubscribe(person)) } else { Err(InvalidToken::Forged) }
    }

    /// Whether a token unsubscribes this address from this list.
    pub fn may_unsubscribe(&self, token: &str, list_id: &str, address: &EmailAddress) -> bool {
        match self.read(token, list_id) {
            Ok(ReadToken::Unsubscribe(person)) => {
                self.people(list_id, &address.key_cow()).any(|known| known == person)
            }
            Ok(ReadToken::Test) | Err(_) => false,
        }
    }

    /// A person's hash under the newsletter's key, by the address's [key](EmailAddress::key).
    pub fn person(&self, list_id: &str, address_key: &str) -> PersonHash {
        self.current.person(list_id, address_key)
    }

    /// The same under each key, the current one first.
    pub fn people<'a>(
        &'a self,
        list_id: &'a str,
        address_key: &'a str,
    ) -> impl Iterator<Item = PersonHash> + 'a {
        self.keys().map(move |key| key.person(list_id, address_key))
    }

    /// Changes with every change of a key or of the list: what people's hashes depend on.
    pub fn fingerprint(&self, list_id: &str) -> String {
        let parts: Vec<String> = self
            .keys()
            .map(|key| URL_SAFE_NO_PAD.encode(&key.tag("fingerprint", list_id, b"").as_ref()[..12]))
            .collect();
        parts.join(" ")
    }

    pub(super) fn write_unsubscribe(&self, list_id: &str, address: &EmailAddress, to: &mut [u8; TOKEN_LEN]) {
        let person = self.person(list_id, &address.key_cow());
        let mut bytes = [self.current.number; TOKEN_BYTES];
        bytes[1..1 + PERSON].copy_from_slice(&person.0);
        bytes[1 + PERSON..].copy_from_slice(&self.current.mac(list_id, &person));
        URL_SAFE_NO_PAD.encode_slice(bytes, to).expect("29 bytes are 39 characters of base64url");
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

    /// Whether a `Message-ID` is that of a letter of `mimeo test`, of whatever issue and to whomever.
    pub fn is_test_message_id(&self, id: &str) -> bool {
        if !Self::is_identifier(id) {
            return false;
        }
        let left = id.split('@').next().unwrap_or_default().to_ascii_lowercase();
        let (own, mark) = left.split_at(TEST_OWN_LEN);
        let expected = self.identifier("test-mark", "", own);
        verify_slices_are_equal(&expected[..IDENTIFIER_LEN - TEST_OWN_LEN], mark.as_bytes()).is_ok()
    }

    /// The left side of a test letter's `Message-ID`: not that of the real letter, because mail stores show one message for one
    /// identifier. Its end proves what it is without the issue, which may never have been sent.
    pub(super) fn test_identifier(&self, issue: &str, recipient: &str) -> [u8; IDENTIFIER_LEN] {
        let mut identifier = self.identifier("test", issue, recipient);
        let own = std::str::from_utf8(&identifier[..TEST_OWN_LEN]).expect("base32 is ASCII");
        let mark = self.identifier("test-mark", "", own);
        identifier[TEST_OWN_LEN..].copy_from_slice(&mark[..IDENTIFIER_LEN - TEST_OWN_LEN]);
        identifier
    }

    /// Whether a text has the form of the left side of a `Message-ID` of ours, perhaps with the right side.
    pub fn is_identifier(text: &str) -> bool {
        let left = text.split('@').next().unwrap_or_default();
        left.len() == IDENTIFIER_LEN && left.bytes().all(|byte| ALPHABET.contains(&byte.to_ascii_lowercase()))
    }

    /// The left side of a `Message-ID`: the same for every attempt to bring one issue to one address.
    pub(super) fn identifier(&self, purpose: &str, issue: &str, recipient: &str) -> [u8; IDENTIFIER_LEN] {
        let tag = self.current.tag(purpose, issue, recipient.as_bytes());
        let bytes = tag.as_ref();
        std::array::from_fn(|index| {
            let bit = index * 5;
            let pair = u16::from(bytes[bit / 8]) << 8 | u16::from(bytes[bit / 8 + 1]);
            ALPHABET[usize::from(pair >> (11 - bit % 8) & 31)]
        })
    }

    /// The key that new tokens are made with.
    pub(super) fn current(&self) -> &Key {
        &self.current
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.earlier)
    }
}

impl Key {
    fn new(key: &[u8; 32]) -> Self {
        let hmac = hmac::Key::new(hmac::HMAC_SHA256, key);
        // Below 128, so that a token begins with a letter and is not taken for an option.
        let number = hmac::sign(&hmac, b"key").as_ref()[0] & 0x7f;
        Self { number, hmac }
    }

    fn person(&self, list_id: &str, address_key: &str) -> PersonHash {
        let tag = self.tag("person", list_id, address_key.as_bytes());
        PersonHash::from_bytes(&tag.as_ref()[..PERSON]).expect("12 bytes are a person's hash")
    }

    fn mac(&self, list_id: &str, person: &PersonHash) -> [u8; MAC] {
        let tag = self.tag("unsubscribe", list_id, &person.0);
        std::array::from_fn(|index| tag.as_ref()[index])
    }

    pub(super) fn number(&self) -> u8 {
        self.number
    }

    pub(super) fn tag(&self, purpose: &str, scope: &str, whose: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.hmac);
        for part in [purpose.as_bytes(), b"\0", scope.as_bytes(), b"\0", whose] {
            context.update(part);
        }
        context.sign()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "letters.example.org";

    fn address(text: &str) -> EmailAddress {
        EmailAddress::parse(text).unwrap()
    }

    #[test]
    fn a_token_unsubscribes_one_person_from_one_list() {
        let tokens = Tokens::new(&[7; 32]);
        let ann = address("ann@example.com");
        let token = tokens.unsubscribe(LIST, &ann);
        let person = tokens.person(LIST, &address("Ann@EXAMPLE.com").key());
        assert_eq!(tokens.read(&token, LIST), Ok(ReadToken::Unsubscribe(person)));
        assert!(tokens.may_unsubscribe(&token, LIST, &ann));
        assert!(!tokens.may_unsubscribe(&token, LIST, &address("bo@example.com")));
        assert_ne!(person, tokens.person(LIST, "bo@example.com"));
        assert_ne!(person, tokens.person("other.example.org", "ann@example.com"));
        assert_eq!(tokens.read(&token, "other.example.org"), Err(InvalidToken::Forged));
        assert_eq!(Tokens::new(&[8; 32]).read(&token, LIST), Err(InvalidToken::Forged));
    }

    #[test]
    fn a_token_that_was_changed_anywhere_is_refused() {
        let tokens = Tokens::new(&[7; 32]);
        let token = tokens.unsubscribe(LIST, &address("ann@example.com"));
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            let forged = URL_SAFE_NO_PAD.encode(forged);
            assert_eq!(tokens.read(&forged, LIST), Err(InvalidToken::Forged), "bit {bit}");
        }
        for text in ["", "ann@example.com", &token[1..], &format!("{token}A"), &format!("{token}="), "é"] {
            assert_eq!(tokens.read(text, LIST), Err(InvalidToken::Malformed), "{text}");
        }
        // The last character holds two bits that belong to no byte: one spelling for one token.
        let last = token.chars().last().unwrap();
        let near = char::from(last as u8 ^ 1);
        assert!(tokens.read(&format!("{}{near}", &token[..38]), LIST).is_err());
    }

    #[test]
    fn tokens_of_earlier_keys_stay_valid_and_new_ones_are_made_with_the_current_key() {
        let ann = address("ann@example.com");
        let (old, new) = (Tokens::new(&[7; 32]), Tokens::new(&[8; 32]));
        let both = Tokens::new(&[8; 32]).with_earlier([&[7; 32]]);
        assert_eq!(both.unsubscribe(LIST, &ann), new.unsubscribe(LIST, &ann));
        for tokens in [&old, &new] {
            let person = tokens.person(LIST, &ann.key());
            let token = tokens.unsubscribe(LIST, &ann);
            assert_eq!(both.read(&token, LIST), Ok(ReadToken::Unsubscribe(person)));
            assert!(both.people(LIST, &ann.key()).any(|hash| hash == person));
        }
        assert_ne!(both.fingerprint(LIST), new.fingerprint(LIST));
    }

    #[test]
    fn the_token_is_what_any_program_with_the_key_computes() {
        // python3 -c 'import hmac,base64; k=bytes([7])*32; h=lambda *p: hmac.digest(k,b"\0".join(p),"sha256")
        // l=b"letters.example.org"; w=h(b"person",l,b"ann@example.com")[:12]
        // print(base64.urlsafe_b64encode(bytes([h(b"key")[0]&127])+w+h(b"unsubscribe",l,w)[:16]).rstrip(b"="))'
        let token = Tokens::new(&[7; 32]).unsubscribe(LIST, &address("ann@example.com"));
        assert_eq!(token, "KWPVdCSrFg9hQ0qlpZzJOjJTmbL3ac9lwZbSKdM");
    }

    #[test]
    fn a_token_begins_with_a_letter() {
        for byte in 0..=u8::MAX {
            let token = Tokens::new(&[byte; 32]).unsubscribe(LIST, &address("ann@example.com"));
            assert!(token.starts_with(|first: char| first.is_ascii_alphabetic()), "{token}");
        }
    }

    #[test]
    fn the_token_of_a_test_letter_is_no_ones() {
        assert_eq!(TEST_TOKEN.len(), TOKEN_LEN);
        assert_eq!(Tokens::new(&[7; 32]).read(TEST_TOKEN, LIST), Ok(ReadToken::Test));
    }

    #[test]
    fn forged_tokens_are_never_accepted() {
        let tokens = Tokens::new(&[7; 32]).with_earlier([&[8; 32]]);
        let mut state = 1_u64;
        for _ in 0..20_000 {
            let bytes: [u8; TOKEN_BYTES] = std::array::from_fn(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            });
            assert_eq!(tokens.read(&URL_SAFE_NO_PAD.encode(bytes), LIST), Err(InvalidToken::Forged));
        }
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
