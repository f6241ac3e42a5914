//! Words with marks: text, links, pictures, placeholders.

use crate::{
    issue::placeholder::{Part, Phrase, Placeholder},
    source::Span,
};

/// A run of text with its marks.
pub type Inlines = Vec<Inline>;

/// A stretch of text with its mark.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Inline {
    /// Text without marks.
    Text(String),
    /// `code`. Never filled.
    Code(String),
    /// `$x$`: TeX.
    Math(String),
    /// *so*
    Emphasis(Inlines),
    /// **so**
    Strong(Inlines),
    /// ~~so~~
    Strikethrough(Inlines),
    /// `[words](url "title")`, and bare addresses.
    Link {
        /// Where it leads.
        url: Phrase,
        /// Its title.
        title: Phrase,
        /// Its words.
        content: Inlines,
        /// Where it is in the file.
        span: Span,
    },
    /// A picture among words.
    Image(Image),
    /// A line break that the author asked for.
    LineBreak,
    /// A line end in the file.
    SoftBreak,
    /// `[^label]`: the number of a note, from 1.
    Footnote(usize),
    /// One tag of raw HTML without placeholders, already through the allow-list; open and closing tags match
    /// within their run of text.
    Html(String),
    /// Filled in later.
    Placeholder(Placeholder),
}

impl Inline {
    /// The words within a mark or a link.
    pub fn content(&self) -> Option<&Inlines> {
        match self {
            Self::Emphasis(content)
            | Self::Strong(content)
            | Self::Strikethrough(content)
            | Self::Link { content, .. } => Some(content),
            _ => None,
        }
    }

    /// The words within a mark or a link, to change them.
    pub fn content_mut(&mut self) -> Option<&mut Inlines> {
        match self {
            Self::Emphasis(content)
            | Self::Strong(content)
            | Self::Strikethrough(content)
            | Self::Link { content, .. } => Some(content),
            _ => None,
        }
    }
}

/// Calls `f` with every inline in reading order, those within marks and links after the mark or link itself.
pub fn each_inline<'a>(words: &'a [Inline], f: &mut dyn FnMut(&'a Inline)) {
    for word in words {
        f(word);
        if let Some(content) = word.content() {
            each_inline(content, f);
        }
    }
}

/// A picture in the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// A path beside the issue, or an address.
    pub source: String,
    /// Alternative text; empty for decoration.
    pub alt: Phrase,
    /// `{width=300}`, in CSS pixels.
    pub width: Option<u32>,
    /// Where it is in the file.
    pub span: Span,
}

/// Adds to words; neighboring text becomes one.
pub(in crate::issue) fn push_inline(words: &mut Inlines, inline: Inline) {
    match (words.last_mut(), inline) {
        (Some(Inline::Text(before)), Inline::Text(text)) => before.push_str(&text),
        (_, Inline::Text(text)) if text.is_empty() => {}
        (_, inline) => words.push(inline),
    }
}

/// A phrase as words.
pub(in crate::issue) fn phrase_inlines(phrase: Phrase) -> Inlines {
    phrase
        .0
        .into_iter()
        .map(|part| match part {
            Part::Text(text) => Inline::Text(text),
            Part::Open(placeholder) => Inline::Placeholder(placeholder),
        })
        .collect()
}

/// Words without their marks, for alternative texts.
pub(in crate::issue) fn plain(words: &[Inline]) -> Phrase {
    let mut phrase = Phrase::default();
    let text = |text: &str, phrase: &mut Phrase| match phrase.0.last_mut() {
        Some(Part::Text(before)) => before.push_str(text),
        _ => phrase.0.push(Part::Text(text.to_owned())),
    };
    each_inline(words, &mut |word| match word {
        Inline::Text(words) | Inline::Code(words) | Inline::Math(words) => text(words, &mut phrase),
        Inline::Image(image) => {
            for part in &image.alt.0 {
                match part {
                    Part::Text(words) => text(words, &mut phrase),
                    Part::Open(_) => phrase.0.push(part.clone()),
                }
            }
        }
        Inline::LineBreak | Inline::SoftBreak => text(" ", &mut phrase),
        Inline::Placeholder(placeholder) => phrase.0.push(Part::Open(placeholder.clone())),
        _ => {}
    });
    phrase
}

/// A paragraph's lines.
pub(in crate::issue) fn lines(words: Inlines) -> Vec<Inlines> {
    let mut lines = vec![Inlines::new()];
    for word in words {
        match word {
            Inline::SoftBreak | Inline::LineBreak => lines.push(Inlines::new()),
            word => lines.last_mut().expect("there is always a line").push(word),
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}
