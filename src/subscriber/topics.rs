//! What readers can choose to read about.

use serde::{Deserialize, Serialize};

/// A topic of the newsletter: `[topics]` in its settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topic {
    /// What issues and lists call it.
    pub slug: String,
    /// What readers see.
    pub title: String,
    /// A sentence about it, for readers.
    pub description: Option<String>,
    /// Whether readers see it where they choose.
    pub public: bool,
}

/// The field of a person that holds topics.
pub(super) const FIELD: &str = "topics";

/// The words of a field that holds several, with commas or semicolons between them.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ';']).map(|word| word.trim().trim_matches(['"', '\''])).filter(|word| !word.is_empty())
}

/// Whether a person with these topics gets an issue about some; an issue without topics is for everybody.
pub fn wants_one_of(topics: &str, wanted: &[String]) -> bool {
    wanted.is_empty() || words(topics).any(|word| wanted.iter().any(|wanted| wanted == word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_topic_in_common_is_enough() {
        let issue = ["tea".to_owned(), "cups".to_owned()];
        for (topics, expected) in [
            ("tea", true),
            ("news; cups", true),
            ("\"tea\",x", true),
            ("news", false),
            ("", false),
            ("teas", false),
        ] {
            assert_eq!(wants_one_of(topics, &issue), expected, "{topics}");
        }
        assert!(wants_one_of("", &[]));
    }
}
