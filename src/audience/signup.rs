//! What people ask for on the web, and what follows: a letter, a confirmation, a person on the list.

use aws_lc_rs::digest;
use jiff::Timestamp;

use super::{
    activation::activate,
    admission::{Admission, Barrier, Decision, LetterKind, SignupKind, hour_of},
    error::AudienceError,
    managed::Audience,
    refusals::barrier,
    settling::Settling,
    signup_store::{self as tables, ServiceLetter, Signup},
    store,
};
use crate::{
    address::EmailAddress,
    message::{ListTokens, PersonHash},
    storage::Connection,
};

/// What came of a link that confirms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// The person gets letters from now on, or has the new address.
    Done(SignupKind, PersonHash),
    /// It was confirmed before, and holds.
    Before(SignupKind, PersonHash),
    /// The person said no since, or another person has the address.
    Withdrawn,
    /// It is not known, or not any more.
    Expired,
}

impl Audience {
    /// Keeps a request durably. What follows is decided later, so that the answer takes the same time for every address.
    ///
    /// # Errors
    ///
    /// When the database cannot be used; nothing is kept then.
    pub async fn sign_up(&self, signup: Signup) -> Result<(), AudienceError> {
        let tokens = self.tokens.clone();
        self.ledger
            .transact(move |db| {
                let subscriber = match &signup.person {
                    Some(person) => store::by_hash(db, person)?.map(|stored| stored.id),
                    None => None,
                };
                tables::insert(db, &signup, &digest_of(&signup.wording), subscriber)?;
                tables::count(db, &tokens.bucket("asked", ""), hour_of(signup.requested_at))
            })
            .await
    }

    /// Counts a request that is not kept, which takes as long as keeping it.
    ///
    /// # Errors
    ///
    /// When the database cannot be used.
    pub async fn ignore_signup(&self, now: Timestamp) -> Result<(), AudienceError> {
        let tokens = self.tokens.clone();
        self.ledger.transact(move |db| tables::count(db, &tokens.bucket("trapped", ""), hour_of(now))).await
    }

    /// Decides about the next request, and queues its letter; `None` when none is due. `owner` gets a letter when the form
    /// is being misused.
    ///
    /// # Errors
    ///
    /// [`AudienceError::Damaged`] when the request, or what is known of its address, cannot be read: it is not looked at again.
    /// Otherwise when the database cannot be used; nothing has changed then.
    pub async fn settle_signup(
        &self,
        limits: Admission,
        owner: EmailAddress,
        now: Timestamp,
    ) -> Result<Option<Decision>, AudienceError> {
        loop {
            let next = self.ledger.ask_tables(move |db| tables::next(db, now)).await?;
            let Some(id) = next else { return Ok(None) };
            let (tokens, owner) = (self.tokens.clone(), owner.clone());
            let settled = self
                .ledger
                .transact(move |db| {
                    // Another process may have decided meanwhile.
                    let Some(stored) = tables::due(db, &id, now)? else { return Ok(None) };
                    let settling = Settling { db, tokens: &tokens, limits: &limits, now };
                    settling.settle(stored, &owner).map(Some)
                })
                .await;
            match settled {
                Ok(None) => {}
                Err(damaged @ AudienceError::Damaged { .. }) => {
                    self.ledger.transact(move |db| tables::wait(db, &id, Timestamp::MAX)).await?;
                    return Err(damaged);
                }
                settled => return settled,
            }
        }
    }

    /// Confirms a request, once; again it changes nothing.
    ///
    /// # Errors
    ///
    /// When the database cannot be used; nothing has changed then.
    pub async fn confirm(
        &self,
        id: [u8; 12],
        welcome: bool,
        now: Timestamp,
    ) -> Result<Confirmed, AudienceError> {
        let tokens = self.tokens.clone();
        self.ledger.transact(move |db| confirm(db, &tokens, &id, welcome, now)).await
    }

    /// Whether a request can be confirmed; changes nothing.
    ///
    /// # Errors
    ///
    /// When the database cannot be used.
    pub async fn is_confirmable(&self, id: [u8; 12], now: Timestamp) -> Result<bool, AudienceError> {
        self.ledger
            .ask_tables(move |db| {
                Ok(tables::find(db, &id)?
                    .is_some_and(|stored| stored.is_confirmed || stored.signup.expires_at > now))
            })
            .await
    }

