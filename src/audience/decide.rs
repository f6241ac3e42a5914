//! What an import does to one person: pure decisions. A no wins over a yes, and no one who said no here becomes active.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    error::AudienceError,
    values::{Consent, Person, Status, Words},
};
use crate::{address::EmailAddress, ledger::Reason, subscriber::Fields};

/// What files say about one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Incoming {
    pub(super) address: EmailAddress,
    pub(super) name: Option<String>,
    pub(super) status: Status,
    /// Some row says that the person unsubscribed, whatever others say.
    pub(super) opted_out: bool,
    /// When it became so, if a file says it.
    pub(super) event_at: Option<Timestamp>,
    pub(super) paused_until: Option<Timestamp>,
    pub(super) language: Option<String>,
    pub(super) tags: Words,
    /// `None` where no file says anything about topics.
    pub(super) topics: Option<Words>,
    pub(super) source: String,
    pub(super) joined_at: Option<Timestamp>,
    pub(super) fields: Fields,
    pub(super) consent: Option<Consent>,
}

/// How fields of a person who is on the list already are treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MergeFields {
    /// What is known stays, what is missing is filled in.
    #[default]
    Fill,
    /// Nothing changes.
    Keep,
    /// What a file says counts.
    Replace,
}

impl Incoming {
    /// Joins another row about the same person. The no wins over the yes; only where both have a time and the no is not a
    /// bounce or a complaint, the later one counts.
    pub(super) fn join(&mut self, other: Self) {
        self.opted_out |= other.opted_out;
        let other_counts = match (self.status.is_no(), other.status.is_no()) {
            (false, true) => !is_revoked(&other, self),
            (true, false) => is_revoked(self, &other),
            _ => other.status > self.status,
        };
        if other_counts {
            self.status = other.status;
            self.event_at = other.event_at;
            self.paused_until = other.paused_until;
        }
        self.name = self.name.take().or(other.name);
        self.language = self.language.take().or(other.language);
        self.tags.extend(&other.tags);
        match (&mut self.topics, other.topics) {
            (Some(topics), Some(more)) => topics.extend(&more),
            (topics @ None, more) => *topics = more,
            _ => {}
        }
        self.joined_at = match (self.joined_at, other.joined_at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        for (name, value) in other.fields.iter() {
            if !self.fields.contains(name) {
                self.fields.insert(name, value);
            }
        }
        self.consent = self.consent.take().or(other.consent);
    }

    /// What it says about a person who has another address by now: a no and a pause count, and nothing else. A mailbox that is
    /// gone says nothing about the one that came after it.
    pub(super) fn about_earlier(self, present: EmailAddress) -> Self {
        let status = match self.status {
            Status::Bounced if self.opted_out => Status::Unsubscribed,
            Status::Bounced => Status::Pending,
            status => status,
        };
        Self {
            address: present,
            name: None,
            status,
            language: None,
            tags: Words::default(),
            topics: None,
            joined_at: None,
            fields: Fields::default(),
            consent: None,
            ..self
        }
    }

    /// As text.
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("what files say is JSON")
    }

    /// From [`to_json`](Self::to_json).
    pub(super) fn from_json(text: &str) -> Result<Self, AudienceError> {
        serde_json::from_str(text)
            .map_err(|_| AudienceError::Damaged { what: "a row of the import".to_owned() })
    }
}

/// Whether the person asked for letters again after this no.
fn is_revoked(no: &Incoming, yes: &Incoming) -> bool {
    no.status == Status::Unsubscribed
        && yes.status == Status::Active
        && no.event_at.zip(yes.event_at).is_some_and(|(no, yes)| no < yes)
}

/// The status of a person whom an import finds here: it may lower, and never raise.
pub(super) fn status(here: Status, says: Status) -> Status {
    match (here, says) {
        (Status::Active, Status::Paused) => says,
        (_, says) if says.is_no() => here.max(says),
        _ => here,
    }
}

/// What becomes of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// They are new.
    Create(Person),
    /// They are on the list, and change.
    Change(Person),
    /// They are on the list, and stay as they are.
    Same,
    /// They were erased here, and do not come back.
    Erased,
}

/// What is known here about a person, before an import.
pub(super) struct Here<'a> {
    pub(super) person: Option<&'a Person>,
    pub(super) suppressed: Option<Reason>,
    /// The person is suppressed by the keyed hash: their address was erased, or never known.
    pub(super) by_hash: bool,
}

/// What an import does with what files say.
pub(super) struct Rules<'a> {
    pub(super) merge: MergeFields,
    /// What people want to read about whose file does not say it.
    pub(super) topics: &'a Words,
    pub(super) now: Timestamp,
}

