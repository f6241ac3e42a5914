//! An issue file becomes an [`Issue`], or all its problems at once.
//!
//! In: a [`Source`]. Out: [`Issue`] (front matter and [`Document`]) and diagnostics, or only diagnostics.
//! Never: reads a file, knows HTML, MJML, a subscriber or a date of today.

pub mod document;
mod front_matter;
mod placeholder;

pub use document::Document;
pub use front_matter::{FrontMatter, Value};
pub use placeholder::{Filter, Part, Phrase, Placeholder};

use crate::source::{Diagnostics, Source};

/// One issue of the newsletter, as its author wrote it.
#[derive(Clone, Debug)]
pub struct Issue {
    /// The file.
    pub source: Source,
    /// What stands above the text.
    pub head: FrontMatter,
    /// The text.
    pub document: Document,
    /// Warnings and notes found on the way; an issue with errors is never made.
    pub diagnostics: Diagnostics,
}

impl Issue {
    /// Reads an issue. `Err` holds at least one error, and everything else that was noticed.
    pub fn parse(source: Source) -> Result<Self, Diagnostics> {
        let _ = source;
        Err(Vec::new())
    }
}
