//! What an owner brought along beside words: HTML, CSS and attributes in templates and `mjml` fences, as written.

use super::{
    Template,
    mjml::{Attribute, Node, NodeKind, read},
};
use crate::source::{Source, Span};

/// A stretch of a file that ends up in the letter as its author wrote it.
#[derive(Clone, Debug)]
pub struct Brought {
    /// The file.
    pub source: Source,
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: BroughtKind,
}

/// The kinds of such stretches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BroughtKind {
    /// HTML.
    Html,
    /// Rows of a table without the table around them.
    Rows,
    /// A style sheet.
    Css,
    /// The attributes of an MJML element: name, value, and where the value stands.
    Attributes(Vec<(String, String, Span)>),
}

/// What a template and the files it includes bring.
pub fn brought(template: &Template) -> Vec<Brought> {
    let mut found = Vec::new();
    walk(template.nodes(), &mut found);
    found
}

/// What a stretch of MJML brings, such as a `mjml` fence's content.
pub fn brought_in(source: &Source, span: Span) -> Vec<Brought> {
    let mut found = Vec::new();
    // What is wrong with it is told when it is rendered.
    walk(&read(source, span, &mut Vec::new()), &mut found);
    found
}

fn walk(nodes: &[Node], found: &mut Vec<Brought>) {
    for node in nodes {
        match &node.kind {
            NodeKind::Element { attributes, children, .. } => {
                found.extend(written(node, attributes));
                walk(children, found);
            }
            NodeKind::Raw { name, attributes, content } => {
                found.extend(written(node, attributes));
                let kind = match name.as_str() {
                    "mj-style" => BroughtKind::Css,
                    "mj-table" => BroughtKind::Rows,
                    "mj-title" | "mj-preview" => continue,
                    _ => BroughtKind::Html,
                };
                found.push(Brought { source: node.source.clone(), span: content.clone(), kind });
            }
            NodeKind::Directive(_) => {}
        }
    }
}

fn written(node: &Node, attributes: &[Attribute]) -> Option<Brought> {
    let attributes: Vec<_> = attributes
        .iter()
        .map(|one| {
            let span = one.value_start..one.value_start + one.value.len();
            (one.name.clone(), one.value.clone(), span)
        })
        .collect();
    (!attributes.is_empty()).then(|| Brought {
        source: node.source.clone(),
        span: node.span.clone(),
        kind: BroughtKind::Attributes(attributes),
    })
}
