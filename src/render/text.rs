//! The text part of a letter, made from the document, for people who read plain text.
//!
//! In: an `Issue`, its [`Newsletter`], the names known now, its [`Assets`]. Out: a [`Pattern`], lines ending in `\n`.
//! Never: reads the HTML part, breaks a link, or hides a link or a heading that the HTML part shows.

mod block;
mod flow;
mod markup;
mod table;
mod wrap;

use std::collections::BTreeMap;

use super::{
    Escape, Newsletter, Pattern, Piece,
    blocks::plain,
    scope::{Fill, Scope},
    words::{Words, words},
};
use crate::{
    assets::Assets,
    issue::{
        Issue, Part, Phrase, Placeholder,
        document::{Block, BlockKind},
    },
};

/// Columns of a line; only an unbreakable word may stand out.
const WIDTH: usize = 72;
/// Sections with at most this many links have them in the line; others have a list at the end.
const LINKS_IN_LINE_MAX: usize = 2;
/// The first of the characters that stand for open placeholders while lines are set (a private use plane).
const FIRST_SLOT: u32 = 0xF_0000;
const SLOTS_MAX: usize = 0xFFFD;

/// The text part of an issue. `view` is where it can be read on the web.
pub(crate) fn text(
    issue: &Issue,
    newsletter: &Newsletter,
    scope: &Scope,
    assets: &Assets,
    view: Option<&str>,
) -> Pattern {
    let language = issue.head.language.as_deref().unwrap_or(&newsletter.language);
    let mut writer =
        Writer { issue, scope, assets, words: words(language), slots: Vec::new(), links: Links::default() };
    let mut lines = writer.masthead(newsletter);
    let blocks = &issue.document.blocks;
    let first = usize::from(blocks.first().is_some_and(|block| writer.is_title(block)));
    for section in sections(&blocks[first..]) {
        append(&mut lines, writer.section(|writer| writer.blocks(section, WIDTH)));
    }
    append(&mut lines, writer.section(Writer::footnotes));
    append(&mut lines, writer.footer(newsletter, view));
    let mut all = String::new();
    for line in lines {
        all.push_str(line.trim_end());
        all.push('\n');
    }
    writer.pattern(&all)
}

/// Sets one issue.
struct Writer<'a> {
    issue: &'a Issue,
    scope: &'a Scope,
    assets: &'a Assets,
    words: &'static Words,
    /// The open placeholders; the character `FIRST_SLOT + n` stands for the n-th.
    slots: Vec<(Placeholder, Escape)>,
    links: Links,
}

/// The links of the section that is being set.
#[derive(Clone, Debug, Default)]
struct Links {
    /// The last number given.
    last: usize,
    /// Addresses are in the line, not in the list.
    are_in_line: bool,
    /// Numbers and addresses for the list at the end of the section.
    list: Vec<(usize, String)>,
    numbers: BTreeMap<String, usize>,
}

