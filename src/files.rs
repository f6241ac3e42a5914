//! Files that are written whole or not at all, and folders that version control ignores.
//!
//! In: a path and bytes. Out: the file under its name, complete; or the old one untouched.
//! Never: leaves half a file, or decides what is in one.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Its owner only: whatever names subscribers or holds secrets.
    Owner,
    /// Everybody, so that it can be published.
    Everybody,
}

/// Writes a file beside its place and renames it, so that no one ever sees half of it. The folder is made if it is
/// missing.
///
/// # Errors
///
/// When the folder or the file cannot be written; a file of that name stays as it was.
pub fn write_atomically(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    temporary(path, bytes, readers)?.persist(path).map_err(|failed| failed.error)?;
    Ok(())
}

/// Writes a file like [`write_atomically`], and never replaces one.
///
/// # Errors
///
/// [`io::ErrorKind::AlreadyExists`] when there is such a file, which stays as it is; or when it cannot be written.
pub fn write_new(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    temporary(path, bytes, readers)?.persist_noclobber(path).map_err(|failed| failed.error)?;
    Ok(())
}

/// A complete file beside a path that it does not have yet.
fn temporary(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".mimeo-");
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(match readers {
        Readers::Owner => 0o600,
        Readers::Everybody => 0o644,
    }));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    Ok(file)
}

/// Writes a file that did not exist, for its owner only, and waits for the disk: a key must not be lost. The folder has to
/// exist.
///
/// # Errors
///
/// [`io::ErrorKind::AlreadyExists`] when there is such a file; it stays as it is.
pub fn write_new_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".mimeo-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|failed| failed.error)?;
    Ok(())
}

/// Makes a folder for what must not be committed: keys, ledgers, letters. A new folder is for its owner only and gets a
/// `.gitignore` that covers all of it; a folder that exists is left as it is.
///
/// # Errors
///
/// When the folder or its `.gitignore` cannot be written.
pub fn make_untracked_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.exists() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    ignore_in_git(folder)
}

/// Writes a `.gitignore` that covers the whole folder.
///
/// # Errors
///
/// When the file cannot be written.
pub fn ignore_in_git(folder: &Path) -> io::Result<()> {
    write_atomically(&folder.join(".gitignore"), b"*\n", Readers::Everybody)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/file.txt");
        for text in ["one", "two and more"] {
            write_atomically(&path, text.as_bytes(), Readers::Owner).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        // A folder is in the way.
        let taken = folder.path().join("taken");
        fs::create_dir_all(taken.join("x")).unwrap();
        assert!(write_atomically(&taken, b"x", Readers::Owner).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_secret_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        write_new_secret(&path, b"1").unwrap();
        assert_eq!(write_new_secret(&path, b"2").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"1");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_new_folder_is_ignored_by_git_and_an_old_one_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        make_untracked_folder(folder.path()).unwrap();
        assert!(!folder.path().join(".gitignore").exists());
        let new = folder.path().join("a/b");
        make_untracked_folder(&new).unwrap();
        assert_eq!(fs::read_to_string(new.join(".gitignore")).unwrap(), "*\n");
        assert!(!folder.path().join("a/.gitignore").exists());
        make_untracked_folder(&new).unwrap();
    }

    #[test]
    fn a_private_file_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        for (readers, mode) in [(Readers::Owner, 0o600), (Readers::Everybody, 0o644)] {
            let path = folder.path().join(format!("{mode:o}"));
            write_atomically(&path, b"x", readers).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        }
    }
}
