//! Code and formulas: line breaks survive, long lines wrap, colors as far as the budget allows.

use super::{MjmlWriter, boxes::TABLE};
use crate::{
    assets::MathStyle,
    render::{
        fill::text,
        highlight::{self, Stretch},
        theme::SYNTAX,
    },
};

impl MjmlWriter<'_> {
    pub(super) fn code(&mut self, out: &mut String, language: Option<&str>, code: &str) {
        let code = code.strip_suffix('\n').unwrap_or(code);
        let plain = lines(&text(code));
        let coloured = language.and_then(|language| highlight::stretches(language, code)).map(coloured);
        let html = match coloured {
            Some(coloured) if coloured.len() - plain.len().min(coloured.len()) <= self.code_budget => {
                self.code_budget -= coloured.len() - plain.len().min(coloured.len());
                coloured
            }
            _ => plain,
        };
        self.code_box(out, &html);
    }

    fn code_box(&mut self, out: &mut String, html: &str) {
        let design = self.design;
        let panel = design.light.panel;
        let size = design.size * 4 / 5;
        out.push_str(&format!(
            "{TABLE}<tr><td class=\"p\" bgcolor=\"{panel}\" style=\"background-color:{panel};padding:14px 16px;\
             border-radius:6px\"><pre dir=\"ltr\" style=\"margin:0;font:{size}px/1.5 {};text-align:left;\
             white-space:pre-wrap;word-break:break-word\">{html}</pre></td></tr>{}",
            design.code_font,
            self.space_row()
        ));
    }

    /// A formula's picture, in the middle; without one its TeX.
    pub(super) fn math_block(&mut self, out: &mut String, tex: &str) {
        if let Some(image) = self.assets.formula(MathStyle::Display, tex) {
            let (gap, size, font) = (self.gap(), self.design.size, &self.design.code_font);
            // The font is for the TeX that is in the place of a picture which is not shown.
            out.push_str(&format!(
                "<p dir=\"ltr\" style=\"margin:0 0 {gap}px;text-align:center;font-family:{font};font-size:{size}px\">"
            ));
            self.formula(out, &image);
            out.push_str("</p>");
            return;
        }
        let html = lines(&text(tex.trim_matches('\n')));
        self.code_box(out, &html);
    }
}

/// Line ends as elements: some clients lose those of the text.
fn lines(html: &str) -> String {
    html.replace("\r\n", "\n").replace('\n', "<br>")
}

fn coloured(stretches: Vec<Stretch<'_>>) -> String {
    let mut out = String::new();
    for stretch in stretches {
        let html = lines(&text(stretch.text));
        match stretch.role {
            Some(role) => {
                let (_, light, _) = SYNTAX[role];
                out.push_str(&format!("<span class=\"s{role}\" style=\"color:{light}\">{html}</span>"));
            }
            None => out.push_str(&html),
        }
    }
    out
}
