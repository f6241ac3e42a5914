//! What the steps of reading one issue share: the file, the problems found so far, and what later steps need.
//!
//! It knows how to turn masked text back into what the author wrote; it parses no Markdown.

use std::collections::{HashMap, HashSet};

use super::{
    attributes::Attributes,
    document::Footnote,
    masking::{Loose, MaskedText, Piece, PieceKind, too_deep},
    placeholder::{self, Part, Phrase, Placeholder},
    quotes::Quotes,
};
use crate::source::{Diagnostic, Diagnostics, Source, Span};

/// No block has more blocks around it. Every later step recurses over the tree, so this guards its stack too.
const HEIGHT_MAX: usize = 40;

/// More problems than this are not reported: no author fixes so many at once, and each holds a line of the file.
const PROBLEMS_MAX: usize = 200;

/// What the steps share while one issue's text is read.
pub(super) struct Context<'a> {
    pub(super) source: &'a Source,
    /// The quotation marks of the language.
    pub(super) quotes: Quotes,
    /// What was written around links and pictures, by the place where they begin.
    pub(super) extras: HashMap<usize, Extra>,
    pub(super) notes: Notes,
    /// `**` that readers see, without another one near it.
    pub(super) stars: Vec<(usize, Star)>,
    /// Tags of raw HTML around Markdown: an empty line ended the block before their end.
    pub(super) open_html: Vec<(String, Span)>,
    diagnostics: &'a mut Diagnostics,
    has_reported_depth: bool,
    reported_loose: HashSet<usize>,
}

/// What a `**` looks like that is not bold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Star {
    Opens,
    Closes,
}

/// What the tree has no place for.
#[derive(Clone, Debug, Default)]
pub(super) struct Extra {
    pub(super) attributes: Attributes,
    /// A picture's title.
    pub(super) title: Option<Phrase>,
}

/// The footnotes as they are met.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// The labels, in order of their first mention; an [`super::document::Inline::Footnote`] holds its index here
    /// until the notes are numbered.
    pub(super) labels: Vec<String>,
    /// The index of each label among them, by its name in lower case.
    indexes: HashMap<String, usize>,
    /// The notes themselves, in order of the file.
    pub(super) written: Vec<(Footnote, Span)>,
}

impl Notes {
    /// The index of a label that is mentioned.
    pub(super) fn mention(&mut self, label: String) -> usize {
        let index = *self.indexes.entry(label.to_lowercase()).or_insert(self.labels.len());
        if index == self.labels.len() {
            self.labels.push(label);
        }
        index
    }

    /// Whether a label, in lower case, is mentioned anywhere.
    pub(super) fn is_mentioned(&self, label: &str) -> bool {
        self.indexes.contains_key(label)
    }
}

impl Extra {
    /// Whether a link is to be a button, and a quieter one.
    pub(super) fn button(&self) -> Option<bool> {
        self.attributes.has_class("button").then(|| self.attributes.has_class("secondary"))
    }
}

impl<'a> Context<'a> {
    pub(super) fn new(source: &'a Source, diagnostics: &'a mut Diagnostics) -> Self {
        Self {
            source,
            quotes: Quotes::of("en"),
            extras: HashMap::new(),
            notes: Notes::default(),
            stars: Vec::new(),
            open_html: Vec::new(),
            diagnostics,
            has_reported_depth: false,
            reported_loose: HashSet::new(),
        }
    }

    /// The author's spelling of a stretch of the file.
    pub(super) fn text(&self, span: &Span) -> &'a str {
        &self.source.text()[span.clone()]
    }

    /// The first line of a stretch, without the space at its end.
    pub(super) fn first_line(&self, span: &Span) -> Span {
        let line = self.text(span).lines().next().unwrap_or_default().trim_end();
        span.start..span.start + line.len()
    }

    /// A stretch of the file with everything masked that Markdown would misread. `has_containers` says whether
    /// containers can begin in it.
    pub(super) fn mask(&mut self, span: Span, has_containers: bool) -> MaskedText {
        MaskedText::new(self.source, span, has_containers, self.diagnostics)
    }
}

