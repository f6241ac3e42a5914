//! Pages for readers: plain HTML in the newsletter's own colors, without a script, a cookie or anything of a third party.

use std::fmt::Write as _;

use crate::render::{Design, Escape, Palette, is_right_to_left};

const CSS: &str = include_str!("page.css");

/// Text that is safe between tags.
pub(super) fn escape(text: &str) -> String {
    Escape::Html.apply(text)
}

/// Text that is safe in a quoted attribute.
pub(super) fn attribute(text: &str) -> String {
    Escape::Attribute.apply(text)
}

/// What all pages of a newsletter share.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// The newsletter's name.
    pub(super) newsletter: String,
    /// The path of the stylesheet.
    pub(super) stylesheet: String,
}

/// A page: a heading and what is below it, as HTML.
#[derive(Clone, Debug, Default)]
pub(super) struct Page {
    title: String,
    language: String,
    /// Where its forms lead, below its own address.
    action: String,
    main: String,
}

impl Page {
    /// An empty page with a title that is its heading.
    pub(super) fn new(language: &str, title: &str) -> Self {
        Self { title: title.to_owned(), language: language.to_owned(), ..Self::default() }
    }

    /// Has its forms lead to its own address with this query.
    pub(super) fn led_to(self, query: &str) -> Self {
        Self { action: query.to_owned(), ..self }
    }

    /// Adds a paragraph of text.
    pub(super) fn paragraph(mut self, text: &str) -> Self {
        let _ = writeln!(self.main, "<p>{}</p>", escape(text)); // writing to a String cannot fail
        self
    }

    /// Adds a paragraph of text that is the same in every language, such as an address.
    pub(super) fn verbatim(mut self, text: &str) -> Self {
        let _ = writeln!(self.main, "<p><bdi dir=\"ltr\">{}</bdi></p>", escape(text));
        self
    }

    /// Adds a form, which sends a `POST` to the page's own address.
    pub(super) fn form(mut self, content: &str) -> Self {
        let action = if self.action.is_empty() {
            String::new()
        } else {
            format!(" action=\"{}\"", attribute(&self.action))
        };
        let _ =
            writeln!(self.main, "<form method=\"post\"{action} accept-charset=\"utf-8\">\n{content}</form>");
        self
    }

    /// Adds a link.
    pub(super) fn link(mut self, address: &str, text: &str) -> Self {
        let _ = writeln!(self.main, "<p><a href=\"{}\">{}</a></p>", attribute(address), escape(text));
        self
    }

    /// Adds a second heading.
    pub(super) fn heading(mut self, text: &str) -> Self {
        let _ = writeln!(self.main, "<h2>{}</h2>", escape(text));
        self
    }

    /// Adds what is wrong with a form that came back.
    pub(super) fn problem(mut self, text: &str) -> Self {
        let _ =
            writeln!(self.main, "<p class=\"problem\" role=\"alert\" id=\"problem\">{}</p>", escape(text));
        self
    }

    /// Adds a form with one button, which sends a `POST` to the page's own address.
    pub(super) fn button(self, label: &str, fields: &[(&str, &str)]) -> Self {
        let mut content = String::new();
        for (name, value) in fields {
            let (name, value) = (attribute(name), attribute(value));
            let _ = writeln!(content, "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
        }
        let _ = writeln!(content, "<button class=\"button\" type=\"submit\">{}</button>", escape(label));
        self.form(&content)
    }

    /// The whole document.
    pub(super) fn render(&self, look: &Look) -> String {
        let direction = if is_right_to_left(&self.language) { "rtl" } else { "ltr" };
        format!(
            "<!doctype html>\n<html lang=\"{}\" dir=\"{direction}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"robots\" content=\"noindex\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title} · {name}</title>\n<link rel=\"stylesheet\" href=\"{}\">\n</head>\n<body>\n\
             <header><p dir=\"auto\">{name}</p></header>\n<main>\n<h1>{title}</h1>\n{}</main>\n</body>\n</html>\n",
            attribute(&self.language),
            attribute(&look.stylesheet),
            self.main,
            title = escape(&self.title),
            name = escape(&look.newsletter),
        )
    }
}

/// The stylesheet of all pages.
pub fn stylesheet(design: &Design) -> String {
    let palette = |palette: &Palette| {
        [
            ("accent", palette.accent),
            ("on-accent", palette.on_accent),
            ("text", palette.text),
            ("heading", palette.heading),
            ("muted", palette.muted),
            ("background", palette.background),
            ("paper", palette.paper),
            ("panel", palette.panel),
            ("rule", palette.rule),
        ]
        .map(|(name, color)| format!("--{name}:{color};"))
        .concat()
    };
    format!(
        ":root{{color-scheme:light dark;{}--font:{};--heading-font:{};--size:{}px;--width:{}px}}\n\
         @media (prefers-color-scheme:dark){{:root{{{}}}}}\n{CSS}",
        palette(&design.light),
        design.font,
        design.heading_font,
        design.size,
        design.width,
        palette(&design.dark),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_page_can_become_markup() {
        let look = Look { newsletter: "<b>News</b>".into(), stylesheet: "/service.css".into() };
        let page =
            Page::new("en\"><script>", "<i>").paragraph("a < b & \"c\"").button("<x>", &[("n'", "\"v")]);
        let html = page.render(&look);
        for bad in ["<b>", "<i>", "<script>", "<x>", "\"v\"", "n'"] {
            assert!(!html.contains(bad), "{bad}: {html}");
        }
        assert!(html.contains("<p>a &lt; b &amp; &quot;c&quot;</p>"), "{html}");
    }

    #[test]
    fn a_language_from_right_to_left_has_its_direction() {
        let look = Look { newsletter: "N".into(), stylesheet: "/s".into() };
        assert!(Page::new("ar", "T").render(&look).contains("<html lang=\"ar\" dir=\"rtl\">"));
        assert!(Page::new("de", "T").render(&look).contains("<html lang=\"de\" dir=\"ltr\">"));
    }

    #[test]
    fn the_stylesheet_has_the_colors_of_the_newsletter() {
        let css = stylesheet(&Design::default());
        assert!(css.contains("--accent:#9a3412;") && css.contains("--accent:#f2a883;"), "{css}");
        assert_eq!(css.matches('{').count(), css.matches('}').count());
    }
}
