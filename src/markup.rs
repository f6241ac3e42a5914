//! HTML is cut into tokens here, as browsers do it (HTML Living Standard section 13.2.5), each with its place.
//!
//! In: any text. Out: [`Token`]s with spans; the allow-list of what letters and pages keep; where a value lands.
//! Never: fails, changes a text, or knows MJML's rules: templates have a reader of their own in `render`.

pub(crate) mod allowed;
mod events;
mod value_context;

pub(crate) use events::Attribute;
pub(crate) use value_context::{ValueContext, is_url, value_context};

use std::borrow::Cow;

use html5gum::{
    State, Tokenizer,
    emitters::callback::{CallbackEmitter, CallbackEvent},
};

use crate::source::Span;
use events::{Builder, Quiet, RawKind};

/// One piece of markup.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token<'a> {
    /// Between tags, character references decoded.
    Text(String),
    /// `<name …>` or `<name …/>`
    Open {
        /// In lower case.
        name: String,
        /// Each name once, as in browsers.
        attributes: Vec<Attribute>,
        /// The tag as it is written.
        raw: &'a str,
    },
    /// `</name>`
    Close {
        /// In lower case.
        name: String,
    },
    /// A comment, a declaration, a processing instruction: nothing that a reader sees.
    Comment {
        /// A comment without `-->` reaches to the end of the text.
        is_closed: bool,
    },
    /// What is inside `<script>` and `<style>`.
    Hidden,
}

impl Token<'_> {
    /// The value of an attribute of an opening tag.
    pub(crate) fn attribute(&self, wanted: &str) -> Option<&str> {
        match self {
            Self::Open { attributes, .. } => find(attributes, wanted),
            _ => None,
        }
    }
}

/// The value of an attribute.
pub(crate) fn find<'a>(attributes: &'a [Attribute], wanted: &str) -> Option<&'a str> {
    attributes.iter().find(|attribute| attribute.name == wanted).map(|attribute| attribute.value.as_str())
}

/// An unfinished tag is text, and what follows is read again from there; a text with more of them is no markup.
const UNFINISHED_MAX: usize = 20;

/// Everything in a text with its place; the spans follow each other without gaps. What is no tag is text.
pub(crate) fn pieces(text: &str) -> Vec<(Token<'_>, Span)> {
    pieces_around(text, &[])
}

/// The pieces of a text that has stretches (placeholders) in which nothing is markup. They must be sorted. The value of
/// an attribute that holds one is not decoded: it is as written.
pub(crate) fn pieces_around<'a>(text: &'a str, holes: &[Span]) -> Vec<(Token<'a>, Span)> {
    let masked = mask(text, holes);
    let mut out: Vec<(Token<'a>, Span)> = Vec::new();
    let mut from = 0;
    for _ in 0..UNFINISHED_MAX {
        let end = read(text, &masked, holes, from, &mut out);
        if end == text.len() {
            return out;
        }
        // The `<` of an unfinished tag is a character like others.
        push_text(text, end..end + 1, &mut out);
        from = end + 1;
    }
    push_text(text, from..text.len(), &mut out);
    out
}

/// What readers see, and the tags around it: comments, `<script>` and `<style>` are left out.
pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let is_hidden = |name: &str| matches!(name, "script" | "style");
    let pieces = pieces(text).into_iter().map(|(token, _)| token);
    let mut out: Vec<Token<'_>> = Vec::new();
    for token in pieces {
        match token {
            Token::Comment { .. } | Token::Hidden => {}
            Token::Open { ref name, .. } | Token::Close { ref name } if is_hidden(name) => {}
            Token::Text(more) => match out.last_mut() {
                Some(Token::Text(before)) => before.push_str(&more),
                _ => out.push(Token::Text(more)),
            },
            token => out.push(token),
        }
    }
    out
}

