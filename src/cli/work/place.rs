use std::path::PathBuf;

use jiff::Timestamp;

use crate::{cli::context::Context, config::Overrides, ledger::Ledger};

/// Where a worker works.
pub(in crate::cli) struct Workplace<'a> {
    pub(in crate::cli) context: &'a Context,
    pub(in crate::cli) ledger: Ledger,
    /// What flags and variables say; they name the ledger.
    pub(in crate::cli) overrides: Overrides,
    /// The folder of secrets that are kept in files.
    pub(in crate::cli) secrets: Option<PathBuf>,
}

/// How long a worker works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    Drain,
    Until(Timestamp),
    Watch,
}
