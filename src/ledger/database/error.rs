//! The error of the statements: the ledger's own, into which those of the database are sorted. A type of its own keeps the
//! database's types out of the public ones.

use std::sync::Arc;

use crate::{
    ledger::error::LedgerError,
    storage::{self, Kind},
};

/// Why a statement failed.
#[derive(Debug)]
pub(in crate::ledger) struct StoreError(pub(super) LedgerError);

impl From<LedgerError> for StoreError {
    fn from(error: LedgerError) -> Self {
        Self(error)
    }
}

impl From<StoreError> for LedgerError {
    fn from(StoreError(error): StoreError) -> Self {
        error
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        storage::Error::from(error).into()
    }
}

impl From<storage::Error> for StoreError {
    fn from(error: storage::Error) -> Self {
        let kind = error.kind();
        let source = Arc::new(error);
        Self(match kind {
            Kind::Locked => LedgerError::Locked { source },
            Kind::Full => LedgerError::Full { source },
            Kind::Corrupt => LedgerError::Corrupt { source },
            Kind::ReadOnly => LedgerError::ReadOnly,
            Kind::Unreachable => LedgerError::Unreachable { source },
            Kind::Pooler => LedgerError::Pooler { source },
            Kind::Replaced => LedgerError::Replaced { place: "postgres".to_owned(), source },
            Kind::Other => LedgerError::Other { source },
        })
    }
}
