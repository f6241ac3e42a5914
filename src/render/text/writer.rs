//! What every part of the text is set with: values, addresses, characters that are allowed.

use std::collections::BTreeMap;

use super::{
    slots::{FIRST_SLOT, SLOTS_MAX, slot_index},
    wrap,
};
use crate::{
    assets::Assets,
    issue::{Issue, Part, Phrase, Placeholder},
    render::{
        i18n::Words,
        pattern::{Escape, Pattern, Piece},
        scope::{Fill, Scope},
    },
};

/// Sets one issue.
pub(super) struct Writer<'a> {
    pub(super) issue: &'a Issue,
    pub(super) scope: &'a Scope,
    pub(super) assets: &'a Assets,
    pub(super) words: &'static Words,
    /// The open placeholders; the character `FIRST_SLOT + n` stands for the n-th.
    pub(super) slots: Vec<(Placeholder, Escape)>,
    pub(super) links: Links,
}

/// The links of the section that is being set.
#[derive(Clone, Debug, Default)]
pub(super) struct Links {
    /// The last number given.
    pub(super) last: usize,
    /// Addresses are in the line, not in the list.
    pub(super) are_in_line: bool,
    /// Numbers and addresses for the list at the end of the section.
    pub(super) list: Vec<(usize, String)>,
    pub(super) numbers: BTreeMap<String, usize>,
}

impl Writer<'_> {
    /// A placeholder's value, or the character that stands for it.
    pub(super) fn slot(&mut self, placeholder: &Placeholder, escape: Escape) -> String {
        let head = &self.issue.head;
        let phrase = match placeholder.path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["issue", "subject"] => Some(&head.subject),
            ["issue", "preheader"] => Some(&head.preheader),
            _ => None,
        };
        // A subject that names itself has to end somewhere.
        if let Some(phrase) = phrase
            && !phrase.0.iter().any(|part| matches!(part, Part::Open(open) if open.path.first().is_some_and(|name| name == "issue")))
        {
            return self.phrase(phrase);
        }
        match self.scope.fill(placeholder) {
            Fill::Text(text) => clean(&match escape {
                Escape::UrlPart => escape.apply(&text),
                _ => text,
            }),
            Fill::Unknown(_) => String::new(),
            Fill::Open(placeholder) => {
                let known = self.slots.iter().position(|(slot, e)| *slot == placeholder && *e == escape);
                let index = known.unwrap_or(self.slots.len());
                if index >= SLOTS_MAX {
                    return String::new();
                }
                if known.is_none() {
                    self.slots.push((placeholder, escape));
                }
                char::from_u32(FIRST_SLOT + index as u32).map(String::from).unwrap_or_default()
            }
        }
    }

    /// A phrase as one line of text.
    pub(super) fn phrase(&mut self, phrase: &Phrase) -> String {
        phrase
            .0
            .iter()
            .map(|part| match part {
                Part::Text(text) => clean(text),
                Part::Open(placeholder) => self.slot(placeholder, Escape::Text),
            })
            .collect()
    }

    /// A link's address, absolute, as one word. What is filled into its middle is percent-encoded.
    pub(super) fn url(&mut self, url: &Phrase) -> String {
        let url = self.assets.link(url);
        let mut out = String::new();
        for part in &url.0 {
            match part {
                Part::Text(text) => out.push_str(&one_word(&clean(text))),
                Part::Open(placeholder) => {
                    let escape = if out.is_empty() { Escape::Text } else { Escape::UrlPart };
                    out.push_str(&self.slot(placeholder, escape));
                }
            }
        }
        out
    }

    /// Text with its slots as placeholders again.
    pub(super) fn pattern(&self, text: &str) -> Pattern {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        for c in text.chars().filter(|&c| !wrap::is_guard(c)) {
            match slot_index(c).and_then(|index| self.slots.get(index)) {
                Some((placeholder, escape)) => {
                    if !literal.is_empty() {
                        pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                    }
                    pieces.push(Piece::Open { placeholder: placeholder.clone(), escape: *escape });
                }
                None => literal.push(c),
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Pattern { pieces }
    }
}

/// The author's text without the characters that we use ourselves; control characters become spaces.
pub(super) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            c if c as u32 >= FIRST_SLOT => '\u{fffd}',
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => ' ',
            c => c,
        })
        .collect()
}

/// A heading with its line below.
pub(super) fn heading_lines(words: &str, level: u8, width: usize) -> Vec<String> {
    let mut lines = wrap::wrap(words, width);
    let longest = lines.iter().map(|line| wrap::width(line)).max().unwrap_or(0).min(width);
    if longest > 0 {
        let mark = match level {
            1 => "=",
            2 => "-",
            _ => "~",
        };
        lines.push(mark.repeat(longest));
    }
    lines
}

/// Adds lines below an empty line.
pub(super) fn append(lines: &mut Vec<String>, more: Vec<String>) {
    if !lines.is_empty() && !more.is_empty() {
        lines.push(String::new());
    }
    lines.extend(more);
}

/// An address without what mail clients take for its end. Letters of all scripts stay readable.
fn one_word(url: &str) -> String {
    let mut out = String::with_capacity(url.len());
    for c in url.chars() {
        match c {
            ' ' | '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' => {
                out.push_str(&format!("%{:02X}", u32::from(c)))
            }
            c => out.push(c),
        }
    }
    out
}
