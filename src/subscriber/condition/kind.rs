//! What an expression makes, as far as it is known before it is evaluated.

use std::fmt;

/// The kind of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Bool,
    Time,
    Duration,
    /// A list of texts.
    Words,
    /// Not known before it is evaluated.
    Any,
}

impl Kind {
    /// Whether two values can be equal.
    pub(super) fn meets(self, other: Self) -> bool {
        self == other || self == Self::Any || other == Self::Any
    }

    /// Whether one value can be greater than another of this kind.
    pub(super) fn has_order(self) -> bool {
        !matches!(self, Self::Words)
    }

    /// Whether it can be true or false.
    pub(super) fn is_condition(self) -> bool {
        matches!(self, Self::Bool | Self::Any)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Number => "a number",
            Self::Bool => "true or false",
            Self::Time => "a time",
            Self::Duration => "a duration",
            Self::Words => "a list",
            Self::Any => "a value",
        })
    }
}
