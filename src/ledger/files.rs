//! The files beside a ledger: its private folder, the count it had when it was last used, the reserve, and the
//! workers' locks.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::system;

/// Given back to the disk when it is full, so that outcomes can still be written.
const RESERVE_BYTES: usize = 2 << 20;

/// A ledger's file and the ones around it.
#[derive(Clone, Debug)]
pub(super) struct Files {
    ledger: PathBuf,
    /// Device and number of the file when it was opened.
    identity: Option<(u64, u64)>,
    /// The mark outside of the ledger's folder: it does not come back with a backup of the folder.
    mark: Option<PathBuf>,
}

/// What tells a file from another that gets its name.
fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

impl Files {
    /// By whichever way a ledger is reached, the same files are beside it.
    pub(super) fn new(ledger: &Path) -> Self {
        let ledger = fs::canonicalize(ledger).unwrap_or_else(|_| ledger.to_owned());
        let identity = identity(&ledger);
        Self { ledger, identity, mark: None }
    }

    /// Whether the file that was opened still has its name. What is written into one that was deleted is lost with the process.
    pub(super) fn are_in_place(&self) -> bool {
        self.identity.is_none() || identity(&self.ledger) == self.identity
    }

    pub(super) fn ledger(&self) -> &Path {
        &self.ledger
    }

    /// Makes the folder (for its owner only) and the file (likewise), where they are missing.
    pub(super) fn prepare(ledger: &Path) -> io::Result<Self> {
        if let Some(folder) = ledger.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            crate::files::make_untracked_folder(folder)?;
        }
        let made = private().create(true).append(true).open(ledger);
        let files = Self::new(ledger);
        crate::files::make_untracked_folder(&files.workers())?;
        // It may be there and be readable only; opening the database tells that better.
        if made.is_ok() {
            keep_private(&files.ledger)?;
        }
        Ok(files)
    }

    /// Makes the folder of workers' locks beside a name that has no file itself: the ledger is on a server.
    pub(super) fn prepare_folder(ledger: &Path) -> io::Result<Self> {
        let files = Self::new(ledger);
        crate::files::make_untracked_folder(&files.workers())?;
        Ok(files)
    }

    /// Keeps a mark in a folder of the user's too, under the ledger's identity.
    pub(super) fn marked(self, folder: Option<&Path>, identity: &str) -> Self {
        let Some(folder) = folder else { return self };
        // A failure shows when the mark is asked for.
        let _ = crate::files::make_untracked_folder(folder);
        Self { mark: Some(folder.join(format!("{identity}.seen"))), ..self }
    }

    /// The mark outside of the ledger's folder, if there is one.
    pub(super) fn mark(&self) -> Option<&Path> {
        self.mark.as_deref().filter(|path| count_in(path).is_some())
    }

    /// The highest count of claims that was ever seen for this ledger; 0 when none was.
    pub(super) fn seen(&self) -> u64 {
        let beside = self.beside("seen");
        [Some(beside.as_path()), self.mark.as_deref()]
            .into_iter()
            .flatten()
            .filter_map(count_in)
            .max()
            .unwrap_or(0)
    }

    /// Remembers the count. It is only a witness, so a failure is no reason to stop.
    pub(super) fn remember(&self, count: u64) {
        // Always the same length, in one write: a reader never sees half of it.
        let text = format!("{count:020}\n");
        for path in [Some(self.beside("seen")), self.mark.clone()].into_iter().flatten() {
            if let Ok(mut file) = private().create(true).truncate(false).write(true).open(path) {
                let _ = file.write_all(text.as_bytes());
            }
        }
    }

    /// Fills the reserve, unless it is there. It is no error when there is no space for it.
    pub(super) fn reserve_space(&self) {
        let path = self.beside("reserve");
        if fs::metadata(&path).is_ok_and(|there| there.len() >= RESERVE_BYTES as u64) {
            return;
        }
        // Not zeros: some file systems would not keep room for them.
        let block: Vec<u8> =
            (0..RESERVE_BYTES).map(|at| (at as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
        let filled = private()
            .create(true)
            .truncate(true)
            .write(true)
            .open(&path)
            .and_then(|mut file| file.write_all(&block));
        if filled.is_err() {
            let _ = fs::remove_file(&path);
        }
    }

    /// Gives the reserve back; false when there is none.
    pub(super) fn release_reserve(&self) -> bool {
        fs::remove_file(self.beside("reserve")).is_ok()
    }

    /// Waits until no other process is making the ledger; the turn is ours for as long as the answer is kept.
    pub(super) fn turn(&self) -> Option<File> {
        let path = self.workers().join("opening.lock");
        let file = private().create(true).truncate(false).write(true).open(path).ok()?;
        file.lock().ok()?;
        Some(file)
    }

    /// Takes the lock that proves that a worker lives, for as long as the answer is kept.
    pub(super) fn lock(&self, worker: i64) -> io::Result<LockFile> {
        let path = self.lock_path(worker);
        let file = private().create(true).truncate(false).write(true).open(&path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::Error(error) => error,
            TryLockError::WouldBlock => {
                io::Error::new(io::ErrorKind::WouldBlock, "a living worker has this name")
            }
        })?;
        Ok(LockFile { path, _file: file })
    }

    /// Whether no one holds the worker's lock. An error of the file is no proof of death.
    pub(super) fn is_free(&self, worker: i64) -> bool {
        match File::open(self.lock_path(worker)) {
            // Not for ourselves alone: who looks at the same moment would take us for the worker.
            Ok(file) => file.try_lock_shared().is_ok(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }

    /// Removes the lock of a dead worker.
    pub(super) fn remove_lock(&self, worker: i64) {
        let _ = fs::remove_file(self.lock_path(worker));
    }

    /// The mount that the workers' folder is on, by a number that no other mount of this boot ever has. `None` where the
    /// kernel does not tell (Linux before 6.8, other systems).
    pub(super) fn mount(&self) -> Option<i64> {
        system::mount(&self.workers())
    }

    fn lock_path(&self, worker: i64) -> PathBuf {
        self.workers().join(format!("{worker}.lock"))
    }

    /// The folder of the workers' locks and logs.
    pub(super) fn workers(&self) -> PathBuf {
        self.beside("workers")
    }

    /// A file or folder beside the ledger.
    pub(super) fn beside(&self, extension: &str) -> PathBuf {
        self.ledger.with_extension(extension)
    }
}

fn count_in(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// A held lock; dropping it lets go.
#[derive(Debug)]
pub(super) struct LockFile {
    path: PathBuf,
    _file: File,
}

impl Drop for LockFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The name of this start of the machine, where the kernel gives it one.
pub(super) fn boot() -> Option<String> {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").ok().map(|id| id.trim().to_owned())
}

/// Makes an empty file for its owner only; an error when it exists.
pub(super) fn new_private(path: &Path) -> io::Result<()> {
    private().create_new(true).write(true).open(path).map(drop)
}

pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// Takes others' permissions away from a file that was made by an earlier hand.
fn keep_private(path: &Path) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o700))?;
    }
    Ok(())
}
