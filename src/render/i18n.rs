//! The few words that a letter says on its own: one file for each language in `languages/`, which translators can edit.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, OnceLock, PoisonError},
};

use serde::Deserialize;
use toml::{Table, Value};

use super::language::language_tag;

/// Words in one language.
#[derive(Debug)]
pub(crate) struct Words {
    /// Labels of note, tip, important, warning, caution.
    pub(crate) alerts: [&'static str; 5],
    /// The label of a sponsor slot.
    pub(crate) sponsor: &'static str,
    /// In front of a video's title.
    pub(crate) watch: &'static str,
    /// The link to a post.
    pub(crate) see_post: &'static str,
    /// What the text part says on its own.
    pub(crate) text: TextWords,
    /// Around the text of letters, and on pages, by name.
    page: BTreeMap<&'static str, &'static str>,
    /// How a date is put together: `{d}`, `{m}`, `{y}`.
    date: String,
    /// From January.
    months: Vec<String>,
}

/// The words of the text part, each in front of something.
#[derive(Debug)]
pub(crate) struct TextWords {
    /// What a picture shows.
    pub(crate) image: &'static str,
    /// A video's title.
    pub(crate) video: &'static str,
    /// The unsubscribe link.
    pub(crate) unsubscribe: &'static str,
    /// The address on the web.
    pub(crate) view: &'static str,
    /// The address of earlier letters.
    pub(crate) archive: &'static str,
}

/// A file, as it is written. Every word must be there, and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    alerts: Alerts,
    letter: Letter,
    text: Text,
    page: BTreeMap<String, String>,
    date: Date,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Alerts {
    note: String,
    tip: String,
    important: String,
    warning: String,
    caution: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Letter {
    sponsor: String,
    watch: String,
    see_post: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    image: String,
    video: String,
    unsubscribe: String,
    view: String,
    archive: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Date {
    day: String,
    months: Vec<String>,
}

/// A language: its tag, its file, and its words once someone asked for them.
struct Language {
    tag: &'static str,
    file: &'static str,
    words: OnceLock<Words>,
}

macro_rules! languages {
    ($($tag:literal),* $(,)?) => {
        [$(Language { tag: $tag, file: include_str!(concat!("languages/", $tag, ".toml")), words: OnceLock::new() }),*]
    };
}

/// The first one is for languages that we do not know.
static LANGUAGES: [Language; 16] = languages!(
    "en", "ar", "de", "es", "fr", "he", "hi", "it", "ja", "ko", "nl", "pl", "pt", "tr", "zh-Hans", "zh-Hant",
);

/// The words of a language; English where we do not know it.
pub(crate) fn words(language: &str) -> &'static Words {
    let known = known(&language_tag(language));
    known.words.get_or_init(|| read(known.file).expect("a test reads every language"))
}

/// The words of a language, with those that the owner has written in place of ours.
pub(crate) fn words_with(own: &OwnTexts, language: &str) -> &'static Words {
    // Texts of the owner's are read once for what is in them: the preview asks for them with each change of a file.
    static OWN: Mutex<BTreeMap<(String, String), &'static Words>> = Mutex::new(BTreeMap::new());
    let tag = language_tag(language);
    let Some(table) = own.0.get(&tag) else { return words(language) };
    let mut kept = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    kept.entry((tag.clone(), table.to_string())).or_insert_with(|| {
        let mut all: Table = toml::from_str(known(&tag).file).expect("a test reads every language");
        merge(&mut all, table);
        let read =
            read(&all.to_string()).unwrap_or_else(|_| read(known(&tag).file).expect("a test reads it"));
        Box::leak(Box::new(read))
    })
}

/// The file of a language; English where we do not know it.
fn known(tag: &str) -> &'static Language {
    LANGUAGES.iter().find(|known| known.tag == tag).unwrap_or(&LANGUAGES[0])
}

/// Texts of the owner's own that replace ours, by [`language_tag`]: tables of the same shape as our files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnTexts(BTreeMap<String, Table>);

/// Sections of our files that belong to letters and pages of issues.
pub const TEXT_SECTIONS: [&str; 5] = ["alerts", "letter", "text", "page", "date"];

impl OwnTexts {
    /// Adds a language's texts.
    pub fn add(&mut self, tag: String, texts: Table) {
        self.0.insert(tag, texts);
    }

    /// The languages that there are texts for.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// A section of a language's texts.
    pub fn section(&self, language: &str, name: &str) -> Option<&Table> {
        self.0.get(&language_tag(language))?.get(name)?.as_table()
    }

    /// The names in a section of our files; `None` for a section that there is not.
    pub fn names(section: &str) -> Option<Vec<String>> {
        let all: Table = toml::from_str(LANGUAGES[0].file).expect("a test reads every language");
        Some(all.get(section)?.as_table()?.keys().cloned().collect())
    }

