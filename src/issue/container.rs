//! `::: name` … `:::` among blocks become the blocks that Markdown lacks.

mod links;
mod media;
mod text;

use super::{
    attributes::{Attributes, arguments},
    document::{Block, BlockKind, Inline, Inlines},
    inline::unknown,
    reader::{Node, Reader},
    shield::{Marker, Shield},
};
use crate::{
    issue::Phrase,
    source::{Span, nearest},
};

/// The names of containers, and the arguments that each takes (`""` for a text in quotes).
const KNOWN: [(&str, &[&str]); 23] = [
    ("figure", &["", "credit", "width", "link", "alt", "src"]),
    ("gallery", &[]),
    ("columns", &[]),
    ("column", &[]),
    ("card", &["", "title", "url", "image", "alt"]),
    ("callout", &["", "title", "kind"]),
    ("note", &["", "title"]),
    ("tip", &["", "title"]),
    ("important", &["", "title"]),
    ("warning", &["", "title"]),
    ("caution", &["", "title"]),
    ("pullquote", &["", "by"]),
    ("video", &["", "url", "title", "still", "alt", "caption"]),
    ("post", &["", "url", "author", "handle", "date", "image", "alt"]),
    ("resources", &[]),
    ("buttons", &[]),
    ("sponsor", &["", "label"]),
    ("poll", &["", "question"]),
    ("share", &[]),
    ("toc", &["", "title", "depth"]),
    ("ps", &[]),
    ("signature", &[]),
    ("author", &["", "name", "url", "picture", "alt"]),
];

/// How many open containers a closing line is compared with: more than any text has.
const LOOKED_AT: usize = 50;

/// A container whose end has been found.
struct Container {
    name: &'static str,
    /// The name in its opening line.
    name_span: Span,
    arguments: Attributes,
    /// The opening line.
    line: Span,
    children: Vec<Node>,
}

/// A container whose end has not been found yet.
struct Open {
    marker: Marker,
    children: Vec<Node>,
}

/// Joins the blocks between container lines.
pub(super) fn resolve(reader: &mut Reader<'_>, nodes: Vec<Node>, shield: &Shield) -> Vec<Node> {
    if !nodes.iter().any(|node| matches!(node, Node::Marker(_))) {
        return nodes;
    }
    let mut open =
        vec![Open { marker: Marker { span: 0..0, colons: 0, closes: false }, children: Vec::new() }];
    for node in nodes {
        let marker = match node {
            Node::Marker(index) => shield.markers[index].clone(),
            node => {
                push(&mut open, node);
                continue;
            }
        };
        if !marker.closes {
            open.push(Open { marker, children: Vec::new() });
            continue;
        }
        if open.len() == 1 {
            reader.error(
                "M132",
                marker.span,
                "no container is open here",
                "take the line out, or write `::: name` above what it closes",
            );
            continue;
        }
        // Where an outer container has exactly as many colons, what is open within it was forgotten.
        let depth = open.len();
        let matching = (1..depth).rev().take(LOOKED_AT).find(|at| open[*at].marker.colons == marker.colons);
        let target = matching.unwrap_or(depth - 1);
        while open.len() > target + 1 {
            unclosed(reader, &mut open);
        }
        close(reader, &mut open, marker.span.end);
    }
    while open.len() > 1 {
        unclosed(reader, &mut open);
    }
    open.pop().map(|root| root.children).unwrap_or_default()
}

fn push(open: &mut [Open], node: Node) {
    open.last_mut().expect("the root stays open").children.push(node);
}

fn unclosed(reader: &mut Reader<'_>, open: &mut Vec<Open>) {
    let Some(last) = open.last() else { return };
    let words = reader.source.text()[last.marker.span.clone()].trim_start_matches(':').trim().to_owned();
    let name: String = words.chars().take_while(|c| !c.is_whitespace()).collect();
    let colons = ":".repeat(last.marker.colons);
    let end = last.children.last().map_or(last.marker.span.end, |node| match node {
        Node::Block(block, _) => block.span.end,
        Node::Column(span, ..) => span.end,
        Node::Marker(_) => 0,
    });
    reader.error(
        "M131",
        last.marker.span.clone(),
        format!("the container `{name}` is not closed"),
        format!("put a line with `{colons}` below its last block"),
    );
    close(reader, open, end);
}

