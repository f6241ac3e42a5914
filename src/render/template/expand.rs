//! A template, an issue's names and its sections become one tree.

use super::rules;
use crate::{
    issue::{Part, Phrase},
    markup::is_url,
    render::{
        design::MARGIN,
        fill::{Filler, attribute},
        i18n,
        mjml::{Attribute, Content, Element, Node, NodeKind, component, read},
        pattern::Escape,
        theme::{PLATE, PLATE_MARGIN},
    },
    source::{Diagnostic, Place, Source, Span},
};

/// What is put into a template.
pub(crate) struct Expansion<'e, 'a> {
    /// Names and links.
    pub(crate) filler: &'e mut Filler<'a>,
    /// The sections of the document; taken by the content slot.
    pub(crate) sections: Vec<Element>,
    /// The logo as HTML: where words begin, and centered.
    pub(crate) logos: [Option<String>; 2],
    /// The cover of the issue as HTML.
    pub(crate) cover: Option<String>,
    /// What the end of the letter links to, as HTML.
    pub(crate) links: String,
    /// What `src` says for a picture that the template names.
    pub(crate) address: &'e dyn Fn(&str) -> String,
}

/// The tree of a template; its root is `mjml`.
pub(crate) fn expand(nodes: &[Node], expansion: &mut Expansion<'_, '_>) -> Element {
    let root = expansion.nodes(nodes).into_iter().find(|element| element.name == "mjml");
    root.unwrap_or_else(|| Element::new("mjml"))
}

/// The elements of a `mjml` fence, wrapped into sections where they lack them.
pub(crate) fn fence(source: &Source, span: Span, expansion: &mut Expansion<'_, '_>) -> Vec<Element> {
    let mut diagnostics = Vec::new();
    let nodes = read(source, span, &mut diagnostics);
    let parent = nodes.iter().find_map(|node| match &node.kind {
        NodeKind::Element { name, .. } | NodeKind::Raw { name, .. } => component(name),
        NodeKind::Directive(_) => None,
    });
    // Sections are by themselves; what is in a column gets a section and a column around it.
    let parent = parent.map_or("mj-body", |component| match component.name {
        "mj-column" | "mj-group" => "mj-section",
        "mj-section" | "mj-wrapper" | "mj-hero" | "mj-raw" => "mj-body",
        _ => "mj-column",
    });
    rules::walk_in(&nodes, parent, &mut diagnostics);
    let is_broken = diagnostics.iter().any(Diagnostic::is_error);
    expansion.filler.diagnostics.append(&mut diagnostics);
    if is_broken {
        return Vec::new();
    }
    let elements = expansion.nodes(&nodes);
    let mut section = Element::new("mj-section").with("padding", "0px");
    match parent {
        "mj-section" => {
            section.content = Content::Elements(elements);
            vec![section]
        }
        "mj-column" => {
            let mut column = Element::new("mj-column");
            column.content = Content::Elements(elements);
            vec![section.child(column)]
        }
        _ => elements,
    }
}

impl Expansion<'_, '_> {
    fn nodes(&mut self, nodes: &[Node]) -> Vec<Element> {
        let mut out = Vec::new();
        let mut conditions = Conditions::default();
        for node in nodes {
            if let NodeKind::Directive(words) = &node.kind {
                self.directive(node, words, &mut conditions, &mut out);
            } else if conditions.holds() {
                out.push(self.node(node));
            }
        }
        self.unclosed(&conditions);
        out
    }

    fn node(&mut self, node: &Node) -> Element {
        match &node.kind {
            NodeKind::Element { name, attributes, children } => Element {
                name: name.clone().into(),
                attributes: self.attributes(&node.source, attributes),
                content: Content::Elements(self.nodes(children)),
            },
            NodeKind::Raw { name, attributes, content } => {
                let html = match name.as_str() {
                    "mj-style" => self.css(&node.source, content.clone()),
                    _ => self.html(&node.source, content.clone()),
                };
                // A preview cannot hold elements, and a line break would be one.
                let html = if matches!(name.as_str(), "mj-preview" | "mj-title") {
                    html.replace("<br>", " ").split_whitespace().collect::<Vec<_>>().join(" ")
                } else {
                    html
                };
                Element {
                    name: name.clone().into(),
                    attributes: self.attributes(&node.source, attributes),
                    content: Content::Raw(html),
                }
            }
            NodeKind::Directive(_) => Element::new("mj-raw"),
        }
    }

