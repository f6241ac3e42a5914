//! The lines of a log: JSON, each with a checksum over itself and everything before it.

use std::borrow::Cow;

use crc32fast::Hasher;
use serde::{Deserialize, Serialize};

use crate::ledger::{lease::Close, system::FileIdentity};

/// One line of a log.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry<'a> {
    /// The first line of each file. `before` is the checksum at which the file before it ended; `identity` is that of the file
    /// itself, so that a copy is known for one.
    Opened { worker: i64, file: u64, before: u32, identity: Option<FileIdentity> },
    /// The database is about to call these begun: deliveries and epochs.
    PreCommitted(Vec<(i64, u32)>),
    /// The body of this one is about to leave.
    Started(i64, u32),
    /// A lease came to its end.
    Closed { delivery: i64, epoch: u32, started_at: Option<i64>, close: Cow<'a, Close> },
    /// The last line, written over by the next ones: a log without it has been cut.
    End,
    /// The last line of a file that is followed by another.
    Continued,
}

impl Entry<'_> {
    /// Appends the entry as JSON and a line feed, without its checksum.
    pub(super) fn write(&self, to: &mut Vec<u8>) {
        serde_json::to_writer(&mut *to, self).expect("numbers and strings are JSON");
        to.push(b'\n');
    }
}

/// Appends a line with its checksum, which continues the one of the line before. Returns the new one.
pub(super) fn seal(sum: u32, json: &[u8], to: &mut Vec<u8>) -> u32 {
    let sum = checksum(sum, json);
    to.extend((0..8).rev().map(|digit| b"0123456789abcdef"[(sum >> (digit * 4) & 15) as usize]));
    to.push(b' ');
    to.extend_from_slice(json);
    to.push(b'\n');
    sum
}

/// Reads a line behind one with this checksum; `None` when it is not what was written.
pub(super) fn unseal(sum: u32, line: &[u8]) -> Option<(u32, Entry<'static>)> {
    let (written, json) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let sum = checksum(sum, json.as_bytes());
    let entry = (u32::from_str_radix(written, 16) == Ok(sum)).then(|| serde_json::from_str(json).ok());
    Some((sum, entry??))
}

fn checksum(before: u32, json: &[u8]) -> u32 {
    let mut hasher = Hasher::new_with_initial(before);
    hasher.update(json);
    hasher.finalize()
}