    /// Why a text cannot be used in place of ours; `None` when it can.
    pub fn problem(section: &str, name: &str, value: &Value) -> Option<&'static str> {
        let all: Table = toml::from_str(LANGUAGES[0].file).expect("a test reads every language");
        let ours = all.get(section).and_then(|section| section.get(name)).and_then(Value::as_str);
        match (section, name, value) {
            ("date", "months", Value::Array(months)) => {
                let is_fine = months.len() == 12 && months.iter().all(Value::is_str);
                (!is_fine).then_some("it must be a list of twelve texts")
            }
            ("date", "months", _) => Some("it must be a list of twelve texts"),
            (_, _, Value::String(text)) if text.trim().is_empty() => Some("it is empty"),
            (_, _, Value::String(text)) if text.contains(['\n', '<', '>']) => {
                Some("it must be plain text in one line")
            }
            (_, _, Value::String(text)) if ours.is_some_and(|ours| places(ours) != places(text)) => {
                Some("it must have the same names in braces as ours")
            }
            (_, _, Value::String(_)) => None,
            _ => Some("it must be a text"),
        }
    }
}

/// The names in braces of a text.
fn places(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
}

/// Puts the texts of one table in the place of those of another, section by section.
fn merge(all: &mut Table, own: &Table) {
    for section in TEXT_SECTIONS {
        let (Some(Value::Table(all)), Some(Value::Table(own))) = (all.get_mut(section), own.get(section))
        else {
            continue;
        };
        all.extend(own.clone());
    }
}

fn read(file: &str) -> Result<Words, toml::de::Error> {
    let File { alerts, letter, text, page, date } = toml::from_str(file)?;
    // A language is read once, and its words stay as long as the program runs.
    let kept = |word: String| -> &'static str { word.leak() };
    Ok(Words {
        alerts: [alerts.note, alerts.tip, alerts.important, alerts.warning, alerts.caution].map(kept),
        sponsor: kept(letter.sponsor),
        watch: kept(letter.watch),
        see_post: kept(letter.see_post),
        text: TextWords {
            image: kept(text.image),
            video: kept(text.video),
            unsubscribe: kept(text.unsubscribe),
            view: kept(text.view),
            archive: kept(text.archive),
        },
        page: page.into_iter().map(|(name, words)| (kept(name), kept(words))).collect(),
        date: date.day,
        months: date.months,
    })
}

/// The names under which templates find words, as in `{{ words.unsubscribe }}`.
pub(crate) const IN_TEMPLATES: [&str; 9] =
    ["why", "forwarded", "subscribe", "unsubscribe", "preferences", "view", "archive", "feed", "reply"];

/// Those of them that are sentences.
const SENTENCES: [&str; 2] = ["why", "forwarded"];

/// A short text of a letter's head or foot that a phone shows on one line: beside others of its kind, a word alone on the
/// next line would look lost. A longer text, which an owner can write, breaks as it needs to.
pub(crate) fn unbroken(text: &str) -> Cow<'_, str> {
    const CHARACTERS_MAX: usize = 40;
    if text.chars().nth(CHARACTERS_MAX).is_some() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(' ', "\u{a0}"))
}

/// Whether what a template's placeholder stands for is such a text.
pub(crate) fn is_short(path: &[String]) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path[..] {
        ["issue", name] => ["day", "links", "reading_time"].contains(&name),
        ["words", name] => IN_TEMPLATES.contains(&name) && !SENTENCES.contains(&name),
        _ => false,
    }
}

impl Words {
    /// The words of `[page]` by that name.
    pub(crate) fn page(&self, name: &str) -> &'static str {
        self.page.get(name).copied().expect("a test reads every name in every language")
    }

    /// The words that templates know by that name.
    pub(crate) fn in_template(&self, name: &str, newsletter: &str) -> Option<String> {
        Some(match name {
            "unsubscribe" => self.text.unsubscribe.to_owned(),
            "view" => self.text.view.to_owned(),
            "archive" => self.text.archive.to_owned(),
            name if IN_TEMPLATES.contains(&name) => self.page(name).replace("{newsletter}", newsletter),
            _ => return None,
        })
    }

    /// So many links.
    pub(crate) fn links(&self, count: usize) -> String {
        self.page("links").replace("{n}", &count.to_string())
    }

    /// How long it takes to read so many words.
    pub(crate) fn reading_time(&self, words: usize) -> String {
        const WORDS_A_MINUTE: usize = 230;
        self.page("minutes").replace("{n}", &words.div_ceil(WORDS_A_MINUTE).max(1).to_string())
    }

    /// A day as people write it.
    pub(crate) fn day(&self, date: jiff::civil::Date) -> String {
        let month = self.months.get(usize::from(date.month().unsigned_abs()) - 1).map_or("", String::as_str);
        self.date
            .replace("{d}", &date.day().to_string())
            .replace("{m}", month)
            .replace("{y}", &date.year().to_string())
    }
}

#[cfg(test)]
mod tests;
