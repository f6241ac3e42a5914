//! The subscriber list: a file is inspected, a managed one is changed too.

mod edit;
mod export;
mod file;
mod import;
mod list;
mod managed;
mod show;
mod stats;

use clap::Subcommand;

use super::{
    context::Context,
    failure::{Exit, Failure},
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
    Export(export::Args),
    Show(show::Args),
    Add(edit::AddArgs),
    Tag(edit::TagArgs),
    Topics(edit::TopicsArgs),
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
        Command::Export(args) => export::run(args, context),
        Command::Show(args) => show::run(args, context),
        Command::Add(args) => edit::add(args, context),
        Command::Tag(args) => edit::tag(args, context),
        Command::Topics(args) => edit::topics(args, context),
        Command::Pause(args) => edit::pause(args, context),
        Command::Unsubscribe(args) => edit::unsubscribe(args, context),
        Command::Resubscribe(args) => edit::resubscribe(args, context),
        Command::Erase(args) => edit::erase(args, context),
        Command::Stats(args) => stats::run(args, context),
    }
}
