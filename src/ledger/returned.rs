//! Letters that came back: the calls that record them and ask for them.

use jiff::Timestamp;

use super::{
    Ledger,
    bounces::{BounceGroup, FoundDelivery, NewBounce, Recorded, ReturnedTally},
    error::LedgerError,
    values::{DeliveryId, DispatchId},
};
use crate::address::EmailAddress;

impl Ledger {
    /// Records what came back, with what follows for the person, in one transaction. A message that is known for this
    /// person changes nothing.
    pub async fn record_bounce(&self, new: NewBounce, now: Timestamp) -> Result<Recorded, LedgerError> {
        self.threads.write(move |store| store.record_bounce(&new, now)).await
    }

    /// Whether a message (its SHA-256) was recorded for this person.
    pub async fn knows_message(
        &self,
        message: &[u8; 32],
        address: Option<&EmailAddress>,
    ) -> Result<bool, LedgerError> {
        let (message, address) = (*message, address.cloned());
        self.threads.read(move |store| store.knows_message(&message, address.as_ref())).await
    }

    /// Uses a mark (a SHA-256) that counts for one content only, for a day. False when it was used for another.
    pub async fn use_once(
        &self,
        mark: [u8; 32],
        content: [u8; 32],
        now: Timestamp,
    ) -> Result<bool, LedgerError> {
        self.threads.write(move |store| store.use_once(&mark, &content, now)).await
    }

    /// A delivery by its number ([`DeliveryId::number`]).
    pub async fn delivery(&self, number: u64) -> Result<Option<FoundDelivery>, LedgerError> {
        let Ok(id) = i64::try_from(number) else { return Ok(None) };
        self.threads.read(move |store| store.delivery(DeliveryId(id))).await
    }

    /// The delivery of a dispatch to an address.
    pub async fn delivery_to(
        &self,
        dispatch: DispatchId,
        address: &EmailAddress,
    ) -> Result<Option<FoundDelivery>, LedgerError> {
        let address = address.clone();
        self.threads.read(move |store| store.delivery_to(dispatch, &address)).await
    }

    /// How many letters of a dispatch came back.
    pub async fn returned(&self, dispatch: DispatchId) -> Result<ReturnedTally, LedgerError> {
        self.threads.read(move |store| store.returned(dispatch)).await
    }

    /// Of a dispatch's letters to one domain: how many bounced hard since a moment, and how many there are.
    pub async fn hard_bounces(
        &self,
        dispatch: DispatchId,
        domain: &str,
        since: Timestamp,
    ) -> Result<(u64, u64), LedgerError> {
        let domain = domain.to_owned();
        self.threads.read(move |store| store.hard_bounces(dispatch, &domain, since)).await
    }

    /// Lifts the suppressions that hard bounces of a dispatch at one domain made since a moment. Returns how many.
    pub async fn hold_bounces(
        &self,
        dispatch: DispatchId,
        domain: &str,
        since: Timestamp,
    ) -> Result<u64, LedgerError> {
        let domain = domain.to_owned();
        self.threads.write(move |store| store.hold_bounces(dispatch, &domain, since)).await
    }

    /// What came back of one dispatch, what is alike together, the most frequent first.
    pub async fn bounce_groups_of(&self, dispatch: DispatchId) -> Result<Vec<BounceGroup>, LedgerError> {
        self.threads.read(move |store| store.bounce_groups(Some(dispatch))).await
    }

    /// Everything that came back, what is alike together, the most frequent first.
    pub async fn bounce_groups(&self) -> Result<Vec<BounceGroup>, LedgerError> {
        self.threads.read(|store| store.bounce_groups(None)).await
    }

    /// Who asked for no more letters in a mail that anybody could have written, and is not suppressed: what the addresses are
    /// compared by, in order.
    pub async fn unproved_requests(&self) -> Result<Vec<String>, LedgerError> {
        self.threads.read(|store| store.unproved_requests()).await
    }
}
