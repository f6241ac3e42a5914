//! What the owner decides: unconfirmed and failed deliveries, suppressions.

use jiff::Timestamp;

use super::{
    Ledger,
    error::{BoxError, LedgerError},
    values::{Decision, DispatchId, Suppression},
};
use crate::{address::EmailAddress, subscriber::Inactive};

impl Ledger {
    /// Decides about unconfirmed deliveries ([`Decision::Accept`], [`Decision::Resend`]) or failed ones
    /// ([`Decision::Retry`]): all of the dispatch, or those of some addresses. Returns how many were changed.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn decide(
        &self,
        dispatch: DispatchId,
        decision: Decision,
        addresses: Option<Vec<EmailAddress>>,
        now: Timestamp,
    ) -> Result<u64, LedgerError> {
        self.threads.write(move |store| store.decide(dispatch, decision, addresses.as_deref(), now)).await
    }

    /// Suppresses an address from now on: no body is begun for it after this has answered. False when it was
    /// suppressed already; its first reason stays.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn suppress(&self, suppression: Suppression) -> Result<bool, LedgerError> {
        Ok(self.suppress_all([Ok(suppression)]).await? == 1)
    }

    /// Suppresses many addresses, in one transaction. Returns how many are new.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn suppress_all<S>(&self, suppressions: S) -> Result<u64, LedgerError>
    where
        S: IntoIterator<Item = Result<Suppression, BoxError>> + Send + 'static,
    {
        self.threads.write(move |store| store.suppress(suppressions.into_iter())).await
    }

    /// Closes deliveries of a dispatch to people who opted out in the list since it was opened, as suppressed. Returns how many
    /// were still owed.
    pub async fn close_opted_out(
        &self,
        dispatch: DispatchId,
        people: Vec<(EmailAddress, Inactive)>,
    ) -> Result<u64, LedgerError> {
        if people.is_empty() {
            return Ok(0);
        }
        self.threads.write(move |store| store.close_opted_out(dispatch, &people)).await
    }

    /// Lifts a suppression; false when there was none. Deliveries that were closed for it stay closed.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn unsuppress(&self, address: &EmailAddress) -> Result<bool, LedgerError> {
        let address = address.clone();
        self.threads.write(move |store| store.unsuppress(&address)).await
    }
}
