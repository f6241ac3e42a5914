use super::{PageWriter, inline::html, placeholder_gaps::GONE};
use crate::{
    issue::{Phrase, StandIns},
    markup::{
        Attribute, Token,
        allowed::{Fate, fate, is_kept_on_pages},
        tokens,
    },
    render::Escape,
};

impl PageWriter<'_> {
    /// One tag of raw HTML among words.
    pub(super) fn tag(&mut self, tag: &str) -> String {
        let mut out = String::new();
        let (text, stand_ins) = (tag, StandIns::none());
        for token in tokens(text) {
            self.token(&mut out, &token, &stand_ins, &mut Vec::new());
        }
        out
    }

    /// Raw HTML or MJML as HTML that closes what it opens.
    pub(super) fn markup(&mut self, markup: &Phrase) -> String {
        let (text, stand_ins) = StandIns::of(markup);
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
                _ if hidden == 0 => self.token(&mut out, &token, &stand_ins, &mut stack),
                _ => {}
            }
        }
        stack.into_iter().rev().for_each(|name| out.push_str(&format!("</{name}>")));
        out.replace(GONE, "")
    }

    fn token(&mut self, out: &mut String, token: &Token<'_>, open: &StandIns<'_>, stack: &mut Vec<String>) {
        match token {
            Token::Comment { .. } | Token::Hidden => {}
            Token::Text(text) => out.push_str(&html(&self.filled(text, open))),
            Token::Close { name } => {
                if is_element(name) {
                    out.push_str(&format!("</{name}>"));
                }
            }
            Token::Open { name, attributes, raw } => {
                let (name, class) = element(name);
                if !is_element(&name) {
                    return;
                }
                out.push_str(&format!("<{name}{class}"));
                for Attribute { name: attribute, value, .. } in attributes {
                    let value = match attribute.as_str() {
                        "href" if name == "a" => self.target(value, open),
                        "src" => self.picture_address(value).map(|address| Escape::Attribute.apply(&address)),
                        known if is_kept_on_pages(&name, known) => {
                            Some(Escape::Attribute.apply(&self.filled(value, open).replace(GONE, "")))
                        }
                        _ => None,
                    };
                    if let Some(value) = value {
                        out.push_str(&format!(" {attribute}=\"{value}\""));
                    }
                }
                out.push('>');
                if fate(&name) != Fate::Void {
                    if raw.ends_with("/>") { out.push_str(&format!("</{name}>")) } else { stack.push(name) }
                }
            }
        }
    }

    fn filled(&self, text: &str, open: &StandIns<'_>) -> String {
        let mut out = String::new();
        for c in text.chars() {
            match open.get(c) {
                Some(placeholder) => out.push_str(&self.value(placeholder)),
                None => out.push(c),
            }
        }
        super::placeholder_gaps::close_gaps(&out)
    }

    /// The target of a link that may hold placeholders.
    fn target(&mut self, url: &str, open: &StandIns<'_>) -> Option<String> {
        self.href(&open.phrase(url))
    }
}

fn is_element(name: &str) -> bool {
    matches!(fate(name), Fate::Inline | Fate::Block | Fate::Void)
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
