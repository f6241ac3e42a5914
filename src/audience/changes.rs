//! Changes of people by the owner and by themselves, each in one transaction with its line in the history.

use jiff::Timestamp;

use super::{
    error::AudienceError,
    managed::Audience,
    refusals,
    store::{self, Stored},
    values::{Person, Status, Words},
};
use crate::{
    address::EmailAddress,
    ledger::Reason,
    message::{ListTokens, PersonHash},
    storage::Connection,
    subscriber::Fields,
};

/// Someone to be added.
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

/// What is added to people or taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// The owner's words about them.
    Tags,
    /// What they want to read about.
    Topics,
}

/// Who unsubscribes.
#[derive(Clone, Debug)]
pub enum Who {
    /// Someone by their address.
    Address(EmailAddress),
    /// Someone by the keyed hash of a token.
    Hash(PersonHash),
}

/// What came of unsubscribing someone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsubscribed {
    /// They were on the list, and get no letters from now on.
    Person(EmailAddress),
    /// They are not on the list; their address or keyed hash is suppressed from now on.
    Stranger,
    /// They got no letters before either.
    Already(Option<EmailAddress>),
}

impl Audience {
    /// Adds someone who gets letters from now on.
    ///
    /// # Errors
    ///
    /// When the person is on the list, also under another address by now, or the address is suppressed.
    pub async fn add(&self, new: NewPerson, cause: &str, now: Timestamp) -> Result<Person, AudienceError> {
        let (tokens, cause) = (self.tokens.clone(), cause.to_owned());
        self.ledger
            .transact(move |db| {
                let key = new.address.key();
                if let Some(stored) = store::find(db, &key)? {
                    let status = stored.person.status;
                    return Err(AudienceError::Exists { address: new.address, status });
                }
                if let Some(status) = refusals::suppressed(db, &tokens, &key)? {
                    return Err(AudienceError::Exists { address: new.address, status });
                }
                if let Some(stored) = store::find_by_any(db, &tokens, &key)? {
                    let Person { address: now, status, .. } = stored.person;
                    return Err(AudienceError::Moved { address: new.address, now, status });
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

    /// Adds tags or topics to people, and takes them away. Returns how many people changed.
    ///
    /// # Errors
    ///
    /// [`AudienceError::NotFound`] for the first who is not on the list; nothing changes then.
    pub async fn label(
        &self,
        kind: Label,
        addresses: Vec<EmailAddress>,
        add: Words,
        remove: Words,
        now: Timestamp,
    ) -> Result<u64, AudienceError> {
        let tokens = self.tokens.clone();
        self.ledger
            .transact(move |db| {
                let mut changed = 0;
                for address in addresses {
                    let mut stored = on_the_list(db, &tokens, address)?;
                    let (words, what, cause) = match kind {
                        Label::Tags => (&mut stored.person.tags, "tags", "tagged"),
                        Label::Topics => (&mut stored.person.topics, "topics", "chosen"),
                    };
                    let mut parts = Vec::new();
                    parts.extend(add.iter().filter(|word| !words.has(word)).map(|word| format!("+{word}")));
                    parts.extend(remove.iter().filter(|word| words.has(word)).map(|word| format!("-{word}")));
                    if parts.is_empty() {
                        continue;
                    }
                    words.extend(&add);
                    for word in remove.iter() {
                        words.remove(word);
                    }
                    store::update(db, stored.id, &stored.person)?;
                    store::log(db, stored.id, now, &format!("{what} {}", parts.join(" ")), cause, "owner")?;
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
    /// When the database cannot be used; no one has changed then.
    pub async fn unsubscribe(
        &self,
        who: Vec<Who>,
        cause: &str,
        actor: &str,
        now: Timestamp,
    ) -> Result<Vec<Unsubscribed>, AudienceError> {
        let (tokens, cause, actor) = (self.tokens.clone(), cause.to_owned(), actor.to_owned());
        self.ledger
            .transact(move |db| {
                who.iter().map(|one| unsubscribe(db, &tokens, one, &cause, &actor, now)).collect()
            })
            .await
    }

    /// Makes someone active again who said no: the owner answers for it with a reason. The suppressions of the address
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
                let mut stored = on_the_list(db, &tokens, address)?;
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

    /// Pauses someone until a time, or until they are resubscribed.
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
        let tokens = self.tokens.clone();
        self.ledger
            .transact(move |db| {
                let mut stored = on_the_list(db, &tokens, address)?;
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
}

/// The person with this address.
///
/// # Errors
///
/// When no one has it, or the person has another one by now.
fn on_the_list(db: &Connection, tokens: &ListTokens, address: EmailAddress) -> Result<Stored, AudienceError> {
    let key = address.key();
    match store::find_by_any(db, tokens, &key)? {
        None => Err(AudienceError::NotFound { address }),
        Some(stored) if stored.person.address.key() == key => Ok(stored),
        Some(stored) => {
            let Person { address: now, status, .. } = stored.person;
            Err(AudienceError::Moved { address, now, status })
        }
    }
}

fn unsubscribe(
    db: &Connection,
    tokens: &ListTokens,
    who: &Who,
    cause: &str,
    actor: &str,
    now: Timestamp,
) -> Result<Unsubscribed, AudienceError> {
    let stored = match who {
        Who::Address(address) => store::find_by_any(db, tokens, &address.key())?,
        Who::Hash(person) => store::by_hash(db, person)?,
    };
    let Some(mut stored) = stored else {
        let is_new = match who {
            Who::Address(address) => {
                let is_new = store::suppress(db, address, Reason::Unsubscribed, Some(cause), now)?.is_some();
                refusals::withdraw_requests(db, tokens, &address.key(), true, cause, now)?;
                is_new
            }
            Who::Hash(person) => {
                store::suppress_hash(db, person, Reason::Unsubscribed, Some(cause), now)?
                    || refusals::withdraw_of_erased(db, tokens, person, cause, now)?
            }
        };
        return Ok(if is_new { Unsubscribed::Stranger } else { Unsubscribed::Already(None) });
    };
    let address = stored.person.address.clone();
    let before = stored.person.status;
    // Also of someone who was off before: an undone import does not bring them back then.
    if !before.is_no() {
        stored.person.status = Status::Unsubscribed;
        stored.person.status_at = now;
        stored.person.paused_until = None;
    }
    store::update(db, stored.id, &stored.person)?;
    let change = if before.is_no() { format!("stays {before}") } else { format!("{before} -> unsubscribed") };
    store::log(db, stored.id, now, &change, cause, actor)?;
    store::suppress(db, &address, Reason::Unsubscribed, Some(cause), now)?;
    refusals::withdraw_requests(db, tokens, &address.key(), before.is_no(), cause, now)?;
    Ok(if before.is_no() { Unsubscribed::Already(Some(address)) } else { Unsubscribed::Person(address) })
}
