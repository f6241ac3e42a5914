//! The preview: a page on this machine that shows a letter as its readers will see it; and the page of two letters.
//!
//! In: a [`PreviewBackend`] that makes the letter, and word that a file was saved. Out: pages over HTTP, or one file.
//! Never: sends anything, changes a file, answers a request for another host than this machine, or runs a script that
//! is in a letter.

mod compare;
mod letter;
mod page;
mod server;
mod watch;

pub use compare::{Comparison, comparison};
pub use page::static_page;
pub use server::{Access, Changes, serve};
pub use watch::{Watch, watch};

use serde_json::Value;

/// Makes what the preview shows. It is asked again after every saved file.
pub trait PreviewBackend: Send + Sync + 'static {
    /// The letter to this address, or to the first person on the list.
    fn view(&self, reader: Option<&str>) -> LetterView;
    /// What `check` finds, and what each section costs.
    fn findings(&self) -> Value;
    /// The first people on the list whose address or name holds these words.
    fn people(&self, search: &str) -> Value;
}

/// A letter to one person, or what keeps it from being made.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct LetterView {
    /// The title; its file's name when it is broken.
    pub title: String,
    /// The file.
    pub file: String,
    /// The sender as inboxes show it.
    pub sender: String,
    /// The subject of this very letter.
    pub subject: String,
    /// What inboxes show behind the subject.
    pub preheader: String,
    /// Whose letter it is.
    pub reader: String,
    /// The text part.
    pub text: String,
    /// The letter's header fields.
    pub headers: String,
    /// Why there is no letter: diagnostics, each an object.
    pub problems: Vec<Value>,
    /// Whether this is the last good letter, and the problems are those of its files as they are now.
    pub stale: bool,
    /// Octets of the letter.
    pub octets: usize,
    /// The HTML part, its pictures named by `cid:`.
    #[serde(skip)]
    pub html: String,
    /// Pictures by their `Content-ID`: media type and bytes.
    #[serde(skip)]
    pub pictures: Vec<(String, String, Vec<u8>)>,
    /// The whole letter as it would travel, without a signature.
    #[serde(skip)]
    pub raw: Vec<u8>,
}
