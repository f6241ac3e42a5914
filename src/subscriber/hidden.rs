//! A no that is not in a column of its own: in an object of JSON in a cell, or among the tags.
//!
//! A key of such an object is read as a column of that name is, at any depth: what is known is understood, and what may speak about
//! consent and is not known makes the list unusable until `[list.columns]` says what it means. So does a `false` about mail.

use serde_json::Value;

use super::{
    consent::{self, ColumnMeanings},
    inactive::Inactive,
    meaning::{Says, says_no},
    normalize::normalize,
};

/// Columns of words about a person.
const TAGS: [&str; 5] = ["tags", "labels", "groups", "segments", "lists"];
/// Columns that usually hold objects.
const OBJECTS: [&str; 10] = [
    "attributes",
    "attribs",
    "custom_fields",
    "data",
    "extra",
    "meta",
    "metadata",
    "profile",
    "properties",
    "preferences",
];

/// Where an object in a list of words has its word.
const WORDS: [&str; 4] = ["name", "slug", "title", "label"];

/// What hides in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hidden {
    /// Nothing about consent.
    Nothing,
    /// The person gets no letters.
    No(Inactive),
    /// A key that may say so, normalized, with its value if that is what is not understood.
    Key(String, String),
    /// A word that may say so.
    Tag(String),
    /// A value that may say so in a column about mail.
    False(String),
    /// A cell that is such a word and nothing else.
    Word(String),
}

/// Words about something that is not understood.
pub(super) struct Unclear {
    /// The key or the tag.
    pub(super) word: String,
    /// As part of a sentence.
    pub(super) what: String,
    pub(super) help: String,
}

impl Hidden {
    /// What is not understood, if anything is, in the column of this name.
    pub(super) fn unclear(&self, column: &str) -> Option<Unclear> {
        Some(match self {
            Self::Nothing | Self::No(_) => return None,
            Self::False(value) => Unclear {
                word: String::new(),
                what: format!("the value \u{201c}{}\u{201d}", short(value)),
                help: how_to_say(column),
            },
            Self::Key(key, value) => {
                let value = if value.is_empty() {
                    String::new()
                } else {
                    format!(" with the value \u{201c}{}\u{201d}", short(value))
                };
                let (word, what) = (key.clone(), format!("`{}`{value}", short(key)));
                Unclear { word, what, help: how_to_say(key) }
            }
            Self::Word(word) => Unclear {
                word: normalize(word),
                what: format!("the word \u{201c}{}\u{201d}", short(word)),
                help: how_to_say(column),
            },
            Self::Tag(tag) => Unclear {
                word: normalize(tag),
                what: format!("the word \u{201c}{}\u{201d}", short(tag)),
                help: format!(
                    "take these people out, or import them by themselves with --as unsubscribed; if it means nothing of the kind, \
                     write `{column} = \"field\"` under [list.columns] in mimeo.toml"
                ),
            },
        })
    }
}

fn short(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_debug).collect()
}

/// How the owner says what a column or a key means.
pub(super) fn how_to_say(name: &str) -> String {
    format!(
        "say what it means in mimeo.toml: under [list.columns], `{name} = \"field\"` if it is about something else, \
         or \"status\", \"active\", \"consent\", \"opted_out\", \"bounced\", \"complained\", \"paused\" or \"unconfirmed\""
    )
}

/// A column that says nothing about consent by itself, and about which the owner has said nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct OtherColumn {
    pub(super) index: usize,
    has_tags: bool,
    mail: Option<Mail>,
    /// Whether a cell that is a word about a no is one.
    has_words: bool,
    /// Whether something hides in columns of this name now and then.
    pub(super) is_suspect: bool,
}

impl OtherColumn {
    pub(super) fn new(index: usize, name: &str) -> Self {
        let (has_tags, mail) = (TAGS.contains(&name), Mail::of(name));
        let has_words = !has_tags && !consent::is_beside_consent(name);
        let is_suspect = has_tags || mail.is_some() || OBJECTS.contains(&name);
        Self { index, has_tags, mail, has_words, is_suspect }
    }

