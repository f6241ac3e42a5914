//! A message in a mailbox, and what becomes of it.

/// Bytes of a message that are fetched.
pub(super) const SIZE_MAX: usize = crate::bounce::SIZE_MAX;

/// Messages that are fetched, and disposed of, at once.
pub(super) const BATCH: usize = 20;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Where it is: a URL (RFC 5092) without a login.
    pub name: String,
    /// Its number in the mailbox.
    pub(super) id: u32,
    /// The message, as far as it is looked at.
    pub bytes: Vec<u8>,
}

/// What becomes of a message that was processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposal {
    /// It came back, and is known: it is moved, marked or deleted, as the account says.
    Done,
    /// It is for people to read: it stays as it is, and is not read again where the server can remember that.
    Leave,
}