/// The innermost container becomes a block of the one around it.
fn close(reader: &mut Reader<'_>, open: &mut Vec<Open>, end: usize) {
    let Some(Open { marker, children }) = open.pop() else { return };
    let span = marker.span.start..end.max(marker.span.end);
    let height = children
        .iter()
        .map(|node| match node {
            Node::Block(_, height) | Node::Column(_, _, height) => height + 1,
            Node::Marker(_) => 0,
        })
        .max()
        .unwrap_or(0);
    let Some(container) = header(reader, &marker, children) else {
        return;
    };
    let container = match container {
        Ok(container) if reader.fits(height, &span) => container,
        Ok(Container { children, .. }) | Err(children) => {
            children.into_iter().for_each(|child| push(open, child));
            return;
        }
    };
    if container.name == "column" {
        check_arguments(reader, &container);
        let blocks = container.blocks(reader);
        push(open, Node::Column(span, blocks, height));
        return;
    }
    check_arguments(reader, &container);
    // A container is its own block, and some put a paragraph of their own around words.
    match build(reader, container) {
        Ok(kind) => push(open, Node::Block(Block { span, kind }, height + 1)),
        Err(blocks) => blocks.into_iter().for_each(|block| push(open, Node::Block(block, height))),
    }
}

/// Reads an opening line; an unknown name gives the children back.
fn header(
    reader: &mut Reader<'_>,
    marker: &Marker,
    children: Vec<Node>,
) -> Option<Result<Container, Vec<Node>>> {
    let text = reader.source.text();
    let words = text[marker.span.clone()].trim_end_matches(':');
    let words_end = marker.span.start + words.trim_end().len();
    let after = marker.span.start + marker.colons;
    let rest = text.get(after..words_end.max(after)).unwrap_or_default();
    let start = after + rest.len() - rest.trim_start().len();
    let rest = rest.trim_start();
    // Pandoc's braces: the first class is the name.
    let braced = rest.strip_prefix('{').map(|inner| {
        let inner = inner.trim_start();
        inner.strip_prefix('.').unwrap_or(inner)
    });
    let name_text = braced.unwrap_or(rest);
    let name_start = start + rest.len() - name_text.len();
    let length =
        name_text.find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_'))).unwrap_or(name_text.len());
    let written = &name_text[..length];
    let name_span = name_start..name_start + length.max(1).min(words_end.saturating_sub(name_start).max(1));
    let normal = written.to_lowercase().replace(['-', '_'], "");
    let known = match normal.as_str() {
        "postscript" => "ps",
        "contents" | "tableofcontents" => "toc",
        "button" => "buttons",
        other => other,
    };
    let Some((name, _)) = KNOWN.iter().find(|(name, _)| *name == known) else {
        let help = match nearest(&normal, KNOWN.iter().map(|(name, _)| *name)) {
            Some(known) => format!("did you mean `::: {known}`?"),
            None => {
                let names: Vec<_> = KNOWN.iter().map(|(name, _)| *name).collect();
                format!("the containers are {}; write `\\:::` for colons that readers see", names.join(", "))
            }
        };
        let message = if written.is_empty() {
            "a container needs a name".to_owned()
        } else {
            format!("unknown container `{written}`")
        };
        reader.error("M130", name_span, message, help);
        return Some(Err(children));
    };
    let arguments = arguments(&name_text[length..], name_start + length);
    Some(Ok(Container { name, name_span, arguments, line: marker.span.clone(), children }))
}

fn check_arguments(reader: &mut Reader<'_>, container: &Container) {
    let known = KNOWN.iter().find(|(name, _)| *name == container.name).map_or(&[][..], |(_, known)| *known);
    let owner = format!("`::: {}`", container.name);
    let named: Vec<&str> = known.iter().copied().filter(|name| !name.is_empty()).collect();
    for key in container.arguments.keys.iter().filter(|key| !known.contains(&key.name.as_str())) {
        unknown(reader, &key.name, &owner, key.span.clone(), &named);
    }
    for (class, span) in &container.arguments.classes {
        unknown(reader, &format!(".{class}"), &owner, span.clone(), &[]);
    }
    let texts = usize::from(known.contains(&""));
    for span in container.arguments.positional.iter().skip(texts) {
        let text = reader.source.text()[span.clone()].to_owned();
        unknown(reader, &text, &owner, span.clone(), &named);
    }
}

/// `::: column` that is in no `::: columns`.
pub(super) fn column_outside(reader: &mut Reader<'_>, span: Span) {
    let line = span.start
        ..span.start + reader.source.text()[span].lines().next().unwrap_or_default().trim_end().len();
    reader.error(
        "M133",
        line,
        "a column is outside of `::: columns`",
        "put a line with `:::: columns` above the first column and one with `::::` below the last",
    );
}

/// A container's block; when it cannot be made, its blocks.
type Built = Result<BlockKind, Vec<Block>>;