    fn directive(&mut self, node: &Node, words: &str, conditions: &mut Conditions, out: &mut Vec<Element>) {
        if self.condition(&node.source, &node.span, words, conditions) || !conditions.holds() {
            return;
        }
        match words.split_whitespace().next() {
            Some("content") => out.append(&mut self.sections),
            Some("logo") => {
                let is_centered = words.split_whitespace().nth(1) == Some("center");
                if let Some(logo) = &self.logos[usize::from(is_centered)] {
                    // A plate brings its own margin, so that the logo on it begins where the words begin.
                    let plate = if logo.contains(PLATE) { PLATE_MARGIN } else { 0 };
                    let padding = format!("{}px {}px 0px", MARGIN - plate, MARGIN - plate);
                    let text = Element::raw("mj-text", logo.clone()).with("padding", padding);
                    out.push(if is_centered { text.with("align", "center") } else { text });
                }
            }
            Some("cover") => {
                if let Some(cover) = self.cover.take() {
                    out.push(Element::raw("mj-text", cover).with("padding", "0px"));
                }
            }
            _ => {}
        }
    }

    /// Whether some words were `if`, `else` or `end`, which are noted.
    fn condition(&mut self, source: &Source, span: &Span, words: &str, conditions: &mut Conditions) -> bool {
        let mut parts = words.split_whitespace();
        match parts.next() {
            Some("if") => {
                let name = parts.next().unwrap_or_default();
                let (name, wanted) = match name.strip_prefix('!') {
                    Some(name) => (name, false),
                    None => (name, true),
                };
                let path: Vec<String> = name.split('.').map(str::to_owned).collect();
                let holds = self.filler.is_given(&path) == wanted;
                conditions.open.push((source.clone(), span.clone(), holds));
            }
            Some("else") => match conditions.open.last_mut() {
                Some((_, _, holds)) => *holds = !*holds,
                None => self.loose(source, span),
            },
            Some("end") => {
                if conditions.open.pop().is_none() {
                    self.loose(source, span);
                }
            }
            _ => return false,
        }
        true
    }

    fn loose(&mut self, source: &Source, span: &Span) {
        let message = "no `mimeo:if` before this";
        self.filler.diagnostics.push(
            Diagnostic::error("M225", source, span.clone(), message)
                .help("`if` and `end` must be in the same element"),
        );
    }

    fn unclosed(&mut self, conditions: &Conditions) {
        for (source, span, _) in &conditions.open {
            let message = "this `mimeo:if` has no `mimeo:end`";
            self.filler.diagnostics.push(
                Diagnostic::error("M225", source, span.clone(), message)
                    .help("`if` and `end` must be in the same element"),
            );
        }
    }

    fn attributes(
        &mut self,
        source: &Source,
        attributes: &[Attribute],
    ) -> Vec<(std::borrow::Cow<'static, str>, String)> {
        attributes
            .iter()
            .map(|attribute| {
                let span = attribute.value_start..attribute.value_start + attribute.value.len();
                let is_url = is_url(&attribute.name);
                let phrase = Phrase::parse(source, span, &mut self.filler.diagnostics);
                let mut value = String::new();
                for part in &phrase.0 {
                    match part {
                        // A quotation mark can appear in a value in single quotes.
                        Part::Text(text) => value.push_str(&text.replace('"', "&quot;")),
                        Part::Open(placeholder) => {
                            let lands = match (is_url, value.is_empty()) {
                                (true, true) => Escape::Url,
                                (true, false) => Escape::UrlPart,
                                (false, _) => Escape::Attribute,
                            };
                            value.push_str(&self.filler.placeholder(placeholder, source, lands));
                        }
                    }
                }
                if attribute.name == "src" {
                    value = self::attribute(&(self.address)(&value)).into_owned();
                }
                (attribute.name.clone().into(), value)
            })
            .collect()
    }

