//! The tags in HTML of our own making: well-formed, with double quotes around every value.

use std::ops::Range;

use crate::markup::{Attribute, Token, pieces};

/// An opening tag: where it is, and what of it matters for its look.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Opening<'a> {
    /// In the HTML, from `<` to behind `>`.
    pub(crate) range: Range<usize>,
    /// As it is written.
    pub(crate) name: &'a str,
    /// The whole tag.
    pub(crate) raw: &'a str,
    attributes: Vec<Attribute>,
}

/// A step through the HTML.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step<'a> {
    /// `<name …>`
    Open(Opening<'a>),
    /// `</name>`
    Close(&'a str),
}

impl Opening<'_> {
    /// Where an attribute is in the HTML, from the space before it to behind its value, and its value as it is written.
    pub(crate) fn attribute(&self, name: &str) -> Option<(Range<usize>, &str)> {
        let value = self.attributes.iter().find(|attribute| attribute.name == name)?.span.clone();
        let written = self.raw.get(value.start - self.range.start..value.end - self.range.start)?;
        // ` name="` before the value, `"` behind it.
        let start = value.start.checked_sub(name.len() + 3)?;
        Some((start..value.end + 1, written))
    }
}

/// The tags of a text, in order; comments are passed over.
pub(crate) fn steps(html: &str) -> impl Iterator<Item = Step<'_>> {
    pieces(html).into_iter().filter_map(|(token, range)| match token {
        Token::Open { name, attributes, raw } => {
            let name = raw.get(1..1 + name.len())?;
            Some(Step::Open(Opening { range, name, raw, attributes }))
        }
        Token::Close { name } => html.get(range.start + 2..range.start + 2 + name.len()).map(Step::Close),
        Token::Text(_) | Token::Comment { .. } | Token::Hidden => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_with_their_attributes_and_comments_are_not_read() {
        let html = "a <!-- <p> --><a title=\"x style=&quot;y&quot; > z\" style=\"color:red\">b</a> < c <br>";
        let steps: Vec<_> = steps(html).collect();
        let [Step::Open(link), Step::Close("a"), Step::Open(line)] = &steps[..] else { panic!("{steps:?}") };
        assert_eq!((link.name, line.name), ("a", "br"));
        let (range, value) = link.attribute("style").unwrap();
        assert_eq!((value, &html[range]), ("color:red", " style=\"color:red\""));
        assert_eq!(link.attribute("class"), None);
    }
}
