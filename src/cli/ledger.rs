use std::path::PathBuf;

use clap::Subcommand;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Context, Exit, Failure, flags, sending};
use crate::{
    config::{Config, Overrides},
    files::{Readers, write_atomically},
    ledger::{Ledger, LedgerError, Restored},
    report::words::plural,
};

/// Back up and check the ledger
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo ledger backup ledger-2026-11-29.db
  mimeo ledger check")]
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

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    match &args.command {
        Command::Backup(args) => backup(args, context),
        Command::Check(args) => check(args, context),
    }
}

fn backup(args: &BackupArgs, context: &Context) -> Result<Exit, Failure> {
    let config = context.config(args.ledger.say(Overrides::default()))?;
    let file = context.path(&args.file);
    sending::runtime()?.block_on(async {
        let ledger = Ledger::open_read_only(&config.ledger)?;
        ledger.backup(&file).await?;
        record_backup(&config, context.now);
        context.terminal.say(&format!("`{}` is a copy of the ledger", file.display()));
        Ok(Exit::Done)
    })
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
        return Err(LedgerError::Missing { path: config.ledger }.into());
    }
    sending::runtime()?.block_on(async {
        let ledger = context.ledger(&config.ledger, Restored::Refuse)?;
        ledger.check().await?;
        let dispatches = ledger.dispatches().await?.len() as u64;
        context.terminal.say(&format!("no damage found; {}", plural(dispatches, "dispatch", "dispatches")));
        context.terminal.say(&match ledger.mark().await? {
            Some(mark) => format!("an older copy of the ledger, or of its whole folder, is noticed: `{}`", mark.display()),
            None => "an older copy of the ledger is noticed, but not one of its whole folder: the user's state directory \
                     (XDG_STATE_HOME, or ~/.local/state) cannot be written"
                .to_owned(),
        });
        Ok(Exit::Done)
    })
}
