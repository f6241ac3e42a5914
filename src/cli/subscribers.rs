//! The subscriber list: a file is inspected, a managed one is changed too.

mod edit;
mod file;
mod import;
mod list;
mod show;
mod stats;

use clap::Subcommand;
use tokio::runtime::Runtime;

use super::{Context, Exit, Failure, flags, sending};
use crate::{
    audience::{Audience, ManagedList},
    config::{Config, Overrides},
    ledger::Restored,
};

/// Inspect and change the subscriber list
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo subscribers check
  mimeo subscribers list --list friends.csv | head
  mimeo subscribers import export.csv
  mimeo subscribers show ann@example.com")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(file::CheckArgs),
    List(list::ListArgs),
    Import(import::Args),
    Export(list::ExportArgs),
    Show(show::Args),
    Add(edit::AddArgs),
    Tag(edit::TagArgs),
    Pause(edit::PauseArgs),
    Unsubscribe(edit::UnsubscribeArgs),
    Resubscribe(edit::ResubscribeArgs),
    Erase(edit::EraseArgs),
    Stats(stats::Args),
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    match &args.command {
        Command::Check(args) => file::check(args, context),
        Command::List(args) => list::list(args, context),
        Command::Import(args) => import::run(args, context),
        Command::Export(args) => list::export(args, context),
        Command::Show(args) => show::run(args, context),
        Command::Add(args) => edit::add(args, context),
        Command::Tag(args) => edit::tag(args, context),
        Command::Pause(args) => edit::pause(args, context),
        Command::Unsubscribe(args) => edit::unsubscribe(args, context),
        Command::Resubscribe(args) => edit::resubscribe(args, context),
        Command::Erase(args) => edit::erase(args, context),
        Command::Stats(args) => stats::run(args, context),
    }
}

/// The settings, where the list is managed.
fn managed(flag: &flags::Ledger, context: &Context) -> Result<Config, Failure> {
    let config = context.config(flag.say(Overrides::default()))?;
    match config.list.file() {
        None => Ok(config),
        Some(file) => Err(Failure::input(format!("the list is a file: `{}`", file.path.display())).hint(
            "edit the file, or write `managed = true` instead of `path` under [list] in mimeo.toml and import it",
        )),
    }
}

/// The managed list, to be read without anything else.
fn reading(config: &Config) -> ManagedList {
    ManagedList::new(&config.ledger)
}

/// The managed list, open for changes.
fn open(config: &Config, context: &Context) -> Result<(Runtime, Audience), Failure> {
    let runtime = sending::runtime()?;
    let tokens = sending::list_tokens(config)?;
    let ledger = context.ledger(&config.ledger, Restored::Refuse)?;
    let audience = runtime.block_on(Audience::open(ledger, tokens, context.now))?;
    Ok((runtime, audience))
}
