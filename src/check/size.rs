//! The HTML part against Gmail's clip.

use std::collections::BTreeMap;

use super::{context::LetterContext, facts::plain};
use crate::{
    issue::document::BlockKind,
    render::{Pattern, Piece, RenderedIssue, TransferEncoding},
    source::{Diagnostics, Span},
};

/// Gmail shows this much of a message's HTML part and hides the rest, with the unsubscribe link. All sizes are in KB of
/// 1,000 bytes, here as in the preview.
const CLIP: usize = 102_400;
/// From here on little room is left.
const TIGHT: usize = 82_000;

/// The size of a section of the letter.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Share {
    /// The words of its heading, or [`TEMPLATE`] or [`BEFORE_FIRST_HEADING`].
    pub section: String,
    /// The line where it begins; 0 for the template.
    pub line: u32,
    /// Bytes of the HTML part, in the encoding that messages use.
    pub bytes: usize,
}

/// Everything around the issue's own text.
pub const TEMPLATE: &str = "template";
/// The issue's text before its first heading.
pub const BEFORE_FIRST_HEADING: &str = "before the first heading";

fn literal(html: &Pattern) -> String {
    let texts = html.pieces.iter().filter_map(|piece| match piece {
        Piece::Literal(text) => Some(text.as_str()),
        Piece::Open { .. } => None,
    });
    texts.collect()
}

/// Sizes in the encoding that messages use for the HTML part.
struct Sizer {
    encoding: TransferEncoding,
    html: String,
    values: usize,
}

impl Sizer {
    fn new(rendered: &RenderedIssue) -> Self {
        let pieces = || rendered.html.pieces.iter();
        Self {
            encoding: TransferEncoding::of(&rendered.html),
            html: literal(&rendered.html),
            // Most values are a word; a token is a few dozen bytes.
            values: 24 * pieces().filter(|piece| matches!(piece, Piece::Open { .. })).count(),
        }
    }

    fn size(&self, text: &str) -> usize {
        self.encoding.size(text)
    }

    /// The whole HTML part, as near as can be said before a reader is known.
    fn total(&self) -> usize {
        self.size(&self.html) + self.values
    }

    /// The size of each block, and where it is in the issue.
    fn blocks<'a>(&'a self, blocks: &'a [(Span, usize)]) -> impl Iterator<Item = (&'a Span, usize)> {
        let mut at = 0;
        blocks.iter().filter_map(move |(span, length)| {
            let start = at;
            at += length;
            let html = self.html.get(start..at).unwrap_or_default();
            (!span.is_empty()).then(|| (span, self.size(html)))
        })
    }
}

/// The size by section, the template first.
pub(super) fn budget(case: &LetterContext<'_>) -> Vec<Share> {
    let sizer = Sizer::new(&case.built.rendered);
    let blocks: Vec<_> = sizer.blocks(&case.built.blocks).collect();
    let own: usize = blocks.iter().map(|(_, bytes)| bytes).sum();
    let rest = sizer.total().saturating_sub(own);
    let mut shares = vec![Share { section: TEMPLATE.into(), line: 0, bytes: rest }];
    let issue = case.draft.issue;
    let mut headings = issue
        .document
        .blocks
        .iter()
        .filter_map(|block| match &block.kind {
            BlockKind::Heading { level, content, .. } if *level <= 2 => {
                Some((block.span.start, plain(content)))
            }
            _ => None,
        })
        .peekable();
    let mut sections = vec![Share { section: BEFORE_FIRST_HEADING.into(), line: 1, bytes: 0 }];
    for (span, bytes) in blocks {
        while let Some((start, words)) = headings.next_if(|(start, _)| *start <= span.start) {
            let line = issue.source.position(start).line;
            sections.push(Share { section: words.trim().to_owned(), line, bytes: 0 });
        }
        if let Some(section) = sections.last_mut() {
            section.bytes += bytes;
        }
    }
    shares.extend(sections.into_iter().filter(|section| section.bytes > 0));
    shares
}

