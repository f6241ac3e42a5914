//! Judges whether letters of this newsletter can arrive: the relay, the DNS of its domains, the page to unsubscribe at, and
//! the files that must not be lost.
//!
//! In: facts about the set-up, most of them from the DNS through a [`Dns`]. Out: a [`Line`] for each question, with what to do.
//! Never: changes anything, sends a letter, or reads a clock; what is judged is looked up before, so that each judgment is pure.

mod dns;
mod judge;
mod line;
mod lookup;
mod mta_sts;
mod relays;
mod spf;
mod tags;

pub use dns::{Answer, Dns, SystemDns};
pub use judge::{
    files::{FileFacts, judge_files},
    judge_dns,
    mailbox::{MailboxFacts, judge_mailbox},
    providers::judge_providers,
    relay::{RelayFacts, judge_relay},
    web::{WebAnswer, WebFacts, judge_web},
};
pub use line::{Level, Line, Part, Record};
pub use lookup::{DnsFacts, Expected, Signature, look_up};
pub use mta_sts::Web;
