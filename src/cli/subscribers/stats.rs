//! `mimeo subscribers stats`.

use std::{fmt::Write as _, path::PathBuf};

use serde_json::json;

use super::managed::{managed, reading};
use crate::{
    audience::{Stats, Status},
    cli::{
        context::Context,
        failure::{Exit, Failure},
        flags,
        json::versioned,
    },
    files::{Readers, write_atomically},
    report::{format::count, growth_page},
};

/// Show how the managed list grows and shrinks
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo subscribers stats
  mimeo subscribers stats --html list.html")]
pub(super) struct Args {
    /// Write a page with a picture to this file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    ledger: flags::KeyedLedger,
}

/// Months in the table; the page and JSON have all.
const MONTHS: usize = 12;

pub(super) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let config = managed(&args.ledger, context)?;
    let stats = reading(&config).stats(context.now)?;
    if let Some(path) = &args.html {
        let page = growth_page(&config.newsletter.name, &stats, context.now);
        write_atomically(path, page.as_bytes(), Readers::Owner)
            .map_err(|error| Failure::file("write", path, error))?;
        context.terminal.say(&format!("wrote {}", path.display()));
    }
    if args.json {
        context.terminal.data(&format!("{:#}\n", versioned(json!(stats)))).map_err(Failure::output)?;
    } else if args.html.is_none() {
        context.terminal.data(&table(&stats)).map_err(Failure::output)?;
    }
    Ok(Exit::Done)
}

fn table(stats: &Stats) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for status in Status::ALL {
        let number = stats.by_status.of(status);
        if number > 0 || status == Status::Active {
            let _ = writeln!(text, "{:>9}  {status}", count(number));
        }
    }
    for (what, counts) in [("from", &stats.by_source), ("tag", &stats.by_tag), ("topic", &stats.by_topic)] {
        if !counts.is_empty() {
            text.push('\n');
        }
        for (word, number) in counts {
            let _ = writeln!(text, "{:>9}  {what} {word}", count(*number));
        }
    }
    let course = stats.course();
    if !course.is_empty() {
        let _ = writeln!(text, "\n  month      joined      lost     total");
    }
    for (month, what, size) in course.iter().skip(course.len().saturating_sub(MONTHS)) {
        let _ = writeln!(
            text,
            "  {month} {:>9} {:>9} {:>9}",
            count(what.joined),
            count(what.lost()),
            count(*size)
        );
    }
    text
}
