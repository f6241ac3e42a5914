//! Lists of things, of terms, of links.

use super::Setter;
use crate::{
    issue::document::{Block, BlockKind, ContentsEntry, Definition, Inlines, Item, Resource},
    render::fill::{attribute, text},
};

impl Setter<'_> {
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
        let indent = 24;
        let is_tasks = !items.is_empty() && items.iter().all(|item| item.done.is_some());
        let tag = if start.is_some() { "ol" } else { "ul" };
        // A margin, because Outlook drops the padding of lists.
        let (left, right) = match (is_tasks, self.right_to_left) {
            (true, _) => (0, 0),
            (false, false) => (indent, 0),
            (false, true) => (0, indent),
        };
        let unit = |pixels: u32| if pixels == 0 { "0".to_owned() } else { format!("{pixels}px") };
        let margin = format!("{} {} {} {}", unit(above), unit(right), unit(below), unit(left));
        let mut style = format!("margin:{margin};padding:0");
        if is_tasks {
            style.push_str(";list-style-type:none");
        }
        let number = start.filter(|&start| start != 1).map(|start| format!(" start=\"{start}\""));
        out.push_str(&format!("<{tag}{} style=\"{style}\">", number.unwrap_or_default()));
        for item in items {
            let style = if tight && !self.crowded { " style=\"margin:0 0 5px\"" } else { "" };
            out.push_str(&format!("<li{style}>"));
            if let Some(done) = item.done {
                out.push_str(if done { "☑ " } else { "☐ " });
            }
            self.item(out, &item.blocks, tight, width.saturating_sub(indent));
            out.push_str("</li>");
        }
        out.push_str(&format!("</{tag}>"));
    }

    /// The blocks of an item; in a tight list its words stand without a paragraph around them.
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
                // The list inside stands close to the words above and below it.
                BlockKind::List { start, tight, items } if tight_outside => {
                    self.list_between(out, (*start, *tight, items), width, (5, 0));
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
            let url = self.materials.link(&resource.url);
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
        let side = self.start_side();
        for entry in entries.iter().filter(|entry| entry.level <= depth.max(top)) {
            let indent = u32::from(entry.level.saturating_sub(top)) * 18;
            let inset = if indent > 0 { format!(";margin-{side}:{indent}px") } else { String::new() };
            out.push_str(&format!("<p style=\"margin:0 0 6px{inset}\">"));
            match &entry.anchor {
                Some(anchor) => {
                    out.push_str(&format!("<a href=\"#{}\"{}>", attribute(anchor), self.quiet_link_style()));
                    self.inlines(out, &unlinked(&entry.content));
                    out.push_str("</a>");
                }
                None => self.inlines(out, &entry.content),
            }
            out.push_str("</p>");
        }
        self.close_box(out);
    }
}

/// A run of text without links and notes: it stands in a link itself.
fn unlinked(content: &[crate::issue::document::Inline]) -> Inlines {
    use crate::issue::document::Inline;
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
