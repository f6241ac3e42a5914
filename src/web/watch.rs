//! Word that a file was saved.

use std::{
    collections::BTreeSet,
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

/// Editors save in several steps; so long nothing must happen before the letter is made anew.
const QUIET: Duration = Duration::from_millis(5);
/// And so long it waits at most.
const MOST: Duration = Duration::from_millis(60);

/// Watches for as long as it is kept.
pub struct Watch(#[expect(dead_code, reason = "dropping it ends the watching")] Arc<Mutex<Watcher>>);

struct Watcher {
    notices: RecommendedWatcher,
    folders: BTreeSet<PathBuf>,
}

impl Watcher {
    /// Begins with those of the folders that are there and were not watched before, and says whether there were any.
    fn add(&mut self, folders: Vec<(PathBuf, bool)>) -> Result<bool, notify::Error> {
        let mut added = false;
        for (folder, deep) in folders {
            if folder.is_dir() && !self.folders.contains(&folder) {
                let mode = if deep { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
                self.notices.watch(&folder, mode)?;
                self.folders.insert(folder);
                added = true;
            }
        }
        // One that is gone may come back, and is then another.
        self.folders.retain(|folder| folder.is_dir());
        Ok(added)
    }
}

/// Tells `changes` when something in one of the folders was saved; a `true` beside a folder stands for those in it too.
/// Folders, not files, are watched, for many editors save by renaming. After each change they are asked for anew, so that
/// a folder which is made later is watched as well.
pub fn watch(
    folders: impl Fn() -> Vec<(PathBuf, bool)> + Send + 'static,
    changes: Sender<u64>,
) -> Result<Watch, notify::Error> {
    let (tell, told) = mpsc::channel();
    let notices = notify::recommended_watcher(move |event: Result<Event, notify::Error>| {
        let matters =
            event.is_ok_and(|event| !event.kind.is_access() && event.paths.iter().any(|path| is_ours(path)));
        if matters {
            // The other end is gone only when the program ends.
            let _ = tell.send(());
        }
    })?;
    let mut watcher = Watcher { notices, folders: BTreeSet::new() };
    watcher.add(folders())?;
    let watcher = Arc::new(Mutex::new(watcher));
    let kept = Arc::downgrade(&watcher);
    thread::spawn(move || {
        while told.recv().is_ok() {
            let last = Instant::now() + MOST;
            while Instant::now() < last {
                if let Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) =
                    told.recv_timeout(QUIET)
                {
                    break;
                }
            }
            changes.send_modify(|version| *version += 1);
            let Some(watcher) = kept.upgrade() else { break };
            let added = watcher.lock().unwrap_or_else(PoisonError::into_inner).add(folders());
            // What was saved in a new folder before it was watched has not been told yet. One that cannot be watched is
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
