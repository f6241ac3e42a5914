//! Rows of cells out of a file of separated values.
//!
//! `csv-core` reads quoted cells, and is asked for one at a time, because any bytes are some table to it: a quotation mark left
//! open swallows the rest of the file into one cell, without an error and without a bound. Here a row has an end, each quoted
//! cell is looked at as it was written, and a broken row says where it began. A cell without quotation marks in front has
//! nothing to be read in it: it is found by a search for its end.

use std::io::{self, Read};

use csv_core::{ReadFieldResult, ReaderBuilder, Terminator};
use memchr::{memchr, memchr_iter, memchr2};

/// Bytes of a row; more than anybody writes about one person.
pub(super) const ROW_MAX: usize = 1 << 20;
/// Bytes that broken rows may make us read a second time, so that no file can keep us busy for ever.
const REREAD_MAX: usize = 16 << 20;
const BUFFER: usize = 1 << 18;

/// A file of separated values, read row by row.
pub(super) struct Table {
    input: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// Where the next row begins in the buffer, and where what was read ends.
    at: usize,
    filled: usize,
    /// The line on which the next row begins.
    line: u64,
    ended: bool,
    newline: u8,
    delimiter: u8,
    reread: usize,
    parser: csv_core::Reader,
    /// The cells of the row that was read last, without quotation marks, one behind the other.
    text: Vec<u8>,
    ends: Vec<usize>,
    /// Where and on which line the row that was read last begins.
    row: (usize, u64),
}

/// The row that was read last.
#[derive(Clone, Copy)]
pub(super) struct Cells<'a> {
    /// The line on which it begins, from 1.
    pub(super) line: u64,
    text: &'a [u8],
    ends: &'a [usize],
}

/// What came of asking for a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A row: see [`Table::cells`].
    Row,
    /// A row that cannot be split; reading goes on with the next line.
    Broken {
        /// The line on which it goes wrong.
        line: u64,
        problem: Problem,
    },
    /// So many broken rows that reading them again would never end.
    Hopeless {
        line: u64,
    },
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    OpenQuote,
    BehindQuote,
    TooLong,
}

/// A file that is no table of text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotText {
    Utf16,
    Spreadsheet,
}

impl Table {
    /// Reads the beginning and finds out how lines end. `Err` inside for a file that is something else.
    pub(super) fn open(input: Box<dyn Read + Send>) -> io::Result<Result<Self, NotText>> {
        let mut table = Self {
            input,
            buffer: vec![0; BUFFER],
            at: 0,
            filled: 0,
            line: 1,
            ended: false,
            newline: b'\n',
            delimiter: b',',
            reread: 0,
            parser: csv_core::Reader::new(),
            text: Vec::new(),
            ends: Vec::new(),
            row: (0, 1),
        };
        while !table.ended && table.filled < BUFFER {
            table.fill()?;
        }
        let start = &table.buffer[..table.filled];
        match start {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Ok(Err(NotText::Utf16)),
            [0, a, 0, b, ..] | [a, 0, b, 0, ..] if *a != 0 && *b != 0 => return Ok(Err(NotText::Utf16)),
            [b'P', b'K', 3, 4, ..] | [0xd0, 0xcf, 0x11, 0xe0, ..] => return Ok(Err(NotText::Spreadsheet)),
            [0xef, 0xbb, 0xbf, ..] => table.at = 3,
            _ => {}
        }
        if memchr(b'\n', start).is_none() && memchr(b'\r', start).is_some() {
            table.newline = b'\r';
        }
        if table.take_separator_line().is_none() {
            table.delimiter = table.behind_a_quoted_title().unwrap_or(table.delimiter);
        }
        table.set_delimiter(table.delimiter);
        Ok(Ok(table))
    }

    /// Spreadsheets write and understand a first line `sep=;`.
    fn take_separator_line(&mut self) -> Option<()> {
        let rest = &self.buffer[self.at..self.filled];
        let end = memchr(self.newline, rest)?;
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        let &[s, e, p, b'=', delimiter] = line else { return None };
        if [s, e, p].eq_ignore_ascii_case(b"sep")
            && delimiter.is_ascii()
            && !delimiter.is_ascii_alphanumeric()
        {
            self.delimiter = delimiter;
            self.at += end + 1;
            self.line += 1;
        }
        None
    }

