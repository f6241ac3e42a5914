//! The error of the statements: the ledger's own, into which those of SQLite are sorted. A type of its own keeps SQLite's types
//! out of the public ones.

use std::sync::Arc;

use rusqlite::ErrorCode;

use crate::ledger::error::LedgerError;

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
        let code = error.sqlite_error_code();
        let source = Arc::new(error);
        Self(match code {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => LedgerError::Locked { source },
            Some(ErrorCode::DiskFull) => LedgerError::Full { source },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => LedgerError::Corrupt { source },
            Some(ErrorCode::ReadOnly) => LedgerError::ReadOnly,
            _ => LedgerError::Other { source },
        })
    }
}
