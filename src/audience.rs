//! The managed list: people, their consent, and everything that ever changed.
//!
//! In: what owners, readers and exports of other services say about people. Out: people who want letters, as a list that is read
//! like a file; each person's record; the picture of a list that grows and shrinks.
//! Never: writes a letter; makes somebody active who said no, unless a named decision of the owner or of the person does.
//!
//! It is kept in the ledger's database. Whatever lowers a person also suppresses the address in the same transaction, and
//! whatever suppresses an address lowers the person (a trigger does), so that the ledger's last look before each letter holds
//! for the list too.

mod decide;
mod export;
mod import;
mod platform;
mod stats;
mod store;
mod stored;
mod values;

pub use decide::MergeFields;
pub use export::Exporter;
pub use import::{ImportOptions, ImportSummary, Staged, StatusCounts, Undone};
pub use platform::Platform;
pub use stats::{Month, Stats};
pub use stored::{ManagedList, People};
pub use values::{Consent, HistoryEntry, Person, RESERVED, Status, Words};

use decide::Incoming;
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    address::EmailAddress,
    ledger::{DeliveryHistory, Ledger, LedgerError, Reason, SuppressedHashes, Suppression},
    message::{ListTokens, PersonHash},
    subscriber::{Fields, ListError},
};

/// Why the list could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudienceError {
    /// The database fails.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A file that is imported cannot be read.
    #[error(transparent)]
    List(#[from] ListError),
    /// Nobody has this address.
    #[error("{address} is not on the list")]
    NotFound {
        /// Whose.
        address: EmailAddress,
    },
    /// Somebody has this address already.
    #[error("{address} already exists: the person is {status}")]
    Exists {
        /// Whose.
        address: EmailAddress,
        /// What they are.
        status: Status,
    },
    /// There is no such import.
    #[error("import {import} not found")]
    NoImport {
        /// Its number.
        import: i64,
    },
    /// It was undone before.
    #[error("import {import} was undone already")]
    UndoneAlready {
        /// Its number.
        import: i64,
    },
    /// The database holds something that this program did not write.
    #[error("the managed list is damaged: it holds {what}")]
    Damaged {
        /// What was found.
        what: String,
    },
    /// An export cannot be written.
    #[error("failed to write the export")]
    Write(#[source] std::io::Error),
}

/// The managed list, open for changes.
#[derive(Clone, Debug)]
pub struct Audience {
    ledger: Ledger,
    tokens: ListTokens,
}

/// Somebody to be added.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// Where letters go.
    pub address: EmailAddress,
    /// The person's name.
    pub name: Option<String>,
    /// What else the owner knows.
    pub fields: Fields,
    /// The owner's words about them.
    pub tags: Words,
    /// What they want to read about.
    pub topics: Words,
    /// A BCP 47 tag.
    pub language: Option<String>,
    /// Where they came from.
    pub source: String,
}

/// Everything that is known about a person.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// The person; `None` for somebody whom only the ledger knows.
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

/// Who unsubscribes.
#[derive(Clone, Debug)]
pub enum Who {
    /// Somebody by their address.
    Address(EmailAddress),
    /// Somebody by the keyed hash of a token.
    Hash(PersonHash),
}

/// What came of unsubscribing somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsubscribed {
    /// They were on the list, and get no letters from now on.
    Person(EmailAddress),
    /// They are not on the list; their address or keyed hash is suppressed from now on.
    Stranger,
    /// They got no letters before either.
    Already(Option<EmailAddress>),
}

