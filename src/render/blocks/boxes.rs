//! Text with a background, a line or a voice of its own. All are one-cell tables, because Outlook gives padding, backgrounds
//! and borders only to cells.

use super::MjmlWriter;
use crate::{
    issue::document::{AlertKind, Block, Button, Inlines, Quote},
    render::{design::Buttons, fill::text, theme::KINDS},
};

/// Padding left and right in a box, in CSS pixels.
const INSET: u32 = 20;

impl MjmlWriter<'_> {
    /// Opens a box; `style` is the cell's, without its padding. A `background-color` is also written as `bgcolor`.
    /// `inner` is the space that the last block inside leaves to its end.
    pub(super) fn open_box(&mut self, out: &mut String, class: &str, style: &str, inner: u32) {
        let background = style
            .split(';')
            .find_map(|rule| rule.strip_prefix("background-color:"))
            .map(|color| format!(" bgcolor=\"{color}\""))
            .unwrap_or_default();
        out.push_str(&format!(
            "{ROUND}<tr><td class=\"{class}\"{background} style=\"{style};padding:16px {INSET}px {}px{}\">",
            16u32.saturating_sub(inner),
            self.round()
        ));
    }

    /// Closes a box.
    pub(super) fn close_box(&self, out: &mut String) {
        out.push_str(&format!("</td></tr>{}", self.space_row()));
    }

    /// The space below a table: a row, because Outlook drops the margins of tables.
    pub(super) fn space_row(&self) -> String {
        format!("<tr><td height=\"{}\"></td></tr></table>", self.gap() + 4)
    }

    pub(super) fn quote(&mut self, out: &mut String, quote: &Quote, width: u32) {
        let (side, accent) = (self.start_side(), self.design.light.accent);
        out.push_str(&format!(
            "{TABLE}<tr><td class=\"q\" style=\"border-{side}:3px solid {accent};padding-{side}:18px\">\
             <blockquote style=\"margin:0\">"
        ));
        self.blocks(out, &quote.blocks, width.saturating_sub(21));
        out.push_str("</blockquote>");
        self.byline(out, quote);
        trim_gap(out, self.gap());
        out.push_str(&format!("</td></tr>{}", self.space_row()));
    }

    pub(super) fn pull_quote(&mut self, out: &mut String, quote: &Quote, width: u32) {
        let design = self.design;
        let rule = design.light.rule;
        let size = design.size * 4 / 3;
        out.push_str(&format!(
            "{TABLE}<tr><td class=\"r\" align=\"center\" style=\"border-top:1px solid {rule};border-bottom:1px solid \
             {rule};padding:24px 16px 0;text-align:center\"><div class=\"h\" style=\"font-size:{size}px;line-height:1.4;\
             font-style:italic;color:{}\">",
            design.light.heading
        ));
        self.blocks(out, &quote.blocks, width.saturating_sub(32));
        out.push_str("</div>");
        self.byline(out, quote);
        out.push_str(&format!("</td></tr>{}", self.space_row()));
    }

    /// Who said it.
    fn byline(&mut self, out: &mut String, quote: &Quote) {
        let Some(by) = &quote.by else { return };
        out.push_str(&format!("<p class=\"m\" style=\"margin:0 0 {}px;{}\">— ", self.gap(), self.muted()));
        self.inlines(out, by);
        out.push_str("</p>");
    }

    pub(super) fn alert(
        &mut self,
        out: &mut String,
        kind: AlertKind,
        title: Option<&Inlines>,
        blocks: &[Block],
        width: u32,
    ) {
        let index = match kind {
            AlertKind::Note => Some(0),
            AlertKind::Tip => Some(1),
            AlertKind::Important => Some(2),
            AlertKind::Warning => Some(3),
            AlertKind::Caution => Some(4),
            AlertKind::Callout => None,
        };
        let panel = self.design.light.panel;
        let side = self.start_side();
        let (class, color) = match index {
            Some(index) => (KINDS[index].class, KINDS[index].light),
            None => ("q", self.design.light.accent),
        };
        let style = format!("background-color:{panel};border-{side}:4px solid {color}");
        self.open_box(out, &format!("p {class}"), &style, self.gap());
        if index.is_some() || title.is_some() {
            let tint = if index.is_some() { format!(" style=\"color:{color}\"") } else { String::new() };
            out.push_str(&format!("<p style=\"margin:0 0 6px\"><b{tint}>"));
            match (title, index) {
                (Some(title), Some(index)) => {
                    out.push_str(&format!("{}: ", self.words.alerts[index]));
                    self.inlines(out, title);
                }
                (Some(title), None) => self.inlines(out, title),
                (None, Some(index)) => out.push_str(self.words.alerts[index]),
                (None, None) => {}
            }
            out.push_str("</b></p>");
        }
        self.blocks(out, blocks, width.saturating_sub(2 * INSET + 4));
        self.close_box(out);
    }

    pub(super) fn sponsor(&mut self, out: &mut String, label: Option<&str>, blocks: &[Block], width: u32) {
        let (panel, rule) = (self.design.light.panel, self.design.light.rule);
        self.open_box(out, "p r", &format!("background-color:{panel};border:1px solid {rule}"), self.gap());
        let label = label.unwrap_or(self.words.sponsor);
        self.label(out, label);
        self.blocks(out, blocks, width.saturating_sub(2 * INSET + 2));
        self.close_box(out);
    }

    /// A small line that says what is below.
    pub(super) fn label(&mut self, out: &mut String, words: &str) {
        out.push_str(&format!(
            "<p class=\"m\" style=\"margin:0 0 8px;font:12px/1.4 Arial,sans-serif;letter-spacing:.08em;\
             text-transform:uppercase;color:{}\">{}</p>",
            self.design.light.muted,
            text(words)
        ));
    }

    pub(super) fn poll(&mut self, out: &mut String, question: &Inlines, answers: &[Button]) {
        let (panel, rule) = (self.design.light.panel, self.design.light.rule);
        self.open_box(out, "p r", &format!("background-color:{panel};border:1px solid {rule}"), 10);
        out.push_str("<p style=\"margin:0 0 14px\"><b>");
        self.inlines(out, question);
        out.push_str("</b></p>");
        for answer in answers {
            self.button(out, answer, true);
        }
        self.close_box(out);
    }

    pub(super) fn share(&mut self, out: &mut String, blocks: &[Block], links: &[Button], width: u32) {
        let rule = self.design.light.rule;
        out.push_str(&format!(
            "{TABLE}<tr><td class=\"r\" align=\"center\" style=\"border-top:1px solid {rule};border-bottom:1px solid \
             {rule};padding:20px 0 10px;text-align:center\">"
        ));
        self.blocks(out, blocks, width);
        for link in links {
            self.button(out, link, link.secondary);
        }
        out.push_str(&format!("</td></tr>{}", self.space_row()));
    }

    pub(super) fn buttons(&mut self, out: &mut String, buttons: &[Button]) {
        let gap = self.gap().saturating_sub(10);
        out.push_str(&format!("<div style=\"margin:{gap}px 0;padding-bottom:1px\">"));
        for button in buttons {
            self.button(out, button, button.secondary);
        }
        out.push_str("</div>");
    }

    /// A link that looks like a button. Side by side where there is room, one below the other on a phone and in
    /// Outlook, which knows no inline tables.
    pub(super) fn button(&mut self, out: &mut String, button: &Button, quiet: bool) {
        let colors = &self.design.light;
        let (accent, on_accent) = (colors.accent, colors.on_accent);
        let end = if self.right_to_left { "0 0 10px 10px" } else { "0 10px 10px 0" };
        let url = self.assets.link(&button.url);
        let href = self.filler.url(&url, &self.issue.source, &(0..0));
        let (class, background, words) = if quiet {
            ("q", String::new(), accent)
        } else {
            ("B", format!(" bgcolor=\"{accent}\""), on_accent)
        };
        let fill = if quiet { String::new() } else { format!("background-color:{accent};") };
        let (outer, inner, align) = match self.design.looks.buttons {
            Buttons::Narrow => ("", "inline-block", ""),
            Buttons::Wide => (" width=\"100%\"", "block", " align=\"center\""),
        };
        let shown = if outer.is_empty() { "display:inline-table;" } else { "" };
        let end = if outer.is_empty() { end } else { "0 0 10px" };
        let family = if self.design.heading_font == self.design.font {
            String::new()
        } else {
            format!("font-family:{};", self.design.heading_font)
        };
        // 20 for the line, 2 of 10 above and below, 2 of 2 for the border: 44 pixels, which a thumb hits.
        out.push_str(&format!(
            "<table role=\"presentation\"{outer} cellpadding=\"0\" cellspacing=\"0\" border=\"0\" \
             style=\"{shown}margin:{end};border-collapse:separate\"><tr><td{align} class=\"{class}\"{background} \
             style=\"{fill}border:2px solid {accent}{};mso-padding-alt:10px 20px\">\
             <a href=\"{href}\" style=\"display:{inner};padding:10px 20px;color:{words};{family}font-weight:bold;\
             font-size:{}px;line-height:20px;text-decoration:none\">",
            self.round(),
            (self.design.size - 1).min(17)
        ));
        self.inlines(out, &button.label);
        out.push_str("</a></td></tr></table>");
    }

    pub(super) fn post_script(&mut self, out: &mut String, blocks: &[Block], width: u32) {
        out.push_str("<div style=\"font-style:italic\">");
        self.blocks(out, blocks, width);
        out.push_str("</div>");
    }

    pub(super) fn signature(&mut self, out: &mut String, blocks: &[Block], width: u32) {
        let gap = self.design.size * 3 / 2;
        out.push_str(&format!("<div style=\"padding-top:{}px\">", gap / 2));
        self.blocks(out, blocks, width);
        out.push_str("</div>");
    }
}

/// The beginning of a table that only sets things out.
pub(super) const TABLE: &str =
    "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\">";

/// The beginning of a layout table for cells with round corners, which cannot share their borders.
pub(super) const ROUND: &str = "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" \
                                border=\"0\" style=\"border-collapse:separate\">";

/// Takes away the space below the last paragraph, so that a line beside it ends with the words.
pub(super) fn trim_gap(out: &mut String, gap: u32) {
    let needle = format!("<p style=\"margin:0 0 {gap}px");
    let with_class = format!("<p class=\"m\" style=\"margin:0 0 {gap}px");
    let Some(at) = out.rfind("<p ") else { return };
    let tail = &out[at..];
    let is_last = tail.find("</p>").is_some_and(|end| {
        let behind = &tail[end + 4..];
        behind.is_empty() || behind == "</blockquote>"
    });
    if !is_last {
        return;
    }
    for wanted in [&needle, &with_class] {
        if tail.starts_with(wanted.as_str()) {
            let zero = wanted.replace(&format!("margin:0 0 {gap}px"), "margin:0");
            out.replace_range(at..at + wanted.len(), &zero);
            return;
        }
    }
}
