mod markdown;

use std::{fs, path::PathBuf};

use super::{
    context::Context,
    failure::{Exit, Failure},
};

/// Print the manual page
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  mimeo man | man -l -\n  mimeo man --markdown > commands.md\n  mimeo man -o ~/.local/share/man/man1"
)]
pub(crate) struct Args {
    /// Write a page for each command into this folder
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Print all commands and options as one Markdown page
    #[arg(long, conflicts_with = "output")]
    markdown: bool,
}

pub(crate) fn run(args: &Args, command: clap::Command, context: &Context) -> Result<Exit, Failure> {
    if args.markdown {
        let page = markdown::page(command);
        context.terminal.data(&page).map_err(Failure::output)?;
        return Ok(Exit::Done);
    }
    match &args.output {
        Some(folder) => {
            let written = fs::create_dir_all(folder)
                .and_then(|()| clap_mangen::generate_to(command.disable_help_subcommand(true), folder));
            written.map_err(|error| Failure::file("write manual pages into", folder, error))?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page).map_err(Failure::output)?;
            context.terminal.data(&String::from_utf8_lossy(&page)).map_err(Failure::output)?;
        }
    }
    Ok(Exit::Done)
}
