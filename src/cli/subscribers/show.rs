//! `mimeo subscribers show`.

use std::fmt::Write as _;

use serde_json::json;

use super::managed::{managed, open};
use crate::{
    address::EmailAddress,
    audience::Record,
    cli::{
        context::Context,
        failure::{Exit, Failure},
        flags,
        json::versioned,
    },
    report::format::{printable, when},
};

/// Print everything that is known about a person
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo subscribers show ann@example.com
  mimeo subscribers show ann@example.com --json > ann.json")]
pub(super) struct Args {
    /// The address
    address: EmailAddress,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    ledger: flags::KeyedLedger,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let config = managed(&args.ledger, context)?;
    let (runtime, audience) = open(&config, context)?;
    let Some(record) = runtime.block_on(audience.record(&args.address))? else {
        return Err(Failure::input(format!("nothing is known about {}", args.address)));
    };
    if args.json {
        let mut object = versioned(json!(record));
        object["letters"] = record
            .deliveries
            .iter()
            .map(|one| {
                json!({
                    "issue": one.dispatch.slug,
                    "state": one.delivery.state.to_string(),
                    "at": one.delivery.at.map(|at| at.to_string()),
                })
            })
            .collect();
        context.terminal.data(&format!("{object:#}\n")).map_err(Failure::output)?;
        return Ok(Exit::Done);
    }
    context.terminal.data(&text(&args.address, &record)).map_err(Failure::output)?;
    Ok(Exit::Done)
}

fn text(address: &EmailAddress, record: &Record) -> String {
    let mut text = format!("{}\n", address.expose());
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {name:<12} {}", printable(value));
        }
    };
    match &record.person {
        None => line("status", "not on the list"),
        Some(person) => {
            let until = person.paused_until.map_or(String::new(), |until| format!(", until {}", when(until)));
            line("status", &format!("{} since {}{until}", person.status, when(person.status_at)));
            line("name", person.name.as_deref().unwrap_or_default());
            line("language", person.language.as_deref().unwrap_or_default());
            line("tags", &person.tags.to_string());
            line("topics", &person.topics.to_string());
            line("joined", &format!("{} ({})", when(person.joined_at), person.source));
            for (name, value) in person.fields.iter() {
                line(name, value);
            }
        }
    }
    if let Some(one) = &record.suppression {
        let note = one.note.as_ref().map_or(String::new(), |note| format!(": {note}"));
        line("suppressed", &format!("{} since {}{note}", one.reason, when(one.at)));
    }
    for consent in &record.consents {
        let mut parts = vec![consent.form.clone()];
        parts.extend(consent.requested_at.map(|at| format!("asked {}", when(at))));
        parts.extend(consent.confirmed_at.map(|at| format!("confirmed {}", when(at))));
        parts.extend(consent.requested_from.as_ref().map(|from| format!("from {from}")));
        parts.extend(
            Some(consent.topics.to_string())
                .filter(|topics| !topics.is_empty())
                .map(|topics| format!("about {topics}")),
        );
        parts.extend(consent.wording.as_ref().map(|wording| format!("\u{201c}{wording}\u{201d}")));
        line("consent", &parts.join(", "));
    }
    for entry in &record.history {
        line("history", &format!("{}  {}  {} ({})", when(entry.at), entry.change, entry.cause, entry.actor));
    }
    for one in &record.deliveries {
        let at = one.delivery.at.map_or(String::new(), |at| format!(" {}", when(at)));
        line("letter", &format!("{}: {}{at}", one.dispatch.title, one.delivery.state));
    }
    text
}
