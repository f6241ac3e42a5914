//! What the settings say, as plain values.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::secret::SecretRef;

/// How letters leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Each letter an `.eml` in this folder.
    Outbox(PathBuf),
    /// To a relay.
    Relay(Box<Relay>),
}

/// `[relay]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// A name, or an IP address (an IPv6 one without brackets).
    pub host: String,
    /// 465 for `smtps://`, 587 for `smtp://`, 25 for `smtp+plain://` unless the address says otherwise.
    pub port: u16,
    /// From the address's scheme.
    pub security: Security,
    /// The part before the `@`.
    pub login: Option<String>,
    /// `password`
    pub password: Option<SecretRef>,
    /// `auth`; the best one that the relay offers when it is not given.
    pub auth: Option<AuthMechanism>,
    /// `ca_file`: certificates to trust instead of the machine's.
    pub ca_file: Option<PathBuf>,
    /// `helo`: the name to greet with.
    pub helo: Option<String>,
    /// `connections`: open at once, at most.
    pub connections: u32,
    /// `messages_per_connection`: then a new one is opened; `None` is no limit.
    pub messages_per_connection: Option<u32>,
    /// `pipelining`: used when the relay offers it.
    pub pipelining: bool,
    /// `chunking_window`: letters under way at once on a connection with CHUNKING; 0 switches it off.
    pub chunking_window: u32,
    /// `timeouts`
    pub timeouts: Timeouts,
}

/// How a connection to a relay is made safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// `smtps://`: TLS from the first byte (RFC 8314 section 3.3).
    Tls,
    /// `smtp://`: STARTTLS, and not one letter without it.
    StartTls,
    /// `smtp+plain://`: none.
    Plain,
}

/// How we log in (RFC 4954).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMechanism {
    /// RFC 4616
    Plain,
    /// Two lines, as old servers want them.
    Login,
    /// A token instead of a password.
    XOAuth2,
}

/// Deadlines for each step of a conversation (RFC 5321 section 4.5.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Opening the connection, TLS included.
    pub connect: Duration,
    /// The greeting.
    pub greeting: Duration,
    /// The answer to a command.
    pub command: Duration,
    /// The answer to the last byte of a letter.
    pub body: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self { connect: minute, greeting: 5 * minute, command: 5 * minute, body: 10 * minute }
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
    pub levels: BTreeMap<String, Level>,
    /// `history`: earlier issues that are compared with.
    pub history: u32,
}

/// How bad a finding is for this newsletter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Not told.
    Off,
    /// Good to know.
    Note,
    /// A reader or a mail client will trip over it.
    Warning,
    /// Nothing is sent.
    Error,
}
