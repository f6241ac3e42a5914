//! Pictures: never wider than their column, sizes in attributes for Outlook, alternative text on each.

use super::MjmlWriter;
use crate::{
    issue::{
        Phrase,
        document::{Figure, Image},
    },
    render::{
        design::{MARGIN, Pictures},
        fill::attribute,
        mjml::Element,
        theme::{PLATE, PLATE_MARGIN},
    },
};

/// How wide a picture may become where its column is wider than it.
#[derive(Clone, Copy, PartialEq)]
enum Fill {
    /// As wide as it is.
    Own,
    /// As wide as the column.
    Column,
}

impl MjmlWriter<'_> {
    /// Shown width and height in CSS pixels, from the file or the author, at most `width` wide.
    fn size(&self, image: &Image, width: u32) -> (Option<u32>, Option<u32>) {
        let asset = self.assets.picture(&image.source);
        let natural = asset.and_then(|asset| Some((asset.width?, asset.height?))).filter(|size| size.0 > 0);
        let Some((w, h)) = natural else { return (image.width.map(|wanted| wanted.min(width)), None) };
        // `name@2x.png` has two pixels of the file for one on the page.
        let stem = image.source.rsplit_once('.').map_or(image.source.as_str(), |(stem, _)| stem);
        let natural_width = if stem.ends_with("@2x") { w.div_ceil(2) } else { w };
        let shown = image.width.unwrap_or(natural_width).clamp(1, width.max(1));
        let height = (f64::from(h) * f64::from(shown) / f64::from(w)).round().max(1.0);
        (Some(shown), Some(height as u32))
    }

    /// A picture as a block.
    pub(super) fn image(&mut self, out: &mut String, image: &Image, width: u32, style: &str) {
        self.block_image(out, image, width, style, Fill::Own);
    }

    fn block_image(&mut self, out: &mut String, image: &Image, width: u32, style: &str, fill: Fill) {
        let (w, h) = self.size(image, width);
        let height = h.map(|h| format!(" height=\"{h}\"")).unwrap_or_default();
        let shown = w.unwrap_or(width);
        // Not `max-width:100%`: a picture that is not loaded would keep its width and push the letter wider.
        // One that fills its column needs no limit, and fills it on a phone too, where columns are stacked.
        let fills = fill == Fill::Column || (image.width.is_none() && h.is_some() && shown == width);
        let limit = if fills { String::new() } else { format!(";max-width:{shown}px") };
        let more = if style.is_empty() { String::new() } else { format!(";{style}") };
        self.img(
            out,
            image,
            &format!(
                " width=\"{shown}\"{height} style=\"display:block;width:100%{limit};height:auto{more}\""
            ),
        );
    }

    /// A picture that fills what it is in, on a phone too.
    pub(super) fn filling_image(&mut self, out: &mut String, image: &Image, width: u32, style: &str) {
        self.block_image(out, image, width, style, Fill::Column);
    }

    /// Whether a picture goes from one edge of the letter to the other: the design says so, and it is wide enough.
    pub(super) fn is_wide(&self, figure: &Figure) -> bool {
        let natural = self.assets.picture(&figure.image.source).and_then(|asset| asset.width);
        self.design.looks.pictures == Pictures::Wide
            && figure.image.width.is_none()
            && natural.is_some_and(|natural| natural >= self.design.width)
    }

    /// Such a picture as a section of its own, with its caption where the text is.
    pub(super) fn wide_figure(&mut self, figure: &Figure, mark: String) -> Element {
        let mut html = mark;
        html.push_str(&format!("<div class=\"m\" style=\"margin:0 0 8px;{}\">", self.muted()));
        self.linked_image(&mut html, figure, self.design.width, Fill::Column);
        html.push_str("</div>");
        let mut column =
            Element::new("mj-column").child(Element::raw("mj-text", html).with("padding", "8px 0px 0px"));
        let mut words = String::new();
        if figure.caption.is_some() || figure.credit.is_some() {
            self.caption(&mut words, figure.caption.as_ref(), figure.credit.as_ref());
        }
        if words.is_empty() {
            column = column.child(Element::new("mj-spacer").with("height", format!("{}px", self.gap())));
        } else {
            let text = Element::raw("mj-text", words).with("padding", format!("0px {MARGIN}px"));
            column = column.child(text);
        }
        Element::new("mj-section").with("padding", "0px").child(column)
    }

    fn img(&mut self, out: &mut String, image: &Image, rest: &str) {
        let address = self.assets.address(&image.source);
        let alt = self.attribute_phrase(&image.alt);
        out.push_str(&format!("<img src=\"{}\" alt=\"{alt}\"{rest}>", attribute(&address)));
    }

    /// A formula's picture, which has a background of its own, so that it can be read where a client recolors the letter;
    /// with another one for dark backgrounds when there is one.
    pub(super) fn formula(&mut self, out: &mut String, image: &Image, dark: Option<&Image>) {
        const ROUND: &str = ";border-radius:4px";
        let Some(dark) = dark else { return self.among_words(out, image, "", ROUND) };
        self.among_words(out, image, " class=\"E\"", ROUND);
        out.push_str("<!--[if !mso]><!-->");
        self.among_words(out, dark, " class=\"F\"", ";border-radius:4px;display:none");
        out.push_str("<!--<![endif]-->");
    }

    pub(super) fn inline_image(&mut self, out: &mut String, image: &Image) {
        self.among_words(out, image, "", "");
    }

    fn among_words(&mut self, out: &mut String, image: &Image, class: &str, more: &str) {
        let width = self.design.column();
        let (w, h) = self.size(image, width);
        let size = match (w, h) {
            (Some(w), Some(h)) => format!(" width=\"{w}\" height=\"{h}\""),
            (Some(w), None) => format!(" width=\"{w}\""),
            _ => String::new(),
        };
        let fluid = match w {
            Some(w) if w > 100 => format!("width:100%;max-width:{w}px;height:auto;"),
            Some(_) => String::new(),
            // One elsewhere, of which no one knows how wide it is.
            None => "max-width:100%;height:auto;".to_owned(),
        };
        let style = format!("{fluid}vertical-align:middle{more}");
        self.img(out, image, &format!("{class}{size} style=\"{style}\""));
    }

    /// A portrait: a square that clients which can make round.
    pub(super) fn square(&mut self, out: &mut String, image: &Image, side: u32) {
        self.img(
            out,
            image,
            &format!(
                " width=\"{side}\" height=\"{side}\" style=\"display:block;border-radius:50%;object-fit:cover\""
            ),
        );
    }

    pub(super) fn figure(&mut self, out: &mut String, figure: &Figure, width: u32) {
        let has_words = figure.caption.is_some() || figure.credit.is_some();
        let below = if has_words { 8 } else { self.gap() };
        // The paragraph's style is the alternative text's, where pictures are not shown.
        out.push_str(&format!("<p class=\"m\" style=\"margin:0 0 {below}px;{}\">", self.muted()));
        self.linked_image(out, figure, width, Fill::Own);
        out.push_str("</p>");
        if has_words {
            self.caption(out, figure.caption.as_ref(), figure.credit.as_ref());
        }
    }

    /// A picture of a gallery: as wide as its column, which on a phone is the whole width.
    pub(super) fn tile(&mut self, out: &mut String, figure: &Figure, width: u32) {
        let has_words = figure.caption.is_some() || figure.credit.is_some();
        let below = if has_words { 6 } else { self.gap() };
        out.push_str(&format!("<p class=\"m\" style=\"margin:0 0 {below}px;{}\">", self.muted()));
        self.linked_image(out, figure, width, Fill::Column);
        out.push_str("</p>");
        if has_words {
            self.caption(out, figure.caption.as_ref(), figure.credit.as_ref());
        }
    }

    /// The picture at the head of the letter, where words begin or centered; with another one for dark backgrounds when there is
    /// one.
    pub(crate) fn logo(&mut self, name: &str, is_centered: bool) -> Option<String> {
        let logo = self.design.logo.clone()?;
        let mut out = String::new();
        let alt = Phrase::plain(logo.alt.as_deref().unwrap_or(name));
        let picture = |source: &str| Image {
            source: source.to_owned(),
            alt: alt.clone(),
            width: logo.width,
            span: 0..0,
        };
        let width = logo.width.unwrap_or(240).min(self.design.column());
        let (align, middle) = if is_centered { (" align=\"center\"", "margin:0 auto") } else { ("", "") };
        let Some(dark) = &logo.dark else {
            let shown = self.size(&picture(&logo.light), width).0.unwrap_or(width);
            let (radius, outer) = (self.design.looks.radius, shown + 2 * PLATE_MARGIN);
            out.push_str(&format!(
                "<table role=\"presentation\"{align} cellpadding=\"0\" cellspacing=\"0\" border=\"0\" width=\"{outer}\" \
                 style=\"width:100%;max-width:{outer}px\"><tr>{PLATE}padding:{PLATE_MARGIN}px;border-radius:{radius}px\">"
            ));
            self.image(&mut out, &picture(&logo.light), width, "");
            out.push_str("</td></tr></table>");
            return Some(out);
        };
        out.push_str("<div class=\"L\">");
        self.image(&mut out, &picture(&logo.light), width, middle);
        // Outlook for Windows must not see the second one at all.
        out.push_str(
            "</div><!--[if !mso]><!--><div class=\"D\" style=\"display:none;max-height:0;overflow:hidden\">",
        );
        self.image(&mut out, &picture(dark), width, middle);
        out.push_str("</div><!--<![endif]-->");
        Some(out)
    }

    fn linked_image(&mut self, out: &mut String, figure: &Figure, width: u32, fill: Fill) {
        match &figure.link {
            Some(link) => {
                let url = self.assets.link(link);
                let href = self.filler.url(&url, &self.issue.source, &figure.image.span);
                out.push_str(&format!("<a href=\"{href}\"{}>", self.link_style()));
                self.block_image(out, &figure.image, width, "", fill);
                out.push_str("</a>");
            }
            None => self.block_image(out, &figure.image, width, "", fill),
        }
    }
}
