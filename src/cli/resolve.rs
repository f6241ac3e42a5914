use super::{
    common,
    context::Context,
    failure::{Exit, Failure},
    flags, issues,
};
use crate::{
    address::EmailAddress,
    config::Overrides,
    ledger::{Decision, Restored},
    report::format::plural,
};

/// Decide about unconfirmed letters
///
/// A letter is unconfirmed if all of it was handed over and no answer came, because of a crash or a lost connection. Most of
/// them did arrive. They are never resent automatically.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("decision").required(true))]
#[command(after_help = "Examples:
  mimeo status 95 --state unconfirmed
  mimeo resolve 95 --accept
  mimeo resolve 95 --resend someone@example.com && mimeo send 95")]
pub(crate) struct Args {
    /// The issue: its number, its path, or a part of its name
    issue: String,
    /// Record them as accepted
    #[arg(long, group = "decision")]
    accept: bool,
    /// Queue them again: people may get the same letter twice
    #[arg(long, group = "decision")]
    resend: bool,
    /// Only these addresses [default: all unconfirmed ones]
    addresses: Vec<EmailAddress>,
    #[command(flatten)]
    ledger: flags::Ledger,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let config = context.config(args.ledger.say(Overrides::default()))?;
    let addresses = args.addresses.clone();
    common::runtime()?.block_on(async {
        let ledger = context.ledger(&config.ledger, Restored::Refuse)?;
        // What a dead sender left behind is up for a decision too.
        ledger.reap(context.now).await?;
        let Some(record) = issues::dispatch(context, &ledger, &args.issue).await? else {
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
            .hint(format!("`mimeo status {} --state unconfirmed` names those that have", args.issue))),
            _ => Ok(Exit::Done),
        }
    })
}
