//! `mimeo bounces`: messages that came back, from files, folders and pipes, and what follows from them.

mod input;
mod json;
mod report;

use std::{collections::BTreeMap, path::PathBuf};

use super::{Context, Exit, Failure, flags, sending, suppression_file};
use crate::{
    bounce::{self, Kind, Ours, Returned},
    config::{Config, Overrides},
    dispatch::{Returns, Settled},
    ledger::{Effect, Ledger, Recorded, Restored},
    report::words::{plural, printable},
};
use input::{Input, Inputs};

/// Read letters that came back
///
/// Says of each message what it is (a bounce, a delay, a complaint, an answer of a program, …), whom it is about, and whether
/// the failure is hard, soft, or about us. In a newsletter's folder, what is proved to be about a letter of the newsletter is
/// recorded, and addresses that do not exist, complaints and requests to unsubscribe are suppressed. The same message again
/// changes nothing. An input is a message in a file, a mailbox file (mbox), a maildir or another folder of messages, or `-` for
/// the standard input.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo bounces ~/Maildir
  mimeo bounces --dry-run returned.eml
  mimeo bounces --json /var/mail/bounces
  mimeo bounces - < returned.eml
  mimeo bounces --report")]
pub(crate) struct Args {
    /// Messages: a file, a mailbox file, a maildir or a folder, or `-` for the standard input
    #[arg(required_unless_present = "report", value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// Print JSON: one object per message, on a line of its own
    #[arg(long, conflicts_with = "report")]
    json: bool,
    /// Say what would follow, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Print what came back so far, by cause and domain, and what to do about it
    #[arg(long, conflicts_with_all = ["inputs", "dry_run"])]
    report: bool,
    #[command(flatten)]
    ledger: flags::Ledger,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let config = config(args, context)?;
    sending::runtime()?.block_on(async {
        if args.report {
            let needed = || Failure::input("a report needs a newsletter, and there is no `mimeo.toml` here");
            return report::print(context, &config.ok_or_else(needed)?.ledger).await;
        }
        let ours = config.as_ref().map(ours).unwrap_or_default();
        let returns = match &config {
            Some(config) => returns(args, context, config).await?,
            None => None,
        };
        let mut counts = Counts::default();
        for input in Inputs::new(&args.inputs) {
            let Input { file, bytes } = input?;
            let returned = bounce::read(&bytes, &ours);
            let settled = match &returns {
                Some(returns) => returns.settle(&bytes, &returned, context.now).await?,
                None => unsettled(&returned),
            };
            counts.add(&returned, &settled);
            let text = if args.json {
                json::line(&file, &returned, &settled, returns.is_some())
            } else {
                lines(&file, &returned, &settled)
            };
            context.terminal.data(&text).map_err(Failure::output)?;
        }
        if let (Some(config), Some(returns)) = (&config, &returns)
            && !args.dry_run
        {
            let held = counts.held.keys().map(String::as_str).collect();
            suppression_file::remove_lifted(config, returns.ledger(), &held).await?;
            suppression_file::add_since(config, returns.ledger(), context.now).await?;
        }
        counts.say(context, args.dry_run);
        Ok(Exit::Done)
    })
}

/// The newsletter's settings; none where there is no newsletter.
fn config(args: &Args, context: &Context) -> Result<Option<Config>, Failure> {
    let is_newsletter = context.path("mimeo.toml").exists() || std::env::var_os("MIMEO_CONFIG").is_some();
    match context.config_quietly(args.ledger.say(Overrides::default())) {
        Ok((config, _)) => Ok(Some(config)),
        Err(_) if !is_newsletter && !args.report => Ok(None),
        Err(found) => Err(Failure::found(found)),
    }
}

/// What processes messages; none before anything was sent.
async fn returns(args: &Args, context: &Context, config: &Config) -> Result<Option<Returns>, Failure> {
    if !config.ledger.exists() {
        return Ok(None);
    }
    let key = sending::newsletter_key(config)?;
    let ledger = if args.dry_run {
        Ledger::open_read_only(&config.ledger)?
    } else {
        context.ledger(&config.ledger, Restored::Refuse)?
    };
    let list_id = &config.newsletter.list_id;
    Ok(Some(Returns::new(ledger, &key, list_id, config.bounces, args.dry_run).await?))
}

/// What is the newsletter's own in a message that came back.
fn ours(config: &Config) -> Ours {
    let newsletter = &config.newsletter;
    let reply_to = newsletter.reply_to.as_ref().map(|mailbox| mailbox.address.clone());
    Ours {
        bounces: Some(newsletter.bounces.clone()),
        unsubscribe: newsletter.unsubscribe.mailto.clone(),
        senders: std::iter::once(newsletter.from.address.clone()).chain(reply_to).collect(),
    }
}