    /// One of addresses.
    pub(super) fn of_addresses(index: usize) -> Self {
        Self { index, has_tags: false, mail: None, has_words: false, is_suspect: false }
    }

    /// A column of names: whatever they are, they say nothing about consent.
    pub(super) fn of_names(self) -> Self {
        Self { has_words: false, ..self }
    }

    /// What hides in a cell.
    pub(super) fn read(self, cell: &[u8], meanings: &ColumnMeanings) -> Hidden {
        if self.has_words && consent::is_no_word(cell) {
            return Hidden::Word(String::from_utf8_lossy(cell).into_owned());
        }
        let is_object = matches!(cell.first(), Some(b'{' | b'['));
        if !self.has_tags && self.mail.is_none() && !is_object {
            return Hidden::Nothing;
        }
        // What is no text is an error of its own.
        let Ok(cell) = std::str::from_utf8(cell) else { return Hidden::Nothing };
        if self.mail.is_some_and(|mail| mail.is_false(cell)) {
            return Hidden::False(cell.trim().to_owned());
        }
        look(Around { has_tags: self.has_tags, mail: self.mail }, cell, meanings)
    }
}

/// How much a name is about mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mail {
    /// It has a word about it: `email_verified`.
    Partly,
    /// It can hardly mean anything but whether letters are wanted: `marketing_emails`.
    Wholly,
}

impl Mail {
    /// Of a normalized name; `None` when it has no word about mail.
    fn of(name: &str) -> Option<Self> {
        const LETTERS: [&str; 10] = [
            "newsletter",
            "newsletters",
            "mailing",
            "mailings",
            "mailinglist",
            "marketing",
            "promo",
            "promos",
            "promotional",
            "promotions",
        ];
        const MAIL: [&str; 6] = ["mail", "mails", "email", "emails", "emailing", "emailings"];
        const VERBS: [&str; 16] = [
            "receive", "receives", "want", "wants", "accept", "accepts", "allow", "allows", "allowed", "get",
            "gets", "send", "is", "has", "e", "list",
        ];
        // `no` is a language too.
        const OTHERS: [&str; 4] = ["language", "lang", "locale", "country"];
        let words = || name.split('_');
        let has = |some: &[&str]| words().any(|word| some.contains(&word));
        if has(&OTHERS) || !(has(&LETTERS) || has(&MAIL)) {
            return None;
        }
        let is_only =
            words().all(|word| LETTERS.contains(&word) || MAIL.contains(&word) || VERBS.contains(&word));
        let is_whole = is_only && (has(&LETTERS) || has(&VERBS));
        Some(if is_whole { Self::Wholly } else { Self::Partly })
    }

    /// Whether a value under such a name may be a no. A zero may be a number of letters, unless no number can be meant.
    fn is_false(self, value: &str) -> bool {
        let word = value.trim().to_lowercase();
        says_no(&word) && (word != "0" || self == Self::Wholly)
    }
}

/// What is known about a value by what it is in.
#[derive(Clone, Copy)]
struct Around {
    /// Texts are words about a person.
    has_tags: bool,
    /// Some name around it is about mail.
    mail: Option<Mail>,
}

fn look(around: Around, cell: &str, meanings: &ColumnMeanings) -> Hidden {
    if cell.starts_with(['{', '[']) {
        if let Some(value) = parse(cell) {
            return walk(around, &value, meanings);
        }
        // It looks like an object and cannot be read: the words in it are all that is known.
        let mut words = cell.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').map(normalize);
        return words
            .find(|word| consent::is_no(word))
            .map_or(Hidden::Nothing, |word| Hidden::Key(word, String::new()));
    }
    if around.has_tags { tags(cell.split([',', ';'])) } else { Hidden::Nothing }
}

