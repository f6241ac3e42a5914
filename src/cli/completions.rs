use clap_complete::Shell;

use super::{Context, Exit, Failure};

/// Print completions for a shell
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  mimeo completions bash > ~/.local/share/bash-completion/completions/mimeo"
)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "mimeo", &mut script);
    context.terminal.data(&String::from_utf8_lossy(&script)).map_err(Failure::output)?;
    Ok(Exit::Done)
}
