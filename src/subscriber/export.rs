//! Tables for people and their spreadsheets.

use std::io::{self, Write};

/// Writes tables that a spreadsheet opens without running anything: a cell that would be taken for a formula gets an
/// apostrophe in front, which is taken off again when we read a table.
pub struct Export<W: Write> {
    writer: csv::Writer<W>,
}

impl<W: Write> Export<W> {
    /// Begins a table with its header.
    ///
    /// # Errors
    ///
    /// When the destination cannot be written to.
    pub fn new(to: W, header: &[&str]) -> io::Result<Self> {
        let mut export = Self { writer: csv::Writer::from_writer(to) };
        export.row(header.iter().copied())?;
        Ok(export)
    }

    /// Writes a row; every row has as many cells as the header.
    ///
    /// # Errors
    ///
    /// When the destination cannot be written to.
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
        for cell in cells {
            if is_taken_for_a_formula(cell) {
                self.writer.write_field(format!("'{cell}"))?;
            } else {
                self.writer.write_field(cell)?;
            }
        }
        self.writer.write_record(None::<&[u8]>)?;
        Ok(())
    }

    /// Ends the table and gives back what it was written to.
    ///
    /// # Errors
    ///
    /// When the destination cannot be written to.
    pub fn finish(self) -> io::Result<W> {
        self.writer.into_inner().map_err(|error| error.into_error())
    }
}

/// A cell as it was before [`Export`] put an apostrophe in front of it.
pub fn unguard(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_taken_for_a_formula(rest) => rest,
        _ => cell,
    }
}

/// Whether spreadsheets compute what this cell says (also their full-width signs), or whether it is such a cell
/// behind apostrophes, so that taking one off is always the reverse of putting one on.
fn is_taken_for_a_formula(cell: &str) -> bool {
    matches!(
        cell.trim_start_matches('\'').chars().next(),
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}')
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn write(cells: &[&str]) -> String {
        let mut export = Export::new(Vec::new(), &["value"]).unwrap();
        for cell in cells {
            export.row([*cell]).unwrap();
        }
        String::from_utf8(export.finish().unwrap()).unwrap()
    }

    #[test]
    fn no_cell_begins_as_a_formula() {
        assert_eq!(
            write(&["=HYPERLINK(\"x\")", "+1", "-1", "@SUM", "\t=1", "\r=1", "＝1", "plain", "'quoted'"]),
            "value\n\"'=HYPERLINK(\"\"x\"\")\"\n'+1\n'-1\n'@SUM\n'\t=1\n\"'\r=1\"\n'＝1\nplain\n'quoted'\n"
        );
    }

    proptest! {
        #[test]
        fn what_went_out_comes_back(cell in "['=+@＝\\-a \t]{0,6}") {
            let guarded = if is_taken_for_a_formula(&cell) { format!("'{cell}") } else { cell.clone() };
            prop_assert_eq!(unguard(&guarded), cell);
        }
    }
}
