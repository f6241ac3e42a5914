//! The `mimeo` program: arguments, clock and files, and which ledger and transport a run uses.
//!
//! In: the command line. Out: an exit code; data on standard output, messages on standard error.
//! Never: decides what a module should decide. Each command is a file of one shape: `Args` and `run`.

mod bounces;
mod build;
mod check;
mod completions;
mod context;
mod diff;
mod doctor;
mod edited;
mod explain;
mod failure;
mod flags;
mod git;
mod hints;
mod init;
mod issues;
mod keygen;
mod ledger;
mod man;
mod net;
mod new;
mod online;
mod preview;
mod relay_limits;
mod resolve;
mod send;
mod sending;
mod settings;
mod status;
mod subscribers;
mod suppress;
mod suppression_file;
mod test;
mod trust;
mod unsubscribe;
mod vendor;

pub(crate) use context::Context;
pub(crate) use failure::{Exit, Failure};

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// What follows the commands and options in `mimeo -h`.
const SHORT_HELP: &str = "A newsletter is a folder with `mimeo.toml`, `issues/` and a subscriber list. \
    `mimeo help COMMAND` describes a command.";

/// Write a newsletter in Markdown and send each issue to each subscriber once
#[derive(Parser)]
#[command(
    name = "mimeo",
    version,
    max_term_width = 100,
    after_help = SHORT_HELP,
    after_long_help = failure::long_help()
)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: flags::Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Init(init::Args),
    New(new::Args),
    Subscribers(subscribers::Args),
    Build(build::Args),
    Vendor(vendor::Args),
    Preview(preview::Args),
    Diff(diff::Args),
    Check(check::Args),
    Explain(explain::Args),
    Test(test::Args),
    Send(Box<send::Args>),
    Status(status::Args),
    Resolve(resolve::Args),
    Bounces(bounces::Args),
    Suppress(suppress::Args),
    Unsuppress(suppress::UnArgs),
    Unsubscribe(unsubscribe::Args),
    Doctor(doctor::Args),
    Ledger(ledger::Args),
    Trust(trust::Args),
    Keygen(keygen::Args),
    Settings(settings::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too. If they cannot be printed, there is no place to report that.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() };
        }
    };
    let context = Context::new(&cli.global);
    let ended = match &cli.command {
        Command::Init(args) => init::run(args, &context),
        Command::New(args) => new::run(args, &context),
        Command::Subscribers(args) => subscribers::run(args, &context),
        Command::Build(args) => build::run(args, &context),
        Command::Vendor(args) => vendor::run(args, &context),
        Command::Preview(args) => preview::run(args, &context),
        Command::Diff(args) => diff::run(args, &context),
        Command::Check(args) => check::run(args, &context),
        Command::Explain(args) => explain::run(args, &context),
        Command::Test(args) => test::run(args, &context),
        Command::Send(args) => send::run(args, &context),
        Command::Status(args) => status::run(args, &context),
        Command::Resolve(args) => resolve::run(args, &context),
        Command::Bounces(args) => bounces::run(args, &context),
        Command::Suppress(args) => suppress::run(args, &context),
        Command::Unsuppress(args) => suppress::lift(args, &context),
        Command::Unsubscribe(args) => unsubscribe::run(args, &context),
        Command::Doctor(args) => doctor::run(args, &context),
        Command::Ledger(args) => ledger::run(args, &context),
        Command::Trust(args) => trust::run(args, &context),
        Command::Keygen(args) => keygen::run(args, &context),
        Command::Settings(args) => settings::run(args, &context),
        Command::Completions(args) => completions::run(args, &context),
        Command::Man(args) => man::run(args, &context),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => failure.tell(&context.terminal).into(),
    }
}

/// The whole command line, for completions and manual pages.
fn command() -> clap::Command {
    Cli::command()
}
