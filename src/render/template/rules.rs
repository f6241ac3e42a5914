//! What a template must be and have.

use std::collections::BTreeSet;

use crate::{
    issue::{Part, Phrase},
    render::{
        mjml::{Attribute, Node, NodeKind, component, known_components, may_stand_in},
        theme,
    },
    source::{Diagnostic, Diagnostics, Source, Span, nearest},
};

/// Directives that are alone.
const DIRECTIVES: [&str; 7] = ["content", "logo", "cover", "links", "if", "else", "end"];

/// More unknown roles than these are not reported.
const TOLD_MAX: usize = 20;
/// A misspelt role is compared with this many others.
const COMPARED_MAX: usize = 100;

/// Looks at a whole template.
pub(super) fn check(source: &Source, nodes: &[Node], diagnostics: &mut Diagnostics) {
    let mut found = Found::default();
    let roots: Vec<&Node> =
        nodes.iter().filter(|node| !matches!(node.kind, NodeKind::Directive(_))).collect();
    match roots[..] {
        [Node { kind: NodeKind::Element { name, .. }, .. }] if name == "mjml" => {}
        _ => diagnostics.push(
            Diagnostic::error("M211", source, 0..0, "the template is not one `mjml` element")
                .help("begin with <mjml> and end with </mjml>"),
        ),
    }
    walk(nodes, "", &mut found, diagnostics);
    let mut need = |given: bool, is_error: bool, what: &str, help: &str| {
        if !given {
            let message = format!("the template has no {what}");
            let diagnostic = if is_error {
                Diagnostic::error("M223", source, 0..0, message)
            } else {
                Diagnostic::warning("M223", source, 0..0, message)
            };
            diagnostics.push(diagnostic.help(help));
        }
    };
    need(
        found.contents > 0,
        true,
        "place for the text of the issue",
        "add `<!-- mimeo:content -->` in the mj-body",
    );
    need(
        found.has("link.unsubscribe"),
        true,
        "unsubscribe link",
        "add a link to `{{ link.unsubscribe }}`, or include partials/footer.mjml",
    );
    need(
        found.has("newsletter.postal_address"),
        true,
        "postal address",
        "add `{{ newsletter.postal_address }}`, or include partials/footer.mjml",
    );
    need(
        found.has("link.view"),
        false,
        "link to the web version",
        "add a link to `{{ link.view }}` between `<!-- mimeo:if link.view -->` and `<!-- mimeo:end -->`",
    );
    need(
        found.has_preview,
        false,
        "preheader",
        "add `<mj-preview>{{ issue.preheader }}</mj-preview>` in the mj-head",
    );
    let known: BTreeSet<&str> =
        theme::ROLES.into_iter().chain(found.classes.iter().map(String::as_str)).collect();
    let strange = found.used.iter().filter(|(.., class)| !known.contains(class.as_str()));
    for (source, span, class) in strange.take(TOLD_MAX) {
        let help = match nearest(class, known.iter().copied().take(COMPARED_MAX)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "known roles: {}; `mj-class` in `mj-attributes` defines others",
                theme::ROLES.join(", ")
            ),
        };
        let message = format!("unknown role `{class}`: it has no effect");
        diagnostics.push(Diagnostic::warning("M217", source, span.clone(), message).help(help));
    }
    if found.contents > 1 {
        diagnostics.push(
            Diagnostic::error(
                "M223",
                source,
                0..0,
                "the template has more than one place for the text of the issue",
            )
            .help("keep one `<!-- mimeo:content -->`"),
        );
    }
}

/// Looks at some elements as if they were in `parent`.
pub(super) fn walk_in(nodes: &[Node], parent: &str, diagnostics: &mut Diagnostics) {
    walk(nodes, parent, &mut Found::default(), diagnostics);
}

#[derive(Default)]
struct Found {
    contents: usize,
    names: Vec<String>,
    has_preview: bool,
    /// The classes that the head makes, and those that elements name.
    classes: Vec<String>,
    used: Vec<(Source, Span, String)>,
}

impl Found {
    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    fn note_class(&mut self, source: &Source, element: &str, attribute: &Attribute) {
        match (element, attribute.name.as_str()) {
            ("mj-class", "name") => self.classes.push(attribute.value.clone()),
            (_, "mj-class") => {
                let words = attribute.value.split_whitespace();
                self.used.extend(words.map(|word| (source.clone(), attribute.span.clone(), word.to_owned())));
            }
            _ => {}
        }
    }

    fn note(&mut self, source: &Source, span: Span) {
        // Problems of the placeholders themselves are reported when they are filled.
        let phrase = Phrase::parse(source, span, &mut Vec::new());
        for part in phrase.0 {
            if let Part::Open(placeholder) = part {
                self.names.push(placeholder.path.join("."));
            }
        }
    }
}

