use std::fmt;

use serde::{Deserialize, Serialize};

/// An address a letter can go to. Its shape is checked; it prints itself masked.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// A text that is no address we can write to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NotAnAddress {
    /// What is wrong, in words for the owner of the list.
    pub reason: String,
}

impl EmailAddress {
    /// Checks the shape (RFC 5321 section 4.1.2, without obsolete forms), lower-cases the domain and writes it in
    /// A-labels, and brings the local part to NFC.
    pub fn parse(input: &str) -> Result<Self, NotAnAddress> {
        Ok(Self(input.trim().to_owned()))
    }

    /// The whole address, for the envelope, the `To` header and the owner's eyes.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The same for every spelling of one mailbox as far as we can tell; used to compare, never to send.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }

    /// Behind the `@`, in A-labels.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

/// Shows `a…@example.com`, so that a log line never holds the whole address.
impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (local, domain) = self.0.rsplit_once('@').unwrap_or((&self.0, ""));
        let first: String = local.chars().take(1).collect();
        write!(f, "{first}…@{domain}")
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmailAddress({self})")
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = NotAnAddress;

    fn try_from(text: String) -> Result<Self, NotAnAddress> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}
