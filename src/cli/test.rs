use std::sync::{Mutex, PoisonError};

use super::{
    build, common,
    context::Context,
    failure::{Exit, Failure},
    flags, issues, suppression_file,
};
use crate::{
    address::EmailAddress,
    config::{Config, Overrides},
    ledger::{Ledger, LedgerError},
    message::Composer,
    report::format::human_bytes,
    source::Severity,
    subscriber::{HEADER_VALUE_MAX, List, ListSource, Row, Subscriber},
    transport::{Halt, Letter, LetterSource, Outcome, Permit},
};

/// Send a subscriber's letter to yourself
///
/// Its subject begins with `[Test]`, its unsubscribe token does nothing, and the ledger does not change. Drafts can be tested.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo test a-year-in-review --to me@example.com
  mimeo test 95 --to me@example.com --as reader@example.org")]
pub(crate) struct Args {
    /// The issue: its number, its path, or a part of its name
    issue: String,
    /// Send the letter to this address; can be repeated
    #[arg(long, value_name = "ADDRESS", required = true)]
    to: Vec<EmailAddress>,
    /// Whose letter to send [default: the person with the address of --to, or the first on the list]
    #[arg(long = "as", value_name = "SUBSCRIBER")]
    reader: Option<EmailAddress>,
    #[command(flatten)]
    list: flags::List,
    #[command(flatten)]
    relay: flags::Relay,
    #[command(flatten)]
    outbox: flags::Outbox,
    #[command(flatten)]
    trust: flags::Trust,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let overrides = args.list.say(args.relay.say(args.outbox.say(args.trust.say(Overrides::default()))));
    let mut config = context.config_to_run(overrides)?;
    config.undrawn = Severity::Error;
    refuse_suppressed(&config, &args.to)?;
    let mut letters = Vec::new();
    let file = issues::find(context, &args.issue)?;
    let built = context.build(&config, &file)?;
    let composer = Composer::for_test_letter(&built.rendered, common::secrets(&config)?)?;
    if config.list.exists() {
        crate::dispatch::check_columns(&composer, &List::open(&config.list)?)?;
    }
    for to in &args.to {
        let reader = match &args.reader {
            Some(address) => named(&config.list, address)?,
            None => someone(&config.list, to)?,
        };
        if let Some(gap) = composer.missing(&reader).next() {
            let name = gap.path.join(".");
            return Err(Failure::input(format!("`{name}` is empty for {}", reader.address)).hint(format!(
                "choose another reader with --as, or write `{{{{ {name} | default(\"…\") }}}}`"
            )));
        }
        if let Some(value) = composer.overlong(&reader) {
            let name = value.path.join(".");
            return Err(Failure::input(format!(
                "`{name}` of {} is too long for the subject",
                reader.address
            ))
            .hint(format!(
                "choose another reader with --as, or shorten it to {HEADER_VALUE_MAX} characters"
            )));
        }
        let message = composer.compose_test(&reader, to.clone())?;
        letters.push((Letter { ticket: (), message }, reader));
    }
    let (transport, description) = common::Destination::of(&config)?.into_main();
    let tray = Tray::default();
    for (letter, reader) in letters {
        context.terminal.say(&format!(
            "{} to {}, as {} gets it, {}",
            human_bytes(letter.message.size() as u64),
            letter.message.to().expose(),
            reader.address.expose(),
            description
        ));
        tray.lock().waiting.push(letter);
    }
    tray.lock().waiting.reverse();
    let done = common::runtime()?.block_on(transport.run(&tray, Halt::never()));
    done?;
    let mut exit = Exit::Done;
    for outcome in &tray.lock().outcomes {
        match outcome {
            Outcome::Accepted { reply } => context.terminal.say(&format!("accepted: {reply}")),
            Outcome::Deferred { reply, .. } | Outcome::Rejected { reply, .. } => {
                context.terminal.print(&format!("refused: {reply}"));
                exit = Exit::Unfinished;
            }
            Outcome::Unconfirmed { why } => {
                context.terminal.print(&format!("unconfirmed: {why}"));
                exit = Exit::Unfinished;
            }
        }
    }
    Ok(exit)
}

/// Whoever said no gets no test letters either.
fn refuse_suppressed(config: &Config, to: &[EmailAddress]) -> Result<(), Failure> {
    let file = suppression_file::read(config)?;
    let ledger = match Ledger::open_read_only(&config.ledger) {
        Err(LedgerError::Missing { .. }) => None,
        ledger => Some(ledger?),
    };
    let runtime = common::runtime()?;
    let by_hash = match &ledger {
        Some(ledger) => {
            runtime.block_on(ledger.recognize(common::list_tokens(config)?))?;
            Some(runtime.block_on(ledger.suppressed_hashes())?)
        }
        None => None,
    };
    for address in to {
        let is_in_file = file.as_ref().is_some_and(|file| file.get(address).is_some());
        let is_in_ledger = match &ledger {
            Some(ledger) => runtime.block_on(ledger.suppression(address))?.is_some(),
            None => false,
        } || by_hash.as_ref().is_some_and(|hashes| hashes.has(&address.key_cow()));
        if is_in_file || is_in_ledger {
            return Err(Failure::input(format!("{address} is suppressed"))
                .hint("choose another address; `mimeo unsuppress ADDRESS` lifts a suppression"));
        }
    }
    Ok(())
}

/// The subscriber that was asked for must be on the list.
fn named(list: &ListSource, address: &EmailAddress) -> Result<Subscriber, Failure> {
    build::on_the_list(list, address)?
        .ok_or_else(|| Failure::input(format!("{address} is not on `{}`", list.path().display())))
}

fn someone(list: &ListSource, to: &EmailAddress) -> Result<Subscriber, Failure> {
    if let Some(subscriber) = build::on_the_list(list, to)? {
        return Ok(subscriber);
    }
    if list.exists() {
        for row in List::open(list)? {
            if let Row::Person { subscriber, .. } = row? {
                return Ok(subscriber);
            }
        }
    }
    Ok(Subscriber { address: to.clone(), name: None, fields: Default::default() })
}

/// A source of letters without a ledger: a few letters, each handed over once.
#[derive(Default)]
struct Tray(Mutex<Letters>);

#[derive(Default)]
struct Letters {
    waiting: Vec<Letter<()>>,
    outcomes: Vec<Outcome>,
}

impl Tray {
    fn lock(&self) -> std::sync::MutexGuard<'_, Letters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LetterSource for Tray {
    type Ticket = ();

    async fn next(&self) -> Option<Letter<()>> {
        self.next_now()
    }

    fn next_now(&self) -> Option<Letter<()>> {
        self.lock().waiting.pop()
    }

    async fn begin(&self, (): &mut ()) -> Permit {
        Permit::Go
    }

    fn end(&self, _: Letter<()>, outcome: Outcome) {
        self.lock().outcomes.push(outcome);
    }

    fn give_back(&self, letter: Letter<()>) {
        self.lock().waiting.push(letter);
    }
}
