//! What the columns of other services' exports are called, and what their cells look like.

use std::path::Path;

use jiff::Timestamp;

use super::{
    decide::Incoming,
    values::{Consent, RESERVED, Status, Words},
};
use crate::{
    address::EmailAddress,
    subscriber::{Fields, Inactive, Record, is_mailchimp, parse_time},
};

/// Where an export comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// Mailchimp
    Mailchimp,
    /// Substack
    Substack,
    /// Ghost
    Ghost,
    /// Kit, which was ConvertKit
    Kit,
    /// Buttondown
    Buttondown,
    /// beehiiv
    Beehiiv,
    /// listmonk
    Listmonk,
    /// Keila
    Keila,
    /// `mimeo subscribers export`
    Mimeo,
    /// A table made by hand or by another program
    Other,
}

impl Platform {
    /// All of them, by the names that options use.
    pub const ALL: [(&'static str, Self); 10] = [
        ("mailchimp", Self::Mailchimp),
        ("substack", Self::Substack),
        ("ghost", Self::Ghost),
        ("kit", Self::Kit),
        ("buttondown", Self::Buttondown),
        ("beehiiv", Self::Beehiiv),
        ("listmonk", Self::Listmonk),
        ("keila", Self::Keila),
        ("mimeo", Self::Mimeo),
        ("csv", Self::Other),
    ];

    /// The name in options and in the history.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, platform)| *platform == self).map_or("csv", |(word, _)| word)
    }

    /// Recognizes an export by its columns, which are normalized.
    pub fn detect<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = names.collect();
        let all = |wanted: &[&str]| wanted.iter().all(|name| names.contains(name));
        let any = |wanted: &[&str]| wanted.iter().any(|name| names.contains(name));
        if all(&["status_at", "joined_at"]) {
            Self::Mimeo
        } else if is_mailchimp(names.iter().copied()) {
            Self::Mailchimp
        } else if all(&["email_disabled", "active_subscription"]) || all(&["stripe_plan", "start_date"]) {
            Self::Substack
        } else if names.contains(&"subscribed_to_emails") {
            Self::Ghost
        } else if any(&["secondary_id", "subscriber_type"])
            || all(&["email_address", "type", "creation_date"])
        {
            Self::Buttondown
        } else if names.contains(&"subscription_tier") {
            Self::Beehiiv
        } else if names.contains(&"attributes") && any(&["uuid", "status"]) {
            Self::Listmonk
        } else if all(&["external_id", "data"]) {
            Self::Keila
        } else if all(&["first_name", "created_at"]) && any(&["state", "status"]) {
            Self::Kit
        } else {
            Self::Other
        }
    }

    /// The column with each person's status, where lists of other people have a column of that name about something else.
    pub(super) fn status_column(self) -> Option<&'static str> {
        match self {
            Self::Kit => Some("state"),
            Self::Buttondown => Some("type"),
            _ => None,
        }
    }

    /// What a row says about consent, where a service uses a word in a sense of its own.
    fn says(self, says: Option<Inactive>) -> Option<Inactive> {
        match (self, says) {
            // Kit calls people inactive who have not confirmed, and beehiiv those who unsubscribed.
            (Self::Kit, Some(Inactive::Paused)) => Some(Inactive::Unconfirmed),
            (Self::Beehiiv, Some(Inactive::Paused)) => Some(Inactive::OptedOut),
            (_, says) => says,
        }
    }
}

/// Identifiers that mean nothing outside of the service.
const IDENTIFIERS: [&str; 6] = ["id", "uuid", "secondary_id", "leid", "euid", "external_id"];
const TAGS: [&str; 2] = ["tags", "labels"];
/// Lists of words.
const WORDS: [&str; 3] = ["tags", "labels", "topics"];
const LANGUAGE: [&str; 3] = ["language", "locale", "lang"];
/// When someone asked for letters, the strongest name first.
const REQUESTED: [&str; 4] = ["optin_time", "opt_in_time", "signup_date", "signed_up_at"];
const CONFIRMED: [&str; 6] = [
    "confirm_time",
    "double_opt_in_at",
    "confirmed_at",
    "confirmation_date",
    "subscription_date",
    "opted_in_at",
];
const JOINED: [&str; 9] = [
    "joined_at",
    "subscribed_at",
    "subscribed_on",
    "created_at",
    "creation_date",
    "subscribed_date",
    "date_added",
    "date_subscribed",
    "created",
];
/// Others have columns of this name about something else.
const SUBSTACK_JOINED: [&str; 2] = ["created_at", "start_date"];
const REQUESTED_FROM: [&str; 5] = ["optin_ip", "confirm_ip", "ip_address", "signup_ip", "ip"];
/// Columns with more fields in them, as JSON or as a dictionary of Python.
const NESTED: [&str; 3] = ["attributes", "data", "metadata"];

