//! Mailboxes in which returned mail waits: IMAP (RFC 3501, RFC 9051) and POP3 (RFC 1939).
//!
//! In: an [`Account`]. Out: [`Mail`]s, one after another, until there are no more; then what to do with each.
//! Never: knows what a message means; changes a message in the mailbox before the caller says that it is done with it.
//!
//! TLS is required, except to this machine, and a certificate that cannot be checked ends the connection. IMAP's commands are
//! `async-imap`'s; no maintained client for POP3 is known, and six commands are enough.

mod account;
mod error;
mod imap;
mod mail;
mod pop3;
mod stream;

pub use account::{Account, InvalidAccount, Protocol};
pub use error::MailboxError;
pub use mail::{Disposal, Mail};

use std::time::Duration;

use imap::Imap;
use pop3::Pop3;

/// An open mailbox.
#[derive(Debug)]
pub struct Mailbox(Kind);

#[derive(Debug)]
enum Kind {
    Imap(Box<Imap>),
    Pop3(Box<Pop3>),
}

impl Mailbox {
    /// Connects, logs in, and looks for messages.
    ///
    /// # Errors
    ///
    /// When the mailbox cannot be used.
    pub async fn open(account: &Account) -> Result<Self, MailboxError> {
        Ok(Self(match account.protocol {
            Protocol::Imap => Kind::Imap(Box::new(Imap::open(account).await?)),
            Protocol::Pop3 => Kind::Pop3(Box::new(Pop3::open(account).await?)),
        }))
    }

    /// The next message; `None` when there are no more for now.
    ///
    /// # Errors
    ///
    /// When the connection fails.
    pub async fn next(&mut self) -> Result<Option<Mail>, MailboxError> {
        match &mut self.0 {
            Kind::Imap(imap) => imap.next().await,
            Kind::Pop3(pop3) => pop3.next().await,
        }
    }

    /// Disposes of a message whose record is committed. What that changes in the mailbox may wait for the next call of
    /// [`next`](Self::next), [`wait`](Self::wait) or [`close`](Self::close); if it does not happen, the message is read again.
    ///
    /// # Errors
    ///
    /// When the connection fails.
    pub async fn dispose(&mut self, mail: &Mail, disposal: Disposal) -> Result<(), MailboxError> {
        match &mut self.0 {
            Kind::Imap(imap) => imap.dispose(mail.id, disposal).await,
            Kind::Pop3(pop3) => pop3.dispose(mail.id, disposal).await,
        }
    }

    /// Waits for new messages, at most so long: by IDLE (RFC 2177) where the server has it. POP3 needs a new connection for
    /// each look, so it is closed, and opened after the whole time.
    ///
    /// # Errors
    ///
    /// When the connection fails.
    pub async fn wait(self, account: &Account, time: Duration) -> Result<Self, MailboxError> {
        match self.0 {
            Kind::Imap(imap) => Ok(Self(Kind::Imap(Box::new(imap.wait(time).await?)))),
            Kind::Pop3(pop3) => {
                let left = pop3.close().await?;
                tokio::time::sleep(time).await;
                let mut pop3 = Pop3::open(account).await?;
                pop3.skip(left);
                Ok(Self(Kind::Pop3(Box::new(pop3))))
            }
        }
    }

    /// Finishes what waits, and hangs up.
    ///
    /// # Errors
    ///
    /// When the connection fails before that.
    pub async fn close(self) -> Result<(), MailboxError> {
        match self.0 {
            Kind::Imap(imap) => imap.close().await,
            Kind::Pop3(pop3) => pop3.close().await.map(drop),
        }
    }
}
