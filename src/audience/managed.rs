//! The managed list, open for changes, and what is known about a person.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    consents,
    error::AudienceError,
    renewal, store,
    values::{Consent, HistoryEntry, Person},
};
use crate::{
    address::EmailAddress,
    ledger::{DeliveryHistory, Ledger, Suppression},
    message::{ListTokens, PersonHash},
    storage::Connection,
};

/// The managed list, open for changes.
#[derive(Clone, Debug)]
pub struct Audience {
    pub(super) ledger: Ledger,
    pub(super) tokens: ListTokens,
}

/// Everything that is known about a person.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// The person; `None` for someone whom only the ledger knows.
    pub person: Option<Person>,
    /// What changed, the earliest first.
    pub history: Vec<HistoryEntry>,
    /// Proof of consent.
    pub consents: Vec<Consent>,
    /// Why the address gets no letters.
    #[serde(serialize_with = "suppression")]
    pub suppression: Option<Suppression>,
    /// What was sent to them.
    #[serde(skip)]
    pub deliveries: Vec<DeliveryHistory>,
}

fn suppression<S: serde::Serializer>(one: &Option<Suppression>, to: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Shown<'a> {
        reason: &'a str,
        note: Option<&'a str>,
        at: Timestamp,
    }
    one.as_ref()
        .map(|one| Shown { reason: one.reason.word(), note: one.note.as_deref(), at: one.at })
        .serialize(to)
}

impl Audience {
    /// Opens the list in a ledger. After a change of the newsletter's key everybody's hash is made again; network addresses
    /// that have been kept long enough are forgotten.
    ///
    /// # Errors
    ///
    /// When the database cannot be used.
    pub async fn open(ledger: Ledger, tokens: ListTokens, now: Timestamp) -> Result<Self, AudienceError> {
        ledger.recognize(tokens.clone()).await?;
        let by = tokens.clone();
        let is_behind: bool = ledger.ask_tables(move |db| renewal::is_behind(db, &by, now)).await?;
        if is_behind {
            let by = tokens.clone();
            ledger
                .transact(move |db| {
                    store::forget(db, now)?;
                    renewal::renew_hashes(db, &by)
                })
                .await?;
        }
        Ok(Self { ledger, tokens })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub async fn answers(&self) -> Result<(), AudienceError> {
        self.ledger.ask_tables(store::answers).await
    }

    /// The person with this address.
    ///
    /// # Errors
    ///
    /// When the database cannot be used.
    pub async fn find(&self, address: &EmailAddress) -> Result<Option<Person>, AudienceError> {
        let key = address.key();
        self.ledger.ask_tables(move |db| Ok(store::find(db, &key)?.map(|stored| stored.person))).await
    }

    /// The person behind a token's hash.
    ///
    /// # Errors
    ///
    /// When the database cannot be used.
    pub async fn find_by_hash(&self, person: PersonHash) -> Result<Option<Person>, AudienceError> {
        self.ledger.ask_tables(move |db| Ok(store::by_hash(db, &person)?.map(|stored| stored.person))).await
    }

    /// Everything that is known about an address; `None` when nothing is.
    ///
    /// # Errors
    ///
    /// When the database cannot be used.
    pub async fn record(&self, address: &EmailAddress) -> Result<Option<Record>, AudienceError> {
        let (key, tokens) = (address.key(), self.tokens.clone());
        let (person, history, consents, earlier) = self
            .ledger
            .ask_tables(move |db| {
                Ok::<_, AudienceError>(match store::find(db, &key)? {
                    None => (None, Vec::new(), Vec::new(), Vec::new()),
                    Some(stored) => {
                        let id = stored.id;
                        let earlier = earlier_addresses(db, &tokens, id)?;
                        (Some(stored.person), store::history(db, id)?, consents::consents(db, id)?, earlier)
                    }
                })
            })
            .await?;
        let suppression = self.ledger.suppression(address).await?;
        let mut deliveries = self.ledger.history(address).await?;
        for address in &earlier {
            deliveries.extend(self.ledger.history(address).await?);
        }
        // The latest first, as they are for one address.
        deliveries.sort_by_key(|one| std::cmp::Reverse(one.dispatch.opened_at));
        let is_unknown = person.is_none() && suppression.is_none() && deliveries.is_empty();
        Ok((!is_unknown).then_some(Record { person, history, consents, suppression, deliveries }))
    }
}

/// The addresses that a person had before, as their history has them, without those that are someone else's by now.
pub(super) fn earlier_addresses(
    db: &Connection,
    tokens: &ListTokens,
    id: i64,
) -> Result<Vec<EmailAddress>, AudienceError> {
    let mut earlier: Vec<EmailAddress> = Vec::new();
    for entry in store::history(db, id)? {
        let address =
            entry.change.strip_prefix(store::MOVED).and_then(|address| EmailAddress::parse(address).ok());
        let Some(address) = address else { continue };
        let key = address.key();
        let found = store::find_by_any(db, tokens, &key)?;
        // Someone may have come back to an address.
        let is_own = found.is_some_and(|one| one.id == id && one.person.address.key() != key);
        if is_own && !earlier.contains(&address) {
            earlier.push(address);
        }
    }
    Ok(earlier)
}
