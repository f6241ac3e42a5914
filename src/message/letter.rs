//! A letter that a relay may be given.

use std::borrow::Cow;

use super::{
    error::ComposeError,
    inspection::{self, Shape},
    letter_bytes::LetterBytes,
};
use crate::address::EmailAddress;

/// One letter to one person: envelope and bytes. There is none whose bytes a relay could misread.
#[derive(Clone, Debug)]
pub struct Message {
    from: EmailAddress,
    to: EmailAddress,
    bytes: LetterBytes,
    shape: Shape,
}

impl Message {
    /// Looks at every byte. A letter to or from an address outside ASCII may have a header in UTF-8.
    ///
    /// # Errors
    ///
    /// [`ComposeError::Unfit`] if the bytes are not what a relay may be given (RFC 5321 section 4.5.3.1).
    pub fn new(from: EmailAddress, to: EmailAddress, bytes: Vec<u8>) -> Result<Self, ComposeError> {
        let utf8_header = from.needs_smtputf8() || to.needs_smtputf8();
        Self::of(from, to, LetterBytes::whole(bytes), utf8_header)
    }

    pub(super) fn of(
        from: EmailAddress,
        to: EmailAddress,
        bytes: LetterBytes,
        utf8_header: bool,
    ) -> Result<Self, ComposeError> {
        let shape = match bytes.look().and_then(|look| look.shape()) {
            Some(shape) => shape,
            None => inspection::inspect(&bytes.to_bytes(), utf8_header)?,
        };
        Ok(Self { from, to, bytes, shape })
    }

    /// The envelope's sender.
    pub fn from(&self) -> &EmailAddress {
        &self.from
    }

    /// The envelope's recipient.
    pub fn to(&self) -> &EmailAddress {
        &self.to
    }

    /// The letter as RFC 5322 has it: CRLF everywhere, no line over 998 bytes, 7-bit, not dot-stuffed.
    pub fn bytes(&self) -> Cow<'_, [u8]> {
        self.bytes.to_bytes()
    }

    /// The bytes as [`bytes`](Self::bytes) has them, stretch by stretch, without a copy.
    pub fn slices(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.slices()
    }

    /// How many bytes it has.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// What the transport has to know of its bytes, such as characters outside ASCII in the header.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The bytes alone.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes.to_bytes().into_owned()
    }

    /// The buffer, to be used again for another letter.
    pub fn into_room(self) -> Vec<u8> {
        self.bytes.into_own()
    }
}
