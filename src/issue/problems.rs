//! How a reader of issues reports what it finds.

use super::reader::{Reader, TOLD_MAX};
use crate::source::{Diagnostic, Span};

impl Reader<'_> {
    /// An error with its help.
    pub(super) fn error(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if self.diagnostics.len() < TOLD_MAX {
            self.diagnostics.push(Diagnostic::error(code, self.source, span, message).help(help));
        }
    }

    /// Something to know, with nothing to do about it.
    pub(super) fn note(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        if self.diagnostics.len() < TOLD_MAX {
            self.diagnostics.push(Diagnostic::note(code, self.source, span, message));
        }
    }

    /// A warning with its help.
    pub(super) fn warn(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if self.diagnostics.len() < TOLD_MAX {
            self.diagnostics.push(Diagnostic::warning(code, self.source, span, message).help(help));
        }
    }
}
