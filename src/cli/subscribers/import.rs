//! `mimeo subscribers import`.

use std::path::PathBuf;

use clap::{ValueEnum, builder::PossibleValue};
use serde_json::json;

use super::{
    list::StatusFlag,
    managed::{managed, open},
};
use crate::{
    audience::{ImportOptions, ImportSummary, MergeFields, Platform, Staged, Status, StatusCounts, Words},
    cli::{
        context::Context,
        failure::{Exit, Failure},
        flags,
        json::versioned,
    },
    report::format::{count, plural},
};

/// Import people into the managed list
///
/// It shows what would change, and changes nothing without --yes. No one becomes active who is unsubscribed, bounced,
/// complained, pending, suppressed or erased here. Several files are joined: who said no in one of them, gets no letters.
/// An import happens as a whole or not at all, and can be undone.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo subscribers import friends.csv
  mimeo subscribers import --from mailchimp subscribed.csv unsubscribed.csv cleaned.csv --yes
  mimeo subscribers import --undo 3")]
pub(super) struct Args {
    /// The files; `-` is the standard input
    #[arg(required_unless_present = "undo")]
    files: Vec<PathBuf>,
    /// Where the files come from; `auto` recognizes it by their columns
    #[arg(long, value_name = "SERVICE", default_value = "auto")]
    from: From,
    /// Import instead of only showing what would change
    #[arg(short, long, alias = "apply")]
    yes: bool,
    /// The status of everybody in the files, whatever they say
    #[arg(long = "as", value_name = "STATUS")]
    all_are: Option<StatusFlag>,
    /// What happens to name and fields of people who are on the list
    #[arg(long, value_name = "HOW", default_value = "fill")]
    fields: Fields,
    /// Topics of new people whose file does not say any; can be repeated
    #[arg(long = "topic", value_name = "TOPIC")]
    topics: Vec<String>,
    /// Skip rows that cannot be used
    #[arg(long)]
    skip_bad_rows: bool,
    /// Undo the import with this number, for everybody who has not changed since
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["files", "yes", "all_are"])]
    undo: Option<i64>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    ledger: flags::KeyedLedger,
}

/// A service that lists come from and go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Service {
    Mailchimp,
    Substack,
    Ghost,
    Kit,
    Buttondown,
    Beehiiv,
    Listmonk,
    Keila,
    Mimeo,
}

impl Service {
    pub(super) fn platform(self) -> Platform {
        match self {
            Self::Mailchimp => Platform::Mailchimp,
            Self::Substack => Platform::Substack,
            Self::Ghost => Platform::Ghost,
            Self::Kit => Platform::Kit,
            Self::Buttondown => Platform::Buttondown,
            Self::Beehiiv => Platform::Beehiiv,
            Self::Listmonk => Platform::Listmonk,
            Self::Keila => Platform::Keila,
            Self::Mimeo => Platform::Mimeo,
        }
    }
}

/// Where files come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Auto,
    Csv,
    Service(Service),
}

impl From {
    fn platform(self) -> Option<Platform> {
        match self {
            Self::Auto => None,
            Self::Csv => Some(Platform::Other),
            Self::Service(service) => Some(service.platform()),
        }
    }
}

