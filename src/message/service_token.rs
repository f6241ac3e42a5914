//! Tokens of the service: they open one thing for a while, and only what they were made for.
//!
//! base64url, without padding, of 33 bytes: the key's number (1), what it is about (12), the minute in which it was made (4),
//! and a MAC (16) of the purpose and all of this.

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;

use super::{list_tokens::ListTokens, token::InvalidToken};

/// Bytes of what a token is about.
const SUBJECT: usize = 12;
const MAC: usize = 16;
const BYTES: usize = 1 + SUBJECT + 4 + MAC;
/// Bytes of the stamp of a form: seconds, and a MAC.
const STAMP: usize = 8 + 8;

/// What a token of the service opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Confirms one sign-up.
    Confirm,
    /// Shows and changes what one person gets.
    Preferences,
}

impl Purpose {
    fn word(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Preferences => "preferences",
        }
    }
}

/// A token of the service, after its MAC was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceToken {
    /// What it is about: a sign-up's number, or a person's keyed hash.
    pub subject: [u8; SUBJECT],
    /// The minute in which it was made.
    pub issued_at: Timestamp,
}

impl ServiceToken {
    /// Whether it is older than that.
    pub fn is_older(&self, than: Duration, now: Timestamp) -> bool {
        let age = now.duration_since(self.issued_at);
        Duration::try_from(age).is_ok_and(|age| age >= than)
    }
}

impl ListTokens {
    /// Makes a token of the service.
    pub fn service(&self, purpose: Purpose, subject: &[u8; SUBJECT], now: Timestamp) -> String {
        let key = self.tokens.current();
        let mut bytes = [key.number(); BYTES];
        bytes[1..1 + SUBJECT].copy_from_slice(subject);
        let minute = u32::try_from(now.as_second() / 60).unwrap_or_default();
        bytes[1 + SUBJECT..BYTES - MAC].copy_from_slice(&minute.to_be_bytes());
        let tag = key.tag(purpose.word(), &self.list_id, &bytes[..BYTES - MAC]);
        bytes[BYTES - MAC..].copy_from_slice(&tag.as_ref()[..MAC]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Checks a token of the service; how old it may be is for the caller to say.
    ///
    /// # Errors
    ///
    /// When it is not a token of this list for this purpose.
    pub fn read_service(&self, purpose: Purpose, token: &str) -> Result<ServiceToken, InvalidToken> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| InvalidToken::Malformed)?;
        let bytes: [u8; BYTES] = bytes.try_into().map_err(|_| InvalidToken::Malformed)?;
        let (said, mac) = bytes.split_at(BYTES - MAC);
        let is_ours = self.tokens.keys().filter(|key| key.number() == bytes[0]).any(|key| {
            let tag = key.tag(purpose.word(), &self.list_id, said);
            verify_slices_are_equal(&tag.as_ref()[..MAC], mac).is_ok()
        });
        if !is_ours {
            return Err(InvalidToken::Forged);
        }
        let subject = std::array::from_fn(|index| said[1 + index]);
        let minute = u32::from_be_bytes(std::array::from_fn(|index| said[1 + SUBJECT + index]));
        let issued_at = Timestamp::from_second(i64::from(minute) * 60).unwrap_or(Timestamp::UNIX_EPOCH);
        Ok(ServiceToken { subject, issued_at })
    }

