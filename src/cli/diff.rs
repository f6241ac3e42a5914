mod args;
mod differences;
mod letter;
mod output;
mod revision;

use std::fs;

use super::{
    context::Context,
    failure::{Exit, Failure},
    git::below,
    issues,
    preview::INVENTED,
};
use crate::{
    config::Overrides,
    web::{self, Comparison},
};
pub(crate) use args::Args;
use differences::Differences;
use letter::Letter;
use output::Compared;
use revision::Revision;

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let config = context.config_to_run(args.list.say(args.trust.say(Overrides::default())))?;
    let file = issues::find(context, &args.issue)?;
    let then = Revision::at(context, &config, &file, &args.revision)?;
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
