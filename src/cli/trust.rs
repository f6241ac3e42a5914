use std::{fs, path::PathBuf};

use super::{
    context::Context,
    failure::{Exit, Failure},
    trusted::{all, keep, programs, shown},
};
use crate::config::Overrides;

/// Allow a newsletter to run the programs that its settings name
///
/// Settings can name programs: `[math] command`, and the commands that print a key or a password. They run with your rights,
/// so they run only in newsletters that you trust. The other commands ask when they need one; this command says yes without a
/// question. If a program's words change, or a file in the newsletter's folder that they name, mimeo asks again. For one run,
/// for example in CI, use --trust or MIMEO_TRUST=1.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo trust
  mimeo trust ../kettle
  mimeo trust --revoke
  mimeo trust --show")]
pub(crate) struct Args {
    /// The newsletter's folder [default: the one of this command]
    #[arg(value_name = "DIR", conflicts_with = "show")]
    folder: Option<PathBuf>,
    /// Do not trust it any more
    #[arg(long, conflicts_with = "show")]
    revoke: bool,
    /// Print the trusted newsletters and their programs
    #[arg(long)]
    show: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    if args.show {
        return show(context);
    }
    let context = match &args.folder {
        Some(folder) => context.in_folder(folder),
        None => context.clone(),
    };
    if args.revoke {
        return revoke(&context);
    }
    let config = context.config(Overrides::default())?;
    let folder = shown(&config.root);
    if config.commands().is_empty() {
        context
            .terminal
            .say(&format!("the settings of `{folder}` name no program: there is nothing to trust"));
        return Ok(Exit::Done);
    }
    keep(&config)?;
    context.terminal.say(&format!("trusted: `{folder}` may run\n{}", programs(&config)));
    Ok(Exit::Done)
}

fn show(context: &Context) -> Result<Exit, Failure> {
    let mut text = String::new();
    for (_, kept) in all()? {
        text.push_str(&format!("{}\n", kept.folder.display()));
        for program in kept.programs {
            text.push_str(&format!("  {program}\n"));
        }
    }
    if text.is_empty() {
        context.terminal.say("no newsletter is trusted to run programs");
    }
    context.terminal.data(&text).map_err(Failure::output)?;
    Ok(Exit::Done)
}

/// Also for a folder whose settings cannot be read any more, or that is gone.
fn revoke(context: &Context) -> Result<Exit, Failure> {
    let folder = PathBuf::from(shown(&context.directory));
    let mut revoked = false;
    for (path, _) in all()?.iter().filter(|(_, kept)| kept.folder == folder) {
        fs::remove_file(path).map_err(|error| Failure::file("remove", path, error))?;
        revoked = true;
    }
    let what = if revoked { "is not trusted any more" } else { "was not trusted" };
    context.terminal.say(&format!("`{}` {what}", folder.display()));
    Ok(Exit::Done)
}
