//! A rendered issue and a subscriber become the exact bytes of one letter.
//!
//! In: a [`RenderedIssue`](crate::render::RenderedIssue), once, then each `Subscriber`. Out: [`Message`].
//! Never: draws a date, an identifier or a boundary: same input, same bytes. Reads no file, opens no socket.

mod body;
mod composer;
mod dkim;
mod error;
mod field;
mod header_rules;
mod inspection;
mod letter;
mod letter_bytes;
mod list_tokens;
mod person_hash;
mod secrets;
mod service_token;
mod shared_header;
mod skeleton;
mod token;
mod unsubscribe;
mod wire;

pub use composer::{Composer, Filled};
pub use dkim::{KeyKind, Signer};
pub use error::ComposeError;
#[doc(hidden)]
pub use header_rules::{check_archive, check_header, check_list_id, check_one_click};
#[doc(hidden)]
pub use inspection::Shape;
pub use letter::Message;
pub use list_tokens::ListTokens;
pub use person_hash::PersonHash;
pub use secrets::Secrets;
pub use service_token::{Purpose, ServiceToken};
pub use token::{DELIVERY_TOKEN_MAX, InvalidToken, ReadToken, TEST_TOKEN, Tokens};
