//! Values that all senders on a ledger share, whatever machine they are on: how much of a limit is used, what a relay has shown.

use jiff::Timestamp;

use super::{Ledger, error::LedgerError};

impl Ledger {
    /// Revises a shared value. `revise` gets the value (`None` at first) and the time of day by the database's clock; it
    /// returns what the value is from now on (`None` to leave it as it is), and an answer for the caller. If another process
    /// was faster it is called again, with that process's value: it must not depend on being called once.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn revise<T: Send + 'static>(
        &self,
        name: &str,
        revise: impl FnMut(Option<&str>, Timestamp) -> (Option<String>, T) + Send + 'static,
    ) -> Result<T, LedgerError> {
        let name = name.to_owned();
        self.threads.write(move |store| store.revise(&name, revise)).await
    }

    /// A shared value as it is at the moment.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn shared_value(&self, name: &str) -> Result<Option<String>, LedgerError> {
        let name = name.to_owned();
        self.threads.read(move |store| store.shared_value(&name)).await
    }
}
