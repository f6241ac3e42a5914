//! A block of raw HTML, made well-formed.

use super::{
    Image, allowed,
    allowed::{Fate, fate},
    image, not_closed, not_kept, not_opened,
    token::{Token, decode, escape_attribute, escape_text, next_token},
};
use crate::{
    issue::{
        Part, Phrase,
        document::{BlockKind, Figure, Inline, Inlines},
        inline::push as push_inline,
        placeholder::{Found, find},
        reader::Reader,
    },
    source::Span,
};

/// Tags within tags beyond this are taken out.
const DEPTH_MAX: usize = 40;

/// Where the bytes of a block stand in the file: a quote's `>` stands between its lines.
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

/// What a block of raw HTML is, if anything of it is left. `places` says where its lines stand in the file.
pub(in crate::issue) fn block(
    reader: &mut Reader<'_>,
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
    // A `<` within a placeholder's default is no tag.
    let open: Vec<Span> = find(text, true)
        .into_iter()
        .filter_map(|found| match found {
            Found::Placeholder(span) => Some(span),
            _ => None,
        })
        .collect();
    let mut done = 0;
    let mut at = 0;
    while let Some(sign) = memchr::memchr(b'<', &text.as_bytes()[at..]).map(|next| at + next) {
        let inside = open.partition_point(|span| span.end <= sign);
        if open.get(inside).is_some_and(|span| span.start < sign) {
            at = sign + 1;
            continue;
        }
        let Some((token, length)) = next_token(&text[sign..]) else {
            at = sign + 1;
            continue;
        };
        words(reader, &mut out, &text[done..sign], done, &places);
        let place = places.span(sign..sign + length);
        let mut end = sign + length;
        match token {
            Token::Comment => {}
            Token::Close(name) => close(reader, &mut out, &name, place),
            Token::Open { name, attributes, closed } => {
                if fate(&name) == Fate::Dropped {
                    not_kept(reader, &name, place);
                    if !closed {
                        end = end_of(text, end, &name);
                    }
                } else {
                    open_tag(reader, &mut out, &name, &attributes, place);
                }
            }
        }
        done = end;
        at = end;
    }
    words(reader, &mut out, &text[done..], done, &places);
    while let Some((name, place)) = out.stack.last().cloned() {
        if !is_optional(&name) {
            not_closed(reader, &name, place);
        }
        out.close_top();
    }
    finish(out, span)
}

