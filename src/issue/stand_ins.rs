//! Placeholders on their way through a reader of markup that does not know them.

use super::{Part, Phrase, Placeholder};

/// Stands for the placeholders of a phrase: one private-use character each, which the phrase does not have itself.
#[derive(Debug)]
pub(crate) struct StandIns<'a> {
    first: u32,
    open: Vec<&'a Placeholder>,
}

impl<'a> StandIns<'a> {
    /// For a text without placeholders.
    pub(crate) fn none() -> Self {
        Self { first: u32::MAX, open: Vec::new() }
    }

    /// The phrase as one text, and what brings its placeholders back.
    pub(crate) fn of(phrase: &'a Phrase) -> (String, Self) {
        let open: Vec<_> = phrase
            .0
            .iter()
            .filter_map(|part| match part {
                Part::Open(placeholder) => Some(placeholder),
                Part::Text(_) => None,
            })
            .collect();
        let texts = || {
            phrase.0.iter().filter_map(|part| match part {
                Part::Text(text) => Some(text.as_str()),
                Part::Open(_) => None,
            })
        };
        // Far from where icon fonts begin; past whatever the text has there.
        let used = texts().flat_map(str::chars).map(u32::from).filter(|&c| c >= 0x10_1000).max();
        let first = used.map_or(0x10_1000, |last| last + 1);
        let this = Self { first, open };
        let mut text = String::new();
        let mut count = 0;
        for part in &phrase.0 {
            match part {
                Part::Text(words) => text.push_str(words),
                Part::Open(_) => {
                    text.extend(char::from_u32(first + count));
                    count += 1;
                }
            }
        }
        (text, this)
    }

    /// The placeholder that a character stands for.
    pub(crate) fn get(&self, c: char) -> Option<&'a Placeholder> {
        let index = u32::from(c).checked_sub(self.first)?;
        self.open.get(index as usize).copied()
    }

    /// Whether a text has a placeholder.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        !self.open.is_empty() && text.chars().any(|c| self.get(c).is_some())
    }

    /// A part of the text as a phrase again.
    pub(crate) fn phrase(&self, text: &str) -> Phrase {
        let mut parts = Vec::new();
        for c in text.chars() {
            match (self.get(c), parts.last_mut()) {
                (Some(placeholder), _) => parts.push(Part::Open(placeholder.clone())),
                (None, Some(Part::Text(text))) => text.push(c),
                (None, _) => parts.push(Part::Text(c.to_string())),
            }
        }
        Phrase(parts)
    }
}
