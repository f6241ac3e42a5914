//! Containers around links: resources, buttons, polls, share rows, contents.

use super::element::{Built, Container, stranger};
use crate::{
    issue::{
        context::Context,
        convention::as_button,
        document::{
            Block, BlockKind, Button, ContentsEntry, Inline, Inlines, Item, Resource, lines, push_inline,
        },
    },
    source::Span,
};

pub(super) fn resources(context: &mut Context<'_>, mut container: Container) -> Built {
    const HELP: &str = "write one link to each item: `- [paper] [Title](https://…) what it is about`";
    let mut resources = Vec::new();
    for block in container.take_blocks(context) {
        match block.kind {
            BlockKind::List { items, .. } => {
                for item in items {
                    if let Some(resource) = resource_of_item(context, item, &block.span) {
                        resources.push(resource);
                    }
                }
            }
            BlockKind::Paragraph(words) => match resource(context, words) {
                Ok(resource) => resources.push(resource),
                Err(words) => {
                    let block = Block { span: block.span, kind: BlockKind::Paragraph(words) };
                    stranger(context, &block, "resources", HELP);
                }
            },
            _ => stranger(context, &block, "resources", HELP),
        }
    }
    if resources.is_empty() {
        container.wrong(context, "`::: resources` has no links", HELP);
        return Err(Vec::new());
    }
    Ok(BlockKind::Resources(resources))
}

/// The first paragraph holds the link; the others are more of the blurb.
fn resource_of_item(context: &mut Context<'_>, item: Item, list: &Span) -> Option<Resource> {
    let span = item.blocks.first().map_or_else(|| list.clone(), |block| block.span.clone());
    let mut blocks = item.blocks.into_iter();
    let words = match blocks.next().map(|block| block.kind) {
        Some(BlockKind::Paragraph(words)) => words,
        _ => Inlines::new(),
    };
    let mut found = match resource(context, words) {
        Ok(found) => found,
        Err(_) => {
            context.error(
                "M133",
                span,
                "this item has no link",
                "write one link to each item: `- [paper] [Title](https://…) what it is about`",
            );
            return None;
        }
    };
    for block in blocks {
        match block.kind {
            BlockKind::Paragraph(words) => {
                if !found.blurb.is_empty() {
                    push_inline(&mut found.blurb, Inline::LineBreak);
                }
                words.into_iter().for_each(|word| push_inline(&mut found.blurb, word));
            }
            _ => stranger(context, &block, "resources", "an item is a link and a few words"),
        }
    }
    Some(found)
}

/// `[kind] [Title](url) blurb`, `**[Title](url)**: blurb`, `[Title](url){kind=paper} — blurb`.
fn resource(context: &mut Context<'_>, words: Inlines) -> Result<Resource, Inlines> {
    let is_link = |word: &Inline| match word {
        Inline::Link { .. } => true,
        Inline::Strong(inner) | Inline::Emphasis(inner) => matches!(inner.as_slice(), [Inline::Link { .. }]),
        _ => false,
    };
    let Some(at) = words.iter().position(is_link) else { return Err(words) };
    let mut words = words;
    let rest = words.split_off(at + 1);
    let (url, title, place) = match words.pop() {
        Some(Inline::Link { url, content, span, .. }) => (url, content, span.start),
        Some(Inline::Strong(mut inner) | Inline::Emphasis(mut inner)) => match inner.pop() {
            Some(Inline::Link { url, content, span, .. }) => (url, content, span.start),
            _ => return Err(words),
        },
        _ => return Err(words),
    };
    let mut kind = context
        .extras
        .get(&place)
        .and_then(|extra| extra.attributes.key("kind"))
        .map(|span| context.source.text()[span].trim().to_owned());
    let mut blurb = Inlines::new();
    for word in words {
        match word {
            Inline::Text(text) => {
                let trimmed = text.trim();
                let marked = trimmed.strip_prefix('[').and_then(|inner| inner.split_once(']'));
                match marked {
                    Some((word, after)) if kind.is_none() && !word.is_empty() => {
                        kind = Some(word.trim().to_owned());
                        push_inline(&mut blurb, Inline::Text(after.trim_start().to_owned()));
                    }
                    _ if trimmed.is_empty() => {}
                    _ => push_inline(&mut blurb, Inline::Text(text)),
                }
            }
            Inline::SoftBreak => {}
            word => push_inline(&mut blurb, word),
        }
    }
    let mut rest = rest.into_iter().peekable();
    // The mark between a title and its blurb is no part of either.
    if blurb.is_empty() {
        while let Some(Inline::SoftBreak | Inline::LineBreak) = rest.peek() {
            rest.next();
        }
        if let Some(Inline::Text(text)) = rest.peek_mut() {
            let words = text.trim_start().trim_start_matches([':', '—', '–', '-', '·', '|']).trim_start();
            *text = words.to_owned();
        }
        while let Some(Inline::SoftBreak | Inline::LineBreak) = rest.peek() {
            rest.next();
        }
    }
    rest.filter(|word| !matches!(word, Inline::Text(text) if text.is_empty()))
        .for_each(|word| push_inline(&mut blurb, word));
    Ok(Resource { url, title, kind: kind.filter(|kind| !kind.is_empty()), blurb })
}

