//! Reports that a file was saved.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::watch::Sender;

/// Editors save in several steps: the letter is made again after this long without another step.
const QUIET: Duration = Duration::from_millis(5);
/// The longest wait for an editor to finish.
const MOST: Duration = Duration::from_millis(60);

/// Watches for as long as it is kept.
pub struct Watch(#[expect(dead_code, reason = "dropping it ends the watching")] Arc<Mutex<Watcher>>);

struct Watcher {
    notices: RecommendedWatcher,
    /// Watched folders, each with what it was when the watching began.
    folders: BTreeMap<PathBuf, Identity>,
}

/// What a folder is, whatever its name. A watch stays with a folder that is renamed, so that another folder in its place
/// needs a watch of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(folder: &Path) -> Option<Self> {
        let facts = fs::metadata(folder).ok().filter(fs::Metadata::is_dir)?;
        Some(Self { device: facts.dev(), inode: facts.ino() })
    }
}

impl Watcher {
    /// Begins to watch those of the folders that are new or were replaced, and gives whether there were any.
    fn add(&mut self, folders: Vec<(PathBuf, bool)>) -> Result<bool, notify::Error> {
        let mut added = false;
        for (folder, deep) in folders {
            let Some(now) = Identity::of(&folder) else { continue };
            let before = self.folders.get(&folder);
            if before == Some(&now) {
                continue;
            }
            if before.is_some() {
                // The watch of a folder that was removed has ended already.
                let _ = self.notices.unwatch(&folder);
            }
            let mode = if deep { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            self.notices.watch(&folder, mode)?;
            self.folders.insert(folder, now);
            added = true;
        }
        let Self { notices, folders } = self;
        folders.retain(|folder, _| {
            let is_there = folder.is_dir();
            if !is_there {
                let _ = notices.unwatch(folder);
            }
            is_there
        });
        Ok(added)
    }
}

/// Counts up `changes` when something in one of the folders is saved; `true` includes the folders within it.
///
/// Folders, not files, are watched, because many editors save by renaming. The folders are asked for again after each
/// change, so that one which is made later, or takes the place of another, is watched as well.
pub fn watch(
    folders: impl Fn() -> Vec<(PathBuf, bool)> + Send + 'static,
    changes: Sender<u64>,
) -> Result<Watch, notify::Error> {
    let (notify, notices_of) = mpsc::channel();
    let notices = notify::recommended_watcher(move |event: Result<Event, notify::Error>| {
        let matters =
            event.is_ok_and(|event| !event.kind.is_access() && event.paths.iter().any(|path| is_ours(path)));
        if matters {
            // The other end is gone only when the program ends.
            let _ = notify.send(());
        }
    })?;
    let mut watcher = Watcher { notices, folders: BTreeMap::new() };
    watcher.add(folders())?;
    let watcher = Arc::new(Mutex::new(watcher));
    let kept = Arc::downgrade(&watcher);
    thread::spawn(move || {
        while notices_of.recv().is_ok() {
            let last = Instant::now() + MOST;
            while Instant::now() < last {
                if let Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) =
                    notices_of.recv_timeout(QUIET)
                {
                    break;
                }
            }
            changes.send_modify(|version| *version += 1);
            let Some(watcher) = kept.upgrade() else { break };
            let added = watcher.lock().unwrap_or_else(PoisonError::into_inner).add(folders());
            // What was saved in a new folder before it was watched has not been reported yet. One that cannot be watched is
            // no reason to stop watching the others.
            if added.unwrap_or(false) {
                changes.send_modify(|version| *version += 1);
            }
        }
    });
    Ok(Watch(watcher))
}

/// What editors leave beside a file is not the file.
fn is_ours(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    !name.starts_with('.') && !name.ends_with('~')
}
