//! `mimeo subscribers list`.

use std::{fmt::Write as _, path::PathBuf};

use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::json;

use super::{
    file::{open as open_list, unreadable},
    managed::reading,
};
use crate::{
    audience::{ManagedList, Person, Status},
    cli::{
        common,
        context::Context,
        failure::{Exit, Failure},
        flags,
        json::{VERSION, versioned},
    },
    config::{Config, Overrides},
    message::ListTokens,
    report::diagnostics,
    source::{Diagnostic, Place, Severity},
    subscriber::{Condition, ConditionError, Row, Subscriber},
};

/// Print the people who get letters, one per line: address, tab, name
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo subscribers list | wc -l
  mimeo subscribers list --json
  mimeo subscribers list --where 'city == \"Berlin\" && \"beta\" in tags'
  mimeo subscribers list --status unsubscribed")]
pub(super) struct ListArgs {
    #[command(flatten)]
    list: flags::List,
    #[command(flatten)]
    ledger: flags::KeyedLedger,
    /// Print the people of a managed list who have this status; `all` prints everybody
    #[arg(long, value_name = "STATUS")]
    status: Option<StatusFlag>,
    /// Print only the people who meet this condition
    #[arg(long = "where", value_name = "CONDITION")]
    condition: Option<String>,
    /// Print one JSON object per line, with all fields and the token that unsubscribes the person
    #[arg(long)]
    json: bool,
}

/// A status, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum StatusFlag {
    All,
    Active,
    Pending,
    Paused,
    Unsubscribed,
    Bounced,
    Complained,
}

impl StatusFlag {
    /// The status; `None` for all of them.
    pub(super) fn status(self) -> Option<Status> {
        match self {
            Self::All => None,
            Self::Active => Some(Status::Active),
            Self::Pending => Some(Status::Pending),
            Self::Paused => Some(Status::Paused),
            Self::Unsubscribed => Some(Status::Unsubscribed),
            Self::Bounced => Some(Status::Bounced),
            Self::Complained => Some(Status::Complained),
        }
    }
}

/// Who is printed.
pub(super) struct Choice {
    condition: Option<Condition>,
    status: Option<Status>,
    now: Timestamp,
    /// Where the list is, for reports.
    path: PathBuf,
}

impl Choice {
    fn new(
        text: Option<&str>,
        columns: &[String],
        config: &Config,
        context: &Context,
    ) -> Result<Self, Failure> {
        let condition = text.map(|text| context.condition(text, config)).transpose()?;
        if let Some(condition) = &condition {
            condition.check(columns.iter().map(String::as_str)).map_err(Failure::found)?;
        }
        Ok(Self { condition, status: None, now: context.now, path: PathBuf::new() })
    }

    pub(super) fn of_managed(
        text: Option<&str>,
        status: Option<Status>,
        list: &ManagedList,
        config: &Config,
        context: &Context,
    ) -> Result<Self, Failure> {
        let choice = Self::new(text, &list.columns()?, config, context)?;
        Ok(Self { status, path: list.path().to_owned(), ..choice })
    }

    fn condition(&self, person: &Subscriber) -> Result<bool, ConditionError> {
        self.condition.as_ref().map_or(Ok(true), |condition| condition.matches(person))
    }

    /// Whether someone on a managed list is printed.
    pub(super) fn means(&self, person: &Person) -> Result<bool, Failure> {
        let status = person.status_now(self.now);
        if self.status.is_some_and(|wanted| wanted != status) {
            return Ok(false);
        }
        if self.condition.is_none() {
            return Ok(true);
        }
        let mut subscriber = person.clone().into_subscriber();
        subscriber.fields.insert("status", status.word());
        self.condition(&subscriber).map_err(|error| {
            let why = ConditionError { why: format!("{} ({})", error.why, person.address), ..error };
            undecided(Place::File { path: self.path.clone() }, &why)
        })
    }
}

