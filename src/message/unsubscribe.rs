//! The address in `List-Unsubscribe`, of which only the token differs from letter to letter.

use crate::{
    address::EmailAddress,
    render::{Escape, RenderedIssue},
};

/// The address that a token is put into.
pub(super) enum UnsubscribeAddress {
    Https { before: String, behind: String },
    Mailto(String),
    Nothing,
}

impl UnsubscribeAddress {
    /// The address of an issue's letters.
    pub(super) fn of(rendered: &RenderedIssue) -> Self {
        let ways = &rendered.unsubscribe;
        match (&ways.https, &ways.mailto) {
            (Some(https), _) => match https.split_once("{token}") {
                Some((before, behind)) => {
                    Self::Https { before: before.to_owned(), behind: behind.to_owned() }
                }
                None => Self::Https { before: https.clone(), behind: String::new() },
            },
            (None, Some(address)) => {
                Self::Mailto(format!("mailto:{}?subject=unsubscribe%20", in_mailto(address)))
            }
            (None, None) => Self::Nothing,
        }
    }

    /// The address with a reader's token in it.
    pub(super) fn with(&self, token: &str) -> String {
        match self {
            Self::Https { before, behind } => [before, token, behind].concat(),
            Self::Mailto(before) => [before, token].concat(),
            Self::Nothing => String::new(),
        }
    }
}

/// An address as it is written in a `mailto:` (RFC 6068 section 2).
pub(super) fn in_mailto(address: &EmailAddress) -> String {
    format!("{}@{}", Escape::UrlPart.apply(address.local()), address.domain())
}
