//! What is noticed while the settings file is read, and what of it may be shown.

use std::{cell::RefCell, collections::BTreeMap};

use crate::source::{Diagnostic, Diagnostics, Place, Source, Span};

/// What is noticed while a file is read.
pub(in crate::config) struct Notes {
    pub(in crate::config) source: Source,
    diagnostics: RefCell<Diagnostics>,
    /// Every setting that was asked for, and whether it was there.
    asked: RefCell<BTreeMap<String, bool>>,
}

/// A value and where it is.
#[derive(Clone, Debug)]
pub(in crate::config) struct Item<T> {
    pub(in crate::config) value: T,
    pub(in crate::config) span: Span,
}

impl Notes {
    pub(in crate::config) fn new(source: Source) -> Self {
        Self { source, diagnostics: RefCell::default(), asked: RefCell::default() }
    }

    /// Whatever it is about, a line with a URL that has a password is not shown.
    pub(in crate::config) fn push(&self, mut diagnostic: Diagnostic) {
        if let Place::Text { excerpt, .. } = &diagnostic.place
            && has_password(excerpt)
        {
            diagnostic = without_excerpt(diagnostic);
        }
        self.diagnostics.borrow_mut().push(diagnostic);
    }

    /// An error at a place of this file.
    pub(in crate::config) fn error(
        &self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Diagnostic::error(code, &self.source, span, message).help(help));
    }

    pub(in crate::config) fn into_diagnostics(self) -> Diagnostics {
        self.diagnostics.into_inner()
    }

    /// Keeps in mind that a setting was asked for, and whether it was there.
    pub(super) fn note_asked(&self, name: String, is_there: bool) {
        *self.asked.borrow_mut().entry(name).or_default() |= is_there;
    }

    #[cfg(test)]
    pub(in crate::config) fn asked(&self) -> BTreeMap<String, bool> {
        self.asked.borrow().clone()
    }
}

/// Whether it may have a URL like `smtps://me:password@host`.
fn has_password(line: &str) -> bool {
    let mut logins = line.split("://").skip(1).filter_map(|rest| rest.split_once('@'));
    logins.any(|(login, _)| login.contains(':'))
}

/// Whether a line of the file had better not be shown.
pub(in crate::config) fn sounds_secret(text: &str) -> bool {
    let lower = text.to_lowercase();
    ["pass", "secret", "token", "key", "://"].iter().any(|word| lower.contains(word))
}

/// A diagnostic that does not show its line of the file, which holds a secret.
pub(in crate::config) fn without_excerpt(mut diagnostic: Diagnostic) -> Diagnostic {
    if let Place::Text { excerpt, .. } = &mut diagnostic.place {
        excerpt.clear();
    }
    diagnostic
}
