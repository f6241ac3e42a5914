//! Text that looks like markup: the author meant something, and readers would see its characters.

use super::{
    context::{Context, Star},
    swap::is_ideograph,
};
use crate::source::Span;

/// Nothing longer is an address that was written by hand, in characters.
const ADDRESS_MAX: usize = 500;

/// Looks at words between marks, links and code. `place` knows where they are in the file.
pub(super) fn look(context: &mut Context<'_>, raw: &str, place: &dyn Fn(usize) -> usize) {
    missing_notes(context, raw, place);
    if raw.contains("<!--") {
        comments(context, raw, place);
    }
    if raw.contains(']') {
        links(context, raw, place);
    }
    if raw.contains("**") {
        bold(context, raw, place);
    }
    if raw.contains("__") {
        underscores(context, raw, place);
    }
    if raw.contains('`') {
        backtick(context, raw, place);
    }
}

/// Whether the author wrote a backslash before a place, and so wants the character to be seen.
fn is_escaped(context: &Context<'_>, at: usize) -> bool {
    at > 0 && context.source.text().as_bytes().get(at - 1) == Some(&b'\\')
}

/// A comment among words ends in its paragraph, or Markdown takes it for words.
fn comments(context: &mut Context<'_>, raw: &str, place: &dyn Fn(usize) -> usize) {
    // One is enough: what is behind it may be within it.
    let found = raw.match_indices("<!--").map(|(at, open)| (place(at), open));
    if let Some((start, open)) = found.into_iter().find(|(start, _)| !is_escaped(context, *start)) {
        let message = match context.source.text()[start..].contains("-->") {
            true => "this comment holds an empty line or reaches out of its block, so readers would see it",
            false => "this comment is not closed, so readers would see it",
        };
        context.error(
            "M174",
            start..start + open.len(),
            message,
            "begin it on a line of its own, with an empty line above it, and end it with `-->`",
        );
    }
}

/// `![x](a b.png)`, `[x] (https://…)`
fn links(context: &mut Context<'_>, raw: &str, place: &dyn Fn(usize) -> usize) {
    // Where the last `[` was.
    let mut open = None;
    for (at, bracket) in raw.match_indices(['[', ']']) {
        if bracket == "[" {
            open = Some(at);
            continue;
        }
        if context.is_full() {
            return;
        }
        let behind = &raw[at + 1..];
        let is_apart = behind.starts_with(" (");
        let Some(inner) = behind.strip_prefix('(').or_else(|| behind.strip_prefix(" (")) else { continue };
        let Some(open) = open else { continue };
        let found = inner.char_indices().take(ADDRESS_MAX).find(|(_, c)| matches!(c, ')' | '\n'));
        let is_closed = found.is_some();
        // Without its end it is cut at the first space: what follows are words.
        let cut = || {
            let mut near = inner.char_indices().take(ADDRESS_MAX);
            near.find(|(_, c)| c.is_whitespace()).map_or_else(|| near_end(inner), |(at, _)| at)
        };
        let end = found.map_or_else(cut, |(end, _)| end);
        let address = inner[..end].trim_start_matches('(');
        let is_address = ["https://", "http://", "www.", "mailto:", "#", "/", "./", "../"]
            .iter()
            .any(|start| address.starts_with(start));
        let is_file = !is_apart && address.contains(['.', '/']) && !address.ends_with('.');
        let start = place(open);
        if !(is_address || is_file) || is_escaped(context, start) || is_escaped(context, place(at)) {
            continue;
        }
        let image = raw[..open].ends_with('!');
        let start = start - usize::from(image && start > 0);
        let what = if image { "picture" } else { "link" };
        let help = if is_apart {
            "take out the space between `]` and `(`"
        } else if !is_closed {
            "put `)` behind the address, on the same line"
        } else if address.contains(' ') {
            "write `%20` for a space in an address, or put the address between `<` and `>`"
        } else {
            "look at its brackets; write `\\[` for a bracket that readers are to see"
        };
        let end = place(at + 1).max(start + 1);
        let message = format!("this is not a {what} yet: readers see its brackets");
        context.warn("M165", start..end, message, help);
    }
}

/// Where a text is cut that is too long for an address.
fn near_end(text: &str) -> usize {
    text.char_indices().nth(ADDRESS_MAX).map_or(text.len(), |(at, _)| at)
}

/// Reports `[^label]` that refers to nothing: Markdown leaves it as text.
fn missing_notes(context: &mut Context<'_>, raw: &str, place: &dyn Fn(usize) -> usize) {
    for at in memchr::memmem::find_iter(raw.as_bytes(), b"[^") {
        let label = raw[at + 2..].split(']').next().unwrap_or_default();
        let closed = raw[at + 2 + label.len()..].starts_with(']');
        let start = place(at);
        if !closed
            || is_escaped(context, start)
            || label.is_empty()
            || label.len() > 80
            || label.contains(char::is_whitespace)
        {
            continue;
        }
        context.error(
            "M150",
            start..start + label.len() + 3,
            format!("footnote `{label}` not found"),
            format!(
                "write `[^{label}]: …` in a paragraph of its own, or `\\[^{label}]` to show the characters"
            ),
        );
    }
}

