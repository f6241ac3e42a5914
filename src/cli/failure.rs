//! Exit codes, and how errors are printed with their causes and a hint: in one place.

use std::{
    error::Error,
    fmt::Write as _,
    io,
    process::{ExitCode, Termination},
};

use anstyle::{AnsiColor, Style};

use super::json::{ErrorBody, ErrorReport, Versioned};
use crate::{
    config::{KeyError, SecretError},
    report::Terminal,
    source::Diagnostics,
};

/// The exit code. The numbers are part of the public interface; [`EXIT_CODES`] has their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything asked for happened.
    Done = 0,
    /// Something outside failed: a disk, a database. Or the user said no.
    Failed = 1,
    /// The command line is not valid.
    Usage = 2,
    /// An issue, a list, a template or the settings are wrong.
    BadInput = 3,
    /// The run is over, but not everybody has the issue.
    Unfinished = 4,
    /// The relay cannot be used, or the brake was pulled.
    Stopped = 5,
    /// Interrupted by a signal.
    Interrupted = 130,
}

impl Exit {
    /// A word for programs.
    fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::BadInput => "bad_input",
            Self::Unfinished => "unfinished",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What each exit code means. `--help` prints it; a test holds the README and the guide to the same words.
const EXIT_CODES: [(Exit, &str); 7] = [
    (Exit::Done, "done; everything asked for happened"),
    (Exit::Failed, "failed for a reason outside, such as a disk or a database; or you answered no"),
    (Exit::Usage, "invalid usage"),
    (Exit::BadInput, "bad input: an issue, the list, a template or the settings"),
    (
        Exit::Unfinished,
        "finished, but some deliveries failed or are open: deferred, unconfirmed, or held by another sender",
    ),
    (
        Exit::Stopped,
        "stopped: the relay cannot be used, too many letters were refused, or the pace allows no more today; run again to go on",
    ),
    (Exit::Interrupted, "interrupted; safe to run again"),
];

/// What follows the commands and options in `mimeo -h`.
pub(super) const SHORT_HELP: &str = "A newsletter is a folder with `mimeo.toml`, `issues/` and a subscriber list. \
    `mimeo help COMMAND` describes a command.";

/// What follows the commands and options in `mimeo --help`.
pub(super) fn long_help() -> String {
    let mut help = format!(
        "{}, and `mimeo settings` prints every setting.\n\nExit codes:",
        SHORT_HELP.trim_end_matches('.')
    );
    for (exit, meaning) in EXIT_CODES {
        let _ = write!(help, "\n  {:>3}  {meaning}", exit as u8); // writing to a String cannot fail
    }
    help
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        self.into()
    }
}

/// Why a command could not do what it was asked to.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    cause: Cause,
    hint: Option<String>,
}

#[derive(Debug)]
enum Cause {
    /// A file is wrong, at these places.
    Found(Diagnostics),
    /// Something else, with its own causes.
    Error(Box<dyn Error + Send + Sync>),
    /// The user was asked and said no, so that this did not happen.
    Declined(&'static str),
}

impl Failure {
    /// Something outside failed.
    pub(crate) fn outside(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit: Exit::Failed, cause: Cause::Error(error.into()), hint: None }
    }

    /// What was given is wrong.
    pub(crate) fn input(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit: Exit::BadInput, cause: Cause::Error(error.into()), hint: None }
    }

    /// A file is wrong, at these places.
    pub(crate) fn found(diagnostics: Diagnostics) -> Self {
        Self { exit: Exit::BadInput, cause: Cause::Found(diagnostics), hint: None }
    }

    /// The user was asked and said no: `nothing was sent`.
    pub(crate) fn declined(what: &'static str) -> Self {
        Self { exit: Exit::Failed, cause: Cause::Declined(what), hint: None }
    }

    /// A file cannot be read or written.
    pub(crate) fn file(act: &str, path: &std::path::Path, source: io::Error) -> Self {
        Self::outside(FileError { what: format!("failed to {act} `{}`", path.display()), source })
    }

    /// What is wrong with a file, when that is what this is about.
    pub(crate) fn into_diagnostics(self) -> Result<Diagnostics, Self> {
        match self.cause {
            Cause::Found(found) => Ok(found),
            Cause::Error(_) | Cause::Declined(_) => Err(self),
        }
    }

    /// It in plain words, with its causes, and what to do about it.
    pub(crate) fn plain(&self) -> (String, Option<String>) {
        let text = match &self.cause {
            Cause::Found(found) => crate::report::diagnostics::counts(found),
            Cause::Error(error) => anstream::adapter::strip_str(&words(error.as_ref())).to_string(),
            Cause::Declined(what) => (*what).to_owned(),
        };
        (text.trim_start_matches("error: ").to_owned(), self.hint.clone())
    }

    /// It as an object on a line of its own.
    fn json(&self) -> String {
        let (message, hint) = self.plain();
        let (code, diagnostics) = match &self.cause {
            Cause::Found(found) => {
                (self.exit.word(), found.iter().map(crate::report::diagnostics::one_json).collect())
            }
            Cause::Error(_) => (self.exit.word(), Vec::new()),
            Cause::Declined(_) => ("declined", Vec::new()),
        };
        error_line(self.exit, code, message, hint, diagnostics)
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Ends with another code.
    pub(crate) fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Prints it, once, and says how the program ends. A program that asked for JSON gets an object on standard output.
    pub(super) fn print(self, terminal: &Terminal, wants_json: bool) -> Exit {
        if wants_json && !matches!(&self.cause, Cause::Error(error) if is_closed_pipe(error.as_ref())) {
            // If standard output takes nothing, the words below are all there is.
            let _ = terminal.data(&self.json());
        }
        match self.cause {
            Cause::Found(diagnostics) => terminal.show(&diagnostics),
            Cause::Error(error) => {
                if is_closed_pipe(error.as_ref()) {
                    // Whoever read our output has seen enough, as in `mimeo … | head`.
                    return Exit::Done;
                }
                terminal.print(&words(error.as_ref()));
            }
            // An answer, and no error.
            Cause::Declined(what) => terminal.print(what),
        }
        if let Some(hint) = self.hint {
            const HINT: Style = AnsiColor::Green.on_default().bold();
            terminal.print(&format!("{HINT}hint{HINT:#}: {hint}"));
        }
        self.exit
    }
}

