//! Changes of single people: `add`, `tag`, `pause`, `unsubscribe`, `resubscribe`, `erase`.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::managed::{managed, open};
use crate::{
    address::EmailAddress,
    audience::{Label, NewPerson, RESERVED, Status, Unsubscribed, Who, Words},
    cli::{
        context::Context,
        failure::{Exit, Failure},
        flags,
    },
    config::Config,
    report::format::{plural, when},
    source::nearest,
    subscriber::{Fields, normalize},
};

/// Add someone who asked you for letters
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo subscribers add ann@example.com --name \"Ann Lee\" --tag friend
  mimeo subscribers add ann@example.com --field city=Ulm --reason \"asked at the fair\"")]
pub(super) struct AddArgs {
    /// The address
    address: EmailAddress,
    /// The person's name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A tag; can be repeated
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// A topic that the person wants; can be repeated
    #[arg(long = "topic", value_name = "TOPIC")]
    topics: Vec<String>,
    /// A field; can be repeated
    #[arg(long = "field", value_name = "NAME=VALUE")]
    fields: Vec<String>,
    /// The language the person reads, as in `de`
    #[arg(long, value_name = "TAG")]
    language: Option<String>,
    /// How you know that they want letters; kept in their history
    #[arg(long, value_name = "TEXT", default_value = "added by hand")]
    reason: String,
    #[command(flatten)]
    ledger: flags::KeyedLedger,
}

/// Add tags to people, or remove tags
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo subscribers tag ann@example.com bo@example.org --add beta
  mimeo subscribers tag ann@example.com --remove beta")]
pub(super) struct TagArgs {
    /// The addresses
    #[arg(required = true)]
    addresses: Vec<EmailAddress>,
    /// Add this tag; can be repeated
    #[arg(long, value_name = "TAG", required_unless_present = "remove")]
    add: Vec<String>,
    /// Remove this tag; can be repeated
    #[arg(long, value_name = "TAG")]
    remove: Vec<String>,
    #[command(flatten)]
    ledger: flags::KeyedLedger,
}

/// Change which topics people want to read about
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo subscribers topics ann@example.com --add tea
  mimeo subscribers topics ann@example.com --remove tea --add cups")]
pub(super) struct TopicsArgs {
    /// The addresses
    #[arg(required = true)]
    addresses: Vec<EmailAddress>,
    /// Add this topic; can be repeated
    #[arg(long, value_name = "TOPIC", required_unless_present = "remove")]
    add: Vec<String>,
    /// Remove this topic; can be repeated
    #[arg(long, value_name = "TOPIC")]
    remove: Vec<String>,
    #[command(flatten)]
    ledger: flags::KeyedLedger,
}

/// Send someone no letters for now
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo subscribers pause ann@example.com --until 2027-03-01")]
pub(super) struct PauseArgs {
    /// The address
    address: EmailAddress,
    /// The day on which letters go on [default: none]
    #[arg(long, value_name = "DATE")]
    until: Option<Date>,
    #[command(flatten)]
    ledger: flags::KeyedLedger,
}

/// Unsubscribe people by their address
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo subscribers unsubscribe ann@example.com --reason \"asked by phone\"")]
pub(super) struct UnsubscribeArgs {
    /// The addresses
    #[arg(required = true)]
    addresses: Vec<EmailAddress>,
    /// Why; kept in their history
    #[arg(long, value_name = "TEXT", default_value = "by hand")]
    reason: String,
    #[command(flatten)]
    ledger: flags::KeyedLedger,
}

/// Make someone active again who gets no letters
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo subscribers resubscribe ann@example.com --reason \"wrote that she wants letters again\"")]
pub(super) struct ResubscribeArgs {
    /// The address
    address: EmailAddress,
    /// How you know that they want letters; kept in their history
    #[arg(long, value_name = "TEXT", required = true)]
    reason: String,
    #[command(flatten)]
    ledger: flags::KeyedLedger,
}

/// Erase everything that is known about a person
///
/// Their record, history, consent and suppression are deleted, and their address in everything that was sent to them. A keyed hash
/// stays, which tells no one the address: no import brings them back, and no letter is written to them.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo subscribers erase ann@example.com --yes")]
pub(super) struct EraseArgs {
    /// The address
    address: EmailAddress,
    /// Erase without asking
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    ledger: flags::KeyedLedger,
}

pub(super) fn add(args: &AddArgs, context: &Context) -> Result<Exit, Failure> {
    let config = managed(&args.ledger, context)?;
    check_topics(&config, &args.topics)?;
    let mut fields = Fields::default();
    for text in &args.fields {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let name = normalize(name);
        if name.is_empty() || value.trim().is_empty() {
            return Err(Failure::input(format!("invalid field `{text}`: write it like `name=value`"))
                .exit(Exit::Usage));
        }
        if RESERVED.contains(&name.as_str()) {
            let hint = match nearest(&name, ["name", "tag", "topic", "language"]) {
                Some(flag) => format!("use --{flag}"),
                None => format!("the list has `{name}` itself"),
            };
            return Err(Failure::input(format!("invalid field name `{name}`")).hint(hint).exit(Exit::Usage));
        }
        fields.insert(&name, &value.trim().replace(char::is_control, " "));
    }
    let new = NewPerson {
        address: args.address.clone(),
        name: args.name.as_ref().map(|name| name.trim().replace(char::is_control, " ")),
        fields,
        tags: words(&args.tags),
        topics: words(&args.topics),
        language: args.language.clone(),
        source: "by hand".to_owned(),
    };
    let (runtime, audience) = open(&config, context)?;
    let person = runtime.block_on(audience.add(new, &args.reason, context.now))?;
    context.terminal.say(&format!("{} gets letters from now on", person.address.expose()));
    Ok(Exit::Done)
}

