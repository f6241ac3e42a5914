use std::path::PathBuf;

use clap::Subcommand;

use super::{Context, Exit, Failure, flags, sending};
use crate::{
    config::Overrides,
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
        context.terminal.say(&format!("`{}` is a copy of the ledger", file.display()));
        Ok(Exit::Done)
    })
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