/// The findings alone, where no ledger knows more.
fn unsettled(returned: &Returned) -> Vec<Settled> {
    let one = |finding: &bounce::Finding| Settled {
        address: Some(finding.address.clone()),
        finding: Some(finding.clone()),
        delivery: None,
        effect: Effect::Nothing,
        recorded: Recorded::default(),
        lifted: None,
    };
    returned.recipients.iter().map(one).collect()
}

/// One message for people: a line for what it is, and one for each recipient.
fn lines(file: &str, returned: &Returned, settled: &[Settled]) -> String {
    let what = match &returned.complaint {
        Some(word) => format!("{} ({word})", returned.kind.word()),
        None => returned.kind.word().to_owned(),
    };
    let by = returned.reporter.as_ref().map(|name| format!(", reported by {name}")).unwrap_or_default();
    let mut out = format!("{file}: {what}{by}\n");
    for one in settled {
        let Some(address) = &one.address else { continue };
        let finding = one.finding.as_ref();
        out.push_str("  ");
        if let Some(class) = finding.and_then(|finding| finding.class) {
            out.push_str(&format!("{:<5} ", class.word()));
        }
        out.push_str(address.expose());
        if let Some(status) = finding.and_then(|finding| finding.status) {
            out.push_str(&format!("  {status}"));
        }
        if let Some(reply) = finding.and_then(|finding| finding.reply.as_ref()) {
            out.push_str(&format!("  {reply}"));
        }
        if let Some(found) = &one.delivery {
            out.push_str(&format!("  [{}: {}]", found.dispatch.slug, one.effect.word()));
        }
        out.push('\n');
    }
    printable(&out)
}

/// What a run has seen and done.
#[derive(Default)]
struct Counts {
    kinds: [u64; Kind::ALL.len()],
    suppressed: u64,
    resolved: u64,
    unproved: u64,
    known: u64,
    /// Domains at which bounces were held, and the suppressions that were lifted there.
    held: BTreeMap<String, u64>,
}

impl Counts {
    fn add(&mut self, returned: &Returned, settled: &[Settled]) {
        self.kinds[Kind::ALL.iter().position(|kind| *kind == returned.kind).unwrap_or_default()] += 1;
        for one in settled {
            self.suppressed += u64::from(one.recorded.suppressed);
            self.resolved += u64::from(one.recorded.resolved);
            self.unproved += u64::from(one.effect == Effect::Shown && one.delivery.is_none());
            self.known += u64::from(one.delivery.is_some() && !one.recorded.is_new);
            if let (Effect::Held, Some(address)) = (one.effect, &one.address) {
                *self.held.entry(address.domain().to_owned()).or_default() += one.lifted.unwrap_or_default();
            }
        }
    }

    fn say(&self, context: &Context, dry_run: bool) {
        let kinds = Kind::ALL.iter().zip(self.kinds).filter(|(_, count)| *count > 0);
        let found: Vec<String> = kinds.map(|(kind, count)| format!("{count} {}", kind.word())).collect();
        let total = plural(self.kinds.iter().sum(), "message", "messages");
        let mut text = if found.is_empty() { total } else { format!("{total}: {}", found.join(", ")) };
        if self.suppressed > 0 {
            text.push_str(&format!(
                "; {} suppressed",
                plural(self.suppressed, "address is", "addresses are")
            ));
        }
        if self.resolved > 0 {
            let what = plural(self.resolved, "unconfirmed letter was", "unconfirmed letters were");
            text.push_str(&format!("; {what} accepted after all"));
        }
        context.terminal.say(&text);
        if self.known > 0 {
            let what = plural(self.known, "finding was", "findings were");
            context.terminal.say(&format!("{what} recorded before: nothing new follows"));
        }
        if self.unproved > 0 {
            let what = plural(self.unproved, "finding is", "findings are");
            context.terminal.say(&format!(
                "{what} not proved to be about a letter of this newsletter: nobody is suppressed for it"
            ));
        }
        for (domain, lifted) in &self.held {
            let lifted = plural(*lifted, "suppression was", "suppressions were");
            context.terminal.say(&format!(
                "too many letters to {domain} bounced hard within an hour: the provider is at fault, and nobody there is \
                 suppressed ({lifted} lifted). Wait before you send there again"
            ));
        }
        if dry_run {
            context.terminal.say("dry run: nothing was changed");
        }
    }
}
