//! Containers around pictures and things that live elsewhere: figures, galleries, cards, videos, posts, authors.

use super::element::{Built, Container, stranger};
use crate::{
    issue::{
        attributes::checks::width,
        context::Context,
        convention::{self, figures, is_blank},
        document::{Block, BlockKind, Card, Figure, Image, Inline, Inlines, Post, Video, lines, plain},
        inline::credit,
        placeholder::Phrase,
    },
    source::Span,
};

impl Container {
    /// A picture named in an argument.
    fn picture(&self, context: &mut Context<'_>, key: &str) -> Option<Image> {
        let span = self.arguments.key(key)?;
        let source = self.plain(context, Some(span.clone()))?;
        let alt_span = self.arguments.key("alt");
        let alt = self.words(context, alt_span).map(|words| plain(&words)).unwrap_or_default();
        Some(Image { source, alt, width: None, span })
    }
}

/// Pictures at the beginning of a paragraph are taken off it, so that `![…](…)` and its caption can share one.
fn split_pictures(context: &mut Context<'_>, blocks: Vec<Block>) -> Vec<Block> {
    let mut out = Vec::new();
    for block in blocks {
        let Block { span, kind: BlockKind::Paragraph(words) } = block else {
            out.push(block);
            continue;
        };
        let lines = lines(words);
        let mut rest = Inlines::new();
        for line in lines {
            match figures(context, &line).filter(|found| !found.is_empty()) {
                Some(found) => out.extend(found.into_iter().map(|mut figure| {
                    figure.credit = credit(context, &figure.image);
                    Block { span: figure.image.span.clone(), kind: BlockKind::Figure(figure) }
                })),
                None => {
                    if !rest.is_empty() {
                        rest.push(Inline::SoftBreak);
                    }
                    rest.extend(line);
                }
            }
        }
        if !rest.is_empty() {
            out.push(Block { span, kind: BlockKind::Paragraph(rest) });
        }
    }
    out
}

pub(super) fn figure(context: &mut Context<'_>, mut container: Container) -> Built {
    let blocks = container.take_blocks(context);
    let blocks = split_pictures(context, blocks);
    let mut figure: Option<Figure> = container.picture(context, "src").map(|image| Figure {
        image,
        caption: None,
        credit: None,
        link: None,
    });
    let positional = container.arguments.positional.first().cloned();
    let mut caption = container.words(context, positional);
    let second = |context: &mut Context<'_>, span: Span| {
        context.error(
            "M133",
            span,
            "this figure has two captions",
            "keep one: the picture's title, the text in quotes, or the paragraph below the picture",
        );
    };
    for block in blocks {
        match block.kind {
            BlockKind::Figure(found) if figure.is_none() => {
                if caption.is_some() && found.caption.is_some() {
                    second(context, found.image.span.clone());
                }
                caption = caption.or_else(|| found.caption.clone());
                figure = Some(found);
            }
            BlockKind::Figure(found) => context.error(
                "M133",
                found.image.span,
                "this figure has two pictures",
                "keep one, or use `::: gallery` for several",
            ),
            BlockKind::Gallery(_) => container.wrong(
                context,
                "this figure has several pictures",
                "keep one, or use `::: gallery` for several",
            ),
            BlockKind::Paragraph(words) => {
                if caption.is_some() {
                    second(context, block.span);
                } else {
                    caption = Some(words);
                }
            }
            _ => stranger(context, &block, "figure", "a figure is one picture and a caption"),
        }
    }
    let Some(mut figure) = figure else {
        container.wrong(
            context,
            "this figure has no picture",
            "write `![alternative text](picture.png)` in it",
        );
        return Err(Vec::new());
    };
    figure.caption = caption;
    let credit_span = container.arguments.key("credit");
    figure.credit = container.words(context, credit_span).or(figure.credit);
    figure.link = container.address(context, "link").or(figure.link);
    if let Some(span) = container.arguments.key("width") {
        figure.image.width = width(context, span);
    }
    Ok(BlockKind::Figure(figure))
}

