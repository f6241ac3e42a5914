//! Texts with placeholders, as values.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::source::Span;

/// A name to be filled in later: `{{ subscriber.first_name | default("friend") }}`.
///
/// `issue.*` and `newsletter.*` are filled when the issue is rendered; `subscriber.*` and `link.*` when the
/// letter is composed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Placeholder {
    /// The names between the dots, for example `["subscriber", "first_name"]`.
    pub path: Vec<String>,
    /// What is done with the value, left to right.
    pub filters: Vec<Filter>,
    /// Where it is in its file.
    #[serde(skip)]
    pub span: Span,
}

/// One step behind a `|`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// `default("…")`: taken when the value is missing or empty.
    Default(String),
    /// `upper`
    Upper,
    /// `lower`
    Lower,
    /// `title`: The First Letter Of Each Word.
    Title,
    /// `capitalize`
    Capitalize,
    /// `trim`
    Trim,
}

/// A text that may hold placeholders.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Phrase(pub Vec<Part>);

/// A stretch of a [`Phrase`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Fixed text.
    Text(String),
    /// Filled in later.
    Open(Placeholder),
}

impl Phrase {
    /// A phrase without placeholders.
    pub fn plain(text: impl Into<String>) -> Self {
        Self(vec![Part::Text(text.into())])
    }

    /// Whether it has no text and no placeholder.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|part| matches!(part, Part::Text(text) if text.is_empty()))
    }
}

/// As the author would write it.
impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{ {}", self.path.join("."))?;
        for filter in &self.filters {
            match filter {
                Filter::Default(value) => write!(f, " | default({value:?})")?,
                Filter::Upper => f.write_str(" | upper")?,
                Filter::Lower => f.write_str(" | lower")?,
                Filter::Title => f.write_str(" | title")?,
                Filter::Capitalize => f.write_str(" | capitalize")?,
                Filter::Trim => f.write_str(" | trim")?,
            }
        }
        f.write_str(" }}")
    }
}

/// Text as it is, placeholders as the author would write them.
impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Open(placeholder) => placeholder.fmt(f)?,
            }
        }
        Ok(())
    }
}
