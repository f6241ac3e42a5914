use super::{PageWriter, inline::html};
use crate::{
    assets::MathStyle,
    issue::{
        Phrase,
        document::{
            AlertKind, Alignment, Block, BlockKind, Button, Card, ContentsEntry, Definition, Figure, Image,
            Inline, Inlines, Item, Post, Quote, Resource, Video,
        },
    },
    render::{Escape, plain, table_labels},
};

impl PageWriter<'_> {
    /// The whole text with its notes, without the title.
    pub(crate) fn article(&mut self) -> String {
        let document = &self.issue.document;
        let mut out = String::new();
        for (index, block) in document.blocks.iter().enumerate() {
            if index > 0 || !self.is_title(block) {
                self.block(&mut out, block);
            }
        }
        if !document.footnotes.is_empty() {
            out.push_str("<section class=\"footnotes\" role=\"doc-endnotes\">\n<ol>\n");
            for (index, note) in document.footnotes.iter().enumerate() {
                let number = index + 1;
                out.push_str(&format!("<li id=\"fn-{number}\">"));
                self.blocks(&mut out, &note.blocks);
                if self.noted[index] {
                    let back = format!("<p><a href=\"#fnref-{number}\" role=\"doc-backlink\">↩</a></p>");
                    out.push_str(&back);
                }
                out.push_str("</li>\n");
            }
            out.push_str("</ol>\n</section>\n");
        }
        out
    }

    /// Whether a block repeats the title, which is above the text.
    fn is_title(&self, block: &Block) -> bool {
        match &block.kind {
            BlockKind::Heading { level: 1, content, .. } => {
                plain(content).trim() == self.issue.head.title.trim()
            }
            _ => false,
        }
    }

    fn blocks(&mut self, out: &mut String, blocks: &[Block]) {
        blocks.iter().for_each(|block| self.block(out, block));
    }

    fn block(&mut self, out: &mut String, block: &Block) {
        match &block.kind {
            BlockKind::Heading { level, anchor, content } => {
                // The title is the page's only heading of the first level.
                let (level, words) = ((*level).clamp(2, 6), self.inlines(content));
                let id = Escape::Attribute.apply(anchor);
                out.push_str(&format!("<h{level} id=\"{id}\">{words}</h{level}>\n"));
            }
            BlockKind::Paragraph(content) => self.paragraph(out, content),
            BlockKind::List { start, tight, items } => self.list(out, *start, *tight, items),
            BlockKind::Quote(quote) => self.quote(out, quote),
            BlockKind::PullQuote(quote) => {
                out.push_str("<aside class=\"pullquote\">\n");
                self.quote(out, quote);
                out.push_str("</aside>\n");
            }
            BlockKind::Alert { kind, title, blocks } => self.alert(out, *kind, title.as_ref(), blocks),
            BlockKind::Figure(figure) => self.figure(out, figure),
            BlockKind::Gallery(figures) => {
                out.push_str("<div class=\"gallery\">\n");
                figures.iter().for_each(|figure| self.figure(out, figure));
                out.push_str("</div>\n");
            }
            BlockKind::Columns(columns) => {
                out.push_str("<div class=\"columns\">\n");
                for blocks in columns {
                    self.boxed(out, "div", "", blocks);
                }
                out.push_str("</div>\n");
            }
            BlockKind::Card(card) => self.card(out, card),
            BlockKind::Video(video) => self.video(out, video),
            BlockKind::Post(post) => self.post(out, post),
            BlockKind::Resources(resources) => self.resources(out, resources),
            BlockKind::Table { alignments, head, rows } => self.table(out, alignments, head, rows),
            BlockKind::Code { language, text } => code(out, language.as_deref(), text),
            BlockKind::Math(tex) => self.math(out, tex),
            BlockKind::Definitions(definitions) => self.definitions(out, definitions),
            BlockKind::Divider => out.push_str("<hr>\n"),
            BlockKind::Buttons(buttons) => self.buttons(out, buttons),
            BlockKind::Sponsor { label, blocks } => self.sponsor(out, label.as_deref(), blocks),
            BlockKind::Poll { question, answers } => {
                out.push_str("<section class=\"poll\">\n");
                self.paragraph(out, question);
                self.buttons(out, answers);
                out.push_str("</section>\n");
            }
            BlockKind::Share { blocks, links } => {
                out.push_str("<section class=\"share\">\n");
                self.blocks(out, blocks);
                self.buttons(out, links);
                out.push_str("</section>\n");
            }
            BlockKind::Contents { title, entries, .. } => self.contents(out, title.as_ref(), entries),
            BlockKind::PostScript(blocks) => self.boxed(out, "div", " class=\"ps\"", blocks),
            BlockKind::Signature(blocks) => self.boxed(out, "div", " class=\"signature\"", blocks),
            BlockKind::Author { name, picture, url, blocks } => {
                self.author(out, name, picture.as_ref(), url.as_ref(), blocks);
            }
            BlockKind::Html(markup) => {
                let markup = self.markup(markup);
                out.push_str(&markup);
                out.push('\n');
            }
            BlockKind::Mjml(markup) => {
                let markup = self.markup(&Phrase::plain(&**markup));
                out.push_str(&markup);
                out.push('\n');
            }
        }
    }

    fn math(&mut self, out: &mut String, tex: &str) {
        match self.assets.formula(MathStyle::Display, tex) {
            Some(image) => {
                let dark = self.assets.formula_in_the_dark(MathStyle::Display, tex);
                let picture = self.formula(&image, dark.as_ref(), "");
                out.push_str(&format!("<p class=\"math\">{picture}</p>\n"));
            }
            None => out.push_str(&format!("<pre class=\"math\"><code>{}</code></pre>\n", html(tex))),
        }
    }

    fn sponsor(&mut self, out: &mut String, label: Option<&str>, blocks: &[Block]) {
        let label = html(label.unwrap_or(self.words.sponsor));
        out.push_str(&format!("<aside class=\"sponsor\">\n<p class=\"label\">{label}</p>\n"));
        self.blocks(out, blocks);
        out.push_str("</aside>\n");
    }

    fn boxed(&mut self, out: &mut String, name: &str, class: &str, blocks: &[Block]) {
        out.push_str(&format!("<{name}{class}>\n"));
        self.blocks(out, blocks);
        out.push_str(&format!("</{name}>\n"));
    }

    fn paragraph(&mut self, out: &mut String, content: &[Inline]) {
        let words = self.inlines(content);
        if !words.trim().is_empty() {
            out.push_str(&format!("<p>{words}</p>\n"));
        }
    }

    fn list(&mut self, out: &mut String, start: Option<u64>, tight: bool, items: &[Item]) {
        let name = if start.is_some() { "ol" } else { "ul" };
        let start =
            start.filter(|&start| start != 1).map(|start| format!(" start=\"{start}\"")).unwrap_or_default();
        out.push_str(&format!("<{name}{start}>\n"));
        for item in items {
            out.push_str(match item.done {
                Some(true) => "<li class=\"task\">☑ ",
                Some(false) => "<li class=\"task\">☐ ",
                None => "<li>",
            });
            for block in &item.blocks {
                match &block.kind {
                    BlockKind::Paragraph(content) if tight => out.push_str(&self.inlines(content)),
                    _ => self.block(out, block),
                }
            }
            out.push_str("</li>\n");
        }
        out.push_str(&format!("</{name}>\n"));
    }

    fn quote(&mut self, out: &mut String, quote: &Quote) {
        out.push_str("<blockquote>\n");
        self.blocks(out, &quote.blocks);
        if let Some(by) = &quote.by {
            let by = self.inlines(by);
            let by = by.trim_start_matches(['-', '–', '—', '―', ' ', '\u{a0}']);
            out.push_str(&format!("<p class=\"by\">— {by}</p>\n"));
        }
        out.push_str("</blockquote>\n");
    }

    fn alert(&mut self, out: &mut String, kind: AlertKind, title: Option<&Inlines>, blocks: &[Block]) {
        let (class, label) = match kind {
            AlertKind::Note => ("note", self.words.alerts[0]),
            AlertKind::Tip => ("tip", self.words.alerts[1]),
            AlertKind::Important => ("important", self.words.alerts[2]),
            AlertKind::Warning => ("warning", self.words.alerts[3]),
            AlertKind::Caution => ("caution", self.words.alerts[4]),
            AlertKind::Callout => ("callout", ""),
        };
        let title = title.map(|title| self.inlines(title)).unwrap_or_default();
        let between = if label.is_empty() || title.is_empty() { "" } else { ": " };
        out.push_str(&format!("<aside class=\"alert {class}\">\n"));
        if !(label.is_empty() && title.is_empty()) {
            out.push_str(&format!("<p class=\"label\">{label}{between}{title}</p>\n"));
        }
        self.blocks(out, blocks);
        out.push_str("</aside>\n");
    }

    fn figure(&mut self, out: &mut String, figure: &Figure) {
        let image = self.image(&figure.image, "");
        let link = figure.link.as_ref().and_then(|link| self.href(link));
        out.push_str("<figure>");
        match link {
            Some(href) => out.push_str(&format!("<a href=\"{href}\">{image}</a>")),
            None => out.push_str(&image),
        }
        let caption = figure.caption.as_ref().map(|caption| self.inlines(caption));
        let credit = figure
            .credit
            .as_ref()
            .map(|credit| format!("<span class=\"credit\">{}</span>", self.inlines(credit)));
        let below: Vec<String> = [caption, credit].into_iter().flatten().collect();
        if !below.is_empty() {
            out.push_str(&format!("<figcaption>{}</figcaption>", below.join(" ")));
        }
        out.push_str("</figure>\n");
    }

    fn card(&mut self, out: &mut String, card: &Card) {
        let href = self.href(&card.url);
        let title = self.inlines(&card.title);
        out.push_str("<div class=\"card\">\n");
        if let Some(image) = &card.image {
            out.push_str(&format!("<p>{}</p>\n", self.image(image, "")));
        }
        match href {
            Some(href) => out.push_str(&format!("<p class=\"label\"><a href=\"{href}\">{title}</a></p>\n")),
            None => out.push_str(&format!("<p class=\"label\">{title}</p>\n")),
        }
        self.blocks(out, &card.blocks);
        out.push_str("</div>\n");
    }

    fn video(&mut self, out: &mut String, video: &Video) {
        let video = self.assets.video(video);
        let Some(href) = self.href(&Phrase::plain(&*video.url)) else { return };
        let title = video.title.clone().unwrap_or_else(|| video.url.clone());
        let watch = format!("{}: {title}", self.words.watch);
        out.push_str("<figure class=\"video\">");
        if let Some(still) = &video.still {
            let alt = if still.alt.is_empty() { Phrase::plain(&*watch) } else { still.alt.clone() };
            let still = self.image(&Image { alt, ..still.clone() }, "");
            out.push_str(&format!("<a href=\"{href}\">{still}</a>"));
        }
        let caption = video
            .caption
            .as_ref()
            .map(|caption| format!("<br>{}", self.inlines(caption)))
            .unwrap_or_default();
        out.push_str(&format!(
            "<figcaption><a href=\"{href}\">{}</a>{caption}</figcaption></figure>\n",
            html(&watch)
        ));
    }

    fn post(&mut self, out: &mut String, post: &Post) {
        let post = self.assets.post(post);
        let Some(href) = self.href(&Phrase::plain(&*post.url)) else { return };
        out.push_str(&format!("<blockquote class=\"post\" cite=\"{href}\">\n"));
        self.blocks(out, &post.blocks);
        if let Some(image) = &post.image {
            out.push_str(&format!("<p>{}</p>\n", self.image(image, "")));
        }
        let who = match (&post.author, &post.handle) {
            (Some(author), Some(handle)) => Some(format!("{author} ({handle})")),
            (author, handle) => author.clone().or_else(|| handle.clone()),
        };
        let said: Vec<String> =
            [who, post.date.clone()].into_iter().flatten().map(|text| html(&text)).collect();
        let before = if said.is_empty() { String::new() } else { format!("— {} · ", said.join(", ")) };
        let see = html(self.words.see_post);
        out.push_str(&format!("<p class=\"by\">{before}<a href=\"{href}\">{see}</a></p>\n</blockquote>\n"));
    }

    fn resources(&mut self, out: &mut String, resources: &[Resource]) {
        out.push_str("<ul class=\"resources\">\n");
        for resource in resources {
            let title = self.inlines(&resource.title);
            let link = match self.href(&resource.url) {
                Some(href) => format!("<a href=\"{href}\">{title}</a>"),
                None => title,
            };
            let kind = resource
                .kind
                .as_deref()
                .map(|kind| format!("<span class=\"kind\">[{}]</span> ", html(kind)))
                .unwrap_or_default();
            let blurb = self.inlines(&resource.blurb);
            let blurb = if blurb.is_empty() { blurb } else { format!("<br>{blurb}") };
            out.push_str(&format!("<li>{kind}{link}{blurb}</li>\n"));
        }
        out.push_str("</ul>\n");
    }

    fn table(&mut self, out: &mut String, alignments: &[Alignment], head: &[Inlines], rows: &[Vec<Inlines>]) {
        let style = |column: usize| match alignments.get(column).copied().unwrap_or_default() {
            Alignment::Start => "",
            Alignment::Left => " style=\"text-align:left\"",
            Alignment::Center => " style=\"text-align:center\"",
            Alignment::Right => " style=\"text-align:right\"",
        };
        let labels = table_labels(head, rows).unwrap_or_default();
        let class = if labels.is_empty() { "" } else { " class=\"stack\"" };
        out.push_str(&format!("<div class=\"scroll\"><table{class}>\n<thead><tr>"));
        for (column, cell) in head.iter().enumerate() {
            out.push_str(&format!("<th scope=\"col\"{}>{}</th>", style(column), self.inlines(cell)));
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for row in rows {
            out.push_str("<tr>");
            for (column, cell) in row.iter().enumerate() {
                let label = labels.get(column).filter(|label| !label.is_empty());
                let label = label.map(|label| format!(" data-label=\"{}\"", Escape::Attribute.apply(label)));
                let label = label.unwrap_or_default();
                out.push_str(&format!("<td{label}{}>{}</td>", style(column), self.inlines(cell)));
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody>\n</table></div>\n");
    }

    fn definitions(&mut self, out: &mut String, definitions: &[Definition]) {
        out.push_str("<dl>\n");
        for definition in definitions {
            out.push_str(&format!("<dt>{}</dt>\n", self.inlines(&definition.term)));
            definition.meanings.iter().for_each(|blocks| self.boxed(out, "dd", "", blocks));
        }
        out.push_str("</dl>\n");
    }

    fn buttons(&mut self, out: &mut String, buttons: &[Button]) {
        let mut links = String::new();
        for button in buttons {
            let Some(href) = self.href(&button.url) else { continue };
            let class = if button.secondary { "button secondary" } else { "button" };
            links.push_str(&format!(
                "<a class=\"{class}\" href=\"{href}\">{}</a>\n",
                self.inlines(&button.label)
            ));
        }
        if !links.is_empty() {
            out.push_str(&format!("<p class=\"buttons\">{links}</p>\n"));
        }
    }

    fn contents(&mut self, out: &mut String, title: Option<&Inlines>, entries: &[ContentsEntry]) {
        let name = title.map_or_else(|| self.issue.head.title.clone(), |title| plain(title));
        out.push_str(&format!("<nav aria-label=\"{}\">\n", Escape::Attribute.apply(name.trim())));
        if let Some(title) = title {
            out.push_str(&format!("<p class=\"label\">{}</p>\n", self.inlines(title)));
        }
        out.push_str("<ul>\n");
        let top = entries.iter().map(|entry| entry.level).min().unwrap_or(1);
        for entry in entries {
            let indent = usize::from(entry.level - top);
            let style = if indent == 0 {
                String::new()
            } else {
                format!(" style=\"margin-inline-start:{indent}em\"")
            };
            let words = match &entry.anchor {
                Some(anchor) => {
                    let words = html(&plain(&entry.content));
                    format!("<a href=\"#{}\">{words}</a>", Escape::Attribute.apply(anchor))
                }
                None => self.inlines(&entry.content),
            };
            out.push_str(&format!("<li{style}>{words}</li>\n"));
        }
        out.push_str("</ul>\n</nav>\n");
    }

    fn author(
        &mut self,
        out: &mut String,
        name: &str,
        picture: Option<&Image>,
        url: Option<&Phrase>,
        blocks: &[Block],
    ) {
        out.push_str("<aside class=\"author\">\n");
        if let Some(picture) = picture {
            out.push_str(&self.image(&Image { width: Some(72), ..picture.clone() }, "portrait"));
        }
        match url.and_then(|url| self.href(url)) {
            Some(href) => {
                out.push_str(&format!("<p class=\"label\"><a href=\"{href}\">{}</a></p>\n", html(name)))
            }
            None => out.push_str(&format!("<p class=\"label\">{}</p>\n", html(name))),
        }
        self.blocks(out, blocks);
        out.push_str("</aside>\n");
    }
}

fn code(out: &mut String, language: Option<&str>, text: &str) {
    let class = language.map(|language| format!(" class=\"language-{}\"", Escape::Attribute.apply(language)));
    let class = class.unwrap_or_default();
    out.push_str(&format!("<pre><code{class}>{}</code></pre>\n", html(text)));
}
