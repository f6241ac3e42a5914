//! Names become values, or words that stand for them until the letter is composed.

use std::{borrow::Cow, collections::BTreeSet};

use percent_encoding::utf8_percent_encode;

use super::{
    design::Design,
    i18n::IN_TEMPLATES,
    pattern::Escape,
    scope::{Fill, LINKS, Scope},
    tokens::Tokens,
};
use crate::{
    issue::{FrontMatter, Part, Phrase, Placeholder},
    markup::allowed::{LINK_SCHEMES, NOT_IN_URLS, is_known_scheme},
    source::{Diagnostic, Diagnostics, Source, Span},
};

/// Fills placeholders for one rendering and keeps what went wrong.
pub(crate) struct Filler<'a> {
    /// The names known now.
    pub(crate) scope: &'a Scope,
    /// Placeholders left open.
    pub(crate) tokens: Tokens,
    /// Everything that went wrong so far.
    pub(crate) diagnostics: Diagnostics,
    head: &'a FrontMatter,
    head_source: &'a Source,
    design: &'a Design,
    /// What inboxes show when there is no preheader.
    pub(crate) opening: String,
    /// The names of links that this letter has.
    links: Vec<&'static str>,
    reported: BTreeSet<(std::path::PathBuf, usize)>,
}

impl<'a> Filler<'a> {
    /// A filler for one rendering.
    pub(crate) fn new(
        scope: &'a Scope,
        tokens: Tokens,
        (head, head_source): (&'a FrontMatter, &'a Source),
        design: &'a Design,
        links: Vec<&'static str>,
    ) -> Self {
        Self {
            scope,
            tokens,
            diagnostics: Vec::new(),
            head,
            head_source,
            design,
            opening: String::new(),
            links,
            reported: BTreeSet::new(),
        }
    }

    /// A placeholder as HTML source for where it lands.
    pub(crate) fn placeholder(
        &mut self,
        placeholder: &Placeholder,
        source: &Source,
        lands: Escape,
    ) -> String {
        let names: Vec<&str> = placeholder.path.iter().map(String::as_str).collect();
        match names[..] {
            ["issue", name @ ("subject" | "preheader")] if placeholder.filters.is_empty() => {
                let head_source = self.head_source;
                match name {
                    "subject" => self.phrase(&self.head.subject, head_source, lands),
                    _ if self.head.preheader.is_empty() => lands.apply(&self.opening.clone()),
                    _ => self.phrase(&self.head.preheader, head_source, lands),
                }
            }
            ["design", name] => match self.design_value(name) {
                Some(value) => lands.apply(&value),
                None => {
                    self.unknown(placeholder, source, None);
                    String::new()
                }
            },
            _ => match self.scope.fill(placeholder) {
                Fill::Text(text) if lands == Escape::Html => {
                    lands.apply(text.trim()).replace("\r\n", "\n").replace('\n', "<br>")
                }
                Fill::Text(text) => lands.apply(&text),
                Fill::Open(placeholder) => self.tokens.open(placeholder, lands),
                Fill::Unknown(near) => {
                    self.unknown(placeholder, source, near);
                    String::new()
                }
            },
        }
    }

    /// Whether a name has a value now, or will have one.
    pub(crate) fn is_given(&self, path: &[String]) -> bool {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        match names[..] {
            ["design", "logo"] | ["newsletter", "logo"] => self.design.logo.is_some(),
            ["issue", "preheader"] => !self.head.preheader.is_empty() || !self.opening.is_empty(),
            ["issue", "subject"] => !self.head.subject.is_empty(),
            ["design", name] => self.design_value(name).is_some(),
            ["link", name] => self.links.contains(&name),
            _ => {
                let filters = vec![crate::issue::Filter::Default(String::new())];
                let placeholder = Placeholder { path: path.to_vec(), filters, span: 0..0 };
                match self.scope.fill(&placeholder) {
                    Fill::Text(text) => !matches!(text.trim(), "" | "false"),
                    Fill::Open(_) => true,
                    Fill::Unknown(_) => false,
                }
            }
        }
    }

    fn design_value(&self, name: &str) -> Option<String> {
        match name {
            "font" => Some(self.design.font.clone()),
            "heading_font" => Some(self.design.heading_font.clone()),
            "code_font" => Some(self.design.code_font.clone()),
            "width" => Some(self.design.width.to_string()),
            "size" => Some(self.design.size.to_string()),
            _ => self.design.light.color(name).map(|color| color.to_string()),
        }
    }