    /// The delimiter behind the first title, if that is quoted: cut at another one the header would be broken.
    fn behind_a_quoted_title(&self) -> Option<u8> {
        let start = self.buffer[self.at..self.filled].trim_ascii_start().strip_prefix(b"\"")?;
        let behind = &start[memchr(b'"', start)? + 1..];
        behind.iter().find(|byte| **byte != b' ').copied().filter(|byte| matches!(byte, b';' | b'\t'))
    }

    fn set_delimiter(&mut self, delimiter: u8) {
        self.delimiter = delimiter;
        // A return in front of the end of a line is taken off here: alone, it is a part of its cell.
        self.parser =
            ReaderBuilder::new().delimiter(delimiter).terminator(Terminator::Any(self.newline)).build();
        self.forget();
    }

    /// Makes the parser begin a row.
    fn forget(&mut self) {
        self.parser.reset();
        // A byte order mark is taken off at the beginning of a file, and nowhere else: a first, empty line says that this is
        // not the beginning.
        self.parser.read_field(&[self.newline], &mut []);
    }

    pub(super) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// Takes the row that was read last once more, cut at another delimiter.
    pub(super) fn cut_again(&mut self, delimiter: u8) -> io::Result<Step> {
        self.set_delimiter(delimiter);
        (self.at, self.line) = self.row;
        self.step()
    }

    /// Reads the next row.
    pub(super) fn step(&mut self) -> io::Result<Step> {
        loop {
            self.pass_empty_lines();
            let rest = self.filled - self.at;
            if rest == 0 && self.ended {
                return Ok(Step::End);
            }
            match self.split() {
                Split::Row { used, has_quotes } => {
                    self.row = (self.at, self.line);
                    let row = &self.buffer[self.at..self.at + used];
                    // Only a quoted cell can go over several lines.
                    let lines = if has_quotes { memchr_iter(self.newline, row).count().max(1) } else { 1 };
                    self.line += lines as u64;
                    self.at += used;
                    return Ok(Step::Row);
                }
                Split::Broken { problem, before } => return self.skip(problem, before, rest),
                Split::More { quote } if rest >= ROW_MAX => {
                    let (problem, before) =
                        quote.map_or((Problem::TooLong, 0), |before| (Problem::OpenQuote, before));
                    return self.skip(problem, before, ROW_MAX);
                }
                Split::More { .. } => {
                    self.fill()?;
                    self.forget();
                }
            }
        }
    }

