//! The files of all workers' logs, by name, and the fence at the start of each.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::PathBuf,
    time::SystemTime,
};

use crate::ledger::{error::LedgerError, files::Files};

/// What whoever takes something from a worker writes at the start of its log.
pub(in crate::ledger) type Fence = [u8; FENCE_BYTES as usize];

pub(super) const FENCE_BYTES: u64 = 8;

/// Lets a worker, or every one, see that something may have been taken from it. To be called under the database's
/// lock for writing, and before what is taken is committed.
pub(in crate::ledger) fn stamp(files: &Files, worker: Option<i64>) -> Result<(), LedgerError> {
    let stamp = new_fence();
    let stamp_one = |path: PathBuf| match OpenOptions::new().write(true).open(path) {
        Ok(mut log) => log.write_all(&stamp),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    for (of, number) in all(files).map_err(LedgerError::beside)? {
        if worker.is_none_or(|worker| worker == of) {
            stamp_one(path(files, of, number)).map_err(LedgerError::beside)?;
        }
    }
    Ok(())
}

/// Workers that left a log and hold no lock.
pub(in crate::ledger) fn left_behind(files: &Files) -> Vec<i64> {
    let mut workers: Vec<i64> =
        all(files).unwrap_or_default().into_iter().map(|(worker, _)| worker).collect();
    workers.dedup();
    workers.retain(|worker| files.is_free(*worker));
    workers
}

/// Removes the log of a dead worker.
pub(in crate::ledger) fn remove(files: &Files, worker: i64) {
    for number in numbers(files, worker) {
        let _ = fs::remove_file(path(files, worker, number));
    }
}

/// The numbers of a worker's files, in their order.
pub(super) fn numbers(files: &Files, worker: i64) -> Vec<u64> {
    let all = all(files).unwrap_or_default().into_iter();
    all.filter(|(of, _)| *of == worker).map(|(_, number)| number).collect()
}

pub(super) fn path(files: &Files, worker: i64, number: u64) -> PathBuf {
    files.workers().join(format!("{worker}-{number}.log"))
}

/// A fence that no one has seen before.
pub(super) fn new_fence() -> Fence {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (since.as_nanos() as u64).to_le_bytes()
}

/// Workers and numbers of all files, sorted.
fn all(files: &Files) -> io::Result<Vec<(i64, u64)>> {
    let entries = match fs::read_dir(files.workers()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let numbers = |name: &str| {
        let (worker, number) = name.strip_suffix(".log")?.split_once('-')?;
        Some((worker.parse().ok()?, number.parse().ok()?))
    };
    let mut found = Vec::new();
    for entry in entries {
        found.extend(entry?.file_name().to_str().and_then(numbers));
    }
    found.sort_unstable();
    Ok(found)
}
