//! Judges whether letters of this newsletter can arrive: the relay, the DNS of its domains, the page to unsubscribe at, and
//! the files that must not be lost.
//!
//! In: facts about the set-up, most of them from the DNS through a [`Dns`]. Out: a [`Line`] for each question, with what to do.
//! Never: changes anything, sends a letter, or reads a clock; what is judged is gathered before, so that each judgement is pure.

mod dns;
mod gather;
mod judge;
mod line;
mod mta_sts;
mod relays;
mod spf;
mod tags;

pub use dns::{Answer, Dns, SystemDns};
pub use gather::{DnsFacts, Expected, Signature, gather};
pub use judge::{
    files::{FileFacts, judge_files},
    judge_dns,
    mailbox::{MailboxFacts, judge_mailbox},
    providers::judge_providers,
    relay::{RelayFacts, judge_relay},
    web::{WebAnswer, WebFacts, judge_web},
};
pub use line::{Level, Line, Part, Record};
pub use mta_sts::Web;