    /// Marks a form with the second in which it was shown.
    pub fn stamp(&self, form: &str, now: Timestamp) -> String {
        let mut bytes = [0; STAMP];
        bytes[..8].copy_from_slice(&now.as_second().to_be_bytes());
        let tag = self.tokens.current().tag("form", form, &bytes[..8]);
        bytes[8..].copy_from_slice(&tag.as_ref()[..8]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// When a form was shown; `None` if the stamp is not ours.
    pub fn read_stamp(&self, form: &str, stamp: &str) -> Option<Timestamp> {
        let bytes: [u8; STAMP] = URL_SAFE_NO_PAD.decode(stamp).ok()?.try_into().ok()?;
        let is_ours = self.tokens.keys().any(|key| {
            let tag = key.tag("form", form, &bytes[..8]);
            verify_slices_are_equal(&tag.as_ref()[..8], &bytes[8..]).is_ok()
        });
        let second = i64::from_be_bytes(std::array::from_fn(|index| bytes[index]));
        is_ours.then(|| Timestamp::from_second(second).ok()).flatten()
    }

    /// A keyed hash to count something by, which tells nothing of whom it is about.
    pub fn bucket(&self, what: &str, whom: &str) -> [u8; SUBJECT] {
        let tag = self.tokens.current().tag("count", what, whom.as_bytes());
        std::array::from_fn(|index| tag.as_ref()[index])
    }
}

#[cfg(test)]
mod tests {
    use super::{super::token::Tokens, *};

    fn tokens(key: u8, list: &str) -> ListTokens {
        ListTokens::new(Tokens::new(&[key; 32]), list)
    }

    #[test]
    fn a_token_opens_one_thing_of_one_list() {
        let ours = tokens(7, "letters.example.org");
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let token = ours.service(Purpose::Confirm, &[9; 12], now);
        assert_eq!(token.len(), 44);
        let read = ours.read_service(Purpose::Confirm, &token).unwrap();
        assert_eq!((read.subject, read.issued_at), ([9; 12], "2026-01-02T03:04:00Z".parse().unwrap()));
        assert!(!read.is_older(Duration::from_secs(66), now));
        assert!(read.is_older(Duration::from_secs(5), now));
        assert_eq!(ours.read_service(Purpose::Preferences, &token), Err(InvalidToken::Forged));
        assert_eq!(
            tokens(7, "other.example.org").read_service(Purpose::Confirm, &token),
            Err(InvalidToken::Forged)
        );
        assert_eq!(
            tokens(8, "letters.example.org").read_service(Purpose::Confirm, &token),
            Err(InvalidToken::Forged)
        );
        let later = ListTokens::new(Tokens::new(&[8; 32]).with_earlier([&[7; 32]]), "letters.example.org");
        assert_eq!(later.read_service(Purpose::Confirm, &token), Ok(read));
        // A token that unsubscribes opens nothing else.
        let ann = crate::address::EmailAddress::parse("ann@example.com").unwrap();
        assert_eq!(
            ours.read_service(Purpose::Confirm, &ours.unsubscribe(&ann)),
            Err(InvalidToken::Malformed)
        );
        assert_eq!(ours.read(&token), Err(InvalidToken::Malformed));
    }

    #[test]
    fn a_token_that_was_changed_anywhere_is_refused() {
        let ours = tokens(7, "letters.example.org");
        let token = ours.service(Purpose::Preferences, &[9; 12], Timestamp::UNIX_EPOCH);
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            let forged = URL_SAFE_NO_PAD.encode(forged);
            assert!(ours.read_service(Purpose::Preferences, &forged).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn the_stamp_of_a_form_is_of_that_form() {
        let ours = tokens(7, "letters.example.org");
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let stamp = ours.stamp("subscribe", now);
        assert_eq!(ours.read_stamp("subscribe", &stamp), Some(now));
        assert_eq!(ours.read_stamp("other", &stamp), None);
        assert_eq!(tokens(8, "letters.example.org").read_stamp("subscribe", &stamp), None);
        assert_eq!(ours.read_stamp("subscribe", "x"), None);
    }

    #[test]
    fn what_is_counted_tells_nothing_without_the_key() {
        let ours = tokens(7, "letters.example.org");
        assert_eq!(ours.bucket("mailed", "a"), ours.bucket("mailed", "a"));
        assert_ne!(ours.bucket("mailed", "a"), ours.bucket("mailed", "b"));
        assert_ne!(ours.bucket("mailed", "a"), ours.bucket("domain", "a"));
        assert_ne!(ours.bucket("mailed", "a"), tokens(8, "letters.example.org").bucket("mailed", "a"));
    }
}
