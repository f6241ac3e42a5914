//! `mimeo subscribers list` and `export`.

use std::{fmt::Write as _, io};

use clap::ValueEnum;
use serde_json::json;

use super::{
    Context, Exit, Failure,
    file::{open as open_list, unreadable},
    flags, managed, reading,
};
use crate::{
    audience::{Exporter, Person, Status},
    cli::sending,
    config::Overrides,
    message::ListTokens,
    report::diagnostics,
    subscriber::{Row, Subscriber},
};

/// Print the people who get letters, one per line: address, tab, name
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo subscribers list | wc -l
  mimeo subscribers list --json
  mimeo subscribers list --status unsubscribed")]
pub(super) struct ListArgs {
    #[command(flatten)]
    list: flags::List,
    #[command(flatten)]
    ledger: flags::Ledger,
    /// Print the people of a managed list who have this status; `all` prints everybody
    #[arg(long, value_name = "STATUS")]
    status: Option<StatusFlag>,
    /// Print one JSON object per line, with all fields and the token that unsubscribes the person
    #[arg(long)]
    json: bool,
}

/// Write the whole managed list to standard output, as CSV that can be imported again
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo subscribers export > subscribers.csv
  mimeo subscribers export --format json > subscribers.jsonl")]
pub(super) struct ExportArgs {
    /// Write a table, or one JSON object per line
    #[arg(long, value_name = "FORMAT", default_value = "csv")]
    format: Format,
    /// Write only the people who have this status
    #[arg(long, value_name = "STATUS")]
    status: Option<StatusFlag>,
    #[command(flatten)]
    ledger: flags::Ledger,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Json,
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

/// So many bytes are written at once.
const CHUNK: usize = 64 * 1024;

/// Text on its way to standard output.
struct Output<'a> {
    context: &'a Context,
    text: String,
}

impl<'a> Output<'a> {
    fn new(context: &'a Context) -> Self {
        Self { context, text: String::with_capacity(CHUNK + 1024) }
    }

    fn flow(&mut self) -> Result<(), Failure> {
        if self.text.len() >= CHUNK { self.finish() } else { Ok(()) }
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.context.terminal.data(&self.text).map_err(Failure::output)?;
        self.text.clear();
        Ok(())
    }
}

pub(super) fn list(args: &ListArgs, context: &Context) -> Result<Exit, Failure> {
    let config = context.config(args.list.say(args.ledger.say(Overrides::default())))?;
    let tokens = if args.json { Some(sending::list_tokens(&config)?) } else { None };
    let mut output = Output::new(context);
    if config.list.file().is_none() {
        let status = args.status.unwrap_or(StatusFlag::Active).status();
        for person in reading(&config).people()? {
            let person = person?;
            if status.is_some_and(|status| person.status_now(context.now) != status) {
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
    for row in open_list(&args.list, context)? {
        match row.map_err(unreadable)? {
            Row::Person { subscriber, .. } => line(&mut output.text, &subscriber, tokens.as_ref()),
            Row::Inactive { .. } | Row::Repeat(_) => {}
            Row::Bad(diagnostic) => {
                exit = Exit::BadInput;
                context.terminal.print(diagnostics::human(&[diagnostic]).trim_end_matches('\n'));
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
            let mut object = json!(person);
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

/// Standard output as a writer.
struct Data<'a>(&'a Context);

impl io::Write for Data<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.terminal.data(&String::from_utf8_lossy(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn export(args: &ExportArgs, context: &Context) -> Result<Exit, Failure> {
    let config = managed(&args.ledger, context)?;
    let list = reading(&config);
    let status = args.status.and_then(StatusFlag::status);
    let wanted = |person: &Person| status.is_none_or(|status| person.status_now(context.now) == status);
    match args.format {
        Format::Csv => {
            let mut table = Exporter::new(Whole::new(Data(context)), list.field_names()?)?;
            for person in list.people()? {
                let person = person?;
                if wanted(&person) {
                    table.write(&person)?;
                }
            }
            io::Write::flush(&mut table.finish()?).map_err(Failure::output)?;
        }
        Format::Json => {
            let mut output = Output::new(context);
            for person in list.people()? {
                let person = person?;
                if wanted(&person) {
                    let _ = writeln!(output.text, "{}", json!(person));
                    output.flow()?;
                }
            }
            output.finish()?;
        }
    }
    Ok(Exit::Done)
}

/// Hands whole characters on, however its bytes come.
struct Whole<W> {
    to: W,
    bytes: Vec<u8>,
}

impl<W: io::Write> Whole<W> {
    fn new(to: W) -> Self {
        Self { to, bytes: Vec::with_capacity(CHUNK) }
    }
}

impl<W: io::Write> io::Write for Whole<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() >= CHUNK {
            let whole = self.bytes.utf8_chunks().last().map_or(0, |chunk| chunk.invalid().len());
            let rest = self.bytes.split_off(self.bytes.len() - whole);
            self.to.write_all(&self.bytes)?;
            self.bytes = rest;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.write_all(&self.bytes)?;
        self.bytes.clear();
        self.to.flush()
    }
}
