//! `mimeo subscribers check`.

use std::fmt::Write as _;

use serde_json::json;

use super::super::flags;
use crate::{
    cli::{
        context::Context,
        failure::{Exit, Failure},
        json::versioned,
    },
    config::Overrides,
    report::{
        diagnostics,
        format::{count, plural},
    },
    subscriber::{Inactive, List, ListError, Scan, is_about_consent},
};

/// Count the people on the list and report every row that cannot be used
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  mimeo subscribers check\n  mimeo subscribers check --list friends.csv --json"
)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    list: flags::List,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Show at most N problems
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

pub(super) fn open(flag: &flags::List, context: &Context) -> Result<List, Failure> {
    let config = context.config(flag.say(Overrides::default()))?;
    List::open(&config.list).map_err(unreadable)
}

pub(super) fn unreadable(error: ListError) -> Failure {
    match error {
        ListError::Unusable { diagnostics, .. } => Failure::found(diagnostics),
        error @ ListError::Stored { .. } => error.into(),
        error => Failure::input(error).hint("`[list] path` in mimeo.toml or `--list FILE` names the list"),
    }
}

pub(super) fn check(args: &CheckArgs, context: &Context) -> Result<Exit, Failure> {
    let list = open(&args.list, context)?;
    let (path, columns) = (list.path().to_owned(), list.columns().to_vec());
    let scan = list.scan(args.limit).map_err(unreadable)?;
    let exit = if scan.bad == 0 { Exit::Done } else { Exit::BadInput };
    if args.json {
        let mut object = versioned(diagnostics::json(&scan.diagnostics));
        object["list"] = path.to_string_lossy().into();
        object["people"] = scan.people.into();
        // Only an issue makes someone off its topics.
        for (why, number) in scan.inactive.iter().filter(|(why, _)| *why != Inactive::OffTopic) {
            object[why.key()] = number.into();
        }
        object["repeats"] = scan.repeats.into();
        object["bad"] = scan.bad.into();
        object["columns"] = columns.into();
        object["empty"] = json!(scan.empty);
        context.terminal.data(&format!("{object:#}\n")).map_err(Failure::output)?;
        return Ok(exit);
    }
    if !scan.diagnostics.is_empty() {
        context.terminal.say(diagnostics::human(&scan.diagnostics, context.terminal.links()).trim_end());
        let more = (scan.bad + scan.repeats).saturating_sub(scan.diagnostics.len() as u64);
        if more != 0 {
            context
                .terminal
                .say(&format!("\n… and {more} more; --limit {} shows them", scan.bad + scan.repeats));
        }
        context.terminal.say("");
    }
    context.terminal.data(&summary(&path.display().to_string(), &columns, &scan)).map_err(Failure::output)?;
    Ok(exit)
}

fn summary(path: &str, columns: &[String], scan: &Scan) -> String {
    let mut text = format!("{path}: {}", plural(scan.people, "person", "people"));
    let inactive = scan.inactive.iter().map(|(why, number)| (number, why.word()));
    let more = [
        (scan.repeats, if scan.repeats == 1 { "repeat" } else { "repeats" }),
        (scan.bad, if scan.bad == 1 { "row that cannot be read" } else { "rows that cannot be read" }),
    ];
    for (number, what) in inactive.chain(more).filter(|(number, _)| *number != 0) {
        let _ = write!(text, ", {} {what}", count(number)); // writing to a String cannot fail
    }
    // What a list says about consent is there too, and no letter has a use for it.
    let names =
        columns.iter().filter(|name| !is_about_consent(name)).map(|name| match scan.empty.get(name) {
            Some(0) | None => format!("subscriber.{name}"),
            Some(empty) => format!("subscriber.{name} (empty for {})", count(*empty)),
        });
    let _ = write!(text, "\nfor placeholders: {}\n", names.collect::<Vec<_>>().join(", "));
    text
}
