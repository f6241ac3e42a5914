//! The two streams of a program: data on standard output, messages on standard error.

use std::io::{self, BufRead, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};

use super::diagnostics::{self, Links};
use crate::source::{Diagnostic, Severity};

/// The streams of the program, and whether to use color and to print more than errors.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    color: ColorChoice,
    quiet: bool,
}

impl Terminal {
    /// The streams as the user wants them: `Auto` obeys `NO_COLOR`, `CLICOLOR_FORCE` and pipes; a quiet one prints errors
    /// only.
    pub fn new(color: ColorChoice, quiet: bool) -> Self {
        Self { color, quiet }
    }

    /// Whether only errors are printed.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether a person can see standard error and answer.
    pub fn is_interactive(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Whether standard error shows links.
    pub fn links(&self) -> Links {
        let shown =
            self.color != ColorChoice::Never && supports_hyperlinks::on(supports_hyperlinks::Stream::Stderr);
        if shown { Links::Yes } else { Links::No }
    }

    /// Whether standard output is a terminal.
    pub fn shows_data(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Writes data to standard output, in one go.
    pub fn data(&self, text: &str) -> io::Result<()> {
        let mut out = AutoStream::new(io::stdout().lock(), self.color);
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Writes a message to standard error, unless quiet.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            self.print(text);
        }
    }

    /// Writes a line to standard error, also when quiet. A closed standard error is ignored.
    pub fn print(&self, text: &str) {
        let mut err = AutoStream::new(io::stderr().lock(), self.color);
        let _ = writeln!(err, "{text}");
    }

    /// Prints diagnostics and their number on standard error; only errors when quiet.
    pub fn show(&self, found: &[Diagnostic]) {
        let shown: Vec<Diagnostic> =
            found.iter().filter(|one| !self.quiet || one.severity == Severity::Error).cloned().collect();
        if !shown.is_empty() {
            self.print(&format!(
                "{}{}",
                diagnostics::human(&shown, self.links()),
                diagnostics::counts(&shown)
            ));
        }
    }

    /// Prints diagnostics with repeated notes and warnings folded.
    pub fn show_folded(&self, found: &[Diagnostic]) {
        let (shown, more) = diagnostics::fold(found);
        let shown: Vec<Diagnostic> =
            shown.into_iter().filter(|one| !self.quiet || one.severity == Severity::Error).collect();
        if !shown.is_empty() {
            let more = if self.quiet { String::new() } else { more };
            self.print(&format!(
                "{}{more}{}",
                diagnostics::human(&shown, self.links()),
                diagnostics::counts(found)
            ));
        }
    }

    /// Asks a question on standard error. Every answer other than `y` or `yes` is a no.
    pub fn ask(&self, question: &str) -> io::Result<bool> {
        {
            let mut err = AutoStream::new(io::stderr().lock(), self.color);
            write!(err, "{question} [y/N] ")?;
            err.flush()?;
        }
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Asks for a text on standard error. An empty answer is the default, if there is one; `None` is the end of the input.
    pub fn ask_for(&self, question: &str, default: Option<&str>) -> io::Result<Option<String>> {
        {
            let mut err = AutoStream::new(io::stderr().lock(), self.color);
            match default {
                Some(default) => write!(err, "{question} [{default}]: ")?,
                None => write!(err, "{question}: ")?,
            }
            err.flush()?;
        }
        let mut answer = String::new();
        if io::stdin().lock().read_line(&mut answer)? == 0 {
            return Ok(None);
        }
        let answer = answer.trim();
        Ok(Some(if answer.is_empty() { default.unwrap_or_default() } else { answer }.to_owned()))
    }
}
