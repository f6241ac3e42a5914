//! An issue file becomes an [`Issue`], or all its problems at once.
//!
//! In: a [`Source`]. Out: [`Issue`] (front matter and [`Document`]) and diagnostics, or only diagnostics.
//! Never: reads a file, knows MJML, a subscriber or a date of today.
//!
//! A file here uses files above it in this list only, and no two use each other:
//!
//! 1. Values: `placeholder` (texts with placeholders), `document` (the tree), `front_matter`; and what knows no more than a
//!    text: `linkify`, `quotes`.
//! 2. What is masked for Markdown: `attributes` (their grammar), `extensions`, `stand_ins`, `swap`, `masking`.
//! 3. `context`: the file, the problems found so far, and what later steps need to know. Every step is handed it.
//! 4. Readers of small things: `attributes/checks`, `reference`, `leftover` (text that looks like markup), `html`.
//! 5. `convention`: what a paragraph means; `inline`: the words of a paragraph, heading, cell or argument.
//! 6. `node`, `container`: blocks between `:::` lines.
//! 7. `parser`: Markdown's events become blocks. Nothing below it parses blocks.
//! 8. `walk` over a finished tree; `finish`: what is known only when the whole text is read.

mod attributes;
mod container;
mod context;
mod convention;
pub mod document;
mod extensions;
mod finish;
mod front_matter;
#[doc(hidden)]
pub mod html;
mod inline;
mod leftover;
mod linkify;
mod masking;
mod node;
mod parser;
mod placeholder;
mod quotes;
mod reference;
mod stand_ins;
mod swap;
mod walk;

pub use document::Document;
pub use front_matter::{FrontMatter, Value};
pub use placeholder::{Filter, Part, Phrase, Placeholder};
pub(crate) use stand_ins::StandIns;
#[doc(hidden)]
pub use walk::VisibleNode;

use context::Context;
use document::BlockKind;
use quotes::Quotes;

use crate::source::{Diagnostic, Diagnostics, Source};

/// One issue of the newsletter, as its author wrote it.
///
/// ```
/// use mimeograph::{issue::Issue, source::Source};
///
/// let text = "---\ntitle: The first cup\n---\n\nHello.\n";
/// let issue = Issue::parse(Source::new("issues/one.md", text)).expect("the issue has no errors");
/// assert_eq!(issue.document.blocks.len(), 1);
///
/// // All that is wrong is reported at once, each with its place.
/// let problems = Issue::parse(Source::new("issues/two.md", "---\ntitel: The second cup\n---\n")).unwrap_err();
/// assert!(problems.iter().any(|problem| problem.message.contains("titel")));
/// ```
#[derive(Clone, Debug)]
pub struct Issue {
    /// The text that the issue was read from.
    pub source: Source,
    /// The fields above the text.
    pub head: FrontMatter,
    /// The text. A first heading that is the title (because the front matter has none, or the same) is not in it.
    pub document: Document,
    /// What was found on the way. An issue from [`Issue::parse`] has no errors.
    pub diagnostics: Diagnostics,
}

/// No issue is larger, in bytes: ten times what Gmail shows of a letter, and little enough that whatever is in it is
/// answered in a second or two.
pub const BYTES_MAX: usize = 1024 * 1024;

/// What to do about an issue that is larger.
pub(crate) const TOO_LARGE_HELP: &str =
    "an issue can have 1 MiB, and Gmail shows 102 KB of a letter; is this the right file?";

/// What is wrong with an issue that is larger.
pub(crate) fn too_large(bytes: u64) -> String {
    format!("the issue is {:.1} MB of text", bytes as f64 / 1e6)
}

impl Issue {
    /// Reads an issue.
    ///
    /// # Errors
    ///
    /// At least one error, and everything else that was found.
    pub fn parse(source: Source) -> Result<Self, Diagnostics> {
        Self::parse_in(source, "en")
    }

    /// Reads an issue of a newsletter in a language (BCP 47), which counts where the issue does not say its own.
    ///
    /// # Errors
    ///
    /// At least one error, and everything else that was found.
    pub fn parse_in(source: Source, language: &str) -> Result<Self, Diagnostics> {
        let issue = Self::read(source, language);
        if issue.diagnostics.iter().any(Diagnostic::is_error) { Err(issue.diagnostics) } else { Ok(issue) }
    }

