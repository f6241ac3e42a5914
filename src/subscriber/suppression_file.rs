//! Suppressions in a file that can be committed: keyed hashes in place of addresses.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use aws_lc_rs::hmac;
use jiff::Timestamp;

use crate::{
    address::EmailAddress,
    files::{Readers, write_atomically},
};

/// Bytes of a hash: no two addresses have the same in practice.
const HASH: usize = 16;
type Hash = [u8; HASH];

/// The first words of the line that tells which key the hashes are made with.
const KEY_LINE: &str = "key ";

/// Addresses that get no letters, without the addresses: for each the first 128 bits of an HMAC-SHA256 with the newsletter's
/// key. Who has the file and not the key can neither read nor guess them.
#[derive(Debug)]
pub struct SuppressionFile {
    hasher: hmac::Key,
    kept: BTreeMap<Hash, Kept>,
}

/// What the file says about an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Why, in one word.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
}

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SuppressionFileError {
    /// There is none.
    #[error("the suppression file `{}` is missing", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("failed to read the suppression file `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why the file could not be read.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("failed to write the suppression file `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why the file could not be written.
        source: io::Error,
    },
    /// Git has left both sides of a merge in it.
    #[error("{}:{line}: unresolved merge conflict in the suppression file", path.display())]
    Conflict {
        /// The file.
        path: PathBuf,
        /// The line of the marker, from 1.
        line: usize,
    },
    /// A line is none of ours.
    #[error("{}:{line}: invalid line in the suppression file", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// It was made with another key, so that its hashes match no one.
    #[error("the suppression file `{}` was made with another key of the newsletter", path.display())]
    OtherKey {
        /// The file.
        path: PathBuf,
    },
}

