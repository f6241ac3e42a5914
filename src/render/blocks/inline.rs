//! Runs of text.

use super::MjmlWriter;
use crate::{
    assets::MathStyle,
    issue::{Part, Phrase, document::Inline},
    render::{
        fill::{attribute, text, text_into},
        pattern::Escape,
    },
};

impl MjmlWriter<'_> {
    /// A run of text as HTML.
    pub(super) fn inlines(&mut self, out: &mut String, content: &[Inline]) {
        for inline in content {
            self.inline(out, inline);
        }
    }

    fn inline(&mut self, out: &mut String, inline: &Inline) {
        match inline {
            Inline::Text(words) => text_into(out, words),
            Inline::Code(words) => self.code_words(out, words),
            Inline::Math(tex) => self.math_words(out, tex),
            Inline::Emphasis(inner) => self.wrapped(out, "em", inner),
            Inline::Strong(inner) => self.wrapped(out, "strong", inner),
            Inline::Strikethrough(inner) => self.wrapped(out, "s", inner),
            Inline::Link { url, title, content, span } => {
                let url = self.assets.link(url);
                let href = self.filler.url(&url, &self.issue.source, span);
                out.push_str(&format!("<a href=\"{href}\"{}", self.link_style()));
                if !title.is_empty() {
                    let title = self.filler.phrase(title, &self.issue.source, Escape::Attribute);
                    out.push_str(&format!(" title=\"{title}\""));
                }
                out.push('>');
                let kind = self.due_kind.take();
                self.inlines(out, content);
                out.push_str("</a>");
                if let Some(kind) = kind {
                    // Its look is in the head: without one it is in italics.
                    out.push_str(&format!(" <i>{}</i>", text(self.words.page(kind))));
                }
            }
            Inline::Image(image) => self.inline_image(out, image),
            Inline::LineBreak => out.push_str("<br>"),
            Inline::SoftBreak => out.push('\n'),
            Inline::Footnote(number) => {
                let accent = self.design.light.accent;
                out.push_str(&format!(
                    "<sup style=\"font-size:.75em;line-height:0\"><a name=\"fr{number}\"></a>\
                     <a href=\"#fn{number}\" style=\"color:{accent};text-decoration:none\">[{number}]</a></sup>"
                ));
            }
            Inline::Html(tag) => self.dressed(out, tag),
            Inline::Placeholder(placeholder) => {
                let filled = self.filler.placeholder(placeholder, &self.issue.source, Escape::Html);
                out.push_str(&filled);
            }
        }
    }

    fn wrapped(&mut self, out: &mut String, tag: &str, inner: &[Inline]) {
        out.push_str(&format!("<{tag}>"));
        self.inlines(out, inner);
        out.push_str(&format!("</{tag}>"));
    }

    fn code_words(&mut self, out: &mut String, words: &str) {
        let (dir, style) = (self.code_direction(), self.code_style());
        out.push_str(&format!("<code{dir} style=\"{style}\">{}</code>", text(words)));
    }

    /// Code runs from left to right, which goes without saying in a letter where everything does.
    fn code_direction(&self) -> &'static str {
        if self.mixes_directions { " dir=\"ltr\"" } else { "" }
    }

    /// The style of code among words.
    pub(super) fn code_style(&self) -> String {
        format!(
            "font-family:{};font-size:.85em;background-color:{};padding:1px 4px;border-radius:3px",
            self.design.code_font, self.design.light.panel
        )
    }

    fn math_words(&mut self, out: &mut String, tex: &str) {
        if let Some(image) = self.assets.formula(MathStyle::Inline, tex) {
            let dark = self.assets.formula_in_the_dark(MathStyle::Inline, tex);
            return self.formula(out, &image, dark.as_ref());
        }
        self.code_words(out, tex);
    }

    /// The value of `alt`, and whatever else is in an attribute.
    pub(super) fn attribute_phrase(&mut self, phrase: &Phrase) -> String {
        if let [Part::Text(text)] = &phrase.0[..] {
            return attribute(text).into_owned();
        }
        self.filler.phrase(phrase, &self.issue.source, Escape::Attribute)
    }
}
