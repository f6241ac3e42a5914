//! The editor in which findings open their places.
//!
//! In: what `--editor` says, and variables of the user's environment. Out: an address for the browser, or a program that is
//! started with a place. Never: a program that the newsletter's folder names or holds, a shell, or a file that no finding is in.

use std::{
    env, fs, io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use crate::cli::failure::{Exit, Failure};

/// How places are opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Editor {
    /// By addresses of this scheme, which the browser hands to the system.
    Scheme(String),
    /// By a program of the user's environment.
    Program,
}

/// The word for [`Editor::Program`].
const PROGRAM: &str = "program";

/// The variables that name the program, the first that is set.
const VARIABLES: [&str; 3] = ["MIMEO_EDITOR", "VISUAL", "EDITOR"];

/// Programs that need a terminal, which `mimeo preview` has.
const IN_TERMINALS: [&str; 14] = [
    "ed", "ex", "helix", "hx", "joe", "mcedit", "micro", "nano", "ne", "nvim", "pico", "vi", "vim",
    "vim.tiny",
];

/// Reads what `--editor` says.
pub(crate) fn parse(text: &str) -> Result<Editor, String> {
    if text == PROGRAM {
        return Ok(Editor::Program);
    }
    let is_scheme = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b))
        && !["javascript", "data", "http", "https", "file"].contains(&text);
    if is_scheme {
        Ok(Editor::Scheme(text.to_owned()))
    } else {
        Err(format!(
            "write it like vscode, vscodium, cursor or zed, or write `{PROGRAM}` for that of $VISUAL"
        ))
    }
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FilePlace {
    /// The whole path.
    pub(super) path: PathBuf,
    /// From 1 on.
    pub(super) line: u32,
    /// From 1 on.
    pub(super) column: u32,
}

/// The program, and the words behind it.
#[derive(Debug)]
pub(super) struct EditorProgram {
    path: PathBuf,
    words: Vec<String>,
}

impl EditorProgram {
    /// The program of the environment, which must not be one of the newsletter's.
    ///
    /// # Errors
    ///
    /// When no program is named, or it is not one that can be started here.
    pub(super) fn of_environment(root: &Path) -> Result<Self, Failure> {
        let value = |name| env::var(name).ok().filter(|command| !command.trim().is_empty());
        let Some((name, command)) = VARIABLES.into_iter().find_map(|name| Some((name, value(name)?))) else {
            return Err(usage("no editor is set").hint("set it, as in VISUAL=\"code --reuse-window\""));
        };
        let folders = env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> =
            env::split_paths(&folders).filter(|folder| folder.is_absolute()).collect();
        Self::read(&command, &folders, root)
            .map_err(|(message, hint)| usage(format!("`${name}` {message}")).hint(hint))
    }

    fn read(command: &str, folders: &[PathBuf], root: &Path) -> Result<Self, (String, &'static str)> {
        let Some(mut words) = shlex::split(command).filter(|words| !words.is_empty()) else {
            return Err(("has an open quotation mark".to_owned(), "close it"));
        };
        let program = words.remove(0);
        let name = Path::new(&program).file_name().unwrap_or_default().to_string_lossy().into_owned();
        if IN_TERMINALS.contains(&name.as_str()) {
            let message = format!("is `{name}`, which needs a terminal of its own");
            return Err((
                message,
                "set MIMEO_EDITOR to one with a window, as in \"gvim\" or \"xterm -e vim +{line} {file}\"",
            ));
        }
        let path = match Path::new(&program) {
            path if path.is_absolute() => path.is_file().then(|| path.to_owned()),
            _ if program.contains('/') => None,
            path => folders.iter().map(|folder| folder.join(path)).find(|path| path.is_file()),
        };
        let Some(path) = path else {
            return Err((format!("is `{program}`, which is not found"), "write its whole path"));
        };
        let within = |path: &Path| matches!((fs::canonicalize(path), fs::canonicalize(root)), (Ok(path), Ok(root)) if path.starts_with(&root));
        if within(&path) {
            let message = format!("is `{program}`, which belongs to the newsletter");
            return Err((message, "no program of a newsletter is started"));
        }
        Ok(Self { path, words })
    }

