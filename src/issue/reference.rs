//! Links by reference, `[words][label]`, whose label has no address: readers would see the brackets.

use pulldown_cmark::{BrokenLink, CowStr, LinkType, Parser};

use super::{context::Context, extensions::extensions};
use crate::source::Span;

/// A parser that notes such links in a list, by their places in the text. `[label]` alone is left alone: people write
/// brackets.
pub(super) fn parser<'t>(
    text: &'t str,
    broken: &mut Vec<Span>,
) -> Parser<'t, impl FnMut(BrokenLink<'t>) -> Option<(CowStr<'t>, CowStr<'t>)>> {
    let note = |link: BrokenLink<'t>| {
        let is_index = text[..link.span.start].ends_with(|c: char| c.is_alphanumeric());
        if matches!(link.link_type, LinkType::Reference | LinkType::Collapsed) && !is_index {
            broken.push(link.span);
        }
        None
    };
    Parser::new_with_broken_link_callback(text, extensions(), Some(note))
}

/// Reports them.
pub(super) fn report(context: &mut Context<'_>, mut broken: Vec<Span>, base: usize) {
    broken.sort_by_key(|span| (span.start, span.end));
    broken.dedup();
    for span in broken {
        let span = base + span.start..base + span.end;
        let words = context.text(&span);
        let label = words.trim_end_matches(']').rsplit('[').find(|label| !label.trim().is_empty());
        let label = label.unwrap_or_default().trim_end_matches(']').trim().to_owned();
        context.warn(
            "M163",
            span,
            format!("nothing says where `{label}` leads, so readers see the brackets"),
            format!(
                "add a line `[{label}]: https://…` of its own, or write `\\[` for a bracket that is meant"
            ),
        );
    }
}
