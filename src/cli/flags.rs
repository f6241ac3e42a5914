//! Flags that several commands share.

use std::{path::PathBuf, time::Duration};

use clap::ValueEnum;

use crate::{
    config::{Override, Overrides, parse_duration},
    report::ColorChoice,
};

/// Flags of every command.
#[derive(clap::Args)]
pub(crate) struct Global {
    /// Run in this newsletter's folder [default: the current one, or the nearest above it with a `mimeo.toml`]
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true, help_heading = "Everywhere")]
    pub(crate) directory: Option<PathBuf>,
    /// Use this settings file instead of `mimeo.toml` in the newsletter's folder [env: MIMEO_CONFIG]
    #[arg(long, value_name = "FILE", global = true, help_heading = "Everywhere")]
    pub(crate) config: Option<PathBuf>,
    /// When to use colors
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto", help_heading = "Everywhere")]
    pub(crate) color: Color,
    /// Print errors only
    #[arg(short, long, global = true, help_heading = "Everywhere")]
    pub(crate) quiet: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

impl From<Color> for ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

/// A number of people: 0 would be no one, and is never meant.
pub(crate) fn at_least_one(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "write a whole number from 1 up".to_owned())
}

/// A stretch of time, as in `2h`, that is longer than nothing.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    parse_duration(text).filter(|duration| !duration.is_zero())
}

/// Trust, for one run.
#[derive(clap::Args, Default)]
pub(crate) struct Trust {
    /// Run the programs that the newsletter's settings name, without asking [env: MIMEO_TRUST=1]
    #[arg(long)]
    pub(crate) trust: bool,
}

impl Trust {
    pub(crate) fn say(&self, overrides: Overrides) -> Overrides {
        Overrides { trust: self.trust, ..overrides }
    }
}

/// The list, for one run.
#[derive(clap::Args, Default)]
pub(crate) struct List {
    /// Use this subscriber list instead of the one in mimeo.toml; `-` is the standard input [env: MIMEO_LIST]
    #[arg(long, value_name = "FILE", help_heading = "Instead of mimeo.toml")]
    pub(crate) list: Option<PathBuf>,
}

/// The outbox, for one run.
#[derive(clap::Args, Default)]
pub(crate) struct Outbox {
    /// Write letters into this folder instead of sending them to a relay [env: MIMEO_OUTBOX]
    #[arg(long, value_name = "DIR", help_heading = "Instead of mimeo.toml")]
    pub(crate) outbox: Option<PathBuf>,
}

/// The relay, for one run.
#[derive(clap::Args, Default)]
pub(crate) struct Relay {
    /// Send letters to this relay, as in smtps://login@smtp.example.com, or by its name in `[[relays]]` [env: MIMEO_RELAY]
    #[arg(long, value_name = "RELAY", help_heading = "Instead of mimeo.toml")]
    pub(crate) relay: Option<String>,
}

/// The ledger, for one run.
#[derive(clap::Args, Default)]
pub(crate) struct Ledger {
    /// Ledger file to use [env: MIMEO_LEDGER]
    #[arg(long, value_name = "FILE", help_heading = "Instead of mimeo.toml")]
    pub(crate) ledger: Option<PathBuf>,
}

/// The ledger for one run, and trust: for commands that need the newsletter's key, which a program may know.
#[derive(clap::Args, Default)]
pub(crate) struct KeyedLedger {
    #[command(flatten)]
    ledger: Ledger,
    #[command(flatten)]
    trust: Trust,
}

impl KeyedLedger {
    pub(crate) fn say(&self, overrides: Overrides) -> Overrides {
        self.ledger.say(self.trust.say(overrides))
    }
}

/// Where letters go and what is recorded, for one run: for commands that send.
#[derive(clap::Args, Default)]
pub(crate) struct SendOptions {
    #[command(flatten)]
    relay: Relay,
    #[command(flatten)]
    outbox: Outbox,
    #[command(flatten)]
    ledger: Ledger,
    #[command(flatten)]
    trust: Trust,
}

impl SendOptions {
    pub(crate) fn say(&self, overrides: Overrides) -> Overrides {
        self.relay.say(self.outbox.say(self.ledger.say(self.trust.say(overrides))))
    }
}

fn path(origin: &'static str, path: Option<&PathBuf>) -> Option<Override> {
    path.map(|path| Override::flag(origin, path.to_string_lossy()))
}

impl List {
    pub(crate) fn say(&self, overrides: Overrides) -> Overrides {
        Overrides { list: path("--list", self.list.as_ref()), ..overrides }
    }
}

impl Outbox {
    pub(crate) fn say(&self, overrides: Overrides) -> Overrides {
        Overrides { outbox: path("--outbox", self.outbox.as_ref()), ..overrides }
    }
}

impl Relay {
    pub(crate) fn say(&self, overrides: Overrides) -> Overrides {
        Overrides {
            relay: self.relay.as_ref().map(|url| Override::flag("--relay", url.clone())),
            ..overrides
        }
    }
}

impl Ledger {
    pub(crate) fn say(&self, overrides: Overrides) -> Overrides {
        Overrides { ledger: path("--ledger", self.ledger.as_ref()), ..overrides }
    }
}

impl Global {
    pub(super) fn config(&self) -> Option<Override> {
        path("--config", self.config.as_ref())
    }
}
