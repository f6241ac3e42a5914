//! Open placeholders and block marks on their way through mrml, as ASCII words that it carries unchanged.

use aws_lc_rs::digest::{SHA256, digest};

use super::pattern::{Escape, Pattern, Piece};
use crate::{issue::Placeholder, source::Span};

/// The placeholders that stay open in one rendering, and the words that stand for them.
///
/// The words hold a digest of everything that goes in, so that no text can hold one of them.
pub(crate) struct Tokens {
    prefix: String,
    open: Vec<(Placeholder, Escape)>,
    marks: Vec<Span>,
}

impl Tokens {
    /// Words that occur in none of the inputs.
    pub(crate) fn new<'a>(inputs: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = String::new();
        for input in inputs {
            all.push_str(input);
            all.push('\0');
        }
        let hash = digest(&SHA256, all.as_bytes());
        let hex: String = hash.as_ref()[..10].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { prefix: format!("mimeo{hex}"), open: Vec::new(), marks: Vec::new() }
    }

    /// A word for a placeholder that lands where `escape` says.
    pub(crate) fn open(&mut self, placeholder: Placeholder, escape: Escape) -> String {
        self.open.push((placeholder, escape));
        format!("{}p{}z", self.prefix, self.open.len() - 1)
    }

    /// A word for the beginning of a block.
    pub(crate) fn mark(&mut self, span: Span) -> String {
        self.marks.push(span);
        format!("{}m{}z", self.prefix, self.marks.len() - 1)
    }

    /// Whether some placeholder's word is in the text.
    pub(crate) fn is_open(&self, text: &str) -> bool {
        text.contains(&self.prefix)
    }

    /// Cuts a text at the words. Marks are returned with the byte of the text (without words) where they were.
    pub(crate) fn split(&self, text: &str) -> (Pattern, Vec<(Span, usize)>) {
        let mut pieces = Vec::new();
        let mut marks = Vec::new();
        let mut literal = String::new();
        let mut bytes = 0;
        let mut rest = text;
        while let Some(at) = rest.find(&self.prefix) {
            let (before, word) = rest.split_at(at);
            literal.push_str(before);
            bytes += before.len();
            let tail = &word[self.prefix.len()..];
            let end = tail.find('z').map_or(tail.len(), |end| end + 1);
            let number = tail.get(1..end.saturating_sub(1)).and_then(|digits| digits.parse::<usize>().ok());
            match (tail.as_bytes().first(), number) {
                (Some(b'p'), Some(number)) if number < self.open.len() => {
                    if !literal.is_empty() {
                        pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                    }
                    let (placeholder, escape) = self.open[number].clone();
                    pieces.push(Piece::Open { placeholder, escape });
                }
                (Some(b'm'), Some(number)) if number < self.marks.len() => {
                    marks.push((self.marks[number].clone(), bytes));
                }
                // Not one of ours: text that happens to look like it.
                _ => {
                    literal.push_str(&word[..self.prefix.len() + end]);
                    bytes += self.prefix.len() + end;
                }
            }
            rest = &tail[end..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        (Pattern { pieces }, marks)
    }

    /// The text with its words written as the author would write the placeholders; marks vanish.
    pub(crate) fn readable(&self, text: &str) -> String {
        let (pattern, _) = self.split(text);
        pattern
            .pieces
            .into_iter()
            .map(|piece| match piece {
                Piece::Literal(text) => text,
                Piece::Open { placeholder, .. } => placeholder.to_string().replace('"', "&quot;"),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placeholder(name: &str) -> Placeholder {
        Placeholder { path: vec!["subscriber".into(), name.into()], filters: Vec::new(), span: 0..0 }
    }

    #[test]
    fn a_text_is_cut_at_its_open_placeholders() {
        let mut tokens = Tokens::new(["text"]);
        let name = tokens.open(placeholder("name"), Escape::Html);
        let mark = tokens.mark(3..9);
        let text = format!("a{name}b{mark}c{name}");
        let (pattern, marks) = tokens.split(&text);
        let open = Piece::Open { placeholder: placeholder("name"), escape: Escape::Html };
        assert_eq!(
            pattern.pieces,
            [Piece::Literal("a".into()), open.clone(), Piece::Literal("bc".into()), open]
        );
        assert_eq!(marks, [(3..9, 2)]);
        assert_eq!(tokens.readable(&text), "a{{ subscriber.name }}bc{{ subscriber.name }}");
    }

    #[test]
    fn words_of_another_text_are_only_text() {
        let mut first = Tokens::new(["one"]);
        let word = first.open(placeholder("name"), Escape::Html);
        let second = Tokens::new(["two", &word]);
        assert_eq!(second.split(&word).0, Pattern::literal(word.clone()));
    }
}
