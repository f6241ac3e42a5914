//! The HTML part against Gmail's clip.

use super::{Case, facts::plain};
use crate::{issue::document::BlockKind, render::Piece, source::Diagnostics};

/// Gmail shows this much of a message's HTML part and hides the rest, the unsubscribe link with it.
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
pub(super) fn html_octets(case: &Case<'_>) -> usize {
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
pub fn budget(case: &Case<'_>) -> Vec<Share> {
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
    shares.extend(sections.into_iter().filter(|section| 0 < section.octets));
    shares
}

pub(super) fn check(case: &Case<'_>, found: &mut Diagnostics) {
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
    let kilobytes = octets as f64 / 1024.0;
    if CLIP < octets {
        let message = format!("the HTML part has {kilobytes:.0} KB, and Gmail hides what comes after 102 KB");
        found.push(case.find("M401", 0..0, message, help));
    } else {
        let message = format!("the HTML part has {kilobytes:.0} KB of the 102 KB that Gmail shows");
        found.push(case.find("M402", 0..0, message, help));
    }
}
