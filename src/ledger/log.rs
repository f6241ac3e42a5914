//! A worker's log: which letters of a pre-committed claim were started, and how they ended.
//!
//! In: claims as they are pre-committed, then the start and the end of each of their letters. Out: whether a letter may
//! leave ([`Log::start`]); of a worker that died, what the database does not know yet ([`recover`]).
//! Never: waits for the disk, decides who is dead, or knows SQL.
//!
//! The database alone is safe. It calls a pre-committed claim begun before the first of its letters leaves, so that all of it is
//! unconfirmed when nothing else is known. The log only removes doubt. It is written to the system's cache, which survives a
//! process, but neither the machine nor the mount. So what it says counts always, and what it does *not* say counts only
//! where it is provably whole:
//!
//! - in the boot and on the mount in which it was written (decided by the caller of [`recover`]);
//! - when each line has its checksum, which continues the one of the line before, and the last line is an end. Each write
//!   replaces the end, so that a log that was cut anywhere has none;
//! - in the file in which it was written, which its first line names: a copy that was put back is another file;
//! - when it reaches the [`Position`] that the database stored with its last commit: a log that is older than that is not
//!   this one.
//!
//! A file starts with a fence of eight bytes. Who takes something from a worker [stamps](stamp) it, and the worker looks at it
//! after each start that it has written: one of the two sees the other.

mod entry;
mod file;
mod folder;
mod recovery;

use std::{
    borrow::Cow,
    collections::HashMap,
    fs::{self, File},
    hash::BuildHasherDefault,
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use super::{
    error::LedgerError,
    files::Files,
    identity_hasher::IdentityHasher,
    lease::{Close, Hold},
    system,
};
use entry::Entry;
use file::{LogFile, fence};

pub(super) use file::Position;
pub(super) use folder::{Fence, left_behind, remove, stamp};
pub(super) use recovery::{Closed, recover};

/// A file that is longer is followed by another, so that a long dispatch leaves no long log.
const FILE_MAX: u64 = 4 << 20;

/// The answer to [`Log::start`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// It is in the log, and no one has touched the fence: the letter may leave.
    Started,
    /// It is in the log, but something was taken from some worker since the claim: the database has to be asked.
    Fenced,
    /// The claim is not held, or was started before.
    NotHeld,
}

/// The log of one worker.
#[derive(Debug)]
pub(super) struct Log {
    worker: i64,
    files: Files,
    /// A longer file is followed by another.
    file_max: u64,
    /// The last end that the database has.
    applied: AtomicU64,
    state: Mutex<State>,
}

/// An end that is in the log, or will be with the next start.
#[derive(Debug)]
pub(super) struct Logged {
    pub(super) log: Arc<Log>,
    number: u64,
}

impl Logged {
    /// The database has this end and all before it: the log need not keep them.
    pub(super) fn is_applied(&self) {
        self.log.applied.fetch_max(self.number, SeqCst);
    }
}

#[derive(Debug, Default)]
struct State {
    /// Claims that were pre-committed and have not ended, by delivery.
    held: HashMap<i64, Held, BuildHasherDefault<IdentityHasher>>,
    /// Lines that go with the next start.
    lines: Vec<u8>,
    /// An end, and how many bytes of the lines it and those before it have: when the database has it, they are not needed.
    marker: (u64, usize),
    /// Ends so far.
    last: u64,
    file: Option<LogFile>,
    /// How many files there were.
    number: u64,
    /// The file before, and its last end: needed until the database has that.
    before: Option<(PathBuf, u64)>,
    /// What could not be written: nothing is started any more.
    broken: Option<LedgerError>,
}

#[derive(Debug)]
struct Held {
    epoch: u32,
    started_at: Option<i64>,
}

