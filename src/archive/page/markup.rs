use super::{PageWriter, inline::html, polite::GONE};
use crate::{
    issue::tags::{Token, tokens},
    issue::{Part, Phrase, Placeholder},
    render::Escape,
};

/// The first of the characters that stand for placeholders while markup is cut into tags.
const FIRST_STAND_IN: u32 = 0x10_1000;
/// Elements that a page keeps.
const KEPT: [&str; 56] = [
    "a",
    "abbr",
    "address",
    "b",
    "big",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];
/// Attributes that a page keeps; `href` and `src` are rewritten.
const ATTRIBUTES: [&str; 15] = [
    "align", "alt", "colspan", "dir", "height", "lang", "rowspan", "scope", "start", "title", "valign",
    "value", "width", "datetime", "cite",
];
const VOID: [&str; 4] = ["br", "hr", "img", "col"];

impl PageWriter<'_> {
    /// One tag of raw HTML among words.
    pub(super) fn tag(&mut self, tag: &str) -> String {
        let mut out = String::new();
        for token in tokens(tag) {
            self.token(&mut out, &token, &[], &mut Vec::new());
        }
        out
    }

    /// Raw HTML or MJML as HTML that closes what it opens.
    pub(super) fn markup(&mut self, markup: &Phrase) -> String {
        let mut open: Vec<&Placeholder> = Vec::new();
        let mut text = String::new();
        for part in &markup.0 {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Open(placeholder) => {
                    text.extend(char::from_u32(FIRST_STAND_IN + open.len() as u32));
                    open.push(placeholder);
                }
            }
        }
        let mut out = String::new();
        let mut stack = Vec::new();
        let mut hidden = 0usize;
        for token in tokens(&text) {
            match &token {
                Token::Open { name, raw, .. } if is_hidden(name) => {
                    hidden += usize::from(!raw.ends_with("/>"))
                }
                Token::Close { name } if is_hidden(name) => hidden = hidden.saturating_sub(1),
                Token::Close { name } if hidden == 0 => {
                    let name = element(name).0;
                    if let Some(at) = stack.iter().rposition(|known| *known == name) {
                        stack.drain(at..).rev().for_each(|name| out.push_str(&format!("</{name}>")));
                    }
                }
                _ if hidden == 0 => self.token(&mut out, &token, &open, &mut stack),
                _ => {}
            }
        }
        stack.into_iter().rev().for_each(|name| out.push_str(&format!("</{name}>")));
        out.replace(GONE, "")
    }

    fn token(&mut self, out: &mut String, token: &Token<'_>, open: &[&Placeholder], stack: &mut Vec<String>) {
        match token {
            Token::Text(text) => out.push_str(&html(&self.filled(text, open))),
            Token::Close { name } => {
                if KEPT.contains(&name.as_str()) {
                    out.push_str(&format!("</{name}>"));
                }
            }
            Token::Open { name, attributes, raw } => {
                let (name, class) = element(name);
                if !KEPT.contains(&name.as_str()) {
                    return;
                }
                out.push_str(&format!("<{name}{class}"));
                for (attribute, value) in attributes {
                    let value = match attribute.as_str() {
                        "href" if name == "a" => self.target(value, open),
                        "src" => self.picture_address(value).map(|address| Escape::Attribute.apply(&address)),
                        known if ATTRIBUTES.contains(&known) => {
                            Some(Escape::Attribute.apply(&self.filled(value, open).replace(GONE, "")))
                        }
                        _ => None,
                    };
                    if let Some(value) = value {
                        out.push_str(&format!(" {attribute}=\"{value}\""));
                    }
                }
                out.push('>');
                if !VOID.contains(&name.as_str()) {
                    if raw.ends_with("/>") { out.push_str(&format!("</{name}>")) } else { stack.push(name) }
                }
            }
        }
    }

    fn filled(&self, text: &str, open: &[&Placeholder]) -> String {
        let mut out = String::new();
        for c in text.chars() {
            match (c as u32).checked_sub(FIRST_STAND_IN).and_then(|index| open.get(index as usize)) {
                Some(placeholder) => out.push_str(&self.value(placeholder)),
                None => out.push(c),
            }
        }
        super::polite::politely(&out)
    }

    /// The target of a link that may hold placeholders.
    fn target(&mut self, url: &str, open: &[&Placeholder]) -> Option<String> {
        let mut parts = Vec::new();
        for c in url.chars() {
            match (c as u32).checked_sub(FIRST_STAND_IN).and_then(|index| open.get(index as usize)) {
                Some(placeholder) => parts.push(Part::Open((*placeholder).clone())),
                None => match parts.last_mut() {
                    Some(Part::Text(text)) => text.push(c),
                    _ => parts.push(Part::Text(c.to_string())),
                },
            }
        }
        self.href(&Phrase(parts))
    }
}

/// What an element of MJML is on the web; HTML stays what it is.
fn element(name: &str) -> (String, &'static str) {
    let (name, class) = match name {
        "mj-text" => ("div", ""),
        "mj-button" => ("a", " class=\"button\""),
        "mj-image" => ("img", ""),
        "mj-divider" => ("hr", ""),
        "mj-table" => ("table", ""),
        "mj-section" | "mj-wrapper" => ("div", " class=\"columns\""),
        "mj-column" | "mj-group" => ("div", ""),
        "mj-social-element" | "mj-navbar-link" => ("a", ""),
        name => (name, ""),
    };
    (name.to_owned(), class)
}

/// Nothing inside is for readers.
fn is_hidden(name: &str) -> bool {
    matches!(
        name,
        "mj-style"
            | "mj-head"
            | "mj-preview"
            | "mj-title"
            | "mj-attributes"
            | "title"
            | "head"
            | "iframe"
            | "object"
    )
}
