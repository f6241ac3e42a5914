//! Suppressions of people whose address is not known: by their keyed hash.

use crate::storage::{Connection, Location};
use jiff::Timestamp;

use super::{
    Ledger,
    database::Store,
    error::LedgerError,
    options::OpenOptions,
    suppressed_hashes::{Erased, SuppressedHashes},
    values::Reason,
};
use crate::{
    address::EmailAddress,
    message::{ListTokens, PersonHash},
};

impl Ledger {
    /// Says what makes an address a keyed hash. To be called before letters are sent: where people are suppressed by their
    /// hash, nothing is claimed otherwise ([`LedgerError::NoKey`]).
    ///
    /// # Errors
    ///
    /// When the ledger has been closed.
    pub async fn recognize(&self, tokens: ListTokens) -> Result<(), LedgerError> {
        let writing = tokens.clone();
        if self.threads.check().is_ok() {
            self.threads
                .write(move |store| {
                    store.recognize(writing);
                    Ok(())
                })
                .await?;
        }
        self.threads
            .read(move |store| {
                store.recognize(tokens);
                Ok(())
            })
            .await
    }

    /// Suppresses people by their keyed hash, in one transaction. Returns how many are new.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn suppress_hashes(
        &self,
        people: Vec<PersonHash>,
        reason: Reason,
        note: Option<String>,
        at: Timestamp,
    ) -> Result<u64, LedgerError> {
        self.threads.write(move |store| store.suppress_hashes(&people, reason, note.as_deref(), at)).await
    }

    /// Lifts the suppression of a keyed hash; false when there was none.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn unsuppress_hash(&self, person: PersonHash) -> Result<bool, LedgerError> {
        self.threads.write(move |store| store.unsuppress_hash(&person)).await
    }

    /// The people who are suppressed by their keyed hash.
    ///
    /// # Errors
    ///
    /// [`LedgerError::NoKey`] if there are some and [`recognize`](Self::recognize) was not called.
    pub async fn suppressed_hashes(&self) -> Result<SuppressedHashes, LedgerError> {
        self.threads.read(|store| store.hashes()).await
    }

    /// Erases an address from everything that was sent: a made-up one takes its place.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be written.
    pub async fn erase(&self, address: &EmailAddress) -> Result<Erased, LedgerError> {
        let address = address.clone();
        self.threads.write(move |store| store.erase(&address)).await
    }

    /// One transaction that writes the tables of another module; what fails in it undoes it.
    pub(crate) async fn transact<T, E>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<LedgerError> + Send + 'static,
    {
        self.threads
            .write(move |store| {
                store.check_place()?;
                Ok(store.in_transaction(job))
            })
            .await?
    }

    /// Asks the tables of another module.
    pub(crate) async fn ask_tables<T, E>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<LedgerError> + Send + 'static,
    {
        self.threads
            .read(move |store| {
                store.check_place()?;
                Ok(job(store.connection()))
            })
            .await?
    }

    /// A connection of its own to a ledger, to read the tables of another module at this thread's pace.
    pub(crate) fn reading_connection(location: &Location) -> Result<Connection, LedgerError> {
        Ok(Store::open_read_only(location, &OpenOptions::default())?.into_connection())
    }
}
