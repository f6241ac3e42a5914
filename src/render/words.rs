//! The few words that a letter says on its own: one file for each language in `languages/`, which translators can edit.

use std::sync::OnceLock;

use serde::Deserialize;

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

/// A language: its tag, its file, and its words once somebody asked for them.
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
    let primary = primary(language);
    let tag = match primary.as_str() {
        "zh" if is_traditional(language) => "zh-Hant",
        "zh" => "zh-Hans",
        "iw" => "he",
        primary => primary,
    };
    let known = LANGUAGES.iter().find(|known| known.tag == tag).unwrap_or(&LANGUAGES[0]);
    known.words.get_or_init(|| read(known.file).expect("a test reads every language"))
}

fn read(file: &str) -> Result<Words, toml::de::Error> {
    let File { alerts, letter, text, date } = toml::from_str(file)?;
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
        date: date.day,
        months: date.months,
    })
}

/// Whether Chinese is written in its traditional script, by the script of its tag or the usual one of its region.
fn is_traditional(language: &str) -> bool {
    let parts = || language.split(['-', '_']).skip(1).map(str::to_ascii_lowercase);
    match parts().find(|part| part.len() == 4) {
        Some(script) => script == "hant",
        None => parts().any(|part| matches!(part.as_str(), "tw" | "hk" | "mo")),
    }
}

fn primary(language: &str) -> String {
    language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase()
}

/// Whether a language is written from right to left, by its script subtag or its usual script.
pub(crate) fn is_right_to_left(language: &str) -> bool {
    let script = language.split(['-', '_']).skip(1).find(|part| part.len() == 4);
    if let Some(script) = script {
        return matches!(
            script.to_ascii_lowercase().as_str(),
            "arab" | "hebr" | "thaa" | "syrc" | "nkoo" | "adlm" | "rohg" | "aran"
        );
    }
    matches!(
        primary(language).as_str(),
        "ar" | "he"
            | "iw"
            | "fa"
            | "ur"
            | "ps"
            | "sd"
            | "ug"
            | "yi"
            | "ji"
            | "dv"
            | "ckb"
            | "arc"
            | "syr"
            | "nqo"
            | "ks"
            | "azb"
            | "lrc"
            | "mzn"
            | "pnb"
    )
}

impl Words {
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
mod tests {
    use super::*;

    #[test]
    fn direction_follows_script_before_language() {
        for (language, expected) in [
            ("ar", true),
            ("en", false),
            ("he-IL", true),
            ("az-Arab", true),
            ("ar-Latn", false),
            ("UR-pk", true),
        ] {
            assert_eq!(is_right_to_left(language), expected, "{language}");
        }
    }

    #[test]
    fn a_day_is_written_as_its_language_writes_it() {
        let day = jiff::civil::date(2022, 12, 30);
        assert_eq!(words("en-GB").day(day), "30 December 2022");
        assert_eq!(words("de").day(day), "30. Dezember 2022");
        assert_eq!(words("zh-Hans").day(day), "2022年12月30日");
        assert_eq!(words("pt-BR").day(day), "30 de dezembro de 2022");
        assert_eq!(words("pl").day(day), "30 grudnia 2022");
        assert_eq!(words("ko-KR").day(day), "2022년 12월 30일");
    }

    #[test]
    fn every_language_is_complete_and_every_file_is_a_language() {
        for language in &LANGUAGES {
            let words = read(language.file).unwrap_or_else(|error| panic!("{}: {error}", language.tag));
            let text = &words.text;
            let said = [
                words.sponsor,
                words.watch,
                words.see_post,
                text.image,
                text.video,
                text.unsubscribe,
                text.view,
                text.archive,
            ];
            let all = said.into_iter().chain(words.alerts).chain(words.months.iter().map(String::as_str));
            for word in all {
                assert!(
                    !word.is_empty() && word.trim() == word && !word.contains(['<', '>', '{', '\n']),
                    "{}: {word:?}",
                    language.tag
                );
            }
            assert_eq!(words.months.len(), 12, "{}", language.tag);
            for part in ["{d}", "{m}", "{y}"] {
                assert_eq!(words.date.matches(part).count(), 1, "{}: {}", language.tag, words.date);
            }
        }
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/render/languages");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap().replace(".toml", ""))
            .collect();
        let mut tags: Vec<_> = LANGUAGES.iter().map(|language| language.tag.to_owned()).collect();
        files.sort();
        tags.sort();
        assert_eq!(files, tags);
    }

    #[test]
    fn a_tag_finds_its_language_and_its_script() {
        for (tag, expected) in [
            ("de-AT", "Hinweis"),
            ("iw", "הערה"),
            ("zh", "当心"),
            ("zh-TW", "當心"),
            ("zh-Hant-CN", "當心"),
            ("zh-Hans-HK", "当心"),
            ("tlh", "Note"),
        ] {
            assert!(words(tag).alerts.contains(&expected), "{tag}: {:?}", words(tag).alerts);
        }
    }
}
