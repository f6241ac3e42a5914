//! A worker's log: which letters of a claim that was begun as a whole were begun indeed, and how they ended.
//!
//! The database is enough to be safe. It calls a whole claim begun before the first of its letters leaves, so that
//! everything in it is unconfirmed when nothing else is known. The log only takes doubt away. It goes into the system's
//! memory and is not waited for: that outlives a process, but neither the machine nor the mount. So what it does *not* say
//! counts only in the start of the machine and the mount in which it was written, and when its last line has an end; what it
//! says counts always.
//!
//! A file is a fence of eight octets and lines, each a checksum and an entry in JSON. Who takes something from a worker
//! stamps the fence, and the worker looks at it after each beginning that it has written: one of the two sees the other.
//! Nothing here waits for the disk.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    fs::{self, File},
    hash::BuildHasherDefault,
    io::{self, Write},
    mem,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use serde::{Deserialize, Serialize};

use super::{
    LedgerError,
    claim::{Hold, Next},
    files::{self, Files},
    sqlite::IdentityHasher,
    writer::{Transition, TransitionKind},
};
use crate::transport::Outcome;

/// A file that is longer is followed by another, so that a long sending leaves no long log.
const FILE_MAX: u64 = 4 << 20;

/// What whoever takes something from a worker writes at the start of its log.
pub(super) type Fence = [u8; 8];

/// One thing that was done with a claim.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Entry<'a> {
    /// The database is about to call these begun: deliveries and epochs.
    Ahead(Vec<(i64, u32)>),
    Begun(i64, u32),
    Ended {
        delivery: i64,
        epoch: u32,
        begun_at: Option<i64>,
        at: i64,
        outcome: Cow<'a, Outcome>,
        next: Next,
    },
    Withdrawn(i64, u32),
}

impl Entry<'_> {
    fn write(&self, to: &mut Vec<u8>) {
        let start = to.len();
        to.extend_from_slice(b"00000000 ");
        serde_json::to_writer(&mut *to, self).expect("numbers and strings are JSON");
        let mut sum = crc32fast::hash(&to[start + 9..]);
        for digit in to[start..start + 8].iter_mut().rev() {
            *digit = b"0123456789abcdef"[(sum & 15) as usize];
            sum >>= 4;
        }
        to.push(b'\n');
    }

    fn read(line: &[u8]) -> Option<Entry<'static>> {
        let (sum, json) = std::str::from_utf8(line).ok()?.split_once(' ')?;
        if u32::from_str_radix(sum, 16).ok()? != crc32fast::hash(json.as_bytes()) {
            return None;
        }
        serde_json::from_str(json).ok()
    }
}

/// The answer to [`Log::begin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// It is in the log, and nobody has touched the fence: the letter may leave.
    Begun,
    /// It is in the log, but somebody has taken something since the claim: the database has to be asked.
    Fenced,
    /// The claim is not held, or was begun before.
    Unknown,
}

/// The log of one worker.
#[derive(Debug)]
pub(super) struct Log {
    worker: i64,
    files: Files,
    /// A longer file is followed by another.
    file_max: u64,
    /// The last entry that the database has.
    applied: Arc<AtomicU64>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Claims that were begun as a whole and have not ended, by delivery.
    held: HashMap<i64, Held, BuildHasherDefault<IdentityHasher>>,
    /// Lines that go with the next beginning.
    lines: Vec<u8>,
    /// An entry, and how many octets of the lines it and those before it have: when the database has it, they are not needed.
    marker: (u64, usize),
    /// Ends and withdrawals so far.
    last: u64,
    paper: Option<Paper>,
    /// How many files there were.
    number: u64,
    /// The file before, and its last entry: needed until the database has that.
    before: Option<(PathBuf, u64)>,
    /// What could not be written: nothing is begun any more.
    broken: Option<LedgerError>,
}

#[derive(Debug)]
struct Held {
    epoch: u32,
    begun_at: Option<i64>,
}

/// The file that is written.
#[derive(Debug)]
struct Paper {
    path: PathBuf,
    file: Arc<File>,
    size: u64,
}

