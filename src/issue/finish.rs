//! What can be known only when the whole text is read: numbers of notes, anchors, contents, links within the letter.

use std::collections::{HashMap, HashSet};

use super::{
    context::Context,
    document::{
        Block, BlockKind, BlockPart, ContentsEntry, Document, Footnote, Inline, Inlines, each_inline, plain,
        push_inline,
    },
    html, leftover,
    placeholder::Part,
    walk::{each_block_mut, each_inline_mut, each_words_mut},
};
use crate::source::nearest;

/// A misspelt anchor is compared with this many others; no letter has more headings.
const COMPARED_MAX: usize = 1_000;

/// Makes a document of its blocks.
pub(super) fn document(context: &mut Context<'_>, mut blocks: Vec<Block>) -> Document {
    leftover::lonely_stars(context);
    html::end(context);
    let mut footnotes = number_notes(context, &mut blocks);
    let mut raw = HashSet::new();
    raw_anchors(&blocks, &mut raw);
    footnotes.iter().for_each(|note| raw_anchors(&note.blocks, &mut raw));
    let anchors = anchors(context, &mut blocks, raw);
    let entries = entries(&blocks);
    fill_contents(context, &mut blocks, &entries);
    check_links(context, &mut blocks, &anchors);
    for note in &mut footnotes {
        check_links(context, &mut note.blocks, &anchors);
    }
    Document { blocks, footnotes }
}

/// Numbers notes by their first mention; what is mentioned only within notes comes behind.
fn number_notes(context: &mut Context<'_>, blocks: &mut [Block]) -> Vec<Footnote> {
    let labels: Vec<String> = context.notes.labels.iter().map(|label| label.to_lowercase()).collect();
    let mut notes: HashMap<String, Footnote> = HashMap::new();
    for (note, span) in std::mem::take(&mut context.notes.written) {
        let key = note.label.to_lowercase();
        let line = context.first_line(&span);
        if notes.contains_key(&key) {
            context.warn(
                "M152",
                line,
                format!("the note `{}` is written twice", note.label),
                "keep one, or give the second another name; the first one counts",
            );
            continue;
        }
        if !context.notes.is_mentioned(&key) {
            context.warn(
                "M151",
                line,
                format!("the note `{}` is never mentioned", note.label),
                format!(
                    "put `[^{}]` where it belongs, or take the note out; readers do not see it",
                    note.label
                ),
            );
            continue;
        }
        notes.insert(key, note);
    }
    let mut numbers: HashMap<usize, usize> = HashMap::new();
    let mut order: Vec<usize> = Vec::new();
    assign(blocks, &mut numbers, &mut order);
    let mut footnotes: Vec<Footnote> = Vec::new();
    while footnotes.len() < order.len() {
        let label = order[footnotes.len()];
        let missing = || Footnote { label: context.notes.labels[label].clone(), blocks: Vec::new() };
        let mut note = notes.remove(&labels[label]).unwrap_or_else(missing);
        assign(&mut note.blocks, &mut numbers, &mut order);
        footnotes.push(note);
    }
    footnotes
}

fn assign(blocks: &mut [Block], numbers: &mut HashMap<usize, usize>, order: &mut Vec<usize>) {
    for block in blocks {
        each_words_mut(block, &mut |words| {
            each_inline_mut(words, &mut |inline| {
                if let Inline::Footnote(label) = inline {
                    *label = *numbers.entry(*label).or_insert_with(|| {
                        order.push(*label);
                        order.len()
                    });
                }
            });
        });
    }
}

/// Gives every heading an anchor of its own.
fn anchors(context: &mut Context<'_>, blocks: &mut [Block], raw: HashSet<String>) -> HashSet<String> {
    let mut used = HashSet::new();
    each_block_mut(blocks, &mut |block| {
        if let BlockKind::Heading { anchor, .. } = &mut block.kind
            && !anchor.is_empty()
            && !used.insert(anchor.clone())
        {
            context.error(
                "M160",
                block.span.clone(),
                format!("the anchor `{anchor}` is given twice"),
                "give each heading an `{#anchor}` of its own, or none",
            );
        }
    });
    used.extend(raw);
    let mut next: HashMap<String, usize> = HashMap::new();
    each_block_mut(blocks, &mut |block| {
        let BlockKind::Heading { anchor, content, .. } = &mut block.kind else { return };
        if !anchor.is_empty() {
            return;
        }
        let slug = slug(content);
        let count = next.entry(slug.clone()).or_insert(0);
        loop {
            let candidate = if *count == 0 { slug.clone() } else { format!("{slug}-{count}") };
            *count += 1;
            if used.insert(candidate.clone()) {
                *anchor = candidate;
                return;
            }
        }
    });
    used
}

/// The places that raw HTML gives a name to.
fn raw_anchors(blocks: &[Block], anchors: &mut HashSet<String>) {
    for block in blocks {
        block.parts(&mut |part| match part {
            BlockPart::Html(markup) => anchors.extend(html::anchors(&markup.to_string())),
            BlockPart::Words(words) | BlockPart::Link(_, words) => each_inline(words, &mut |inline| {
                if let Inline::Html(tag) = inline {
                    anchors.extend(html::anchors(tag));
                }
            }),
            BlockPart::Blocks(inner) => raw_anchors(inner, anchors),
            _ => {}
        });
    }
}