/// Stretches that are no markup become characters that mean nothing; the text stays as long as it is.
fn mask<'a>(text: &'a str, holes: &[Span]) -> Cow<'a, str> {
    // Markdown ends these where XML does; browsers would end them at the first `>`.
    let mut opaque: Vec<Span> = Vec::new();
    for (open, close) in [("<?", "?>"), ("<![CDATA[", "]]>")] {
        let mut at = 0;
        while let Some(start) = text[at..].find(open).map(|found| at + found) {
            let inside = start + open.len();
            let Some(end) = text[inside..].find(close).map(|found| inside + found) else {
                opaque.push(inside..text.len());
                break;
            };
            opaque.push(inside..end + close.len() - 1);
            at = end + close.len();
        }
    }
    if opaque.is_empty() && holes.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut bytes = text.as_bytes().to_vec();
    for span in opaque.iter().chain(holes) {
        bytes[span.clone()].fill(b'_');
    }
    // The ends of each span are ends of characters.
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Reads up to the end, or to a tag that never ends.
fn read<'a>(
    text: &'a str,
    masked: &str,
    holes: &[Span],
    from: usize,
    out: &mut Vec<(Token<'a>, Span)>,
) -> usize {
    let emitter = Quiet(CallbackEmitter::new(Builder::default()));
    let mut tokenizer = Tokenizer::new_with_emitter(&masked[from..], emitter);
    let mut done = from;
    let mut hidden: Option<String> = None;
    while let Some(Ok(raw)) = tokenizer.next() {
        let span = from + raw.span.start..from + raw.span.end;
        if span.start < done {
            continue;
        }
        match hidden {
            Some(_) if span.start > done => out.push((Token::Hidden, done..span.start)),
            _ => push_text(text, done..span.start, out),
        }
        done = span.end;
        let written = &text[span.clone()];
        let token = match raw.kind {
            RawKind::Open(name, attributes) => {
                if matches!(name.as_str(), "script" | "style") {
                    let state = if name == "style" { State::RawText } else { State::ScriptData };
                    tokenizer.set_state(state);
                    hidden = Some(name.clone());
                } else {
                    hidden = None;
                }
                let attributes = attributes
                    .into_iter()
                    .map(|attribute| {
                        let span = from + attribute.span.start..from + attribute.span.end;
                        let value =
                            match holes.iter().any(|hole| hole.start < span.end && span.start < hole.end) {
                                true => text[span.clone()].to_owned(),
                                false => attribute.value,
                            };
                        Attribute { name: attribute.name, value, span }
                    })
                    .collect();
                Token::Open { name, attributes, raw: written }
            }
            RawKind::Close(name) => {
                hidden = None;
                Token::Close { name }
            }
            RawKind::Comment => {
                let end = if written.starts_with("<!--") { "-->" } else { ">" };
                Token::Comment { is_closed: written.ends_with(end) || written.ends_with("--!>") }
            }
        };
        out.push((token, span));
    }
    if hidden.is_some() {
        out.push((Token::Hidden, done..text.len()));
        return text.len();
    }
    // What is left is text, up to the tag that has no end.
    let rest = &masked[done..];
    let tag = rest.char_indices().find(|&(at, c)| c == '<' && starts_tag(&rest[at + 1..]));
    let end = tag.map_or(text.len(), |(at, _)| done + at);
    push_text(text, done..end, out);
    end
}

fn starts_tag(behind: &str) -> bool {
    let name = behind.strip_prefix('/').unwrap_or(behind);
    name.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn push_text<'a>(text: &'a str, span: Span, out: &mut Vec<(Token<'a>, Span)>) {
    if span.is_empty() {
        return;
    }
    let words = decode(&text[span.clone()]).into_owned();
    match out.last_mut() {
        Some((Token::Text(before), last)) if last.end == span.start => {
            before.push_str(&words);
            last.end = span.end;
        }
        _ => out.push((Token::Text(words), span)),
    }
}

/// Text with its character references decoded, all of HTML's names among them.
pub(crate) fn decode(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'&', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut words = Vec::with_capacity(text.len());
    let emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: html5gum::Span<()>| -> Option<()> {
        if let CallbackEvent::String { value } = event {
            words.extend_from_slice(value);
        }
        None
    });
    // In this state references are all there is: no tag can end it, as none has begun.
    let mut tokenizer = Tokenizer::new_with_emitter(text, Quiet(emitter));
    tokenizer.set_state(State::RcData);
    for _ in tokenizer.by_ref() {}
    drop(tokenizer);
    Cow::Owned(String::from_utf8_lossy(&words).into_owned())
}

