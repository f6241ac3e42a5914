//! Links set as cards: pages, videos, posts, people.

use super::{
    MjmlWriter,
    boxes::{ROUND, TABLE},
    plain,
};
use crate::{
    issue::{
        Part, Phrase,
        document::{Block, Card, Image, Post, Video},
    },
    render::fill::text,
    source::Span,
};

impl MjmlWriter<'_> {
    /// Opens the cell of a card; `edges` are its border's and padding's rules.
    fn card_cell(&mut self, out: &mut String, edges: &str) {
        let (rule, panel) = (self.design.light.rule, self.design.light.panel);
        out.push_str(&format!(
            "<tr><td class=\"p r\" bgcolor=\"{panel}\" style=\"background-color:{panel};border:1px solid {rule};{edges}\">"
        ));
    }

    fn open_card(&mut self, out: &mut String) {
        out.push_str(ROUND);
        let round = self.round();
        self.card_cell(out, &format!("padding:16px 20px 0{round}"));
    }

    pub(super) fn card(&mut self, out: &mut String, card: &Card, width: u32) {
        let url = self.assets.link(&card.url);
        let span = card.image.as_ref().map_or(0..0, |image| image.span.clone());
        let href = self.filler.url(&url, &self.issue.source, &span);
        if let Some(image) = &card.image {
            // A row of its own, because Outlook gives padding to cells only.
            out.push_str(ROUND);
            let radius = self.design.looks.radius;
            self.card_cell(out, &format!("border-bottom:0;border-radius:{radius}px {radius}px 0 0"));
            out.push_str(&format!("<a href=\"{href}\"{}>", self.link_style()));
            let inner = radius.saturating_sub(1);
            self.image(
                out,
                image,
                width.saturating_sub(2),
                &format!("border-radius:{inner}px {inner}px 0 0"),
            );
            out.push_str("</a></td></tr>");
            self.card_cell(
                out,
                &format!("border-top:0;padding:16px 20px 0;border-radius:0 0 {radius}px {radius}px"),
            );
        } else {
            self.open_card(out);
        }
        let link = self.quiet_link_style();
        out.push_str(&format!("<p style=\"margin:0 0 8px\"><a href=\"{href}\"{link}><b>"));
        self.inlines(out, &card.title);
        out.push_str("</b></a></p>");
        self.blocks(out, &card.blocks, width.saturating_sub(42));
        if let Some(host) = host(&url) {
            out.push_str(&format!(
                "<p class=\"m\" style=\"margin:0 0 16px;{}\">{}</p>",
                self.muted(),
                text(&host)
            ));
        }
        out.push_str(&format!("</td></tr>{}", self.space_row()));
    }

    pub(super) fn video(&mut self, out: &mut String, video: &Video, width: u32) {
        let video = self.assets.video(video);
        let span = video.still.as_ref().map_or(0..0, |still| still.span.clone());
        let href = self.filler.url(&Phrase::plain(&*video.url), &self.issue.source, &span);
        let title = video.title.clone().unwrap_or_else(|| video.url.clone());
        let gap = self.gap();
        match &video.still {
            Some(still) => {
                // Where pictures are off, and for those who hear the letter, the words say that this is a video.
                let watch = self.words.watch;
                let alt = if still.alt.is_empty() {
                    Phrase::plain(format!("{watch}: {title}"))
                } else {
                    let parts = still.alt.0.iter().cloned();
                    Phrase(std::iter::once(Part::Text(format!("{watch}: "))).chain(parts).collect())
                };
                let still = Image { alt, ..still.clone() };
                let below = if video.caption.is_some() || video.title.is_some() { 6 } else { gap };
                out.push_str(&format!(
                    "<p style=\"margin:0 0 {below}px\"><a href=\"{href}\"{}>",
                    self.link_style()
                ));
                self.image(out, &still, width, "border-radius:6px");
                out.push_str("</a></p>");
                if below != gap {
                    let link = self.link_style();
                    out.push_str(&format!("<p class=\"m\" style=\"margin:0 0 {gap}px;{}\">", self.muted()));
                    if let Some(title) = &video.title {
                        out.push_str(&format!("<a href=\"{href}\"{link}>{}</a>", text(title)));
                    }
                    if let Some(caption) = &video.caption {
                        out.push_str(if video.title.is_some() { "<br>" } else { "" });
                        self.inlines(out, caption);
                    }
                    out.push_str("</p>");
                }
            }
            None => {
                self.open_card(out);
                let link = self.quiet_link_style();
                out.push_str(&format!(
                    "<p style=\"margin:0 0 16px\"><a href=\"{href}\"{link}><b>&#9654;&#65038; {}: {}</b></a></p>",
                    self.words.watch,
                    text(&title)
                ));
                if let Some(caption) = &video.caption {
                    out.push_str(&format!("<p class=\"m\" style=\"margin:0 0 16px;{}\">", self.muted()));
                    self.inlines(out, caption);
                    out.push_str("</p>");
                }
                out.push_str(&format!("</td></tr>{}", self.space_row()));
            }
        }
    }

    pub(super) fn post(&mut self, out: &mut String, post: &Post, width: u32) {
        let post = self.assets.post(post);
        let href = self.filler.url(&Phrase::plain(&*post.url), &self.issue.source, &(0..0));
        self.open_card(out);
        if post.author.is_some() || post.handle.is_some() {
            out.push_str("<p style=\"margin:0 0 8px\">");
            if let Some(author) = &post.author {
                out.push_str(&format!("<b>{}</b> ", text(author)));
            }
            if let Some(handle) = &post.handle {
                out.push_str(&format!(
                    "<span class=\"m\" style=\"{}\">{}</span>",
                    self.muted(),
                    text(handle)
                ));
            }
            out.push_str("</p>");
        }
        self.blocks(out, &post.blocks, width.saturating_sub(42));
        if let Some(image) = &post.image {
            out.push_str(&format!(
                "<p style=\"margin:0 0 {}px\"><a href=\"{href}\"{}>",
                self.gap(),
                self.link_style()
            ));
            self.image(out, image, width.saturating_sub(42), "border-radius:4px");
            out.push_str("</a></p>");
        }
        let (muted, link) = (self.muted(), self.link_style());
        out.push_str(&format!("<p class=\"m\" style=\"margin:0 0 16px;{muted}\">"));
        if let Some(date) = &post.date {
            out.push_str(&format!("{} · ", text(date)));
        }
        let place = host(&Phrase::plain(&*post.url)).map(|host| format!(" ({host})")).unwrap_or_default();
        out.push_str(&format!("<a href=\"{href}\"{link}>{}</a>{}</p>", self.words.see_post, text(&place)));
        out.push_str(&format!("</td></tr>{}", self.space_row()));
    }

    pub(super) fn author(
        &mut self,
        out: &mut String,
        name: &str,
        picture: Option<&Image>,
        url: Option<&Phrase>,
        blocks: &[Block],
        (span, width): (&Span, u32),
    ) {
        let rule = self.design.light.rule;
        out.push_str(&format!("{TABLE}<tr>"));
        let border = format!("border-top:1px solid {rule};padding:20px 0 0");
        let mut inner_width = width;
        if let Some(picture) = picture {
            out.push_str(&format!("<td class=\"r\" width=\"84\" valign=\"top\" style=\"{border}\">"));
            let small = Image { width: Some(64), ..picture.clone() };
            self.square(out, &small, 64);
            out.push_str("</td>");
            inner_width = width.saturating_sub(84);
        }
        out.push_str(&format!(
            "<td class=\"r\" valign=\"top\" style=\"{border}\"><p style=\"margin:0 0 4px\"><b>"
        ));
        match url {
            Some(url) => {
                let url = self.assets.link(url);
                let href = self.filler.url(&url, &self.issue.source, span);
                out.push_str(&format!("<a href=\"{href}\"{}>{}</a>", self.link_style(), text(name)));
            }
            None => out.push_str(&text(name)),
        }
        out.push_str(&format!("</b></p><div class=\"m\" style=\"{}\">", self.muted()));
        self.blocks(out, blocks, inner_width);
        out.push_str(&format!("</div></td></tr>{}", self.space_row()));
    }

    /// A line that says what a picture shows and whose it is.
    pub(super) fn caption(
        &mut self,
        out: &mut String,
        caption: Option<&crate::issue::document::Inlines>,
        credit: Option<&crate::issue::document::Inlines>,
    ) {
        out.push_str(&format!("<p class=\"m\" style=\"margin:0 0 {}px;{}\">", self.gap(), self.muted()));
        if let Some(caption) = caption {
            self.inlines(out, caption);
        }
        if let Some(credit) = credit {
            if let Some(caption) = caption {
                let ends = plain(caption).trim_end().ends_with(['.', '!', '?', '…', '。']);
                out.push_str(if ends { " " } else { " · " });
            }
            self.inlines(out, credit);
        }
        out.push_str("</p>");
    }
}

/// The host of an address, for people.
fn host(url: &Phrase) -> Option<String> {
    let [crate::issue::Part::Text(text)] = &url.0[..] else { return None };
    let url = url::Url::parse(text).ok()?;
    url.host_str().map(|host| host.trim_start_matches("www.").to_owned())
}
