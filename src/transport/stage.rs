//! The steps of a conversation with a relay.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How far a conversation got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Opening the connection.
    Connect,
    /// The relay's greeting.
    Greeting,
    /// The EHLO command, and the relay's extensions.
    Ehlo,
    /// STARTTLS and the handshake.
    Tls,
    /// The AUTH command, and what follows it.
    Auth,
    /// The MAIL FROM command.
    Mail,
    /// The RCPT TO command.
    Rcpt,
    /// DATA, up to the 354.
    Data,
    /// The body, and the reply to its last byte.
    Body,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::Greeting => "greeting",
            Self::Ehlo => "EHLO",
            Self::Tls => "TLS",
            Self::Auth => "login",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::Body => "after the body",
        })
    }
}
