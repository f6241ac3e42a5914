//! The phrases that notices of mail systems are known by, in many languages: `notices.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Phrases {
    pub(super) systems: Vec<String>,
    pub(super) names: Vec<String>,
    pub(super) subjects: Vec<String>,
    pub(super) failures: Vec<String>,
    pub(super) delays: Vec<String>,
    pub(super) given_up: Vec<String>,
    pub(super) auto_replies: Vec<String>,
    returned: Vec<String>,
}

pub(super) static PHRASES: LazyLock<Phrases> = LazyLock::new(|| {
    toml::from_str(include_str!("notices.toml")).expect("notices.toml is a table of phrases; a test reads it")
});

pub(super) fn says(text: &str, phrases: &[String]) -> bool {
    phrases.iter().any(|phrase| memchr::memmem::find(text.as_bytes(), phrase.as_bytes()).is_some())
}

/// The words in front of the returned letter, and what follows the line that announces it.
pub(super) fn before_the_returned_letter(words: &str) -> (&str, &str) {
    let mut at = 0;
    let mut has_words = false;
    for line in words.split_inclusive('\n') {
        let start = line.trim_start_matches(|c: char| c.is_whitespace() || "-=*_>+#|~.:\u{2014}".contains(c));
        let lower = start.get(..start.floor_char_boundary(60)).unwrap_or_default().to_lowercase();
        // A sentence of the notice may begin like that, and goes on.
        let announces = has_words && PHRASES.returned.iter().any(|phrase| lower.starts_with(phrase.as_str()));
        if announces && !lower.starts_with("the original message was received ") {
            let is_field = ["received:", "return-path:"].iter().any(|name| lower.starts_with(name));
            return (&words[..at], if is_field { &words[at..] } else { &words[at + line.len()..] });
        }
        has_words |= !start.trim().is_empty();
        at += line.len();
    }
    (words, "")
}

#[cfg(test)]
mod tests {
    use super::{super::fields::squeezed, *};

    #[test]
    fn phrases_are_written_as_they_are_looked_for() {
        let Phrases { systems, names, subjects, failures, delays, given_up, auto_replies, returned } =
            &*PHRASES;
        for phrase in [systems, names, subjects, failures, delays, given_up, auto_replies, returned]
            .into_iter()
            .flatten()
        {
            assert_eq!(*phrase, squeezed(phrase), "in lower case, with single spaces");
        }
    }

    #[test]
    fn the_returned_letter_begins_after_the_line_that_announces_it() {
        let table = [
            ("Sorry.\n\n--- Original message follows.\nTo: a\n", "Sorry.\n\n"),
            ("Sorry.\nReceived: from x\nTo: a\n", "Sorry.\n"),
            ("Original message from a system\nSorry.\n", "Original message from a system\nSorry.\n"),
            ("Sorry.\n  ----- Unsent message follows -----\nTo: a", "Sorry.\n"),
        ];
        for (text, words) in table {
            assert_eq!(before_the_returned_letter(text).0, words, "{text}");
        }
    }
}
