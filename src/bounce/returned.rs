//! What a message says: its kind, and whom it is about.

use jiff::Timestamp;

use super::{class::Class, status::Status};
use crate::address::EmailAddress;

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
    /// None of these, or no one can tell.
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

/// One recipient of a letter, and what a message says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The address that the finding is about.
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
    /// The token in the address that it was sent to ([`Ours::bounces`](super::Ours::bounces)), or that a reader unsubscribes with.
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
    /// Something of a kind, about no one yet.
    pub fn new(kind: Kind, reader: &'static str) -> Self {
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