/// What an import says about one person, from one row.
pub(super) struct Mapping<'a> {
    pub(super) platform: Platform,
    /// Columns about consent, and whether their cells may be dates.
    pub(super) consent: &'a [(String, bool)],
    pub(super) file: &'a Path,
    /// The status of everybody in the file, if the owner said so.
    pub(super) all_are: Option<Status>,
    pub(super) now: Timestamp,
}

impl Mapping<'_> {
    pub(super) fn incoming(&self, record: Record) -> Incoming {
        if self.platform == Platform::Mimeo {
            return self.own(record);
        }
        let status = self.status(record.says);
        let mut fields = record.fields;
        if self.platform != Platform::Other {
            for name in NESTED {
                if let Some(text) = fields.remove(name) {
                    flatten(&mut fields, name, &text);
                }
            }
        }
        let (mut no_at, mut is_cold) = (None, false);
        for (name, is_cause) in self.consent {
            let Some(cell) = fields.remove(name) else { continue };
            is_cold |= self.platform == Platform::Kit && cell.eq_ignore_ascii_case("cold");
            if *is_cause {
                no_at = no_at.max(self.time(&cell));
            }
        }
        let requested_at = self.take_time(&mut fields, &REQUESTED);
        let confirmed_at = self.take_time(&mut fields, &CONFIRMED);
        let joined: &[&str] = if self.platform == Platform::Substack { &SUBSTACK_JOINED } else { &JOINED };
        let joined_at = self.take_time(&mut fields, joined).or(confirmed_at).or(requested_at);
        let paused_until =
            take(&mut fields, &["paused_until", "snoozed_until"]).and_then(|text| parse_time(&text));
        let requested_from = take(&mut fields, &REQUESTED_FROM).and_then(|text| truncated(&text));
        for name in REQUESTED_FROM {
            // A whole network address is not kept.
            fields.remove(name);
        }
        let mut tags = take(&mut fields, &TAGS).map(|text| Words::parse(&text)).unwrap_or_default();
        if is_cold {
            // Such a person gets letters and does not open them: the owner may want to ask whether they still want them.
            tags.add("cold");
        }
        let topics = take(&mut fields, &["topics"]).map(|text| Words::parse(&text));
        let language = take(&mut fields, &LANGUAGE);
        if self.platform != Platform::Other {
            for name in IDENTIFIERS {
                fields.remove(name);
            }
        }
        let name = record.name.or_else(|| take(&mut fields, &["name"]));
        // A field cannot have the name of a column of the list's own.
        for name in RESERVED {
            if let Some(value) = fields.remove(name) {
                fields.insert(&format!("{name}_there"), &value);
            }
        }
        let consent = Consent {
            form: self.platform.word().to_owned(),
            wording: None,
            requested_at,
            confirmed_at,
            requested_from,
            topics: Words::default(),
        };
        let has_proof =
            consent.requested_at.or(consent.confirmed_at).is_some() || consent.requested_from.is_some();
        Incoming {
            address: record.address,
            name,
            status,
            opted_out: status == Status::Unsubscribed,
            event_at: if status == Status::Active { confirmed_at.or(joined_at) } else { no_at },
            paused_until: paused_until.filter(|_| status == Status::Paused),
            language,
            tags,
            topics,
            source: self.platform.word().to_owned(),
            joined_at,
            fields,
            consent: has_proof.then_some(consent),
        }
    }

    /// What a row says that cannot be used.
    pub(super) fn no(&self, address: EmailAddress, why: Inactive) -> Incoming {
        let status = self.status(Some(why));
        Incoming {
            address,
            name: None,
            status,
            opted_out: status == Status::Unsubscribed,
            event_at: None,
            paused_until: None,
            language: None,
            tags: Words::default(),
            topics: None,
            source: self.platform.word().to_owned(),
            joined_at: None,
            fields: Fields::default(),
            consent: None,
        }
    }

    /// What a person of this file is whose row says this about consent.
    fn status(&self, says: Option<Inactive>) -> Status {
        let by_row = Status::of(self.platform.says(says));
        let by_file = match self.platform {
            Platform::Mailchimp => Inactive::of_file_name(self.file).map(|why| Status::of(Some(why))),
            _ => None,
        };
        self.all_are.unwrap_or(match by_file {
            // The name of a file says no where no column does.
            Some(status) if by_row == Status::Active => status,
            _ => by_row,
        })
    }

    /// A row of our own export, which has everything under its own name.
    fn own(&self, record: Record) -> Incoming {
        let mut fields = record.fields;
        let status = self.all_are.unwrap_or_else(|| Status::of(record.says));
        let mut text = |name| take(&mut fields, &[name]);
        let incoming = Incoming {
            address: record.address,
            name: record.name,
            status,
            opted_out: status == Status::Unsubscribed,
            event_at: text("status_at").and_then(|text| self.time(&text)),
            paused_until: text("paused_until")
                .and_then(|text| parse_time(&text))
                .filter(|_| status == Status::Paused),
            language: text("language"),
            tags: text("tags").map(|text| Words::parse(&text)).unwrap_or_default(),
            topics: Some(text("topics").map(|text| Words::parse(&text)).unwrap_or_default()),
            source: text("source").unwrap_or_else(|| self.platform.word().to_owned()),
            joined_at: text("joined_at").and_then(|text| self.time(&text)),
            fields: Fields::default(),
            consent: None,
        };
        fields.remove("status");
        Incoming { fields, ..incoming }
    }

    fn take_time(&self, fields: &mut Fields, names: &[&str]) -> Option<Timestamp> {
        for name in names {
            if let Some(at) = fields.get(name).and_then(|text| self.time(text)) {
                fields.remove(name);
                return Some(at);
            }
        }
        None
    }

    /// A time that has come; one in the future proves nothing.
    fn time(&self, text: &str) -> Option<Timestamp> {
        parse_time(text).filter(|at| *at <= self.now)
    }
}

