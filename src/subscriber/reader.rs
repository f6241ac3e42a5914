//! A table with a header, and words for whatever is wrong with it.

use std::{io::Read, path::PathBuf};

use super::{
    consent::{ColumnMeanings, ConsentColumn},
    error::ListError,
    export::unguard,
    header::Header,
    hidden::{Hidden, OtherColumn, Unclear, how_to_say},
    inactive::Inactive,
    meaning::Says,
    row_error::RowError,
    table::{Cells, NotText, Problem, ROW_MAX, Step, Table},
};
use crate::{
    address::EmailAddress,
    source::{Diagnostic, Place, Severity, nearest},
};

/// Columns of a table; more is not a list of people.
const COLUMNS_MAX: usize = 1000;
/// Characters of a value that goes into a header field of a letter. Relays refuse letters with long headers, and no reader
/// sees more of a name or a subject.
pub const HEADER_VALUE_MAX: usize = 250;

pub(super) struct Reader {
    pub(super) path: PathBuf,
    pub(super) table: Table,
    pub(super) header: Header,
    header_line: u64,
    /// Why no one in the file gets letters, if its name says so and a row does not.
    pub(super) by_name: Option<Inactive>,
}

impl Reader {
    /// Opens a table and reads its header; the second value is the header's size in bytes.
    pub(super) fn open(
        path: PathBuf,
        input: Box<dyn Read + Send>,
        meanings: &ColumnMeanings,
    ) -> Result<(Self, u64), ListError> {
        let failed = |source| ListError::Read { path: path.clone(), source };
        let unusable = |code, message: &str, help: &str| ListError::Unusable {
            path: path.clone(),
            diagnostics: vec![
                Diagnostic::at(code, Severity::Error, Place::File { path: path.clone() }, message).help(help),
            ],
        };
        let mut table = match Table::open(input).map_err(failed)? {
            Ok(table) => table,
            Err(NotText::Utf16) => {
                return Err(unusable(
                    "M304",
                    "is written in UTF-16",
                    "save it as \u{201c}CSV UTF-8\u{201d}, or convert it: iconv -f UTF-16 -t UTF-8 OLD > NEW",
                ));
            }
            Err(NotText::Spreadsheet) => {
                return Err(unusable(
                    "M304",
                    "is a spreadsheet, not a text",
                    "save the sheet as \u{201c}CSV UTF-8\u{201d}",
                ));
            }
        };
        let titles = loop {
            match table.step().map_err(failed)? {
                Step::Row if table.cells().is_blank() => {}
                Step::Row => break titles(&table),
                Step::End => {
                    return Err(unusable(
                        "M301",
                        "is empty",
                        "its first line names the columns, for example: email,name",
                    ));
                }
                Step::Broken { line, problem } => {
                    let diagnostic = describe(problem);
                    return Err(ListError::Unusable {
                        path: path.clone(),
                        diagnostics: vec![
                            Diagnostic::at(
                                diagnostic.code,
                                Severity::Error,
                                Place::Row { path: path.clone(), line, column: None },
                                format!("the header cannot be read: {}", diagnostic.message),
                            )
                            .help(diagnostic.help),
                        ],
                    });
                }
                Step::Hopeless { .. } => {
                    return Err(unusable("M301", "has no header", "name its columns first"));
                }
            }
        };
        let header_line = table.cells().line;
        // The delimiter is the one under which an address column shows up, or else the one used most often.
        let mut best = (Header::new(titles, meanings), table.delimiter());
        for delimiter in [b',', b';', b'\t'] {
            if table.cut_again(delimiter).map_err(failed)? == Step::Row {
                let header = Header::new(self::titles(&table), meanings);
                if (header.email.is_some(), header.titles.len())
                    > (best.0.email.is_some(), best.0.titles.len())
                {
                    best = (header, delimiter);
                }
            }
        }
        table.cut_again(best.1).map_err(failed)?;
        let header_bytes = best.0.titles.iter().map(|title| title.len() as u64 + 1).sum();
        let by_name = best.0.is_mailchimp().then(|| Inactive::of_file_name(&path)).flatten();
        let reader = Self { header: best.0, header_line, table, path, by_name };
        reader.check_header()?;
        Ok((reader, header_bytes))
    }

