//! The keys that only the newsletter has.

use super::dkim::{self, Signer};

/// The keys that only the newsletter has.
#[derive(Clone)]
pub struct Secrets {
    /// Message-IDs and readers' tokens are made from it.
    pub(super) key: [u8; 32],
    /// None leaves signing to the relay.
    pub(super) signers: Vec<Signer>,
}

impl Secrets {
    /// The newsletter's key, from which Message-IDs and readers' unsubscribe tokens are made: keep it, for they depend on it. No
    /// message is signed; relays often sign.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key, signers: Vec::new() }
    }

    /// Has every message signed with these DKIM keys.
    #[must_use]
    pub fn with_signers(self, signers: Vec<Signer>) -> Self {
        Self { signers, ..self }
    }

    /// Which keys these are, in words that tell nothing of them: `key 1f2e3d4c5b6a7988, example.org/s1 0123456789abcdef`.
    pub fn fingerprint(&self) -> String {
        let mut names = vec![format!("key {}", dkim::fingerprint(&self.key))];
        names.extend(self.signers.iter().map(Signer::fingerprint));
        names.join(", ")
    }
}
