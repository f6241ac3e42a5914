//! Hands letters over and says what became of each.
//!
//! In: [`Letter`]s from a [`Desk`]. Out: an [`Outcome`] for each, or [`RelayDown`] when the relay itself is at fault.
//! Never: retries, waits on purpose, or sees the ledger. It asks the desk before the first byte of a body leaves.

use std::{fmt, future::Future};

use serde::{Deserialize, Serialize};

use crate::message::Message;

/// Names a letter between desk and transport; the desk chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// A letter under way.
#[derive(Debug)]
pub struct Letter {
    /// The desk's name for it.
    pub ticket: Ticket,
    /// Envelope and bytes.
    pub message: Message,
}

/// The one who gives letters to a connection and writes down what becomes of them.
///
/// For each letter taken with `next` the connection calls exactly one of `end` and `give_back`.
pub trait Desk: Send + Sync + 'static {
    /// The next letter to offer; `None` when there is nothing more for this connection. May wait (for pace, for
    /// deferred letters).
    fn next(&self) -> impl Future<Output = Option<Letter>> + Send;

    /// A letter that can be offered at once, for pipelining: never waits.
    fn next_now(&self) -> Option<Letter>;

    /// Asked when the relay has said 354 (or before BDAT), before the first byte of the body leaves. Answers when
    /// the attempt is written down for good.
    fn begin(&self, ticket: Ticket) -> impl Future<Output = Permit> + Send;

    /// What became of the letter.
    fn end(&self, letter: Letter, outcome: Outcome);

    /// Nothing of its body left and nobody refused it: it is as if it had never been taken.
    fn give_back(&self, letter: Letter);
}

/// The desk's answer to `begin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// The attempt is written down: go.
    Go,
    /// Not any more (suppressed in the meantime, or the lease is lost): hang up before the body, `give_back`.
    Stop,
}

/// How far a conversation got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Opening the connection.
    Connect,
    /// The relay's greeting.
    Greeting,
    /// EHLO.
    Ehlo,
    /// STARTTLS and the handshake.
    Tls,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA, up to the 354.
    Data,
    /// The body, and the reply to its last byte.
    Body,
}

/// What a relay said (RFC 5321 section 4.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Three digits.
    pub code: u16,
    /// The enhanced code (RFC 3463), when there is one.
    pub enhanced: Option<(u8, u16, u16)>,
    /// The words, lines joined by a space, control characters removed.
    pub text: String,
}

/// What became of a letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The relay took responsibility (2yz to the last byte).
    Accepted {
        /// Its reply.
        reply: Reply,
    },
    /// Not now (4yz for this letter).
    Deferred {
        /// Where.
        stage: Stage,
        /// Its reply.
        reply: Reply,
    },
    /// Not ever in this form (5yz for this letter).
    Rejected {
        /// Where.
        stage: Stage,
        /// Its reply.
        reply: Reply,
    },
    /// Body bytes left, and no reply was read: nobody can know.
    Unconfirmed {
        /// What happened, in words.
        why: String,
    },
}

/// Trouble with the relay itself; it says nothing about a letter.
#[derive(Debug, thiserror::Error)]
#[error("the relay cannot be used ({stage}): {trouble}")]
pub struct RelayDown {
    /// Where.
    pub stage: Stage,
    /// What.
    pub trouble: Trouble,
    /// Whether waiting may help; otherwise somebody has to mend something.
    pub passing: bool,
}

/// What is the matter with a relay.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// The socket: refused, reset, closed in the middle.
    #[error("{0}")]
    Io(#[source] std::io::Error),
    /// It did not answer in time.
    #[error("no answer within {seconds} s")]
    Timeout {
        /// How long we waited.
        seconds: u64,
    },
    /// The handshake failed, the certificate is wrong, or TLS is not offered where we insist on it.
    #[error("TLS: {0}")]
    Tls(String),
    /// It said something that speaks of the session, the login or the sender.
    #[error("it said \u{201c}{0}\u{201d}")]
    Said(Reply),
    /// It said something that is not SMTP, or spoke out of turn.
    #[error("it does not keep to SMTP: {0}")]
    Protocol(String),
    /// The outbox cannot be written.
    #[error("the outbox cannot be written")]
    Outbox(#[source] std::io::Error),
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

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some((class, subject, detail)) = self.enhanced {
            write!(f, " {class}.{subject}.{detail}")?;
        }
        write!(f, " {}", self.text)
    }
}
