//! Tables of data.

use super::Setter;
use crate::issue::document::{Alignment, Inlines};

impl Setter<'_> {
    pub(super) fn table(
        &mut self,
        out: &mut String,
        alignments: &[Alignment],
        head: &[Inlines],
        rows: &[Vec<Inlines>],
    ) {
        let rule = self.design.light.rule;
        let size = if head.len() > 4 { self.design.size - 4 } else { self.design.size - 2 };
        // Few columns fit by breaking words; the theme lets readers move many columns sideways on a phone.
        let class = if head.len() > 3 { "R W" } else { "R" };
        out.push_str(&format!(
            "<div class=\"{class}\" style=\"margin:0 0 {}px\"><table width=\"100%\" cellpadding=\"7\" \
             cellspacing=\"0\" border=\"0\" style=\"border-collapse:collapse;font-size:{size}px;line-height:1.4\">",
            self.gap()
        ));
        if head.iter().any(|cell| !cell.is_empty()) {
            out.push_str("<thead><tr>");
            for (index, cell) in head.iter().enumerate() {
                let align = self.align(alignments.get(index).copied(), true);
                out.push_str(&format!(
                    "<th scope=\"col\"{align} valign=\"bottom\" style=\"border-bottom:2px solid {rule}\">"
                ));
                self.inlines(out, cell);
                out.push_str("</th>");
            }
            out.push_str("</tr></thead>");
        }
        out.push_str("<tbody>");
        for row in rows {
            out.push_str("<tr>");
            for (index, cell) in row.iter().enumerate() {
                let align = self.align(alignments.get(index).copied(), false);
                out.push_str(&format!("<td{align} valign=\"top\" style=\"border-bottom:1px solid {rule}\">"));
                self.inlines(out, cell);
                out.push_str("</td>");
            }
            out.push_str("</tr>");
        }
        out.push_str("</tbody></table></div>");
    }

    fn align(&self, alignment: Option<Alignment>, is_head: bool) -> &'static str {
        match alignment.unwrap_or_default() {
            // Header cells are centred unless told otherwise.
            Alignment::Start if is_head && self.right_to_left => " align=\"right\"",
            Alignment::Start if is_head => " align=\"left\"",
            Alignment::Start => "",
            Alignment::Left => " align=\"left\"",
            Alignment::Center => " align=\"center\"",
            Alignment::Right => " align=\"right\"",
        }
    }
}
