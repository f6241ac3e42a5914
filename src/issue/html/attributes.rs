//! The attributes of raw HTML: what is kept, what is reported.

use crate::{
    issue::{
        context::Context,
        placeholder::{Part, Phrase},
    },
    markup::{
        self, Attribute,
        allowed::{anchor_fits, declaration, is_harmless, is_safe, keeps, safe_picture},
    },
    source::Span,
};

/// Reports attributes that are taken out.
pub(super) fn complain(context: &mut Context<'_>, name: &str, attributes: &[Attribute], span: &Span) {
    let is_kept = |key: &str| keeps(name, key) || (matches!(key, "id" | "name") && anchor_fits(name));
    for key in attributes.iter().map(|one| &one.name).filter(|key| !is_kept(key)) {
        if is_harmless(key) {
            context.note("M171", span.clone(), format!("`{key}` on `<{name}>` is not kept in letters"));
            continue;
        }
        let help = if key.starts_with("on") {
            "no mail client runs scripts; take it out"
        } else {
            "mail clients do not keep it; take it out"
        };
        context.warn("M171", span.clone(), format!("`{key}` on `<{name}>` is not kept in letters"), help);
    }
}

/// The attributes that stay, values decoded.
pub(super) fn kept(
    context: &mut Context<'_>,
    name: &str,
    attributes: &[Attribute],
    span: &Span,
) -> Vec<(String, Phrase)> {
    complain(context, name, attributes, span);
    kept_quietly(context, name, attributes, span)
}

/// The attributes that are kept, where the others were reported before.
pub(super) fn kept_quietly(
    context: &mut Context<'_>,
    name: &str,
    attributes: &[Attribute],
    span: &Span,
) -> Vec<(String, Phrase)> {
    let mut kept = Vec::new();
    for Attribute { name: key, value, .. } in attributes.iter().filter(|one| keeps(name, &one.name)) {
        let value = match key.as_str() {
            "href" => match href(context, name, attributes, span) {
                Some(url) => url,
                None => continue,
            },
            "src" => {
                let source = value.trim().to_owned();
                if !safe_picture(&source) {
                    unsafe_address(context, name, &source, span);
                    continue;
                }
                Phrase::plain(source)
            }
            "alt" | "title" => phrase(context, value, span),
            "style" => {
                let style = style(context, name, value, span);
                if style.is_empty() {
                    continue;
                }
                Phrase::plain(style)
            }
            "name" => continue,
            _ => Phrase::plain(value),
        };
        kept.push((key.clone(), value));
    }
    if let ("a", Some(anchor)) = (name, anchor(attributes)) {
        kept.push(("name".to_owned(), Phrase::plain(anchor)));
    }
    kept
}

/// The name that an element gives its place.
pub(super) fn anchor(attributes: &[Attribute]) -> Option<String> {
    let name = markup::find(attributes, "id").or_else(|| markup::find(attributes, "name"))?.trim();
    (!name.is_empty() && !name.contains("{{")).then(|| name.to_owned())
}

/// A value that may hold placeholders.
pub(super) fn phrase(context: &mut Context<'_>, value: &str, span: &Span) -> Phrase {
    if !value.contains("{{") {
        return Phrase::plain(value);
    }
    // With a placeholder in it, it is as it was written.
    context.value_phrase(&markup::decode(value), span.clone())
}

/// The address of a link, if a letter can hold it.
pub(super) fn href(
    context: &mut Context<'_>,
    name: &str,
    attributes: &[Attribute],
    span: &Span,
) -> Option<Phrase> {
    let value = markup::find(attributes, "href")?;
    let url = phrase(context, value.trim(), span);
    let first = match url.0.first() {
        Some(Part::Text(text)) => text.as_str(),
        Some(Part::Open(_)) => return Some(url),
        None => return None,
    };
    if is_safe(first) {
        return Some(url);
    }
    let shown = first.to_owned();
    unsafe_address(context, name, &shown, span);
    None
}

fn unsafe_address(context: &mut Context<'_>, name: &str, address: &str, span: &Span) {
    let scheme: String = address.chars().take_while(|c| *c != ':').take(20).collect();
    context.warn(
        "M173",
        span.clone(),
        format!("`{scheme}:` in `<{name}>` is not kept in letters"),
        "letters can link to https, http, mailto and tel addresses",
    );
}

fn style(context: &mut Context<'_>, name: &str, text: &str, span: &Span) -> String {
    let mut out = String::new();
    for written in text.split(';').map(str::trim).filter(|written| !written.is_empty()) {
        match declaration(written) {
            Some(kept) => {
                if !out.is_empty() {
                    out.push(';');
                }
                out.push_str(&kept);
            }
            None => {
                let shown: String = written.chars().take(60).collect();
                context.warn(
                    "M171",
                    span.clone(),
                    format!("the style `{shown}` on `<{name}>` is not kept in letters"),
                    "keep to colors, fonts, spacing, borders and alignment",
                );
            }
        }
    }
    out
}
