//! The tokens of one list.

use super::{
    person_hash::PersonHash,
    token::{InvalidToken, ReadToken, Tokens},
};
use crate::address::EmailAddress;

/// The tokens of one list.
#[derive(Clone, Debug)]
pub struct ListTokens {
    pub(super) tokens: Tokens,
    pub(super) list_id: String,
}

impl ListTokens {
    /// Tokens for the list with this identifier.
    pub fn new(tokens: Tokens, list_id: impl Into<String>) -> Self {
        Self { tokens, list_id: list_id.into() }
    }

    /// See [`Tokens::unsubscribe`].
    pub fn unsubscribe(&self, address: &EmailAddress) -> String {
        self.tokens.unsubscribe(&self.list_id, address)
    }

    /// See [`Tokens::read`].
    ///
    /// # Errors
    ///
    /// When it is not a token of this list.
    pub fn read(&self, token: &str) -> Result<ReadToken, InvalidToken> {
        self.tokens.read(token, &self.list_id)
    }

    /// See [`Tokens::person`].
    pub fn person(&self, address_key: &str) -> PersonHash {
        self.tokens.person(&self.list_id, address_key)
    }

    /// See [`Tokens::people`].
    pub fn people<'a>(&'a self, address_key: &'a str) -> impl Iterator<Item = PersonHash> + 'a {
        self.tokens.people(&self.list_id, address_key)
    }

    /// See [`Tokens::fingerprint`].
    pub fn fingerprint(&self) -> String {
        self.tokens.fingerprint(&self.list_id)
    }
}
