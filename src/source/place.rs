//! Places in texts and in tables.

use std::{fmt, ops::Range, path::PathBuf};

/// A range of bytes in a [`Source`](super::Source)'s text.
pub type Span = Range<usize>;

/// A place in a text as people count it: both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// Where it is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// A whole file.
    File {
        /// The path as the user would write it.
        path: PathBuf,
    },
    /// A stretch of a text file.
    Text {
        /// The path as the user would write it.
        path: PathBuf,
        /// The first character.
        start: Position,
        /// Just behind the last character.
        end: Position,
        /// The whole first line, to be shown and marked.
        excerpt: String,
    },
    /// A row of a table.
    Row {
        /// The path as the user would write it.
        path: PathBuf,
        /// The line of the file on which the row begins, from 1 (the header is line 1).
        line: u64,
        /// The column's name, when one column is at fault.
        column: Option<String>,
    },
}

impl Place {
    /// The file that the place is in.
    pub fn path(&self) -> &std::path::Path {
        match self {
            Self::File { path } | Self::Text { path, .. } | Self::Row { path, .. } => path,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path } => write!(f, "{}", path.display()),
            Self::Text { path, start, .. } => write!(f, "{}:{}:{}", path.display(), start.line, start.column),
            Self::Row { path, line, column: None } => write!(f, "{}:{line}", path.display()),
            Self::Row { path, line, column: Some(column) } => {
                write!(f, "{}:{line}, column `{column}`", path.display())
            }
        }
    }
}
