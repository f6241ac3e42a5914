mod parse;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(super) use parse::{Found, find, phrase, statement, unclosed};

use crate::source::{Diagnostics, Source, Span};

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
    /// Where it stands in its file.
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

    /// Reads a stretch of a file: an issue's front matter, a template. `\{{` is a literal `{{`.
    ///
    /// Problems (codes M201 to M207) are added to `diagnostics`; what could not be read stays as text.
    pub fn parse(source: &Source, span: Span, diagnostics: &mut Diagnostics) -> Self {
        let text = source.text().get(span.clone()).unwrap_or_default();
        parse::phrase(
            text,
            source,
            &|inner: Span| span.start + inner.start..span.start + inner.end,
            diagnostics,
        )
    }

    /// Reads a value whose spelling in the file may differ from its text (escapes, folded lines). Problems are
    /// placed exactly where the file spells the value as it is, else at the whole `span`.
    pub fn parse_value(text: &str, source: &Source, span: Span, diagnostics: &mut Diagnostics) -> Self {
        let spelling = source.text().get(span.clone()).unwrap_or_default();
        match spelling.find(text) {
            Some(at) => {
                let start = span.start + at;
                parse::phrase(
                    text,
                    source,
                    &|inner: Span| start + inner.start..start + inner.end,
                    diagnostics,
                )
            }
            None => parse::phrase(text, source, &|_| span.clone(), diagnostics),
        }
    }

    /// Whether it has no text and no placeholder.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|part| matches!(part, Part::Text(text) if text.is_empty()))
    }
}

impl Placeholder {
    /// Reads one placeholder, braces included: the text of `{{ … }}`. Problems are added to `diagnostics` at
    /// `span`, or within it when the text is as long as the span.
    pub fn parse(text: &str, source: &Source, span: Span, diagnostics: &mut Diagnostics) -> Option<Self> {
        let exact = span.len() == text.len();
        let at = |inner: Span| {
            if exact { span.start + inner.start..span.start + inner.end } else { span.clone() }
        };
        parse::placeholder(text, source, &at, diagnostics)
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
