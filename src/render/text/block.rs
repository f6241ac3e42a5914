use super::{
    flow::{Marks, bare},
    table,
    wrap::{plain, whole, width as columns, wrap},
    writer::{Writer, append, clean, heading_lines},
};
use crate::issue::{
    Phrase,
    document::{
        AlertKind, Block, BlockKind, Button, Card, ContentsEntry, Definition, Figure, Image, Inlines, Item,
        Post, Quote, Resource, Video,
    },
};

/// Narrower text is not indented any further.
const WIDTH_MIN: usize = 30;

impl Writer<'_> {
    /// Blocks with an empty line between them.
    pub(super) fn blocks(&mut self, blocks: &[Block], width: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for block in blocks {
            append(&mut lines, self.block(block, width));
        }
        lines
    }

    fn block(&mut self, block: &Block, width: usize) -> Vec<String> {
        match &block.kind {
            BlockKind::Heading { level, content, .. } => {
                heading_lines(&self.flow_unmarked(content), *level, width)
            }
            BlockKind::Paragraph(content) => wrap(&self.flow(content), width),
            BlockKind::List { start, tight, items } => self.list(*start, *tight, items, width),
            BlockKind::Quote(quote) => self.quote(quote, "> ", width),
            BlockKind::PullQuote(quote) => self.quote(quote, "    ", width),
            BlockKind::Alert { kind, title, blocks } => self.alert(*kind, title.as_ref(), blocks, width),
            BlockKind::Figure(figure) => self.figure(figure, width),
            BlockKind::Gallery(figures) => {
                figures.iter().fold(Vec::new(), |lines, figure| with(lines, self.figure(figure, width)))
            }
            BlockKind::Columns(columns) => {
                columns.iter().fold(Vec::new(), |lines, blocks| with(lines, self.blocks(blocks, width)))
            }
            BlockKind::Card(card) => self.card(card, width),
            BlockKind::Video(video) => self.video(video, width),
            BlockKind::Post(post) => self.post(post, width),
            BlockKind::Resources(resources) => self.resources(resources, width),
            BlockKind::Table { alignments, head, rows } => {
                let head: Vec<String> = head.iter().map(|cell| self.cell(cell)).collect();
                let rows: Vec<Vec<String>> =
                    rows.iter().map(|row| row.iter().map(|cell| self.cell(cell)).collect()).collect();
                table::set(alignments, &head, &rows, width)
            }
            BlockKind::Code { text, .. } => indented(text),
            BlockKind::Math(tex) => indented(tex.trim_matches('\n')),
            BlockKind::Definitions(definitions) => self.definitions(definitions, width),
            BlockKind::Divider => vec!["* * *".into()],
            BlockKind::Buttons(buttons) => self.buttons(buttons, width),
            BlockKind::Sponsor { label, blocks } => {
                let label = label.as_deref().map_or(self.words.sponsor.to_owned(), clean);
                self.labeled(&label, blocks, width)
            }
            BlockKind::Poll { question, answers } => {
                let lines = wrap(&self.flow(question), width);
                let inner = inner(width, 2);
                let answers =
                    answers.iter().flat_map(|answer| hang(self.button(answer, inner), "- ", width)).collect();
                with(lines, answers)
            }
            BlockKind::Share { blocks, links } => {
                let lines = self.blocks(blocks, width);
                with(lines, self.buttons(links, width))
            }
            BlockKind::Contents { title, entries, .. } => self.contents(title.as_ref(), entries, width),
            BlockKind::PostScript(blocks) | BlockKind::Signature(blocks) => self.blocks(blocks, width),
            BlockKind::Author { name, picture, url, blocks } => {
                let mut lines = wrap(&clean(name), width);
                lines.extend(self.picture(picture.as_ref(), name, width));
                let about = self.blocks(blocks, width);
                // Something as short as a name and a line needs no air.
                if about.len() > 3 {
                    append(&mut lines, about)
                } else {
                    lines.extend(about)
                }
                if let Some(url) = url {
                    lines.extend(self.address(url, width));
                }
                lines
            }
            BlockKind::Html(markup) => self.markup(markup, width),
            BlockKind::Mjml(markup) => self.markup(&Phrase::plain(&**markup), width),
        }
    }

    fn list(&mut self, start: Option<u64>, tight: bool, items: &[Item], width: usize) -> Vec<String> {
        let last = start.map(|start| start.saturating_add(items.len().saturating_sub(1) as u64));
        let number_width = last.map_or(0, |last| last.to_string().len());
        let mut lines = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let mut mark = match start {
                Some(start) => {
                    format!("{:<1$} ", format!("{}.", start.saturating_add(index as u64)), number_width + 1)
                }
                None => "- ".to_owned(),
            };
            let hanging = mark.len();
            match item.done {
                Some(true) => mark.push_str("[x] "),
                Some(false) => mark.push_str("[ ] "),
                None => {}
            }
            let inner = inner(width, mark.len());
            let mut set = Vec::new();
            for block in &item.blocks {
                let more = self.block(block, inner);
                let is_close =
                    tight && matches!(block.kind, BlockKind::List { .. } | BlockKind::Paragraph(_));
                if is_close { set.extend(more) } else { append(&mut set, more) }
            }
            let set = if set.is_empty() { vec![String::new()] } else { set };
            let set = hang_at(set, &mark, hanging, width);
            if tight { lines.extend(set) } else { append(&mut lines, set) }
        }
        lines
    }

    fn quote(&mut self, quote: &Quote, prefix: &str, width: usize) -> Vec<String> {
        let inner = inner(width, prefix.len());
        let mut lines = self.blocks(&quote.blocks, inner);
        if let Some(by) = &quote.by {
            let by = self.flow_unmarked(by);
            let by = by.trim_start_matches(['-', '–', '—', '―', ' ', '\u{a0}']);
            append(&mut lines, wrap(&format!("— {by}"), inner));
        }
        prefixed(lines, prefix, width)
    }

    fn alert(
        &mut self,
        kind: AlertKind,
        title: Option<&Inlines>,
        blocks: &[Block],
        width: usize,
    ) -> Vec<String> {
        let label = match kind {
            AlertKind::Note => Some(self.words.alerts[0]),
            AlertKind::Tip => Some(self.words.alerts[1]),
            AlertKind::Important => Some(self.words.alerts[2]),
            AlertKind::Warning => Some(self.words.alerts[3]),
            AlertKind::Caution => Some(self.words.alerts[4]),
            AlertKind::Callout => None,
        };
        let label = label.map(str::to_uppercase);
        let title = title.map(|title| self.flow_unmarked(title));
        match (label, title) {
            (Some(label), Some(title)) => self.labeled(&format!("{label}: {title}"), blocks, width),
            (Some(label), None) => self.labeled(&format!("{label}:"), blocks, width),
            (None, Some(title)) => self.labeled(&title, blocks, width),
            (None, None) => self.labeled("", blocks, width),
        }
    }

    /// A label, and below it blocks set in by two.
    fn labeled(&mut self, label: &str, blocks: &[Block], width: usize) -> Vec<String> {
        let mut lines = wrap(label, width);
        let set = self.blocks(blocks, inner(width, 2));
        lines.extend(prefixed(set, "  ", width));
        lines
    }

    fn figure(&mut self, figure: &Figure, width: usize) -> Vec<String> {
        let mut lines = self.picture(Some(&figure.image), "", width);
        for words in [&figure.caption, &figure.credit].into_iter().flatten() {
            lines.extend(wrap(&self.flow(words), width));
        }
        if let Some(link) = &figure.link {
            lines.extend(self.address(link, width));
        }
        lines
    }

    /// A picture's label, unless it says what is beside it anyway.
    fn picture(&mut self, image: Option<&Image>, beside: &str, width: usize) -> Vec<String> {
        let Some(image) = image else { return Vec::new() };
        let alt = self.phrase(&image.alt);
        if alt.trim() == beside.trim() { Vec::new() } else { wrap(&self.image_label(&alt), width) }
    }

    /// An address on a line of its own.
    fn address(&mut self, url: &Phrase, width: usize) -> Vec<String> {
        let url = self.url(url);
        wrap(&whole(bare(&url)), width)
    }

    fn card(&mut self, card: &Card, width: usize) -> Vec<String> {
        let title = self.flow_unmarked(&card.title);
        let mut lines = wrap(&title, width);
        lines.extend(self.picture(card.image.as_ref(), &plain(&title), width));
        lines.extend(self.blocks(&card.blocks, width));
        lines.extend(self.address(&card.url, width));
        lines
    }

    fn video(&mut self, video: &Video, width: usize) -> Vec<String> {
        let video = self.assets.video(video);
        let label = self.words.text.video;
        let name = video
            .title
            .as_deref()
            .map_or(format!("[{label}]"), |title| format!("[{label}: {}]", clean(title)));
        let mut lines = wrap(&format!("{name} {}", whole(&clean(&video.url))), width);
        if let Some(caption) = &video.caption {
            lines.extend(wrap(&self.flow(caption), width));
        }
        lines
    }

    fn post(&mut self, post: &Post, width: usize) -> Vec<String> {
        let post = self.assets.post(post);
        let who: Vec<String> = match (&post.author, &post.handle) {
            (Some(author), Some(handle)) => vec![format!("{} ({})", clean(author), clean(handle))],
            (author, handle) => author.iter().chain(handle).map(|name| clean(name)).collect(),
        };
        let who = who.into_iter().chain(post.date.as_deref().map(clean)).collect::<Vec<_>>().join(", ");
        let inner = inner(width, 2);
        let mut said = self.blocks(&post.blocks, inner);
        append(&mut said, self.picture(post.image.as_ref(), "", inner));
        let mut lines = prefixed(said, "> ", width);
        if !who.is_empty() {
            lines.extend(wrap(&format!("— {who}"), width));
        }
        lines.extend(wrap(&whole(&clean(&post.url)), width));
        lines
    }

    fn resources(&mut self, resources: &[Resource], width: usize) -> Vec<String> {
        let inner = inner(width, 2);
        let mut lines = Vec::new();
        for resource in resources {
            let title = self.flow_unmarked(&resource.title);
            let title = match &resource.kind {
                Some(kind) => format!("[{}] {title}", clean(kind)),
                None => title,
            };
            let mut set = wrap(&title, inner);
            set.extend(wrap(&self.flow(&resource.blurb), inner));
            set.extend(self.address(&resource.url, inner));
            append(&mut lines, hang(set, "- ", width));
        }
        lines
    }

    /// A cell on one line; its links always have numbers, addresses would tear the table apart.
    fn cell(&mut self, content: &Inlines) -> String {
        let in_line = std::mem::take(&mut self.links.are_in_line);
        let cell = plain(&self.flow(content));
        self.links.are_in_line = in_line;
        cell.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn definitions(&mut self, definitions: &[Definition], width: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for definition in definitions {
            let mut set = wrap(&self.flow_unmarked(&definition.term), width);
            for meaning in &definition.meanings {
                let meaning = self.blocks(meaning, inner(width, 4));
                set.extend(prefixed(meaning, "    ", width));
            }
            append(&mut lines, set);
        }
        lines
    }

    fn buttons(&mut self, buttons: &[Button], width: usize) -> Vec<String> {
        buttons.iter().flat_map(|button| self.button(button, width)).collect()
    }

    /// `Label: url`
    fn button(&mut self, button: &Button, width: usize) -> Vec<String> {
        let label = self.words_only(&button.label);
        let url = self.url(&button.url);
        self.labeled_address(label.trim(), &url, width)
    }

    pub(super) fn labeled_address(&self, label: &str, url: &str, width: usize) -> Vec<String> {
        let url = whole(bare(url));
        let colon = if label.ends_with([':', '：', '?', '!', '？', '！']) { "" } else { ":" };
        let line = if label.is_empty() { url } else { format!("{label}{colon} {url}") };
        hang(wrap(&line, inner(width, 2)), "", width)
    }

    fn contents(&mut self, title: Option<&Inlines>, entries: &[ContentsEntry], width: usize) -> Vec<String> {
        let mut lines = title.map_or(Vec::new(), |title| wrap(&self.flow_unmarked(title), width));
        let top = entries.iter().map(|entry| entry.level).min().unwrap_or(1);
        for entry in entries {
            let indent = 2 * usize::from(entry.level - top);
            let mark = format!("{}- ", " ".repeat(indent));
            // An entry that repeats a heading repeats its words only.
            let marks = if entry.anchor.is_some() { Marks::None } else { Marks::Links };
            let words = self.run(&entry.content, marks);
            lines.extend(hang(wrap(&words, inner(width, mark.len())), &mark, width));
        }
        lines
    }
}