/// Whether a text begins with a character reference, such as `&eacute;`: its length.
pub(crate) fn reference(text: &str) -> Option<usize> {
    let name = text
        .strip_prefix('&')?
        .bytes()
        .take(33)
        .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'#');
    let end = 1 + name.count() + 1;
    (text.as_bytes().get(end - 1) == Some(&b';') && decode(&text[..end]) != text[..end]).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(markup: &str) -> String {
        tokens(markup)
            .into_iter()
            .map(|token| match token {
                Token::Text(text) => text,
                Token::Open { name, attributes, .. } => {
                    let attributes: String =
                        attributes.iter().map(|one| format!(" {}={}", one.name, one.value)).collect();
                    format!("[{name}{attributes}]")
                }
                Token::Close { name } => format!("[/{name}]"),
                Token::Comment { .. } | Token::Hidden => unreachable!("left out"),
            })
            .collect()
    }

    #[test]
    fn tags_and_text_are_distinguished_however_they_are_written() {
        for (markup, expected) in [
            ("a &amp; <B>b</B>", "a & [b]b[/b]"),
            ("<img SRC='a b.png' alt=x/>", "[img src=a b.png alt=x/]"),
            ("<br/>x < y && y > z", "[br]x < y && y > z"),
            ("<!-- <b> -->c<style>p > a {}</STYLE>d", "cd"),
            (
                "<a href=\"https://example.org/?a=1&amp;b=2&copy=3\" hidden>",
                "[a href=https://example.org/?a=1&b=2&copy=3 hidden=]",
            ),
            ("open <a href=\"", "open <a href=\""),
            ("a <b x=\"<i>c</i>", "a <b x=\"[i]c[/i]"),
            ("caf&eacute; &#x2192; &nope; &", "café → &nope; &"),
            ("<a x=1 x=2>", "[a x=1]"),
            ("<p/ x=1>", "[p x=1]"),
            ("1 <3 < 4", "1 <3 < 4"),
            ("<?php a > b ?>c", "c"),
            ("<![CDATA[a > b]]>c", "c"),
            ("<!doctype html>c", "c"),
            ("a<script>never ends <b>", "a"),
        ] {
            assert_eq!(shown(markup), expected, "{markup}");
        }
    }

    #[test]
    fn every_piece_has_its_place_and_nothing_is_between_them() {
        let text = "é a < b <!-- <p> --><A HREF='x &amp; y' hidden style=\"color: red\" b=c>é</a \
                    ><style>p{}</style><br/> &amp; <a \"é";
        let pieces = pieces(text);
        let mut end = 0;
        for (token, span) in &pieces {
            assert_eq!(span.start, end, "{token:?}");
            end = span.end;
            if let Token::Open { name, attributes, raw } = token {
                assert_eq!(*raw, &text[span.clone()]);
                if name == "a" {
                    let values: Vec<_> = attributes.iter().map(|one| &text[one.span.clone()]).collect();
                    assert_eq!(values, ["x &amp; y", "hidden", "color: red", "c"]);
                }
            }
        }
        assert_eq!(end, text.len());
        let hidden: Vec<_> = pieces.iter().filter(|(token, _)| *token == Token::Hidden).collect();
        assert_eq!(&text[hidden[0].1.clone()], "p{}");
    }

    #[test]
    fn a_comment_without_its_end_is_known_as_one() {
        let closed = |text: &str| match pieces(text).as_slice() {
            [(Token::Comment { is_closed }, span)] if *span == (0..text.len()) => *is_closed,
            other => panic!("{text}: {other:?}"),
        };
        assert!(closed("<!-- a -->") && closed("<!---->") && closed("<!-- a --!>"));
        assert!(!closed("<!-- a ->") && !closed("<!-- a <b> c") && !closed("<!--"));
    }

    #[test]
    fn what_is_inside_a_placeholder_is_no_markup() {
        let text = "<a title=\"{{ a | default: \"<b>\" }}&amp;\">{{ b | default: \"<i>\" }}</a>";
        let holes = ["{{ a | default: \"<b>\" }}", "{{ b | default: \"<i>\" }}"]
            .map(|hole| text.find(hole).map(|at| at..at + hole.len()).unwrap());
        let pieces = pieces_around(text, &holes);
        assert_eq!(pieces.len(), 3);
        assert_eq!(pieces[0].0.attribute("title"), Some("{{ a | default: \"<b>\" }}&amp;"));
        assert_eq!(pieces[1].0, Token::Text("{{ b | default: \"<i>\" }}".into()));
    }

    #[test]
    fn any_text_is_read_to_its_end_in_one_pass() {
        for text in
            ["<", "<a", "<a href", "<a href=", "<a href='", "<a =é", "<style>", "<a é=ü/", "</", "<!", "&"]
                .into_iter()
                .map(str::to_owned)
                .chain(["<a \"", "<!--", "<b>", "&#", "<?"].into_iter().map(|part| part.repeat(20_000)))
        {
            let pieces = pieces(&text);
            assert_eq!(pieces.last().map(|(_, span)| span.end), Some(text.len()), "{text:.20}");
        }
    }
}
