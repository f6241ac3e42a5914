//! Tables of data.

use super::{MjmlWriter, plain};
use crate::{
    issue::document::{Alignment, Inlines},
    render::fill::attribute,
};

/// What a telephone gives a table, in CSS pixels.
const PHONE: u32 = 320;

/// Wide tables with more columns than this get more room to be moved in.
const MANY: usize = 5;

/// Tables with more cells than this do not become rows with labels on a phone: the rows would be longer than is pleasant.
const CELLS_MAX: usize = 60;

/// No label is longer, in characters.
const LABEL_MAX: usize = 40;

/// The label of each column, where the rows of a table can be read one below the other on a phone.
pub(crate) fn table_labels(head: &[Inlines], rows: &[Vec<Inlines>]) -> Option<Vec<String>> {
    let labels: Vec<String> = head.iter().map(|cell| plain(cell).trim().to_owned()).collect();
    let are_labels = labels
        .iter()
        .enumerate()
        .all(|(column, label)| label.chars().count() <= LABEL_MAX && (column == 0 || !label.is_empty()));
    (are_labels && labels.len() > 1 && labels.len() * rows.len() <= CELLS_MAX).then_some(labels)
}

/// The width that a table needs if no word of it is broken, in CSS pixels; a careful guess.
fn narrowest(head: &[Inlines], rows: &[Vec<Inlines>], size: u32) -> u32 {
    let columns = rows.iter().map(Vec::len).chain([head.len()]).max().unwrap_or_default();
    let mut words = vec![0; columns];
    for row in rows.iter().map(Vec::as_slice).chain([head]) {
        for (column, cell) in row.iter().enumerate() {
            for word in plain(cell).split(|c: char| c.is_whitespace() || c == '-') {
                words[column] = words[column].max(unicode_width::UnicodeWidthStr::width(word));
            }
        }
    }
    // More than half an em for each letter, and the cells' padding.
    words.iter().map(|&word| word as u32 * size * 3 / 5 + 14).fold(0, u32::saturating_add)
}

impl MjmlWriter<'_> {
    pub(super) fn table(
        &mut self,
        out: &mut String,
        alignments: &[Alignment],
        head: &[Inlines],
        rows: &[Vec<Inlines>],
        width: u32,
    ) {
        let rule = self.design.light.rule;
        let size = if head.len() > 4 { self.design.size - 4 } else { self.design.size - 2 };
        let words = narrowest(head, rows, size);
        let labels = table_labels(head, rows);
        let (class, breaks) = if words <= PHONE.min(width) {
            // Its longest words fit a telephone: no word need be broken.
            ("R".to_owned(), ";word-break:normal")
        } else {
            let mut class = "R".to_owned();
            if width == self.design.column() {
                // Where there are styles, it is moved sideways in its own frame.
                class.push_str(if head.len() > MANY { " W X" } else { " W" });
            }
            if labels.is_some() {
                class.push_str(" S");
            }
            (class, "")
        };
        let labels = labels.filter(|_| class.contains('S')).unwrap_or_default();
        out.push_str(&format!(
            "<div class=\"{class}\" style=\"margin:0 0 {}px\"><table width=\"100%\" cellpadding=\"7\" \
             cellspacing=\"0\" border=\"0\" style=\"border-collapse:collapse;font-size:{size}px;line-height:1.4{breaks}\">",
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
                let label = labels.get(index).filter(|label| !label.is_empty());
                let label =
                    label.map(|label| format!(" data-l=\"{}\"", attribute(label))).unwrap_or_default();
                out.push_str(&format!(
                    "<td{label}{align} valign=\"top\" style=\"border-bottom:1px solid {rule}\">"
                ));
                self.inlines(out, cell);
                out.push_str("</td>");
            }
            out.push_str("</tr>");
        }
        out.push_str("</tbody></table></div>");
        if class.contains('W') {
            out.push_str(&format!(
                "<p class=\"m w\" aria-hidden=\"true\" style=\"display:none;max-height:0;overflow:hidden;mso-hide:all;\
                 margin:-8px 0 {}px;{}\">{} →</p>",
                self.gap(),
                self.muted(),
                self.words.page("scroll")
            ));
        }
    }

    fn align(&self, alignment: Option<Alignment>, is_head: bool) -> &'static str {
        match alignment.unwrap_or_default() {
            // Header cells are centered unless the author says otherwise.
            Alignment::Start if is_head && self.right_to_left => " align=\"right\"",
            Alignment::Start if is_head => " align=\"left\"",
            Alignment::Start => "",
            Alignment::Left => " align=\"left\"",
            Alignment::Center => " align=\"center\"",
            Alignment::Right => " align=\"right\"",
        }
    }
}
