//! Hands letters over and says what became of each.
//!
//! In: [`Letter`]s from a [`LetterSource`]. Out: an [`Outcome`] for each, or [`RelayDown`] when the relay itself is at fault.
//! Never: retries, waits on purpose, or sees the ledger. It asks the source before the first byte of a body leaves.
//!
//! The words of SMTP (commands, logins, parameters) are lettre's; the conversation is our own. lettre's
//! `AsyncSmtpConnection` takes a stream of the caller's, so it could be given `TCP_NODELAY` and TLS made beforehand;
//! it still cannot meet four rules that we hold: its read buffer is out of reach, so that no one can see whether
//! the relay spoke out of turn; it measures a reply's line after having read all of it, however long; it takes any
//! 2yz or 3yz for success at every step; and its `send` does not tell at which step it failed. What is left would be
//! a way around it at every call.

mod commands;
mod complaint;
mod connection;
mod destination;
mod dial;
mod error;
mod halt;
mod handshake;
mod inspection;
mod letter;
mod letter_guard;
mod outbox;
mod outcome;
mod pipeline;
mod relay;
mod replies;
mod reply;
mod secret;
mod session;
mod smtp;
mod stage;
mod tls;
mod verdict;
mod wire;
mod wire_form;

pub use complaint::{Complaint, complaint};
pub use destination::Transport;
pub use error::{ErrorKind, RelayDown};
pub use halt::{Halt, HaltSwitch, halt};
pub use inspection::Inspection;
pub use letter::{Letter, LetterSource, Permit};
pub use outbox::Outbox;
pub use outcome::Outcome;
pub use relay::{Encryption, Login, Pipelining, Relay, RelayConfigError, Timeouts};
pub use reply::{NotAReply, Reply};
pub use secret::Secret;
pub use smtp::{RelayLimits, Smtp};
pub use stage::Stage;
#[cfg(feature = "cli")]
pub(crate) use tls::secured;
pub use verdict::{Verdict, judge};
