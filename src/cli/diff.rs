mod differences;
mod letter;
mod output;
mod then;

use std::{fs, path::PathBuf};

use super::{Context, Exit, Failure, flags, issues, preview::INVENTED};
use crate::{
    address::EmailAddress,
    config::Overrides,
    web::{self, Comparison},
};
use differences::Differences;
use letter::Letter;
use then::Then;
pub(super) use then::below;

/// Show what changed in an issue's letter since a git revision
///
/// The letter is made twice: from the files as they are, and from the files at the revision (issue, pictures, stored data,
/// templates and settings). It reports changes to the inbox fields, the text part line by line, links, pictures, styles, the
/// size of the HTML part, and findings of `mimeo check`. `--page` writes both letters side by side, with a picture of their
/// difference, as one HTML file.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo diff a-year-in-review HEAD
  mimeo diff 95 main --page changes.html
  mimeo diff 95 v1.0 --json")]
pub(crate) struct Args {
    /// The issue: its number, its path, or a part of its name
    issue: String,
    /// The revision to compare with: a commit, a branch, a tag, HEAD~1
    #[arg(value_name = "REV")]
    revision: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Also write both letters and their difference into this HTML file
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// Whose letters the page shows [default: an invented person]
    #[arg(long = "as", value_name = "ADDRESS", requires = "page")]
    reader: Option<EmailAddress>,
    #[command(flatten)]
    list: flags::List,
    #[command(flatten)]
    trust: flags::Trust,
}

/// The letters and what is said about them.
struct Compared {
    then: Then,
    title: String,
    /// The issue's path from the newsletter's folder on.
    path: String,
    differences: Differences,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let config = context.config_to_run(args.list.say(args.trust.say(Overrides::default())))?;
    let file = issues::find(context, &args.issue)?;
    let then = Then::at(context, &config, &file, &args.revision)?;
    let now = Letter::of(context, &config, &file)?;
    then.lend_formulas(&file)?;
    let mut before =
        Letter::of(&then.context, &then.config, &then.file).map_err(|failure| then.named(failure))?;
    before.found = then.rename(before.found);
    let compared = Compared {
        title: now.built.rendered.title.clone(),
        path: below(&context.directory, &file.path).unwrap_or_else(|| file.path.display().to_string()),
        differences: Differences::between(&before, &now),
        then,
    };
    let text = if args.json {
        let output =
            serde_json::to_string_pretty(&output::json(args, &compared)).map_err(Failure::outside)?;
        format!("{output}\n")
    } else {
        output::human(args, &compared)
    };
    if let Some(path) = &args.page {
        let reader = match &args.reader {
            Some(reader) => reader,
            None => &INVENTED.parse().map_err(Failure::input)?,
        };
        // Who looks at a page wants to see letters, not how they are made.
        let (before, now) = (before.sampled(), now.sampled());
        let compared = Compared { differences: Differences::between(&before, &now), ..compared };
        let output = output::json(args, &compared);
        let page = web::comparison(&Comparison {
            before: &before.view(&config.list, reader)?,
            now: &now.view(&config.list, reader)?,
            differences: &output,
        });
        fs::write(path, page).map_err(|error| Failure::file("write", path, error))?;
        context.terminal.say(&path.display().to_string());
    }
    context.terminal.data(&text).map_err(Failure::output)?;
    Ok(Exit::Done)
}
