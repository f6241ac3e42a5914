//! The fields above an issue's text.

mod dates;
mod fields;
mod head;
mod node;
mod values;
mod yaml;

pub use values::{FrontMatter, Value};

use crate::source::{Diagnostics, Source};

impl FrontMatter {
    /// Reads the head of a file: what it says, and where the text begins.
    pub(super) fn read(source: &Source, diagnostics: &mut Diagnostics) -> (Self, usize) {
        let (nodes, body) = head::read(source, diagnostics);
        (fields::read(source, nodes, diagnostics), body)
    }
}
