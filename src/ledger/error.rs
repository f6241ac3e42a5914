use std::{error::Error, path::PathBuf, sync::Arc};

/// The cause of a [`LedgerError`], shared by everybody whose request met it.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// The cause of a list of people that broke off.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Why the ledger could not do what it was asked for.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// There is no ledger yet.
    #[error("there is no ledger at `{path}`")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file or its folder cannot be opened or made.
    #[error("failed to open the ledger `{path}`")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the disk or the database said.
        #[source]
        source: Cause,
    },
    /// Another process kept the ledger for longer than we were willing to wait.
    #[error("the ledger is locked by another process")]
    Locked {
        /// In the database's words.
        #[source]
        source: Cause,
    },
    /// The disk is full.
    #[error("no space is left for the ledger")]
    Full {
        /// In the database's words.
        #[source]
        source: Cause,
    },
    /// The file is damaged, or no ledger at all.
    #[error("the ledger is damaged")]
    Corrupt {
        /// What was found.
        #[source]
        source: Cause,
    },
    /// The server does not answer, or refuses the login.
    #[error("the ledger's database cannot be reached")]
    Unreachable {
        /// In the server's or the system's words.
        #[source]
        source: Cause,
    },
    /// Something between us and the server shares sessions among clients (PgBouncer).
    #[error("a connection pooler is between this program and the ledger's database")]
    Pooler {
        /// In its words.
        #[source]
        source: Cause,
    },
    /// Another database answers than before, or an older copy of it.
    #[error("the ledger `{place}` is not the database that was used before, or an earlier copy of it")]
    Replaced {
        /// Where it is.
        place: String,
        /// What was found.
        #[source]
        source: Cause,
    },
    /// The ledger may only be read: opened so, or by its permissions.
    #[error("the ledger can only be read")]
    ReadOnly,
    /// A later version of the program has written this ledger.
    #[error("the ledger has schema {found}, and this program knows schemas up to {known}")]
    Newer {
        /// The file's schema.
        found: u32,
        /// The newest schema that this program knows.
        known: u32,
    },
    /// The file is older than what this folder has seen: a backup was put back, or the ledger was deleted.
    #[error("the ledger `{path}` is older than the last one used here (it counts {found}, {seen} was seen)")]
    Restored {
        /// The file.
        path: PathBuf,
        /// The file's count of claims and openings.
        found: u64,
        /// The count that was seen.
        seen: u64,
    },
    /// The ledger was moved: letters leave from the copy.
    #[error("the ledger `{from}` was moved to `{to}`")]
    Moved {
        /// Where it is.
        from: String,
        /// Where the copy is.
        to: String,
    },
    /// A ledger that is to be moved is in use.
    #[error("the ledger cannot be moved: {what}")]
    InUse {
        /// By whom.
        what: &'static str,
    },
    /// There is something in the place that a ledger is to be moved to.
    #[error("`{place}` is not empty")]
    NotEmpty {
        /// The place.
        place: String,
    },
    /// A copy of the ledger cannot be written.
    #[error("failed to back up the ledger to `{path}`")]
    Backup {
        /// The file.
        path: PathBuf,
        /// What the disk or the database said.
        #[source]
        source: Cause,
    },
    /// The issue is dispatched already.
    #[error("a dispatch of `{slug}` is open already")]
    AlreadyOpen {
        /// The name.
        slug: String,
    },
    /// Another process has frozen the edited issue in place of the one that this process would send.
    #[error("the issue was edited and frozen again since this sender read it")]
    Refrozen,
    /// Someone was on a list twice that was to have everybody once.
    #[error("an address comes twice")]
    Repeated,
    /// The list of people broke off.
    #[error("failed to read the people to write to")]
    People {
        /// What broke it off.
        #[source]
        source: Cause,
    },
    /// The frozen issue cannot be read back.
    #[error("failed to read the frozen issue")]
    Frozen {
        /// What is wrong with it.
        #[source]
        source: Cause,
    },
    /// A frozen address cannot be read back.
    #[error("the ledger holds an address that cannot be written to: {address}")]
    Address {
        /// It, masked as far as that goes.
        address: String,
    },
    /// A letter was claimed by a sender that holds it already. Nothing that leaves now could be distinguished.
    #[error("a letter was given out a second time to the sender that still holds it")]
    ClaimedTwice,
    /// People are suppressed by their keyed hash, and no one has said what makes an address such a hash.
    #[error("the ledger holds suppressions by keyed hash, and the newsletter's key is not at hand")]
    NoKey,
    /// Anything else that the disk or the database refuses.
    #[error("failed to use the ledger")]
    Other {
        /// What the disk or the database said.
        #[source]
        source: Cause,
    },
    /// The ledger's writer is gone: an earlier error stopped it.
    #[error("the ledger has been closed")]
    Closed,
}

impl LedgerError {
    /// Whether waiting may help: another process in the way, a full disk, a disk that does not answer.
    pub(super) fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Locked { .. } | Self::Full { .. } | Self::Unreachable { .. } | Self::Other { .. }
        )
    }

    /// Whether the database is away: nothing is known to be wrong with what was asked for.
    pub(crate) fn is_away(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    /// Of a file beside the database.
    pub(super) fn beside(source: std::io::Error) -> Self {
        let is_full =
            matches!(source.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
        let source: Cause = Arc::new(source);
        if is_full { Self::Full { source } } else { Self::Other { source } }
    }

    /// Of a database that contradicts itself.
    pub(super) fn damaged(found: &str) -> Self {
        Self::Corrupt { source: Arc::new(std::io::Error::new(std::io::ErrorKind::InvalidData, found)) }
    }

    pub(super) fn open(path: &std::path::Path, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Open { path: path.to_owned(), source: Arc::new(source) }
    }

    pub(super) fn address(text: &str) -> Self {
        // Cannot be masked by its type, as it has none: at most its domain is shown.
        let domain = text.rsplit_once('@').map_or("", |(_, domain)| domain);
        Self::Address { address: format!("…@{domain}") }
    }
}