/// Masked text becomes what it stands for.
impl Context<'_> {
    /// Stand-ins in a text become placeholders; anything else that is masked becomes its own words again.
    pub(super) fn phrase(&mut self, text: &str, masked: &MaskedText) -> Phrase {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((at, piece)) = masked.first_piece(rest) {
            literal.push_str(&rest[..at]);
            rest = rest.get(at + piece.span.len()..).unwrap_or_default();
            match self.placeholder(&piece) {
                Some(placeholder) => {
                    if !literal.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut literal)));
                    }
                    parts.push(Part::Open(placeholder));
                }
                None => literal.push_str(self.text(&piece.span)),
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Phrase(parts)
    }

    /// The same for a text in which everything that is wrong has been reported before.
    pub(super) fn phrase_again(&mut self, text: &str, masked: &MaskedText) -> Phrase {
        let reported = self.diagnostics.len();
        let phrase = self.phrase(text, masked);
        self.diagnostics.truncate(reported);
        phrase
    }

    /// A masked placeholder; `None` (and a diagnostic) when it cannot be read.
    pub(super) fn placeholder(&mut self, piece: &Piece) -> Option<Placeholder> {
        if piece.kind != PieceKind::Placeholder {
            return None;
        }
        let text = self.text(&piece.span);
        let placeholder = Placeholder::parse(text, self.source, piece.span.clone(), self.diagnostics);
        self.diagnostics.truncate(PROBLEMS_MAX);
        placeholder
    }

    /// A text that is no part of the masked one: a stretch of raw HTML, whose places `at` knows.
    pub(super) fn text_phrase(&mut self, text: &str, at: &dyn Fn(Span) -> Span) -> Phrase {
        if !text.contains("{{") && !text.contains("{%") {
            return Phrase::plain(text);
        }
        let phrase = placeholder::phrase(text, self.source, at, self.diagnostics);
        self.diagnostics.truncate(PROBLEMS_MAX);
        phrase
    }

    /// The value of an attribute of raw HTML.
    pub(super) fn value_phrase(&mut self, value: &str, span: Span) -> Phrase {
        Phrase::parse_value(value, self.source, span, self.diagnostics)
    }

    /// A stretch of the file that can hold placeholders and nothing else.
    pub(super) fn span_phrase(&mut self, span: Span) -> Phrase {
        Phrase::parse(self.source, span, self.diagnostics)
    }

    /// A text that cannot hold placeholders.
    pub(super) fn fixed(&mut self, text: &str, what: &str, span: Span, masked: &MaskedText) -> String {
        let literal = masked.literal(text, self.source);
        if literal.contains("{{") && literal != text {
            self.error(
                "M208",
                span,
                format!("a placeholder is not allowed in {what}"),
                "it is needed when the issue is built, before there is a reader; write it out",
            );
        }
        literal
    }
}

/// What is wrong is reported.
impl Context<'_> {
    /// Whether so much was reported that nothing more will be.
    pub(super) fn is_full(&self) -> bool {
        self.diagnostics.len() >= PROBLEMS_MAX
    }

    fn report(&mut self, problem: impl FnOnce(&Source) -> Diagnostic) {
        if !self.is_full() {
            self.diagnostics.push(problem(self.source));
        }
    }

    /// An error with its help.
    pub(super) fn error(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.report(|source| Diagnostic::error(code, source, span, message).help(help));
    }

    /// A warning with its help.
    pub(super) fn warn(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.report(|source| Diagnostic::warning(code, source, span, message).help(help));
    }

    /// Something to know, with nothing to do about it.
    pub(super) fn note(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.report(|source| Diagnostic::note(code, source, span, message));
    }

    /// Reports `{{` and `{%` in a stretch that turned out to be text.
    pub(super) fn report_loose(&mut self, span: &Span, masked: &MaskedText) {
        for (at, loose) in masked.loose_in(span) {
            if !self.is_full() && self.reported_loose.insert(at) {
                self.diagnostics.push(match loose {
                    Loose::Unclosed => placeholder::unclosed(self.source, at..at + 2),
                    Loose::Statement => placeholder::statement(self.source, at..at + 2),
                });
            }
        }
    }

    /// Whether a block of this height is allowed in another one; reports it, once, when not.
    pub(super) fn allows_height(&mut self, height: usize, span: &Span) -> bool {
        if height <= HEIGHT_MAX {
            return true;
        }
        let is_reported = self.diagnostics.iter().any(|reported| reported.code == "M121");
        if !std::mem::replace(&mut self.has_reported_depth, true) && !is_reported {
            self.diagnostics.push(too_deep(self.source, span.start..span.start));
        }
        false
    }
}
