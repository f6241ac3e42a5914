//! The HTML part against Gmail's clip.

use std::collections::BTreeMap;

use super::{LetterContext, facts::plain};
use crate::{issue::document::BlockKind, render::Piece, source::Diagnostics};

/// Gmail shows this much of a message's HTML part and hides the rest, the unsubscribe link with it. All sizes are told in
/// KB of 1,000 octets, here as in the preview.
pub(super) const CLIP: usize = 102_400;
/// From here on it is getting tight.
pub(super) const TIGHT: usize = 82_000;

/// What a section of the letter costs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Share {
    /// The heading's words; "opening" before the first one, "frame" for the template around it all.
    pub section: String,
    /// The line where it begins; 0 for the frame.
    pub line: u32,
    /// Octets of the HTML part, as encoded for the wire.
    pub octets: usize,
}

/// Octets of the HTML part as they go over the wire, as near as can be told before a reader is known.
pub(super) fn html_octets(case: &LetterContext<'_>) -> usize {
    let literal: usize = case
        .rendered
        .html
        .pieces
        .iter()
        .map(|piece| match piece {
            Piece::Literal(text) => encoded(text),
            // Most values are a word; a token is a few dozen octets.
            Piece::Open { .. } => 24,
        })
        .sum();
    // A soft break every 73 octets or so.
    literal + literal / 73 * 3
}

fn encoded(text: &str) -> usize {
    text.bytes()
        .map(|byte| if byte == b'=' || !(byte == b'\n' || (b' '..=b'~').contains(&byte)) { 3 } else { 1 })
        .sum()
}

/// The budget by section, the template's own share first.
pub fn budget(case: &LetterContext<'_>) -> Vec<Share> {
    let total = html_octets(case);
    // What has no place in the issue (the masthead, the styles) is the template's.
    let blocks: usize =
        case.blocks.iter().filter(|(span, _)| !span.is_empty()).map(|(_, octets)| octets).sum();
    let mut shares = vec![Share { section: "frame".into(), line: 0, octets: total.saturating_sub(blocks) }];
    let headings: Vec<_> = case
        .issue
        .document
        .blocks
        .iter()
        .filter_map(|block| match &block.kind {
            BlockKind::Heading { level, content, .. } if *level <= 2 => {
                Some((block.span.start, plain(content)))
            }
            _ => None,
        })
        .collect();
    let mut sections: Vec<Share> = vec![Share { section: "opening".into(), line: 1, octets: 0 }];
    let mut next = headings.iter().peekable();
    for (span, octets) in case.blocks.iter().filter(|(span, _)| !span.is_empty()) {
        while let Some((start, words)) = next.next_if(|(start, _)| *start <= span.start) {
            let line = case.issue.source.position(*start).line;
            sections.push(Share { section: words.trim().to_owned(), line, octets: 0 });
        }
        if let Some(section) = sections.last_mut() {
            section.octets += octets;
        }
    }
    shares.extend(sections.into_iter().filter(|section| section.octets > 0));
    shares
}

/// What the letter's octets are spent on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// The most costly blocks: line, and octets.
    pub blocks: Vec<(u32, usize)>,
    /// All octets in `style` attributes and style sheets.
    pub styles: usize,
    /// The most costly style attributes: the style, how often it stands there, and its octets together.
    pub costly_styles: Vec<(String, usize, usize)>,
    /// All octets in addresses of links and pictures.
    pub addresses: usize,
    /// The most costly addresses, in the same way.
    pub costly_addresses: Vec<(String, usize, usize)>,
}

/// So many of a kind are named.
const NAMED: usize = 3;

/// What the octets of the HTML part are spent on.
pub fn costs(case: &LetterContext<'_>) -> Costs {
    let html: String = case
        .rendered
        .html
        .pieces
        .iter()
        .map(|piece| match piece {
            Piece::Literal(text) => text.as_str(),
            Piece::Open { .. } => "…",
        })
        .collect();
    let mut blocks: Vec<_> = case
        .blocks
        .iter()
        .filter(|(span, _)| !span.is_empty())
        .map(|(span, octets)| (case.issue.source.position(span.start).line, *octets))
        .collect();
    blocks.sort_by_key(|(line, octets)| (std::cmp::Reverse(*octets), *line));
    blocks.truncate(NAMED);
    let (styles, costly_styles) = spent(&html, &["style=\""]);
    let (addresses, costly_addresses) = spent(&html, &["href=\"", "src=\""]);
    let sheets: usize = html
        .split("<style")
        .skip(1)
        .map(|rest| encoded(rest.split("</style>").next().unwrap_or_default()))
        .sum();
    Costs { blocks, styles: styles + sheets, costly_styles, addresses, costly_addresses }
}

/// Octets in some attributes, and the values that cost most of them.
fn spent(html: &str, attributes: &[&str]) -> (usize, Vec<(String, usize, usize)>) {
    let mut values: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for value in attributes.iter().flat_map(|attribute| html.split(attribute).skip(1)) {
        let value = value.split('"').next().unwrap_or_default();
        let (times, octets) = values.entry(value).or_default();
        *times += 1;
        *octets += encoded(value);
    }
    let total = values.values().map(|(_, octets)| octets).sum();
    let mut costly: Vec<_> =
        values.into_iter().map(|(value, (times, octets))| (value.to_owned(), times, octets)).collect();
    costly.sort_by_key(|(_, _, octets)| std::cmp::Reverse(*octets));
    costly.truncate(NAMED);
    (total, costly)
}

pub(super) fn check(case: &LetterContext<'_>, found: &mut Diagnostics) {
    let octets = html_octets(case);
    if octets <= TIGHT {
        return;
    }
    let mut shares = budget(case);
    shares.sort_by_key(|share| std::cmp::Reverse(share.octets));
    let largest: Vec<_> = shares
        .iter()
        .take(3)
        .map(|share| format!("{} {:.1} KB", share.section, share.octets as f64 / 1e3))
        .collect();
    let help =
        format!("the most costly: {}; move a section to the web, or to the next issue", largest.join(", "));
    let kilobytes = octets as f64 / 1e3;
    if CLIP < octets {
        let message = format!("the HTML part has {kilobytes:.0} KB, and Gmail hides what comes after 102 KB");
        found.push(case.find("M401", 0..0, message, help));
    } else {
        let message = format!("the HTML part has {kilobytes:.0} KB of the 102 KB that Gmail shows");
        found.push(case.find("M402", 0..0, message, help));
    }
}

#[cfg(test)]
mod tests {
    use super::spent;

    #[test]
    fn what_stands_often_or_is_long_is_named_first() {
        let html = "<p style=\"a:b\"><p style=\"a:b\"><p style=\"colour:red\"><a href=\"https://e.org\" style=\"a:b\">";
        let (total, costly) = spent(html, &["style=\""]);
        assert_eq!(total, 19);
        assert_eq!(costly, [("colour:red".to_owned(), 1, 10), ("a:b".to_owned(), 3, 9)]);
    }
}
