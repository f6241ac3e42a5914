//! A person without their address: the keyed hash by which the list and its tokens name them.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Bytes of a person's keyed hash.
pub(super) const PERSON: usize = 12;

/// A person of one list, as a keyed hash of 96 bits: who holds it learns no address from it without the newsletter's key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonHash(pub(super) [u8; PERSON]);

impl PersonHash {
    /// The bytes, as they are stored.
    pub fn as_bytes(&self) -> &[u8; PERSON] {
        &self.0
    }

    /// From stored bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }
}

impl fmt::Display for PersonHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for PersonHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonHash({self})")
    }
}
