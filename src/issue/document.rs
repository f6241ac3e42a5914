//! The tree of an issue's text: every output (HTML, text, web page, feed) is made from it.

mod block;
mod inline;
mod items;

pub use block::*;
pub use inline::*;
pub use items::*;

/// The text of an issue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// The blocks in reading order.
    pub blocks: Vec<Block>,
    /// The notes in the order in which the text first refers to them; note `n` is at index `n - 1`.
    pub footnotes: Vec<Footnote>,
}

/// A note at the end.
#[derive(Clone, Debug, PartialEq)]
pub struct Footnote {
    /// The author's name for it.
    pub label: String,
    /// What it says.
    pub blocks: Vec<Block>,
}
