//! One message or event after another: what it is, what follows, and the counts at the end.

use std::{collections::BTreeMap, net::SocketAddr};

use jiff::{SignedDuration, Timestamp};

use super::json;
use crate::{
    bounce::{self, Kind, Ours, Returned, dkim, policy::Proof},
    cli::{common, context::Context, failure::Failure, suppression_file},
    config::Config,
    dispatch::{Returns, Sender, Settled},
    doctor::{Dns as _, SystemDns},
    hooks::Event,
    ledger::{Effect, Ledger, Recorded, Restored},
    report::format::{plural, printable},
};

/// How it is said, and whether anything is changed.
#[derive(Clone, Copy)]
pub(super) struct Options {
    pub(super) json: bool,
    pub(super) dry_run: bool,
    /// Only counts: a service writes no address into its log.
    pub(super) quiet: bool,
    /// The DNS server that has keys of senders; the machine's, if none is named.
    pub(super) dns: Option<SocketAddr>,
}

/// A request to unsubscribe that cannot be checked for so long is left to people.
const CHECKED_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Processed {
    /// It was about letters of ours, or about a test letter, and is recorded.
    Done,
    /// It was not, or a person may want to read it.
    ForPeople,
    /// Nothing is recorded yet: it is to be read again.
    Later,
}

impl Processed {
    fn of(returned: &Returned, settled: &[Settled]) -> Self {
        let is_personal = matches!(returned.kind, Kind::AutoReply | Kind::Unknown);
        let is_ours = !settled.is_empty() && settled.iter().all(|one| one.proof != Proof::None);
        if is_ours && !is_personal { Self::Done } else { Self::ForPeople }
    }
}

/// Processes what came back.
pub(super) struct Process<'a> {
    context: &'a Context,
    config: Option<Config>,
    options: Options,
    ours: Ours,
    /// None before anything was sent.
    returns: Option<Returns>,
    counts: Counts,
    /// When it began.
    began: Timestamp,
}

impl<'a> Process<'a> {
    pub(super) async fn new(
        context: &'a Context,
        config: Option<Config>,
        options: Options,
    ) -> Result<Self, Failure> {
        let ours = config.as_ref().map(ours).unwrap_or_default();
        let returns = match &config {
            Some(config) => returns(context, config, options.dry_run).await?,
            None => None,
        };
        let began = context.now;
        Ok(Self { context, config, options, ours, returns, counts: Counts::default(), began })
    }

    /// In a ledger that is open already, without a word about single messages.
    pub(super) async fn quietly(
        context: &'a Context,
        config: Config,
        ledger: Ledger,
    ) -> Result<Self, Failure> {
        let key = common::newsletter_key(&config)?;
        let list_id = &config.newsletter.list_id;
        ledger.recognize(common::list_tokens(&config)?).await?;
        let returns = Some(Returns::new(ledger, &key, list_id, config.bounces, false).await?);
        let options = Options { json: false, dry_run: false, quiet: true, dns: None };
        let ours = ours(&config);
        let (config, counts, began) = (Some(config), Counts::default(), context.now);
        Ok(Self { context, config, options, ours, returns, counts, began })
    }

    /// Reads a message, and does what follows.
    pub(super) async fn message(
        &mut self,
        file: &str,
        bytes: &[u8],
        now: Timestamp,
    ) -> Result<Processed, Failure> {
        let returned = bounce::read(bytes, &self.ours);
        let (processed, settled) = match &self.returns {
            Some(returns) => match self.sender(bytes, &returned, now).await {
                Some(sender) => {
                    let settled = returns.settle(bytes, &returned, sender, now).await?;
                    (Processed::of(&returned, &settled), settled)
                }
                // A record would be final: read another time, the request would be known and change nothing.
                None => {
                    self.counts.unchecked += 1;
                    let is_old = returned.at.is_some_and(|at| now.duration_since(at) > CHECKED_FOR);
                    let processed = if is_old { Processed::ForPeople } else { Processed::Later };
                    (processed, unsettled(&returned))
                }
            },
            None => (Processed::Later, unsettled(&returned)),
        };
        self.say(file, &returned, &settled)?;
        Ok(processed)
    }

    /// Whether nothing is changed.
    pub(super) fn is_dry_run(&self) -> bool {
        self.options.dry_run
    }

    /// Does what follows from an event.
    pub(super) async fn event(&mut self, file: &str, event: &Event, now: Timestamp) -> Result<(), Failure> {
        let settled = match &self.returns {
            Some(returns) => returns.settle_event(event, now).await?,
            None => unsettled(&event.returned),
        };
        self.say(file, &event.returned, &settled)
    }

