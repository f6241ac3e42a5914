//! Queries: totals, lists, histories; and copies and checks of the whole.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Ledger,
    error::LedgerError,
    pages::{PAGE, Pages},
    records::{Bucket, DeliveryHistory, DeliveryRow, ReplyGroup, WorkerShare},
    values::{DispatchId, State, Suppression, Tally},
};
use crate::{address::EmailAddress, subscriber::Subscriber};

impl Ledger {
    /// The suppression of an address, if there is one.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn suppression(&self, address: &EmailAddress) -> Result<Option<Suppression>, LedgerError> {
        let address = address.clone();
        self.threads.read(move |store| store.suppression(&address)).await
    }

    /// The suppression list, in the order it grew.
    pub fn suppressions(&self) -> Pages<Suppression> {
        Pages::new(Arc::clone(&self.threads), |store, after| store.suppressions(after, PAGE))
    }

    /// A number that grows with each change of the suppression list, whoever makes it.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn suppression_changes(&self) -> Result<u64, LedgerError> {
        self.threads.read(|store| store.suppression_changes()).await
    }

    /// The version of the server that it is on; `None` for a file.
    ///
    /// # Errors
    ///
    /// When the server does not answer.
    pub async fn server_version(&self) -> Result<Option<String>, LedgerError> {
        self.threads.read(|store| store.server_version()).await
    }

    /// How many deliveries are in which state.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn tally(&self, dispatch: DispatchId) -> Result<Tally, LedgerError> {
        self.threads.read(move |store| store.tally(dispatch)).await
    }

    /// The deliveries of a dispatch, in the order of the list: all, or those in one state.
    pub fn deliveries(&self, dispatch: DispatchId, only: Option<State>) -> Pages<DeliveryRow> {
        Pages::new(Arc::clone(&self.threads), move |store, after| {
            let page = store.deliveries(dispatch, only, after, PAGE)?;
            Ok(page.into_iter().map(|row| (row.delivery.0, row)).collect())
        })
    }

    /// The people who are still owed the issue, as they were frozen, in the order of the list.
    pub fn owed(&self, dispatch: DispatchId) -> Pages<Subscriber> {
        let states = [State::Queued, State::Deferred];
        Pages::new(Arc::clone(&self.threads), move |store, after| store.people(dispatch, states, after, PAGE))
    }

    /// The people who were refused for good, as they were frozen, in the order of the list.
    pub fn failed(&self, dispatch: DispatchId) -> Pages<Subscriber> {
        let states = [State::Failed, State::Failed];
        Pages::new(Arc::clone(&self.threads), move |store, after| store.people(dispatch, states, after, PAGE))
    }

    /// The state of one address; `None` when it is not in the dispatch.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn state_of(
        &self,
        dispatch: DispatchId,
        address: &EmailAddress,
    ) -> Result<Option<State>, LedgerError> {
        let address = address.clone();
        self.threads.read(move |store| store.state_of(dispatch, &address)).await
    }

    /// Everything that ever happened for an address, the latest dispatch first.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn history(&self, address: &EmailAddress) -> Result<Vec<DeliveryHistory>, LedgerError> {
        let address = address.clone();
        self.threads.read(move |store| store.history(&address)).await
    }

    /// The attempts of a dispatch, grouped by how they ended, the most frequent first.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn replies(&self, dispatch: DispatchId) -> Result<Vec<ReplyGroup>, LedgerError> {
        self.threads.read(move |store| store.replies(dispatch)).await
    }

    /// The course of a dispatch in stretches of so many seconds; stretches without an ended attempt are left out.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn timeline(&self, dispatch: DispatchId, seconds: u32) -> Result<Vec<Bucket>, LedgerError> {
        self.threads.read(move |store| store.timeline(dispatch, seconds)).await
    }

    /// What each worker has done of a dispatch, in the order they came: all that ended an attempt, and those that live and may
    /// hold letters of it.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn worker_shares(&self, dispatch: DispatchId) -> Result<Vec<WorkerShare>, LedgerError> {
        self.threads.read(move |store| store.worker_shares(dispatch)).await
    }

    /// Writes a copy of this moment to a new file, also while letters are being sent.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Backup`] if the file exists or cannot be written.
    pub async fn backup(&self, to: &Path) -> Result<(), LedgerError> {
        let to = to.to_owned();
        self.threads.read(move |store| store.backup(&to)).await
    }

    /// The file outside of the ledger's folder that notices when the whole folder is put back from a backup
    /// ([`OpenOptions::marks`](super::OpenOptions::marks)); `None` when there is none.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn mark(&self) -> Result<Option<PathBuf>, LedgerError> {
        self.threads.write(|store| Ok(store.mark())).await
    }

    /// Looks through the whole ledger for damage.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Corrupt`] with the first damage.
    pub async fn check(&self) -> Result<(), LedgerError> {
        self.threads.read(|store| store.check()).await
    }
}
