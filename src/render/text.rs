//! The text part of a letter, made from the document, for people who read plain text.
//!
//! In: an `Issue`, its [`Newsletter`], the names known now, its [`Assets`]. Out: a [`Pattern`], lines ending in `\n`.
//! Never: reads the HTML part, breaks a link, or hides a link or a heading that the HTML part shows.

mod block;
mod flow;
mod markup;
mod slots;
mod table;
mod wrap;
mod writer;

use super::{
    blocks::plain,
    i18n::words_with,
    newsletter::Newsletter,
    pattern::{Escape, Pattern},
    scope::Scope,
};
use crate::{
    assets::Assets,
    issue::{
        Issue, Placeholder,
        document::{Block, BlockKind},
    },
};
use writer::{Links, Writer, append, clean, heading_lines};

/// Columns of a line; only an unbreakable word may exceed it.
const WIDTH: usize = 72;
/// Sections with at most this many links have them in the line; others have a list at the end.
const LINKS_IN_LINE_MAX: usize = 2;
/// The text part of an issue. `view` is where it can be read on the web.
pub(crate) fn text(
    issue: &Issue,
    newsletter: &Newsletter,
    scope: &Scope,
    assets: &Assets,
    view: Option<&str>,
) -> Pattern {
    let language = issue.head.language.as_deref().unwrap_or(&newsletter.language);
    let mut writer = Writer {
        issue,
        scope,
        assets,
        words: words_with(&newsletter.texts, language),
        slots: Vec::new(),
        links: Links::default(),
    };
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
        if newsletter.footer.preferences.is_some() {
            let preferences = Placeholder {
                path: vec!["link".into(), "preferences".into()],
                filters: Vec::new(),
                span: 0..0,
            };
            let preferences = self.slot(&preferences, Escape::Text);
            lines.extend(wrap::wrap(&format!("{}: {preferences}", self.words.page("preferences")), WIDTH));
        }
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

#[cfg(test)]
mod tests;
