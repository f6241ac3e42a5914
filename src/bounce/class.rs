//! Hard, soft, or ours: what a failure means for the person. The table is `classes.toml`.

use std::{collections::HashMap, sync::LazyLock};

use memchr::memmem::Finder;
use serde::Deserialize;

use super::{
    fields::{cut, squeezed},
    status::{self, Status},
};

/// Bytes of a reply that are looked at.
const REPLY_MAX: usize = 4096;

/// What kind of failure it is, seen from the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// There is no such mailbox or domain.
    Hard,
    /// The mailbox is full, the server cannot be reached, or no one can tell: it may work another time.
    Soft,
    /// It is about us and not about the person: content, reputation, authentication, size.
    Ours,
}

impl Class {
    /// All classes.
    pub const ALL: [Self; 3] = [Self::Hard, Self::Soft, Self::Ours];

    /// The word in the ledger, in JSON and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
            Self::Ours => "ours",
        }
    }

    /// The class behind a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.word() == word)
    }
}

#[derive(Deserialize)]
struct Table {
    words: Vec<Words>,
    codes: HashMap<String, Class>,
    replies: HashMap<String, Class>,
}

#[derive(Deserialize)]
struct Words {
    class: Class,
    say: Vec<String>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    toml::from_str(include_str!("classes.toml")).expect("classes.toml is a table of classes; a test reads it")
});

static FINDERS: LazyLock<Vec<(Class, Vec<Finder<'static>>)>> = LazyLock::new(|| {
    let finder = |phrase: &String| Finder::new(phrase.as_bytes()).into_owned();
    TABLE.words.iter().map(|words| (words.class, words.say.iter().map(finder).collect())).collect()
});

/// What kind of failure a status code and a reply are about.
///
/// A refusal for now (4.x.x) that a system gave up on never means that a person does not exist. Otherwise words are believed
/// before codes, because systems send `5.7.1` for unknown users and `5.1.1` for everything.
pub fn classify(status: Option<Status>, reply: &str) -> Class {
    reason(status, reply).unwrap_or(Class::Soft)
}

/// The same, or `None` when neither the code nor the reply says what kind of failure it is.
pub fn reason(status: Option<Status>, reply: &str) -> Option<Class> {
    let lower = squeezed(cut(reply, REPLY_MAX));
    let said = Status::find(reply).filter(|said| said.class != 2);
    // What the refusing server said is more exact than `5.0.0` of the system that reports it.
    let status = match (status, said) {
        (Some(status), Some(said)) if status.is_vague() && !said.is_vague() => Some(said),
        (None, said) => said,
        (status, _) => status,
    };
    let code = status::reply_code(reply);
    let words = by_words(&lower);
    let for_now = match (status, code) {
        (_, Some(500..)) => false,
        // 4.0.0 says no more than that a system gave up.
        (Some(status), _) => status.class == 4 && !status.is_vague(),
        (None, Some(code)) => code < 500,
        (None, None) => false,
    };
    match words {
        Some(Class::Hard) if for_now => Some(Class::Soft),
        Some(class) => Some(class),
        None => status.and_then(by_status).or_else(|| code.and_then(by_code)),
    }
}

/// The class of the first list of phrases that has one in the text, which is in lower case with single spaces.
pub(super) fn by_words(lower: &str) -> Option<Class> {
    FINDERS
        .iter()
        .find(|(_, finders)| finders.iter().any(|finder| says(finder, lower.as_bytes())))
        .map(|(class, _)| *class)
}

/// Whether a phrase is there, from the beginning of a word; three letters have to be a whole word, and a number a whole number.
pub(super) fn says(finder: &Finder<'_>, text: &[u8]) -> bool {
    let phrase = finder.needle();
    let letter = |at: usize| text.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    let is_number = phrase.last().is_some_and(u8::is_ascii_digit);
    finder.find_iter(text).any(|at| {
        let end = at + phrase.len();
        let inside = phrase[0].is_ascii_alphanumeric() && at.checked_sub(1).is_some_and(letter);
        let goes_on = if phrase.len() <= 3 { letter(end) } else { is_number && digit(end) };
        !inside && !goes_on
    })
}

fn by_status(status: Status) -> Option<Class> {
    let Status { class, subject, detail } = status;
    let keys = [format!("{class}.{subject}.{detail}"), format!("{class}.{subject}"), class.to_string()];
    keys.iter().find_map(|key| TABLE.codes.get(key)).copied().filter(|_| !status.is_vague())
}

fn by_code(code: u16) -> Option<Class> {
    let keys = [code.to_string(), (code / 100).to_string()];
    keys.iter().find_map(|key| TABLE.replies.get(key)).copied()
}

#[cfg(test)]
mod tests {
    use super::{
        Class::{self, Hard, Ours, Soft},
        TABLE, classify,
    };

    #[test]
    fn phrases_are_written_as_they_are_looked_for() {
        for phrase in TABLE.words.iter().flat_map(|words| &words.say) {
            assert_eq!(*phrase, super::squeezed(phrase), "in lower case, with single spaces");
        }
    }

    #[test]
    fn the_class_follows_from_words_and_codes_and_not_from_the_first_digit() {
        let table: &[(&str, &str, Class)] = &[
            ("5.1.1", "550 5.1.1 <x@example.com>: Recipient address rejected: User unknown", Hard),
            ("5.1.1", "", Hard),
            ("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found", Hard),
            ("5.0.0", "550 5.1.1 No such user here", Hard),
            ("5.7.1", "550 5.7.1 No such user", Hard),
            ("5.2.1", "550 5.2.1 The email account that you tried to reach is disabled", Hard),
            (
                "5.4.4",
                "Host or domain name not found. Name service error for name=x.example type=A: Host not found",
                Hard,
            ),
            ("5.1.10", "556 5.1.10 Recipient address has null MX", Hard),
            ("", "550 Requested action not taken: mailbox unavailable", Hard),
            ("", "Empf\u{e4}nger unbekannt", Hard),
            ("", "Utilisateur inconnu", Hard),
            ("5.2.2", "552 5.2.2 Mailbox full", Soft),
            ("5.2.2", "550 5.2.2 <x@example.com> over quota, user unknown to have space", Soft),
            ("4.4.7", "delivery time expired", Soft),
            ("4.1.1", "450 4.1.1 <x@example.com>: Recipient address rejected: User unknown", Soft),
            ("4.4.1", "connect to mx.example.com[192.0.2.1]:25: Connection timed out", Soft),
            ("5.4.7", "", Soft),
            ("5.0.0", "", Soft),
            ("", "it did not work", Soft),
            ("5.7.1", "550 5.7.1 Service unavailable; client host [192.0.2.1] blocked using a list", Ours),
            ("5.7.26", "550-5.7.26 This mail has been blocked because the sender is unauthenticated", Ours),
            (
                "5.7.515",
                "550 5.7.515 Access denied, sending domain does not meet the required authentication level",
                Ours,
            ),
            ("", "554 5.7.9 Message not accepted for policy reasons", Ours),
            ("5.0.0", "552 spam message rejected", Ours),
            ("5.3.4", "552 5.3.4 Message size exceeds fixed limit", Ours),
            ("4.7.0", "421 4.7.0 [TSS04] Messages temporarily deferred due to user complaints", Ours),
            ("5.6.0", "", Ours),
        ];
        let wrong: Vec<_> = table
            .iter()
            .map(|&(status, reply, class)| (status, reply, class, classify(status.parse().ok(), reply)))
            .filter(|(_, _, expected, found)| expected != found)
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
