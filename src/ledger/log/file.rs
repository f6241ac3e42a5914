//! One file of a log: appended to without waiting for the disk.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    entry::{self, Entry},
    folder::{FENCE_BYTES, Fence},
};
use crate::ledger::{files, system};

/// How far a log had come: what the database remembers of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::ledger) struct Position {
    /// The number of the file; 0 before the first.
    pub(in crate::ledger) file: u64,
    /// Bytes of its lines, without the fence and the end.
    pub(in crate::ledger) bytes: u64,
    /// The checksum of the last line.
    pub(in crate::ledger) sum: u32,
}

/// The file that is written.
#[derive(Debug)]
pub(super) struct LogFile {
    pub(super) path: PathBuf,
    pub(super) file: Arc<File>,
    pub(super) position: Position,
    sealed: Vec<u8>,
}

impl LogFile {
    /// Makes a file with its fence and no lines.
    pub(super) fn create(path: PathBuf, number: u64, fence: Fence) -> io::Result<Self> {
        let file = Arc::new(open(&path)?);
        file.write_all_at(&fence, 0)?;
        let position = Position { file: number, ..Position::default() };
        Ok(Self { path, file, position, sealed: Vec::new() })
    }

    /// Appends lines of JSON, and empties them. One write, which replaces the end.
    pub(super) fn append(&mut self, lines: &mut Vec<u8>) -> io::Result<()> {
        self.sealed.clear();
        let mut sum = self.position.sum;
        for line in lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            sum = entry::seal(sum, line, &mut self.sealed);
        }
        let bytes = self.position.bytes + self.sealed.len() as u64;
        self.finish(&Entry::End, sum)?;
        self.position = Position { bytes, sum, ..self.position };
        lines.clear();
        Ok(())
    }

    /// Replaces the end by a reference to the next file.
    pub(super) fn hand_over(&mut self) -> io::Result<()> {
        self.sealed.clear();
        self.finish(&Entry::Continued, self.position.sum)
    }

    fn finish(&mut self, end: &Entry<'_>, sum: u32) -> io::Result<()> {
        let mut line = Vec::with_capacity(16);
        end.write(&mut line);
        entry::seal(sum, line.trim_ascii_end(), &mut self.sealed);
        self.file.write_all_at(&self.sealed, FENCE_BYTES + self.position.bytes)
    }

    /// Whether another file, or none, has its name: looked for with each claim, as that takes longer.
    pub(super) fn is_elsewhere(&self) -> bool {
        match (fs::metadata(&self.path), self.file.metadata()) {
            (Ok(named), Ok(ours)) => (named.dev(), named.ino()) != (ours.dev(), ours.ino()),
            _ => true,
        }
    }
}

/// The fence of a log as it is now; `None` when the file has no name any more, so that no one finds it to stamp it.
pub(super) fn fence(file: &File) -> io::Result<Option<Fence>> {
    let mut fence = Fence::default();
    file.read_exact_at(&mut fence, 0)?;
    Ok((system::links(file)? > 0).then_some(fence))
}

/// A new file. The filesystem does not note when its fence is read, where that can be avoided.
fn open(path: &Path) -> io::Result<File> {
    let mut options = files::private();
    options.create(true).truncate(true).read(true).write(true);
    system::quiet_reads(&options).open(path).or_else(|_| options.open(path))
}