fn words(words: &[String]) -> Words {
    words.iter().map(String::as_str).collect()
}

pub(super) fn tag(args: &TagArgs, context: &Context) -> Result<Exit, Failure> {
    let config = managed(&args.ledger, context)?;
    label(&config, context, Label::Tags, &args.addresses, [&args.add, &args.remove])
}

pub(super) fn topics(args: &TopicsArgs, context: &Context) -> Result<Exit, Failure> {
    let config = managed(&args.ledger, context)?;
    check_topics(&config, &args.add)?;
    label(&config, context, Label::Topics, &args.addresses, [&args.add, &args.remove])
}

/// Adds labels to people, and removes others.
fn label(
    config: &Config,
    context: &Context,
    kind: Label,
    addresses: &[EmailAddress],
    [add, remove]: [&Vec<String>; 2],
) -> Result<Exit, Failure> {
    let (runtime, audience) = open(config, context)?;
    let (add, remove) = (words(add), words(remove));
    let changed = runtime.block_on(audience.label(kind, addresses.to_vec(), add, remove, context.now))?;
    context.terminal.say(&format!("{} changed", plural(changed, "person", "people")));
    Ok(Exit::Done)
}

/// Topics that the settings do not have are mistakes; settings without topics do not say which there are.
fn check_topics(config: &Config, topics: &[String]) -> Result<(), Failure> {
    let known = || config.newsletter.topics.iter().map(|topic| topic.slug.as_str());
    let is_unknown = |topic: &&String| known().count() > 0 && !known().any(|known| known == topic.as_str());
    let Some(unknown) = topics.iter().find(is_unknown) else { return Ok(()) };
    let hint = match nearest(unknown, known()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("mimeo.toml has: {}", known().collect::<Vec<_>>().join(", ")),
    };
    Err(Failure::input(format!("unknown topic `{unknown}`")).hint(hint).exit(Exit::Usage))
}

pub(super) fn pause(args: &PauseArgs, context: &Context) -> Result<Exit, Failure> {
    let config = managed(&args.ledger, context)?;
    let until = match args.until {
        None => None,
        Some(day) => Some(start_of(day)?),
    };
    if let Some(until) = until
        && until <= context.now
    {
        return Err(Failure::input(format!("the day {} is not in the future", when(until))).exit(Exit::Usage));
    }
    let (runtime, audience) = open(&config, context)?;
    let before = runtime.block_on(audience.pause(args.address.clone(), until, context.now))?;
    if before.is_no() || before == Status::Pending {
        return Err(Failure::input(format!("{} is {before}, and gets no letters anyway", args.address)));
    }
    let until = until.map_or(String::new(), |until| format!(" until {}", when(until)));
    context.terminal.say(&format!("{} gets no letters{until}", args.address.expose()));
    Ok(Exit::Done)
}

fn start_of(day: Date) -> Result<Timestamp, Failure> {
    day.to_zoned_datetime(TimeZone::system()).map(|start| start.timestamp()).map_err(Failure::outside)
}

pub(super) fn unsubscribe(args: &UnsubscribeArgs, context: &Context) -> Result<Exit, Failure> {
    let config = managed(&args.ledger, context)?;
    let (runtime, audience) = open(&config, context)?;
    let who = args.addresses.iter().cloned().map(Who::Address).collect();
    let done = runtime.block_on(audience.unsubscribe(who, &args.reason, "owner", context.now))?;
    for (address, done) in args.addresses.iter().zip(done) {
        let address = address.expose();
        context.terminal.say(&match done {
            Unsubscribed::Person(_) => format!("{address} gets no letters from now on"),
            Unsubscribed::Stranger => format!("{address} is not on the list; the address is suppressed"),
            Unsubscribed::Already(_) => format!("{address} gets no letters already"),
        });
    }
    Ok(Exit::Done)
}

pub(super) fn resubscribe(args: &ResubscribeArgs, context: &Context) -> Result<Exit, Failure> {
    let config = managed(&args.ledger, context)?;
    if args.reason.trim().is_empty() {
        return Err(Failure::input("the reason is empty").exit(Exit::Usage));
    }
    let (runtime, audience) = open(&config, context)?;
    let before =
        runtime.block_on(audience.resubscribe(args.address.clone(), args.reason.trim(), context.now))?;
    context.terminal.say(&format!("{} gets letters again (was {before})", args.address.expose()));
    Ok(Exit::Done)
}

pub(super) fn erase(args: &EraseArgs, context: &Context) -> Result<Exit, Failure> {
    let config = managed(&args.ledger, context)?;
    if !args.yes {
        if !context.terminal.is_interactive() {
            return Err(Failure::input("cannot prompt: not a terminal; pass --yes").exit(Exit::Usage));
        }
        let question = format!("Erase everything about {}?", args.address.expose());
        if !context.terminal.ask(&question).map_err(Failure::outside)? {
            return Err(Failure::declined("nothing was erased"));
        }
    }
    let (runtime, audience) = open(&config, context)?;
    let erased = runtime.block_on(audience.erase(args.address.clone(), context.now))?;
    let what = if erased.was_known || erased.deliveries > 0 { "erased" } else { "nothing was known" };
    context.terminal.say(&format!(
        "{what} ({}); a keyed hash stays, so that no one writes to the address",
        plural(erased.deliveries, "letter", "letters")
    ));
    if erased.leaving > 0 {
        let letters = plural(erased.leaving, "letter is", "letters are");
        return Err(Failure::input(format!("{letters} being sent now and could not be erased"))
            .hint("run the same command again when the send is over")
            .exit(Exit::Unfinished));
    }
    Ok(Exit::Done)
}