fn tags<'a>(words: impl Iterator<Item = &'a str>) -> Hidden {
    let is_no = |word: &&str| consent::is_no(&normalize(word));
    let found = words.into_iter().find(is_no);
    found.map_or(Hidden::Nothing, |word| Hidden::Tag(word.trim_matches([' ', '"', '\'']).to_owned()))
}

/// What a value says, and all values inside of it.
fn walk(around: Around, value: &Value, meanings: &ColumnMeanings) -> Hidden {
    match value {
        Value::Object(entries) => all(entries.iter().map(|(key, value)| entry(around, key, value, meanings))),
        Value::Array(values) => all(values.iter().map(|value| walk(around, value, meanings))),
        Value::String(text) if around.has_tags => tags(text.split([',', ';'])),
        _ => Hidden::Nothing,
    }
}

/// `around`: what the object of this entry is in. One that stands for a word about a person has the word under some name.
fn entry(around: Around, title: &str, value: &Value, meanings: &ColumnMeanings) -> Hidden {
    let key = &*normalize(title);
    let unclear = |value: String| Hidden::Key(key.to_owned(), value);
    match consent::titled(title, 0, meanings) {
        Err(()) => unclear(String::new()),
        Ok(None) if meanings.contains_key(key) => Hidden::Nothing,
        Ok(None) => {
            let has_tags = TAGS.contains(&key) || around.has_tags && WORDS.contains(&key);
            let mail = Mail::of(key).or(around.mail.map(|_| Mail::Partly));
            let text = match value {
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                Value::String(text) => text.clone(),
                _ => String::new(),
            };
            if mail.is_some_and(|mail| mail.is_false(&text)) {
                return unclear(text);
            }
            walk(Around { has_tags, mail }, value, meanings)
        }
        Ok(Some(column)) => {
            let text = match value {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                // What is meant is inside, in words of its own.
                Value::Object(_) | Value::Array(_) => return unclear(String::new()),
            };
            match column.read(&text) {
                Says::Active => Hidden::Nothing,
                Says::Inactive(why) => Hidden::No(why),
                Says::Unknown => unclear(text),
            }
        }
    }
}

/// The gravest of several: what is not understood, then the greatest cause.
fn all(found: impl Iterator<Item = Hidden>) -> Hidden {
    let mut gravest = Hidden::Nothing;
    for one in found {
        gravest = match (gravest, one) {
            (gravest, Hidden::Nothing) => gravest,
            (Hidden::No(one), Hidden::No(other)) => Hidden::No(one.max(other)),
            (Hidden::Nothing | Hidden::No(_), one) => one,
            (gravest, _) => gravest,
        };
    }
    gravest
}

