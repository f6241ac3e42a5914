//! What the list holds about a person.

use std::{collections::BTreeSet, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    address::EmailAddress,
    ledger::Reason,
    subscriber::{Fields, Inactive, Subscriber},
};

/// Whether a person gets letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// They get letters.
    Active,
    /// They asked for letters, and have not confirmed it.
    Pending,
    /// They get no letters for now.
    Paused,
    /// They unsubscribed, or the owner took them off.
    Unsubscribed,
    /// Letters to the address came back.
    Bounced,
    /// They reported a letter as spam.
    Complained,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Active, Self::Pending, Self::Paused, Self::Unsubscribed, Self::Bounced, Self::Complained];

    /// The word in the database, in exports and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Paused => "paused",
            Self::Unsubscribed => "unsubscribed",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
        }
    }

    /// The status behind a word; `None` when it is not one.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }

    /// Whether the person said no, or cannot be reached: nothing but a named decision changes that.
    pub fn is_no(self) -> bool {
        matches!(self, Self::Unsubscribed | Self::Bounced | Self::Complained)
    }

    /// The suppression that belongs to it.
    pub fn suppression(self) -> Option<Reason> {
        match self {
            Self::Unsubscribed => Some(Reason::Unsubscribed),
            Self::Bounced => Some(Reason::HardBounce),
            Self::Complained => Some(Reason::Complaint),
            Self::Active | Self::Pending | Self::Paused => None,
        }
    }

    /// Why such a person gets no letters; `None` for those who do.
    pub fn inactive(self) -> Option<Inactive> {
        match self {
            Self::Active => None,
            Self::Pending => Some(Inactive::Unconfirmed),
            Self::Paused => Some(Inactive::Paused),
            Self::Unsubscribed => Some(Inactive::OptedOut),
            Self::Bounced => Some(Inactive::Bounced),
            Self::Complained => Some(Inactive::Complained),
        }
    }

    /// The status of a person about whom a list says this.
    pub fn of(says: Option<Inactive>) -> Self {
        match says {
            None | Some(Inactive::OffTopic) => Self::Active,
            Some(Inactive::Unconfirmed) => Self::Pending,
            Some(Inactive::Paused) => Self::Paused,
            Some(Inactive::OptedOut) => Self::Unsubscribed,
            Some(Inactive::Bounced) => Self::Bounced,
            Some(Inactive::Complained) => Self::Complained,
        }
    }

    /// The status of a person whose address is suppressed.
    pub fn suppressed(reason: Reason) -> Self {
        match reason {
            Reason::HardBounce | Reason::SoftBounce => Self::Bounced,
            Reason::Complaint => Self::Complained,
            _ => Self::Unsubscribed,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Tags or topics: short words, each once, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words(BTreeSet<String>);

/// Characters of a tag.
const WORD_MAX: usize = 64;

impl Words {
    /// The words of a text, with commas or semicolons between them; quotation marks around one are taken off, and what is
    /// too long is cut.
    pub fn parse(text: &str) -> Self {
        text.split([',', ';']).collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them is this one.
    pub fn has(&self, word: &str) -> bool {
        self.0.contains(word)
    }

    /// Adds a word; false when it was there.
    pub fn add(&mut self, word: &str) -> bool {
        Self::clean(word).is_some_and(|word| self.0.insert(word))
    }

    /// Takes a word away; false when it was not there.
    pub fn remove(&mut self, word: &str) -> bool {
        Self::clean(word).is_some_and(|word| self.0.remove(&word))
    }

    /// Adds the words of another set.
    pub fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
    }

    /// The words, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    fn clean(word: &str) -> Option<String> {
        let word: String = word
            .trim()
            .trim_matches(['"', '\''])
            .chars()
            .map(|c| if c.is_control() || matches!(c, ',' | ';') { ' ' } else { c })
            .take(WORD_MAX)
            .collect();
        let word = word.trim();
        (!word.is_empty()).then(|| word.to_owned())
    }
}

impl<'a> FromIterator<&'a str> for Words {
    fn from_iter<I: IntoIterator<Item = &'a str>>(words: I) -> Self {
        Self(words.into_iter().filter_map(Self::clean).collect())
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{word}")?;
        }
        Ok(())
    }
}

