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

// STUB BEGIN
#[allow(missing_docs)]
mod stub {
    use super::*;
    use crate::{issue::Placeholder, render::*, subscriber::Subscriber};
    #[derive(Debug)]
    pub struct Signer;
    impl Signer { pub fn from_pem(_: &str, _: &str, _: &str) -> Result<Self, ComposeError> { Ok(Self) } }
    pub struct Secrets { pub key: [u8; 32], pub signers: Vec<Signer> }
    #[derive(Debug, thiserror::Error)]
    #[error("stub")]
    pub struct ComposeError;
    pub struct Composer { r: RenderedIssue }
    impl Composer {
        pub fn new(r: &RenderedIssue, _: Secrets) -> Result<Self, ComposeError> { Ok(Self { r: r.clone() }) }
        pub fn for_tests(r: &RenderedIssue, s: Secrets) -> Result<Self, ComposeError> { Self::new(r, s) }
        pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder> { self.r.html.placeholders() }
        pub fn missing<'a>(&'a self, _: &'a Subscriber) -> impl Iterator<Item = &'a Placeholder> { std::iter::empty() }
        pub fn size_hint(&self) -> usize { 1000 }
        pub fn compose(&self, s: &Subscriber, mut b: Vec<u8>) -> Result<Message, ComposeError> {
            b.extend_from_slice(format!("From: <{}>\r\nTo: <{}>\r\nSubject: x\r\nMessage-ID: <{}@x>\r\n\r\nhello\r\n", self.r.from.address.expose(), s.address.expose(), s.address.key().replace('@', ".")).as_bytes());
            Ok(Message { from: self.r.bounces.clone(), to: s.address.clone(), bytes: b })
        }
    }
}
pub use stub::*;
// STUB END