    fn check_header(&self) -> Result<(), ListError> {
        let columns = self.header.titles.len();
        if columns > COLUMNS_MAX {
            return Err(self.unusable(vec![
                self.error("M305", None, format!("the header has {columns} columns"))
                    .help(format!("a list has up to {COLUMNS_MAX} columns")),
            ]));
        }
        let doubles: Vec<_> = self
            .header
            .doubles()
            .into_iter()
            .map(|(first, second)| {
                let titles = &self.header.titles;
                self.error(
                    "M303",
                    Some(second),
                    format!(
                        "columns {} and {} have the same name: `{}` and `{}`",
                        first + 1,
                        second + 1,
                        titles[first],
                        titles[second]
                    ),
                )
                .help("rename one of them")
            })
            .collect();
        if doubles.is_empty() { Ok(()) } else { Err(self.unusable(doubles)) }
    }

    /// The error for columns that look like consent and are not understood.
    pub(super) fn unclear_consent(&self) -> Option<ListError> {
        let diagnostics: Vec<_> = self
            .header
            .unclear
            .iter()
            .map(|&index| self.unclear_column(self.header_line, index, String::new()))
            .collect();
        (!diagnostics.is_empty()).then(|| self.unusable(diagnostics))
    }

    /// What cells of columns that are about something else say about consent.
    pub(super) fn hidden<'a>(&'a self, cells: Cells<'a>) -> impl Iterator<Item = (usize, Hidden)> + 'a {
        let Header { others, meanings, .. } = &self.header;
        let read = move |column: &OtherColumn| (column.index, column.read(cells.get(column.index), meanings));
        // A word that repeats what a column about consent says is no news.
        let is_news = move |hidden: &Hidden| match hidden {
            Hidden::Nothing => false,
            Hidden::Word(_) => !self.says_no(cells),
            _ => true,
        };
        others.iter().map(read).filter(move |(_, hidden)| is_news(hidden))
    }

    /// Whether a column about consent, or the file's name, says that the person gets no letters.
    fn says_no(&self, cells: Cells<'_>) -> bool {
        let is_no = |column: &ConsentColumn| {
            self.text(cells, column.index).is_ok_and(|cell| matches!(column.read(cell), Says::Inactive(_)))
        };
        self.by_name.is_some() || self.header.consent.iter().any(is_no)
    }

    /// Why a person gets no letters, as far as cells of such columns say it.
    pub(super) fn hidden_no(&self, cells: Cells<'_>) -> Result<Option<Inactive>, RowError> {
        let mut found = None;
        for (index, hidden) in self.hidden(cells) {
            if let Hidden::No(why) = hidden {
                found = found.max(Some(why));
            } else if let Some(unclear) = hidden.unclear(&self.header.names[index]) {
                return Err(RowError::unclear(index, unclear));
            }
        }
        Ok(found)
    }

    /// What in a row may say who wants letters and is not understood: each with the column, and the key or word in the cell.
    pub(super) fn unclear_cells(&self, cells: Cells<'_>) -> Vec<((usize, String), Diagnostic)> {
        let mut unclear = Vec::new();
        for column in self.header.consent.iter().filter(|column| column.is_guessed) {
            if let Ok(cell) = self.text(cells, column.index)
                && column.read(cell) == Says::Unknown
            {
                let value: String = cell.chars().take(40).flat_map(char::escape_debug).collect();
                let diagnostic = if value.is_empty() {
                    self.empty_cell(cells.line, column.index)
                } else {
                    self.unclear_column(cells.line, column.index, value)
                };
                unclear.push(((column.index, String::new()), diagnostic));
            }
        }
        for (index, hidden) in self.hidden(cells) {
            let (title, name) = (shorten(&self.header.titles[index]), &self.header.names[index]);
            let Some(Unclear { word, what, help }) = hidden.unclear(name) else { continue };
            let message = format!("the column `{title}` holds {what}, which may say who wants no letters");
            let place = self.place(cells.line, Some(index));
            let diagnostic = Diagnostic::at("M317", Severity::Error, place, message).help(help);
            unclear.push(((index, word), diagnostic));
        }
        unclear
    }

    /// A column that asks whether people are active and leaves cells empty.
    fn empty_cell(&self, line: u64, index: usize) -> Diagnostic {
        let (title, name) = (shorten(&self.header.titles[index]), &self.header.names[index]);
        let message = format!("the column `{title}` is empty here, which may be a yes or a no");
        Diagnostic::at("M317", Severity::Error, self.place(line, Some(index)), message).help(format!(
            "say it in mimeo.toml: under [list.columns], `{name} = \"active\"` if an empty cell means yes, \
             `{name} = \"consent\"` if it means no"
        ))
    }

