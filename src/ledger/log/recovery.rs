//! What the log of a dead worker says, and whether it is whole.

use std::{collections::HashSet, fs::File, io::Read as _};

use super::{
    entry::{self, Entry},
    file::Position,
    folder::{self, FENCE_BYTES},
};
use crate::ledger::{
    error::LedgerError,
    files::Files,
    lease::Close,
    system::{self, FileIdentity},
};

/// A lease that ended, as the log has it.
#[derive(Debug, PartialEq)]
pub(in crate::ledger) struct Closed {
    pub(in crate::ledger) delivery: i64,
    pub(in crate::ledger) epoch: u32,
    pub(in crate::ledger) started_at: Option<i64>,
    pub(in crate::ledger) close: Close,
}

/// What a worker's log says.
#[derive(Debug, Default, PartialEq)]
pub(in crate::ledger) struct Recovered {
    /// Ends and withdrawals, in their order.
    pub(in crate::ledger) closed: Vec<Closed>,
    /// Pre-committed and not started: deliveries and epochs. `None` when the log is not provably whole, so that its
    /// silence means nothing.
    pub(in crate::ledger) unstarted: Option<Vec<(i64, u32)>>,
}

/// Reads the log of a worker that is dead. `known` is the position that the database remembers.
///
/// To be called after the fence was stamped, and under the database's lock for writing.
pub(in crate::ledger) fn recover(
    files: &Files,
    worker: i64,
    known: Position,
) -> Result<Recovered, LedgerError> {
    let mut reader = Reader { known, has_known: known == Position::default(), ..Reader::default() };
    let mut is_whole = true;
    let mut last: Option<Read> = None;
    for number in folder::numbers(files, worker) {
        let mut file = File::open(folder::path(files, worker, number)).map_err(LedgerError::beside)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(LedgerError::beside)?;
        let origin = Origin { worker, file: number, identity: system::identity(&file) };
        let read = reader.read(&origin, bytes.get(FENCE_BYTES as usize..).unwrap_or_default());
        // Files that the database needs no more are removed, so that the first one may follow one that is gone.
        is_whole &= read
            .as_ref()
            .is_some_and(|read| read.is_original && last.as_ref().is_none_or(|last| read.follows(last)));
        last = read;
    }
    is_whole &= reader.has_known && last.is_some_and(|last| !last.is_continued);
    let unstarted = is_whole.then(|| reader.pre_committed.difference(&reader.started).copied().collect());
    Ok(Recovered { closed: reader.closed, unstarted })
}

#[derive(Default)]
struct Reader {
    pre_committed: HashSet<(i64, u32)>,
    started: HashSet<(i64, u32)>,
    closed: Vec<Closed>,
    known: Position,
    has_known: bool,
}

/// The file that is read: its first line has to say the same.
struct Origin {
    worker: i64,
    file: u64,
    identity: Option<FileIdentity>,
}

/// A file that was read to its end.
struct Read {
    /// The checksum of the file before it.
    before: u32,
    position: Position,
    is_continued: bool,
    /// Whether it is the file that was written, and not a copy of it.
    is_original: bool,
}

impl Read {
    fn follows(&self, last: &Self) -> bool {
        self.position.file == last.position.file + 1 && self.before == last.position.sum
    }
}

impl Reader {
    /// Takes over what the lines of a file say, up to the first that is not what was written; `None` if there is one.
    fn read(&mut self, origin: &Origin, bytes: &[u8]) -> Option<Read> {
        let mut position = Position { file: origin.file, ..Position::default() };
        let mut opened = None;
        let mut lines = bytes.split_inclusive(|&byte| byte == b'\n');
        loop {
            let line = lines.next()?;
            let (sum, entry) = entry::unseal(position.sum, line.strip_suffix(b"\n")?)?;
            match entry {
                Entry::Opened { worker, file, before, identity }
                    if opened.is_none() && (worker, file) == (origin.worker, origin.file) =>
                {
                    opened = Some((before, identity.is_some() && identity == origin.identity));
                }
                _ if opened.is_none() => return None,
                Entry::Opened { .. } => return None,
                Entry::PreCommitted(claims) => self.pre_committed.extend(claims),
                Entry::Started(delivery, epoch) => {
                    self.started.insert((delivery, epoch));
                }
                Entry::Closed { delivery, epoch, started_at, close } => {
                    self.closed.push(Closed { delivery, epoch, started_at, close: close.into_owned() });
                }
                end @ (Entry::End | Entry::Continued) => {
                    let (before, is_original) = opened?;
                    let is_continued = end == Entry::Continued;
                    let read = Read { before, position, is_continued, is_original };
                    return lines.next().is_none().then_some(read);
                }
            }
            position = Position { file: origin.file, bytes: position.bytes + line.len() as u64, sum };
            self.has_known |= position == self.known;
        }
    }
}