fn build(reader: &mut Reader<'_>, container: Container) -> Built {
    match container.name {
        "figure" => media::figure(reader, container),
        "gallery" => media::gallery(reader, container),
        "columns" => text::columns(reader, container),
        "card" => media::card(reader, container),
        "video" => media::video(reader, container),
        "post" => media::post(reader, container),
        "resources" => links::resources(reader, container),
        "buttons" => links::buttons(reader, container),
        "poll" => links::poll(reader, container),
        "share" => links::share(reader, container),
        "toc" => links::contents(reader, container),
        "pullquote" => text::pullquote(reader, container),
        "sponsor" => text::sponsor(reader, container),
        "ps" => text::postscript(reader, container),
        "signature" => text::signature(reader, container),
        "author" => media::author(reader, container),
        _ => text::callout(reader, container),
    }
}

impl Container {
    /// The blocks between its lines.
    fn blocks(self, reader: &mut Reader<'_>) -> Vec<Block> {
        let mut blocks = Vec::new();
        for child in self.children {
            match child {
                Node::Block(block, _) => blocks.push(block),
                Node::Column(span, inner, _) => {
                    column_outside(reader, span);
                    blocks.extend(inner);
                }
                Node::Marker(_) => {}
            }
        }
        blocks
    }

    fn take_blocks(&mut self, reader: &mut Reader<'_>) -> Vec<Block> {
        let children = std::mem::take(&mut self.children);
        Self {
            name: self.name,
            name_span: self.name_span.clone(),
            arguments: Attributes::default(),
            line: self.line.clone(),
            children,
        }
        .blocks(reader)
    }

    /// The place of the text in quotes, or of the key that means the same.
    fn text(&self, key: &str) -> Option<Span> {
        self.arguments.positional.first().cloned().or_else(|| self.arguments.key(key))
    }

    /// The words of an argument.
    fn words(&self, reader: &mut Reader<'_>, span: Option<Span>) -> Option<Inlines> {
        span.map(|span| reader.words(span)).filter(|words| !words.is_empty())
    }

    /// The plain text of an argument.
    fn plain(&self, reader: &mut Reader<'_>, span: Option<Span>) -> Option<String> {
        let span = span?;
        let text = reader.source.text()[span.clone()].replace("\\\"", "\"").replace("\\'", "'");
        if text.contains("{{") {
            reader.error(
                "M208",
                span,
                format!("a placeholder is not allowed in this argument of `::: {}`", self.name),
                "it is needed when the issue is built, before there is a reader; write it out",
            );
        }
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// An address in an argument; it may hold placeholders.
    fn address(&self, reader: &mut Reader<'_>, key: &str) -> Option<Phrase> {
        let span = self.arguments.key(key)?;
        let phrase = Phrase::parse(reader.source, span, reader.diagnostics);
        (!phrase.is_empty()).then_some(phrase)
    }

    /// What is wrong with it, at its name.
    fn wrong(&self, reader: &mut Reader<'_>, message: impl Into<String>, help: impl Into<String>) {
        reader.error("M133", self.name_span.clone(), message, help);
    }
}

/// Something in a container that does not belong there.
fn stranger(reader: &mut Reader<'_>, block: &Block, owner: &str, help: &str) {
    let text = &reader.source.text()[block.span.clone()];
    let first = text.lines().next().unwrap_or_default().trim_end().len();
    let span = block.span.start..block.span.start + first;
    reader.error("M133", span, format!("{} does not belong in `::: {owner}`", name(&block.kind)), help);
}

fn name(kind: &BlockKind) -> &'static str {
    match kind {
        BlockKind::Heading { .. } => "a heading",
        BlockKind::Paragraph(_) => "a paragraph",
        BlockKind::List { .. } => "a list",
        BlockKind::Quote(_) => "a quote",
        BlockKind::Figure(_) | BlockKind::Gallery(_) => "a picture",
        BlockKind::Table { .. } => "a table",
        BlockKind::Code { .. } => "a code block",
        BlockKind::Math(_) => "a formula",
        BlockKind::Divider => "a divider",
        BlockKind::Buttons(_) => "a button",
        BlockKind::Video(_) => "a video",
        BlockKind::Post(_) => "a post",
        BlockKind::Html(_) => "raw HTML",
        _ => "this block",
    }
}

/// A paragraph's lines.
fn lines(words: Inlines) -> Vec<Inlines> {
    let mut lines = vec![Inlines::new()];
    for word in words {
        match word {
            Inline::SoftBreak | Inline::LineBreak => lines.push(Inlines::new()),
            word => lines.last_mut().expect("there is always a line").push(word),
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}
