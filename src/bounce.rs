//! A message that came back becomes findings: what it is, for whom, and what follows.
//!
//! In: the bytes of one message, and what is ours in it ([`Ours`]). Out: [`Returned`], and what follows ([`policy`]).
//! Never: touches a database, the network or a clock; fails or panics, whatever the bytes are.
//!
//! A report that a program wrote is believed first: a delivery status notification (RFC 3464, RFC 6533), then a feedback
//! report (RFC 5965). What has neither goes to the readers in `bounce/systems`, one file for each kind of mail system, and the
//! last of them reads prose. Hard or soft does not follow from the first digit of a code: `bounce/classes.toml` says what codes
//! and phrases mean.

pub mod advice;
mod class;
mod feedback;
mod fields;
mod mail;
mod notice;
mod people;
pub mod policy;
mod report;
mod status;
mod systems;

pub use class::{Class, classify};
pub use status::Status;

use jiff::Timestamp;

use crate::address::EmailAddress;
use mail::Mail;

/// Bytes of a message that are looked at. Reports come first in a message, and what was returned comes last.
pub const SIZE_MAX: usize = 256 * 1024;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A letter did not arrive, and no further attempt is made.
    Bounce,
    /// A letter has not arrived yet; the system that reports it goes on trying.
    Delay,
    /// A reader, or a filter in a reader's name, called the letter spam.
    Complaint,
    /// A reader asks for no more letters, by mail.
    Unsubscribe,
    /// A program answered in a reader's name: on holiday, message received, message displayed.
    AutoReply,
    /// A letter arrived.
    Delivered,
    /// None of these, or nobody can tell.
    Unknown,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Bounce,
        Self::Delay,
        Self::Complaint,
        Self::Unsubscribe,
        Self::AutoReply,
        Self::Delivered,
        Self::Unknown,
    ];

    /// The word in the ledger, in JSON and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Bounce => "bounce",
            Self::Delay => "delay",
            Self::Complaint => "complaint",
            Self::Unsubscribe => "unsubscribe",
            Self::AutoReply => "auto-reply",
            Self::Delivered => "delivered",
            Self::Unknown => "unknown",
        }
    }

    /// The kind behind a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// What is ours in a message that came back.
#[derive(Clone, Debug, Default)]
pub struct Ours {
    /// The envelope sender, with `{token}` in its local part if each delivery has its own.
    pub bounces: Option<EmailAddress>,
    /// Where readers unsubscribe by mail.
    pub unsubscribe: Option<EmailAddress>,
    /// Other addresses of the sender's own (`From`, `Reply-To`): never the recipient that a report is about.
    pub senders: Vec<EmailAddress>,
}

/// One recipient of a letter, and what a message says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Who.
    pub address: EmailAddress,
    /// For a bounce or a delay: what kind of failure.
    pub class: Option<Class>,
    /// The enhanced status code (RFC 3463).
    pub status: Option<Status>,
    /// What the refusing server or the reporting system said, on one line.
    pub reply: Option<String>,
    /// The server that refused the letter.
    pub server: Option<String>,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// What it is.
    pub kind: Kind,
    /// Whom it is about, each once.
    pub recipients: Vec<Finding>,
    /// The `Feedback-Type` of a complaint (RFC 5965 section 3.1).
    pub complaint: Option<String>,
    /// The `Message-ID` of the letter that it is about, without its angle brackets.
    pub message_id: Option<String>,
    /// The token in the address that it was sent to ([`Ours::bounces`]), or that a reader unsubscribes with.
    pub token: Option<String>,
    /// Who wrote it, for a request to unsubscribe.
    pub from: Option<EmailAddress>,
    /// The system that reports (`Reporting-MTA`).
    pub reporter: Option<String>,
    /// When the letter failed, or else when the message was written.
    pub at: Option<Timestamp>,
    /// How it was read: `dsn`, `arf`, or the name of a reader in `bounce/systems`.
    pub reader: &'static str,
}

impl Returned {
    fn new(kind: Kind, reader: &'static str) -> Self {
        Self {
            kind,
            recipients: Vec::new(),
            complaint: None,
            message_id: None,
            token: None,
            from: None,
            reporter: None,
            at: None,
            reader,
        }
    }
}

/// Reads one message. Whatever the bytes are, there is an answer; of more than [`SIZE_MAX`] bytes, the first are read.
pub fn read(bytes: &[u8], ours: &Ours) -> Returned {
    let mail = Mail::read(bytes);
    let mut returned = report::read(&mail)
        .or_else(|| feedback::read(&mail))
        .or_else(|| notice::unsubscribe(&mail, ours))
        .or_else(|| notice::auto_reply(&mail))
        .or_else(|| systems::read(&mail, ours))
        .unwrap_or_else(|| Returned::new(Kind::Unknown, "none"));
    returned.message_id = returned.message_id.or_else(|| mail.returned_id());
    returned.at = returned.at.or_else(|| mail.date());
    returned.token = returned.token.or_else(|| mail.token(ours));
    if returned.kind == Kind::AutoReply || returned.kind == Kind::Unknown {
        returned.recipients.clear();
    }
    returned
}