/// What takes up the letter's bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// The largest blocks: line and bytes.
    pub blocks: Vec<(u32, usize)>,
    /// All bytes in `style` attributes and style sheets.
    pub styles: usize,
    /// The style attributes that take up most: the style, how often it is used, and its bytes in total.
    pub costly_styles: Vec<(String, usize, usize)>,
    /// All bytes in addresses of links and pictures.
    pub addresses: usize,
    /// The addresses that take up most, in the same form.
    pub costly_addresses: Vec<(String, usize, usize)>,
}

/// So many of a kind are named.
const NAMED: usize = 3;

/// What takes up most of the HTML part.
pub(super) fn costs(case: &LetterContext<'_>) -> Costs {
    let sizer = Sizer::new(&case.built.rendered);
    let line = |span: &Span| case.draft.issue.source.position(span.start).line;
    let mut blocks: Vec<_> =
        sizer.blocks(&case.built.blocks).map(|(span, bytes)| (line(span), bytes)).collect();
    blocks.sort_by_key(|(line, bytes)| (std::cmp::Reverse(*bytes), *line));
    blocks.truncate(NAMED);
    let (styles, costly_styles) = spent(&sizer, &["style=\""]);
    let (addresses, costly_addresses) = spent(&sizer, &["href=\"", "src=\""]);
    let sheets =
        sizer.html.split("<style").skip(1).map(|rest| rest.split("</style>").next().unwrap_or_default());
    let sheets: usize = sheets.map(|sheet| sizer.size(sheet)).sum();
    Costs { blocks, styles: styles + sheets, costly_styles, addresses, costly_addresses }
}

/// Bytes in some attributes, and the values that take up most of them.
fn spent(sizer: &Sizer, attributes: &[&str]) -> (usize, Vec<(String, usize, usize)>) {
    let mut values: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for value in attributes.iter().flat_map(|attribute| sizer.html.split(attribute).skip(1)) {
        let value = value.split('"').next().unwrap_or_default();
        let (times, bytes) = values.entry(value).or_default();
        *times += 1;
        *bytes += sizer.size(value);
    }
    let total = values.values().map(|(_, bytes)| bytes).sum();
    let mut costly: Vec<_> = values
        .into_iter()
        .filter(|(value, _)| !value.is_empty())
        .map(|(value, (times, bytes))| (value.to_owned(), times, bytes))
        .collect();
    costly.sort_by_key(|(_, _, bytes)| std::cmp::Reverse(*bytes));
    costly.truncate(NAMED);
    (total, costly)
}

pub(super) fn check(case: &LetterContext<'_>, found: &mut Diagnostics) {
    let bytes = Sizer::new(&case.built.rendered).total();
    if bytes <= TIGHT {
        return;
    }
    let mut shares = budget(case);
    shares.sort_by_key(|share| std::cmp::Reverse(share.bytes));
    let largest: Vec<_> = shares
        .iter()
        .take(3)
        .map(|share| format!("{} {:.1} KB", share.section, share.bytes as f64 / 1e3))
        .collect();
    let help = format!("largest: {}; move a section to the web, or to the next issue", largest.join(", "));
    let kilobytes = bytes as f64 / 1e3;
    if bytes > CLIP {
        let message = format!("the HTML part is {kilobytes:.0} KB, and Gmail hides everything after 102 KB");
        found.push(case.draft.find("M401", 0..0, message, help));
    } else {
        let message = format!("the HTML part is {kilobytes:.0} KB, and Gmail shows 102 KB");
        found.push(case.draft.find("M402", 0..0, message, help));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_frequent_or_long_comes_first() {
        let html = "<p style=\"a:b\"><p style=\"a:b\"><p style=\"color:red\"><a href=\"https://e.org\" style=\"a:b\">";
        let sizer = Sizer { encoding: TransferEncoding::QuotedPrintable, html: html.into(), values: 0 };
        let (total, costly) = spent(&sizer, &["style=\""]);
        assert_eq!(total, 18);
        assert_eq!(costly, [("a:b".to_owned(), 3, 9), ("color:red".to_owned(), 1, 9)]);
    }
}
