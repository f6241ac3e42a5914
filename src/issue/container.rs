//! `::: name` … `:::` among blocks become the blocks that Markdown lacks.

mod element;
mod links;
mod media;
mod text;

use super::{
    context::Context,
    document::Block,
    masking::{Marker, MaskedText},
    node::Node,
};
use element::{Built, Container, Kind, blocks_of, check_arguments, column_outside};

/// The containers: name, arguments, and what makes the block.
static KINDS: [Kind; 23] = [
    kind("figure", &["", "credit", "width", "link", "alt", "src"], media::figure),
    kind("gallery", &[], media::gallery),
    kind("columns", &[], text::columns),
    Kind { name: "column", arguments: &[], build: None },
    kind("card", &["", "title", "url", "image", "alt"], media::card),
    kind("callout", &["", "title", "kind"], text::callout),
    kind("note", &["", "title"], text::callout),
    kind("tip", &["", "title"], text::callout),
    kind("important", &["", "title"], text::callout),
    kind("warning", &["", "title"], text::callout),
    kind("caution", &["", "title"], text::callout),
    kind("pullquote", &["", "by"], text::pullquote),
    kind("video", &["", "url", "title", "still", "alt", "caption"], media::video),
    kind("post", &["", "url", "author", "handle", "date", "image", "alt"], media::post),
    kind("resources", &[], links::resources),
    kind("buttons", &[], links::buttons),
    kind("sponsor", &["", "label"], text::sponsor),
    kind("poll", &["", "question"], links::poll),
    kind("share", &[], links::share),
    kind("toc", &["", "title", "depth"], links::contents),
    kind("ps", &[], text::postscript),
    kind("signature", &[], text::signature),
    kind("author", &["", "name", "url", "picture", "alt"], media::author),
];

const fn kind(
    name: &'static str,
    arguments: &'static [&'static str],
    build: fn(&mut Context<'_>, Container) -> Built,
) -> Kind {
    Kind { name, arguments, build: Some(build) }
}

/// How many open containers a closing line is compared with: more than any text has.
const LOOKED_AT: usize = 50;

/// A container whose end has not been found yet.
struct Open {
    marker: Marker,
    children: Vec<Node>,
}

/// Joins the blocks between container lines; each block with its height.
pub(super) fn resolve(
    context: &mut Context<'_>,
    nodes: Vec<Node>,
    masked: &MaskedText,
) -> Vec<(Block, usize)> {
    let mut blocks = Vec::with_capacity(nodes.len());
    for node in join(context, nodes, masked) {
        match node {
            Node::Block(block, height) => blocks.push((block, height)),
            Node::Column(span, inner, height) => {
                column_outside(context, span);
                blocks.extend(inner.into_iter().map(|block| (block, height.saturating_sub(1))));
            }
            Node::Marker(_) => {}
        }
    }
    blocks
}

fn join(context: &mut Context<'_>, nodes: Vec<Node>, masked: &MaskedText) -> Vec<Node> {
    if !nodes.iter().any(|node| matches!(node, Node::Marker(_))) {
        return nodes;
    }
    let mut open =
        vec![Open { marker: Marker { span: 0..0, colons: 0, closes: false }, children: Vec::new() }];
    for node in nodes {
        let marker = match node {
            Node::Marker(index) => masked.markers[index].clone(),
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
            context.error(
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
            unclosed(context, &mut open);
        }
        close(context, &mut open, marker.span.end);
    }
    while open.len() > 1 {
        unclosed(context, &mut open);
    }
    open.pop().map(|root| root.children).unwrap_or_default()
}

fn push(open: &mut [Open], node: Node) {
    open.last_mut().expect("the root stays open").children.push(node);
}

fn unclosed(context: &mut Context<'_>, open: &mut Vec<Open>) {
    let Some(last) = open.last() else { return };
    let words = context.text(&last.marker.span).trim_start_matches(':').trim().to_owned();
    let name: String = words.chars().take_while(|c| !c.is_whitespace()).collect();
    let colons = ":".repeat(last.marker.colons);
    let end = last.children.last().map_or(last.marker.span.end, |node| match node {
        Node::Block(block, _) => block.span.end,
        Node::Column(span, ..) => span.end,
        Node::Marker(_) => 0,
    });
    context.error(
        "M131",
        last.marker.span.clone(),
        format!("the container `{name}` is not closed"),
        format!("put a line with `{colons}` below its last block"),
    );
    close(context, open, end);
}

/// The innermost container becomes a block of the one around it.
fn close(context: &mut Context<'_>, open: &mut Vec<Open>, end: usize) {
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
    let container = match element::open(context, &marker, &KINDS, children) {
        Ok(container) if context.allows_height(height, &span) => container,
        Ok(Container { children, .. }) | Err(children) => {
            children.into_iter().for_each(|child| push(open, child));
            return;
        }
    };
    check_arguments(context, &container);
    let Some(build) = container.kind.build else {
        let blocks = blocks_of(context, container.children);
        push(open, Node::Column(span, blocks, height));
        return;
    };
    // A container is its own block, and some put a paragraph of their own around words.
    match build(context, container) {
        Ok(kind) => push(open, Node::Block(Block { span, kind }, height + 1)),
        Err(blocks) => blocks.into_iter().for_each(|block| push(open, Node::Block(block, height))),
    }
}
