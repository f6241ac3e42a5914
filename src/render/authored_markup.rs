//! What an owner writes beside words: HTML, CSS and attributes in templates and `mjml` fences, as written.

use super::{
    mjml::{Attribute, Node, NodeKind, read},
    template::Template,
    theme::{BACKGROUNDS, ROLES},
};
use crate::source::{Source, Span};

/// A stretch of a file that ends up in the letter as its author wrote it.
#[derive(Clone, Debug)]
pub struct AuthoredMarkup {
    /// The file that it is in.
    pub source: Source,
    /// Where it is.
    pub span: Span,
    /// What it is.
    pub kind: MarkupKind,
    /// The MJML element that has it or is around it, in lower case.
    pub element: String,
    /// What the elements around it, and it itself, say of the background: from the outermost to the innermost.
    pub backgrounds: Vec<Background>,
}

/// What an MJML element says of its background.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Background {
    /// A color, as written.
    Color(String),
    /// The color of a role, which is another one in the dark.
    Role(String),
    /// Whatever rules for this class say.
    Class(String),
    /// What cannot be determined: a picture, a class of the template's own.
    Unknown,
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
    /// The attributes of an MJML element: name, value, and where the value is.
    Attributes(Vec<(String, String, Span)>),
}

/// What a template and the files it includes bring.
pub fn authored_markup(template: &Template) -> Vec<AuthoredMarkup> {
    let mut found = Vec::new();
    walk(template.nodes(), &[], &mut found);
    found
}

/// What a stretch of MJML brings, such as a `mjml` fence's content.
pub fn authored_markup_in(source: &Source, span: Span) -> Vec<AuthoredMarkup> {
    let mut found = Vec::new();
    // What is wrong with it is reported when it is rendered.
    let nodes = read(source, span, &mut Vec::new());
    // A fence is laid on the letter's paper.
    walk(&nodes, &[Background::Role("paper".to_owned())], &mut found);
    found
}

fn walk(nodes: &[Node], around: &[Background], found: &mut Vec<AuthoredMarkup>) {
    for node in nodes {
        match &node.kind {
            NodeKind::Element { name, attributes, children } => {
                let backgrounds = backgrounds(name, attributes, around);
                found.push(written(node, name, attributes, &backgrounds));
                walk(children, &backgrounds, found);
            }
            NodeKind::Raw { name, attributes, content } => {
                let backgrounds = backgrounds(name, attributes, around);
                found.push(written(node, name, attributes, &backgrounds));
                let kind = match name.as_str() {
                    "mj-style" => MarkupKind::Css,
                    "mj-table" => MarkupKind::Rows,
                    "mj-title" | "mj-preview" => continue,
                    _ => MarkupKind::Html,
                };
                let (source, span) = (node.source.clone(), content.clone());
                found.push(AuthoredMarkup { source, span, kind, element: name.clone(), backgrounds });
            }
            NodeKind::Directive(_) => {}
        }
    }
}

/// The backgrounds in an element: those around it and its own.
fn backgrounds(name: &str, attributes: &[Attribute], around: &[Background]) -> Vec<Background> {
    let mut all = around.to_vec();
    for one in attributes {
        let words = || one.value.split_whitespace().map(str::to_owned);
        match one.name.as_str() {
            "css-class" => all.extend(words().map(Background::Class)),
            "mj-class" => all.extend(words().filter_map(|class| match class.as_str() {
                role if BACKGROUNDS.contains(&role) => Some(Background::Role(class)),
                role if ROLES.contains(&role) => None,
                _ => Some(Background::Unknown),
            })),
            _ => {}
        }
    }
    for one in attributes {
        match one.name.as_str() {
            "background-color" | "container-background-color" => {
                all.push(Background::Color(one.value.trim().to_ascii_lowercase()))
            }
            "background-url" => all.push(Background::Unknown),
            _ => {}
        }
    }
    if name == "mj-attributes" {
        all.push(Background::Unknown);
    }
    all
}

fn written(node: &Node, name: &str, attributes: &[Attribute], backgrounds: &[Background]) -> AuthoredMarkup {
    let attributes = attributes
        .iter()
        .map(|one| {
            let span = one.value_start..one.value_start + one.value.len();
            (one.name.clone(), one.value.clone(), span)
        })
        .collect();
    AuthoredMarkup {
        source: node.source.clone(),
        span: node.span.clone(),
        kind: MarkupKind::Attributes(attributes),
        element: name.to_owned(),
        backgrounds: backgrounds.to_vec(),
    }
}