impl Writer<'_> {
    /// Name of the newsletter, number, date, author, and the title.
    fn masthead(&mut self, newsletter: &Newsletter) -> Vec<String> {
        let head = &self.issue.head;
        let mut lines = wrap::wrap(&clean(&newsletter.name), WIDTH);
        let number = head.number.map(|number| format!("#{number}"));
        let date = head.date.map(|date| self.words.day(date));
        let author = head.author.as_deref().map(clean);
        let details: Vec<String> = [number, date, author].into_iter().flatten().collect();
        lines.extend(wrap::wrap(&details.join(" · "), WIDTH));
        append(&mut lines, heading_lines(&clean(&head.title), 1, WIDTH));
        lines
    }

    /// How to leave, where else to read, and who writes.
    fn footer(&mut self, newsletter: &Newsletter, view: Option<&str>) -> Vec<String> {
        let unsubscribe =
            Placeholder { path: vec!["link".into(), "unsubscribe".into()], filters: Vec::new(), span: 0..0 };
        let unsubscribe = self.slot(&unsubscribe, Escape::Text);
        let mut lines = vec!["-".repeat(24)];
        lines.extend(wrap::wrap(&format!("{}: {unsubscribe}", self.words.text.unsubscribe), WIDTH));
        if let Some(view) = view {
            lines.extend(wrap::wrap(
                &format!("{}: {}", self.words.text.view, wrap::whole(&clean(view))),
                WIDTH,
            ));
        }
        if let Some(archive) = newsletter.archive.as_deref() {
            lines.extend(wrap::wrap(
                &format!("{}: {}", self.words.text.archive, wrap::whole(&clean(archive))),
                WIDTH,
            ));
        }
        if let Some(address) = newsletter.postal_address.as_deref() {
            let address = address.lines().flat_map(|line| wrap::wrap(&clean(line), WIDTH)).collect();
            append(&mut lines, address);
        }
        lines
    }

    /// The notes, under the numbers that the text has.
    fn footnotes(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        let notes = &self.issue.document.footnotes;
        for (index, note) in notes.iter().enumerate() {
            let mark = format!("[^{}] ", index + 1);
            let set = self.blocks(&note.blocks, WIDTH - mark.len());
            lines.extend(block::hang(set, &mark, WIDTH));
        }
        lines
    }

    /// Sets a section; its links are in the line when they are few, else in a list at its end.
    fn section(&mut self, set: impl Fn(&mut Self) -> Vec<String>) -> Vec<String> {
        let last = self.links.last;
        self.links = Links { last, ..Links::default() };
        let mut lines = set(self);
        if !self.links.list.is_empty() && self.links.list.len() <= LINKS_IN_LINE_MAX {
            self.links = Links { last, are_in_line: true, ..Links::default() };
            lines = set(self);
        }
        let list = std::mem::take(&mut self.links.list);
        let list = list.into_iter().map(|(number, url)| format!("[{number}] {url}")).collect();
        append(&mut lines, list);
        lines
    }

    /// Whether a block says the title again.
    fn is_title(&self, block: &Block) -> bool {
        match &block.kind {
            BlockKind::Heading { level: 1, content, .. } => {
                plain(content).trim() == self.issue.head.title.trim()
            }
            _ => false,
        }
    }

    /// A placeholder's value, or the character that stands for it.
    fn slot(&mut self, placeholder: &Placeholder, escape: Escape) -> String {
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
    fn phrase(&mut self, phrase: &Phrase) -> String {
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
    fn url(&mut self, url: &Phrase) -> String {
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
    fn pattern(&self, text: &str) -> Pattern {
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

/// Which open placeholder a character stands for.
fn slot_index(c: char) -> Option<usize> {
    (c as u32).checked_sub(FIRST_SLOT).map(|index| index as usize).filter(|&index| index < SLOTS_MAX)
}

/// The author's text without the characters that we use ourselves; control characters become spaces.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            c if c as u32 >= FIRST_SLOT => '\u{fffd}',
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => ' ',
            c => c,
        })
        .collect()
}

/// A heading with its line below.
fn heading_lines(words: &str, level: u8, width: usize) -> Vec<String> {
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

/// The blocks from each heading of level 1 or 2 up to the next.
fn sections(blocks: &[Block]) -> Vec<&[Block]> {
    let starts = |block: &Block| matches!(block.kind, BlockKind::Heading { level: 1 | 2, .. });
    let mut sections = Vec::new();
    let mut rest = blocks;
    while !rest.is_empty() {
        let length = rest.iter().skip(1).position(starts).map_or(rest.len(), |at| at + 1);
        let (section, behind) = rest.split_at(length);
        sections.push(section);
        rest = behind;
    }
    sections
}

/// Adds lines below an empty line.
fn append(lines: &mut Vec<String>, more: Vec<String>) {
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

#[cfg(test)]
mod tests;
