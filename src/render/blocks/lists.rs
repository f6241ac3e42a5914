//! Lists of things, of terms, of links.

use super::{MjmlWriter, link_kinds::kind};
use crate::{
    issue::{
        Part, Phrase,
        document::{Block, BlockKind, ContentsEntry, Definition, Inline, Inlines, Item, Resource},
    },
    render::{
        design::Lists,
        fill::{attribute, text},
    },
};

/// How far the second line of a row is behind its first, in CSS pixels.
const HANG: u32 = 14;

/// How wide the box of a task is, with the space behind it, in CSS pixels.
const BOX: u32 = 20;

impl MjmlWriter<'_> {
    pub(super) fn list(
        &mut self,
        out: &mut String,
        start: Option<u64>,
        tight: bool,
        items: &[Item],
        width: u32,
    ) {
        let gap = self.gap();
        self.list_between(out, (start, tight, items), width, (0, gap));
    }

    /// A list with so many CSS pixels above and below it.
    fn list_between(
        &mut self,
        out: &mut String,
        (start, tight, items): (Option<u64>, bool, &[Item]),
        width: u32,
        (above, below): (u32, u32),
    ) {
        let is_tasks = !items.is_empty() && items.iter().all(|item| item.done.is_some());
        let tag = if start.is_some() { "ol" } else { "ul" };
        // A margin, because Outlook drops the padding of lists.
        // Tasks hang by their boxes, where a client lets them; else they are indented like the others.
        let has_rows = self.design.looks.lists == Lists::Rows;
        let is_rows = has_rows && above == 0 && start.is_none() && items.iter().all(has_link);
        let indent = match (is_rows, is_tasks) {
            (true, _) if tight => HANG,
            (true, _) => 0,
            (_, true) => BOX,
            _ => 24,
        };
        let (left, right) = if self.right_to_left { (0, indent) } else { (indent, 0) };
        let unit = |pixels: u32| if pixels == 0 { "0".to_owned() } else { format!("{pixels}px") };
        let margin = format!("{} {} {} {}", unit(above), unit(right), unit(below), unit(left));
        let mut style = format!("margin:{margin};padding:0");
        if is_tasks || is_rows {
            style.push_str(";list-style-type:none");
        } else if has_rows && start.is_none() {
            // Said, so that the rows' rule can be that of a long letter.
            style.push_str(";list-style-type:disc");
        }
        if is_rows && tight {
            style.push_str(&format!(";text-indent:-{HANG}px"));
        } else if has_rows {
            // Lists in rows do not hang.
            style.push_str(";text-indent:0");
        }
        let number = start.filter(|&start| start != 1).map(|start| format!(" start=\"{start}\""));
        out.push_str(&format!("<{tag}{} style=\"{style}\">", number.unwrap_or_default()));
        let kinds = if is_rows && self.design.looks.kinds { kinds(items) } else { Vec::new() };
        for (index, item) in items.iter().enumerate() {
            let close = if tight { "margin:0 0 5px" } else { "" };
            let hang = if is_tasks { format!("text-indent:-{BOX}px") } else { String::new() };
            let style =
                [close, &hang].into_iter().filter(|rule| !rule.is_empty()).collect::<Vec<_>>().join(";");
            let style = if style.is_empty() { style } else { format!(" style=\"{style}\"") };
            out.push_str(&format!("<li{style}>"));
            let width = width.saturating_sub(indent);
            match item.done {
                Some(done) => self.task(out, done, &item.blocks, tight, width),
                None => {
                    let outside = self.is_row;
                    self.is_row |= is_rows;
                    self.due_kind = kinds.get(index).copied().flatten();
                    self.item(out, &item.blocks, tight, width);
                    self.is_row = outside;
                }
            }
            out.push_str("</li>");
        }
        out.push_str(&format!("</{tag}>"));
    }

    /// A task: its box is in the first line of its words, and only that line hangs.
    fn task(&mut self, out: &mut String, done: bool, blocks: &[Block], tight: bool, width: u32) {
        let mark = if done { "☑ " } else { "☐ " };
        let (words, rest) = match blocks.split_first() {
            Some((first @ Block { kind: BlockKind::Paragraph(_), .. }, rest)) => (Some(first), rest),
            _ => (None, blocks),
        };
        let start = out.len();
        self.item(out, words.map(std::slice::from_ref).unwrap_or_default(), tight, width);
        let is_paragraph = out[start..].starts_with("<p ");
        let at =
            if is_paragraph { out[start..].find('>').map_or(start, |end| start + end + 1) } else { start };
        out.insert_str(at, mark);
        if !rest.is_empty() {
            out.push_str("<div style=\"text-indent:0\">");
            self.item(out, rest, tight, width);
            out.push_str("</div>");
        }
    }

    /// The blocks of an item; in a tight list its words are without a paragraph around them.
    fn item(&mut self, out: &mut String, blocks: &[Block], tight_outside: bool, width: u32) {
        for (index, block) in blocks.iter().enumerate() {
            match &block.kind {
                BlockKind::Paragraph(content) if tight_outside => {
                    if index > 0 {
                        out.push_str("<br>");
                    }
                    // On the words and not on the item, whose mark would go over to the other edge.
                    let dir = self.direction(content).0;
                    if dir.is_empty() {
                        self.inlines(out, content);
                    } else {
                        out.push_str(&format!("<span{dir}>"));
                        self.inlines(out, content);
                        out.push_str("</span>");
                    }
                }
                // The list inside is close to the words above and below it.
                BlockKind::List { start, tight, items } if tight_outside => {
                    self.list_between(out, (*start, *tight, items), width, (3, 0));
                }
                _ => self.block(out, block, width),
            }
        }
    }

    pub(super) fn definitions(&mut self, out: &mut String, definitions: &[Definition], width: u32) {
        let side = self.start_side();
        out.push_str(&format!("<dl style=\"margin:0 0 {}px\">", self.gap()));
        for definition in definitions {
            out.push_str("<dt style=\"font-weight:bold\">");
            self.inlines(out, &definition.term);
            out.push_str("</dt>");
            for meaning in &definition.meanings {
                out.push_str(&format!("<dd style=\"margin:0;margin-{side}:24px\">"));
                match &meaning[..] {
                    [Block { kind: BlockKind::Paragraph(content), .. }] => {
                        out.push_str("<p style=\"margin:0 0 8px\">");
                        self.inlines(out, content);
                        out.push_str("</p>");
                    }
                    blocks => self.blocks(out, blocks, width.saturating_sub(24)),
                }
                out.push_str("</dd>");
            }
        }
        out.push_str("</dl>");
    }

    pub(super) fn resources(&mut self, out: &mut String, resources: &[Resource]) {
        for resource in resources {
            out.push_str(&format!("<p style=\"margin:0 0 {}px\">", self.gap()));
            let url = self.assets.link(&resource.url);
            let href = self.filler.url(&url, &self.issue.source, &(0..0));
            out.push_str(&format!("<a href=\"{href}\"{}><b>", self.quiet_link_style()));
            self.inlines(out, &resource.title);
            out.push_str("</b></a>");
            if let Some(kind) = &resource.kind {
                out.push_str(&format!(" {}", self.chip(kind)));
            }
            if !resource.blurb.is_empty() {
                out.push_str("<br>");
                self.inlines(out, &resource.blurb);
            }
            out.push_str("</p>");
        }
    }

    /// A small mark beside a link.
    fn chip(&self, label: &str) -> String {
        format!(
            "<span class=\"p m\" style=\"font:11px/1.4 Arial,sans-serif;letter-spacing:.05em;text-transform:uppercase;\
             background-color:{};color:{};padding:2px 6px;border-radius:3px;white-space:nowrap\">{}</span>",
            self.design.light.panel,
            self.design.light.muted,
            text(label)
        )
    }

    pub(super) fn contents(
        &mut self,
        out: &mut String,
        title: Option<&Inlines>,
        depth: u8,
        entries: &[ContentsEntry],
    ) {
        let top = entries.iter().map(|entry| entry.level).min().unwrap_or(2);
        self.open_box(out, "p", &format!("background-color:{}", self.design.light.panel), 6);
        if let Some(title) = title {
            out.push_str("<p style=\"margin:0 0 8px\"><b>");
            self.inlines(out, title);
            out.push_str("</b></p>");
        }
        if self.design.looks.lists == Lists::Rows {
            // A dense design has them in a run: a line for each would be most of what one sees first.
            self.contents_in_a_run(out, entries.iter().filter(|entry| entry.level <= depth.max(top)));
            return self.close_box(out);
        }
        let side = self.start_side();
        for entry in entries.iter().filter(|entry| entry.level <= depth.max(top)) {
            let indent = u32::from(entry.level.saturating_sub(top)) * 18;
            let inset = if indent > 0 { format!(";margin-{side}:{indent}px") } else { String::new() };
            out.push_str(&format!("<p style=\"margin:0 0 6px{inset}\">"));
            self.contents_entry(out, entry);
            out.push_str("</p>");
        }
        self.close_box(out);
    }

    fn contents_in_a_run<'e>(&mut self, out: &mut String, entries: impl Iterator<Item = &'e ContentsEntry>) {
        out.push_str("<p style=\"margin:0\">");
        for (index, entry) in entries.enumerate() {
            out.push_str(if index == 0 { "" } else { " · " });
            self.contents_entry(out, entry);
        }
        out.push_str("</p>");
    }

    fn contents_entry(&mut self, out: &mut String, entry: &ContentsEntry) {
        match &entry.anchor {
            Some(anchor) => {
                out.push_str(&format!("<a href=\"#{}\"{}>", attribute(anchor), self.quiet_link_style()));
                self.inlines(out, &unlinked(&entry.content));
                out.push_str("</a>");
            }
            None => self.inlines(out, &entry.content),
        }
    }
}