fn walk(nodes: &[Node], parent: &str, found: &mut Found, diagnostics: &mut Diagnostics) {
    for node in nodes {
        match &node.kind {
            NodeKind::Directive(words) => directive(node, words, parent, found, diagnostics),
            NodeKind::Element { name, attributes, children } => {
                element(node, name, attributes, parent, diagnostics);
                for attribute in attributes {
                    found.note_class(&node.source, name, attribute);
                    let end = attribute.value_start + attribute.value.len();
                    found.note(&node.source, attribute.value_start..end);
                }
                walk(children, name, found, diagnostics);
            }
            NodeKind::Raw { name, attributes, content } => {
                element(node, name, attributes, parent, diagnostics);
                for attribute in attributes {
                    found.note_class(&node.source, name, attribute);
                    let end = attribute.value_start + attribute.value.len();
                    found.note(&node.source, attribute.value_start..end);
                }
                found.note(&node.source, content.clone());
                if name == "mj-preview" {
                    found.has_preview = true;
                }
            }
        }
    }
}

fn directive(node: &Node, words: &str, parent: &str, found: &mut Found, diagnostics: &mut Diagnostics) {
    let first = words.split_whitespace().next().unwrap_or_default();
    let problem = |message: String, help: String| {
        Diagnostic::error("M224", &node.source, node.span.clone(), message).help(help)
    };
    match first {
        "content" => {
            found.contents += 1;
            if !matches!(parent, "mj-body" | "mj-wrapper") {
                diagnostics.push(problem(
                    format!("the text of the issue is not allowed in `{parent}`"),
                    "it is made of sections: move it to the mj-body or an mj-wrapper".into(),
                ));
            }
        }
        "logo" | "cover" => {
            if !matches!(parent, "mj-column" | "mj-hero") {
                diagnostics.push(problem(
                    format!("the {first} is not allowed in `{parent}`"),
                    "move it to an mj-column".into(),
                ));
            }
            let more: Vec<&str> = words.split_whitespace().skip(1).collect();
            if !(more.is_empty() || first == "logo" && more == ["center"]) {
                diagnostics.push(problem(
                    format!("unknown words behind `mimeo:{first}`: `{}`", more.join(" ")),
                    "`mimeo:logo center` is the only slot with a word behind it".into(),
                ));
            }
        }
        "links" => diagnostics.push(problem(
            "the links of the footer are not allowed between elements".into(),
            "move them to an mj-text".into(),
        )),
        "if" => diagnostics.extend(condition(node, words)),
        "else" | "end" => {}
        _ => {
            let help = match nearest(first, DIRECTIVES) {
                Some(near) => format!("did you mean `mimeo:{near}`?"),
                None => format!("known slots: {}", DIRECTIVES.map(|name| format!("mimeo:{name}")).join(", ")),
            };
            diagnostics.push(problem(format!("unknown slot `mimeo:{first}`"), help));
        }
    }
}

fn element(node: &Node, name: &str, attributes: &[Attribute], parent: &str, diagnostics: &mut Diagnostics) {
    let problem = |code, span, message: String| Diagnostic::error(code, &node.source, span, message);
    let name_span =
        node.span.start..(node.span.start + 1 + name.len()).min(node.span.end.max(node.span.start));
    let Some(known) = component(name) else {
        let help = match (unsupported(name), nearest(name, known_components())) {
            (Some(help), _) => help.to_owned(),
            (None, Some(near)) => format!("did you mean `{near}`?"),
            (None, None) => {
                "HTML belongs in an mj-text or mj-raw; documentation.mjml.io lists the components".to_owned()
            }
        };
        diagnostics.push(problem("M211", name_span, format!("unknown component `{name}`")).help(help));
        return;
    };
    let is_root = parent.is_empty() && name == "mjml";
    if !is_root && !may_stand_in(name, parent) {
        let message = if parent.is_empty() {
            format!("`{name}` is not allowed at the top level")
        } else {
            format!("`{name}` is not allowed in `{parent}`")
        };
        let help = match known.parents {
            [] => "it is the outermost element".to_owned(),
            parents => format!("it is allowed in {}", parents.join(", ")),
        };
        diagnostics.push(problem("M213", name_span, message).help(help));
    }
    for attribute in attributes {
        // `mj-html-attributes` and the like aside, a `lang` may appear on the root only.
        if let Some(help) = without_effect(name, &attribute.name) {
            let message = format!("`{}` on `{name}` has no effect here", attribute.name);
            let span = attribute.span.clone();
            diagnostics.push(Diagnostic::warning("M212", &node.source, span, message).help(help));
        } else if known.takes(&attribute.name) {
            diagnostics.extend(value(node, name, attribute));
        } else {
            let help = match nearest(&attribute.name, known.attributes()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.attributes().next().is_none() => "it takes no attributes".to_owned(),
                None => format!("known attributes: {}", known.attributes().collect::<Vec<_>>().join(", ")),
            };
            let message = format!("`{name}` has no attribute `{}`", attribute.name);
            diagnostics.push(problem("M212", attribute.span.clone(), message).help(help));
        }
    }
}