impl Log {
    pub(super) fn new(worker: i64, files: Files) -> Self {
        Self { worker, files, file_max: FILE_MAX, applied: AtomicU64::default(), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn worker(&self) -> i64 {
        self.worker
    }

    /// Why the log cannot be written any more, if it cannot.
    pub(super) fn check(&self) -> Result<(), LedgerError> {
        self.state().broken.clone().map_or(Ok(()), Err)
    }

    /// What it says is not what the database has: nothing is claimed or started with it any more.
    pub(super) fn distrust(&self, error: &LedgerError) {
        self.state().broken.get_or_insert_with(|| error.clone());
    }

    /// How far it has come. A transaction that stores it can tell a log that is cut or older from this one.
    pub(super) fn position(&self) -> Position {
        self.state().file.as_ref().map_or_else(Position::default, |file| file.position)
    }

    /// Prepares to pre-commit a claim, under the database's lock for writing. False when the log has only been opened
    /// now: ends from before are not in it, so that this claim is not to be pre-committed.
    pub(super) fn prepare(&self) -> Result<bool, LedgerError> {
        let mut state = self.state();
        if let Some((path, last)) = &state.before
            && *last <= self.applied.load(SeqCst)
        {
            let _ = fs::remove_file(path);
            state.before = None;
        }
        let is_new = state.file.is_none();
        let is_gone = state.file.as_ref().is_some_and(LogFile::is_elsewhere);
        let is_long = state.file.as_ref().is_some_and(|file| file.position.bytes > self.file_max);
        if is_new || is_gone || is_long && state.before.is_none() {
            self.turn_over(&mut state).map_err(|error| state.break_with(error))?;
        }
        Ok(!is_new)
    }

    /// To be called, under the same lock, before the database calls these begun. Returns the fence as it is now.
    pub(super) fn pre_commit(&self, claims: Vec<(i64, u32)>) -> Result<Fence, LedgerError> {
        let mut state = self.state();
        let held = claims.iter().map(|&(delivery, epoch)| (delivery, Held { epoch, started_at: None }));
        state.held.extend(held);
        Entry::PreCommitted(claims).write(&mut state.lines);
        let file = state.write()?;
        let fence = fence(&file).map_err(LedgerError::beside)?;
        // Without a name no one can stamp it: then the database is asked about each start.
        Ok(fence.unwrap_or_else(folder::new_fence))
    }

    /// Goes on in a new file, with everything that is still held. No one stamps the fence meanwhile: that takes the
    /// database's lock for writing.
    fn turn_over(&self, state: &mut State) -> io::Result<()> {
        let fence = match &mut state.file {
            // Someone may have wanted to stamp it and not found it: the database is asked about what was claimed with it.
            Some(file) if file.is_elsewhere() => folder::new_fence(),
            Some(file) => {
                file.append(&mut state.lines)?;
                state.marker = (state.last, 0);
                fence(&file.file)?.unwrap_or_else(folder::new_fence)
            }
            None => Fence::default(),
        };
        state.number += 1;
        let path = folder::path(&self.files, self.worker, state.number);
        let mut file = LogFile::create(path, state.number, fence)?;
        let before = state.file.as_ref().map_or(0, |file| file.position.sum);
        let mut start = Vec::new();
        let identity = system::identity(&file.file);
        Entry::Opened { worker: self.worker, file: state.number, before, identity }.write(&mut start);
        let held = state.held.iter().map(|(&delivery, held)| (delivery, held.epoch));
        Entry::PreCommitted(held.collect()).write(&mut start);
        for (&delivery, held) in state.held.iter().filter(|(_, held)| held.started_at.is_some()) {
            Entry::Started(delivery, held.epoch).write(&mut start);
        }
        file.append(&mut start)?;
        if let Some(mut old) = state.file.replace(file) {
            // Only now: if the process ends in between, the old file is whole and the new one follows it.
            old.hand_over()?;
            state.before = Some((old.path, state.last));
        }
        Ok(())
    }

    /// Writes a start down; the letter leaves after that. `claimed` is the fence as it was when the claim was made.
    pub(super) fn start(&self, hold: Hold, at: i64, claimed: Fence) -> Result<Start, LedgerError> {
        let Hold { delivery, epoch, .. } = hold;
        // The look at the fence comes after the entry, and needs no one else to wait.
        let seen = self.write_start(delivery, epoch, at).and_then(|file| match file {
            None => Ok(Start::NotHeld),
            Some(file) if fence(&file).map_err(LedgerError::beside)? == Some(claimed) => Ok(Start::Started),
            Some(_) => Ok(Start::Fenced),
        });
        if seen.is_err() {
            // Nothing leaves, so that it can be given back.
            if let Some(held) = self.state().held.get_mut(&delivery).filter(|held| held.epoch == epoch) {
                held.started_at = None;
            }
        }
        seen
    }

    /// The file in which the start is written now; `None` when the claim is not held, or was started before.
    fn write_start(&self, delivery: i64, epoch: u32, at: i64) -> Result<Option<Arc<File>>, LedgerError> {
        let mut state = self.state();
        match state.held.get_mut(&delivery) {
            Some(held) if held.epoch == epoch && held.started_at.is_none() => held.started_at = Some(at),
            _ => return Ok(None),
        }
        Entry::Started(delivery, epoch).write(&mut state.lines);
        state.write().map(Some)
    }

    /// Notes the end of a lease, and sends it on to the database's writer, with the time of its start and its place in the
    /// log. It is written with the next start. Letters that were begun by themselves are noted too: the next start may be one
    /// of which the database learns nothing.
    pub(super) fn close(
        self: &Arc<Self>,
        hold: Hold,
        close: Close,
        send: impl FnOnce(Close, Option<i64>, Option<Logged>),
    ) {
        let mut state = self.state();
        let Hold { delivery, epoch, .. } = hold;
        if state.file.is_none() {
            return send(close, None, None);
        }
        let is_held = state.held.get(&delivery).is_some_and(|held| held.epoch == epoch);
        let started_at =
            is_held.then(|| state.held.remove(&delivery)).flatten().and_then(|held| held.started_at);
        if state.marker.0 <= self.applied.load(SeqCst) {
            // The database has them before a start took them along.
            let known = state.marker.1;
            state.lines.drain(..known);
            state.marker = (state.last, state.lines.len());
        }
        let entry = Entry::Closed { delivery, epoch, started_at, close: Cow::Borrowed(&close) };
        entry.write(&mut state.lines);
        state.last += 1;
        // Under the lock: the database hears of ends in their order.
        send(close, started_at, Some(Logged { log: Arc::clone(self), number: state.last }));
    }

    /// The database has not called these begun after all, and their names may be given again: the log never says of them that they
    /// were not started.
    pub(super) fn retract(&self, claims: &[(i64, u32)]) -> Result<(), LedgerError> {
        let mut state = self.state();
        for (delivery, epoch) in claims {
            if state.held.get(delivery).is_some_and(|held| held.epoch == *epoch) {
                state.held.remove(delivery);
            }
            Entry::Started(*delivery, *epoch).write(&mut state.lines);
        }
        state.write().map(drop)
    }

    /// The database has closed the delivery: it is not held any more.
    pub(super) fn forget(&self, hold: Hold) {
        let mut state = self.state();
        if state.held.get(&hold.delivery).is_some_and(|held| held.epoch == hold.epoch) {
            state.held.remove(&hold.delivery);
        }
    }

    /// Lets go of everything that was not started; returns it.
    pub(super) fn release_unstarted(&self) -> Vec<(i64, u32)> {
        let mut state = self.state();
        let unstarted = state.held.extract_if(|_, held| held.started_at.is_none());
        unstarted.map(|(delivery, held)| (delivery, held.epoch)).collect()
    }

    /// Removes the files: in the database the worker holds nothing any more.
    pub(super) fn remove(&self) {
        let mut state = self.state();
        let paths = state.file.take().map(|file| file.path);
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
        let log = self.file.as_mut().expect("a file was made for what is held");
        let appended = log.append(&mut self.lines);
        let file = Arc::clone(&log.file);
        self.marker = (self.last, self.lines.len());
        appended.map_err(|error| self.break_with(error))?;
        Ok(file)
    }

    /// Perhaps half of something was written; nothing comes behind it.
    fn break_with(&mut self, error: io::Error) -> LedgerError {
        let error = LedgerError::beside(error);
        self.broken = Some(error.clone());
        error
    }
}

#[cfg(test)]
mod tests;