    /// The cells of the row that was read last.
    pub(super) fn cells(&self) -> Cells<'_> {
        Cells { line: self.row.1, text: &self.text, ends: &self.ends }
    }

    fn pass_empty_lines(&mut self) {
        loop {
            let skip = match &self.buffer[self.at..self.filled] {
                [byte, ..] if *byte == self.newline => 1,
                [b'\r', byte, ..] if *byte == self.newline => 2,
                _ => return,
            };
            self.at += skip;
            self.line += 1;
        }
    }

    /// Takes the row apart that begins here.
    fn split(&mut self) -> Split {
        self.ends.clear();
        // What comes out of a row is never longer than the row.
        self.text.resize(self.buffer.len(), 0);
        let (mut at, mut end, mut has_quotes) = (self.at, 0, false);
        loop {
            let start = at;
            let rest = &self.buffer[at..self.filled];
            let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
            let is_quoted = rest.get(blanks) == Some(&b'"');
            let record_end = if is_quoted {
                has_quotes = true;
                at += blanks;
                match self.quoted_cell(&mut at, &mut end) {
                    Ok(record_end) => record_end,
                    Err(problem) => {
                        let before = start - self.at;
                        return match problem {
                            Some(problem) => Split::Broken { problem, before },
                            None => Split::More { quote: Some(before) },
                        };
                    }
                }
            } else {
                match self.bare_cell(&mut at, &mut end) {
                    Some(record_end) => record_end,
                    None => return Split::More { quote: None },
                }
            };
            self.ends.push(end);
            if record_end {
                return Split::Row { used: at - self.at, has_quotes };
            }
        }
    }

    /// Copies a cell that does not begin with a quotation mark: it ends at the next delimiter or line end, whatever is in it, so
    /// that it is searched and copied whole, without the parser. Returns whether the row ends with it; `None` if its end was not
    /// read yet.
    fn bare_cell(&mut self, at: &mut usize, end: &mut usize) -> Option<bool> {
        let rest = &self.buffer[*at..self.filled];
        let (mut cell, used, record_end) = match memchr2(self.delimiter, self.newline, rest) {
            Some(length) => (&rest[..length], length + 1, rest[length] == self.newline),
            None if self.ended => (rest, rest.len(), true),
            None => return None,
        };
        if record_end && self.newline == b'\n' {
            cell = cell.strip_suffix(b"\r").unwrap_or(cell);
        }
        self.text[*end..*end + cell.len()].copy_from_slice(cell);
        *at += used;
        *end += cell.len();
        Some(record_end)
    }

    /// Reads a cell that begins with a quotation mark. Returns whether the row ends with it, or what is wrong with it: nothing
    /// if its end was not read yet.
    fn quoted_cell(&mut self, at: &mut usize, end: &mut usize) -> Result<bool, Option<Problem>> {
        let cell = *at;
        let record_end = loop {
            let input = &self.buffer[*at..self.filled];
            // To the parser no input is the end of the file.
            if input.is_empty() && !self.ended {
                return Err(None);
            }
            let (result, read, written) = self.parser.read_field(input, &mut self.text[*end..]);
            (*at, *end) = (*at + read, *end + written);
            match result {
                ReadFieldResult::Field { record_end } => break record_end,
                ReadFieldResult::End => break true,
                ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
            }
        };
        let mut raw = &self.buffer[cell..*at];
        raw = match raw {
            [inner @ .., last] if *last == if record_end { self.newline } else { self.delimiter } => inner,
            whole => whole,
        };
        if record_end && self.newline == b'\n' && raw.ends_with(b"\r") {
            raw = &raw[..raw.len() - 1];
            *end -= 1;
        }
        quotes(raw).map_or(Ok(record_end), |problem| Err(Some(problem)))
    }

    /// Leaves a broken row behind: its first line, so that the people on the next lines are still seen.
    fn skip(&mut self, problem: Problem, before: usize, read: usize) -> io::Result<Step> {
        self.forget();
        let before = &self.buffer[self.at..self.at + before];
        let line = self.line + memchr_iter(self.newline, before).count() as u64;
        loop {
            if let Some(end) = memchr(self.newline, &self.buffer[self.at..self.filled]) {
                self.at += end + 1;
                break;
            }
            self.at = self.filled;
            if self.ended {
                break;
            }
            self.fill()?;
        }
        self.line += 1;
        self.reread += read;
        Ok(if self.reread > REREAD_MAX { Step::Hopeless { line } } else { Step::Broken { line, problem } })
    }

    /// Reads on behind what is there.
    fn fill(&mut self) -> io::Result<()> {
        if self.filled == self.buffer.len() {
            if self.at > 0 {
                self.buffer.copy_within(self.at..self.filled, 0);
                self.filled -= self.at;
                self.at = 0;
            } else {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
        }
        match self.input.read(&mut self.buffer[self.filled..]) {
            Ok(0) => self.ended = true,
            Ok(read) => self.filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// What became of taking a row apart.
enum Split {
    Row {
        used: usize,
        has_quotes: bool,
    },
    /// It does not end in the buffer; where its last cell begins, if that one is quoted.
    More {
        quote: Option<usize>,
    },
    /// A cell that begins here cannot be read.
    Broken {
        problem: Problem,
        before: usize,
    },
}

/// What is wrong with a cell that begins with a quotation mark, as it was written.
fn quotes(raw: &[u8]) -> Option<Problem> {
    let mut at = 1;
    while let Some(found) = memchr(b'"', raw.get(at..)?) {
        at += found + 1;
        if raw.get(at) != Some(&b'"') {
            let is_closed = raw[at..].iter().all(|byte| *byte == b' ');
            return (!is_closed).then_some(Problem::BehindQuote);
        }
        at += 1;
    }
    Some(Problem::OpenQuote)
}

impl<'a> Cells<'a> {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A cell without its quotation marks and the spaces around it; empty behind the last one.
    pub(super) fn get(&self, index: usize) -> &'a [u8] {
        let Some(end) = self.ends.get(index) else { return &[] };
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        trim(&self.text[start..*end])
    }

    /// Whether nothing is written in it.
    pub(super) fn is_blank(&self) -> bool {
        (0..self.len()).all(|index| self.get(index).is_empty())
    }
}

fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests;
