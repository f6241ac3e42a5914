//! A message that came back becomes findings: what it is, for whom, and what follows.
//!
//! In: the bytes of one message, and what is ours in it ([`Ours`]). Out: [`Returned`], and what follows ([`policy`]).
//! Never: touches a database, the network or a clock; fails or panics, whatever the bytes are.
//!
//! A report that a program wrote is believed first: a delivery status notification (RFC 3464, RFC 6533), then a feedback
//! report (RFC 5965). What has neither goes to the readers in `bounce/systems`, one file for each kind of mail system, and the
//! last of them reads prose. Hard or soft does not follow from the first digit of a code: `bounce/classes.toml` says what codes
//! and phrases mean.

pub mod advice;
mod class;
pub mod dkim;
mod feedback;
mod fields;
mod mail;
mod notice;
mod ours;
mod people;
mod phrases;
pub mod policy;
mod report;
mod returned;
mod status;
mod systems;

pub use class::{Class, classify, reason};
pub use mail::SIZE_MAX;
pub use ours::Ours;
pub use returned::{Finding, Kind, Returned};
pub use status::Status;

use mail::Mail;

/// Reads one message. Whatever the bytes are, there is an answer; of more than [`SIZE_MAX`] bytes, the first are read.
pub fn read(bytes: &[u8], ours: &Ours) -> Returned {
    let mail = Mail::read(bytes);
    let mut returned = report::read(&mail)
        .or_else(|| feedback::read(&mail))
        .or_else(|| notice::unsubscribe(&mail, ours))
        .or_else(|| notice::auto_reply(&mail))
        .or_else(|| systems::read(&mail, ours))
        .unwrap_or_else(|| Returned::new(Kind::Unknown, "none"));
    returned.message_id = returned.message_id.or_else(|| mail.returned_id());
    returned.at = returned.at.or_else(|| mail.date());
    returned.token = returned.token.or_else(|| mail.token(ours));
    if returned.kind == Kind::AutoReply || returned.kind == Kind::Unknown {
        returned.recipients.clear();
    }
    returned
}
