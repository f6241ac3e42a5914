//! A rendered issue and a subscriber become the exact bytes of one letter.
//!
//! In: a [`RenderedIssue`](crate::render::RenderedIssue), once, then each `Subscriber`. Out: [`Message`].
//! Never: draws a date, an identifier or a boundary: same input, same bytes. Reads no file, opens no socket.

use crate::subscriber::EmailAddress;

/// One letter to one person: envelope and bytes.
#[derive(Clone, Debug)]
pub struct Message {
    /// The envelope's sender.
    pub from: EmailAddress,
    /// The envelope's recipient.
    pub to: EmailAddress,
    /// The letter as RFC 5322 has it: CRLF everywhere, no line over 998 octets, 7-bit, not dot-stuffed.
    pub bytes: Vec<u8>,
}
