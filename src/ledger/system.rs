//! Questions that Linux answers better than other systems. Elsewhere the answer is right too, and a sender asks the database
//! more often.

use serde::{Deserialize, Serialize};

pub(super) use answers::{identity, links, mount, quiet_reads, since_boot};

/// What no other file on this machine has, also when it has the same content, name and times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileIdentity {
    device: u64,
    inode: u64,
    /// Seconds and nanoseconds: an inode of a file that was removed is given to the next one. `None` where the filesystem does
    /// not note it.
    born: Option<(i64, u32)>,
}

#[cfg(target_os = "linux")]
mod answers {
    use std::{
        fs::{File, OpenOptions},
        io,
        os::unix::fs::{MetadataExt, OpenOptionsExt},
        path::Path,
        time::Duration,
    };

    use rustix::{
        fs::{AtFlags, CWD, OFlags, StatxFlags, makedev, statx},
        io::Errno,
        time::{ClockId, clock_gettime},
    };

    use crate::ledger::system::FileIdentity;

    /// The mount that a folder is on, by a number that no other mount of this boot ever has. `None` before Linux 6.8.
    pub(in crate::ledger) fn mount(folder: &Path) -> Option<i64> {
        /// `STATX_MNT_ID_UNIQUE` of `statx(2)`.
        const UNIQUE: u32 = 0x4000;
        let found = statx(CWD, folder, AtFlags::empty(), StatxFlags::from_bits_retain(UNIQUE)).ok()?;
        (found.stx_mask & UNIQUE != 0).then_some(found.stx_mnt_id.cast_signed())
    }

    /// How many names a file has. Nothing else is asked for: who asks for a file's times makes the next write to it twice as
    /// expensive.
    pub(in crate::ledger) fn links(file: &File) -> io::Result<u64> {
        match statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::NLINK) {
            Ok(found) => Ok(u64::from(found.stx_nlink)),
            // An old kernel, or a sandbox that does not know the question.
            Err(Errno::NOSYS) => Ok(file.metadata()?.nlink()),
            Err(error) => Err(error.into()),
        }
    }

    /// What tells a file from its copies. `None` on an old kernel.
    pub(in crate::ledger) fn identity(file: &File) -> Option<FileIdentity> {
        let found = statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::INO | StatxFlags::BTIME).ok()?;
        let knows_birth = found.stx_mask & StatxFlags::BTIME.bits() != 0;
        Some(FileIdentity {
            device: makedev(found.stx_dev_major, found.stx_dev_minor),
            inode: found.stx_ino,
            born: knows_birth.then_some((found.stx_btime.tv_sec, found.stx_btime.tv_nsec)),
        })
    }

    /// Time since the machine was started. It goes on while the machine is suspended.
    pub(in crate::ledger) fn since_boot() -> Option<Duration> {
        Duration::try_from(clock_gettime(ClockId::Boottime)).ok()
    }

    /// Options for a file whose reads are not recorded by the filesystem. Not every filesystem takes them.
    pub(in crate::ledger) fn quiet_reads(options: &OpenOptions) -> OpenOptions {
        let mut options = options.clone();
        options.custom_flags(OFlags::NOATIME.bits().cast_signed());
        options
    }
}

#[cfg(not(target_os = "linux"))]
mod answers {
    use std::{
        fs::{File, OpenOptions},
        io,
        os::unix::fs::MetadataExt,
        path::Path,
        time::Duration,
    };

    use crate::ledger::system::FileIdentity;

    /// No clock is known to go on while the machine is suspended.
    pub(in crate::ledger) fn since_boot() -> Option<Duration> {
        None
    }

    /// What tells a file from its copies. Never asked for, as logs are not written where mounts have no number.
    pub(in crate::ledger) fn identity(_: &File) -> Option<FileIdentity> {
        None
    }

    /// No number tells one mount from another.
    pub(in crate::ledger) fn mount(_: &Path) -> Option<i64> {
        None
    }

    /// How many names a file has.
    pub(in crate::ledger) fn links(file: &File) -> io::Result<u64> {
        Ok(file.metadata()?.nlink())
    }

    /// Reads are recorded as the filesystem likes.
    pub(in crate::ledger) fn quiet_reads(options: &OpenOptions) -> OpenOptions {
        options.clone()
    }
}