    /// A column that may say who wants letters: the list is not used until the owner has said what it means.
    pub(super) fn unclear_column(&self, line: u64, index: usize, value: String) -> Diagnostic {
        let (title, name) = (shorten(&self.header.titles[index]), &self.header.names[index]);
        let value = if value.is_empty() {
            value
        } else {
            format!(", and its value \u{201c}{value}\u{201d} is unknown")
        };
        let message = format!("the column `{title}` may say who wants no letters{value}");
        Diagnostic::at("M317", Severity::Error, self.place(line, Some(index)), message).help(how_to_say(name))
    }

    /// The error for a table without a column that could hold addresses.
    pub(super) fn no_address_column(&self) -> ListError {
        let titles: Vec<_> =
            self.header.titles.iter().map(|title| shorten(title)).filter(|title| !title.is_empty()).collect();
        let near = self.header.names.iter().zip(&self.header.titles).find_map(|(name, title)| {
            nearest(name, Header::email_spellings()).map(|spelling| (shorten(title), spelling))
        });
        let help = if self.header.titles.iter().any(|title| EmailAddress::parse(title).is_ok()) {
            "the first line is a person already: put a line above it that names the columns, for example: email,name"
                .to_owned()
        } else if let Some((title, spelling)) = near {
            format!("did you mean `{spelling}` where the header says `{title}`?")
        } else {
            let mut known =
                titles.iter().take(12).map(|title| format!("`{title}`")).collect::<Vec<_>>().join(", ");
            if titles.len() > 12 {
                known.push_str(", \u{2026}");
            }
            format!("call the column with the addresses `email`; the header has {known}")
        };
        self.unusable(vec![self.error("M302", None, "no column is named `email`".to_owned()).help(help)])
    }

    pub(super) fn unusable(&self, diagnostics: Vec<Diagnostic>) -> ListError {
        ListError::Unusable { path: self.path.clone(), diagnostics }
    }

    fn error(&self, code: &'static str, column: Option<usize>, message: String) -> Diagnostic {
        Diagnostic::at(code, Severity::Error, self.place(self.header_line, column), message)
    }

    /// The next row.
    pub(super) fn step(&mut self) -> Result<Step, ListError> {
        self.table.step().map_err(|source| ListError::Read { path: self.path.clone(), source })
    }

    /// Goes on to the next row that is not blank. Inside is what is wrong with it, if it cannot be cut into cells; `None` at the
    /// end.
    pub(super) fn next_row(&mut self) -> Option<Result<Result<(), Diagnostic>, ListError>> {
        loop {
            return Some(match self.step() {
                Ok(Step::Row) if self.table.cells().is_blank() => continue,
                Ok(Step::Row) => Ok(Ok(())),
                Ok(Step::Broken { line, problem }) => Ok(Err(self.broken(line, problem))),
                Ok(Step::Hopeless { line }) => Err(self.hopeless(line)),
                Ok(Step::End) => return None,
                Err(error) => Err(error),
            });
        }
    }

    /// What is wrong with the row that was read last.
    pub(super) fn diagnose_row(&self, row_error: RowError) -> Diagnostic {
        self.diagnose(self.table.cells().line, row_error)
    }

    /// Refuses rows that are shorter than the header, or longer but for empty cells.
    pub(super) fn check_width(&self, cells: Cells<'_>) -> Result<(), RowError> {
        let (columns, found) = (self.header.titles.len(), cells.len());
        let full = (columns..found).any(|index| !cells.get(index).is_empty());
        if found >= columns && !full {
            return Ok(());
        }
        let help = if full {
            "put quotation marks around a cell that contains the separator"
        } else {
            "an empty cell keeps its separator"
        };
        let noun = if found == 1 { "cell" } else { "cells" };
        Err(RowError {
            code: "M312",
            index: None,
            message: format!("the row has {found} {noun}, the header {columns}"),
            help: help.into(),
        })
    }

