//! What pages and letters of the service say: a file for each language in `texts/`.

use std::collections::BTreeMap;

use toml::Table;

use crate::render::{OwnTexts, language_tag};

macro_rules! texts {
    ($($name:ident),* $(,)?) => {
        /// The texts in one language. `{newsletter}` and the like in them are replaced.
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct Texts {
            $(#[doc = concat!("`", stringify!($name), "` of a file.")] pub(super) $name: String,)*
        }

        /// The names of all texts.
        pub(crate) fn text_names() -> impl Iterator<Item = &'static str> {
            [$(stringify!($name)),*].into_iter()
        }

        impl Texts {
            #[cfg(test)]
            fn all(&self) -> Vec<(&'static str, &str)> {
                vec![$((stringify!($name), self.$name.as_str())),*]
            }
        }
    };
}

texts!(
    address_letter_button,
    address_letter_text,
    address_letter_title,
    bad_address,
    bad_form,
    change_address,
    change_address_button,
    change_address_done,
    choose_pause,
    choose_pause_hint,
    confirm_button,
    confirm_done,
    confirm_done_title,
    confirm_letter_button,
    confirm_letter_text,
    confirm_letter_title,
    confirm_question,
    confirm_title,
    confirm_withdrawn,
    consent,
    disposable,
    email,
    erase,
    erase_button,
    erase_done,
    erase_text,
    error_title,
    expired,
    export,
    invalid_link,
    language,
    letter_ignore,
    name,
    not_found,
    preferences_done,
    preferences_letter_button,
    preferences_letter_text,
    preferences_letter_title,
    preferences_request,
    preferences_request_button,
    preferences_title,
    preferences_unsubscribed,
    pressure_letter_text,
    pressure_letter_title,
    save,
    sent,
    sent_title,
    subscribe_button,
    subscribe_title,
    test_link,
    too_large,
    too_many,
    topics,
    topics_hint,
    try_later,
    unsubscribe_button,
    unsubscribe_done,
    unsubscribe_done_title,
    unsubscribe_question,
    unsubscribe_title,
    website,
    wrong_method,
);

macro_rules! languages {
    ($($tag:literal: $name:literal),* $(,)?) => {
        [$(($tag, $name, include_str!(concat!("texts/", $tag, ".toml")))),*]
    };
}

/// The languages by their tags, with their own names; the first is for those that there are no texts for.
const LANGUAGES: [(&str, &str, &str); 16] = languages!(
    "en": "English",
    "ar": "العربية",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "he": "עברית",
    "hi": "हिन्दी",
    "it": "Italiano",
    "ja": "日本語",
    "ko": "한국어",
    "nl": "Nederlands",
    "pl": "Polski",
    "pt": "Português",
    "tr": "Türkçe",
    "zh-Hans": "简体中文",
    "zh-Hant": "繁體中文",
);

/// The owner's section of texts.
const SECTION: &str = "service";

/// The texts of all languages, with those that the owner has written in place of ours.
#[derive(Debug)]
pub(super) struct Languages(BTreeMap<String, Texts>);

impl Languages {
    pub(super) fn new(own: &OwnTexts) -> Self {
        let file = |tag: &str| LANGUAGES.iter().find(|(known, ..)| *known == tag).unwrap_or(&LANGUAGES[0]).2;
        let tags = LANGUAGES.iter().map(|(tag, ..)| *tag).chain(own.languages());
        Self(tags.map(|tag| (tag.to_owned(), read(file(tag), own.section(tag, SECTION)))).collect())
    }

    /// Whether there are texts in a language.
    pub(super) fn has(&self, language: &str) -> bool {
        self.find(language).is_some()
    }

    /// The tag of the texts in a language, where there are any.
    pub(super) fn find(&self, language: &str) -> Option<&str> {
        self.0.get_key_value(&language_tag(language)).map(|(tag, _)| tag.as_str())
    }

    /// The languages that there are texts for: their tags, and their own names where we know them.
    pub(super) fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.keys().map(|tag| {
            let name =
                LANGUAGES.iter().find(|(known, ..)| known == tag).map_or(tag.as_str(), |(_, name, _)| name);
            (tag.as_str(), name)
        })
    }

    /// The texts in a language; English where there are none.
    pub(super) fn get(&self, language: &str) -> &Texts {
        self.0.get(&language_tag(language)).unwrap_or(&self.0[LANGUAGES[0].0])
    }
}

/// A file of ours with what the owner has put in place of it; settings have checked that.
fn read(file: &str, own: Option<&Table>) -> Texts {
    let ours = || toml::from_str::<Table>(file).expect("a test reads every language");
    let mut table = ours();
    table.extend(own.into_iter().flatten().map(|(name, text)| (name.clone(), text.clone())));
    let read = table.try_into().ok();
    read.or_else(|| ours().try_into().ok()).expect("a test reads every language")
}

/// A text with its names replaced; the values are not escaped.
pub(super) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        filled.push_str(before);
        match behind.split_once('}') {
            Some((name, after)) if values.iter().any(|(known, _)| *known == name) => {
                filled.extend(values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value));
                rest = after;
            }
            _ => {
                filled.push('{');
                rest = behind;
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_text_with_the_same_names_in_braces() {
        let places = |text: &str| {
            let mut places: Vec<_> =
                text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or("").to_owned()).collect();
            places.sort();
            places
        };
        let english: Texts = toml::from_str(LANGUAGES[0].2).unwrap();
        for (tag, _, file) in LANGUAGES {
            let read: Texts = toml::from_str(file).unwrap_or_else(|error| panic!("{tag}: {error}"));
            for ((name, text), (_, ours)) in read.all().into_iter().zip(english.all()) {
                assert_eq!(places(text), places(ours), "{tag}: {name}");
                assert!(!text.trim().is_empty() && text.trim() == text, "{tag}: {name}");
                assert!(!text.contains(['<', '>', '\n']), "{tag}: {name}");
            }
        }
    }

    #[test]
    fn the_owners_texts_are_in_place_of_ours() {
        let mut own = OwnTexts::default();
        own.add("de".to_owned(), toml::from_str("[service]\nname = \"Wie heißt du?\"\n").unwrap());
        own.add("sv".to_owned(), toml::from_str("[service]\nname = \"Namn\"\n").unwrap());
        let languages = Languages::new(&own);
        for (language, name, email) in [
            ("de-AT", "Wie heißt du?", "E-Mail-Adresse"),
            ("sv", "Namn", "Email address"),
            ("xx", "Name", "Email address"),
        ] {
            let texts = languages.get(language);
            assert_eq!((texts.name.as_str(), texts.email.as_str()), (name, email), "{language}");
        }
        assert_ne!(languages.get("zh-TW").sent, languages.get("zh-CN").sent);
    }

    #[test]
    fn values_are_filled_in_once() {
        for (text, expected) in [
            ("Hello {name}.", "Hello {other}."),
            ("{name}{other}", "{other}X"),
            ("{unknown} {", "{unknown} {"),
            ("", ""),
        ] {
            assert_eq!(fill(text, &[("name", "{other}"), ("other", "X")]), expected, "{text}");
        }
    }
}