    /// CSS knows no escapes that we could use: only the design's own values may appear in it.
    fn css(&mut self, source: &Source, span: Span) -> String {
        let phrase = Phrase::parse(source, span, &mut self.filler.diagnostics);
        let mut out = String::new();
        for part in &phrase.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Open(placeholder) if placeholder.path.first().is_some_and(|name| name == "design") => {
                    out.push_str(&self.filler.placeholder(placeholder, source, Escape::Text));
                }
                Part::Open(placeholder) => self.filler.diagnostics.push(
                    Diagnostic::error(
                        "M226",
                        source,
                        placeholder.span.clone(),
                        format!("`{}` is not allowed in a style", placeholder.path.join(".")),
                    )
                    .help("only names that begin with `design.` can"),
                ),
            }
        }
        out.trim().to_owned()
    }

    /// HTML of a template: comments go, directives are followed, placeholders filled for their context.
    fn html(&mut self, source: &Source, span: Span) -> String {
        let mut out = String::new();
        let mut conditions = Conditions::default();
        let mut at = span.start;
        while at < span.end {
            let rest = &source.text()[at..span.end];
            let next = rest.find("<!--").unwrap_or(rest.len());
            if conditions.holds() {
                self.html_text(&mut out, source, at..at + next);
            }
            at += next;
            let Some(inside) = source.text()[at..span.end].strip_prefix("<!--") else { break };
            let end = inside.find("-->").map_or(inside.len(), |end| end + 3);
            let comment = at..at + 4 + end;
            let words = inside[..end].trim_end_matches("-->").trim();
            if let Some(words) = words.strip_prefix("mimeo:") {
                if words.trim() == "links" {
                    if conditions.holds() {
                        out.push_str(&self.links);
                    }
                } else if !self.condition(source, &comment, words.trim(), &mut conditions) {
                    let message = format!("`mimeo:{}` is not allowed in HTML", words.trim());
                    self.filler.diagnostics.push(
                        Diagnostic::error("M224", source, comment.clone(), message).help(
                            "only if, else, end and links can; the others are only allowed between elements",
                        ),
                    );
                }
            } else if conditions.holds() && (words.starts_with("[if") || words.starts_with("<!")) {
                // Outlook reads these.
                out.push_str(&source.text()[comment.clone()]);
            }
            at = comment.end;
        }
        self.unclosed(&conditions);
        out
    }

    fn html_text(&mut self, out: &mut String, source: &Source, span: Span) {
        let phrase = Phrase::parse(source, span, &mut self.filler.diagnostics);
        for part in &phrase.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Open(placeholder) => {
                    let lands = Escape::behind(out);
                    let filled = self.filler.placeholder(placeholder, source, lands);
                    match lands {
                        Escape::Html if i18n::is_short(&placeholder.path) => {
                            out.push_str(&i18n::unbroken(&filled));
                        }
                        _ => out.push_str(&filled),
                    }
                }
            }
        }
    }
}

#[derive(Default)]
struct Conditions {
    open: Vec<(Source, Span, bool)>,
}

impl Conditions {
    fn holds(&self) -> bool {
        self.open.iter().all(|(_, _, holds)| *holds)
    }
}

/// Collects the pictures that a node names without placeholders.
pub(super) fn pictures(node: &Node, found: &mut Vec<(String, Place)>) {
    match &node.kind {
        NodeKind::Element { attributes, children, .. } => {
            for attribute in attributes.iter().filter(|attribute| attribute.name == "src") {
                if !attribute.value.contains("{{") && !attribute.value.is_empty() {
                    let span = attribute.value_start..attribute.value_start + attribute.value.len();
                    found.push((attribute.value.clone(), node.source.place(span)));
                }
            }
            for child in children {
                pictures(child, found);
            }
        }
        NodeKind::Raw { .. } | NodeKind::Directive(_) => {}
    }
}
