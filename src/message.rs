//! A rendered issue and a subscriber become the exact bytes of one letter.
//!
//! In: a [`RenderedIssue`](crate::render::RenderedIssue), once, then each `Subscriber`. Out: [`Message`].
//! Never: draws a date, an identifier or a boundary: same input, same bytes. Reads no file, opens no socket.

mod body;
mod composer;
mod dkim;
mod error;
mod field;
mod gate;
mod header_rules;
mod octets;
mod shared_header;
mod skeleton;
mod token;
mod unsubscribe;
mod wire;

pub use composer::{Composer, Filled, Secrets};
pub use dkim::{KeyKind, Signer};
pub use error::ComposeError;
#[doc(hidden)]
pub use gate::Shape;
#[doc(hidden)]
pub use header_rules::{check_archive, check_header, check_list_id, check_one_click};
pub use token::{DELIVERY_TOKEN_MAX, InvalidToken, ListTokens, PersonHash, ReadToken, TEST_TOKEN, Tokens};

use std::borrow::Cow;

use crate::address::EmailAddress;
use octets::Octets;

/// One letter to one person: envelope and bytes. There is none whose bytes a relay could misread.
#[derive(Clone, Debug)]
pub struct Message {
    from: EmailAddress,
    to: EmailAddress,
    octets: Octets,
    shape: Shape,
}

impl Message {
    /// Looks at every octet. A letter to or from an address outside ASCII may have a header in UTF-8.
    ///
    /// # Errors
    ///
    /// [`ComposeError::Unfit`] if the bytes are not what a relay may be given (RFC 5321 section 4.5.3.1).
    pub fn new(from: EmailAddress, to: EmailAddress, bytes: Vec<u8>) -> Result<Self, ComposeError> {
        let utf8_header = from.needs_smtputf8() || to.needs_smtputf8();
        Self::of(from, to, Octets::whole(bytes), utf8_header)
    }

    fn of(
        from: EmailAddress,
        to: EmailAddress,
        octets: Octets,
        utf8_header: bool,
    ) -> Result<Self, ComposeError> {
        let shape = match octets.look().and_then(|look| look.shape()) {
            Some(shape) => shape,
            None => gate::inspect(&octets.to_bytes(), utf8_header)?,
        };
        Ok(Self { from, to, octets, shape })
    }

    /// The envelope's sender.
    pub fn from(&self) -> &EmailAddress {
        &self.from
    }

    /// The envelope's recipient.
    pub fn to(&self) -> &EmailAddress {
        &self.to
    }

    /// The letter as RFC 5322 has it: CRLF everywhere, no line over 998 octets, 7-bit, not dot-stuffed.
    pub fn bytes(&self) -> Cow<'_, [u8]> {
        self.octets.to_bytes()
    }

    /// The bytes as [`bytes`](Self::bytes) has them, stretch by stretch, without a copy.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        self.octets.slices()
    }

    /// How many octets it has.
    pub fn size(&self) -> usize {
        self.octets.len()
    }

    /// What the transport has to know of its bytes, such as characters outside ASCII in the header.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The bytes alone.
    pub fn into_bytes(self) -> Vec<u8> {
        self.octets.to_bytes().into_owned()
    }

    /// The buffer, to be used again for another letter.
    pub fn into_room(self) -> Vec<u8> {
        self.octets.into_own()
    }
}
