use super::wrap::{width as columns, wrap};
use crate::issue::document::Alignment;

/// Spaces between two columns.
const GAP: usize = 2;

/// A table: aligned columns where they fit, else each row as `Header: value` lines. Cells are single lines.
pub(super) fn set(
    alignments: &[Alignment],
    head: &[String],
    rows: &[Vec<String>],
    width: usize,
) -> Vec<String> {
    let count = rows.iter().map(Vec::len).chain([head.len()]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count)
        .map(|column| {
            let cells = rows.iter().map(Vec::as_slice).chain([head]).filter_map(|row| row.get(column));
            cells.map(|cell| columns(cell)).max().unwrap_or(0)
        })
        .collect();
    let total: usize = widths.iter().sum::<usize>() + GAP * count.saturating_sub(1);
    if total > width {
        return records(head, rows, width);
    }
    let mut lines = Vec::new();
    if head.iter().any(|cell| !cell.is_empty()) {
        lines.push(aligned(alignments, head, &widths));
        let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        lines.push(rules.join(&" ".repeat(GAP)));
    }
    lines.extend(rows.iter().map(|row| aligned(alignments, row, &widths)));
    lines
}

fn aligned(alignments: &[Alignment], row: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (column, &width) in widths.iter().enumerate() {
        let cell = row.get(column).map_or("", String::as_str);
        let free = width - columns(cell).min(width);
        let before = match alignments.get(column).copied().unwrap_or_default() {
            Alignment::Start | Alignment::Left => 0,
            Alignment::Center => free / 2,
            Alignment::Right => free,
        };
        if column > 0 {
            line.push_str(&" ".repeat(GAP));
        }
        line.push_str(&" ".repeat(before));
        line.push_str(cell);
        line.push_str(&" ".repeat(free - before));
    }
    line.trim_end().to_owned()
}

fn records(head: &[String], rows: &[Vec<String>], width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    // Without rows the header is all there is to say.
    let head_alone = [head.to_vec()];
    let (head, rows) = if rows.is_empty() { (&[][..], &head_alone[..]) } else { (head, rows) };
    for row in rows {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        for (column, cell) in row.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            let text = match head.get(column).filter(|name| !name.is_empty()) {
                Some(name) => format!("{name}: {cell}"),
                None => cell.clone(),
            };
            for (index, line) in wrap(&text, width.saturating_sub(2)).into_iter().enumerate() {
                lines.push(if index == 0 { line } else { format!("  {line}") });
            }
        }
    }
    lines
}