/// The services, and words for files that are not an export of one.
impl ValueEnum for From {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [From; 11] = [
            From::Auto,
            From::Service(Service::Mailchimp),
            From::Service(Service::Substack),
            From::Service(Service::Ghost),
            From::Service(Service::Kit),
            From::Service(Service::Buttondown),
            From::Service(Service::Beehiiv),
            From::Service(Service::Listmonk),
            From::Service(Service::Keila),
            From::Service(Service::Mimeo),
            From::Csv,
        ];
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Auto => Some(PossibleValue::new("auto")),
            Self::Csv => Some(PossibleValue::new("csv")),
            Self::Service(service) => service.to_possible_value(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Fields {
    /// What is missing is filled in
    Fill,
    /// Nothing changes
    Keep,
    /// What the file says counts
    Replace,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let config = managed(&args.ledger, context)?;
    if let Some(import) = args.undo {
        let (runtime, audience) = open(&config, context)?;
        let undone = runtime.block_on(audience.undo_import(import, context.now))?;
        if args.json {
            return data(context, &versioned(json!(undone)));
        }
        context.terminal.say(&format!(
            "import {import} is undone: {} removed, {} as before; {} changed since, and {} as they are",
            count(undone.removed),
            count(undone.restored),
            count(undone.kept),
            if undone.kept == 1 { "stays" } else { "stay" }
        ));
        return Ok(Exit::Done);
    }
    let options = ImportOptions {
        platform: args.from.platform(),
        all_are: args.all_are.and_then(StatusFlag::status),
        merge: match args.fields {
            Fields::Fill => MergeFields::Fill,
            Fields::Keep => MergeFields::Keep,
            Fields::Replace => MergeFields::Replace,
        },
        topics: args.topics.iter().map(String::as_str).collect::<Words>(),
        columns: config.list_columns.clone(),
    };
    let mut staged = Staged::new(options, context.now)?;
    for file in &args.files {
        let file = file.clone();
        let platform = staged.read(file.clone())?;
        if args.from == From::Auto && platform != Platform::Other && !args.json {
            context.terminal.say(&format!("{}: an export of {}", file.display(), platform.word()));
        }
    }
    let bad = std::mem::take(&mut staged.diagnostics);
    if !bad.is_empty() {
        if !args.skip_bad_rows {
            return Err(Failure::found(bad)
                .hint("nothing was changed; fix the rows, or skip them with --skip-bad-rows"));
        }
        context.terminal.show(&bad);
    }
    let (runtime, audience) = open(&config, context)?;
    let summary = if args.yes {
        runtime.block_on(audience.import(staged))?
    } else {
        runtime.block_on(audience.plan_import(staged))?.1
    };
    if args.json {
        return data(context, &versioned(json!(summary)));
    }
    context.terminal.data(&table(&summary)).map_err(Failure::output)?;
    match summary.import {
        Some(import) => {
            context.terminal.say(&format!("done; `mimeo subscribers import --undo {import}` takes it back"))
        }
        None => context.terminal.say("nothing was changed; pass --yes to import"),
    }
    Ok(Exit::Done)
}

fn data(context: &Context, value: &serde_json::Value) -> Result<Exit, Failure> {
    context.terminal.data(&format!("{value:#}\n")).map_err(Failure::output)?;
    Ok(Exit::Done)
}

/// What an import does, for people.
fn table(summary: &ImportSummary) -> String {
    let mut text =
        format!("{}: {}", plural(summary.rows, "row", "rows"), plural(summary.people, "person", "people"));
    for (number, what) in
        [(summary.repeats, "in rows that repeat an address"), (summary.bad, "in rows that cannot be used")]
    {
        if number > 0 {
            text += &format!(", {} {what}", count(number));
        }
    }
    text.push('\n');
    let by = |counts: &StatusCounts| {
        let parts: Vec<String> = Status::ALL
            .into_iter()
            .filter(|status| counts.of(*status) > 0)
            .map(|status| format!("{} {status}", count(counts.of(status))))
            .collect();
        if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
    };
    for (number, what, more) in [
        (summary.created.total(), "new", by(&summary.created)),
        (summary.changed, "changed", String::new()),
        (summary.lowered.total(), "of them get no letters from now on", by(&summary.lowered)),
        (summary.unchanged, "as they are", String::new()),
        (summary.kept.total(), "active in a file, and not made active", by(&summary.kept)),
        (summary.erased, "erased here, and not brought back", String::new()),
    ] {
        if number > 0 {
            text += &format!("{:>9}  {what}{more}\n", count(number));
        }
    }
    text
}
