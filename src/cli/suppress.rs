use std::{collections::HashSet, path::PathBuf};

use super::{
    common,
    context::Context,
    failure::{Exit, Failure},
    flags, suppression_file,
};
use crate::{
    address::EmailAddress,
    audience::Audience,
    config::{Config, Overrides},
    ledger::{Ledger, LedgerError, Reason, Restored, Suppression},
    report::format::{plural, when},
    subscriber::{self, Suppressions},
};

/// Suppress addresses
///
/// From now on a suppressed address gets no letters, whatever the list says, even if a dispatch is running. Without
/// addresses it prints all suppressions as CSV. If `[suppress] file` names a file, that is kept up to date: notes and addresses
/// stay in the ledger.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo suppress someone@example.com --reason unsubscribed --note \"asked by phone\"
  mimeo suppress --from old-suppressions.csv
  mimeo suppress > suppressions.csv
  mimeo suppress --write-file")]
pub(crate) struct Args {
    /// The addresses
    addresses: Vec<EmailAddress>,
    /// The reason: unsubscribed, hard_bounce, soft_bounce, complaint or by_hand [default: by_hand]
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
    /// A note for yourself; with --from, for rows that have none
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Read the addresses from a CSV file, with optional columns `reason`, `date` and `note`
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Write all suppressions of the ledger into the file that `[suppress] file` names
    #[arg(long, conflicts_with_all = ["addresses", "from", "reason", "note"])]
    write_file: bool,
    #[command(flatten)]
    ledger: flags::KeyedLedger,
}

/// Lift suppressions
///
/// Someone on a managed list who is unsubscribed, bounced or complained there stays so: `mimeo subscribers resubscribe` makes
/// them active again, with a reason.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo unsuppress someone@example.com")]
pub(crate) struct UnArgs {
    /// The addresses
    #[arg(required = true)]
    addresses: Vec<EmailAddress>,
    #[command(flatten)]
    ledger: flags::KeyedLedger,
}

fn reason(word: &str) -> Option<Reason> {
    Reason::from_word(&word.trim().to_lowercase().replace([' ', '-'], "_"))
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let config = context.config(args.ledger.say(Overrides::default()))?;
    let why = args.why()?;
    common::runtime()?.block_on(async {
        if args.write_file {
            return write_file(context, &config).await;
        }
        if args.addresses.is_empty() && args.from.is_none() {
            if args.note.is_some() || args.reason.is_some() {
                return Err(Failure::input("no address to suppress")
                    .hint("name the addresses, or a table with --from; without both, all suppressions are printed")
                    .exit(Exit::Usage));
            }
            return print(context, &config).await;
        }
        let all = args.suppressions(why, context)?;
        // What is wrong with the file or the key comes first: nothing is changed then.
        if config.suppression_file.as_ref().is_some_and(|path| path.exists()) {
            suppression_file::read(&config)?;
        }
        let ledger = context.ledger(&config.ledger, Restored::Refuse)?;
        if config.list.file().is_none() {
            // An earlier address of someone on the list stands for the person.
            ledger.recognize(common::list_tokens(&config)?).await?;
        }
        let total = all.len() as u64;
        let new = ledger.suppress_all(all.clone().into_iter().map(Ok).collect::<Vec<_>>()).await?;
        suppression_file::update(&config, &ledger, |file| suppression_file::add(file, &all)).await?;
        let before = if new < total { format!(", {} were so before", total - new) } else { String::new() };
        context.terminal.say(&format!("{} suppressed{before}", plural(new, "address is", "addresses are")));
        Ok(Exit::Done)
    })
}

impl Args {
    fn why(&self) -> Result<Reason, Failure> {
        let Some(word) = &self.reason else { return Ok(Reason::ByHand) };
        reason(word).ok_or_else(|| {
            let known: Vec<_> = Reason::ALL.iter().map(|reason| reason.word()).collect();
            Failure::input(format!("unknown reason `{word}`"))
                .hint(format!("known reasons are: {}; `--note` takes words of your own", known.join(", ")))
                .exit(Exit::Usage)
        })
    }

    /// The addresses of the command line and of the table.
    fn suppressions(&self, why: Reason, context: &Context) -> Result<Vec<Suppression>, Failure> {
        let now = context.now;
        let mut all: Vec<Suppression> = self
            .addresses
            .iter()
            .map(|address| Suppression {
                address: address.clone(),
                reason: why,
                note: self.note.clone(),
                at: now,
            })
            .collect();
        let Some(path) = &self.from else { return Ok(all) };
        let mut bad = Vec::new();
        for row in Suppressions::open(path)? {
            match row? {
                Ok(one) => {
                    let known = one.reason.as_deref().and_then(reason);
                    // Other programs have reasons of their own: such a one is kept in the note.
                    let words = one.reason.filter(|_| known.is_none());
                    let own = match (words, one.note) {
                        (Some(words), Some(note)) => Some(format!("{words}; {note}")),
                        (words, note) => words.or(note),
                    };
                    all.push(Suppression {
                        reason: known.unwrap_or(why),
                        note: own.or_else(|| self.note.clone()),
                        at: one.date.unwrap_or(now),
                        address: one.address,
                    });
                }
                Err(diagnostic) => bad.push(diagnostic),
            }
        }
        if bad.is_empty() { Ok(all) } else { Err(Failure::found(bad).hint("nothing was changed")) }
    }
}

