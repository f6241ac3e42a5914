use super::{Context, Exit, Failure, flags, sending, status};
use crate::{
    address::EmailAddress,
    config::Overrides,
    ledger::{Decision, Ledger},
    report::words::plural,
};

/// Decide about letters whose fate nobody knows
///
/// A letter is unconfirmed when its last bytes left and no answer came: a crash, a broken line. Most of them did arrive.
/// Nothing is resent by itself.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("decision").required(true))]
#[command(after_help = "Examples:
  mimeo status 52 --list unconfirmed
  mimeo resolve 52 --accept
  mimeo resolve 52 --resend someone@example.com && mimeo send 52")]
pub(crate) struct Args {
    /// The issue: its name, a part of it, its number or its path
    issue: String,
    /// Take them as accepted
    #[arg(long, group = "decision")]
    accept: bool,
    /// Let the next `mimeo send` hand them over again: the same bytes, perhaps a second time
    #[arg(long, group = "decision")]
    resend: bool,
    /// Only these people [default: all unconfirmed ones]
    addresses: Vec<String>,
    #[command(flatten)]
    ledger: flags::Ledger,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let config = context.config(args.ledger.say(Overrides::default()))?;
    let mut addresses = Vec::new();
    for text in &args.addresses {
        let address = EmailAddress::parse(text)
            .map_err(|error| Failure::input(format!("`{text}` is no address: {error}")).exit(Exit::Usage))?;
        addresses.push(address);
    }
    sending::runtime()?.block_on(async {
        let ledger = Ledger::open(&config.ledger)?;
        // What a dead sender left behind is up for a decision too.
        ledger.reap(context.now).await?;
        let Some(record) = status::dispatch(context, &ledger, &args.issue).await? else {
            return Err(Failure::input(format!("`{}` has not been sent to anybody", args.issue)));
        };
        let decision = if args.accept { Decision::Accept } else { Decision::Resend };
        let only = (!addresses.is_empty()).then_some(addresses);
        let asked = only.as_ref().map(Vec::len);
        let changed = ledger.decide(record.id, decision, only, context.now).await?;
        let what = plural(changed, "unconfirmed letter", "unconfirmed letters");
        context.terminal.say(&match decision {
            Decision::Accept => format!("{what} taken as accepted"),
            _ if changed == 0 => what,
            _ => format!("{what} back in the queue: run `mimeo send {}`", args.issue),
        });
        match asked {
            Some(asked) if changed < asked as u64 => Err(Failure::input(format!(
                "{} of the addresses had no unconfirmed letter",
                asked as u64 - changed
            ))
            .hint(format!("`mimeo status {} --list unconfirmed` names those that have", args.issue))),
            _ => Ok(Exit::Done),
        }
    })
}