    /// Whether a request to unsubscribe that has no token is from whom it says; `None` while the DNS does not answer.
    async fn sender(&self, bytes: &[u8], returned: &Returned, now: Timestamp) -> Option<Sender> {
        let Some(from) =
            returned.from.as_ref().filter(|_| returned.kind == Kind::Unsubscribe && returned.token.is_none())
        else {
            return Some(Sender::Unproved);
        };
        let signatures = dkim::signatures(bytes, from);
        if signatures.is_empty() {
            return Some(Sender::Unproved);
        }
        let dns = SystemDns::new(self.options.dns).ok()?;
        let mut is_answered = true;
        for signature in &signatures {
            let answer = dns.texts(&signature.name).await;
            if answer.records().iter().any(|record| signature.is_by(record, now)) {
                return Some(Sender::Proved);
            }
            is_answered &= answer.failure().is_none();
        }
        is_answered.then_some(Sender::Unproved)
    }

    fn say(&mut self, file: &str, returned: &Returned, settled: &[Settled]) -> Result<(), Failure> {
        self.counts.add(returned, settled);
        if self.options.quiet {
            return Ok(());
        }
        let text = if self.options.json {
            json::line(file, returned, settled, self.returns.is_some())
        } else {
            lines(file, returned, settled)
        };
        self.context.terminal.data(&text).map_err(Failure::output)
    }

    /// Whether anything was seen since the last [`end`](Self::end).
    pub(super) fn has_news(&self) -> bool {
        self.counts.kinds.iter().any(|count| *count > 0)
    }

    /// Says what was seen and done since the last time; the file of suppressions follows. False if there are messages that are
    /// to be read again.
    pub(super) async fn end(&mut self) -> Result<bool, Failure> {
        if let (Some(config), Some(returns)) = (&self.config, &self.returns)
            && !self.options.dry_run
        {
            let held = self.counts.held.keys().map(String::as_str).collect();
            suppression_file::remove_lifted(config, returns.ledger(), &held).await?;
            suppression_file::add_missing(config, returns.ledger(), self.began).await?;
        }
        // Only now: if the file cannot be written, the next end knows what is to be removed from it.
        let counts = std::mem::take(&mut self.counts);
        counts.say(self.context, self.options.dry_run);
        Ok(counts.unchecked == 0)
    }
}

/// What processes messages; none before anything was sent.
async fn returns(context: &Context, config: &Config, dry_run: bool) -> Result<Option<Returns>, Failure> {
    if !config.ledger.exists() {
        return Ok(None);
    }
    let key = common::newsletter_key(config)?;
    let ledger = if dry_run {
        Ledger::open_read_only(&config.ledger)?
    } else {
        context.ledger(&config.ledger, Restored::Refuse)?
    };
    // What someone says about an earlier address of theirs counts for the present one.
    ledger.recognize(common::list_tokens(config)?).await?;
    let list_id = &config.newsletter.list_id;
    Ok(Some(Returns::new(ledger, &key, list_id, config.bounces, dry_run).await?))
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
        proof: Proof::None,
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
    /// Requests to unsubscribe that anybody could have written.
    requests: u64,
    /// Requests to unsubscribe whose sender could not be checked.
    unchecked: u64,
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
            let is_shown = one.effect == Effect::Shown && one.delivery.is_none();
            self.unproved += u64::from(is_shown);
            self.requests += u64::from(is_shown && returned.kind == Kind::Unsubscribe);
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
                "{what} not proved to be about a letter of this newsletter: no one is suppressed for it"
            ));
        }
        if self.requests > 0 {
            let what = plural(self.requests, "is a request", "are requests");
            context.terminal.say(&format!(
                "{what} to unsubscribe: read the mail, and `mimeo suppress` whoever means it; `mimeo bounces --report` lists \
                 the addresses"
            ));
        }
        if self.unchecked > 0 {
            let what = plural(self.unchecked, "request to unsubscribe", "requests to unsubscribe");
            context.terminal.say(&format!(
                "{what} could not be checked, because the DNS did not answer: nothing is recorded; read the mail again"
            ));
        }
        for (domain, lifted) in &self.held {
            let lifted = plural(*lifted, "suppression was", "suppressions were");
            context.terminal.say(&format!(
                "too many letters to {domain} bounced hard within an hour: the provider is at fault, and no one there is \
                 suppressed ({lifted} lifted), and the send is stopped. Wait before you send there again"
            ));
        }
        if dry_run {
            context.terminal.say("dry run: nothing was changed");
        }
    }
}