/// Takes the first of some fields that is there.
fn take(fields: &mut Fields, names: &[&str]) -> Option<String> {
    names
        .iter()
        .find_map(|name| fields.remove(name))
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

/// A network address without the part that tells people apart: /24 of IPv4, /48 of IPv6.
pub(super) fn truncated(text: &str) -> Option<String> {
    use std::net::IpAddr;
    Some(match text.trim().parse().ok()? {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{}/48", std::net::Ipv6Addr::from([a, b, c, 0, 0, 0, 0, 0]))
        }
    })
}

/// Makes fields of an object of JSON, or of a dictionary of Python with texts and numbers. What cannot be read stays a text.
fn flatten(fields: &mut Fields, name: &str, text: &str) {
    let Some(serde_json::Value::Object(entries)) = crate::subscriber::parse_object(text) else {
        fields.insert(name, text);
        return;
    };
    for (key, value) in entries {
        let key = crate::subscriber::normalize(&key);
        let value = match value {
            serde_json::Value::Null => continue,
            serde_json::Value::String(text) => text,
            // Lists of words that columns of other exports have as text.
            serde_json::Value::Array(words) if WORDS.contains(&key.as_str()) => {
                words.iter().filter_map(serde_json::Value::as_str).collect::<Vec<_>>().join(",")
            }
            other => other.to_string(),
        };
        if !key.is_empty() && !value.is_empty() && !fields.contains(&key) {
            fields.insert(&key, &value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dictionaries_become_fields() {
        for (text, expected) in [
            (r#"{"city": "Ulm", "n": 3, "x": null}"#, "city=Ulm n=3"),
            ("{'staff': 'true', 'a b': \"it's\", 'ok': True, 'no': None}", "a_b=it's ok=true staff=true"),
            ("not a dictionary", "data=not a dictionary"),
            ("{}", ""),
            (r#"{"tags": ["a", "b c"], "topics": [], "x": ["y"]}"#, "tags=a,b c x=[\"y\"]"),
        ] {
            let mut fields = Fields::default();
            flatten(&mut fields, "data", text);
            let found: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(found.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn network_addresses_are_kept_without_the_part_that_tells_people_apart() {
        assert_eq!(truncated("192.0.2.77").as_deref(), Some("192.0.2.0/24"));
        assert_eq!(truncated("2001:db8:1:2::3").as_deref(), Some("2001:db8:1::/48"));
        assert_eq!(truncated("somewhere"), None);
    }
}
