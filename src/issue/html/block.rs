//! A block of raw HTML, made well-formed.

use super::{
    attributes::{self, anchor},
    escape,
    picture::image,
    problems::{not_closed, not_kept, not_opened},
};
use crate::{
    issue::{
        context::Context,
        document::{BlockKind, Figure, Image},
        placeholder::{Part, Phrase, placeholders},
    },
    markup::{
        self, Attribute, Token,
        allowed::{Fate, anchor_fits, fate, kept_name},
        pieces_around,
    },
    source::Span,
};

/// Tags within tags beyond this are taken out.
const DEPTH_MAX: usize = 40;

/// Where the bytes of a block are in the file: a quote's `>` is between its lines.
struct Places<'a> {
    places: &'a [(usize, usize)],
}

impl Places<'_> {
    fn at(&self, local: usize) -> usize {
        let next = self.places.partition_point(|(at, _)| *at <= local);
        next.checked_sub(1).map_or(0, |index| self.places[index].1 + (local - self.places[index].0))
    }

    fn span(&self, span: Span) -> Span {
        let start = self.at(span.start);
        start..self.at(span.end.saturating_sub(1).max(span.start)).max(start) + 1
    }
}

struct Output {
    parts: Vec<Part>,
    text: String,
    stack: Vec<(String, Span)>,
    /// Whether there is something to see that is no picture.
    words: bool,
    images: Vec<Image>,
    links: Vec<Phrase>,
    rules: usize,
}

impl Output {
    fn phrase(&mut self, phrase: Phrase, escape: fn(&str) -> String) {
        for part in phrase.0 {
            match part {
                Part::Text(text) => self.text.push_str(&escape(&text)),
                open @ Part::Open(_) => {
                    if !self.text.is_empty() {
                        self.parts.push(Part::Text(std::mem::take(&mut self.text)));
                    }
                    self.parts.push(open);
                }
            }
        }
    }

    fn close_top(&mut self) {
        if let Some((name, _)) = self.stack.pop() {
            self.text.push_str(&format!("</{name}>"));
        }
    }
}

/// What a block of raw HTML is, if anything of it is left. `places` says where its lines are in the file.
pub(in crate::issue) fn block(
    context: &mut Context<'_>,
    text: &str,
    places: &[(usize, usize)],
    span: &Span,
) -> Option<BlockKind> {
    let places = Places { places };
    let mut out = Output {
        parts: Vec::new(),
        text: String::new(),
        stack: Vec::new(),
        words: false,
        images: Vec::new(),
        links: Vec::new(),
        rules: 0,
    };
    // Set while everything up to the end of a dropped element is left out.
    let mut dropped: Option<(String, Span)> = None;
    for (token, local) in pieces_around(text, &placeholders(text)) {
        let place = places.span(local.clone());
        match (token, &dropped) {
            (Token::Close { name }, Some((open, _))) if name == *open => dropped = None,
            (Token::Comment { is_closed: false }, None) => {
                let line = text[local.clone()].lines().next().unwrap_or_default().trim_end().len();
                context.error(
                    "M174",
                    place.start..place.start + line,
                    "this comment is not closed, so that nothing below it is in the letter",
                    "end it with `-->`",
                );
            }
            (_, Some(_)) | (Token::Comment { .. } | Token::Hidden, None) => {}
            (Token::Text(_), None) => words(context, &mut out, &text[local.clone()], local.start, &places),
            (Token::Close { name }, None) => close(context, &mut out, &name, place),
            (Token::Open { name, raw, .. }, None) if fate(&name) == Fate::Dropped => {
                not_kept(context, &name, place.clone());
                dropped = (!raw.ends_with("/>")).then_some((name, place));
            }
            (Token::Open { name, attributes, .. }, None) => {
                open_tag(context, &mut out, &name, &attributes, place);
            }
        }
    }
    if let Some((name, place)) = dropped {
        hides_the_rest(context, &name, place);
    }
    let mut around = Vec::new();
    while let Some((name, place)) = out.stack.last().cloned() {
        if is_around_markdown(&name) {
            around.push((name, place));
        } else if !is_optional(&name) {
            not_closed(context, &name, place);
        }
        out.close_top();
    }
    context.open_html.extend(around.into_iter().rev());
    finish(out, span)
}

