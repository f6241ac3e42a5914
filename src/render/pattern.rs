use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    issue::Placeholder,
    markup::{ValueContext, value_context},
};

/// A text with open placeholders, each of which knows where its value will land.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    /// Alternating in any order; two literals may follow each other.
    pub pieces: Vec<Piece>,
}

/// A stretch of a [`Pattern`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// Fixed text, already escaped for where it is.
    Literal(String),
    /// Filled when the letter is composed.
    Open {
        /// `subscriber.*` or `link.*`.
        placeholder: Placeholder,
        /// How the value is escaped.
        escape: Escape,
    },
}

/// Where a value lands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Escape {
    /// Plain text; line breaks become spaces.
    Text,
    /// Text between tags.
    Html,
    /// In a quoted attribute.
    Attribute,
    /// A whole URL, at the start of an attribute: only http, https, mailto and tel pass.
    Url,
    /// Part of a URL in an attribute: percent-encoded (RFC 3986 section 2.3), then as an attribute.
    UrlPart,
    /// A header's text, before RFC 2047.
    Header,
}

impl Escape {
    /// How a value is escaped that is written behind some HTML.
    pub(crate) fn behind(html: &str) -> Self {
        match value_context(html) {
            ValueContext::Text => Self::Html,
            ValueContext::Attribute => Self::Attribute,
            ValueContext::Url => Self::Url,
            ValueContext::UrlPart => Self::UrlPart,
        }
    }
}

impl Escape {
    /// The value as it may appear there.
    pub fn apply(self, value: &str) -> String {
        match self {
            Self::Text | Self::Header => one_line(value),
            Self::Html => html(value),
            Self::Attribute => attribute(value),
            Self::Url => {
                let value = value.trim();
                let scheme = value.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
                match scheme.as_deref() {
                    Some("http" | "https" | "mailto" | "tel") => attribute(value),
                    _ => "#".to_owned(),
                }
            }
            Self::UrlPart => {
                use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
                const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
                utf8_percent_encode(value, PART).to_string()
            }
        }
    }
}

/// The text with its placeholders as they are written, `{{ subscriber.name }}`.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces.iter().try_for_each(|piece| match piece {
            Piece::Literal(text) => f.write_str(text),
            Piece::Open { placeholder, .. } => placeholder.fmt(f),
        })
    }
}

/// Control characters, line breaks among them, become spaces.
fn one_line(value: &str) -> String {
    value
        .chars()
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .collect()
}

fn html(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 8);
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

fn attribute(value: &str) -> String {
    html(&one_line(value)).replace('\'', "&#39;")
}

impl Pattern {
    /// A pattern without placeholders.
    pub fn literal(text: impl Into<String>) -> Self {
        Self { pieces: vec![Piece::Literal(text.into())] }
    }

    /// The open placeholders, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Open { placeholder, .. } => Some(placeholder),
            Piece::Literal(_) => None,
        })
    }
}