    /// Reads an issue as far as it can be read; errors are among its diagnostics. Checks can look at the rest.
    pub fn read(source: Source, language: &str) -> Self {
        let bytes = source.text().len();
        if bytes > BYTES_MAX {
            let found =
                Diagnostic::error("M122", &source, 0..0, too_large(bytes as u64)).help(TOO_LARGE_HELP);
            let (head, document) = (FrontMatter::default(), Document::default());
            return Self { source, head, document, diagnostics: vec![found] };
        }
        let mut diagnostics = Vec::new();
        let (mut head, body) = FrontMatter::read(&source, &mut diagnostics);
        let mut context = Context::new(&source, &mut diagnostics);
        context.quotes = Quotes::of(head.language.as_deref().unwrap_or(language));
        let blocks = parser::blocks(&mut context, body..source.text().len());
        let mut document = finish::document(&mut context, blocks);
        title(&source, &mut head, &mut document, &mut diagnostics);
        if head.subject.is_empty() {
            head.subject = Phrase::plain(head.title.clone());
        }
        diagnostics.sort_by_key(|diagnostic| match &diagnostic.place {
            crate::source::Place::Text { start, .. } => (*start, diagnostic.code),
            _ => (crate::source::Position { line: 1, column: 1 }, diagnostic.code),
        });
        diagnostics.dedup();
        Self { source, head, document, diagnostics }
    }

    /// Whether the front matter could be read, so that a field that is not there is really missing.
    pub fn has_readable_head(&self) -> bool {
        is_head_readable(&self.diagnostics)
    }
}

fn is_head_readable(diagnostics: &Diagnostics) -> bool {
    !diagnostics.iter().any(|one| matches!(one.code, "M101" | "M102" | "M122"))
}

/// The first heading is the title when the front matter has none; it is not repeated in the text.
fn title(source: &Source, head: &mut FrontMatter, document: &mut Document, diagnostics: &mut Diagnostics) {
    let first = document.headings().into_iter().next();
    let given = head.spans.contains_key("title");
    if !given && is_head_readable(diagnostics) {
        match first.filter(|(_, _, words)| !words.trim().is_empty()) {
            Some((_, _, words)) => {
                head.title = words.split_whitespace().collect::<Vec<_>>().join(" ");
                let span = document
                    .blocks
                    .iter()
                    .find(|block| matches!(block.kind, BlockKind::Heading { .. }))
                    .map_or(0..0, |block| block.span.start..block.span.end.max(block.span.start));
                let line = source.text()[span.clone()].lines().next().unwrap_or_default().trim_end().len();
                let message = format!("the title is taken from the first heading: {}", head.title);
                diagnostics.push(
                    Diagnostic::note("M108", source, span.start..span.start + line, message)
                        .help("write `title: …` above the text to say it yourself"),
                );
            }
            None => {
                diagnostics.push(
                    Diagnostic::error("M108", source, 0..0, "the issue has no title")
                        .help("begin the file with `---`, `title: …`, `---`, or with a heading `# Title`"),
                );
                return;
            }
        }
    }
    let repeats = match document.blocks.first().map(|block| &block.kind) {
        Some(BlockKind::Heading { level: 1, content, .. }) => {
            let words = document::plain(content);
            !walk::is_open(&words)
                && words.to_string().split_whitespace().eq(head.title.split_whitespace())
                && content.iter().all(|word| {
                    !matches!(word, document::Inline::Link { .. } | document::Inline::Footnote(_))
                })
        }
        _ => false,
    };
    if repeats {
        document.blocks.remove(0);
    }
}

impl Document {
    /// Reads a text without a front matter. The document is whole even when there are errors.
    pub fn parse(source: &Source) -> (Self, Diagnostics) {
        let mut diagnostics = Vec::new();
        let start = if source.text().starts_with('\u{feff}') { 3 } else { 0 };
        let mut context = Context::new(source, &mut diagnostics);
        let blocks = parser::blocks(&mut context, start..source.text().len());
        let document = finish::document(&mut context, blocks);
        (document, diagnostics)
    }
}

#[cfg(test)]
mod tests;