    /// Takes letters that are due, to be handed over to a relay until a moment. One that cannot be read is an error among them,
    /// and not taken again before all are [released](Self::release_letters).
    ///
    /// # Errors
    ///
    /// When the database cannot be used.
    pub async fn take_letters(
        &self,
        most: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Result<ServiceLetter, AudienceError>>, AudienceError> {
        let is_due = self.ledger.ask_tables(|db| Ok::<_, AudienceError>(tables::waiting(db)? > 0)).await?;
        if !is_due {
            return Ok(Vec::new());
        }
        self.ledger.transact(move |db| tables::take(db, most, now, until)).await
    }

    /// Records what became of letters, in one transaction: they are tried again from a moment on, or leave the queue.
    ///
    /// # Errors
    ///
    /// When the database cannot be used; nothing is recorded then.
    pub async fn settle_letters(
        &self,
        letters: Vec<([u8; 12], Option<Timestamp>)>,
    ) -> Result<(), AudienceError> {
        self.ledger
            .transact(move |db| {
                letters.iter().try_for_each(|(id, again)| match again {
                    Some(from) => tables::postpone(db, id, *from),
                    None => tables::remove_letter(db, id),
                })
            })
            .await
    }

    /// Has all letters tried now: those of a process that is gone, and those that waited for a relay.
    ///
    /// # Errors
    ///
    /// When the database cannot be used.
    pub async fn release_letters(&self, now: Timestamp) -> Result<(), AudienceError> {
        self.ledger.transact(move |db| tables::release(db, now)).await
    }

    /// How many letters wait.
    ///
    /// # Errors
    ///
    /// When the database cannot be used.
    pub async fn waiting_letters(&self) -> Result<u64, AudienceError> {
        self.ledger.ask_tables(tables::waiting).await
    }

    /// Forgets what has been kept long enough: requests that were not confirmed, network addresses, old counts.
    ///
    /// # Errors
    ///
    /// When the database cannot be used.
    pub async fn tidy(&self, now: Timestamp) -> Result<(), AudienceError> {
        self.ledger
            .transact(move |db| {
                store::forget(db, now)?;
                tables::tidy(db, now)
            })
            .await
    }
}

/// The digest of a consent text, in hexadecimal.
fn digest_of(text: &str) -> String {
    digest::digest(&digest::SHA256, text.as_bytes())
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn confirm(
    db: &Connection,
    tokens: &ListTokens,
    id: &[u8; 12],
    welcome: bool,
    now: Timestamp,
) -> Result<Confirmed, AudienceError> {
    let Some(stored) = tables::find(db, id)? else { return Ok(Confirmed::Expired) };
    let signup = &stored.signup;
    let key = signup.address.key();
    let person = tokens.person(&key);
    if stored.is_confirmed {
        let is_active = store::find(db, &key)?.is_some_and(|stored| !stored.person.status.is_no());
        return Ok(if is_active { Confirmed::Before(signup.kind, person) } else { Confirmed::Withdrawn });
    }
    if signup.expires_at <= now {
        return Ok(Confirmed::Expired);
    }
    // Whoever had the address when they asked, and has another one by now, is on the list already.
    if signup.kind == SignupKind::Subscribe && tables::present_address(db, tokens, &signup.address)?.is_some()
    {
        return Ok(Confirmed::Withdrawn);
    }
    match barrier(db, tokens, &key)? {
        Some((Barrier::Owners, _)) => return Ok(Confirmed::Withdrawn),
        Some((Barrier::Own, at)) if at >= signup.requested_at => return Ok(Confirmed::Withdrawn),
        _ => {}
    }
    if signup.kind == SignupKind::Address {
        let known = stored.subscriber.map_or(Ok(None), |id| store::by_id(db, id))?;
        let is_free = store::find(db, &key)?.is_none();
        let Some(known) = known.filter(|known| is_free && !known.person.status.is_no()) else {
            return Ok(Confirmed::Withdrawn);
        };
        tables::change_address(db, tokens, &known, &signup.address)?;
        let change = format!("{}{}", store::MOVED, known.person.address.expose());
        store::log(db, known.id, now, &change, "confirmed at the new address", "reader")?;
    } else {
        activate(db, tokens, &stored, "confirmed", now)?;
        tables::count(db, &tokens.bucket("confirmed", ""), hour_of(signup.requested_at))?;
        if welcome {
            let letter = ServiceLetter {
                id: tokens.bucket("welcome", &digest_of(&format!("{id:?}"))),
                kind: LetterKind::Welcome,
                address: signup.address.clone(),
                language: signup.language.clone(),
                subject: *person.as_bytes(),
                made_at: now,
                attempts: 0,
            };
            tables::enqueue(db, &letter)?;
        }
    }
    tables::set_state(db, id, "confirmed")?;
    Ok(Confirmed::Done(signup.kind, person))
}