    /// The words that open a place, as this program expects them.
    fn arguments(&self, place: &FilePlace) -> Vec<String> {
        let file = place.path.to_string_lossy();
        let (line, column) = (place.line, place.column);
        if self.words.iter().any(|word| word.contains("{file}")) {
            let fill = |word: &String| {
                word.replace("{line}", &line.to_string())
                    .replace("{column}", &column.to_string())
                    .replace("{file}", &file)
            };
            return self.words.iter().map(fill).collect();
        }
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let more = match name.as_str() {
            "code" | "code-insiders" | "codium" | "vscodium" | "cursor" | "windsurf" => {
                vec!["-g".to_owned(), format!("{file}:{line}:{column}")]
            }
            "subl" | "zed" | "zeditor" => vec![format!("{file}:{line}:{column}")],
            "emacs" | "emacsclient" => vec![format!("+{line}:{column}"), file.into_owned()],
            "gedit" | "gnome-text-editor" | "gvim" | "mvim" | "xed" => {
                vec![format!("+{line}"), file.into_owned()]
            }
            "kate" => {
                vec![
                    "--line".to_owned(),
                    line.to_string(),
                    "--column".to_owned(),
                    column.to_string(),
                    file.into_owned(),
                ]
            }
            "idea" | "pycharm" | "rustrover" | "webstorm" => {
                vec!["--line".to_owned(), line.to_string(), file.into_owned()]
            }
            _ => vec![file.into_owned()],
        };
        self.words.iter().cloned().chain(more).collect()
    }

    /// Opens a place. The program goes on when the preview ends.
    pub(super) fn open(&self, place: &FilePlace) -> io::Result<()> {
        let mut command = Command::new(&self.path);
        command.args(self.arguments(place)).process_group(0);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        // The system keeps what ended until someone waits for it.
        thread::spawn(move || child.wait());
        Ok(())
    }
}

fn usage(message: impl Into<String>) -> Failure {
    Failure::input(message.into()).exit(Exit::Usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> FilePlace {
        FilePlace { path: "/news/issues/a b.md".into(), line: 12, column: 3 }
    }

    fn arguments(path: &str, words: &[&str]) -> Vec<String> {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        EditorProgram { path: path.into(), words }.arguments(&place())
    }

    #[test]
    fn editors_get_the_line_as_they_expect_it() {
        assert_eq!(arguments("/usr/bin/code", &["--wait"]), ["--wait", "-g", "/news/issues/a b.md:12:3"]);
        assert_eq!(arguments("/usr/bin/zed", &[]), ["/news/issues/a b.md:12:3"]);
        assert_eq!(arguments("/usr/bin/gvim", &[]), ["+12", "/news/issues/a b.md"]);
        assert_eq!(arguments("/usr/bin/mousepad", &[]), ["/news/issues/a b.md"]);
        assert_eq!(
            arguments("/usr/bin/xterm", &["-e", "vim", "+{line}", "{file}"]),
            ["-e", "vim", "+12", "/news/issues/a b.md"]
        );
    }

    #[test]
    fn only_a_program_of_the_users_own_is_started() {
        let folder = tempfile::tempdir().unwrap();
        let (bin, news) = (folder.path().join("bin"), folder.path().join("news"));
        for (folder, name) in [(&bin, "editor"), (&bin, "vim"), (&news, "evil")] {
            fs::create_dir_all(folder).unwrap();
            fs::write(folder.join(name), "").unwrap();
        }
        let read = |command: &str| EditorProgram::read(command, &[news.clone(), bin.clone()], &news);
        let found = read("editor --new 'a b'").unwrap();
        assert_eq!(
            (found.path, found.words),
            (bin.join("editor"), vec!["--new".to_owned(), "a b".to_owned()])
        );
        let whole = news.join("evil").display().to_string();
        for (command, message) in [
            ("vim", "needs a terminal"),
            ("./evil", "not found"),
            ("bin/editor", "not found"),
            ("evil", "belongs to the newsletter"),
            (whole.as_str(), "belongs to the newsletter"),
            ("nowhere", "not found"),
            ("editor 'a", "open quotation mark"),
        ] {
            let (found, _) = read(command).unwrap_err();
            assert!(found.contains(message), "{command}: {found}");
        }
    }

    #[test]
    fn schemes_are_not_programs_and_run_nothing() {
        assert_eq!(parse("zed"), Ok(Editor::Scheme("zed".to_owned())));
        assert_eq!(parse("program"), Ok(Editor::Program));
        for wrong in ["javascript", "file", "Code", "a:b", ""] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