/// What was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// The person was on the list, or the address suppressed.
    pub was_known: bool,
    /// Deliveries that do not know any more whose they were.
    pub deliveries: u64,
    /// Letters that are leaving now, and were left alone.
    pub leaving: u64,
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
        let is_behind: bool = ledger.ask_tables(move |db| store::is_behind(db, &by, now)).await?;
        if is_behind {
            let by = tokens.clone();
            ledger
                .transact(move |db| {
                    store::forget(db, now)?;
                    store::renew_hashes(db, &by)
                })
                .await?;
        }
        Ok(Self { ledger, tokens })
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
        let key = address.key();
        let (person, history, consents) = self
            .ledger
            .ask_tables(move |db| {
                Ok::<_, AudienceError>(match store::find(db, &key)? {
                    None => (None, Vec::new(), Vec::new()),
                    Some(stored) => {
                        let id = stored.id;
                        (Some(stored.person), store::history(db, id)?, store::consents(db, id)?)
                    }
                })
            })
            .await?;
        let suppression = self.ledger.suppression(address).await?;
        let deliveries = self.ledger.history(address).await?;
        let is_unknown = person.is_none() && suppression.is_none() && deliveries.is_empty();
        Ok((!is_unknown).then_some(Record { person, history, consents, suppression, deliveries }))
    }

    /// Adds somebody who gets letters from now on.
    ///
    /// # Errors
    ///
    /// When the person is on the list, or the address is suppressed.
    pub async fn add(&self, new: NewPerson, cause: &str, now: Timestamp) -> Result<Person, AudienceError> {
        let (tokens, cause) = (self.tokens.clone(), cause.to_owned());
        let hashes = self.ledger.suppressed_hashes().await?;
        self.ledger
            .transact(move |db| {
                let key = new.address.key();
                if let Some(stored) = store::find(db, &key)? {
                    let status = stored.person.status;
                    return Err(AudienceError::Exists { address: new.address, status });
                }
                let reason = store::suppression(db, &key)?;
                if let Some(reason) = reason.or_else(|| hashes.has(&key).then_some(Reason::ByHand)) {
                    let status = Status::suppressed(reason);
                    return Err(AudienceError::Exists { address: new.address, status });
                }
                let person = Person {
                    address: new.address,
                    name: new.name,
                    status: Status::Active,
                    status_at: now,
                    paused_until: None,
                    language: new.language,
                    tags: new.tags,
                    topics: new.topics,
                    source: new.source,
                    joined_at: now,
                    fields: new.fields,
                };
                let id = store::insert(db, &tokens, &person)?;
                store::note_fields(db, person.fields.iter().map(|(name, _)| name))?;
                store::log(db, id, now, "added as active", &cause, "owner")?;
                Ok(person)
            })
            .await
    }

    /// Adds tags to people, and takes tags away. Returns how many people changed.
    ///
    /// # Errors
    ///
    /// [`AudienceError::NotFound`] for the first who is not on the list; nothing changes then.
    pub async fn tag(
        &self,
        addresses: Vec<EmailAddress>,
        add: Words,
        remove: Words,
        now: Timestamp,
    ) -> Result<u64, AudienceError> {
        self.ledger
            .transact(move |db| {
                let mut changed = 0;
                for address in addresses {
                    let Some(mut stored) = store::find(db, &address.key())? else {
                        return Err(AudienceError::NotFound { address });
                    };
                    let mut parts = Vec::new();
                    for tag in add.iter().filter(|tag| !stored.person.tags.has(tag)) {
                        parts.push(format!("+{tag}"));
                    }
                    for tag in remove.iter().filter(|tag| stored.person.tags.has(tag)) {
                        parts.push(format!("-{tag}"));
                    }
                    if parts.is_empty() {
                        continue;
                    }
                    stored.person.tags.extend(&add);
                    for tag in remove.iter() {
                        stored.person.tags.remove(tag);
                    }
                    store::update(db, stored.id, &stored.person)?;
                    store::log(db, stored.id, now, &format!("tags {}", parts.join(" ")), "tagged", "owner")?;
                    changed += 1;
                }
                Ok(changed)
            })
            .await
    }

    /// Takes people off, by address or by token: no letter begins for them after this has answered, whether or not they are
    /// on the list. One transaction.
    ///
    /// # Errors
    ///
    /// When the database cannot be used; nobody has changed then.
    pub async fn unsubscribe(
        &self,
        who: Vec<Who>,
        cause: &str,
        actor: &str,
        now: Timestamp,
    ) -> Result<Vec<Unsubscribed>, AudienceError> {
        let (cause, actor) = (cause.to_owned(), actor.to_owned());
        self.ledger
            .transact(move |db| who.iter().map(|one| unsubscribe(db, one, &cause, &actor, now)).collect())
            .await
    }

    /// Makes somebody active again who said no: the owner answers for it with a reason. The suppressions of the address
    /// are lifted.
    ///
    /// # Errors
    ///
    /// When the person is not on the list.
    pub async fn resubscribe(
        &self,
        address: EmailAddress,
        reason: &str,
        now: Timestamp,
    ) -> Result<Status, AudienceError> {
        let (tokens, reason) = (self.tokens.clone(), reason.to_owned());
        self.ledger
            .transact(move |db| {
                let key = address.key();
                let Some(mut stored) = store::find(db, &key)? else {
                    return Err(AudienceError::NotFound { address });
                };
                let was_suppressed = store::unsuppress(db, &tokens, &key)?;
                let before = stored.person.status;
                if before != Status::Active || was_suppressed {
                    stored.person.status = Status::Active;
                    stored.person.status_at = now;
                    stored.person.paused_until = None;
                    store::update(db, stored.id, &stored.person)?;
                    store::log(db, stored.id, now, &format!("{before} -> active"), &reason, "owner")?;
                }
                Ok(before)
            })
            .await
    }

    /// Pauses somebody until a time, or until they are resubscribed.
    ///
    /// # Errors
    ///
    /// When the person is not on the list.
    pub async fn pause(
        &self,
        address: EmailAddress,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Status, AudienceError> {
        self.ledger
            .transact(move |db| {
                let Some(mut stored) = store::find(db, &address.key())? else {
                    return Err(AudienceError::NotFound { address });
                };
                let before = stored.person.status;
                if !before.is_no() && before != Status::Pending {
                    stored.person.status = Status::Paused;
                    stored.person.status_at = now;
                    stored.person.paused_until = until;
                    store::update(db, stored.id, &stored.person)?;
                    let until = until.map_or(String::new(), |until| format!(" until {until}"));
                    store::log(db, stored.id, now, &format!("{before} -> paused{until}"), "paused", "owner")?;
                }
                Ok(before)
            })
            .await
    }

    /// Erases a person: their row, history, consent and suppression, and their address in what was sent. A keyed hash stays,
    /// so that no import brings them back and no letter is written to them.
    ///
    /// # Errors
    ///
    /// When the database cannot be used.
    pub async fn erase(&self, address: EmailAddress, now: Timestamp) -> Result<Erasure, AudienceError> {
        let (tokens, whose) = (self.tokens.clone(), address.clone());
        // First the list, so that no letter begins any more.
        let was_known: bool = self
            .ledger
            .transact(move |db| {
                let key = whose.key();
                let stored = store::find(db, &key)?;
                let suppression = store::suppression(db, &key)?;
                let reason = suppression.unwrap_or(Reason::ByHand);
                let is_known = stored.is_some() || suppression.is_some();
                if let Some(stored) = stored {
                    store::delete_hashes(db, &tokens, &key)?;
                    store::delete(db, stored.id)?;
                }
                for person in tokens.people(&key) {
                    store::suppress_hash(db, &person, reason, Some("erased"), now)?;
                }
                db.execute("DELETE FROM suppressions WHERE key = ?1", [&key])?;
                Ok::<_, AudienceError>(is_known)
            })
            .await?;
        let erased = self.ledger.erase(&address).await?;
        Ok(Erasure { was_known, deliveries: erased.deliveries, leaving: erased.leaving })
    }

    /// What an import would do.
    ///
    /// # Errors
    ///
    /// When the database cannot be used.
    pub async fn plan_import(&self, staged: Staged) -> Result<(Staged, ImportSummary), AudienceError> {
        let hashes = self.hashes().await?;
        self.ledger.ask_tables(move |db| staged.plan(db, &hashes)).await
    }

    /// Imports, whole or not at all.
    ///
    /// # Errors
    ///
    /// When the database cannot be used; nothing has changed then.
    pub async fn import(&self, staged: Staged) -> Result<ImportSummary, AudienceError> {
        let (hashes, tokens) = (self.hashes().await?, self.tokens.clone());
        self.ledger.transact(move |db| staged.apply(db, &hashes, &tokens)).await
    }

    /// Undoes an import for everybody who has not changed since.
    ///
    /// # Errors
    ///
    /// When there is no such import, or it was undone before.
    pub async fn undo_import(&self, import: i64, now: Timestamp) -> Result<Undone, AudienceError> {
        let tokens = self.tokens.clone();
        self.ledger.transact(move |db| import::undo(db, &tokens, import, now)).await
    }

    async fn hashes(&self) -> Result<SuppressedHashes, AudienceError> {
        Ok(self.ledger.suppressed_hashes().await?)
    }
}

