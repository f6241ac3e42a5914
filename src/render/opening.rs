//! The opening tags in HTML of our own making: well-formed, with double quotes around every value.

use std::ops::Range;

/// An opening tag: where it is, and what of it matters for its look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opening<'a> {
    /// In the HTML, from `<` to behind `>`.
    pub(crate) range: Range<usize>,
    /// As it is written.
    pub(crate) name: &'a str,
    /// The whole tag.
    pub(crate) raw: &'a str,
}

/// A step through the HTML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// `<name …>`
    Open(Opening<'a>),
    /// `</name>`
    Close(&'a str),
}

impl Opening<'_> {
    /// Where an attribute is in the HTML, from the space before it to behind its value, and its value.
    pub(crate) fn attribute(&self, name: &str) -> Option<(Range<usize>, &str)> {
        let needle = format!(" {name}=\"");
        let mut from = 0;
        while let Some(at) = self.raw[from..].find(&needle).map(|at| from + at) {
            // Not within another attribute's value.
            if self.raw[..at].matches('"').count().is_multiple_of(2) {
                let value = at + needle.len();
                let end = value + self.raw[value..].find('"')?;
                let start = self.range.start;
                return Some((start + at..start + end + 1, &self.raw[value..end]));
            }
            from = at + 1;
        }
        None
    }
}

/// The tags of a text, in order; comments are passed over.
pub(crate) fn steps(html: &str) -> impl Iterator<Item = Step<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + html.get(at..)?.find('<')?;
            let rest = &html[start..];
            if rest.starts_with("<!--") {
                at = start + rest.find("-->")? + 3;
                continue;
            }
            let is_close = rest.starts_with("</");
            let name_start = if is_close { 2 } else { 1 };
            let name =
                rest[name_start..].split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
            if name.is_empty() {
                at = start + 1;
                continue;
            }
            let mut in_value = false;
            let end = rest.find(|c| {
                in_value ^= c == '"';
                c == '>' && !in_value
            })?;
            at = start + end + 1;
            return Some(if is_close {
                Step::Close(name)
            } else {
                Step::Open(Opening { range: start..at, name, raw: &html[start..at] })
            });
        }
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
