//! What the settings say, as plain values.

use std::path::PathBuf;

use super::secret::SecretRef;
use crate::{check::Levels, transport::Relay};

/// Where letters go.
#[derive(Clone, Debug)]
pub enum Transport {
    /// Each letter an `.eml` in this folder.
    Outbox(PathBuf),
    /// To a relay.
    Relay {
        /// Its settings, still without the password.
        relay: Box<Relay>,
        /// Where the password is; without a login there is none.
        password: Option<SecretRef>,
    },
}

/// `[dkim]` (RFC 6376, RFC 8463)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dkim {
    /// `domain`: the `d=` of the signature.
    pub domain: String,
    /// `selector`: the `s=` of the signature.
    pub selector: String,
    /// `key`: an RSA private key in PEM.
    pub key: SecretRef,
    /// `ed25519`: a second signature beside it.
    pub ed25519: Option<DkimEd25519>,
}

/// `[dkim] ed25519`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DkimEd25519 {
    /// `selector`
    pub selector: String,
    /// `key`: an Ed25519 private key in PEM.
    pub key: SecretRef,
}

/// `[check]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// `levels`: by code.
    pub levels: Levels,
    /// `history`: earlier issues that are compared with.
    pub history: u32,
}
