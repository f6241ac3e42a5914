//! Raw HTML goes through an allow-list of what mail clients keep, and comes out well-formed.
//!
//! Tags with a meaning that the document knows (links, pictures, bold, line breaks) become that; of the others the
//! allowed ones stay. Comments never reach a reader.

mod attributes;
mod block;
mod escape;
mod inline;
mod picture;
mod plain;
mod problems;

pub(super) use block::{block, end};
pub(super) use inline::{InlineTag, Tag, inline, wrap};
pub(crate) use plain::anchors;
pub use plain::plain;
pub(super) use problems::{not_closed, not_opened};
