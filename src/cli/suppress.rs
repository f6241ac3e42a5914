use std::path::PathBuf;

use super::{Context, Exit, Failure, flags, sending};
use crate::{
    address::EmailAddress,
    config::Overrides,
    ledger::{Ledger, LedgerError, Reason, Restored, Suppression},
    report::words::{plural, when},
    subscriber::{self, Suppressions},
};

/// Suppress addresses
///
/// From now on a suppressed address gets no letters, whatever the list says, even if a dispatch is running. Without
/// addresses it prints all suppressions as CSV.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo suppress someone@example.com --reason unsubscribed --note \"asked by phone\"
  mimeo suppress --from old-suppressions.csv
  mimeo suppress > suppressions.csv")]
pub(crate) struct Args {
    /// The addresses
    addresses: Vec<EmailAddress>,
    /// The reason: unsubscribed, hard_bounce, complaint or by_hand
    #[arg(long, value_name = "REASON", default_value = "by_hand")]
    reason: String,
    /// A note for yourself
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Read the addresses from a CSV file, with optional columns `reason`, `date` and `note`
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    #[command(flatten)]
    ledger: flags::Ledger,
}

/// Lift suppressions
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo unsuppress someone@example.com")]
pub(crate) struct UnArgs {
    /// The addresses
    #[arg(required = true)]
    addresses: Vec<EmailAddress>,
    #[command(flatten)]
    ledger: flags::Ledger,
}

fn reason(word: &str) -> Option<Reason> {
    Reason::from_word(&word.trim().to_lowercase().replace([' ', '-'], "_"))
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let config = context.config(args.ledger.say(Overrides::default()))?;
    let why = reason(&args.reason).ok_or_else(|| {
        let known: Vec<_> = Reason::ALL.iter().map(|reason| reason.word()).collect();
        Failure::input(format!("unknown reason `{}`", args.reason))
            .hint(format!("known reasons are: {}; `--note` takes words of your own", known.join(", ")))
            .exit(Exit::Usage)
    })?;
    let addresses = args.addresses.clone();
    let now = context.now;
    sending::runtime()?.block_on(async {
        if addresses.is_empty() && args.from.is_none() {
            return print(context, &config.ledger).await;
        }
        let mut all: Vec<Suppression> = addresses
            .into_iter()
            .map(|address| Suppression { address, reason: why, note: args.note.clone(), at: now })
            .collect();
        if let Some(path) = &args.from {
            let mut bad = Vec::new();
            for row in Suppressions::open(path)? {
                match row? {
                    Ok(one) => {
                        let known = one.reason.as_deref().and_then(reason);
                        // Other programs have reasons of their own: such a one is kept as the note.
                        let words = one.reason.filter(|_| known.is_none());
                        all.push(Suppression {
                            reason: known.unwrap_or(why),
                            note: args.note.clone().or(one.note).or(words),
                            at: one.date.unwrap_or(now),
                            address: one.address,
                        });
                    }
                    Err(diagnostic) => bad.push(diagnostic),
                }
            }
            if !bad.is_empty() {
                return Err(Failure::found(bad).hint("nothing was changed"));
            }
        }
        let ledger = context.ledger(&config.ledger, Restored::Refuse)?;
        let total = all.len() as u64;
        let new = ledger.suppress_all(all.into_iter().map(Ok).collect::<Vec<_>>()).await?;
        let before = if new < total { format!(", {} were so before", total - new) } else { String::new() };
        context.terminal.say(&format!("{} suppressed{before}", plural(new, "address is", "addresses are")));
        Ok(Exit::Done)
    })
}

/// The whole suppression list, as CSV.
async fn print(context: &Context, path: &std::path::Path) -> Result<Exit, Failure> {
    let mut rows = Vec::new();
    match Ledger::open_read_only(path) {
        Ok(ledger) => {
            let mut pages = ledger.suppressions();
            while let Some(one) = pages.next().await? {
                rows.push(subscriber::Suppression {
                    address: one.address,
                    reason: Some(one.reason.word().to_owned()),
                    date: Some(one.at),
                    note: one.note,
                });
            }
        }
        Err(LedgerError::Missing { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let bytes = Suppressions::write(Vec::new(), rows).map_err(Failure::output)?;
    context.terminal.data(&String::from_utf8_lossy(&bytes)).map_err(Failure::output)?;
    Ok(Exit::Done)
}

pub(crate) fn lift(args: &UnArgs, context: &Context) -> Result<Exit, Failure> {
    let config = context.config(args.ledger.say(Overrides::default()))?;
    sending::runtime()?.block_on(async {
        let ledger = context.ledger(&config.ledger, Restored::Refuse)?;
        let mut missing = 0;
        for address in &args.addresses {
            match ledger.suppression(address).await? {
                Some(one) if ledger.unsuppress(address).await? => {
                    context
                        .terminal
                        .say(&format!("{address} gets letters again (suppressed {})", when(one.at)));
                }
                _ => missing += 1,
            }
        }
        if missing == 0 {
            return Ok(Exit::Done);
        }
        let what = plural(missing, "address was", "addresses were");
        Err(Failure::input(format!("{what} not suppressed")))
    })
}