/// A person of whom a condition does not say whether it means them.
fn undecided(place: Place, error: &ConditionError) -> Failure {
    Failure::found(vec![Diagnostic::at("M322", Severity::Error, place, error.to_string()).help(
        "fix the value, or let the condition pass such people over: has(subscriber.age) && int(age) > 40",
    )])
}

/// So many bytes are written at once.
pub(super) const CHUNK: usize = 64 * 1024;

/// Text on its way to standard output.
pub(super) struct Output<'a> {
    context: &'a Context,
    pub(super) text: String,
}

impl<'a> Output<'a> {
    pub(super) fn new(context: &'a Context) -> Self {
        Self { context, text: String::with_capacity(CHUNK + 1024) }
    }

    pub(super) fn flow(&mut self) -> Result<(), Failure> {
        if self.text.len() >= CHUNK { self.finish() } else { Ok(()) }
    }

    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        self.context.terminal.data(&self.text).map_err(Failure::output)?;
        self.text.clear();
        Ok(())
    }
}

pub(super) fn list(args: &ListArgs, context: &Context) -> Result<Exit, Failure> {
    let config = context.config(args.list.say(args.ledger.say(Overrides::default())))?;
    let tokens = if args.json { Some(common::list_tokens(&config)?) } else { None };
    let mut output = Output::new(context);
    if config.list.file().is_none() {
        let list = reading(&config);
        let status = args.status.unwrap_or(StatusFlag::Active).status();
        let choice = Choice::of_managed(args.condition.as_deref(), status, &list, &config, context)?;
        for person in list.people()? {
            let person = person?;
            if !choice.means(&person)? {
                continue;
            }
            managed_line(&mut output.text, person, tokens.as_ref());
            output.flow()?;
        }
        output.finish()?;
        return Ok(Exit::Done);
    }
    if args.status.is_some() {
        return Err(Failure::input("a list in a file has no history of statuses")
            .hint("without --status, the people who get letters are printed"));
    }
    let mut exit = Exit::Done;
    let rows = open_list(&args.list, context)?;
    let path = rows.path().to_owned();
    let choice = Choice::new(args.condition.as_deref(), rows.columns(), &config, context)?;
    for row in rows {
        match row.map_err(unreadable)? {
            Row::Person { subscriber, line: at } => match choice.condition(&subscriber) {
                Ok(false) => {}
                Ok(true) => line(&mut output.text, &subscriber, tokens.as_ref()),
                Err(error) => {
                    let place = Place::Row { path: path.clone(), line: at, column: error.field.clone() };
                    return Err(undecided(place, &error));
                }
            },
            Row::Inactive { .. } | Row::Repeat(_) => {}
            Row::Bad(diagnostic) => {
                exit = Exit::BadInput;
                context.terminal.print(
                    diagnostics::human(&[diagnostic], context.terminal.links()).trim_end_matches('\n'),
                );
                context.terminal.print("");
            }
        }
        output.flow()?;
    }
    output.finish()?;
    Ok(exit)
}

fn line(text: &mut String, person: &Subscriber, tokens: Option<&ListTokens>) {
    let address = person.address.expose();
    // Writing to a String cannot fail.
    let _ = match tokens {
        Some(tokens) => writeln!(
            text,
            "{}",
            json!({
                "version": VERSION,
                "email": address,
                "name": person.name,
                "fields": person.fields,
                "token": tokens.unsubscribe(&person.address),
            })
        ),
        None => plain_line(text, address, person.name.as_deref()),
    };
}

fn managed_line(text: &mut String, person: Person, tokens: Option<&ListTokens>) {
    let _ = match tokens {
        Some(tokens) => {
            let token = tokens.unsubscribe(&person.address);
            let mut object = versioned(json!(person));
            object["token"] = token.into();
            writeln!(text, "{object}")
        }
        None => plain_line(text, person.address.expose(), person.name.as_deref()),
    };
}

fn plain_line(text: &mut String, address: &str, name: Option<&str>) -> std::fmt::Result {
    // A list may hold anything, and this may be a terminal.
    writeln!(text, "{address}\t{}", name.unwrap_or_default().replace(char::is_control, " "))
}