/// An element that is left out, without its end: what is below it is left out with it.
fn hides_the_rest(context: &mut Context<'_>, name: &str, place: Span) {
    // Markdown reads these to their end, over empty lines.
    if matches!(name, "script" | "style" | "textarea") {
        let message = format!("`<{name}>` is not closed, so that nothing below it is in the letter");
        context.error("M174", place, message, format!("end it with `</{name}>`, or take it out"));
    } else {
        not_closed(context, name, place);
    }
}

fn finish(mut out: Output, span: &Span) -> Option<BlockKind> {
    if !out.words {
        match (out.images.len(), out.rules) {
            (0, 0) => return None,
            (0, _) => return Some(BlockKind::Divider),
            (1, 0) => {
                let image = out.images.pop()?;
                let image = Image { span: span.clone(), ..image };
                return Some(BlockKind::Figure(Figure {
                    image,
                    caption: None,
                    credit: None,
                    link: out.links.pop(),
                }));
            }
            _ => {}
        }
    }
    if !out.text.is_empty() {
        out.parts.push(Part::Text(out.text));
    }
    Some(BlockKind::Html(Phrase(out.parts)))
}

fn words(context: &mut Context<'_>, out: &mut Output, text: &str, start: usize, places: &Places<'_>) {
    if text.is_empty() {
        return;
    }
    let within_table = out.stack.last().is_some_and(|(name, _)| is_table_part(name));
    if within_table && text.trim().is_empty() {
        out.text.push_str(text);
        return;
    }
    let phrase = context.text_phrase(text, &|span: Span| places.span(start + span.start..start + span.end));
    out.words |= !text.trim().is_empty();
    out.phrase(phrase, escape::text);
}

fn is_table_part(name: &str) -> bool {
    matches!(name, "table" | "tbody" | "thead" | "tfoot" | "tr" | "colgroup")
}

/// Tags that authors may leave open.
fn is_optional(name: &str) -> bool {
    matches!(name, "p" | "li" | "td" | "th" | "tr" | "tbody" | "thead" | "tfoot" | "dd" | "dt")
}

/// Tags that authors put around Markdown, with empty lines between: `<div align="center">`, `<details>`.
fn is_around_markdown(name: &str) -> bool {
    matches!(name, "div" | "center")
}

/// A tag that was put around Markdown has its end.
fn end_around_markdown(context: &mut Context<'_>, place: Span) {
    let text = context.text(&place);
    let Some(what) = ["align", "style", "center"].into_iter().find(|what| text.contains(what)) else {
        return;
    };
    let what = if what == "center" { "<center>" } else { what };
    context.warn(
        "M171",
        place,
        format!("`{what}` changes nothing in the Markdown below it"),
        "write HTML without empty lines between the tags, or take the tags out",
    );
}

/// What is still open at the end of the issue.
pub(in crate::issue) fn end(context: &mut Context<'_>) {
    for (name, place) in std::mem::take(&mut context.open_html) {
        // What is written as another tag is reported already.
        let written = context.text(&place).trim_start_matches('<').to_ascii_lowercase();
        if written.starts_with(&name) {
            not_closed(context, &name, place);
        }
    }
}

/// What may be open when a tag of a table or list begins; anything else is a mistake that would break the letter.
fn parents(name: &str) -> &'static [&'static str] {
    match name {
        "tr" => &["table", "tbody", "thead", "tfoot"],
        "td" | "th" => &["tr"],
        "tbody" | "thead" | "tfoot" | "caption" | "colgroup" => &["table"],
        "li" => &["ul", "ol"],
        "dt" | "dd" => &["dl"],
        _ => &[],
    }
}