/// Columns left behind an indent.
fn inner(width: usize, indent: usize) -> usize {
    if width.saturating_sub(indent) < WIDTH_MIN { width } else { width - indent }
}

/// Lines behind a mark, the following ones below the first one's text.
pub(super) fn hang(lines: Vec<String>, mark: &str, width: usize) -> Vec<String> {
    // Buttons have no mark, but their second line is set in.
    let hanging = if mark.is_empty() { 2 } else { columns(mark) };
    hang_at(lines, mark, hanging, width)
}

/// Where there is no room to set in, only the mark is written, on a line of its own when it does not fit.
fn hang_at(lines: Vec<String>, mark: &str, hanging: usize, width: usize) -> Vec<String> {
    let has_room = inner(width, mark.len()) < width || mark.is_empty();
    let indent = if has_room { " ".repeat(hanging) } else { String::new() };
    let mut out = Vec::with_capacity(lines.len());
    for (index, line) in lines.into_iter().enumerate() {
        match index {
            0 if has_room || columns(&line) + columns(mark) <= width => out.push(format!("{mark}{line}")),
            0 => out.extend([mark.to_owned(), line]),
            _ if line.is_empty() => out.push(line),
            _ => out.push(format!("{indent}{line}")),
        }
    }
    out
}

/// Lines behind a prefix, where there is room for it.
fn prefixed(lines: Vec<String>, prefix: &str, width: usize) -> Vec<String> {
    if inner(width, prefix.len()) == width {
        return lines;
    }
    lines.into_iter().map(|line| format!("{prefix}{line}").trim_end().to_owned()).collect()
}

/// Code: never wrapped, four columns in.
fn indented(code: &str) -> Vec<String> {
    let code = code.trim_end_matches(['\n', ' ']);
    code.split('\n')
        .map(|line| format!("    {}", clean(&line.replace('\t', "    ").replace('\r', ""))))
        .collect()
}

fn with(mut lines: Vec<String>, more: Vec<String>) -> Vec<String> {
    append(&mut lines, more);
    lines
}
