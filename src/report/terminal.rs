//! The two streams of a program: data on standard output, talk on standard error.

use std::io::{self, BufRead, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};

use super::diagnostics;
use crate::source::{Diagnostic, Severity};

/// Where words go, and whether in colour.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    colour: ColorChoice,
    quiet: bool,
}

impl Terminal {
    /// Streams with the owner's wishes: `Auto` obeys `NO_COLOR`, `CLICOLOR_FORCE` and pipes; a quiet one tells errors
    /// only.
    pub fn new(colour: ColorChoice, quiet: bool) -> Self {
        Self { colour, quiet }
    }

    /// Whether only errors are told.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Whether a person can see standard error and answer.
    pub fn is_interactive(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Writes data to standard output, in one go.
    pub fn data(&self, text: &str) -> io::Result<()> {
        let mut out = AutoStream::new(io::stdout().lock(), self.colour);
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Writes a line of talk to standard error, unless quiet.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            self.tell(text);
        }
    }

    /// Writes a line to standard error in any case. A closed standard error is nobody's concern.
    pub fn tell(&self, text: &str) {
        let mut err = AutoStream::new(io::stderr().lock(), self.colour);
        let _ = writeln!(err, "{text}");
    }

    /// Shows diagnostics on standard error with their number below; only errors when quiet.
    pub fn show(&self, found: &[Diagnostic]) {
        let shown: Vec<Diagnostic> =
            found.iter().filter(|one| !self.quiet || one.severity == Severity::Error).cloned().collect();
        if !shown.is_empty() {
            self.tell(&format!("{}{}", diagnostics::human(&shown), diagnostics::counts(&shown)));
        }
    }

    /// Asks a question that wants a yes. Anything else is a no.
    pub fn ask(&self, question: &str) -> io::Result<bool> {
        {
            let mut err = AutoStream::new(io::stderr().lock(), self.colour);
            write!(err, "{question} [y/N] ")?;
            err.flush()?;
        }
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }
}