pub(super) fn decide(here: &Here<'_>, says: &Incoming, rules: &Rules<'_>) -> Decision {
    if here.by_hash {
        return Decision::Erased;
    }
    let Some(person) = here.person else {
        let suppressed = here.suppressed.map(Status::suppressed);
        let status = suppressed.map_or(says.status, |suppressed| status(suppressed, says.status));
        let is_said = status == says.status;
        return Decision::Create(Person {
            address: says.address.clone(),
            name: says.name.clone(),
            status,
            status_at: says.event_at.filter(|_| is_said).or(says.joined_at).unwrap_or(rules.now),
            paused_until: says.paused_until.filter(|_| status == Status::Paused),
            language: says.language.clone(),
            tags: says.tags.clone(),
            topics: says.topics.clone().unwrap_or_else(|| rules.topics.clone()),
            source: says.source.clone(),
            joined_at: says.joined_at.unwrap_or(rules.now),
            fields: says.fields.clone(),
        });
    };
    let mut after = person.clone();
    after.status = status(person.status, says.status);
    if after.status != person.status {
        after.status_at = says.event_at.unwrap_or(rules.now);
        after.paused_until = says.paused_until.filter(|_| after.status == Status::Paused);
    }
    if rules.merge != MergeFields::Keep {
        let replaces = rules.merge == MergeFields::Replace;
        let pick = |known: Option<String>, new: &Option<String>| match (known, new) {
            (known, None) => known,
            (Some(known), Some(_)) if !replaces => Some(known),
            (_, new) => new.clone(),
        };
        after.name = pick(after.name, &says.name);
        after.language = pick(after.language, &says.language);
        after.tags.extend(&says.tags);
        for (name, value) in says.fields.iter() {
            if replaces || !after.fields.contains(name) {
                after.fields.insert(name, value);
            }
        }
        after.joined_at = says.joined_at.map_or(after.joined_at, |at| at.min(after.joined_at));
    }
    if after == *person { Decision::Same } else { Decision::Change(after) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn incoming(status: Status, event: Option<i64>) -> Incoming {
        Incoming {
            address: EmailAddress::parse("ann@example.com").unwrap(),
            name: None,
            status,
            opted_out: status == Status::Unsubscribed,
            event_at: event.map(at),
            paused_until: None,
            language: None,
            tags: Words::default(),
            topics: None,
            source: "csv".to_owned(),
            joined_at: None,
            fields: Fields::default(),
            consent: None,
        }
    }

    #[test]
    fn of_two_rows_the_no_wins_unless_a_later_yes_revokes_it() {
        use Status::{Active, Bounced, Complained, Pending, Unsubscribed};
        for (one, other, expected) in [
            ((Active, None), (Unsubscribed, None), Unsubscribed),
            ((Active, Some(9)), (Unsubscribed, None), Unsubscribed),
            ((Active, Some(9)), (Unsubscribed, Some(5)), Active),
            ((Active, Some(5)), (Unsubscribed, Some(9)), Unsubscribed),
            ((Active, Some(9)), (Bounced, Some(5)), Bounced),
            ((Active, Some(9)), (Complained, Some(5)), Complained),
            ((Pending, Some(9)), (Unsubscribed, Some(5)), Unsubscribed),
            ((Active, None), (Pending, None), Pending),
            ((Unsubscribed, None), (Bounced, None), Bounced),
        ] {
            for (one, other) in [(one, other), (other, one)] {
                let mut joined = incoming(one.0, one.1);
                joined.join(incoming(other.0, other.1));
                assert_eq!(joined.status, expected, "{one:?} {other:?}");
            }
        }
    }

    fn any_status() -> impl Strategy<Value = Status> {
        prop::sample::select(Status::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn no_import_makes_anybody_active_who_is_not(
            here in prop::option::of(any_status()),
            suppressed in prop::option::of(prop::sample::select(Reason::ALL.to_vec())),
            by_hash: bool,
            rows in prop::collection::vec((any_status(), prop::option::of(0..9_i64)), 1..5),
            merge in prop::sample::select(vec![MergeFields::Fill, MergeFields::Keep, MergeFields::Replace]),
        ) {
            let rules = Rules { merge, topics: &Words::default(), now: at(100) };
            let mut rows = rows.into_iter().map(|(status, event)| incoming(status, event));
            let mut says = rows.next().unwrap();
            rows.for_each(|row| says.join(row));
            let person = here.map(|status| {
                let unknown_person = Here { person: None, suppressed: None, by_hash: false };
                match decide(&unknown_person, &incoming(status, None), &rules) {
                    Decision::Create(person) => person,
                    other => panic!("{other:?}"),
                }
            });
            let here = Here { person: person.as_ref(), suppressed, by_hash };
            let decision = decide(&here, &says, &rules);
            match &decision {
                Decision::Erased => prop_assert!(by_hash),
                Decision::Create(person) => {
                    prop_assert!(suppressed.is_none() || person.status.is_no());
                    prop_assert!(person.status >= says.status || person.status.is_no());
                }
                Decision::Change(after) => {
                    let before = person.as_ref().unwrap();
                    prop_assert!(after.status == before.status || before.status == Status::Active
                        || after.status.is_no());
                    prop_assert!(!before.status.is_no() || after.status >= before.status);
                }
                Decision::Same => prop_assert!(person.is_some()),
            }
            // Once more changes nothing.
            if let Decision::Create(person) | Decision::Change(person) = decision {
                let again = decide(&Here { person: Some(&person), suppressed, by_hash }, &says, &rules);
                prop_assert_eq!(again, Decision::Same);
            }
        }
    }
}