/// `**bold **word`: a mark with a space on its inner side. A mark alone is kept for the end ([`lonely_stars`]).
fn bold(context: &mut Context<'_>, raw: &str, place: &dyn Fn(usize) -> usize) {
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let sides = |at: usize| (raw[..at].chars().next_back(), raw[at + 2..].chars().next());
    let alone: Vec<usize> = raw
        .match_indices("**")
        .map(|(at, _)| at)
        .filter(|&at| {
            let (before, behind) = sides(at);
            before != Some('*') && behind != Some('*')
        })
        .collect();
    let marks: Vec<usize> = alone
        .iter()
        .copied()
        .filter(|&at| {
            let (before, behind) = sides(at);
            is_word(before) != is_word(behind)
        })
        .collect();
    match (marks.as_slice(), alone.as_slice()) {
        ([first, _, ..], _) => {
            let start = place(*first);
            if !is_escaped(context, start) {
                no_bold(context, start);
            }
        }
        (_, [at]) => {
            let (start, (before, behind)) = (place(*at), sides(*at));
            let is_space = |c: Option<char>| c.is_none_or(char::is_whitespace);
            if is_escaped(context, start) || is_word(before) && is_word(behind) {
                return;
            }
            match (is_space(before), is_space(behind)) {
                (true, true) if before.is_some() => {}
                (true, _) => context.stars.push((start, Star::Opens)),
                (false, true) => context.stars.push((start, Star::Closes)),
                (false, false) => {}
            }
        }
        _ => {}
    }
}

fn no_bold(context: &mut Context<'_>, start: usize) {
    context.warn(
        "M165",
        start..start + 2,
        "these asterisks make nothing bold: readers see them",
        "leave no space between the words and their `**`, or write `\\*\\*`",
    );
}

/// Reports each `**` that begins something and has no end. Where a text also has some that only end something, they are the
/// signs of a note: `Price**`, `** with tax`.
pub(super) fn lonely_stars(context: &mut Context<'_>) {
    let stars = std::mem::take(&mut context.stars);
    if stars.iter().all(|(_, star)| *star == Star::Opens) {
        stars.into_iter().for_each(|(start, _)| no_bold(context, start));
    }
}

/// `和__重要__请`: underscores within a word make nothing bold, and Chinese and Japanese have no spaces between words.
fn underscores(context: &mut Context<'_>, raw: &str, place: &dyn Fn(usize) -> usize) {
    let found = raw.match_indices("__").map(|(at, _)| at).find(|&at| {
        let sides = [raw[..at].chars().next_back(), raw[at + 2..].chars().next()];
        sides.into_iter().flatten().any(is_ideograph)
    });
    if let Some(start) = found.map(place).filter(|start| !is_escaped(context, *start)) {
        context.warn(
            "M165",
            start..start + 2,
            "these underscores make nothing bold: readers see them",
            "write `**` in their place",
        );
    }
}

/// `` `code `` without its end.
fn backtick(context: &mut Context<'_>, raw: &str, place: &dyn Fn(usize) -> usize) {
    let found = raw.match_indices('`').map(|(at, _)| at).find(|&at| {
        let (before, behind) = (raw[..at].chars().next_back(), raw[at + 1..].chars().next());
        let is_start = before.is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '[' | '"'));
        is_start && behind.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '/' | '.' | '$'))
    });
    if let Some(start) = found.map(place).filter(|start| !is_escaped(context, *start)) {
        context.warn(
            "M165",
            start..start + 1,
            "this is not code yet: readers see the backtick",
            "put another one behind the code, in the same paragraph, or write `\\``",
        );
    }
}

/// Looks at a paragraph as a whole: a heading without its space, a table without its line of dashes.
pub(super) fn paragraph(context: &mut Context<'_>, span: &Span) {
    let text = context.text(span).trim_end();
    let first = text.lines().next().unwrap_or_default().trim_end();
    let place = span.start..span.start + first.len();
    let hashes = first.bytes().take_while(|byte| *byte == b'#').count();
    let behind = first[hashes..].chars().next();
    let is_heading = match hashes {
        0 => false,
        // A word with one hash is mostly a tag.
        1 => behind.is_some_and(char::is_uppercase) && !first[1..].contains('#') && text.len() == first.len(),
        2..=6 => behind.is_some_and(char::is_alphabetic),
        _ => false,
    };
    if is_heading {
        context.warn(
            "M165",
            place,
            "this is not a heading yet: readers see the `#`",
            "put a space behind it, or write `\\#` for a character that readers are to see",
        );
        return;
    }
    if first.trim() == "$$" && !text[2..].contains("$$") {
        context.warn(
            "M165",
            place,
            "this is not a formula yet: readers see the dollar signs",
            "put a line with `$$` below it, and leave no empty line within it",
        );
        return;
    }
    let is_row = |line: &str| {
        let line = line.trim();
        line.len() > 2 && line.starts_with('|') && line.ends_with('|')
    };
    if text.lines().count() > 1 && text.lines().all(is_row) {
        context.warn(
            "M165",
            place,
            "this is not a table yet: readers see its bars",
            "put a line such as `| --- | --- |` below the first one",
        );
    }
}

/// A fenced code block without its last line: everything up to the end of the text, or of what is around, is code.
pub(super) fn fence(context: &mut Context<'_>, span: &Span) {
    let text = context.text(span).trim_end();
    let bare = |line: &str| line.trim().trim_start_matches(['>', ' ', '\t']).to_owned();
    let first = text.lines().next().unwrap_or_default();
    let fence: String = first.chars().take_while(|c| matches!(c, '`' | '~')).collect();
    let last = text.lines().skip(1).last().map(bare).unwrap_or_default();
    let is_closed =
        last.len() >= fence.len() && last.bytes().all(|byte| fence.as_bytes().first() == Some(&byte));
    if !is_closed && !fence.is_empty() {
        let place = span.start..span.start + first.trim_end().len();
        context.warn(
            "M164",
            place,
            "this code block is not closed: all the rest is code",
            format!("put a line with `{fence}` below the last line of code"),
        );
    }
}
