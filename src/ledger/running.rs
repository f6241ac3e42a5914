//! What processes that work one ledger off together tell each other.

use jiff::Timestamp;

use super::{
    Ledger,
    error::LedgerError,
    runs::{Joinable, OpenRun, Stops},
    values::DispatchId,
};

impl Ledger {
    /// Stores with which settings a dispatch is sent, and whether other processes may join. Settings are a text that only
    /// the caller understands. Returns how often the dispatch has been stopped, as in [`Stops::count`].
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn store_run(
        &self,
        dispatch: DispatchId,
        settings: &str,
        joinable: Joinable,
        now: Timestamp,
    ) -> Result<u64, LedgerError> {
        let settings = settings.to_owned();
        self.threads.write(move |store| store.store_run(dispatch, &settings, joinable, now)).await
    }

    /// Has every worker leave a dispatch alone until someone [stores a run](Self::store_run) that is joinable. The first
    /// reason stays.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn stop_run(&self, dispatch: DispatchId, why: &str, now: Timestamp) -> Result<(), LedgerError> {
        let why = why.to_owned();
        self.threads.write(move |store| store.stop_run(dispatch, &why, now)).await
    }

    /// Lets workers go on with a dispatch that was [stopped](Self::stop_run). False when it was not.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn resume_run(&self, dispatch: DispatchId, now: Timestamp) -> Result<bool, LedgerError> {
        self.threads.write(move |store| store.resume_run(dispatch, now)).await
    }

    /// How often a dispatch was [stopped](Self::stop_run), and why it is stopped now. A run that sees another number than at its
    /// beginning was stopped meanwhile.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn stops(&self, dispatch: DispatchId) -> Result<Stops, LedgerError> {
        self.threads.read(move |store| store.stops(dispatch)).await
    }

    /// The dispatches that any worker may join, the oldest first: also those in which nothing is left to do.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn open_runs(&self) -> Result<Vec<OpenRun>, LedgerError> {
        self.threads.read(|store| store.open_runs()).await
    }

    /// When a worker finds something to claim in a dispatch; `None` when nothing is left that no worker holds.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn next_work(
        &self,
        dispatch: DispatchId,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, LedgerError> {
        // How far letters were handed out is known to the connection that claims.
        self.threads.write(move |store| store.next_work(dispatch, now)).await
    }

    /// What the letters of a dispatch are signed with; empty before the first run.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn signing(&self, dispatch: DispatchId) -> Result<String, LedgerError> {
        self.threads.read(move |store| store.signing(dispatch)).await
    }
}