/// A person of the managed list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Where letters go.
    #[serde(rename = "email")]
    pub address: EmailAddress,
    /// The person's name.
    pub name: Option<String>,
    /// Whether they get letters.
    pub status: Status,
    /// Since when.
    pub status_at: Timestamp,
    /// When a pause ends; none has no end.
    pub paused_until: Option<Timestamp>,
    /// A BCP 47 tag.
    pub language: Option<String>,
    /// The owner's words about them.
    pub tags: Words,
    /// What they want to read about.
    pub topics: Words,
    /// Where they came from.
    pub source: String,
    /// When they joined.
    pub joined_at: Timestamp,
    /// What else the owner knows.
    pub fields: Fields,
}

/// Names that fields of a managed list cannot have: they are columns of its own.
pub const RESERVED: [&str; 10] = [
    "email",
    "name",
    "status",
    "status_at",
    "paused_until",
    "language",
    "tags",
    "topics",
    "source",
    "joined_at",
];

impl Person {
    /// The status at this moment: a pause that is over counts no more.
    pub fn status_now(&self, now: Timestamp) -> Status {
        match (self.status, self.paused_until) {
            (Status::Paused, Some(until)) if until <= now => Status::Active,
            (status, _) => status,
        }
    }

    /// As a letter sees them: with tags, topics, language and the day they joined as fields.
    pub fn into_subscriber(self) -> Subscriber {
        let mut fields = self.fields;
        for (name, value) in [
            ("tags", self.tags.to_string()),
            ("topics", self.topics.to_string()),
            ("language", self.language.unwrap_or_default()),
            ("source", self.source),
            ("joined_at", self.joined_at.to_string()),
        ] {
            if !value.is_empty() {
                fields.insert(name, &value);
            }
        }
        Subscriber { address: self.address, name: self.name, fields }
    }
}

/// A change of a person, as the history keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryEntry {
    /// When the change was made.
    pub at: Timestamp,
    /// What changed: `active -> unsubscribed`.
    pub change: String,
    /// What caused it: a command, an import, the reader, a bounce.
    pub cause: String,
    /// Who did it: `owner`, `reader`, `import 3`, `suppression`.
    pub actor: String,
}

/// Proof of consent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// The form, or the import that brought the proof along.
    pub form: String,
    /// What the person read.
    pub wording: Option<String>,
    /// When they asked for letters.
    pub requested_at: Option<Timestamp>,
    /// When they confirmed it.
    pub confirmed_at: Option<Timestamp>,
    /// The network address that asked, as far as it is kept.
    pub requested_from: Option<String>,
    /// The topics that they chose.
    pub topics: Words,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cleaned_sorted_and_read_back() {
        for (text, expected) in [
            ("\"beta\",\"gold\"", "beta,gold"),
            ("gold; beta;;beta", "beta,gold"),
            (" a b , c\u{7}d ", "a b,c d"),
            ("", ""),
        ] {
            let words = Words::parse(text);
            assert_eq!(words.to_string(), expected, "{text}");
            assert_eq!(Words::parse(&words.to_string()), words);
        }
        assert_eq!(Words::parse(&"x".repeat(100)).to_string().len(), WORD_MAX);
    }

    #[test]
    fn a_status_is_its_word() {
        for status in Status::ALL {
            assert_eq!(Status::from_word(status.word()), Some(status));
            assert_eq!(Status::of(status.inactive()), status);
            assert_eq!(status.suppression().map(Status::suppressed), status.is_no().then_some(status));
        }
        assert_eq!(Status::from_word("inactive"), None);
    }
}
