//! A rendered issue and a subscriber become the exact bytes of one letter.
//!
//! In: a [`RenderedIssue`](crate::render::RenderedIssue), once, then each `Subscriber`. Out: [`Message`].
//! Never: draws a date, an identifier or a boundary: same input, same bytes. Reads no file, opens no socket.

mod composer;
mod dkim;
mod field;
mod gate;
mod keygen;
mod skeleton;
mod token;
mod wire;

pub use composer::{Composer, Secrets};
pub use dkim::{Signer, SignerError};
pub use keygen::{KeyKind, generate as generate_key, zone_text};
pub use token::Tokens;

use crate::subscriber::EmailAddress;

/// One letter to one person: envelope and bytes.
#[derive(Clone, Debug)]
pub struct Message {
    /// The envelope's sender.
    pub from: EmailAddress,
    /// The envelope's recipient.
    pub to: EmailAddress,
    /// The letter as RFC 5322 has it: CRLF everywhere, no line over 998 octets, 7-bit (but for addresses in the header
    /// when it [needs SMTPUTF8](Self::needs_smtputf8)), not dot-stuffed; no line begins with a dot.
    pub bytes: Vec<u8>,
}

impl Message {
    /// Whether only a relay that offers SMTPUTF8 (RFC 6531) can take it.
    pub fn needs_smtputf8(&self) -> bool {
        self.from.needs_smtputf8() || self.to.needs_smtputf8() || !self.bytes.is_ascii()
    }
}

/// Why there is no letter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// Neither an address on the web nor one for mail.
    #[error("the newsletter offers no way to unsubscribe")]
    NoWayOut,
    /// A header field that no letter can have.
    #[error("the header field `{name}` {reason}")]
    Field {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A picture that cannot be put into a letter.
    #[error("the picture `{name}` cannot travel in a letter: {reason}")]
    Picture {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A name that is no person's and no link of this issue's, without a default.
    #[error("`{placeholder}` has no value in this issue, and no default")]
    Unknown {
        /// As the author wrote it.
        placeholder: String,
    },
    /// This person has no value for a placeholder, and it has no default.
    #[error("`{placeholder}` has no value for this person, and no default")]
    Missing {
        /// As the author wrote it.
        placeholder: String,
    },
    /// The key could not sign.
    #[error("the DKIM key `{selector}._domainkey.{domain}` cannot sign")]
    Signing {
        /// The key's domain.
        domain: String,
        /// The key's selector.
        selector: String,
    },
    /// The finished letter has something in it that relays misread. It is our mistake.
    #[error(
        "the finished letter holds {what} at octet {at}: this is a mistake in Mimeograph, please report it"
    )]
    Unfit {
        /// What.
        what: &'static str,
        /// Where, from 0.
        at: usize,
    },
}
