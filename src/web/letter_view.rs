//! A letter as the pages show it.

use serde_json::Value;

/// A letter to one person, or what keeps it from being made.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct LetterView {
    /// The title; its file's name when it is broken.
    pub title: String,
    /// The name.
    pub name: String,
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
    /// Bytes of the letter.
    pub bytes: usize,
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
