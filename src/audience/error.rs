//! Why the list could not do what it was asked to.

use super::values::Status;
use crate::{address::EmailAddress, ledger::LedgerError, subscriber::ListError};

/// Why the list could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudienceError {
    /// The database fails.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A file that is imported cannot be read.
    #[error(transparent)]
    List(#[from] ListError),
    /// No one has this address.
    #[error("{address} is not on the list")]
    NotFound {
        /// The address that is missing.
        address: EmailAddress,
    },
    /// Someone has this address already.
    #[error("{address} already exists: the person is {status}")]
    Exists {
        /// The address that is on the list already.
        address: EmailAddress,
        /// What they are.
        status: Status,
    },
    /// Someone had this address before it changed.
    #[error("{address} is an earlier address of someone on the list: {now}, who is {status}")]
    Moved {
        /// The earlier address.
        address: EmailAddress,
        /// The present one.
        now: EmailAddress,
        /// What they are.
        status: Status,
    },
    /// There is no such import.
    #[error("import {import} not found")]
    NoImport {
        /// Its number.
        import: i64,
    },
    /// It was undone before.
    #[error("import {import} was undone already")]
    UndoneAlready {
        /// Its number.
        import: i64,
    },
    /// The database holds something that this program did not write.
    #[error("the managed list is damaged: it holds {what}")]
    Damaged {
        /// What was found.
        what: String,
    },
    /// An export cannot be written.
    #[error("failed to write the export")]
    Write(#[source] std::io::Error),
}