pub(super) fn gallery(context: &mut Context<'_>, mut container: Container) -> Built {
    let mut found = Vec::new();
    for block in container.take_blocks(context) {
        let blocks = match block.kind {
            BlockKind::List { items, .. } => items.into_iter().flat_map(|item| item.blocks).collect(),
            _ => vec![block],
        };
        for block in split_pictures(context, blocks) {
            match block.kind {
                BlockKind::Figure(figure) => found.push(figure),
                BlockKind::Gallery(figures) => found.extend(figures),
                _ => stranger(
                    context,
                    &block,
                    "gallery",
                    "a gallery has pictures only; a picture's title is its caption: `![alt](a.png \"caption\")`",
                ),
            }
        }
    }
    if found.is_empty() {
        container.wrong(
            context,
            "this gallery has no pictures",
            "write `![alternative text](picture.png)` in it",
        );
        return Err(Vec::new());
    }
    Ok(BlockKind::Gallery(found))
}

/// The only link of a line, with nothing around it.
fn lone_link(words: &[Inline]) -> Option<(Phrase, Inlines)> {
    match words {
        [Inline::Link { url, content, .. }] => Some((url.clone(), content.clone())),
        [Inline::Strong(inner) | Inline::Emphasis(inner)] => lone_link(inner),
        _ => None,
    }
}

/// The first link in words.
fn first_link(words: &[Inline]) -> Option<Phrase> {
    words.iter().find_map(|word| match word {
        Inline::Link { url, .. } => Some(url.clone()),
        Inline::Strong(inner) | Inline::Emphasis(inner) | Inline::Strikethrough(inner) => first_link(inner),
        _ => None,
    })
}

pub(super) fn card(context: &mut Context<'_>, mut container: Container) -> Built {
    let mut url = container.address(context, "url");
    let title_span = container.text("title");
    let mut title = container.words(context, title_span);
    let mut image = container.picture(context, "image");
    let mut blocks = Vec::new();
    let inner = container.take_blocks(context);
    for block in split_pictures(context, inner) {
        match block.kind {
            BlockKind::Figure(figure) if image.is_none() => {
                url = url.or(figure.link);
                image = Some(figure.image);
            }
            BlockKind::Figure(_) | BlockKind::Gallery(_) => context.error(
                "M133",
                block.span,
                "this card has two pictures",
                "a card has one; use `::: columns` with a card in each for several",
            ),
            BlockKind::Heading { content, .. } if title.is_none() && blocks.is_empty() => {
                url = url.or_else(|| first_link(&content));
                title = Some(lone_link(&content).map_or(content, |(_, words)| words));
            }
            BlockKind::Paragraph(words) if blocks.is_empty() && (title.is_none() || url.is_none()) => {
                let mut lines = lines(words.clone());
                match lines.first().and_then(|line| lone_link(line)) {
                    Some((target, text)) if title.is_none() || url.is_none() => {
                        url = url.or(Some(target));
                        if title.is_none() {
                            title = Some(text);
                        }
                        lines.remove(0);
                        let mut rest = Inlines::new();
                        for line in lines {
                            if !rest.is_empty() {
                                rest.push(Inline::SoftBreak);
                            }
                            rest.extend(line);
                        }
                        if !rest.is_empty() {
                            blocks.push(Block { span: block.span, kind: BlockKind::Paragraph(rest) });
                        }
                    }
                    _ => blocks.push(Block { span: block.span, kind: BlockKind::Paragraph(words) }),
                }
            }
            kind => blocks.push(Block { span: block.span, kind }),
        }
    }
    // A button or a link further down says where the card leads, too.
    let url = url.or_else(|| {
        blocks.iter().find_map(|block| match &block.kind {
            BlockKind::Buttons(buttons) => buttons.first().map(|button| button.url.clone()),
            BlockKind::Paragraph(words) => first_link(words),
            _ => None,
        })
    });
    let (Some(url), Some(title)) = (url.clone(), title.clone()) else {
        let (what, help) = match (url, title) {
            (None, _) => (
                "link",
                "write `[Title](https://…)` as its first line, or `url=\"https://…\"` behind its name",
            ),
            _ => (
                "title",
                "write `[Title](https://…)` as its first line, or a title in quotes behind its name",
            ),
        };
        container.wrong(context, format!("this card has no {what}"), help);
        return Err(blocks);
    };
    Ok(BlockKind::Card(Card { url, title, image, blocks }))
}

