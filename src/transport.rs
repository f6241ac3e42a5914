//! Hands letters over and says what became of each.
//!
//! In: [`Letter`]s from a [`LetterSource`]. Out: an [`Outcome`] for each, or [`RelayDown`] when the relay itself is at fault.
//! Never: retries, waits on purpose, or sees the ledger. It asks the desk before the first byte of a body leaves.
//!
//! The words of SMTP (commands, logins, parameters) are lettre's; the conversation is our own. lettre's
//! `AsyncSmtpConnection` takes a stream of the caller's, so it could be given `TCP_NODELAY` and TLS made beforehand;
//! it still cannot meet four rules that we hold: its read buffer is out of reach, so that nobody can see whether
//! the relay spoke out of turn; it measures a reply's line after having read all of it, however long; it takes any
//! 2yz or 3yz for success at every step; and its `send` does not tell at which step it failed. What is left would be
//! a way around it at every call.

mod commands;
mod complaint;
mod connection;
mod gate;
mod halt;
mod handshake;
mod inspection;
mod letter_guard;
mod outbox;
mod pipeline;
mod relay;
mod replies;
mod reply;
mod secret;
mod session;
mod smtp;
mod tls;
mod verdict;
mod wire;

pub use complaint::{Complaint, complaint};
pub use halt::{Halt, HaltSwitch, halt};
pub use inspection::Inspection;
pub use outbox::Outbox;
pub use relay::{Encryption, Login, Pipelining, Relay, RelayConfigError, Timeouts};
pub use reply::NotAReply;
pub use secret::Secret;
pub use smtp::{RelayLimits, Smtp};
pub use verdict::{Verdict, judge};

use std::{fmt, future::Future, num::NonZeroU16};

use serde::{Deserialize, Serialize};

use crate::message::Message;

/// Where letters go: a folder, or a relay.
#[derive(Debug)]
pub enum Transport {
    /// Each letter becomes a file.
    Outbox(Outbox),
    /// Each letter is handed to a relay.
    Smtp(Smtp),
}

impl Transport {
    /// The name that a folder has in place of a relay's.
    pub const OUTBOX: &str = "outbox";

    /// Its name in the ledger, for limits and histories: the relay's address without its login.
    pub fn name(&self) -> String {
        match self {
            Self::Outbox(_) => Self::OUTBOX.to_owned(),
            Self::Smtp(smtp) => smtp.relay().to_string(),
        }
    }

    /// The limits that the relay has shown; a folder has none.
    pub fn learned(&self) -> RelayLimits {
        match self {
            Self::Outbox(_) => RelayLimits::default(),
            Self::Smtp(smtp) => smtp.limits(),
        }
    }

    /// Keeps in mind how many connections the relay takes at the same time.
    pub fn learn_connections(&self, connections: Option<NonZeroU16>) {
        if let Self::Smtp(smtp) = self {
            smtp.learn_connections(connections);
        }
    }

    /// One connection: works the desk's letters until `next` returns `None`, and hangs up politely.
    ///
    /// It connects when there is a first letter, hangs up while it has long been idle, and dials again by itself
    /// where that is the normal course (the relay takes only so many letters on one connection, or closed it while
    /// nothing was going on). Everything else that ends a connection is the caller's to judge: `Err` says whether
    /// waiting may help. Run several of these for several connections; what one learns about the relay (no
    /// pipelining, letters per connection) the others know.
    ///
    /// When `halt` is pulled the connection is dropped at once, and `Ok` returned. Dropping the future does the same.
    /// Either way each letter that was taken has been ended or given back.
    ///
    /// # Errors
    ///
    /// [`RelayDown`] when the relay cannot be used: it says nothing about a letter.
    pub async fn run<D: LetterSource>(&self, desk: &D, halt: Halt) -> Result<(), RelayDown> {
        let work = async {
            match self {
                Self::Outbox(outbox) => outbox.run(desk).await,
                Self::Smtp(smtp) => smtp.run(desk).await,
            }
        };
        tokio::select! {
            biased;
            done = work => done,
            () = halt.pulled() => Ok(()),
        }
    }
}

/// A letter under way.
#[derive(Debug)]
pub struct Letter<T> {
    /// What the source knows of it: it comes back with the letter, so that a letter has one owner at any time.
    pub ticket: T,
    /// Envelope and bytes.
    pub message: Message,
}