fn error_line(
    exit: Exit,
    code: &'static str,
    message: String,
    hint: Option<String>,
    diagnostics: Vec<serde_json::Value>,
) -> String {
    let error = ErrorBody { code, exit_code: exit as u8, message, hint, diagnostics };
    let report = Versioned::new(ErrorReport { error });
    let line = serde_json::to_string(&report).expect("texts, numbers and JSON are JSON");
    line + "\n"
}

/// Prints the object for a command line that is not valid; clap has printed the words.
pub(super) fn print_usage_json(error: &clap::Error) {
    let text = error.render().to_string();
    let message =
        text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ").trim().to_owned();
    let line = error_line(Exit::Usage, Exit::Usage.word(), message, None, Vec::new());
    // A closed standard output is ignored: the words are on standard error.
    let _ = io::Write::write_all(&mut io::stdout(), line.as_bytes());
}

/// An error and its causes, a line each; a cause that only repeats what was said is left out.
fn words(error: &(dyn Error + 'static)) -> String {
    const RED: Style = AnsiColor::Red.on_default().bold();
    let mut said = error.to_string();
    let mut text = format!("{RED}error{RED:#}: {said}");
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !said.ends_with(&words) {
            let _ = write!(text, "\n  because: {words}"); // writing to a String cannot fail
        }
        said = words;
        next = cause.source();
    }
    text
}

fn is_closed_pipe(error: &(dyn Error + 'static)) -> bool {
    error
        .downcast_ref::<OutputError>()
        .is_some_and(|OutputError(error)| error.kind() == io::ErrorKind::BrokenPipe)
}

#[derive(Debug, thiserror::Error)]
#[error("{what}")]
struct FileError {
    what: String,
    source: io::Error,
}

/// Standard output does not take what is written to it.
#[derive(Debug, thiserror::Error)]
#[error("failed to write to standard output")]
struct OutputError(#[source] io::Error);

impl Failure {
    /// Standard output does not take what is written to it.
    pub(crate) fn output(error: io::Error) -> Self {
        Self::outside(OutputError(error))
    }
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::found(diagnostics)
    }
}

fn secret_hint(error: &SecretError) -> Option<String> {
    match error {
        SecretError::Open { path, .. } => Some(format!("close it to others: chmod 600 {}", path.display())),
        SecretError::Untrusted(_) => Some(
            "look at the program, then trust the newsletter: `mimeo trust`, or --trust or MIMEO_TRUST=1 for one run".into(),
        ),
        SecretError::NotSet { name } => Some(format!(
            "set {name}, or say in mimeo.toml where the secret is kept: `{{ file = \"…\" }}` or `{{ command = […] }}`"
        )),
        _ => None,
    }
}

impl From<SecretError> for Failure {
    fn from(error: SecretError) -> Self {
        let hint = secret_hint(&error);
        Self { exit: Exit::BadInput, cause: Cause::Error(error.into()), hint }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        let hint = match &error {
            KeyError::Secret(error) => secret_hint(error),
            KeyError::NotAKey { .. } => Some(
                "a lost key cannot be made again: take it from a backup, for readers' links depend on it"
                    .into(),
            ),
            KeyError::Make { .. } => Some("check that the folder can be written".into()),
        };
        let exit = if matches!(error, KeyError::Make { .. }) { Exit::Failed } else { Exit::BadInput };
        Self { exit, cause: Cause::Error(error.into()), hint }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_reported_with_its_causes_and_no_cause_twice() {
        let inner = io::Error::other("disk full");
        let failure = Failure::file("write", std::path::Path::new("a.eml"), inner);
        let Cause::Error(error) = failure.cause else { panic!("no error") };
        let text = anstream::adapter::strip_str(&words(error.as_ref())).to_string();
        assert_eq!(text, "error: failed to write `a.eml`\n  because: disk full");
    }
}
