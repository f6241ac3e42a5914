//! The `mimeo` program: arguments, clock and files, and which ledger and transport a run uses.
//!
//! In: the command line. Out: an exit code; data on standard output, messages on standard error.
//! Never: decides what a module should decide. Each command is a file of one shape: `Args` and `run`.

mod approve;
mod bounces;
mod build;
mod check;
mod common;
mod complete;
mod completions;
mod context;
mod course;
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
mod json;
mod keygen;
mod ledger;
mod man;
mod net;
mod new;
mod online;
mod preview;
mod relay_limits;
mod resolve;
mod scheduled;
#[cfg(test)]
mod schemas;
mod send;
mod serve;
mod settings;
mod state_folder;
mod status;
mod stop;
mod subscribers;
mod suppress;
mod suppression_file;
mod templates;
mod test;
mod trust;
mod trusted;
mod unschedule;
mod unsubscribe;
mod vendor;
mod work;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use context::Context;
use failure::Exit;

/// Write a newsletter in Markdown and send each issue to each subscriber once
#[derive(Parser)]
#[command(
    name = "mimeo",
    version,
    max_term_width = 100,
    after_help = failure::SHORT_HELP,
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
    Templates(templates::Args),
    Test(test::Args),
    Approve(approve::Args),
    Send(Box<send::Args>),
    Unschedule(unschedule::Args),
    Work(work::Args),
    Stop(stop::Args),
    Resume(stop::ResumeArgs),
    Status(status::Args),
    Resolve(resolve::Args),
    Bounces(bounces::Args),
    Suppress(suppress::Args),
    Unsuppress(suppress::UnArgs),
    Unsubscribe(unsubscribe::Args),
    Serve(serve::Args),
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
    match complete::answer(command) {
        Ok(false) => {}
        Ok(true) => return Exit::Done.into(),
        Err(error) => {
            let _ = error.print();
            return Exit::Failed.into();
        }
    }
    let wants_json = json::is_wanted(std::env::args_os());
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too. If they cannot be printed, there is no place to report that.
            let _ = error.print();
            if !error.use_stderr() {
                return Exit::Done.into();
            }
            if wants_json {
                failure::print_usage_json(&error);
            }
            return Exit::Usage.into();
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
        Command::Templates(args) => templates::run(args, &context),
        Command::Test(args) => test::run(args, &context),
        Command::Approve(args) => approve::run(args, &context),
        Command::Send(args) => send::run(args, &context),
        Command::Unschedule(args) => unschedule::run(args, &context),
        Command::Work(args) => work::run(args, &context),
        Command::Stop(args) => stop::run(args, &context),
        Command::Resume(args) => stop::resume(args, &context),
        Command::Status(args) => status::run(args, &context),
        Command::Resolve(args) => resolve::run(args, &context),
        Command::Bounces(args) => bounces::run(args, &context),
        Command::Suppress(args) => suppress::run(args, &context),
        Command::Unsuppress(args) => suppress::lift(args, &context),
        Command::Unsubscribe(args) => unsubscribe::run(args, &context),
        Command::Serve(args) => serve::run(args, &context),
        Command::Doctor(args) => doctor::run(args, &context),
        Command::Ledger(args) => ledger::run(args, &context),
        Command::Trust(args) => trust::run(args, &context),
        Command::Keygen(args) => keygen::run(args, &context),
        Command::Settings(args) => settings::run(args, &context),
        Command::Completions(args) => completions::run(args, &context),
        Command::Man(args) => man::run(args, command(), &context),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => failure.print(&context.terminal, wants_json).into(),
    }
}

/// The whole command line, for completions and manual pages.
fn command() -> clap::Command {
    complete::with_values(Cli::command())
}
