use std::fmt;

use super::{
    place::{Place, Span},
    text::Source,
};

/// How bad it is. Errors stop a send; warnings and notes do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Note,
    /// A reader or a mail client will trip over it.
    Warning,
    /// Nothing is made from this file until it is fixed.
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

/// One thing that is wrong in a file, with a way out.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Diagnostic {
    /// A stable name such as `M101`; `mimeo explain` explains it.
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

/// One line, as in `issues/042.md:3:1: subject is empty`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}
