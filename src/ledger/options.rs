//! How a ledger is opened.

use std::{path::PathBuf, time::Duration};

use super::files;

/// How a ledger is opened.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// How long to wait for another process that is writing.
    pub busy_timeout: Duration,
    /// Whether a ledger that is older than what this folder has seen (a backup put back) is taken as the truth.
    pub restored: Restored,
    /// A folder outside of the ledger's own, in which to keep how far the ledger has come: so a backup of the whole folder
    /// that was put back is noticed. `None` keeps that beside the ledger only. A folder that cannot be written is no error
    /// ([`Ledger::mark`](super::Ledger::mark)).
    pub marks: Option<PathBuf>,
    /// How long a worker of a ledger on a server is taken for living after its last word, by the server's clock.
    pub lease: Duration,
    /// The name of this start of the machine; `None` when the machine has no such name.
    pub boot: Option<String>,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(10),
            restored: Restored::Refuse,
            marks: None,
            lease: Duration::from_secs(90),
            boot: files::boot(),
        }
    }
}

/// What to do with a ledger that came back from a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restored {
    /// Stop: letters that went out after the backup would go out again.
    Refuse,
    /// The owner knows, and goes on.
    Accept,
}
