//! What every command knows: the folder, the settings, the clock, the terminal.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::Serialize;

use super::{
    failure::{Exit, Failure},
    flags::Global,
    json::Versioned,
    state_folder::state_folder,
    trusted,
};
use crate::{
    audience::Status,
    config::{Config, FILE_NAME, Override, Overrides, SharedSettings, Trust},
    ledger::{Ledger, LedgerError, Location, OpenOptions, Restored},
    report::Terminal,
    source::Diagnostics,
    subscriber::Condition,
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
        trusted::ask(&self.terminal, &mut config)?;
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
            config.trust = trusted::recorded(&config);
        }
        config.attach_ledger_password();
        Ok((config, noticed))
    }

    /// Whether this folder has settings, or some are named.
    pub(crate) fn has_settings(&self) -> bool {
        let is_named = std::env::var_os("MIMEO_CONFIG").is_some_and(|value| !value.is_empty());
        self.config.is_some() || is_named || self.directory.join(FILE_NAME).exists()
    }

    /// The settings that a dispatch was opened with, for secrets in this folder.
    pub(crate) fn shared_config(
        &self,
        shared: &SharedSettings,
        flags: Overrides,
    ) -> Result<Config, Diagnostics> {
        let is_trusted = flags.trust;
        let mut config = shared.load(&self.directory, flags)?;
        if is_trusted {
            config.trust = Trust::Given;
        } else if !config.commands().is_empty() && self.has_settings() {
            config.trust = trusted::recorded(&config);
        }
        config.attach_ledger_password();
        Ok(config)
    }

    /// The condition of `--where`. Topics of the settings and statuses of a managed list are known by their names.
    pub(crate) fn condition(&self, text: &str, config: &Config) -> Result<Condition, Failure> {
        let failed = |found| Failure::found(found).exit(Exit::Usage);
        let condition = Condition::parse(text, self.now).map_err(failed)?;
        let topics: Vec<&str> = config.newsletter.topics.iter().map(|topic| topic.slug.as_str()).collect();
        if !topics.is_empty() {
            condition.check_words("topics", &topics).map_err(failed)?;
        }
        if config.list.file().is_none() {
            condition.check_words("status", &Status::ALL.map(Status::word)).map_err(failed)?;
        }
        Ok(condition)
    }

    /// Opens the ledger for writing, or makes it.
    pub(crate) fn ledger(&self, location: &Location, restored: Restored) -> Result<Ledger, LedgerError> {
        Ledger::open_with(location, &self.ledger_options(restored))
    }

    /// How a ledger is opened for writing.
    pub(crate) fn ledger_options(&self, restored: Restored) -> OpenOptions {
        OpenOptions { restored, marks: marks_folder(), ..OpenOptions::default() }
    }

    /// Prints a versioned object as JSON, indented.
    pub(crate) fn print_json(&self, value: &impl Serialize) -> Result<(), Failure> {
        self.print_json_list(&Versioned::new(value))
    }

    /// Prints a value as JSON, indented: a list of versioned objects.
    pub(crate) fn print_json_list(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(Failure::outside)?;
        self.terminal.data(&format!("{text}\n")).map_err(Failure::output)
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

/// The newsletter's folder when no one names it: the current one, or the nearest one above it that has settings, as a path
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
            // In a folder such as /tmp someone else's settings may lie above.
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
