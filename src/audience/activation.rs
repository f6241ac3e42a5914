//! Someone proved that they want letters.

use jiff::Timestamp;

use super::{
    consents,
    error::AudienceError,
    signup_store::StoredSignup,
    store,
    values::{Consent, Person, Status},
};
use crate::{message::ListTokens, storage::Connection};

/// Makes a person active, with the proof of it.
pub(super) fn activate(
    db: &Connection,
    tokens: &ListTokens,
    stored: &StoredSignup,
    cause: &str,
    now: Timestamp,
) -> Result<(), AudienceError> {
    let signup = &stored.signup;
    let key = signup.address.key();
    let was_suppressed = store::unsuppress(db, tokens, &key)?;
    let id = match store::find(db, &key)? {
        Some(mut found) => {
            let before = found.person.status;
            let person = &mut found.person;
            if before != Status::Active || was_suppressed {
                (person.status, person.status_at, person.paused_until) = (Status::Active, now, None);
                store::log(db, found.id, now, &format!("{before} -> active"), cause, "reader")?;
            }
            person.name = person.name.take().or_else(|| signup.name.clone());
            person.language = signup.language.clone().or_else(|| person.language.take());
            person.topics.extend(&signup.topics);
            for (name, value) in signup.fields.iter() {
                person.fields.insert(name, value);
            }
            store::update(db, found.id, &found.person)?;
            found.id
        }
        None => {
            let person = Person {
                address: signup.address.clone(),
                name: signup.name.clone(),
                status: Status::Active,
                status_at: now,
                paused_until: None,
                language: signup.language.clone(),
                tags: Default::default(),
                topics: signup.topics.clone(),
                source: format!("form {}", signup.form),
                joined_at: now,
                fields: signup.fields.clone(),
            };
            let id = store::insert(db, tokens, &person)?;
            store::log(db, id, now, "added as active", cause, "reader")?;
            id
        }
    };
    store::note_fields(db, signup.fields.iter().map(|(name, _)| name))?;
    let consent = Consent {
        form: signup.form.clone(),
        wording: Some(signup.wording.clone()).filter(|wording| !wording.is_empty()),
        requested_at: Some(signup.requested_at),
        confirmed_at: (cause == "confirmed").then_some(now),
        requested_from: signup.requested_from.clone(),
        topics: signup.topics.clone(),
    };
    consents::add_consent(db, id, &consent, now)
}
