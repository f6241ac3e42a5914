//! The newsletter's own key: what makes Message-IDs and readers' tokens hard to guess, and the same tomorrow.

use std::{
    io,
    path::{Path, PathBuf},
};

use aws_lc_rs::rand;

use super::{
    command::Trust,
    secret::{SecretError, SecretRef},
};
use crate::{files, transport::Secret};

/// The key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Where it is kept does not give it.
    #[error("failed to read the newsletter's key")]
    Secret(#[from] SecretError),
    /// It is there, but it is no key.
    #[error("the newsletter's key from {from} is not 64 hexadecimal digits")]
    NotAKey {
        /// Where it is kept.
        from: SecretRef,
    },
    /// There was none, and none could be made.
    #[error("failed to make the newsletter's key `{}`", path.display())]
    Make {
        /// Its file.
        path: PathBuf,
        /// Why the file could not be read.
        source: io::Error,
    },
}

/// Where the key is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeyPlace {
    /// `[newsletter] key`: it must be there.
    Kept(SecretRef),
    /// `.mimeo/key`: made when it is needed for the first time.
    Own(PathBuf),
}

impl KeyPlace {
    /// Where it would be made.
    pub(super) fn missing(&self) -> Option<&Path> {
        match self {
            Self::Own(path) if !path.exists() => Some(path),
            _ => None,
        }
    }

    pub(super) fn read(&self, trust: Trust) -> Result<[u8; 32], KeyError> {
        let from = match self {
            Self::Kept(from) => from.clone(),
            Self::Own(path) => {
                if !path.exists() {
                    make(path).map_err(|source| KeyError::Make { path: path.clone(), source })?;
                }
                SecretRef::File(path.clone())
            }
        };
        parse(&from.read(trust)?).ok_or(KeyError::NotAKey { from })
    }
}

/// Keys that were used before, one a line.
pub(super) fn read_earlier(from: &SecretRef, trust: Trust) -> Result<Vec<[u8; 32]>, KeyError> {
    let text = from.read(trust)?;
    let lines = text.expose().lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| parse_line(line).ok_or_else(|| KeyError::NotAKey { from: from.clone() })).collect()
}

/// Makes a new key; when another process was faster, its key stays.
fn make(path: &Path) -> io::Result<()> {
    files::make_untracked_folder(path.parent().unwrap_or(Path::new("")))?;
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes).map_err(|_| io::Error::other("the system gives no random numbers"))?;
    let line = bytes.map(|byte| format!("{byte:02x}")).concat() + "\n";
    match files::write_new_secret(path, line.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        written => written,
    }
}

fn parse(secret: &Secret) -> Option<[u8; 32]> {
    parse_line(secret.expose().trim())
}

fn parse_line(line: &str) -> Option<[u8; 32]> {
    let digits = line.as_bytes();
    let mut key = [0_u8; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let value = |digit: u8| char::from(digit).to_digit(16);
        *byte = (value(pair[0])? * 16 + value(pair[1])?) as u8;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::SettingCommand, source::Place};

    #[test]
    fn a_key_is_made_once_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let place = KeyPlace::Own(folder.path().join(".mimeo/key"));
        let first = place.read(Trust::Given).unwrap();
        assert_eq!(place.read(Trust::Given).unwrap(), first);
        assert_ne!(first, [0; 32]);
    }

    #[test]
    fn only_its_owner_can_read_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".mimeo/key");
        KeyPlace::Own(path.clone()).read(Trust::Given).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }

    #[test]
    fn what_is_no_key_is_refused_without_showing_it() {
        let place = KeyPlace::Kept(SecretRef::Command(Box::new(SettingCommand::new(
            "newsletter.key",
            Place::File { path: "mimeo.toml".into() },
            vec!["echo".into(), "abcd".into()],
            Path::new(""),
        ))));
        let error = place.read(Trust::Given).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the newsletter's key from the command `echo` is not 64 hexadecimal digits"
        );
    }
}