/// The links of a paragraph or a list item, when there is nothing else.
fn all_links(context: &Context<'_>, words: &[Inline]) -> Option<Vec<Button>> {
    words
        .iter()
        .filter(|word| match word {
            Inline::SoftBreak | Inline::LineBreak => false,
            Inline::Text(text) => !text.trim_matches([' ', '|', '·', '•', ',', '/', '\u{a0}']).is_empty(),
            _ => true,
        })
        .map(|word| as_button(context, word))
        .collect::<Option<Vec<_>>>()
        .filter(|buttons| !buttons.is_empty())
}

/// Links in buttons, paragraphs and lists are taken; the other blocks are given back.
fn take_links(context: &mut Context<'_>, blocks: Vec<Block>, name: &str) -> (Vec<Button>, Vec<Block>) {
    let mut buttons = Vec::new();
    let mut others = Vec::new();
    for block in blocks {
        match block.kind {
            BlockKind::Buttons(found) => buttons.extend(found),
            BlockKind::List { items, .. } => {
                for item in items {
                    for block in item.blocks {
                        let found = match &block.kind {
                            BlockKind::Paragraph(words) => all_links(context, words),
                            BlockKind::Buttons(found) => Some(found.clone()),
                            _ => None,
                        };
                        match found {
                            Some(found) => buttons.extend(found),
                            None => context.error(
                                "M133",
                                block.span,
                                format!("an item of `::: {name}` is not a link"),
                                "write each as `- [words](https://…)`",
                            ),
                        }
                    }
                }
            }
            BlockKind::Paragraph(words) => match all_links(context, &words) {
                Some(found) => buttons.extend(found),
                None => others.push(Block { span: block.span, kind: BlockKind::Paragraph(words) }),
            },
            _ => others.push(block),
        }
    }
    (buttons, others)
}

pub(super) fn buttons(context: &mut Context<'_>, mut container: Container) -> Built {
    const HELP: &str = "write each button as `[words](https://…)`";
    let blocks = container.take_blocks(context);
    let (buttons, others) = take_links(context, blocks, "buttons");
    others.iter().for_each(|block| stranger(context, block, "buttons", HELP));
    if buttons.is_empty() {
        if others.is_empty() {
            container.wrong(context, "`::: buttons` has no links", HELP);
        }
        return Err(others);
    }
    Ok(BlockKind::Buttons(buttons))
}

pub(super) fn poll(context: &mut Context<'_>, mut container: Container) -> Built {
    let question_span = container.text("question");
    let mut question = container.words(context, question_span);
    let blocks = container.take_blocks(context);
    let (answers, others) = take_links(context, blocks, "poll");
    for block in others {
        match block.kind {
            BlockKind::Paragraph(words) if question.is_none() => question = Some(words),
            BlockKind::Heading { content, .. } if question.is_none() => question = Some(content),
            _ => stranger(context, &block, "poll", "a poll is one question and a list of links as answers"),
        }
    }
    if answers.len() < 2 {
        container.wrong(
            context,
            if answers.is_empty() { "this poll has no answers" } else { "this poll has only one answer" },
            "write each answer as `- [words](https://…)`",
        );
    }
    let Some(question) = question else {
        container.wrong(context, "this poll has no question", "write it in a paragraph above the answers");
        return Err(Vec::new());
    };
    Ok(BlockKind::Poll { question, answers })
}

pub(super) fn share(context: &mut Context<'_>, mut container: Container) -> Built {
    let blocks = container.take_blocks(context);
    let (links, blocks) = take_links(context, blocks, "share");
    if links.is_empty() && blocks.is_empty() {
        container.wrong(context, "`::: share` is empty", "write a call and links: `[Share it](https://…)`");
        return Err(blocks);
    }
    Ok(BlockKind::Share { blocks, links })
}

/// The depth stays 0 here when it is not given; the headings decide then.
pub(super) fn contents(context: &mut Context<'_>, mut container: Container) -> Built {
    let title_span = container.text("title");
    let title = container.words(context, title_span);
    let depth = container.arguments.key("depth").map_or(0, |span| {
        let text = context.text(&span).to_owned();
        match text.parse::<u8>() {
            Ok(depth @ 1..=6) => depth,
            _ => {
                context.error("M134", span, format!("invalid depth `{text}`"), "write a level from 1 to 6");
                0
            }
        }
    });
    let mut entries = Vec::new();
    for block in container.take_blocks(context) {
        match block.kind {
            BlockKind::List { items, .. } => own_entries(context, items, 2, &mut entries),
            _ => stranger(
                context,
                &block,
                "toc",
                "leave it empty to list the headings, or write a list of your own",
            ),
        }
    }
    Ok(BlockKind::Contents { title, depth, entries })
}

/// The author's own list, one level for each list within a list.
fn own_entries(context: &mut Context<'_>, items: Vec<Item>, level: u8, entries: &mut Vec<ContentsEntry>) {
    for item in items {
        for block in item.blocks {
            match block.kind {
                BlockKind::Paragraph(words) => {
                    for content in lines(words) {
                        let anchor = match content.as_slice() {
                            [Inline::Link { url, .. }] => {
                                url.to_string().strip_prefix('#').map(str::to_owned)
                            }
                            _ => None,
                        };
                        let content = match (anchor.is_some(), content) {
                            (true, mut content) => match content.pop() {
                                Some(Inline::Link { content, .. }) => content,
                                _ => Inlines::new(),
                            },
                            (false, content) => content,
                        };
                        entries.push(ContentsEntry { level, anchor, content });
                    }
                }
                BlockKind::List { items, .. } => own_entries(context, items, (level + 1).min(6), entries),
                _ => stranger(context, &block, "toc", "an entry is a line of words"),
            }
        }
    }
}
