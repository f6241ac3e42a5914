//! A newsletter in a temporary folder, and the real binary run in it.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use super::terminal;

/// The least that `mimeo.toml` must say.
pub(crate) const LEAST: &str =
    "[newsletter]\nname = \"Small Steps\"\n\n[sender]\nfrom = \"Ada Example <ada@example.org>\"\n";

/// A project in a temporary folder.
pub(crate) struct Project {
    folder: TempDir,
    /// The user's state directory: never the real one.
    state: TempDir,
}

impl Project {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), state: tempfile::tempdir().unwrap() }
    }

    /// An empty folder in memory where the system has one: how fast a ledger is there does not depend on a disk.
    pub(crate) fn in_memory() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap());
        Self { folder, state: tempfile::tempdir().unwrap() }
    }

    /// The least `mimeo.toml`, and two people in `subscribers.csv`.
    pub(crate) fn new() -> Self {
        Self::empty()
            .file("mimeo.toml", LEAST)
            .file("subscribers.csv", "email,first name\nbob@example.com,Bob\ncarol@example.net,\n")
    }

    /// A copy of the newsletter that this repository is.
    pub(crate) fn gradient_ascent() -> Self {
        let project = Self::empty();
        for name in ["mimeo.toml", "subscribers.example.csv", "issues", "templates"] {
            copy(&repository().join(name), &project.path(name));
        }
        project
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.write(path, content);
        self
    }

    /// The same, later in a scenario.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// A path in the folder.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// A file's text.
    #[track_caller]
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The names in a folder, sorted and without `.gitignore`; none when the folder is not there.
    pub(crate) fn list(&self, path: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(path)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| name != ".gitignore");
        names.sort();
        names
    }

    /// Runs `mimeo` with these arguments in the folder, with nothing to read and no one at the terminal.
    pub(crate) fn run<'a>(&self, arguments: impl AsRef<[&'a str]>) -> Ran {
        self.mimeo(arguments).run()
    }

    /// Runs a line of shell in the folder, for limits that a process gets from the one that starts it.
    pub(crate) fn shell(&self, script: &str) -> Ran {
        let mut command = Command::new("bash");
        command.args(["-c", script]).current_dir(self.folder.path());
        same_everywhere(&mut command).env("XDG_STATE_HOME", self.state.path());
        Mimeo { command }.run()
    }

    /// Runs `mimeo` at a terminal where someone types these answers. What it prints is on standard output, in one.
    pub(crate) fn at_terminal(&self, line: &str, answers: &str) -> Ran {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        self.mimeo(arguments).env("TERM", "xterm").at_terminal(answers)
    }

    /// The same, and something else happens as soon as the program has shown something.
    pub(crate) fn at_terminal_while(&self, line: &str, shows: impl FnOnce()) -> Ran {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        self.mimeo(arguments).env("TERM", "xterm").at_terminal_while("", shows)
    }

    /// The same with more to say: environment, standard input, another folder.
    pub(crate) fn mimeo<'a>(&self, arguments: impl AsRef<[&'a str]>) -> Mimeo {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mimeo"));
        command.args(arguments.as_ref()).current_dir(self.folder.path());
        same_everywhere(&mut command).env("XDG_STATE_HOME", self.state.path());
        Mimeo { command }
    }
}

/// Takes from a command what differs between a person's machine and one that runs tests: its own settings, and what says how a
/// terminal shows color and links (a variable `CI` is enough for color).
pub(crate) fn same_everywhere(command: &mut Command) -> &mut Command {
    const SHOWING: [&str; 12] = [
        "CI",
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "COLORTERM",
        "DOMTERM",
        "FORCE_HYPERLINK",
        "KONSOLE_VERSION",
        "NO_COLOR",
        "TERM_PROGRAM",
        "VTE_VERSION",
        "WT_SESSION",
        "TEAMCITY_VERSION",
    ];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("MIMEO_") || SHOWING.contains(&text.as_ref()) {
            command.env_remove(name);
        }
    }
    command.env("TZ", "UTC").env("COLUMNS", "100")
}

/// `mimeo`, about to be run.
pub(crate) struct Mimeo {
    command: Command,
}

impl Mimeo {
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// The command itself, for tests that start and kill it.
    pub(crate) fn into_command(self) -> Command {
        self.command
    }

    pub(crate) fn env_remove(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn run(self) -> Ran {
        Ran::of(self.command)
    }

    /// At a terminal where this is typed. What it prints is on standard output, in one.
    pub(crate) fn at_terminal(self, typed: &str) -> Ran {
        self.at_terminal_while(typed, || ())
    }

    fn at_terminal_while(mut self, typed: &str, shows: impl FnOnce()) -> Ran {
        let (stdout, code) = terminal::run(&mut self.command, typed, shows);
        Ran { command: format!("{:?}", self.command), stdout, stderr: String::new(), code }
    }
}

/// What a run left behind.
pub(crate) struct Ran {
    command: String,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// None when a signal ended it.
    pub(crate) code: Option<i32>,
}

impl Ran {
    /// Runs a command to its end, with nothing to read.
    pub(crate) fn of(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        Self {
            command: format!("{command:?}"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code(),
        }
    }

    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, Some(expected), "{self}");
        self
    }

    #[track_caller]
    pub(crate) fn stdout(self, expected: &str) -> Self {
        assert_eq!(self.stdout, expected, "{self}");
        self
    }

    #[track_caller]
    pub(crate) fn stderr(self, expected: &str) -> Self {
        assert_eq!(self.stderr, expected, "{self}");
        self
    }

    #[track_caller]
    pub(crate) fn stdout_has(self, part: &str) -> Self {
        assert!(self.stdout.contains(part), "no {part:?} in\n{self}");
        self
    }

    #[track_caller]
    pub(crate) fn stderr_has(self, part: &str) -> Self {
        assert!(self.stderr.contains(part), "no {part:?} in\n{self}");
        self
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, stdout, stderr, code } = self;
        write!(f, "{command}\n--- code: {code:?}\n--- stdout:\n{stdout}\n--- stderr:\n{stderr}")
    }
}

/// The repository's folder.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}