/// A heading's words as an anchor: lower case, hyphens for spaces, letters of any script, nothing else.
pub(super) fn slug(words: &[Inline]) -> String {
    let mut slug = String::new();
    let phrase = plain(words);
    let text = phrase.0.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        Part::Open(_) => None,
    });
    for c in text.flat_map(str::chars).flat_map(char::to_lowercase) {
        if c.is_alphanumeric() || c == '_' {
            slug.push(c);
        } else if (c.is_whitespace() || c == '-' || c == '–' || c == '—')
            && !slug.ends_with('-')
            && !slug.is_empty()
        {
            slug.push('-');
        }
        if slug.len() >= 100 {
            break;
        }
    }
    let slug = slug.trim_matches('-');
    if slug.is_empty() { "section".to_owned() } else { slug.to_owned() }
}

/// Every heading that is no quoted one, and not the letter's title.
fn entries(blocks: &[Block]) -> Vec<ContentsEntry> {
    let mut entries = Vec::new();
    let title = matches!(blocks.first(), Some(Block { kind: BlockKind::Heading { level: 1, .. }, .. }));
    collect(&blocks[usize::from(title)..], &mut entries);
    entries
}

fn collect(blocks: &[Block], entries: &mut Vec<ContentsEntry>) {
    for block in blocks {
        match &block.kind {
            BlockKind::Heading { level, anchor, content } => {
                let content = entry_words(content);
                if !content.is_empty() {
                    entries.push(ContentsEntry { level: *level, anchor: Some(anchor.clone()), content });
                }
            }
            // What is quoted, linked to or explained has headings of its own.
            BlockKind::Quote(_)
            | BlockKind::PullQuote(_)
            | BlockKind::Card(_)
            | BlockKind::Post(_)
            | BlockKind::Definitions(_)
            | BlockKind::Author { .. } => {}
            _ => block.parts(&mut |part| {
                if let BlockPart::Blocks(inner) = part {
                    collect(inner, entries);
                }
            }),
        }
    }
}

/// A heading's words for a line of the contents: no links in links, no notes, one line.
fn entry_words(words: &[Inline]) -> Inlines {
    let mut out = Inlines::new();
    for word in words {
        match word {
            Inline::Link { content, .. } => {
                entry_words(content).into_iter().for_each(|word| push_inline(&mut out, word));
            }
            Inline::Footnote(_) | Inline::Image(_) => {}
            Inline::LineBreak | Inline::SoftBreak => push_inline(&mut out, Inline::Text(" ".into())),
            Inline::Emphasis(inner) => out.push(Inline::Emphasis(entry_words(inner))),
            Inline::Strong(inner) => out.push(Inline::Strong(entry_words(inner))),
            Inline::Strikethrough(inner) => out.push(Inline::Strikethrough(entry_words(inner))),
            word => push_inline(&mut out, word.clone()),
        }
    }
    out
}

fn fill_contents(context: &mut Context<'_>, blocks: &mut [Block], headings: &[ContentsEntry]) {
    let shallowest = headings.iter().map(|entry| entry.level).min().unwrap_or(2);
    each_block_mut(blocks, &mut |block| {
        let BlockKind::Contents { depth, entries, .. } = &mut block.kind else { return };
        if *depth == 0 {
            *depth = shallowest.max(2);
        }
        if entries.is_empty() {
            entries.extend(headings.iter().filter(|entry| entry.level <= *depth).cloned());
        }
        if entries.is_empty() {
            context.warn(
                "M161",
                context.first_line(&block.span),
                "the contents are empty",
                "write headings (`## Heading`), a greater `depth=`, or a list of your own between the lines",
            );
        }
    });
}

/// Links to a place in the letter that does not exist.
fn check_links(context: &mut Context<'_>, blocks: &mut [Block], anchors: &HashSet<String>) {
    for block in blocks {
        each_words_mut(block, &mut |words| {
            each_inline_mut(words, &mut |inline| {
                let Inline::Link { url, span, .. } = inline else { return };
                let [Part::Text(url)] = url.0.as_slice() else { return };
                let Some(anchor) = url.strip_prefix('#').filter(|anchor| !anchor.is_empty()) else { return };
                if anchors.contains(anchor) || context.is_full() {
                    return;
                }
                let help = match nearest(anchor, anchors.iter().map(String::as_str).take(COMPARED_MAX)) {
                    Some(known) => format!("did you mean `#{known}`?"),
                    None => {
                        "anchors come from headings; give one a name with `## Heading {#name}`".to_owned()
                    }
                };
                context.warn("M162", span.clone(), format!("no heading has the anchor `{anchor}`"), help);
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_keep_letters_of_every_script() {
        for (text, expected) in [
            ("A year in review", "a-year-in-review"),
            ("🚀 What's new -- & next?", "whats-new-next"),
            ("Größe über alles", "größe-über-alles"),
            ("机器 学习", "机器-学习"),
            ("🎉", "section"),
            ("  1.2.3 release_notes ", "123-release_notes"),
        ] {
            assert_eq!(slug(&[Inline::Text(text.into())]), expected, "{text}");
        }
    }
}
