//! A text with its path: offsets become line and column.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::place::{Place, Position, Span};

/// A text and where it came from. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Source {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    path: PathBuf,
    text: String,
    line_starts: Vec<usize>,
}

/// Why a file cannot become a [`Source`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file cannot be opened or read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file is larger than allowed.
    #[error("the file has {bytes} bytes, which is too large")]
    TooLarge {
        /// The file's size in bytes.
        bytes: u64,
    },
    /// The file is not text in UTF-8.
    #[error("line {line} is not UTF-8")]
    NotUtf8 {
        /// The first line that is not, from 1.
        line: usize,
    },
}

impl Source {
    /// Keeps a text with its path. The path is shown as given, so give it as the user would write it.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        let text = text.into();
        let line_starts =
            std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
        Self { inner: Arc::new(Inner { path: path.into(), text, line_starts }) }
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, has more than `bytes_max` bytes, or is not UTF-8.
    pub fn read(path: &Path, bytes_max: usize) -> Result<Self, ReadError> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        if bytes > bytes_max as u64 {
            return Err(ReadError::TooLarge { bytes });
        }
        let mut text = Vec::with_capacity(bytes as usize + 1);
        // The file may have grown meanwhile.
        file.take(bytes_max as u64 + 1).read_to_end(&mut text)?;
        if text.len() > bytes_max {
            return Err(ReadError::TooLarge { bytes: text.len() as u64 });
        }
        let text = String::from_utf8(text).map_err(|error| {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            ReadError::NotUtf8 { line: valid.iter().filter(|byte| **byte == b'\n').count() + 1 }
        })?;
        Ok(Self::new(path, text))
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.inner.text
    }

    /// Line and column of a byte offset; an offset past the end is the end.
    pub fn position(&self, offset: usize) -> Position {
        let text = self.text();
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.inner.line_starts.partition_point(|&start| start <= offset) - 1;
        let column = text[self.inner.line_starts[line]..offset].chars().count();
        Position { line: line as u32 + 1, column: column as u32 + 1 }
    }

    /// The text of a line (counted from 1), without its line end.
    pub fn line(&self, line: u32) -> &str {
        let index = (line as usize).saturating_sub(1);
        let Some(&start) = self.inner.line_starts.get(index) else { return "" };
        let end = self.inner.line_starts.get(index + 1).copied().unwrap_or(self.text().len());
        self.text()[start..end].trim_end_matches(['\n', '\r'])
    }

    /// The place of a span, with what a report needs to show it.
    pub fn place(&self, span: Span) -> Place {
        let start = self.position(span.start);
        let end = self.position(span.end.max(span.start));
        Place::Text { path: self.path().to_owned(), start, end, excerpt: self.excerpt(start.line).to_owned() }
    }

    /// A line for people to look at; of a line that no one wrote by hand, only the beginning.
    fn excerpt(&self, line: u32) -> &str {
        const LONGEST: usize = 10_000;
        let line = self.line(line);
        &line[..line.floor_char_boundary(LONGEST)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        let source = Source::new("a.md", "één\r\nzwei\n");
        assert_eq!(source.position(5), Position { line: 1, column: 4 });
        assert_eq!(source.line(1), "één");
        assert_eq!(source.line(2), "zwei");
        assert_eq!(source.position(999), Position { line: 3, column: 1 });
    }
}
