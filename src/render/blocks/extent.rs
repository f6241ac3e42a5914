//! How much there is to read: words and links.

use crate::issue::document::{Block, BlockKind, BlockPart, Document, Inline, each_inline};

/// The words and the links of a document.
pub(crate) fn extent(document: &Document) -> (usize, usize) {
    count(&document.blocks)
}

/// The links from a heading, given by its place in the document, to the next one of its level or above.
pub(super) fn links_below(document: &Document, heading: usize) -> usize {
    let level = |block: &Block| match block.kind {
        BlockKind::Heading { level, .. } => Some(level),
        _ => None,
    };
    let Some(own) = document.blocks.get(heading).and_then(level) else { return 0 };
    let below = &document.blocks[heading + 1..];
    let end = below.iter().position(|block| level(block).is_some_and(|level| level <= own));
    count(&below[..end.unwrap_or(below.len())]).1
}

fn count(blocks: &[Block]) -> (usize, usize) {
    let (mut words, mut links) = (0, 0);
    for block in blocks {
        block.parts(&mut |part| match part {
            BlockPart::Words(run) => {
                each_inline(run, &mut |inline| match inline {
                    Inline::Text(text) => words += length(text),
                    Inline::Link { .. } => links += 1,
                    _ => {}
                });
            }
            BlockPart::Link(_, run) => {
                links += 1;
                each_inline(run, &mut |inline| {
                    if let Inline::Text(text) = inline {
                        words += length(text);
                    }
                });
            }
            BlockPart::Image(_, Some(_)) | BlockPart::Embed(..) => links += 1,
            BlockPart::Blocks(inner) => {
                let (more, others) = count(inner);
                words += more;
                links += others;
            }
            _ => {}
        });
    }
    (words, links)
}

/// Words in a text; two characters of a script without spaces take as long as a word.
fn length(text: &str) -> usize {
    let is_wide = |c: &char| matches!(u32::from(*c), 0x2E80..=0x9FFF | 0xAC00..=0xD7A3 | 0x2_0000..=0x3_FFFF);
    text.split_whitespace().filter(|word| !word.chars().any(|c| is_wide(&c))).count()
        + text.chars().filter(is_wide).count().div_ceil(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{issue::Issue, source::Source};

    #[test]
    fn links_and_words_are_counted_where_they_are() {
        let text = "Two words.\n\n## One\n\n- [a b](https://example.org/a)\n- [c](https://example.org/c)\n\n### In it\n\n\
                    [d](https://example.org/d)\n\n## Two\n\n[e](https://example.org/e)\n";
        let issue = Issue::read(Source::new("issue.md", text), "en");
        let document = &issue.document;
        assert_eq!(extent(document), (11, 4));
        let links: Vec<usize> = (0..document.blocks.len()).map(|at| links_below(document, at)).collect();
        assert_eq!(links, [0, 3, 0, 1, 0, 1, 0]);
        assert_eq!(length("一二三四 two"), 3);
    }
}
