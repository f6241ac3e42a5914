//! `mimeo subscribers export`.

use std::{
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use serde_json::json;
use tempfile::NamedTempFile;

use super::{
    import::Service,
    list::{CHUNK, Choice, Output, StatusFlag},
    managed::{managed, reading},
};
use crate::{
    audience::{Exporter, ManagedList, Platform, Shaped, ShapedExport},
    cli::{
        context::Context,
        failure::{Exit, Failure},
        flags,
        json::versioned,
    },
    files::make_untracked_folder,
    report::format::plural,
};

/// Write the managed list to standard output, as CSV that can be imported again
///
/// With --for it is written as another service does it, for its import: with the names of its columns and its words for the
/// statuses. Most services make everybody active whom a file names. For these, --folder gets a file for each status.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo subscribers export > subscribers.csv
  mimeo subscribers export --format json > subscribers.jsonl
  mimeo subscribers export --for ghost > members.csv
  mimeo subscribers export --for mailchimp --folder to-mailchimp")]
pub(super) struct Args {
    /// Write a table, or one JSON object per line
    #[arg(long, value_name = "FORMAT", default_value = "csv")]
    format: Format,
    /// Write files that this service can import
    #[arg(long = "for", value_name = "SERVICE", conflicts_with = "format")]
    service: Option<Service>,
    /// Write the files for the service into this folder
    #[arg(long, value_name = "DIR", requires = "service")]
    folder: Option<PathBuf>,
    /// Write only the people who have this status
    #[arg(long, value_name = "STATUS")]
    status: Option<StatusFlag>,
    /// Write only the people who meet this condition
    #[arg(long = "where", value_name = "CONDITION")]
    condition: Option<String>,
    #[command(flatten)]
    ledger: flags::KeyedLedger,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Json,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let config = managed(&args.ledger, context)?;
    let list = reading(&config);
    let status = args.status.and_then(StatusFlag::status);
    let choice = Choice::of_managed(args.condition.as_deref(), status, &list, &config, context)?;
    if let Some(service) = args.service
        && let Some(names) = service.platform().export_files()
    {
        return match &args.folder {
            Some(folder) => into_folder(service.platform(), folder, &names, &list, &choice, context),
            None if names.len() == 1 || status.is_some() => {
                shaped(service.platform(), &list, &choice, context, |_| Ok(Whole::new(Data(context))))?
                    .into_iter()
                    .try_for_each(|mut file| io::Write::flush(&mut file.to))
                    .map_err(Failure::output)?;
                Ok(Exit::Done)
            }
            None => Err(Failure::input("the service takes a file for each status")
                .hint("name a folder for them with --folder, or choose people with --status")
                .exit(Exit::Usage)),
        };
    }
    if args.folder.is_some() {
        return Err(Failure::input("an export of ours is one file")
            .hint("without --folder it is written to standard output")
            .exit(Exit::Usage));
    }
    match args.format {
        Format::Csv => {
            let mut table = Exporter::new(Whole::new(Data(context)), list.field_names()?)?;
            for person in list.people()? {
                let person = person?;
                if choice.means(&person)? {
                    table.write(&person)?;
                }
            }
            io::Write::flush(&mut table.finish()?).map_err(Failure::output)?;
        }
        Format::Json => {
            let mut output = Output::new(context);
            for person in list.people()? {
                let person = person?;
                if choice.means(&person)? {
                    let _ = writeln!(output.text, "{}", versioned(json!(person)));
                    output.flow()?;
                }
            }
            output.finish()?;
        }
    }
    Ok(Exit::Done)
}

/// Writes everybody who is meant in the shape of a service.
fn shaped<W: io::Write>(
    platform: Platform,
    list: &ManagedList,
    choice: &Choice,
    context: &Context,
    create: impl FnMut(&str) -> io::Result<W>,
) -> Result<Vec<Shaped<W>>, Failure> {
    let Some(mut export) = ShapedExport::new(platform, list.field_names()?, create)? else {
        return Ok(Vec::new());
    };
    for person in list.people()? {
        let person = person?;
        if choice.means(&person)? {
            export.write(&person, person.status_now(context.now))?;
        }
    }
    Ok(export.finish()?)
}

/// Writes files that do not exist yet, all of them or none.
fn into_folder(
    platform: Platform,
    folder: &Path,
    names: &[&str],
    list: &ManagedList,
    choice: &Choice,
    context: &Context,
) -> Result<Exit, Failure> {
    let path = |name: &str| folder.join(format!("{name}.csv"));
    if let Some(known) = names.iter().map(|name| path(name)).find(|path| path.exists()) {
        return Err(Failure::input(format!("`{}` already exists", known.display()))
            .hint("nothing was written; choose another folder"));
    }
    make_untracked_folder(folder).map_err(|error| Failure::file("write", folder, error))?;
    let files =
        shaped(platform, list, choice, context, |_| Ok(io::BufWriter::new(NamedTempFile::new_in(folder)?)))?;
    for file in files {
        let path = path(file.name);
        let written = file.to.into_inner().map_err(io::IntoInnerError::into_error);
        written
            .and_then(|written| written.persist_noclobber(&path).map_err(|failed| failed.error))
            .map_err(|error| Failure::file("write", &path, error))?;
        context.terminal.say(&format!("{}: {}", path.display(), plural(file.people, "person", "people")));
    }
    context.terminal.say(platform.import_there());
    Ok(Exit::Done)
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
