//! People who are suppressed by their keyed hash, and what an erasure came to.

use std::collections::HashSet;

use crate::message::{ListTokens, PersonHash};

/// The people who are suppressed by their keyed hash.
#[derive(Clone, Debug, Default)]
pub struct SuppressedHashes {
    pub(super) hashes: HashSet<PersonHash>,
    pub(super) tokens: Option<ListTokens>,
}

impl SuppressedHashes {
    /// Whether the person with this [key](crate::address::EmailAddress::key) is one of them.
    pub fn has(&self, address_key: &str) -> bool {
        !self.hashes.is_empty()
            && self
                .tokens
                .as_ref()
                .is_some_and(|tokens| tokens.people(address_key).any(|person| self.hashes.contains(&person)))
    }

    /// The hashes themselves.
    pub fn iter(&self) -> impl Iterator<Item = &PersonHash> {
        self.hashes.iter()
    }
}

/// What was erased from the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Deliveries that do not know any more whose they were.
    pub deliveries: u64,
    /// Letters that are leaving now, and were left alone.
    pub leaving: u64,
}
