//! Word that a file was saved.

use std::{
    path::{Path, PathBuf},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::watch::Sender;

/// Editors save in several steps; so long nothing must happen before the letter is made anew.
const QUIET: Duration = Duration::from_millis(12);
/// And so long it waits at most.
const MOST: Duration = Duration::from_millis(60);

/// Watches for as long as it is kept.
pub struct Watch(#[expect(dead_code, reason = "dropping it ends the watching")] RecommendedWatcher);

/// Tells `changes` when something in one of the folders was saved; a `true` beside a folder stands for those in it too.
/// Folders, not files, are watched, for many editors save by renaming. Folders that are not there are left out.
pub fn watch(folders: &[(PathBuf, bool)], changes: Sender<u64>) -> Result<Watch, notify::Error> {
    let (tell, told) = mpsc::channel();
    let mut watcher = notify::recommended_watcher(move |event: Result<Event, notify::Error>| {
        let matters =
            event.is_ok_and(|event| !event.kind.is_access() && event.paths.iter().any(|path| is_ours(path)));
        if matters {
            // The other end is gone only when the program ends.
            let _ = tell.send(());
        }
    })?;
    for (folder, deep) in folders {
        if folder.is_dir() {
            let mode = if *deep { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            watcher.watch(folder, mode)?;
        }
    }
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
        }
    });
    Ok(Watch(watcher))
}

/// What editors leave beside a file is not the file.
fn is_ours(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    !name.starts_with('.') && !name.ends_with('~')
}