fn unsubscribe(
    db: &rusqlite::Connection,
    who: &Who,
    cause: &str,
    actor: &str,
    now: Timestamp,
) -> Result<Unsubscribed, AudienceError> {
    let stored = match who {
        Who::Address(address) => store::find(db, &address.key())?,
        Who::Hash(person) => store::by_hash(db, person)?,
    };
    let Some(mut stored) = stored else {
        let is_new = match who {
            Who::Address(address) => {
                store::suppress(db, address, Reason::Unsubscribed, Some(cause), now)?.is_some()
            }
            Who::Hash(person) => store::suppress_hash(db, person, Reason::Unsubscribed, Some(cause), now)?,
        };
        return Ok(if is_new { Unsubscribed::Stranger } else { Unsubscribed::Already(None) });
    };
    let address = stored.person.address.clone();
    let before = stored.person.status;
    // Also of somebody who was off before: an undone import does not bring them back then.
    if !before.is_no() {
        stored.person.status = Status::Unsubscribed;
        stored.person.status_at = now;
        stored.person.paused_until = None;
    }
    store::update(db, stored.id, &stored.person)?;
    let change = if before.is_no() { format!("stays {before}") } else { format!("{before} -> unsubscribed") };
    store::log(db, stored.id, now, &change, cause, actor)?;
    store::suppress(db, &address, Reason::Unsubscribed, Some(cause), now)?;
    Ok(if before.is_no() { Unsubscribed::Already(Some(address)) } else { Unsubscribed::Person(address) })
}