/// Where the content of a dropped tag ends.
fn end_of(text: &str, from: usize, name: &str) -> usize {
    let mut at = from;
    while let Some(sign) = memchr::memmem::find(&text.as_bytes()[at..], b"</").map(|next| at + next) {
        let rest = &text.as_bytes()[sign + 2..];
        if rest.len() >= name.len() && rest[..name.len()].eq_ignore_ascii_case(name.as_bytes()) {
            return memchr::memchr(b'>', rest).map_or(text.len(), |end| sign + 2 + end + 1);
        }
        at = sign + 2;
    }
    text.len()
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

fn words(reader: &mut Reader<'_>, out: &mut Output, text: &str, start: usize, places: &Places<'_>) {
    if text.is_empty() {
        return;
    }
    let within_table = out.stack.last().is_some_and(|(name, _)| is_table_part(name));
    if within_table && text.trim().is_empty() {
        out.text.push_str(text);
        return;
    }
    let phrase = reader.text_phrase(text, &|span: Span| places.span(start + span.start..start + span.end));
    out.words |= !text.trim().is_empty();
    out.phrase(phrase, escape_text);
}

fn is_table_part(name: &str) -> bool {
    matches!(name, "table" | "tbody" | "thead" | "tfoot" | "tr" | "colgroup")
}

/// Tags that authors may leave open.
fn is_optional(name: &str) -> bool {
    matches!(name, "p" | "li" | "td" | "th" | "tr" | "tbody" | "thead" | "tfoot" | "dd" | "dt")
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

fn open_tag(
    reader: &mut Reader<'_>,
    out: &mut Output,
    name: &str,
    attributes: &[(String, String)],
    place: Span,
) {
    match fate(name) {
        Fate::Unknown | Fate::Dropped => return not_kept(reader, name, place),
        Fate::Void => return void(reader, out, name, attributes, &place),
        Fate::Inline | Fate::Block => {}
    }
    let wanted = parents(name);
    if wanted.is_empty() {
        // A paragraph ends where a block begins.
        if fate(name) == Fate::Block && out.stack.last().is_some_and(|(open, _)| open == "p") {
            out.close_top();
        }
    } else {
        // What may be left open ends where its neighbour begins.
        while out.stack.last().is_some_and(|(open, _)| is_optional(open) && !wanted.contains(&open.as_str()))
        {
            out.close_top();
        }
    }
    let fits = match out.stack.last() {
        Some((open, _)) if is_table_part(open) => wanted.contains(&open.as_str()),
        Some((open, _)) => wanted.is_empty() || wanted.contains(&open.as_str()),
        None => wanted.is_empty(),
    };
    if !fits || out.stack.len() >= DEPTH_MAX {
        reader.warn(
            "M172",
            place,
            format!("`<{name}>` cannot stand here"),
            "cells belong into rows, rows into tables, items into lists; leave no empty line within them",
        );
        return;
    }
    if name == "a" {
        if out.stack.iter().any(|(open, _)| open == "a") {
            return;
        }
        let Some(url) = allowed::href(reader, name, attributes, &place) else { return };
        out.links.push(url);
    }
    let kept = allowed::attributes(reader, name, attributes, &place);
    out.text.push_str(&format!("<{name}"));
    for (key, value) in kept {
        out.text.push_str(&format!(" {key}=\""));
        out.phrase(value, escape_attribute);
        out.text.push('"');
    }
    out.text.push('>');
    out.stack.push((name.to_owned(), place));
}

fn void(
    reader: &mut Reader<'_>,
    out: &mut Output,
    name: &str,
    attributes: &[(String, String)],
    place: &Span,
) {
    if out.stack.last().is_some_and(|(open, _)| is_table_part(open)) {
        return;
    }
    match name {
        "img" => {
            let Some(found) = image(reader, attributes, place) else { return };
            out.text.push_str("<img");
            for (key, value) in allowed::attributes_quietly(reader, name, attributes, place) {
                out.text.push_str(&format!(" {key}=\""));
                out.phrase(value, escape_attribute);
                out.text.push('"');
            }
            if !attributes.iter().any(|(key, _)| key == "alt") {
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

fn close(reader: &mut Reader<'_>, out: &mut Output, name: &str, place: Span) {
    if !matches!(fate(name), Fate::Inline | Fate::Block) {
        return;
    }
    // Nothing closes what is outside the cell it stands in.
    let found = out
        .stack
        .iter()
        .rposition(|(open, _)| open == name)
        .filter(|at| name == "table" || !out.stack[at + 1..].iter().any(|(open, _)| open == "table"));
    let Some(found) = found else { return not_opened(reader, name, place) };
    while out.stack.len() > found {
        if out.stack.len() > found + 1
            && let Some((open, place)) = out.stack.last().cloned()
            && !is_optional(&open)
        {
            not_closed(reader, &open, place);
        }
        out.close_top();
    }
}

/// The words, links and pictures of a block of raw HTML, for everything that is not HTML.
pub fn plain(html: &Phrase) -> Inlines {
    let mut frames: Vec<(Phrase, Inlines)> = vec![(Phrase::default(), Inlines::new())];
    let mut tag: Option<Phrase> = None;
    for part in &html.0 {
        match (part, &mut tag) {
            (Part::Open(_), Some(tag)) => tag.0.push(part.clone()),
            (Part::Open(placeholder), None) => add(&mut frames, Inline::Placeholder(placeholder.clone())),
            (Part::Text(text), _) => {
                let mut rest = text.as_str();
                loop {
                    if let Some(mut open) = tag.take() {
                        let end = rest.find('>');
                        open.0.push(Part::Text(rest[..end.unwrap_or(rest.len())].to_owned()));
                        match end {
                            Some(end) => {
                                rest = &rest[end + 1..];
                                end_tag(&mut frames, &open);
                            }
                            None => {
                                tag = Some(open);
                                break;
                            }
                        }
                    }
                    let sign = rest.find('<').unwrap_or(rest.len());
                    add_words(&mut frames, &rest[..sign]);
                    if sign == rest.len() {
                        break;
                    }
                    rest = &rest[sign + 1..];
                    tag = Some(Phrase::default());
                }
            }
        }
    }
    while frames.len() > 1 {
        close_link(&mut frames);
    }
    let mut words = frames.pop().map(|(_, words)| words).unwrap_or_default();
    while matches!(words.last(), Some(Inline::LineBreak | Inline::SoftBreak)) {
        words.pop();
    }
    words
}

fn add(frames: &mut [(Phrase, Inlines)], inline: Inline) {
    push_inline(&mut frames.last_mut().expect("the first frame stays").1, inline);
}

fn add_words(frames: &mut [(Phrase, Inlines)], text: &str) {
    let decoded = decode(text);
    let mut words: String = decoded.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.is_empty() {
        if !decoded.is_empty()
            && frames.last().is_some_and(|(_, words)| matches!(words.last(), Some(Inline::Text(_))))
        {
            add(frames, Inline::Text(" ".into()));
        }
        return;
    }
    if decoded.starts_with(char::is_whitespace) {
        words.insert(0, ' ');
    }
    if decoded.ends_with(char::is_whitespace) {
        words.push(' ');
    }
    add(frames, Inline::Text(words));
}

fn line(frames: &mut [(Phrase, Inlines)]) {
    let last = frames.last().and_then(|(_, words)| words.last());
    if !matches!(last, None | Some(Inline::LineBreak)) {
        add(frames, Inline::LineBreak);
    }
}

fn close_link(frames: &mut Vec<(Phrase, Inlines)>) {
    if frames.len() > 1
        && let Some((url, content)) = frames.pop()
    {
        add(frames, Inline::Link { url, title: Phrase::default(), content, span: 0..0 });
    }
}

/// One tag of our own well-formed output.
fn end_tag(frames: &mut Vec<(Phrase, Inlines)>, tag: &Phrase) {
    let text = match tag.0.first() {
        Some(Part::Text(text)) => text.as_str(),
        _ => return,
    };
    let name: String = text.chars().skip_while(|c| *c == '/').take_while(|c| c.is_alphanumeric()).collect();
    match (name.as_str(), text.starts_with('/')) {
        ("a", true) => close_link(frames),
        ("a", false) => frames.push((attribute(tag, "href"), Inlines::new())),
        ("img", _) => {
            let alt = attribute(tag, "alt");
            let source = attribute(tag, "src").to_string();
            add(frames, Inline::Image(Image { source, alt, width: None, span: 0..0 }));
        }
        ("br" | "hr", _) => add(frames, Inline::LineBreak),
        ("td" | "th", true) => add(frames, Inline::Text(" ".into())),
        (name, _) if fate(name) == Fate::Block => line(frames),
        _ => {}
    }
}

/// The value of an attribute in one of our own tags: always in double quotes.
fn attribute(tag: &Phrase, name: &str) -> Phrase {
    let mut value = Phrase::default();
    let mut inside = false;
    let mark = format!(" {name}=\"");
    for part in &tag.0 {
        match part {
            Part::Open(_) if inside => value.0.push(part.clone()),
            Part::Open(_) => {}
            Part::Text(text) => {
                let mut rest = text.as_str();
                if !inside {
                    match rest.find(&mark) {
                        Some(at) => {
                            rest = &rest[at + mark.len()..];
                            inside = true;
                        }
                        None => continue,
                    }
                }
                let end = rest.find('"');
                let found = decode(&rest[..end.unwrap_or(rest.len())]);
                if !found.is_empty() {
                    value.0.push(Part::Text(found));
                }
                if end.is_some() {
                    return value;
                }
            }
        }
    }
    value
}