fn open_tag(context: &mut Context<'_>, out: &mut Output, name: &str, attributes: &[Attribute], place: Span) {
    if matches!(name, "details" | "summary") {
        not_kept(context, name, place.clone());
    }
    let name = kept_name(name);
    match fate(name) {
        Fate::Unknown | Fate::Dropped => return not_kept(context, name, place),
        Fate::Void => return void(context, out, name, attributes, &place),
        Fate::Inline | Fate::Block => {}
    }
    let wanted = parents(name);
    if wanted.is_empty() {
        // A paragraph ends where a block begins.
        if fate(name) == Fate::Block && out.stack.last().is_some_and(|(open, _)| open == "p") {
            out.close_top();
        }
    } else {
        // What may be left open ends where its neighbor begins.
        while out.stack.last().is_some_and(|(open, _)| is_optional(open) && !wanted.contains(&open.as_str()))
        {
            out.close_top();
        }
    }
    let is_allowed = match out.stack.last() {
        Some((open, _)) if is_table_part(open) => wanted.contains(&open.as_str()),
        Some((open, _)) => wanted.is_empty() || wanted.contains(&open.as_str()),
        None => wanted.is_empty(),
    };
    if !is_allowed || out.stack.len() >= DEPTH_MAX {
        context.warn(
            "M172",
            place,
            format!("`<{name}>` is not allowed here"),
            "cells belong into rows, rows into tables, items into lists; leave no empty line within them",
        );
        return;
    }
    if name == "a" {
        if out.stack.iter().any(|(open, _)| open == "a") {
            return;
        }
        match attributes::href(context, name, attributes, &place) {
            Some(url) => out.links.push(url),
            None if anchor(attributes).is_none() => return,
            None => {}
        }
    }
    let kept = attributes::kept(context, name, attributes, &place);
    let anchor = anchor(attributes).filter(|_| anchor_fits(name));
    out.words |= anchor.is_some();
    // Some webmails drop `id`, so that the place has a name, as those of headings.
    let anchor = anchor.map(|anchor| format!("<a name=\"{}\"></a>", escape::attribute(&anchor)));
    let anchor = anchor.filter(|_| name != "a" && out.stack.iter().all(|(open, _)| open != "a"));
    if let (true, Some(anchor)) = (is_list_or_table(name), &anchor) {
        out.text.push_str(anchor);
    }
    out.text.push_str(&format!("<{name}"));
    for (key, value) in kept {
        out.text.push_str(&format!(" {key}=\""));
        out.phrase(value, escape::attribute);
        out.text.push('"');
    }
    out.text.push('>');
    if let (false, Some(anchor)) = (is_list_or_table(name), &anchor) {
        out.text.push_str(anchor);
    }
    out.stack.push((name.to_owned(), place));
}

fn is_list_or_table(name: &str) -> bool {
    matches!(name, "ul" | "ol" | "dl" | "table")
}

fn void(context: &mut Context<'_>, out: &mut Output, name: &str, attributes: &[Attribute], place: &Span) {
    if out.stack.last().is_some_and(|(open, _)| is_table_part(open)) {
        return;
    }
    match name {
        "img" => {
            let Some(found) = image(context, attributes, place) else { return };
            out.text.push_str("<img");
            for (key, value) in attributes::kept_quietly(context, name, attributes, place) {
                out.text.push_str(&format!(" {key}=\""));
                out.phrase(value, escape::attribute);
                out.text.push('"');
            }
            if markup::find(attributes, "alt").is_none() {
                out.text.push_str(" alt=\"\"");
            }
            out.text.push('>');
            out.images.push(found);
        }
        "hr" => {
            out.rules += 1;
            out.text.push_str("<hr>");
        }
        _ => out.text.push_str("<br>"),
    }
}

fn close(context: &mut Context<'_>, out: &mut Output, written: &str, place: Span) {
    let name = kept_name(written);
    if !matches!(fate(name), Fate::Inline | Fate::Block) {
        return;
    }
    // Nothing closes what is outside of its cell.
    let found = out
        .stack
        .iter()
        .rposition(|(open, _)| open == name)
        .filter(|at| name == "table" || !out.stack[at + 1..].iter().any(|(open, _)| open == "table"));
    let Some(found) = found else {
        if let Some((_, opened)) = context.open_html.pop_if(|(open, _)| open == name) {
            return end_around_markdown(context, opened);
        }
        return not_opened(context, written, place);
    };
    while out.stack.len() > found {
        if out.stack.len() > found + 1
            && let Some((open, place)) = out.stack.last().cloned()
            && !is_optional(&open)
        {
            not_closed(context, &open, place);
        }
        out.close_top();
    }
}
