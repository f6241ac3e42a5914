//! What a person changes about themselves.

use jiff::Timestamp;

use super::{
    error::AudienceError,
    managed::Audience,
    store,
    values::{Status, Words},
};
use crate::message::PersonHash;

/// What a person says about themselves. What is not said stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// A name; an empty one takes it away.
    pub name: Option<String>,
    /// Fields; an empty text takes one away.
    pub fields: Vec<(String, String)>,
    /// A BCP 47 tag.
    pub language: Option<String>,
    /// No letters until then; `None` ends a pause.
    pub pause: Option<Timestamp>,
    /// What they want to read about.
    pub topics: Option<Words>,
}

impl Audience {
    /// Changes what a person said about themselves. A person who gets no letters stays as they are.
    ///
    /// # Errors
    ///
    /// When the database cannot be used; nothing has changed then.
    pub async fn change(
        &self,
        person: PersonHash,
        change: Change,
        now: Timestamp,
    ) -> Result<(), AudienceError> {
        self.ledger
            .transact(move |db| {
                let Some(mut stored) = store::by_hash(db, &person)? else { return Ok(()) };
                let before = stored.person.clone();
                let person = &mut stored.person;
                if person.status.is_no() || person.status == Status::Pending {
                    return Ok(());
                }
                if let Some(name) = change.name {
                    person.name = Some(name).filter(|name| !name.is_empty());
                }
                for (name, value) in &change.fields {
                    if value.is_empty() {
                        person.fields.remove(name);
                    } else {
                        person.fields.insert(name, value);
                    }
                }
                person.language = change.language.or(person.language.take());
                person.topics = change.topics.unwrap_or_else(|| person.topics.clone());
                let status = if change.pause.is_some() { Status::Paused } else { Status::Active };
                if (status, change.pause) != (before.status, before.paused_until) {
                    (person.status, person.status_at, person.paused_until) = (status, now, change.pause);
                    let until = change.pause.map_or(String::new(), |until| format!(" until {until}"));
                    let line = format!("{} -> {status}{until}", before.status);
                    store::log(db, stored.id, now, &line, "preferences", "reader")?;
                }
                let person = &stored.person;
                let added = person.topics.iter().filter(|topic| !before.topics.has(topic));
                let removed = before.topics.iter().filter(|topic| !person.topics.has(topic));
                let topics: Vec<_> = added
                    .map(|topic| format!("+{topic}"))
                    .chain(removed.map(|topic| format!("-{topic}")))
                    .collect();
                if !topics.is_empty() {
                    let line = format!("topics {}", topics.join(" "));
                    store::log(db, stored.id, now, &line, "preferences", "reader")?;
                }
                let is_other = (&person.name, &person.fields, &person.language)
                    != (&before.name, &before.fields, &before.language);
                if is_other {
                    store::log(db, stored.id, now, "changed their data", "preferences", "reader")?;
                }
                store::note_fields(db, person.fields.iter().map(|(name, _)| name))?;
                store::update(db, stored.id, &stored.person)
            })
            .await
    }
}
