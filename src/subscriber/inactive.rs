//! Why people of a list get no letters.

use std::path::Path;

use serde::{Serialize, Serializer, ser::SerializeMap};

/// Why a person of the list gets no letters. Of two reasons for one person the greater one is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Inactive {
    /// The person wants none of the topics.
    OffTopic,
    /// The person has not confirmed the subscription.
    Unconfirmed,
    /// The person has paused.
    Paused,
    /// The person unsubscribed, or the owner took them off.
    OptedOut,
    /// Letters to the address came back.
    Bounced,
    /// The person reported a letter as spam.
    Complained,
}

/// How many people get no letters, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InactiveCounts([u64; 6]);

impl Inactive {
    const ALL: [Self; 6] =
        [Self::OptedOut, Self::Bounced, Self::Complained, Self::Paused, Self::Unconfirmed, Self::OffTopic];

    /// In reports: "3 opted out".
    pub fn word(self) -> &'static str {
        match self {
            Self::OffTopic => "not subscribed to its topics",
            Self::Unconfirmed => "pending",
            Self::Paused => "paused",
            Self::OptedOut => "opted out",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
        }
    }

    /// In JSON: `opted_out`.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::OffTopic => "not_subscribed_to_its_topics",
            Self::Unconfirmed => "unconfirmed",
            Self::Paused => "paused",
            Self::OptedOut => "opted_out",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
        }
    }
}

impl InactiveCounts {
    /// Counts one person.
    pub fn add(&mut self, why: Inactive) {
        self.0[why as usize] += 1;
    }

    /// How many there are of a cause.
    pub fn of(&self, why: Inactive) -> u64 {
        self.0[why as usize]
    }

    /// How many there are in all.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Each cause with its count, those without anybody too.
    pub fn iter(&self) -> impl Iterator<Item = (Inactive, u64)> {
        Inactive::ALL.into_iter().map(|why| (why, self.of(why)))
    }
}

/// `opted_out`, `bounced` and so on, each with its count.
impl Serialize for InactiveCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Inactive::ALL.len()))?;
        for (why, number) in self.iter() {
            map.serialize_entry(why.key(), &number)?;
        }
        map.end()
    }
}

/// What [`InactiveCounts`] is written as, for the schemas of `--json`.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[allow(dead_code, reason = "only its schema is used")]
pub(crate) struct InactiveCountsSchema {
    /// People on the list who unsubscribed
    opted_out: u64,
    /// People on the list whose mailbox does not exist
    bounced: u64,
    /// People on the list who complained
    complained: u64,
    /// People on the list who get no letters for now
    paused: u64,
    /// People on the list who have not confirmed that they want letters
    unconfirmed: u64,
    /// People on the list who want none of the topics
    not_subscribed_to_its_topics: u64,
}

/// Whether a header is that of an export of Mailchimp. Each of its files is about one status, which not every one of them has in
/// a column.
pub fn is_mailchimp<'a>(names: impl Iterator<Item = &'a str> + Clone) -> bool {
    let has = |wanted: &str| names.clone().any(|name| name == wanted);
    ["member_rating", "leid", "euid"].into_iter().any(has) || (has("email_address") && has("optin_time"))
}

impl Inactive {
    /// Why no one in a file of Mailchimp gets letters, by the beginning of its name.
    pub fn of_file_name(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        [
            ("unsubscribed", Self::OptedOut),
            ("cleaned", Self::Bounced),
            ("nonsubscribed", Self::Unconfirmed),
            ("non_subscribed", Self::Unconfirmed),
            ("non-subscribed", Self::Unconfirmed),
        ]
        .into_iter()
        .find(|(beginning, _)| name.starts_with(beginning))
        .map(|(_, why)| why)
    }
}