/// An object or a list, in JSON or as Python writes it.
pub(crate) fn parse(text: &str) -> Option<Value> {
    let read = serde_json::from_str(text).or_else(|_| serde_json::from_str(&python_to_json(text)));
    read.ok().filter(|value: &Value| value.is_object() || value.is_array())
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
    use crate::subscriber::Meaning;

    #[test]
    fn a_no_is_found_wherever_it_hides() {
        use Hidden::{False, Key, No, Nothing, Tag, Word};
        let none = ColumnMeanings::new();
        let key = |key: &str, value: &str| Key(key.to_owned(), value.to_owned());
        for (name, cell, expected) in [
            ("attributes", r#"{"city": "Ulm", "stars": 3}"#, Nothing),
            ("attributes", r#"{"unsubscribed": true}"#, No(Inactive::OptedOut)),
            ("attributes", r#"{"unsubscribed": false, "unsubscribed_at": null}"#, Nothing),
            ("attributes", r#"{"mail": {"bounced_at": "2024-01-02"}}"#, No(Inactive::Bounced)),
            ("attributes", r#"{"a": [{"complained": 1}, {"paused": 1}]}"#, No(Inactive::Complained)),
            ("attributes", r#"{"subscribed": ""}"#, No(Inactive::Unconfirmed)),
            ("attributes", r#"{"active": ""}"#, key("active", "")),
            ("attributes", r#"{"sms_disabled": 1}"#, key("sms_disabled", "")),
            ("attributes", r#"{"consent": {"email": false}}"#, key("consent", "")),
            ("attributes", r#"{"state": "Bavaria"}"#, key("state", "Bavaria")),
            ("attributes", r#"{"state": "cancelled"}"#, No(Inactive::OptedOut)),
            ("attributes", r#"{"tags": ["beta", "Opted out"]}"#, Tag("Opted out".to_owned())),
            ("metadata", "{'opt_out': 'yes'}", No(Inactive::OptedOut)),
            ("metadata", "{'optOut' => true, unsubscribed => 1}", key("optout", "")),
            ("whatever", r#"[{"email_disabled": "true"}]"#, No(Inactive::OptedOut)),
            ("whatever", "unsubscribed from life", Nothing),
            ("whatever", "Opted out", Word("Opted out".to_owned())),
            ("remark", "abgemeldet", Word("abgemeldet".to_owned())),
            ("email_preference", "No Email", Word("No Email".to_owned())),
            ("unsub_reason", "unsubscribed", Nothing),
            ("attributes", r#"{"emailOptOut": true}"#, No(Inactive::OptedOut)),
            ("attributes", r#"{"hasBounced": 1}"#, key("hasbounced", "")),
            ("tags", "beta;Unsubscribed", Tag("Unsubscribed".to_owned())),
            ("tags", "beta, \"do-not-email\"", Tag("do-not-email".to_owned())),
            ("labels", r#"["beta", "hard bounce"]"#, Tag("hard bounce".to_owned())),
            ("labels", r#"[{"id": 3, "name": "unsubscribed"}]"#, Tag("unsubscribed".to_owned())),
            ("attributes", r#"{"tags": [{"slug": "bounced"}]}"#, Tag("bounced".to_owned())),
            ("attributes", r#"{"name": "Bounce", "tags": [{"name": "beta"}]}"#, Nothing),
            ("attributes", r#"{"marketing_emails": false}"#, key("marketing_emails", "false")),
            ("attributes", r#"{"marketing_emails": true, "city": false}"#, Nothing),
            (
                "attributes",
                r#"{"settings": {"Receives newsletter": "No"}}"#,
                key("receives_newsletter", "No"),
            ),
            ("attributes", r#"{"newsletter": 0, "emails_opened": 0}"#, key("newsletter", "0")),
            ("attributes", r#"{"emails": {"weekly": false, "sent": 0}}"#, key("weekly", "false")),
            ("metadata", "{'newsletter': False}", key("newsletter", "false")),
            ("newsletter", "nein", False("nein".to_owned())),
            ("newsletter", "Não", False("Não".to_owned())),
            ("newsletter", "いいえ", False("いいえ".to_owned())),
            ("attributes", r#"{"weekly_email": "faux"}"#, key("weekly_email", "faux")),
            ("Mobile newsletter", "unsubscribed", Word("unsubscribed".to_owned())),
            ("attributes", r#"{"stop_time": "10:00"}"#, key("stop_time", "")),
            ("newsletter", "Weekly", Nothing),
            ("email_marketing", "0", False("0".to_owned())),
            ("emails_received_6mo", "0", Nothing),
            ("email_language", "no", Nothing),
            ("emails", "{\"weekly\": false}", key("weekly", "false")),
            ("tags", "subscribed by form, opt-in 2024, paused work", Nothing),
        ] {
            let column = OtherColumn::new(0, name);
            assert_eq!(column.read(cell.as_bytes(), &none), expected, "{name}: {cell}");
        }
        let explained = ColumnMeanings::from(["tags", "state"].map(|name| (name.to_owned(), Meaning::Field)));
        for cell in [r#"{"state": "Bavaria"}"#, r#"{"tags": "unsubscribed"}"#, r#"{"tags": {"state": 1}}"#] {
            let column = OtherColumn::new(0, "attributes");
            assert_eq!(column.read(cell.as_bytes(), &explained), Nothing, "{cell}");
        }
    }
}
