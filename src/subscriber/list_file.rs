//! Where a list is, and reading it as often as needed: also one that can be read only once.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::consent::ColumnMeanings;

/// Where a list is, and what `[list.columns]` says about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListFile {
    /// The CSV file; `-` is the standard input. A pipe will do: it is copied into a private temporary file, because a list is
    /// read more than once.
    pub path: PathBuf,
    /// What columns mean.
    pub columns: ColumnMeanings,
}

impl ListFile {
    /// Whether there is such a file.
    pub fn exists(&self) -> bool {
        is_standard_input(&self.path) || self.path.exists()
    }
}

impl<P: Into<PathBuf>> From<P> for ListFile {
    fn from(path: P) -> Self {
        Self { path: path.into(), columns: ColumnMeanings::new() }
    }
}

impl From<&ListFile> for ListFile {
    fn from(list: &ListFile) -> Self {
        list.clone()
    }
}

/// Copies of what can be read only once, by path. They have no name, so that no one else can open them and nothing is left of
/// them, however this process ends.
static COPIES: Mutex<BTreeMap<PathBuf, Arc<File>>> = Mutex::new(BTreeMap::new());

/// A file to be read from its beginning, and its size in bytes.
pub(super) fn open(path: &Path) -> io::Result<(Box<dyn Read + Send>, u64)> {
    let mut copies = COPIES.lock().unwrap_or_else(PoisonError::into_inner);
    if !copies.contains_key(path) {
        let mut input: Box<dyn Read + Send> = if is_standard_input(path) {
            Box::new(io::stdin())
        } else {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            if metadata.is_file() || metadata.is_dir() {
                return Ok((Box::new(file), metadata.len()));
            }
            Box::new(file)
        };
        let mut copy = tempfile::tempfile()?;
        io::copy(&mut input, &mut copy)?;
        copies.insert(path.to_owned(), Arc::new(copy));
    }
    let file = Arc::clone(&copies[path]);
    let bytes = file.metadata()?.len();
    Ok((Box::new(Copied { file, at: 0 }), bytes))
}

fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

/// A reader with a place of its own in a file that others read too.
struct Copied {
    file: Arc<File>,
    at: u64,
}

impl Read for Copied {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(to, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
