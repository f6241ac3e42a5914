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
        let plain = lines(code.split('\n').map(text));
        let colored = language.and_then(|language| highlight::stretches(language, code)).map(colored);
        let html = match colored {
            Some(colored) if colored.len() - plain.len().min(colored.len()) <= self.code_budget => {
                self.code_budget -= colored.len() - plain.len().min(colored.len());
                colored
            }
            _ => plain,
        };
        // What is only words needs no name.
        let label = language.filter(|language| !matches!(*language, "text" | "txt" | "plain" | "plaintext"));
        self.code_box(out, &html, label);
    }

    fn code_box(&mut self, out: &mut String, html: &str, label: Option<&str>) {
        let design = self.design;
        let label = label.map_or_else(String::new, |label| {
            format!(
                "<div class=\"m\" style=\"font:12px/1 Arial,sans-serif;color:{};text-align:{};margin:0 0 8px\">{}</div>",
                design.light.muted,
                if self.right_to_left { "left" } else { "right" },
                text(label)
            )
        });
        let round = self.round();
        let class = if html.starts_with("<div>") { " class=\"c\"" } else { "" };
        let panel = design.light.panel;
        let size = design.size * 4 / 5;
        out.push_str(&format!(
            "{TABLE}<tr><td class=\"p\" bgcolor=\"{panel}\" style=\"background-color:{panel};padding:14px 16px\
             {round}\">{label}<pre{class} dir=\"ltr\" style=\"margin:0;font:{size}px/1.5 {};text-align:left;\
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
            self.formula(out, &image, self.assets.formula_in_the_dark(MathStyle::Display, tex).as_ref());
            out.push_str("</p>");
            return;
        }
        let html = lines(tex.trim_matches('\n').split('\n').map(text));
        self.code_box(out, &html, None);
    }
}

/// Lines as elements: some clients lose the line ends of a text, and the rule in the head indents what is left of a line
/// that is too long.
fn lines(lines: impl Iterator<Item = String>) -> String {
    let lines: Vec<String> = lines.map(|line| line.trim_end_matches('\r').to_owned()).collect();
    match &lines[..] {
        [only] => only.clone(),
        _ => {
            lines
                .iter()
                .map(|line| {
                    if line.is_empty() { "<div><br></div>".to_owned() } else { format!("<div>{line}</div>") }
                })
                .collect()
        }
    }
}

fn colored(stretches: Vec<Stretch<'_>>) -> String {
    let mut all = vec![String::new()];
    for stretch in stretches {
        for (at, part) in stretch.text.split('\n').enumerate() {
            if at > 0 {
                all.push(String::new());
            }
            let Some(line) = all.last_mut().filter(|_| !part.is_empty()) else { continue };
            match stretch.role.filter(|_| !part.trim().is_empty()) {
                Some(role) => {
                    let (_, light, _) = SYNTAX[role];
                    line.push_str(&format!(
                        "<span class=\"s{role}\" style=\"color:{light}\">{}</span>",
                        text(part)
                    ));
                }
                None => line.push_str(&text(part)),
            }
        }
    }
    lines(all.into_iter())
}
