use percent_encoding::utf8_percent_encode;

use super::{
    PageWriter, PicturePaths,
    placeholder_gaps::{GONE, close_gaps},
};
use crate::{
    assets::MathStyle,
    issue::{
        Part, Phrase, Placeholder,
        document::{Image, Inline, each_inline},
    },
    markup::allowed::NOT_IN_URLS,
    render::{Escape, apply_filters, scope::Fill},
};

/// Where a link of a page may lead.
const SCHEMES: [&str; 6] = ["http", "https", "mailto", "tel", "sms", "webcal"];

impl PageWriter<'_> {
    /// A run of text.
    pub(super) fn inlines(&mut self, inlines: &[Inline]) -> String {
        let mut out = String::new();
        for inline in inlines {
            self.inline(&mut out, inline);
        }
        if out.contains(GONE) { close_gaps(&out) } else { out }
    }

    fn inline(&mut self, out: &mut String, inline: &Inline) {
        match inline {
            Inline::Text(text) => out.push_str(&html(text)),
            Inline::Code(code) => out.push_str(&format!("<code>{}</code>", html(code))),
            Inline::Math(tex) => out.push_str(&match self.assets.formula(MathStyle::Inline, tex) {
                Some(image) => {
                    let dark = self.assets.formula_in_the_dark(MathStyle::Inline, tex);
                    self.formula(&image, dark.as_ref(), "math")
                }
                None => format!("<code class=\"math\">{}</code>", html(tex)),
            }),
            Inline::Emphasis(content) => self.wrapped(out, "em", content),
            Inline::Strong(content) => self.wrapped(out, "strong", content),
            Inline::Strikethrough(content) => self.wrapped(out, "del", content),
            Inline::Link { url, title, content, .. } => {
                let Some(href) = self.href(url) else { return };
                let title = match self.phrase(title) {
                    title if title.is_empty() => String::new(),
                    title => format!(" title=\"{}\"", Escape::Attribute.apply(&title)),
                };
                out.push_str(&format!("<a href=\"{href}\"{title}>"));
                content.iter().for_each(|inline| self.inline(out, inline));
                out.push_str("</a>");
            }
            Inline::Image(image) => out.push_str(&self.image(image, "")),
            Inline::LineBreak => out.push_str("<br>\n"),
            Inline::SoftBreak => out.push('\n'),
            Inline::Footnote(number) => {
                let first = self
                    .noted
                    .get_mut(number.wrapping_sub(1))
                    .is_some_and(|noted| !std::mem::replace(noted, true));
                let id = if first { format!(" id=\"fnref-{number}\"") } else { String::new() };
                out.push_str(&format!(
                    "<sup><a href=\"#fn-{number}\"{id} role=\"doc-noteref\">{number}</a></sup>"
                ));
            }
            Inline::Html(tag) => out.push_str(&self.tag(tag)),
            Inline::Placeholder(placeholder) => out.push_str(&html(&self.value(placeholder))),
        }
    }

    fn wrapped(&mut self, out: &mut String, name: &str, content: &[Inline]) {
        out.push_str(&format!("<{name}>"));
        content.iter().for_each(|inline| self.inline(out, inline));
        out.push_str(&format!("</{name}>"));
    }

    /// A placeholder's value on the web: what is known about the issue, else its default, else nothing.
    pub(super) fn value(&self, placeholder: &Placeholder) -> String {
        let names: Vec<&str> = placeholder.path.iter().map(String::as_str).collect();
        let value = match names[..] {
            ["issue", "subject"] => self.plain(&self.issue.head.subject),
            ["issue", "preheader"] => self.plain(&self.issue.head.preheader),
            ["link", "view"] => self.page.address.unwrap_or_default().to_owned(),
            ["link", "archive"] => self.newsletter.archive.clone().unwrap_or_default(),
            _ => match self.scope.fill(placeholder) {
                Fill::Text(text) => text,
                Fill::Open(open) => apply_filters(&open.filters, ""),
                Fill::Unknown(_) => String::new(),
            },
        };
        if value.is_empty() { GONE.to_string() } else { value }
    }

    /// A phrase that an issue's own field holds; placeholders inside it that name the issue again are left out.
    fn plain(&self, phrase: &Phrase) -> String {
        let parts = phrase.0.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Open(open) if open.path.first().is_some_and(|name| name == "issue") => String::new(),
            Part::Open(open) => self.value(open),
        });
        close_gaps(&parts.collect::<String>())
    }

    /// The words of a run of text, without marks, with every placeholder's value.
    pub(in crate::archive) fn plain_words(&self, inlines: &[Inline]) -> String {
        close_gaps(&self.words(inlines))
    }

    fn words(&self, inlines: &[Inline]) -> String {
        let mut words = String::new();
        each_inline(inlines, &mut |inline| match inline {
            Inline::Text(text) | Inline::Code(text) | Inline::Math(text) => words.push_str(text),
            Inline::LineBreak | Inline::SoftBreak => words.push(' '),
            Inline::Placeholder(placeholder) => words.push_str(&self.value(placeholder)),
            _ => {}
        });
        words
    }

    /// A phrase as text, not escaped.
    pub(in crate::archive) fn phrase(&mut self, phrase: &Phrase) -> String {
        let parts = phrase.0.iter().map(|part| match part {
            Part::Text(text) => text.replace(GONE, ""),
            Part::Open(placeholder) => self.value(placeholder),
        });
        close_gaps(&parts.collect::<String>())
    }

    /// A link's target for a quoted attribute; none for a link to leave, which has no place on the web.
    pub(super) fn href(&mut self, url: &Phrase) -> Option<String> {
        let url = self.assets.link(url);
        let mut out = String::new();
        for part in &url.0 {
            match part {
                Part::Text(text) => out.push_str(&utf8_percent_encode(text.trim(), NOT_IN_URLS).to_string()),
                Part::Open(open) if open.path == ["link", "unsubscribe"] => return None,
                Part::Open(open) => {
                    let value = self.value(open).replace(GONE, "");
                    let escape = if out.is_empty() { Escape::Text } else { Escape::UrlPart };
                    out.push_str(&escape.apply(&value));
                }
            }
        }
        Some(safe(&out))
    }

    /// A picture, or its alternative text where the picture cannot be reached.
    pub(super) fn image(&mut self, image: &Image, class: &str) -> String {
        let alt = self.phrase(&image.alt);
        let Some(address) = self.picture_address(&image.source) else {
            return if alt.is_empty() { String::new() } else { format!("<em>{}</em>", html(&alt)) };
        };
        let asset = self.assets.picture(&image.source);
        let natural = asset.and_then(|asset| Some((asset.width?, asset.height?)));
        let size = match (natural, image.width) {
            (Some((width, height)), Some(wanted)) => {
                let scaled = u64::from(height) * u64::from(wanted) / u64::from(width.max(1));
                format!(" width=\"{wanted}\" height=\"{}\"", scaled.max(1))
            }
            (Some((width, height)), None) => format!(" width=\"{width}\" height=\"{height}\""),
            (None, Some(wanted)) => format!(" width=\"{wanted}\""),
            (None, None) => String::new(),
        };
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let (src, alt) = (Escape::Attribute.apply(&address), Escape::Attribute.apply(&alt));
        format!("<img src=\"{src}\" alt=\"{alt}\"{size}{class} loading=\"lazy\">")
    }

    /// A formula, with another picture for dark backgrounds when there is one.
    pub(super) fn formula(&mut self, image: &Image, dark: Option<&Image>, class: &str) -> String {
        let light = self.image(image, class);
        match dark.and_then(|dark| self.picture_address(&dark.source)) {
            Some(dark) => format!(
                "<picture><source srcset=\"{}\" media=\"(prefers-color-scheme:dark)\">{light}</picture>",
                Escape::Attribute.apply(&dark)
            ),
            None => light,
        }
    }

    /// Where a picture is, as seen from the page.
    pub(super) fn picture_address(&self, source: &str) -> Option<String> {
        let Some(asset) = self.assets.picture(source) else {
            return source.starts_with("http").then(|| source.to_owned());
        };
        match self.page.pictures {
            PicturePaths::Site => self.assets.site_address(asset),
            PicturePaths::Folder(prefix) => Some(format!("{prefix}{}", asset.encoded_path())),
        }
    }
}

/// A target that a browser may follow.
fn safe(url: &str) -> String {
    let scheme = url.split_once(':').map(|(scheme, _)| scheme);
    let is_allowed = match scheme {
        Some(scheme) if !scheme.contains(['/', '?', '#']) => {
            SCHEMES.contains(&scheme.to_ascii_lowercase().as_str())
        }
        _ => true,
    };
    if is_allowed && !url.is_empty() { Escape::Attribute.apply(url) } else { "#".to_owned() }
}

/// Text between tags.
pub(super) fn html(text: &str) -> String {
    Escape::Html.apply(text)
}
