//! One `mimeo send`: what it is about, and what it uses.

use jiff::Timestamp;

use super::args::Args;
use crate::{
    cli::{common, context::Context, failure::Failure, issues},
    config::Config,
    dispatch::Settings,
    ledger::{Ledger, LedgerError, Restored, Selection},
};

/// What is to be sent, and to whom.
pub(super) struct Job<'a> {
    pub(super) args: &'a Args,
    pub(super) context: &'a Context,
    pub(super) config: &'a Config,
    pub(super) file: &'a issues::IssueFile,
    pub(super) named: issues::Match,
    pub(super) choice: Option<Selection>,
    pub(super) until: Option<Timestamp>,
    /// The question was answered before.
    pub(super) is_confirmed: bool,
}

impl Job<'_> {
    /// The ledger; for a dry run, a copy that is thrown away.
    pub(super) fn ledger(&self) -> Result<Ledger, Failure> {
        let path = &self.config.ledger;
        if !self.args.dry_run {
            let restored = if self.args.restored { Restored::Accept } else { Restored::Refuse };
            return Ok(self.context.ledger(path, restored)?);
        }
        match Ledger::scratch_copy(path) {
            Err(LedgerError::Missing { .. }) => Ok(Ledger::scratch()?),
            copy => Ok(copy?),
        }
    }

    /// How the run works. A dry run has no pace.
    pub(super) fn settings(&self) -> Settings {
        if self.args.dry_run {
            return Settings::default();
        }
        common::settings(self.config, self.until)
    }
}
