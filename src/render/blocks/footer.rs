//! What the end of a letter links to, and the picture at its head.

use super::MjmlWriter;
use crate::{
    issue::{Phrase, Placeholder, Value, document::Image},
    render::{
        build::cover,
        design::{MARGIN, Pictures},
        fill::{attribute, text},
        i18n::unbroken,
        newsletter::Newsletter,
        pattern::Escape,
    },
};

/// Between links; it stays with the one before it, so that no line begins with it.
const DOT: &str = "\u{a0}· ";

impl MjmlWriter<'_> {
    /// Links to the preferences, the archive, the feed, a reply, and the newsletter's places on social networks; each with
    /// a dot before it, as they follow the unsubscribe link.
    pub(crate) fn footer_links(&mut self, newsletter: &Newsletter) -> String {
        let footer = &newsletter.footer;
        let muted = self.design.light.muted;
        let to = |href: &str, words: &str| {
            format!("<a href=\"{href}\" style=\"color:{muted}\">{}</a>", text(&unbroken(words)))
        };
        let link = |url: &str, words: &str| to(&attribute(url), words);
        let mut links: Vec<String> = Vec::new();
        let words = self.words;
        if footer.preferences.is_some() {
            let name = Placeholder {
                path: vec!["link".into(), "preferences".into()],
                filters: Vec::new(),
                span: 0..0,
            };
            let href = self.filler.placeholder(&name, &self.issue.source, Escape::Url);
            links.push(to(&href, words.page("preferences")));
        }
        links.extend(newsletter.archive.as_deref().map(|url| link(url, words.text.archive)));
        links.extend(footer.feed.as_deref().map(|url| link(url, words.page("feed"))));
        if footer.reply {
            let to = newsletter.reply_to.as_ref().unwrap_or(&newsletter.from);
            links.push(link(&format!("mailto:{}", to.address.expose()), words.page("reply")));
        }
        let mut out: String = links.iter().map(|link| format!("{DOT}{link}")).collect();
        if !footer.social.is_empty() {
            let social: Vec<String> = footer.social.iter().map(|(name, url)| link(url, name)).collect();
            out.push_str(&format!("<br>{}", social.join(DOT)));
        }
        out
    }

    /// The picture that the front matter names as the issue's cover.
    pub(crate) fn cover(&mut self) -> Option<String> {
        let source = cover(self.issue)?.to_owned();
        let alt = match self.issue.head.fields.get("cover_alt") {
            Some(Value::Text(alt)) => alt.clone(),
            _ => String::new(),
        };
        let image = Image { source, alt: Phrase::plain(alt), width: None, span: 0..0 };
        let mut out = String::new();
        match self.design.looks.pictures {
            Pictures::Wide => self.filling_image(&mut out, &image, self.design.width, ""),
            Pictures::Column => {
                let round = self.round();
                let round = round.trim_start_matches(';');
                out.push_str(&format!("<div style=\"padding:0 {MARGIN}px\">"));
                self.filling_image(&mut out, &image, self.design.column(), round);
                out.push_str("</div>");
            }
        }
        Some(out)
    }
}
