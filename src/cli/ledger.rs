use std::path::PathBuf;

use clap::Subcommand;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    common,
    context::Context,
    failure::{Exit, Failure},
    flags,
};
use crate::{
    config::{Config, Overrides},
    files::{Readers, write_atomically},
    ledger::{Ledger, LedgerError, Location, Restored},
    report::format::plural,
};

/// Back up, check and move the ledger
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo ledger backup ledger-2026-11-29.db
  mimeo ledger check
  mimeo ledger copy --to 'postgres://mimeo@db.example.org/news'")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a copy of the ledger to a new file, also while letters are being sent
    #[command(after_help = "Examples:\n  mimeo ledger backup \"ledger-$(date +%F).db\"")]
    Backup(BackupArgs),
    /// Look through the whole ledger for damage, and report whether an older copy would be noticed
    #[command(after_help = "Examples:\n  mimeo ledger check")]
    Check(CheckArgs),
    /// Move the ledger: copy it into an empty database or a new file, compare the two, and retire the old one
    ///
    /// Stop everything that uses the ledger before. Letters that are still to be sent move too. Afterwards the old ledger refuses
    /// to send, so that no one gets a letter from both. If anything interrupts the copy, run the same command again.
    #[command(after_help = "Examples:
  mimeo ledger copy --to 'postgres://mimeo@db.example.org/news'
  mimeo ledger copy --to .mimeo/ledger.db --ledger 'postgres://mimeo@db.example.org/news'")]
    Copy(CopyArgs),
}

#[derive(clap::Args)]
struct BackupArgs {
    /// The copy; it must not exist yet
    file: PathBuf,
    #[command(flatten)]
    ledger: flags::Ledger,
}

#[derive(clap::Args)]
struct CheckArgs {
    #[command(flatten)]
    ledger: flags::Ledger,
}

#[derive(clap::Args)]
struct CopyArgs {
    /// The new place: the URL of a PostgreSQL database (its password is MIMEO_LEDGER_PASSWORD), or a file
    #[arg(long, value_name = "URL")]
    to: String,
    #[command(flatten)]
    ledger: flags::Ledger,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    match &args.command {
        Command::Backup(args) => backup(args, context),
        Command::Check(args) => check(args, context),
        Command::Copy(args) => copy(args, context),
    }
}

fn backup(args: &BackupArgs, context: &Context) -> Result<Exit, Failure> {
    let config = context.config(args.ledger.say(Overrides::default()))?;
    let file = context.path(&args.file);
    common::runtime()?.block_on(async {
        let ledger = Ledger::open_read_only(&config.ledger)?;
        ledger.backup(&file).await?;
        record_backup(&config, context.now);
        context.terminal.say(&format!("`{}` is a copy of the ledger", file.display()));
        Ok(Exit::Done)
    })
}

fn copy(args: &CopyArgs, context: &Context) -> Result<Exit, Failure> {
    let config = context.config(args.ledger.say(Overrides::default()))?;
    let to = crate::config::ledger_location(&crate::config::Override::flag("--to", args.to.clone()))
        .map_err(|error| Failure::input(error.to_string()).exit(Exit::Usage))?;
    let to = match to {
        Location::File(path) => Location::File(context.path(path)),
        server @ Location::Server(_) => server,
    };
    let moved = Ledger::move_to(&config.ledger, &to, &context.ledger_options(Restored::Refuse))?;
    let terminal = context.terminal;
    terminal.say(&if moved.is_new {
        format!("{} copied and compared", plural(moved.rows, "row", "rows"))
    } else {
        "everything was copied before".to_owned()
    });
    let setting = if to.file().is_some() { "path" } else { "url" };
    terminal.say(&format!("the ledger is `{to}` now: set `{setting}` in [ledger] to it, on every machine"));
    terminal.say(&format!("`{}` is retired and sends nothing more", config.ledger));
    Ok(Exit::Done)
}

/// When the ledger was last backed up.
#[derive(Serialize, Deserialize)]
struct LastBackup {
    at: Timestamp,
}

fn last_backup_file(config: &Config) -> PathBuf {
    config.root.join(".mimeo/last-backup.json")
}

/// Records the time of a backup for `mimeo doctor`. It is only a reminder, so that a folder that cannot be written is no error.
fn record_backup(config: &Config, at: Timestamp) {
    if let Ok(text) = serde_json::to_vec(&LastBackup { at }) {
        let _ = write_atomically(&last_backup_file(config), &text, Readers::Owner);
    }
}

/// When the ledger was last backed up; `None` when that is not known.
pub(super) fn last_backup(config: &Config) -> Option<Timestamp> {
    let text = std::fs::read(last_backup_file(config)).ok()?;
    serde_json::from_slice::<LastBackup>(&text).ok().map(|last| last.at)
}

fn check(args: &CheckArgs, context: &Context) -> Result<Exit, Failure> {
    let config = context.config(args.ledger.say(Overrides::default()))?;
    if !config.ledger.exists() {
        return Err(LedgerError::Missing { path: config.ledger_file() }.into());
    }
    common::runtime()?.block_on(async {
        let ledger = context.ledger(&config.ledger, Restored::Refuse)?;
        ledger.check().await?;
        let dispatches = ledger.dispatches().await?.len() as u64;
        context.terminal.say(&format!("no damage found; {}", plural(dispatches, "dispatch", "dispatches")));
        context.terminal.say(&match ledger.mark().await? {
            Some(mark) if config.ledger.file().is_none() => {
                format!("an older copy of the database, or another server, is noticed here: `{}`", mark.display())
            }
            None if config.ledger.file().is_none() => "an older copy of the database is not noticed from here: the user's \
                 state directory (XDG_STATE_HOME, or ~/.local/state) cannot be written"
                .to_owned(),
            Some(mark) => format!("an older copy of the ledger, or of its whole folder, is noticed: `{}`", mark.display()),
            None => "an older copy of the ledger is noticed, but not one of its whole folder: the user's state directory \
                     (XDG_STATE_HOME, or ~/.local/state) cannot be written"
                .to_owned(),
        });
        Ok(Exit::Done)
    })
}
