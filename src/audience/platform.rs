//! What the columns of other services' exports are called, and what their cells look like.

use std::path::Path;

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};

use super::{Consent, Incoming, RESERVED, Status, values::Words};
use crate::subscriber::{Fields, Inactive, Record};

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

    /// Recognizes an export by its columns, which are normalised.
    pub fn detect<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let names: Vec<&str> = names.collect();
        let all = |wanted: &[&str]| wanted.iter().all(|name| names.contains(name));
        let any = |wanted: &[&str]| wanted.iter().any(|name| names.contains(name));
        if all(&["status_at", "joined_at"]) {
            Self::Mimeo
        } else if any(&["member_rating", "leid", "euid"]) {
            Self::Mailchimp
        } else if all(&["email_disabled", "active_subscription"]) {
            Self::Substack
        } else if names.contains(&"subscribed_to_emails") {
            Self::Ghost
        } else if any(&["secondary_id", "subscriber_type"])
            || all(&["email_address", "type", "creation_date"])
        {
            Self::Buttondown
        } else if names.contains(&"subscription_tier") {
            Self::Beehiiv
        } else if all(&["uuid", "attributes"]) {
            Self::Listmonk
        } else if all(&["external_id", "data"]) {
            Self::Keila
        } else if all(&["first_name", "created_at"]) && any(&["state", "status"]) {
            Self::Kit
        } else {
            Self::Other
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

/// What an export says by the name of its file: Mailchimp's three files are told apart by it.
fn status_of_file(path: &Path) -> Option<Status> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let starts = |word: &str| name.starts_with(word);
    if starts("unsubscribed") {
        Some(Status::Unsubscribed)
    } else if starts("cleaned") {
        Some(Status::Bounced)
    } else if starts("nonsubscribed") || starts("non_subscribed") {
        Some(Status::Pending)
    } else {
        None
    }
}

/// Identifiers that mean nothing outside of the service.
const IDENTIFIERS: [&str; 6] = ["id", "uuid", "secondary_id", "leid", "euid", "external_id"];
const TAGS: [&str; 2] = ["tags", "labels"];
const LANGUAGE: [&str; 3] = ["language", "locale", "lang"];
/// When somebody asked for letters, the strongest name first.
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
        let mut fields = record.fields;
        let by_row = Status::of(self.platform.says(record.says));
        let by_file = match self.platform {
            Platform::Mailchimp => status_of_file(self.file),
            _ => None,
        };
        let status = self.all_are.unwrap_or_else(|| match by_file {
            // The name of a file says no where no column does.
            Some(status) if by_row == Status::Active => status,
            _ => by_row,
        });
        let mut no_at = None;
        for (name, is_cause) in self.consent {
            let Some(cell) = fields.remove(name) else { continue };
            if *is_cause {
                no_at = no_at.max(self.time(&cell));
            }
        }
        let requested_at = self.take_time(&mut fields, &REQUESTED);
        let confirmed_at = self.take_time(&mut fields, &CONFIRMED);
        let joined_at = self.take_time(&mut fields, &JOINED).or(confirmed_at).or(requested_at);
        let paused_until =
            take(&mut fields, &["paused_until", "snoozed_until"]).and_then(|text| parse_time(&text));
        let requested_from = take(&mut fields, &REQUESTED_FROM).and_then(|text| truncated(&text));
        for name in REQUESTED_FROM {
            // A whole network address is not kept.
            fields.remove(name);
        }
        let tags = take(&mut fields, &TAGS).map(|text| Words::parse(&text)).unwrap_or_default();
        let topics = take(&mut fields, &["topics"]).map(|text| Words::parse(&text));
        let language = take(&mut fields, &LANGUAGE);
        if self.platform != Platform::Other {
            for name in IDENTIFIERS {
                fields.remove(name);
            }
            for name in NESTED {
                if let Some(text) = fields.remove(name) {
                    flatten(&mut fields, name, &text);
                }
            }
        }
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
        };
        let has_proof =
            consent.requested_at.or(consent.confirmed_at).is_some() || consent.requested_from.is_some();
        Incoming {
            address: record.address,
            name: record.name,
            status,
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

    /// A row of our own export, which has everything under its own name.
    fn own(&self, record: Record) -> Incoming {
        let mut fields = record.fields;
        let status = self.all_are.unwrap_or_else(|| Status::of(record.says));
        let mut text = |name| take(&mut fields, &[name]);
        let incoming = Incoming {
            address: record.address,
            name: record.name,
            status,
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

/// A time in the spellings of exports: `2024-03-13T00:03:09Z`, `2024-03-13 00:03:09.18+00:00`, `2024-03-13 00:03:09 UTC`,
/// `2024-03-13 00:03:09` and `2024-03-13`; without a zone it is UTC.
pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let text = text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" GMT")).unwrap_or(text);
    let utc = |at: DateTime| at.to_zoned_datetime(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if text.len() == 10 {
        return text.parse::<Date>().ok().and_then(|day| utc(day.at(0, 0, 0, 0)));
    }
    text.parse::<DateTime>().ok().and_then(utc)
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
    let read = serde_json::from_str::<serde_json::Value>(text)
        .or_else(|_| serde_json::from_str(&python_to_json(text)));
    let Ok(serde_json::Value::Object(entries)) = read else {
        fields.insert(name, text);
        return;
    };
    for (key, value) in entries {
        let key = crate::subscriber::normalise(&key);
        let value = match value {
            serde_json::Value::Null => continue,
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        if !key.is_empty() && !value.is_empty() && !fields.contains(&key) {
            fields.insert(&key, &value);
        }
    }
}

/// A dictionary literal of Python as JSON: quotation marks and the words for true, false and nothing.
fn python_to_json(text: &str) -> String {
    let mut json = String::with_capacity(text.len());
    let mut chars = text.chars();
    let mut word = String::new();
    while let Some(c) = chars.next() {
        if c.is_ascii_alphabetic() {
            word.push(c);
            continue;
        }
        json.push_str(match word.as_str() {
            "True" => "true",
            "False" => "false",
            "None" => "null",
            other => other,
        });
        word.clear();
        if c != '\'' && c != '"' {
            json.push(c);
            continue;
        }
        let mut inner = String::new();
        while let Some(next) = chars.next() {
            match next {
                '\\' => inner.extend(chars.next()),
                next if next == c => break,
                next => inner.push(next),
            }
        }
        json.push_str(&serde_json::Value::String(inner).to_string());
    }
    json + &word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_spellings_of_exports() {
        for (text, expected) in [
            ("2024-03-13T00:03:09Z", Some("2024-03-13T00:03:09Z")),
            ("2024-03-13 00:03:09.183465+00:00", Some("2024-03-13T00:03:09.183465Z")),
            ("2024-03-13 00:03:09 UTC", Some("2024-03-13T00:03:09Z")),
            ("2024-03-13 00:03:09", Some("2024-03-13T00:03:09Z")),
            ("2024-03-13T02:03:09+02:00", Some("2024-03-13T00:03:09Z")),
            ("2024-03-13", Some("2024-03-13T00:00:00Z")),
            ("13.03.2024", None),
            ("yes", None),
            ("", None),
        ] {
            assert_eq!(parse_time(text).map(|at| at.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn dictionaries_become_fields() {
        for (text, expected) in [
            (r#"{"city": "Ulm", "n": 3, "x": null}"#, "city=Ulm n=3"),
            ("{'staff': 'true', 'a b': \"it's\", 'ok': True, 'no': None}", "a_b=it's ok=true staff=true"),
            ("not a dictionary", "data=not a dictionary"),
            ("{}", ""),
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