pub(super) fn video(context: &mut Context<'_>, mut container: Container) -> Built {
    let positional = container.arguments.positional.first().cloned();
    let positional = container.plain(context, positional);
    let url_span = container.arguments.key("url");
    let mut url = container.plain(context, url_span);
    let title_span = container.arguments.key("title");
    let mut title = container.plain(context, title_span);
    match positional {
        Some(text) if text.starts_with("https://") || text.starts_with("http://") => url = url.or(Some(text)),
        Some(text) => title = title.or(Some(text)),
        None => {}
    }
    let caption_span = container.arguments.key("caption");
    let mut video = Video {
        url: String::new(),
        title,
        still: container.picture(context, "still"),
        caption: container.words(context, caption_span),
    };
    let inner = container.take_blocks(context);
    for block in split_pictures(context, inner) {
        match block.kind {
            BlockKind::Video(found) if url.is_none() => url = Some(found.url),
            BlockKind::Figure(figure) if video.still.is_none() => {
                url = url.or_else(|| figure.link.map(|link| link.to_string()));
                video.caption = video.caption.or(figure.caption);
                video.still = Some(figure.image);
            }
            BlockKind::Paragraph(words) => match lone_link(&words) {
                Some((target, text)) if url.is_none() => {
                    let shown = plain(&text).to_string();
                    url = Some(target.to_string());
                    if video.title.is_none() && Some(&shown) != url.as_ref() {
                        video.title = Some(shown);
                    }
                }
                _ if video.caption.is_none() => video.caption = Some(words),
                _ => context.error(
                    "M133",
                    block.span,
                    "this video has two captions",
                    "keep one: `caption=`, the still's title, or one paragraph",
                ),
            },
            _ => stranger(context, &block, "video", "a video is an address, a still and a caption"),
        }
    }
    let Some(url) = url else {
        container.wrong(
            context,
            "this video has no address",
            "write it on a line of its own, or as `url=\"https://…\"`",
        );
        return Err(Vec::new());
    };
    if url.contains("{{") {
        container.wrong(context, "the address of a video cannot hold a placeholder", "write it out");
    }
    Ok(BlockKind::Video(Video { url, ..video }))
}

pub(super) fn post(context: &mut Context<'_>, mut container: Container) -> Built {
    let positional = container.arguments.positional.first().cloned();
    let url_span = container.arguments.key("url");
    let mut url = container.plain(context, url_span.or(positional));
    let argument = |context: &mut Context<'_>, key: &str| {
        let span = container.arguments.key(key);
        container.plain(context, span)
    };
    let author = argument(context, "author");
    let handle = argument(context, "handle");
    let date = argument(context, "date");
    let mut post = Post {
        author,
        handle,
        date,
        image: container.picture(context, "image"),
        ..convention::post(String::new())
    };
    let inner = container.take_blocks(context);
    let mut blocks: Vec<Block> = split_pictures(context, inner)
        .into_iter()
        .filter_map(|block| match block.kind {
            BlockKind::Post(found) if url.is_none() => {
                url = Some(found.url);
                None
            }
            BlockKind::Figure(figure) if post.image.is_none() => {
                post.image = Some(figure.image);
                None
            }
            kind => Some(Block { span: block.span, kind }),
        })
        .collect();
    // Quoted words, signed, are what people paste.
    if let [Block { kind: BlockKind::Quote(_), .. }] = blocks.as_slice()
        && let Some(Block { kind: BlockKind::Quote(quote), .. }) = blocks.pop()
    {
        blocks = quote.blocks;
        if let Some(by) = quote.by {
            match post.author {
                None => post.author = Some(plain(&by).to_string()),
                Some(_) => {
                    blocks.push(Block { span: container.line.clone(), kind: BlockKind::Paragraph(by) })
                }
            }
        }
    }
    let Some(url) = url else {
        container.wrong(
            context,
            "this post has no address",
            "write it on a line of its own, or as `url=\"https://…\"`",
        );
        return Err(blocks);
    };
    Ok(BlockKind::Post(Post { url, blocks, ..post }))
}

pub(super) fn author(context: &mut Context<'_>, mut container: Container) -> Built {
    let name_span = container.text("name");
    let mut name = container.plain(context, name_span);
    let url = container.address(context, "url").filter(|url| !is_blank(url));
    let mut picture = container.picture(context, "picture");
    let mut blocks = Vec::new();
    let inner = container.take_blocks(context);
    for block in split_pictures(context, inner) {
        match block.kind {
            BlockKind::Figure(figure) if picture.is_none() => picture = Some(figure.image),
            BlockKind::Heading { content, .. } if name.is_none() => name = Some(plain(&content).to_string()),
            kind => blocks.push(Block { span: block.span, kind }),
        }
    }
    let Some(name) = name else {
        container.wrong(
            context,
            "this author has no name",
            "write it in quotes: `::: author \"Ada Lovelace\"`",
        );
        return Err(blocks);
    };
    Ok(BlockKind::Author { name, picture, url, blocks })
}