    /// A cell as text.
    pub(super) fn text<'a>(&self, cells: Cells<'a>, index: usize) -> Result<&'a str, RowError> {
        let bytes = cells.get(index);
        match std::str::from_utf8(bytes) {
            Err(error) => {
                let byte = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
                Err(RowError::new(
                    "M315",
                    index,
                    format!("is not UTF-8 (there is a byte 0x{byte:02X})"),
                    "it may be Latin-1: save the list as \u{201c}CSV UTF-8\u{201d}, or convert it: \
                     iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW",
                ))
            }
            Ok(_) if memchr::memchr(0, bytes).is_some() => {
                Err(RowError::new("M316", index, "contains a NUL byte", "remove it; the file may be damaged"))
            }
            Ok(text) => Ok(text),
        }
    }

    /// A cell that may not hold line breaks or other control characters.
    pub(super) fn line<'a>(&self, cells: Cells<'a>, index: usize) -> Result<&'a str, RowError> {
        let text = unguard(self.text(cells, index)?);
        let odd = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        if text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) || !text.contains(odd) {
            return Ok(text);
        }
        let what = if text.contains(['\r', '\n']) { "a line break" } else { "a control character" };
        Err(RowError::new("M316", index, format!("contains {what}"), "write it on one line"))
    }

    /// A cell that goes into the header of letters.
    pub(super) fn name<'a>(&self, cells: Cells<'a>, index: usize) -> Result<&'a str, RowError> {
        let text = self.line(cells, index)?;
        let length = if text.len() <= HEADER_VALUE_MAX { 0 } else { text.chars().count() };
        if length <= HEADER_VALUE_MAX {
            return Ok(text);
        }
        let message = format!("has {length} characters; a header field of a letter takes {HEADER_VALUE_MAX}");
        Err(RowError::new("M319", index, message, "shorten it; long texts belong in another column"))
    }

    /// A cell as an address.
    pub(super) fn address(&self, cells: Cells<'_>, index: usize) -> Result<EmailAddress, RowError> {
        let text = self.text(cells, index)?;
        if text.is_empty() {
            return Err(RowError::new(
                "M311",
                index,
                "the address is missing",
                "fill it in, or remove the row",
            ));
        }
        let text = unguard(text);
        let address = EmailAddress::parse(text).map_err(|error| {
            let help = match text.strip_prefix("mailto:") {
                Some(_) => "write it without `mailto:`",
                None => "write it as ann@example.com",
            };
            RowError::new("M310", index, format!("invalid email address: {error}"), help)
        })?;
        match address.unreachable_domain() {
            None => Ok(address),
            Some(domain) => {
                let message =
                    format!("invalid email address: no letter reaches `.{domain}`, a reserved name");
                Err(RowError::new("M310", index, message, "correct it, or remove the row"))
            }
        }
    }

    pub(super) fn place(&self, line: u64, column: Option<usize>) -> Place {
        let column = column.and_then(|index| self.header.titles.get(index)).map(|title| shorten(title));
        Place::Row { path: self.path.clone(), line, column }
    }

    pub(super) fn diagnose(&self, line: u64, row_error: RowError) -> Diagnostic {
        Diagnostic::at(row_error.code, Severity::Error, self.place(line, row_error.index), row_error.message)
            .help(row_error.help)
    }

    pub(super) fn broken(&self, line: u64, problem: Problem) -> Diagnostic {
        self.diagnose(line, describe(problem))
    }

    /// The error for a file whose rows are too broken to be read one by one.
    pub(super) fn hopeless(&self, line: u64) -> ListError {
        let diagnostic = Diagnostic::at(
            "M313",
            Severity::Error,
            self.place(line, None),
            "so many quotation marks are open that the list cannot be read any further",
        );
        self.unusable(vec![diagnostic.help("every quotation mark that opens a cell closes it, too")])
    }
}

fn titles(table: &Table) -> Vec<String> {
    let cells = table.cells();
    (0..cells.len()).map(|index| String::from_utf8_lossy(cells.get(index)).into_owned()).collect()
}

/// A title as far as it fits a report.
fn shorten(title: &str) -> String {
    let short: String = title.chars().map(|c| if c.is_control() { ' ' } else { c }).take(60).collect();
    if short.len() < title.len() { short + "\u{2026}" } else { short }
}

fn describe(problem: Problem) -> RowError {
    let (code, message, help) = match problem {
        Problem::OpenQuote => (
            "M313",
            "a quotation mark is opened here and not closed".to_owned(),
            "close it, or double it if it is part of the text and the cell is quoted",
        ),
        Problem::BehindQuote => (
            "M313",
            "text follows the closing quotation mark of a cell".to_owned(),
            "double the quotation marks inside a quoted cell: \"Ann \"\"Annie\"\" Lee\"",
        ),
        Problem::TooLong => (
            "M314",
            format!("the row is longer than {} KiB", ROW_MAX >> 10),
            "keep long texts in another file; a row is one person",
        ),
    };
    RowError { code, index: None, message, help: help.into() }
}
