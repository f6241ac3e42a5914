//! The parts of a placeholder, one after another: names, marks, texts in quotes.

use crate::source::Span;

pub(super) struct Scanner<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn rest_span(&self) -> Span {
        self.at..self.at + self.rest().trim_end().len()
    }

    pub(super) fn space(&mut self) -> usize {
        self.at += self.rest().len() - self.rest().trim_start().len();
        self.at
    }

    pub(super) fn take(&mut self, mark: &str) -> bool {
        let there = self.rest().starts_with(mark);
        if there {
            self.at += mark.len();
        }
        there
    }

    /// A name: letters, digits and underscores of any script, not beginning with a digit; hyphens inside.
    pub(super) fn name(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let first = rest.chars().next()?;
        if !(first.is_alphabetic() || first == '_') {
            return None;
        }
        let length =
            rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(rest.len());
        self.at += length;
        Some(&rest[..length])
    }

    /// A text in double or single quotes, with `\"`, `\'`, `\\` and `\n` as one expects.
    pub(super) fn quoted(&mut self) -> Option<String> {
        let mark = self.rest().chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let mut value = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == mark => {
                    self.at += at + 1;
                    return Some(value);
                }
                '\\' => match chars.next()?.1 {
                    'n' => value.push('\n'),
                    c @ ('"' | '\'' | '\\') => value.push(c),
                    other => value.extend(['\\', other]),
                },
                c => value.push(c),
            }
        }
        None
    }
}
