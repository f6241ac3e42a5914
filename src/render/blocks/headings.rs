//! Headings, in the look that the design gives them.

use super::MjmlWriter;
use crate::{
    issue::document::Inline,
    render::{design::Headings, fill::attribute},
};

impl MjmlWriter<'_> {
    /// A heading; behind its words, how many links are below it, where there are several.
    pub(super) fn heading(
        &mut self,
        out: &mut String,
        level: u8,
        anchor: &str,
        content: &[Inline],
        links: usize,
    ) {
        let level = level.clamp(2, 6);
        let style = self.heading_style(level);
        let class = if level >= 5 { " class=\"m\"" } else { "" };
        let (dir, align) = self.direction(content);
        out.push_str(&format!("<h{level}{class}{dir} style=\"{style}{align}\">"));
        if !anchor.is_empty() {
            // `name`, because some webmails drop `id`.
            out.push_str(&format!("<a name=\"{}\"></a>", attribute(anchor)));
        }
        self.inlines(out, content);
        if links > 1 {
            let muted = self.design.light.muted;
            out.push_str(&format!(
                " <small style=\"font-size:13px;font-weight:normal;color:{muted}\">{links}</small>"
            ));
        }
        out.push_str(&format!("</h{level}>"));
    }

    /// The style of a heading of level 2 to 6.
    pub(super) fn heading_style(&self, level: u8) -> String {
        let size = self.design.size;
        let above = self.space_above(level);
        let colors = &self.design.light;
        let (rule, accent) = (colors.rule, colors.accent);
        let (below, size, line) = match (self.design.looks.headings, level) {
            (Headings::Large, 2) => (size * 3 / 4, size * 3 / 2, String::new()),
            (Headings::Large, 3) => (size / 2, size * 6 / 5 + 1, String::new()),
            (Headings::Ruled, 2) => (8, size + 4, format!(";border-top:2px solid {rule};padding-top:12px")),
            (Headings::Ruled, 3) => (6, size + 1, format!(";border-top:1px solid {rule};padding-top:10px")),
            (Headings::Colored, 2) => {
                (size * 3 / 4, size * 7 / 4, format!(";border-top:6px solid {accent};padding-top:14px"))
            }
            (Headings::Colored, 3) => (size / 2, size * 5 / 4, String::new()),
            (Headings::Small, 2) => (size / 2, size + 1, String::new()),
            (_, 2..=4) => (size / 2, size, String::new()),
            _ => (size / 2, size - 2, String::new()),
        };
        let mut style = format!("margin:{above}px 0 {below}px;font-size:{size}px;line-height:1.25{line}");
        if self.design.heading_font != self.design.font {
            style.push_str(&format!(";font-family:{}", self.design.heading_font));
        }
        let color = if level >= 5 { colors.muted } else { colors.heading };
        if color != colors.text {
            style.push_str(&format!(";color:{color}"));
        }
        style
    }

    /// The space above a heading, in CSS pixels.
    pub(super) fn space_above(&self, level: u8) -> u32 {
        let size = self.design.size;
        match (self.design.looks.headings, level.clamp(2, 6)) {
            (Headings::Large, 2) => size * 2,
            (Headings::Colored, 2) => size * 9 / 4,
            (Headings::Large | Headings::Colored, 3) => size * 7 / 4,
            _ => size * 3 / 2,
        }
    }
}