    fn unknown(&mut self, placeholder: &Placeholder, source: &Source, near: Option<String>) {
        let key = (source.path().to_owned(), placeholder.span.start);
        if !self.reported.insert(key) {
            return;
        }
        let name = placeholder.path.join(".");
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => self.what_to_write(placeholder),
        };
        let message = format!("no value is known for `{name}`");
        self.diagnostics
            .push(Diagnostic::error("M215", source, placeholder.span.clone(), message).help(help));
    }

    /// What to do about a name that is near no other.
    fn what_to_write(&self, placeholder: &Placeholder) -> String {
        let default = "or add `| default(\"…\")`";
        let known = |names: Vec<String>| format!("known names: {}", names.join(", "));
        match placeholder.path.first().map(String::as_str) {
            Some("issue") => format!("give it in the front matter, {default}"),
            Some("newsletter") => {
                let names = known(self.scope.newsletter_names());
                format!("set it under `[fields]` in mimeo.toml, {default}; {names}")
            }
            Some("link") => known(LINKS.map(|name| format!("link.{name}")).to_vec()),
            Some("words") => known(IN_TEMPLATES.map(|name| format!("words.{name}")).to_vec()),
            _ => "names begin with `issue.`, `newsletter.`, `subscriber.`, `link.`, `design.` or `words.`"
                .to_owned(),
        }
    }

    /// A phrase as HTML source for where it lands.
    pub(crate) fn phrase(&mut self, phrase: &Phrase, source: &Source, lands: Escape) -> String {
        let mut out = String::new();
        for part in &phrase.0 {
            match part {
                Part::Text(text) if lands == Escape::Html => text_into(&mut out, text),
                Part::Text(text) => out.push_str(&lands.apply(text)),
                Part::Open(placeholder) => out.push_str(&self.placeholder(placeholder, source, lands)),
            }
        }
        out
    }

    /// A link's target as the value of a quoted attribute. A target that no mail client follows becomes `#`.
    pub(crate) fn url(&mut self, phrase: &Phrase, source: &Source, span: &Span) -> String {
        let mut out = String::new();
        for (index, part) in phrase.0.iter().enumerate() {
            match part {
                Part::Text(text) if index == 0 => match Self::target(text.trim(), phrase.0.len() == 1) {
                    Ok(url) => out.push_str(&attribute(&url)),
                    Err(scheme) => {
                        self.diagnostics.push(
                            Diagnostic::error(
                                "M216",
                                source,
                                span.clone(),
                                format!("mail clients do not follow links to `{scheme}:`"),
                            )
                            .help(format!("use one of {}", LINK_SCHEMES.join(", "))),
                        );
                        return "#".to_owned();
                    }
                },
                Part::Text(text) => {
                    out.push_str(&attribute(&utf8_percent_encode(text, NOT_IN_URLS).to_string()));
                }
                Part::Open(placeholder) => {
                    let lands = if out.is_empty() { Escape::Url } else { Escape::UrlPart };
                    out.push_str(&self.placeholder(placeholder, source, lands));
                }
            }
        }
        if out.is_empty() { "#".to_owned() } else { out }
    }

    /// The beginning of a URL.
    fn target(text: &str, is_whole: bool) -> Result<String, String> {
        let scheme = text
            .split_once(':')
            .map(|(scheme, _)| scheme)
            .filter(|scheme| {
                scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
            })
            .filter(|scheme| scheme.starts_with(|c: char| c.is_ascii_alphabetic()));
        match scheme {
            Some(scheme) if is_known_scheme(scheme) => {
                let host = text.split(['/', '?', '#']).nth(2).unwrap_or_default();
                if is_whole && !host.is_ascii() {
                    // A host outside ASCII is written as A-labels (RFC 5890), which every client understands.
                    if let Ok(url) = url::Url::parse(text) {
                        return Ok(url.to_string());
                    }
                }
                Ok(utf8_percent_encode(text, NOT_IN_URLS).to_string())
            }
            Some(scheme) => Err(scheme.to_ascii_lowercase()),
            None => Ok(utf8_percent_encode(text, NOT_IN_URLS).to_string()),
        }
    }
}

/// Text between tags: quotation marks need no escape there.
pub(crate) fn text_into(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
}

/// Text between tags.
pub(crate) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    text_into(&mut out, text);
    out
}

/// Text in a quoted attribute.
pub(crate) fn attribute(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || b" -._~:/?#[]@!$()*+,;=%".contains(&b)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(Escape::Attribute.apply(text))
}