impl Log {
    pub(super) fn new(worker: i64, files: Files) -> Self {
        Self { worker, files, file_max: FILE_MAX, applied: Arc::default(), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the log cannot be written any more, if it cannot.
    pub(super) fn check(&self) -> Result<(), LedgerError> {
        self.state().broken.clone().map_or(Ok(()), Err)
    }

    /// What it says is not what the database has: nothing is claimed or begun with it any more.
    pub(super) fn distrust(&self, error: &LedgerError) {
        self.state().broken.get_or_insert_with(|| error.clone());
    }

    /// Makes ready for a claim that is begun as a whole, under the database's lock for writing. False when the log has only been
    /// opened now: ends from before are not in it, so that this claim is not to be begun so.
    pub(super) fn is_ready(&self) -> Result<bool, LedgerError> {
        let mut state = self.state();
        if let Some((path, last)) = &state.before
            && *last <= self.applied.load(SeqCst)
        {
            let _ = fs::remove_file(path);
            state.before = None;
        }
        let is_new = state.paper.is_none();
        let is_gone = state.paper.as_ref().is_some_and(Paper::is_elsewhere);
        let is_long = state.paper.as_ref().is_some_and(|paper| self.file_max < paper.size);
        if is_new || is_gone || is_long && state.before.is_none() {
            self.turn_over(&mut state).map_err(|error| state.break_with(error))?;
        }
        Ok(!is_new)
    }

    /// To be told, under the same lock, before the database calls these begun. Returns the fence as it is now.
    pub(super) fn begin_ahead(&self, claims: Vec<(i64, u32)>) -> Result<Fence, LedgerError> {
        let mut state = self.state();
        let held = claims.iter().map(|&(delivery, epoch)| (delivery, Held { epoch, begun_at: None }));
        state.held.extend(held);
        Entry::Ahead(claims).write(&mut state.lines);
        let file = state.write()?;
        let fence = fence(&file).map_err(LedgerError::beside)?;
        // Without a name nobody can stamp it: then each beginning is asked for.
        Ok(fence.unwrap_or_else(files::stamp))
    }

    /// Goes on in a new file, with everything that is still held. Nobody stamps the fence meanwhile: that takes the
    /// database's lock for writing.
    fn turn_over(&self, state: &mut State) -> io::Result<()> {
        let fence = match &mut state.paper {
            // Somebody may have wanted to stamp it and not found it: what was claimed with it is asked for.
            Some(paper) if paper.is_elsewhere() => files::stamp(),
            Some(paper) => {
                paper.append(&mut state.lines)?;
                state.marker = (state.last, 0);
                fence(&paper.file)?.unwrap_or_else(files::stamp)
            }
            None => Fence::default(),
        };
        state.number += 1;
        let path = self.files.log_path(self.worker, state.number);
        let file = Arc::new(open(&path)?);
        let mut paper = Paper { path, file, size: 0 };
        let mut start = fence.to_vec();
        let held = state.held.iter().map(|(&delivery, held)| (delivery, held.epoch));
        Entry::Ahead(held.collect()).write(&mut start);
        for (&delivery, held) in state.held.iter().filter(|(_, held)| held.begun_at.is_some()) {
            Entry::Begun(delivery, held.epoch).write(&mut start);
        }
        paper.append(&mut start)?;
        if let Some(old) = state.paper.replace(paper) {
            state.before = Some((old.path, state.last));
        }
        Ok(())
    }

    /// Writes a beginning down; the letter leaves after that. `claimed` is the fence as it was when the claim was made.
    pub(super) fn begin(&self, hold: Hold, at: i64, claimed: Fence) -> Result<Written, LedgerError> {
        let Hold { delivery, epoch, .. } = hold;
        // The look at the fence comes after the entry, and needs nobody else to wait.
        let seen = self.write_begun(delivery, epoch, at).and_then(|file| match file {
            None => Ok(Written::Unknown),
            Some(file) if fence(&file).map_err(LedgerError::beside)? == Some(claimed) => Ok(Written::Begun),
            Some(_) => Ok(Written::Fenced),
        });
        if seen.is_err() {
            // Nothing leaves, so that it can be given back.
            if let Some(held) = self.state().held.get_mut(&delivery).filter(|held| held.epoch == epoch) {
                held.begun_at = None;
            }
        }
        seen
    }

    /// The file in which the beginning is written now; `None` when the claim is not held, or was begun before.
    fn write_begun(&self, delivery: i64, epoch: u32, at: i64) -> Result<Option<Arc<File>>, LedgerError> {
        let mut state = self.state();
        match state.held.get_mut(&delivery) {
            Some(held) if held.epoch == epoch && held.begun_at.is_none() => held.begun_at = Some(at),
            _ => return Ok(None),
        }
        Entry::Begun(delivery, epoch).write(&mut state.lines);
        state.write().map(Some)
    }

    /// The claim has come to an end, or is given back: tells the database's writer, and the log with the next beginning.
    /// Letters that were begun by themselves are told of too: the next beginning may be one that the database hears nothing of.
    pub(super) fn note(&self, hold: Hold, mut kind: TransitionKind, send: impl FnOnce(Transition)) {
        let mut state = self.state();
        let Hold { delivery, epoch, .. } = hold;
        if state.paper.is_none() {
            return send(Transition { hold, kind, entry: None });
        }
        let is_held = state.held.get(&delivery).is_some_and(|held| held.epoch == epoch);
        let begun = is_held.then(|| state.held.remove(&delivery)).flatten().and_then(|held| held.begun_at);
        if state.marker.0 <= self.applied.load(SeqCst) {
            // The database has them before a beginning took them along.
            let known = state.marker.1;
            state.lines.drain(..known);
            state.marker = (state.last, state.lines.len());
        }
        match &mut kind {
            TransitionKind::End { at, begun_at, outcome, next } => {
                *begun_at = begun;
                let (begun_at, at, outcome, next) = (begun, *at, Cow::Borrowed(&*outcome), *next);
                Entry::Ended { delivery, epoch, begun_at, at, outcome, next }.write(&mut state.lines);
            }
            _ => Entry::Withdrawn(delivery, epoch).write(&mut state.lines),
        }
        state.last += 1;
        // Under the lock: the database hears of entries in their order.
        send(Transition { hold, kind, entry: Some((Arc::clone(&self.applied), state.last)) });
    }

    /// The database has closed the delivery: it is not held any more.
    pub(super) fn forget(&self, hold: Hold) {
        let mut state = self.state();
        if state.held.get(&hold.delivery).is_some_and(|held| held.epoch == hold.epoch) {
            state.held.remove(&hold.delivery);
        }
    }

    /// What was not begun is not held any more; returns it.
    pub(super) fn let_go(&self) -> Vec<(i64, u32)> {
        let mut state = self.state();
        let unbegun = state.held.extract_if(|_, held| held.begun_at.is_none());
        unbegun.map(|(delivery, held)| (delivery, held.epoch)).collect()
    }

    /// Removes the files: in the database the worker holds nothing any more.
    pub(super) fn tidy(&self) {
        let mut state = self.state();
        let paths = state.paper.take().map(|paper| paper.path);
        for path in paths.into_iter().chain(state.before.take().map(|(path, _)| path)) {
            let _ = fs::remove_file(path);
        }
        state.held.clear();
        state.lines.clear();
        state.marker = (state.last, 0);
    }
}

impl State {
    fn write(&mut self) -> Result<Arc<File>, LedgerError> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        let paper = self.paper.as_mut().expect("a file was made for what is held");
        let appended = paper.append(&mut self.lines);
        let file = Arc::clone(&paper.file);
        self.marker = (self.last, self.lines.len());
        appended.map_err(|error| self.break_with(error))?;
        Ok(file)
    }

    /// Perhaps half of something was written; nothing comes behind it, so that a reader does not mind.
    fn break_with(&mut self, error: io::Error) -> LedgerError {
        let error = LedgerError::beside(error);
        self.broken = Some(error.clone());
        error
    }
}

impl Paper {
    fn append(&mut self, lines: &mut Vec<u8>) -> io::Result<()> {
        (&*self.file).write_all(lines)?;
        self.size += lines.len() as u64;
        lines.clear();
        Ok(())
    }