/// Brings the file up to date with the ledger.
async fn write_file(context: &Context, config: &Config) -> Result<Exit, Failure> {
    let Some(path) = &config.suppression_file else {
        return Err(Failure::input("no suppression file is set")
            .hint("add it to mimeo.toml: under [suppress], `file = \"suppressions.txt\"`"));
    };
    let ledger = context.ledger(&config.ledger, Restored::Refuse)?;
    let mut all = Vec::new();
    let mut pages = ledger.suppressions();
    while let Some(one) = pages.next().await? {
        all.push(one);
    }
    suppression_file::update(config, &ledger, |file| suppression_file::add(file, &all)).await?;
    let total = suppression_file::read(config)?.map_or(0, |file| file.len() as u64);
    context.terminal.say(&format!(
        "`{}` has {}",
        path.display(),
        plural(total, "suppression", "suppressions")
    ));
    Ok(Exit::Done)
}

/// The whole suppression list, as CSV: the ledger's, and those of the file whose addresses are on the list.
async fn print(context: &Context, config: &Config) -> Result<Exit, Failure> {
    let mut all = Vec::new();
    match Ledger::open_read_only(&config.ledger) {
        Ok(ledger) => {
            let mut pages = ledger.suppressions();
            while let Some(one) = pages.next().await? {
                all.push(one);
            }
        }
        Err(LedgerError::Missing { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let file = match &config.suppression_file {
        Some(path) if path.exists() => suppression_file::read(config)?,
        _ => None,
    };
    if let Some(file) = &file {
        let mut keys: HashSet<String> = all.iter().map(|one| one.address.key()).collect();
        let found = suppression_file::known(config, file, None).await?;
        all.extend(found.into_iter().filter(|one| keys.insert(one.address.key())));
        let named = all.iter().filter(|one| file.get(&one.address).is_some()).count();
        let unnamed = (file.len() - named) as u64;
        if unnamed > 0 {
            context.terminal.say(&format!(
                "{} in the suppression file only, as a hash: the address is neither in the ledger nor on the list",
                plural(unnamed, "address is", "addresses are")
            ));
        }
    }
    let rows: Vec<_> = all
        .into_iter()
        .map(|one| subscriber::Suppression {
            address: one.address,
            reason: Some(one.reason.word().to_owned()),
            date: Some(one.at),
            note: one.note,
        })
        .collect();
    let bytes = Suppressions::write(Vec::new(), rows).map_err(Failure::output)?;
    context.terminal.data(&String::from_utf8_lossy(&bytes)).map_err(Failure::output)?;
    Ok(Exit::Done)
}

pub(crate) fn lift(args: &UnArgs, context: &Context) -> Result<Exit, Failure> {
    let config = context.config(args.ledger.say(Overrides::default()))?;
    common::runtime()?.block_on(async {
        if config.suppression_file.as_ref().is_some_and(|path| path.exists()) {
            suppression_file::read(&config)?;
        }
        let ledger = context.ledger(&config.ledger, Restored::Refuse)?;
        let tokens = common::list_tokens(&config)?;
        let audience = match config.list.file() {
            None => Some(Audience::open(ledger.clone(), tokens.clone(), context.now).await?),
            Some(_) => None,
        };
        let (mut missing, mut off) = (0, Vec::new());
        for address in &args.addresses {
            let one = ledger.suppression(address).await?;
            let mut was_lifted =
                suppression_file::update(&config, &ledger, |file| u64::from(file.remove(address))).await? > 0;
            was_lifted |= ledger.unsuppress(address).await?;
            for person in tokens.people(&address.key()) {
                was_lifted |= ledger.unsuppress_hash(person).await?;
            }
            let status = match &audience {
                Some(audience) => audience.find(address).await?.map(|person| person.status),
                None => None,
            };
            let status = status.filter(|status| status.is_no());
            off.extend(status.map(|_| address));
            let since = one.map_or(String::new(), |one| format!(" (suppressed {})", when(one.at)));
            match status {
                _ if !was_lifted => missing += 1,
                None => context.terminal.say(&format!("{address} gets letters again{since}")),
                Some(status) => context.terminal.say(&format!(
                    "{address} is suppressed no longer{since}, but is {status} on the list, and still gets no letters"
                )),
            }
        }
        // Lifting a suppression takes back what the owner did; whether a person wants letters is another question.
        let way_out = off.first().map(|address| {
            format!(
                "`mimeo subscribers resubscribe {} --reason \"…\"` makes someone active again who wants letters",
                address.expose()
            )
        });
        if missing == 0 {
            if let Some(way_out) = way_out {
                context.terminal.say(&way_out);
            }
            return Ok(Exit::Done);
        }
        let what = plural(missing, "address was", "addresses were");
        let failure = Failure::input(format!("{what} not suppressed"));
        Err(match way_out {
            Some(way_out) => failure.hint(way_out),
            None => failure,
        })
    })
}
