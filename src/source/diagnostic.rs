use std::{fmt, path::PathBuf};

use super::{Position, Source, Span};

/// How bad it is. Errors stop a send; warnings and notes do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Note,
    /// A reader or a mail client will trip over it.
    Warning,
    /// Nothing is made from this file until it is mended.
    Error,
}

impl Severity {
    /// `note`, `warning` or `error`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
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

/// One thing that is wrong in a file, with a way out.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Diagnostic {
    /// A stable name such as `M101`; `mimeo explain` tells its story.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in lower case and without a full stop.
    pub message: String,
    /// The place in the author's file that it is about.
    pub place: Place,
    /// What to do about it.
    pub help: Option<String>,
}

/// Everything that is wrong with a file.
pub type Diagnostics = Vec<Diagnostic>;

impl Diagnostic {
    /// An error at a span of a text.
    pub fn error(code: &'static str, source: &Source, span: Span, message: impl Into<String>) -> Self {
        Self::at(code, Severity::Error, source.place(span), message)
    }

    /// A warning at a span of a text.
    pub fn warning(code: &'static str, source: &Source, span: Span, message: impl Into<String>) -> Self {
        Self::at(code, Severity::Warning, source.place(span), message)
    }

    /// A note at a span of a text.
    pub fn note(code: &'static str, source: &Source, span: Span, message: impl Into<String>) -> Self {
        Self::at(code, Severity::Note, source.place(span), message)
    }

    /// A diagnostic at any place.
    pub fn at(code: &'static str, severity: Severity, place: Place, message: impl Into<String>) -> Self {
        Self { code, severity, message: message.into(), place, help: None }
    }

    /// Adds the way out.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whether it stops the work.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
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

/// One line, as in `issues/042.md:3:1: subject is empty`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}