    /// Whether another file, or none, has its name: looked for with each claim, as that takes longer.
    #[cfg(target_os = "linux")]
    fn is_elsewhere(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        match (fs::metadata(&self.path), self.file.metadata()) {
            (Ok(named), Ok(ours)) => (named.dev(), named.ino()) != (ours.dev(), ours.ino()),
            _ => true,
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn is_elsewhere(&self) -> bool {
        !self.path.exists()
    }
}

/// The fence of a log as it is now; `None` when the file has no name any more, so that nobody finds it to stamp it.
///
/// Nothing but the number of names is asked for: who asks for a file's times makes the next write to it twice as dear.
#[cfg(target_os = "linux")]
fn fence(file: &File) -> io::Result<Option<Fence>> {
    use rustix::{
        fs::{AtFlags, StatxFlags, statx},
        io::Errno,
    };
    use std::os::unix::fs::MetadataExt;
    let mut fence = Fence::default();
    std::os::unix::fs::FileExt::read_exact_at(file, &mut fence, 0)?;
    let names = match statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::NLINK) {
        Ok(found) => u64::from(found.stx_nlink),
        // An old kernel, or somebody who does not know the question.
        Err(Errno::NOSYS) => file.metadata()?.nlink(),
        Err(error) => return Err(error.into()),
    };
    Ok((names > 0).then_some(fence))
}

/// Logs are kept where a start of the machine can be told from another, which is on Linux. Elsewhere each beginning would be
/// asked for.
#[cfg(not(target_os = "linux"))]
fn fence(_: &File) -> io::Result<Option<Fence>> {
    Ok(None)
}

/// A new file. Looks at its fence are not noted by the filesystem, where that can be.
fn open(path: &Path) -> io::Result<File> {
    let mut options = files::private();
    options.create(true).truncate(true).read(true).write(true);
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let unnoted = rustix::fs::OFlags::NOATIME.bits() as i32;
        if let Ok(file) = options.clone().custom_flags(unnoted).open(path) {
            return Ok(file);
        }
    }
    options.open(path)
}

/// What a worker's log says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    /// Ends and withdrawals, in their order.
    pub(super) closed: Vec<Entry<'static>>,
    /// Begun as a part of a claim, and not begun indeed; `None` when the log is damaged, so that its silence means
    /// nothing.
    pub(super) unbegun: Option<Vec<(i64, u32)>>,
}

