//! What the settings say, as plain values.

use std::path::PathBuf;

use super::secret::SecretRef;
use crate::{check::Levels, dispatch::Limit, transport::Relay};

/// Where letters go.
#[derive(Clone, Debug)]
pub enum Transport {
    /// Each letter an `.eml` in this folder.
    Outbox(PathBuf),
    /// To a relay, or to several: at least one.
    Relays(Vec<RelaySettings>),
}

/// `[relay]`, or one of `[[relays]]`.
#[derive(Clone, Debug)]
pub struct RelaySettings {
    /// How to reach it, still without the password.
    pub relay: Relay,
    /// Where the password is; without a login there is none.
    pub password: Option<SecretRef>,
    /// `weight`: its share of the letters, beside the shares of the others; 0 is on standby.
    pub weight: u32,
    /// `domains`: it takes letters to these recipient domains only, in A-labels; all others if there is none.
    pub domains: Vec<String>,
    /// Limits of this relay, beside those of `[pace]`.
    pub limits: Vec<Limit>,
}

impl Transport {
    /// The relay for letters to anybody: the first that is not for some domains only. `None` when letters become files.
    pub fn main_relay(&self) -> Option<&RelaySettings> {
        match self {
            Self::Outbox(_) => None,
            Self::Relays(relays) => relays.iter().find(|one| one.domains.is_empty()).or(relays.first()),
        }
    }

    /// All relays; none when letters become files.
    pub fn relays(&self) -> &[RelaySettings] {
        match self {
            Self::Outbox(_) => &[],
            Self::Relays(relays) => relays,
        }
    }
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