/// The one who gives letters to a connection and writes down what becomes of them.
///
/// For each letter taken with `next` or `next_now` the connection calls exactly one of `end`, `give_back` and
/// `give_back_refused`, also when it is dropped in the middle.
pub trait LetterSource: Send + Sync + 'static {
    /// What the source wants to find again with a letter that comes back.
    type Ticket: fmt::Debug + Send + Sync + 'static;

    /// The next letter to offer; `None` when there is nothing more for this connection. May wait (for pace, for
    /// deferred letters).
    fn next(&self) -> impl Future<Output = Option<Letter<Self::Ticket>>> + Send;

    /// A letter that can be offered at once, for pipelining: never waits.
    fn next_now(&self) -> Option<Letter<Self::Ticket>>;

    /// Asked when the relay has said 354, before the first byte of the body leaves. Answers when
    /// the attempt is written down for good.
    fn begin(&self, ticket: &mut Self::Ticket) -> impl Future<Output = Permit> + Send;

    /// What became of the letter.
    fn end(&self, letter: Letter<Self::Ticket>, outcome: Outcome);

    /// Nothing of its body left and nobody refused it: it is as if it had never been taken. It may come after a
    /// `begin` that was granted, or that was dropped before it answered: the attempt is to be withdrawn then.
    fn give_back(&self, letter: Letter<Self::Ticket>);

    /// The relay has refused it for our sake (login, signature, sender, reputation, quota): it is certain that the
    /// letter was not accepted, and the refusal says nothing about its recipient. The same reply comes back as
    /// [`RelayDown`]. It may come after a `begin` that was granted.
    fn give_back_refused(&self, letter: Letter<Self::Ticket>, stage: Stage, reply: Reply) {
        let _ = (stage, reply);
        self.give_back(letter);
    }
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

/// What a relay said (RFC 5321 section 4.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The reply code: three digits, the first of which says whether it is good news.
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
        /// The relay's reply.
        reply: Reply,
    },
    /// Not now (4yz for this letter).
    Deferred {
        /// The command that it replied to.
        stage: Stage,
        /// The relay's reply.
        reply: Reply,
    },
    /// Not ever in this form (5yz for this letter).
    Rejected {
        /// The command that it replied to.
        stage: Stage,
        /// The relay's reply.
        reply: Reply,
    },
    /// Body bytes left, and no reply was read: nobody can know.
    Unconfirmed {
        /// What happened, in words.
        why: String,
    },
}

/// A failure of the relay itself; it says nothing about a letter.
#[derive(Debug, thiserror::Error)]
#[error("the relay cannot be used ({stage}): {trouble}")]
pub struct RelayDown {
    /// How far the conversation had come.
    pub stage: Stage,
    /// What went wrong.
    pub trouble: ErrorKind,
    /// Whether waiting may help; otherwise somebody has to mend something.
    pub passing: bool,
}

/// What is the matter with a relay.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The socket: refused, reset, closed in the middle.
    #[error("{0}")]
    Io(#[source] std::io::Error),
    /// It did not answer in time.
    #[error("no reply within {seconds} s")]
    Timeout {
        /// How long we waited.
        seconds: u64,
    },
    /// The handshake failed, the certificate is wrong, or TLS is not offered where we insist on it.
    #[error("{0}")]
    Tls(String),
    /// It said something that speaks of the session, the login or the sender.
    #[error("it said \u{201c}{0}\u{201d}")]
    Said(Reply),
    /// It said something that is not SMTP, or spoke out of turn.
    #[error("it does not keep to SMTP: {0}")]
    Protocol(String),
    /// The outbox cannot be written.
    #[error("the outbox cannot be written: {0}")]
    Outbox(#[source] std::io::Error),
}

impl RelayDown {
    /// What the relay complains about, if it said anything.
    pub fn complaint(&self) -> Option<Complaint> {
        match &self.trouble {
            ErrorKind::Said(reply) => Some(complaint(self.stage, reply)),
            _ => None,
        }
    }

    /// Whether the relay closed the connection over one letter, and has nothing against the others.
    pub fn is_about_one_letter(&self) -> bool {
        self.passing && self.stage > Stage::Mail && self.complaint() == Some(Complaint::Letter)
    }

    /// Whether it may be that the relay takes no more connections at the same time: a connection was turned away before
    /// it had carried a letter, or the relay says so. If others go on working, that was it.
    pub fn may_be_one_connection_too_many(&self) -> bool {
        let turned_away = self.stage <= Stage::Auth && !matches!(self.trouble, ErrorKind::Tls(_));
        match self.complaint() {
            Some(Complaint::Connections) => true,
            Some(Complaint::Rate) => turned_away,
            Some(_) => turned_away && self.stage != Stage::Auth || self.stage == Stage::Mail && self.passing,
            None => turned_away && self.passing,
        }
    }
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