/// Reads a log of which nothing is being written. To be called after its fence was stamped, and under the database's lock
/// for writing.
pub(super) fn read(files: &Files, worker: i64) -> io::Result<Told> {
    let mut told = Told::default();
    let (mut ahead, mut begun, mut is_whole) = (HashSet::new(), HashSet::new(), true);
    let paths = files.logs_of(worker);
    for path in &paths {
        let bytes = fs::read(path)?;
        let mut rest = bytes.get(mem::size_of::<Fence>()..).unwrap_or_default();
        while !rest.is_empty() {
            let end = rest.iter().position(|&byte| byte == b'\n');
            match end.and_then(|end| Entry::read(&rest[..end])) {
                Some(Entry::Ahead(claims)) => ahead.extend(claims),
                Some(Entry::Begun(delivery, epoch)) => {
                    begun.insert((delivery, epoch));
                }
                Some(closed) => told.closed.push(closed),
                None => {
                    // Zeros, or half a line: something that was written is missing. Whether it was only the end of this
                    // line, nobody can tell.
                    is_whole = false;
                    break;
                }
            }
            rest = &rest[end.map_or(rest.len(), |end| end + 1)..];
        }
    }
    told.unbegun = is_whole.then(|| ahead.difference(&begun).copied().collect());
    Ok(told)
}

#[cfg(test)]
mod tests;