impl SuppressionFile {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// When it is missing or cannot be used; it is never taken for an empty one.
    pub fn read(path: &Path, key: &[u8; 32]) -> Result<Self, SuppressionFileError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text, key),
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                Err(SuppressionFileError::Missing { path: path.to_owned() })
            }
            Err(source) => Err(SuppressionFileError::Read { path: path.to_owned(), source }),
        }
    }

    /// Changes the file, or makes it: no one else of this machine changes it meanwhile, and no one sees half of it.
    ///
    /// # Errors
    ///
    /// When the file that is there cannot be used, or cannot be written.
    pub fn update<T>(
        path: &Path,
        key: &[u8; 32],
        change: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, SuppressionFileError> {
        let failed = |source| SuppressionFileError::Write { path: path.to_owned(), source };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // The folder is locked, because the file itself is replaced.
        let lock = File::open(folder).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut file = match Self::read(path, key) {
            Err(SuppressionFileError::Missing { .. }) => Self::empty(key),
            file => file?,
        };
        let before = fs::read_to_string(path).ok();
        let result = change(&mut file);
        let text = file.text();
        if before.as_deref() != Some(&text) {
            write_atomically(path, text.as_bytes(), Readers::Everybody).map_err(failed)?;
        }
        Ok(result)
    }

    /// What the file says about an address.
    pub fn get(&self, address: &EmailAddress) -> Option<&Kept> {
        self.kept.get(&self.hash(address))
    }

    /// Adds an address; what is known of it already stays. Whether it is new.
    pub fn add(&mut self, address: &EmailAddress, kept: Kept) -> bool {
        let hash = self.hash(address);
        let is_new = !self.kept.contains_key(&hash);
        self.kept.entry(hash).or_insert(kept);
        is_new
    }

    /// Removes an address; whether it was there.
    pub fn remove(&mut self, address: &EmailAddress) -> bool {
        self.kept.remove(&self.hash(address)).is_some()
    }

    /// How many addresses there are.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    fn empty(key: &[u8; 32]) -> Self {
        Self { hasher: hmac::Key::new(hmac::HMAC_SHA256, key), kept: BTreeMap::new() }
    }

    fn parse(path: &Path, text: &str, key: &[u8; 32]) -> Result<Self, SuppressionFileError> {
        let mut file = Self::empty(key);
        let mut has_key = false;
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim_end();
            let at = || (path.to_owned(), number);
            if ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|marker| line.starts_with(marker)) {
                let (path, line) = at();
                return Err(SuppressionFileError::Conflict { path, line });
            }
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line.strip_prefix(KEY_LINE) {
                if name != file.key_name() {
                    return Err(SuppressionFileError::OtherKey { path: path.to_owned() });
                }
                has_key = true;
                continue;
            }
            let Some((hash, kept)) = entry(line) else {
                let (path, line) = at();
                return Err(SuppressionFileError::Invalid { path, line });
            };
            // After a merge an address may be there twice: the earlier one counts.
            let known = file.kept.entry(hash).or_insert_with(|| kept.clone());
            if kept.at < known.at {
                *known = kept;
            }
        }
        if !has_key && !file.kept.is_empty() {
            return Err(SuppressionFileError::OtherKey { path: path.to_owned() });
        }
        Ok(file)
    }

    fn text(&self) -> String {
        let mut text = String::from(
            "# Suppressed addresses, as hashes that only the newsletter's key can match. Written by `mimeo suppress` and\n\
             # `mimeo unsuppress`; to be committed. Lines are sorted: in a merge conflict, keep the lines of both sides.\n",
        );
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{KEY_LINE}{}", self.key_name());
        for (hash, Kept { reason, at }) in &self.kept {
            let _ = writeln!(text, "{} {reason} {at}", hex(hash));
        }
        text
    }

    /// Tells keys apart, and tells nothing of them.
    fn key_name(&self) -> String {
        hex(&self.tag("key", "")[..8])
    }

    fn hash(&self, address: &EmailAddress) -> Hash {
        let tag = self.tag("suppression", &address.key_cow());
        std::array::from_fn(|at| tag[at])
    }

    fn tag(&self, purpose: &str, text: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.hasher);
        for part in [b"suppression file\0", purpose.as_bytes(), b"\0", text.as_bytes()] {
            context.update(part);
        }
        let tag = context.sign();
        std::array::from_fn(|at| tag.as_ref()[at])
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `HASH REASON TIME`
fn entry(line: &str) -> Option<(Hash, Kept)> {
    let mut words = line.split(' ');
    let (hash, reason, at) = (words.next()?, words.next()?, words.next()?.parse().ok()?);
    if words.next().is_some() || hash.len() != 2 * HASH || !hash.is_ascii() || reason.is_empty() {
        return None;
    }
    let mut bytes = [0; HASH];
    for (byte, digits) in bytes.iter_mut().zip(hash.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some((bytes, Kept { reason: reason.to_owned(), at }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn address(name: &str) -> EmailAddress {
        EmailAddress::parse(&format!("{name}@example.com")).unwrap()
    }

    fn kept(at: &str) -> Kept {
        Kept { reason: "unsubscribed".into(), at: at.parse().unwrap() }
    }

    #[test]
    fn the_file_holds_no_address_and_only_its_key_matches() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("suppressions.txt");
        for name in ["margaret", "bob"] {
            let add = |file: &mut SuppressionFile| file.add(&address(name), kept("2026-01-02T03:04:05Z"));
            assert!(SuppressionFile::update(&path, &KEY, add).unwrap());
        }
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("margaret") && !text.contains("example"), "{text}");
        let hashes: Vec<_> = text.lines().filter(|line| line.ends_with('Z')).collect();
        assert!(hashes.len() == 2 && hashes.is_sorted(), "{text}");
        let file = SuppressionFile::read(&path, &KEY).unwrap();
        assert_eq!(
            file.get(&EmailAddress::parse("MARGARET@Example.com").unwrap()),
            Some(&kept("2026-01-02T03:04:05Z"))
        );
        assert_eq!(file.get(&address("ann")), None);
        assert!(matches!(SuppressionFile::read(&path, &[8; 32]), Err(SuppressionFileError::OtherKey { .. })));
        SuppressionFile::update(&path, &KEY, |file| file.remove(&address("bob"))).unwrap();
        assert_eq!(SuppressionFile::read(&path, &KEY).unwrap().len(), 1);
    }

    #[test]
    fn what_a_merge_leaves_is_joined_or_named_by_line() {
        let mut file = SuppressionFile::empty(&KEY);
        file.add(&address("ann"), kept("2026-01-02T00:00:00Z"));
        let ours = file.text();
        let line = ours.lines().last().unwrap();
        let path = Path::new("s.txt");
        let read =
            |text: String| SuppressionFile::parse(path, &text, &KEY).map_err(|error| error.to_string());
        // Both sides added it, on different days.
        let earlier = line.replace("2026-01-02", "2025-01-02");
        let both = read(format!("{ours}{earlier}\n")).unwrap();
        assert_eq!(both.get(&address("ann")), Some(&kept("2025-01-02T00:00:00Z")));
        for marker in ["<<<<<<< HEAD", "=======", ">>>>>>> theirs"] {
            assert_eq!(
                read(format!("{ours}{marker}\n")).unwrap_err(),
                "s.txt:5: unresolved merge conflict in the suppression file"
            );
        }
        for wrong in ["abc unsubscribed 2026-01-02T00:00:00Z", "ann@example.com", &line[..line.len() - 3]] {
            assert_eq!(
                read(format!("{ours}{wrong}\n")).unwrap_err(),
                "s.txt:5: invalid line in the suppression file"
            );
        }
        assert!(read(format!("{line}\n")).unwrap_err().contains("another key"));
        assert!(read(format!("{ours}key 0000000000000000\n")).unwrap_err().contains("another key"));
    }

    #[test]
    fn writers_at_the_same_time_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("suppressions.txt");
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    for number in 0..10 {
                        let who = address(&format!("reader{writer}x{number}"));
                        let at = kept("2026-01-02T00:00:00Z");
                        SuppressionFile::update(path, &KEY, |file| file.add(&who, at)).unwrap();
                    }
                });
            }
        });
        assert_eq!(SuppressionFile::read(&path, &KEY).unwrap().len(), 80);
    }
}
