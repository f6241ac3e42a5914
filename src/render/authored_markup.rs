//! What an owner authored_markup along beside words: HTML, CSS and attributes in templates and `mjml` fences, as written.

use super::{
    Template,
    mjml::{Attribute, Node, NodeKind, read},
};
use crate::source::{Source, Span};

/// A stretch of a file that ends up in the letter as its author wrote it.
#[derive(Clone, Debug)]
pub struct AuthoredMarkup {
    /// The file.
    pub source: Source,
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: MarkupKind,
}

/// The kinds of such stretches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarkupKind {
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
pub fn authored_markup(template: &Template) -> Vec<AuthoredMarkup> {
    let mut found = Vec::new();
    walk(template.nodes(), &mut found);
    found
}

/// What a stretch of MJML brings, such as a `mjml` fence's content.
pub fn authored_markup_in(source: &Source, span: Span) -> Vec<AuthoredMarkup> {
    let mut found = Vec::new();
    // What is wrong with it is told when it is rendered.
    walk(&read(source, span, &mut Vec::new()), &mut found);
    found
}

fn walk(nodes: &[Node], found: &mut Vec<AuthoredMarkup>) {
    for node in nodes {
        match &node.kind {
            NodeKind::Element { attributes, children, .. } => {
                found.extend(written(node, attributes));
                walk(children, found);
            }
            NodeKind::Raw { name, attributes, content } => {
                found.extend(written(node, attributes));
                let kind = match name.as_str() {
                    "mj-style" => MarkupKind::Css,
                    "mj-table" => MarkupKind::Rows,
                    "mj-title" | "mj-preview" => continue,
                    _ => MarkupKind::Html,
                };
                found.push(AuthoredMarkup { source: node.source.clone(), span: content.clone(), kind });
            }
            NodeKind::Directive(_) => {}
        }
    }
}

fn written(node: &Node, attributes: &[Attribute]) -> Option<AuthoredMarkup> {
    let attributes: Vec<_> = attributes
        .iter()
        .map(|one| {
            let span = one.value_start..one.value_start + one.value.len();
            (one.name.clone(), one.value.clone(), span)
        })
        .collect();
    (!attributes.is_empty()).then(|| AuthoredMarkup {
        source: node.source.clone(),
        span: node.span.clone(),
        kind: MarkupKind::Attributes(attributes),
    })
}
