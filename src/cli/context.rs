//! What every command knows: the folder, the settings, the clock, the terminal.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{failure::Failure, flags::Global, issues::IssueFile, trust};
use crate::{
    config::{Config, FILE_NAME, Override, Overrides, Trust},
    ledger::{Ledger, LedgerError, OpenOptions, Restored},
    render::Built,
    report::Terminal,
    source::{Diagnostics, Severity},
};

/// What every command knows.
#[derive(Clone)]
pub(crate) struct Context {
    /// The newsletter's folder.
    pub(crate) directory: PathBuf,
    /// The moment the program was started.
    pub(crate) now: Timestamp,
    /// Where words go.
    pub(crate) terminal: Terminal,
    config: Option<Override>,
}

impl Context {
    /// Reads the clock once.
    pub(super) fn new(global: &Global) -> Self {
        Self {
            directory: global.directory.clone().unwrap_or_else(|| newsletter_above(global)),
            now: Timestamp::now(),
            terminal: Terminal::new(global.color.into(), global.quiet),
            config: global.config(),
        }
    }

    /// The context of a copy of the newsletter in another folder, with its settings in this file.
    pub(crate) fn elsewhere(&self, directory: PathBuf, settings: &Path) -> Self {
        let config = Some(Override::flag("--config", settings.to_string_lossy()));
        Self { directory, config, ..self.clone() }
    }

    /// This context in another folder.
    pub(crate) fn in_folder(&self, folder: &Path) -> Self {
        Self { directory: folder.to_owned(), ..self.clone() }
    }

    /// The settings: the command's flags are stronger than the environment, which is stronger than the file. Warnings
    /// are printed.
    pub(crate) fn config(&self, flags: Overrides) -> Result<Config, Failure> {
        let (config, noticed) = self.config_quietly(flags)?;
        self.terminal.show(&noticed);
        Ok(config)
    }

    /// The settings for a command that may run programs which they name: whoever is at the terminal is asked for trust.
    pub(crate) fn config_to_run(&self, flags: Overrides) -> Result<Config, Failure> {
        let mut config = self.config(flags)?;
        trust::ask(self, &mut config)?;
        Ok(config)
    }

    /// The settings and the warnings about them, which are not printed.
    pub(crate) fn config_quietly(&self, flags: Overrides) -> Result<(Config, Diagnostics), Diagnostics> {
        let overrides = Overrides { config: self.config.clone(), ..flags };
        let overrides = overrides.or_environment(|name| std::env::var(name).ok());
        let (mut config, noticed) = Config::load(&self.directory, &overrides)?;
        if overrides.trust {
            config.trust = Trust::Given;
        } else if !config.commands().is_empty() {
            config.trust = trust::recorded(&config);
        }
        Ok((config, noticed))
    }

    /// Builds an issue's letter, and prints its warnings.
    pub(crate) fn build(&self, config: &Config, file: &IssueFile) -> Result<Built, Failure> {
        let built = file.build(config, self.now)?;
        let warnings: Diagnostics =
            built.diagnostics.iter().filter(|one| one.severity >= Severity::Warning).cloned().collect();
        self.terminal.show(&warnings);
        Ok(built)
    }

    /// Opens the ledger for writing, or makes it.
    pub(crate) fn ledger(&self, path: &Path, restored: Restored) -> Result<Ledger, LedgerError> {
        Ledger::open_with(path, &OpenOptions { restored, marks: marks_folder(), ..OpenOptions::default() })
    }

    /// Today, where this machine is.
    pub(crate) fn today(&self) -> Date {
        self.now.to_zoned_datetime(TimeZone::system()).date()
    }

    /// A path below the newsletter's folder, as a person would write it.
    pub(crate) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        if self.directory == Path::new(".") { path.as_ref().to_owned() } else { self.directory.join(path) }
    }
}

/// The newsletter's folder when nobody names it: the current one, or the nearest one above it that has settings, as a path
/// from here (`../..`), so that paths in messages lead from where the user is.
fn newsletter_above(global: &Global) -> PathBuf {
    let here = PathBuf::from(".");
    let is_set = |name| std::env::var_os(name).is_some_and(|value: std::ffi::OsString| !value.is_empty());
    if global.config.is_some() || is_set("MIMEO_CONFIG") {
        return here;
    }
    let (Ok(current), Ok(owner)) = (std::env::current_dir(), fs::metadata(".").map(|folder| folder.uid()))
    else {
        return here;
    };
    let mut way = PathBuf::new();
    for folder in current.ancestors() {
        if let Ok(settings) = fs::metadata(folder.join(FILE_NAME)) {
            // In a folder such as /tmp somebody else's settings may lie above.
            let is_own = settings.uid() == owner;
            return if is_own && !way.as_os_str().is_empty() { way } else { here };
        }
        way.push("..");
    }
    here
}

/// The user's folder for how far each ledger has come.
fn marks_folder() -> Option<PathBuf> {
    Some(state_folder()?.join("ledgers"))
}

/// The user's folder for what this program remembers outside of newsletters: below `$XDG_STATE_HOME`, or `~/.local/state`.
pub(super) fn state_folder() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("mimeo"))
}