/// A condition that can never hold, as its name is misspelled.
fn condition(node: &Node, words: &str) -> Option<Diagnostic> {
    let name = words.split_whitespace().skip(1).find(|word| !matches!(*word, "not" | "!"))?;
    let space = name.trim_start_matches('!').split('.').next().unwrap_or_default();
    if SPACES.contains(&space) {
        return None;
    }
    let help = match nearest(space, SPACES) {
        Some(near) => format!("did you mean `{}`?", name.replacen(space, near, 1)),
        None => format!("names start with {}", SPACES.join(", ")),
    };
    let message = format!("unknown name `{name}` in a condition: this part is never shown");
    Some(Diagnostic::warning("M243", &node.source, node.span.clone(), message).help(help))
}

/// What the names in templates start with.
const SPACES: [&str; 6] = ["issue", "newsletter", "link", "subscriber", "design", "words"];

/// Attributes that hold sizes, each a number with a unit, or several of them.
const SIZES: [&str; 14] = [
    "border-radius",
    "font-size",
    "height",
    "icon-size",
    "inner-padding",
    "line-height",
    "max-width",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "text-padding",
    "width",
];

/// A value that mail clients ignore.
fn value(node: &Node, element: &str, attribute: &Attribute) -> Option<Diagnostic> {
    let found = |message: String, help: &str| {
        Some(Diagnostic::warning("M218", &node.source, attribute.span.clone(), message).help(help))
    };
    let (name, value) = (attribute.name.as_str(), attribute.value.trim());
    // MJML's own default is what the shipped templates say, for other programs.
    if (element, name) == ("mj-body", "width") && value != "600px" {
        let message = "`width` of `mj-body` has no effect".to_owned();
        return found(message, "set `width` under `[design]` in mimeo.toml, or in a `mimeo:design` comment");
    }
    let is_size = |word: &str| {
        let number = word.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
        let unit = &word[number.len()..];
        number.parse::<f64>().is_ok() && ["", "px", "%", "em", "rem", "pt"].contains(&unit)
            || matches!(word, "auto" | "normal" | "inherit" | "initial" | "unset")
    };
    let is_open = value.contains("{{");
    if SIZES.contains(&name) && !is_open && !value.is_empty() && !value.split_whitespace().all(is_size) {
        let message = format!("`{value}` is not a valid value for `{name}`");
        return found(message, "write a number with a unit, as in `24px`");
    }
    None
}

/// Attributes that MJML knows and that change nothing here, and what to do instead.
fn without_effect(name: &str, attribute: &str) -> Option<&'static str> {
    Some(match (name, attribute) {
        ("mj-style", "inline") => {
            "rules stay in the head, and clients that drop the head do not see them; write what must not be lost into \
             `style` attributes, or use the classes of the design"
        }
        ("mj-section", "gutter") | ("mj-wrapper", "gap") => "give the columns or sections a padding",
        ("mj-body", "id") => "use `css-class`",
        ("mj-image", "sizes" | "srcset") | ("mj-social-element", "sizes" | "srcset") => {
            "mail clients load `src` only"
        }
        ("mjml", "owa") => "new Outlook shows the same letter as the others",
        ("mj-raw", "position") => "it stays where it is written",
        ("mj-hero", "border-radius" | "inner-padding") => "put a section with a background there instead",
        ("mj-button" | "mj-table", "title" | "role") => "it is not shown by mail clients",
        _ => return None,
    })
}

/// Components of MJML that are not for letters, and what to do instead.
fn unsupported(name: &str) -> Option<&'static str> {
    Some(match name {
        "mj-carousel" | "mj-carousel-image" => {
            "most mail clients show a carousel's first picture only: use pictures"
        }
        "mj-accordion" | "mj-accordion-element" | "mj-accordion-title" | "mj-accordion-text" => {
            "most mail clients cannot fold text: show it, or link to it"
        }
        "mj-html-attributes" | "mj-selector" | "mj-html-attribute" => {
            "write the attributes into the HTML itself"
        }
        _ => return None,
    })
}