/// Whether an item has a link in its first words.
fn has_link(item: &Item) -> bool {
    item.done.is_none() && first_link(item).is_some()
}

/// The address of the link in an item's first words.
fn first_link(item: &Item) -> Option<&Phrase> {
    let Some(BlockKind::Paragraph(content)) = item.blocks.first().map(|block| &block.kind) else {
        return None;
    };
    content.iter().find_map(|inline| match inline {
        Inline::Link { url, .. } => Some(url),
        _ => None,
    })
}

/// From so many rows on, a kind that all of them have goes without saying.
const ALIKE_MIN: usize = 3;

/// The kind of page that each row leads to, as far as it is worth saying.
fn kinds(items: &[Item]) -> Vec<Option<&'static str>> {
    let kinds: Vec<_> = items
        .iter()
        .map(|item| match first_link(item)?.0.first() {
            Some(Part::Text(address)) => kind(address),
            _ => None,
        })
        .collect();
    let are_alike = kinds.len() >= ALIKE_MIN && kinds.iter().all(|kind| *kind == kinds[0]);
    if are_alike { Vec::new() } else { kinds }
}

/// A run of text without links and notes: it is in a link itself.
fn unlinked(content: &[Inline]) -> Inlines {
    content
        .iter()
        .flat_map(|inline| match inline {
            Inline::Link { content, .. } => unlinked(content),
            Inline::Emphasis(inner) => vec![Inline::Emphasis(unlinked(inner))],
            Inline::Strong(inner) => vec![Inline::Strong(unlinked(inner))],
            Inline::Strikethrough(inner) => vec![Inline::Strikethrough(unlinked(inner))],
            Inline::Footnote(_) | Inline::Image(_) => Vec::new(),
            other => vec![other.clone()],
        })
        .collect()
}
