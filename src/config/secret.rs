//! Passwords and keys: named in the settings, read when they are needed, never printed.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

use super::command::{SettingCommand, Trust, Untrusted};
use crate::transport::Secret;

/// Where a secret is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    /// `{ env = "NAME" }`: an environment variable.
    Env(String),
    /// `{ file = "path" }`: a file that only its owner can read.
    File(PathBuf),
    /// `{ command = ["program", "argument"] }`: what a program prints.
    Command(Box<SettingCommand>),
}

/// A secret could not be read. Names the place, never the value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment variable is not there, or holds nothing.
    #[error("the environment variable `{name}` is not set")]
    NotSet {
        /// Its name.
        name: String,
    },
    /// The file cannot be read.
    #[error("failed to read the secret file `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why the file could not be read.
        source: io::Error,
    },
    /// Others than its owner can read the file.
    #[error("the secret file `{}` can be read by others (mode {mode:03o})", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The user has not trusted the newsletter to run programs.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// The program cannot be started.
    #[error("failed to run `{program}` for a secret")]
    Run {
        /// Its name.
        program: String,
        /// Why the program could not be started.
        source: io::Error,
    },
    /// The program says that it failed.
    #[error("`{program}`, which should print a secret, ended with {status}")]
    Failed {
        /// Its name.
        program: String,
        /// Its end.
        status: ExitStatus,
    },
    /// There is nothing, or nothing that is a text.
    #[error("the secret from {from} is {what}")]
    Unusable {
        /// Where it is kept.
        from: SecretRef,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// No secret is longer than this, in bytes.
const LONGEST: u64 = 64 * 1024;

impl SecretRef {
    /// Reads the secret; a program is started only with trust. A line end behind it does not count.
    pub fn read(&self, trust: Trust) -> Result<Secret, SecretError> {
        let bytes = match self {
            Self::Env(name) => match std::env::var(name) {
                Ok(value) if !value.is_empty() => value.into_bytes(),
                _ => return Err(SecretError::NotSet { name: name.clone() }),
            },
            Self::File(path) => read_file(path)?,
            Self::Command(command) => run(command.run(trust)?, &command.folder())?,
        };
        if bytes.len() as u64 > LONGEST {
            return Err(SecretError::Unusable { from: self.clone(), what: "longer than 64 KiB" });
        }
        let Ok(text) = String::from_utf8(bytes) else {
            return Err(SecretError::Unusable { from: self.clone(), what: "not a text" });
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(SecretError::Unusable { from: self.clone(), what: "empty" });
        }
        Ok(Secret::new(text))
    }
}

/// The reference, not the value.
impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment variable `{name}`"),
            Self::File(path) => write!(f, "the file `{}`", path.display()),
            Self::Command(command) => {
                write!(f, "the command `{}`", command.words().first().map_or("", String::as_str))
            }
        }
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, SecretError> {
    let failed = |source| SecretError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    refuse_open_to_others(path, &file)?;
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn refuse_open_to_others(path: &Path, file: &File) -> Result<(), SecretError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file.metadata().map_err(|source| SecretError::Read { path: path.to_owned(), source })?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SecretError::Open { path: path.to_owned(), mode });
    }
    Ok(())
}

/// A program with a `/` in its name is one from the folder; a bare name is looked up as everywhere.
fn run(words: &[String], folder: &Path) -> Result<Vec<u8>, SecretError> {
    let program = words.first().cloned().unwrap_or_default();
    let failed = |source| SecretError::Run { program: program.clone(), source };
    // The terminal stays open to it: password managers ask for their own password there.
    let path = if program.contains('/') { folder.join(&program) } else { PathBuf::from(&program) };
    let mut command = Command::new(path);
    command.args(&words[1..]).current_dir(folder).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    let mut bytes = Vec::new();
    if let Some(output) = child.stdout.take() {
        output.take(LONGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    }
    let status = child.wait().map_err(failed)?;
    if !status.success() {
        return Err(SecretError::Failed { program, status });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::source::Place;

    fn command(words: &[&str]) -> SecretRef {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let place = Place::File { path: PathBuf::from("mimeo.toml") };
        SecretRef::Command(Box::new(SettingCommand::new("relay.password", place, words, Path::new(""))))
    }

    #[test]
    fn a_command_prints_the_secret_and_its_line_end_goes() {
        let secret = command(&["printf", "tr0ub4dor\\n"]);
        assert_eq!(secret.read(Trust::Given).unwrap().expose(), "tr0ub4dor");
        assert!(matches!(secret.read(Trust::Withheld), Err(SecretError::Untrusted(_))));
    }

    #[test]
    fn a_command_that_fails_or_says_nothing_is_an_error() {
        let run = |words: &[&str]| command(words).read(Trust::Given).unwrap_err().to_string();
        assert_eq!(run(&["false"]), "`false`, which should print a secret, ended with exit status: 1");
        assert_eq!(run(&["true"]), "the secret from the command `true` is empty");
        assert_eq!(run(&["no-such-program-here"]), "failed to run `no-such-program-here` for a secret");
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let error = SecretRef::Env("MIMEO_TEST_NO_SUCH_VARIABLE".into()).read(Trust::Withheld).unwrap_err();
        assert_eq!(error.to_string(), "the environment variable `MIMEO_TEST_NO_SUCH_VARIABLE` is not set");
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, "hunter2\n").unwrap();
        let set = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        set(0o640);
        let error = SecretRef::File(path.clone()).read(Trust::Withheld).unwrap_err();
        assert!(matches!(error, SecretError::Open { mode: 0o640, .. }), "{error}");
        assert!(!error.to_string().contains("hunter2"));
        set(0o600);
        assert_eq!(SecretRef::File(path.clone()).read(Trust::Withheld).unwrap().expose(), "hunter2");
    }
}
