//! Blocks on their way into the tree, while the containers around them are still being found.

use super::document::Block;
use crate::source::Span;

/// A finished block, or a container's line. The height is the number of blocks within blocks.
pub(super) enum Node {
    Block(Block, usize),
    /// `::: column` with its blocks.
    Column(Span, Vec<Block>, usize),
    /// A container's line: its index among the markers of the masked text.
    Marker(usize),
}
