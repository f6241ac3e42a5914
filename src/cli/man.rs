use std::{fs, path::PathBuf};

use super::{Context, Exit, Failure};

/// Print the manual page
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  mimeo man | man -l -\n  mimeo man -o ~/.local/share/man/man1")]
pub(crate) struct Args {
    /// Write a page for each command into this folder
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    match &args.output {
        Some(folder) => {
            let written = fs::create_dir_all(folder).and_then(|()| {
                clap_mangen::generate_to(super::command().disable_help_subcommand(true), folder)
            });
            written.map_err(|error| Failure::file("write manual pages into", folder, error))?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(super::command()).render(&mut page).map_err(Failure::output)?;
            context.terminal.data(&String::from_utf8_lossy(&page)).map_err(Failure::output)?;
        }
    }
    Ok(Exit::Done)
}
