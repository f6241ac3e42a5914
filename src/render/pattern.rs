use serde::{Deserialize, Serialize};

use crate::issue::Placeholder;

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
    /// Fixed text, already escaped for where it stands.
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
    /// Between tags.
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

/// Bytes as base64 in JSON.
pub(super) mod base64_bytes {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(from)?).map_err(D::Error::custom)
    }
}
