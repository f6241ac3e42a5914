//! What can be the matter with a relay, as opposed to a letter.

use super::{
    complaint::{Complaint, complaint},
    reply::Reply,
    stage::Stage,
};

/// A failure of the relay itself; it says nothing about a letter.
#[derive(Debug, thiserror::Error)]
#[error("the relay cannot be used ({stage}): {kind}")]
pub struct RelayDown {
    /// How far the conversation had come.
    pub stage: Stage,
    /// What went wrong.
    pub kind: ErrorKind,
    /// Whether waiting may help; otherwise someone has to fix something.
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
        match &self.kind {
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
        let turned_away = self.stage <= Stage::Auth && !matches!(self.kind, ErrorKind::Tls(_));
        match self.complaint() {
            Some(Complaint::Connections) => true,
            Some(Complaint::Rate) => turned_away,
            Some(_) => turned_away && self.stage != Stage::Auth || self.stage == Stage::Mail && self.passing,
            None => turned_away && self.passing,
        }
    }
}
