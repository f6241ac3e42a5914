use serde::Serialize;

use super::{Context, Exit, Failure, flags, issues, sending};
use crate::{
    address::EmailAddress,
    bounce::Class,
    config::Overrides,
    ledger::{
        BounceEvent, DeliveryRow, DispatchRecord, HistoryEvent, Ledger, LedgerError, ReturnedTally, State,
        Tally,
    },
    report::words::{count, printable, when},
    subscriber::Export,
};

/// Show who has an issue and who does not
///
/// Without an issue it lists all dispatches. The numbers come from the ledger. Accepted means that the relay took the letter.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo status
  mimeo status a-year-in-review
  mimeo status 95 --state unconfirmed
  mimeo status 95 --state failed --csv > failed.csv
  mimeo status --address someone@example.com")]
pub(crate) struct Args {
    /// The issue: its number, its path, or a part of its name
    issue: Option<String>,
    /// List the people in this state, with the relay's replies
    #[arg(long, alias = "list", value_name = "STATE", requires = "issue")]
    state: Option<Listed>,
    /// Show everything recorded for one address
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["issue", "state"])]
    address: Option<EmailAddress>,
    /// Print CSV, with --state
    #[arg(long, requires = "state")]
    csv: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    #[command(flatten)]
    ledger: flags::Ledger,
}

/// The states that the owner can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Listed {
    Accepted,
    Queued,
    Deferred,
    Failed,
    Unconfirmed,
    Suppressed,
}

impl Listed {
    /// What a worker holds is still queued as long as nothing was begun, and unknown when it was.
    fn states(self) -> &'static [State] {
        match self {
            Self::Accepted => &[State::Accepted],
            Self::Queued => &[State::Queued, State::Claimed],
            Self::Deferred => &[State::Deferred],
            Self::Failed => &[State::Failed],
            Self::Unconfirmed => &[State::Unconfirmed, State::Begun],
            Self::Suppressed => &[State::Suppressed],
        }
    }

    fn of(state: State) -> &'static str {
        match state {
            State::Accepted => "accepted",
            State::Queued | State::Claimed => "queued",
            State::Deferred => "deferred",
            State::Failed => "failed",
            State::Unconfirmed | State::Begun => "unconfirmed",
            State::Suppressed => "suppressed",
        }
    }
}

/// The counts that add up to the plan.
#[derive(Serialize)]
struct Counts {
    planned: u64,
    accepted: u64,
    queued: u64,
    deferred: u64,
    failed: u64,
    unconfirmed: u64,
    suppressed: u64,
    bounced: u64,
    complained: u64,
}

impl From<Tally> for Counts {
    fn from(tally: Tally) -> Self {
        Self {
            planned: tally.planned,
            accepted: tally.accepted,
            queued: tally.queued + tally.claimed,
            deferred: tally.deferred,
            failed: tally.failed,
            unconfirmed: tally.unconfirmed + tally.begun,
            suppressed: tally.suppressed,
            bounced: 0,
            complained: 0,
        }
    }
}

impl Counts {
    fn of(tally: Tally, returned: ReturnedTally) -> Self {
        Self { bounced: returned.bounced, complained: returned.complained, ..tally.into() }
    }
}

#[derive(Serialize)]
struct Told<'a> {
    issue: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u32>,
    title: &'a str,
    digest: &'a str,
    opened_at: String,
    #[serde(flatten)]
    counts: Counts,
    #[serde(skip_serializing_if = "Option::is_none")]
    deliveries: Option<Vec<Delivery>>,
}

/// Of an issue that was never opened: the same numbers, all zero.
#[derive(Serialize)]
struct Unsent<'a> {
    issue: &'a str,
    opened_at: Option<String>,
    #[serde(flatten)]
    counts: Counts,
    #[serde(skip_serializing_if = "Option::is_none")]
    deliveries: Option<Vec<Delivery>>,
}

#[derive(Serialize)]
struct Delivery {
    address: String,
    state: &'static str,
    attempts: u32,
    reply: Option<String>,
    at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<String>,
}

impl From<DeliveryRow> for Delivery {
    fn from(row: DeliveryRow) -> Self {
        Self {
            address: row.address.expose().to_owned(),
            state: Listed::of(row.state),
            attempts: row.attempts,
            reply: row.reply,
            at: row.at.map(|at| at.to_string()),
            due_at: row.due_at.map(|at| at.to_string()),
        }
    }
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let config = context.config(args.ledger.say(Overrides::default()))?;
    let runtime = sending::runtime()?;
    let ledger = match Ledger::open_read_only(&config.ledger) {
        Ok(ledger) => ledger,
        Err(LedgerError::Missing { .. }) => return args.nothing_yet(context),
        Err(error) => return Err(error.into()),
    };
    runtime.block_on(async {
        if let Some(address) = &args.address {
            return args.person(context, &ledger, address).await;
        }
        match &args.issue {
            Some(issue) => args.issue(context, &ledger, issue).await,
            None => args.all(context, &ledger).await,
        }
    })
}

/// The sending that a name means: an issue's file, or the name of a sending whose file is gone.
pub(super) async fn dispatch(
    context: &Context,
    ledger: &Ledger,
    name: &str,
) -> Result<Option<DispatchRecord>, Failure> {
    match issues::find(context, name) {
        Ok(file) => Ok(ledger.find_dispatch(&file.slug).await?),
        Err(failure) => match ledger.find_dispatch(name).await? {
            Some(record) => Ok(Some(record)),
            None => Err(failure),
        },
    }
}

impl Args {
    fn data(context: &Context, text: &str) -> Result<Exit, Failure> {
        context.terminal.data(text).map_err(Failure::output)?;
        Ok(Exit::Done)
    }

    /// There is no dispatch to report on.
    fn nothing_yet(&self, context: &Context) -> Result<Exit, Failure> {
        let Some(issue) = &self.issue else {
            context.terminal.say("nothing has been sent yet");
            return if self.json { Self::data(context, "[]\n") } else { Ok(Exit::Done) };
        };
        let file = issues::find(context, issue)?;
        if self.json {
            let deliveries = self.state.is_some().then(Vec::new);
            let counts = Tally::default().into();
            let unsent = Unsent { issue: &file.slug, opened_at: None, counts, deliveries };
            return Self::json(context, &unsent);
        }
        context.terminal.say(&format!("`{}` has not been sent to anybody", file.slug));
        Ok(Exit::Done)
    }

    async fn all(&self, context: &Context, ledger: &Ledger) -> Result<Exit, Failure> {
        let mut told = Vec::new();
        let records = ledger.dispatches().await?;
        for record in &records {
            told.push((record, ledger.tally(record.id).await?, ledger.returned(record.id).await?));
        }
        if self.json {
            let list: Vec<_> =
                told.iter().map(|(record, tally, returned)| Told::new(record, *tally, *returned)).collect();
            return Self::json(context, &list);
        }
        if told.is_empty() {
            context.terminal.say("nothing has been sent yet");
        }
        let mut text = String::new();
        for (record, tally, returned) in told {
            let number = record.number.map(|number| format!("#{number} ")).unwrap_or_default();
            let line = format!(
                "{number}{}  {}  {}\n",
                record.title,
                when(record.opened_at),
                // Nobody looks here whether the sender lives: what it has begun may have left.
                sending::sentence(&Tally { unconfirmed: tally.unconfirmed + tally.begun, begun: 0, ..tally })
            );
            let line = with_returned(line, returned);
            text.push_str(&line);
        }
        Self::data(context, &text)
    }

    fn json(context: &Context, value: &impl Serialize) -> Result<Exit, Failure> {
        let text = serde_json::to_string_pretty(value).map_err(Failure::outside)?;
        Self::data(context, &format!("{text}\n"))
    }

    async fn issue(&self, context: &Context, ledger: &Ledger, name: &str) -> Result<Exit, Failure> {
        let Some(record) = dispatch(context, ledger, name).await? else { return self.nothing_yet(context) };
        let tally = ledger.tally(record.id).await?;
        let returned = ledger.returned(record.id).await?;
        let Some(listed) = self.state else {
            if self.json {
                return Self::json(context, &Told::new(&record, tally, returned));
            }
            return Self::data(context, &table(&record, tally, returned));
        };
        if self.csv {
            return self.csv(context, ledger, &record, listed).await;
        }
        let mut deliveries: Vec<Delivery> = Vec::new();
        for state in listed.states() {
            let mut rows = ledger.deliveries(record.id, Some(*state));
            while let Some(row) = rows.next().await? {
                if self.json {
                    deliveries.push(row.into());
                } else {
                    Self::data(context, &line(&row))?;
                }
            }
        }
        if self.json {
            let told = Told { deliveries: Some(deliveries), ..Told::new(&record, tally, returned) };
            return Self::json(context, &told);
        }
        Ok(Exit::Done)
    }

    async fn csv(
        &self,
        context: &Context,
        ledger: &Ledger,
        record: &DispatchRecord,
        listed: Listed,
    ) -> Result<Exit, Failure> {
        let output = |error: std::io::Error| Failure::output(error);
        let mut export =
            Export::new(Vec::new(), &["address", "state", "attempts", "reply", "at"]).map_err(output)?;
        for state in listed.states() {
            let mut rows = ledger.deliveries(record.id, Some(*state));
            while let Some(row) = rows.next().await? {
                let delivery = Delivery::from(row);
                let attempts = delivery.attempts.to_string();
                let cells = [
                    delivery.address.as_str(),
                    delivery.state,
                    &attempts,
                    delivery.reply.as_deref().unwrap_or_default(),
                    delivery.at.as_deref().unwrap_or_default(),
                ];
                export.row(cells).map_err(output)?;
            }
        }
        let bytes = export.finish().map_err(output)?;
        Self::data(context, &String::from_utf8_lossy(&bytes))
    }

    async fn person(
        &self,
        context: &Context,
        ledger: &Ledger,
        address: &EmailAddress,
    ) -> Result<Exit, Failure> {
        let stories = ledger.history(address).await?;
        let suppression = ledger.suppression(address).await?;
        if self.json {
            let events = |events: &[HistoryEvent]| -> Vec<serde_json::Value> {
                events.iter().map(event_json).collect()
            };
            let list: Vec<_> = stories
                .iter()
                .map(|story| {
                    serde_json::json!({
                        "issue": story.dispatch.slug,
                        "state": Listed::of(story.delivery.state),
                        "attempts": story.delivery.attempts,
                        "events": events(&story.events),
                    })
                })
                .collect();
            let suppressed = suppression.as_ref().map(|one| {
                serde_json::json!({ "reason": one.reason.word(), "note": one.note, "at": one.at.to_string() })
            });
            let told =
                serde_json::json!({ "address": address.expose(), "suppressed": suppressed, "issues": list });
            return Self::json(context, &told);
        }
        let mut out = String::new();
        if let Some(one) = suppression {
            let note = one.note.map(|note| format!(" ({note})")).unwrap_or_default();
            out.push_str(&format!("suppressed since {}: {}{note}\n", when(one.at), one.reason));
        }
        if stories.is_empty() {
            context.terminal.say("nothing is recorded for this address");
        }
        for story in stories {
            out.push_str(&format!("{}: {}\n", story.dispatch.slug, Listed::of(story.delivery.state)));
            for event in &story.events {
                out.push_str(&format!("  {}  {}\n", when(event.at()), event_words(event)));
            }
        }
        Self::data(context, &printable(&out))
    }
}

impl<'a> Told<'a> {
    fn new(record: &'a DispatchRecord, tally: Tally, returned: ReturnedTally) -> Self {
        Self {
            issue: &record.slug,
            number: record.number,
            title: &record.title,
            digest: &record.digest,
            opened_at: record.opened_at.to_string(),
            counts: Counts::of(tally, returned),
            deliveries: None,
        }
    }
}

fn table(record: &DispatchRecord, tally: Tally, returned: ReturnedTally) -> String {
    let begun = tally.begun;
    let counts = Counts::of(tally, returned);
    let mut out =
        format!("{}\nopened {}, digest {}\n\n", record.title, when(record.opened_at), short(&record.digest));
    for (word, number) in [
        ("planned", counts.planned),
        ("accepted", counts.accepted),
        ("queued", counts.queued),
        ("deferred", counts.deferred),
        ("failed", counts.failed),
        ("unconfirmed", counts.unconfirmed),
        ("suppressed", counts.suppressed),
    ] {
        out.push_str(&format!("  {word:<12}{:>9}", count(number)));
        if word == "unconfirmed" && begun > 0 {
            // A living sender will have answers soon.
            out.push_str(&format!("  ({} begun, no outcome recorded yet)", count(begun)));
        }
        out.push('\n');
    }
    if counts.bounced + counts.complained > 0 {
        out.push_str("\nof the accepted letters\n");
    }
    for (word, number) in [("bounced", counts.bounced), ("complained", counts.complained)] {
        if number > 0 {
            out.push_str(&format!("  {word:<12}{:>9}\n", count(number)));
        }
    }
    out
}

/// A line about a dispatch, and how many of its letters came back.
fn with_returned(line: String, returned: ReturnedTally) -> String {
    let mut line = line.trim_end().to_owned();
    for (word, number) in [("bounced", returned.bounced), ("complained", returned.complained)] {
        if number > 0 {
            line.push_str(&format!(", {} {word}", count(number)));
        }
    }
    line.push('\n');
    line
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

fn line(row: &DeliveryRow) -> String {
    let mut out = row.address.expose().to_owned();
    if let Some(at) = row.at {
        out.push_str(&format!("  {}", when(at)));
    }
    if row.attempts > 0 {
        out.push_str(&format!("  {} tried", row.attempts));
    }
    if row.state == State::Begun {
        out.push_str("  begun, no outcome recorded yet");
    } else if let Some(reply) = &row.reply {
        out.push_str(&format!("  {reply}"));
    }
    if let Some(due) = row.due_at {
        out.push_str(&format!("  (again {})", when(due)));
    }
    out.push('\n');
    printable(&out)
}

fn event_words(event: &HistoryEvent) -> String {
    match event {
        HistoryEvent::Attempt { relay, outcome, .. } => {
            use crate::transport::Outcome;
            match outcome {
                Outcome::Accepted { reply } => format!("accepted by {relay}: {reply}"),
                Outcome::Deferred { stage, reply } => format!("deferred by {relay} ({stage}): {reply}"),
                Outcome::Rejected { stage, reply } => format!("refused by {relay} ({stage}): {reply}"),
                Outcome::Unconfirmed { why } => format!("unconfirmed at {relay}: {why}"),
            }
        }
        HistoryEvent::Decision { decision, .. } => format!("decided: {}", decision.word()),
        HistoryEvent::Returned(event) => returned_words(event),
    }
}

/// What came back, in words.
fn returned_words(event: &BounceEvent) -> String {
    let what = match event.class {
        Some(class) => format!("{} ({})", event.kind.word(), class.word()),
        None => event.kind.word().to_owned(),
    };
    let reply = if event.reply.is_empty() { String::new() } else { format!(": {}", event.reply) };
    let proof = if event.resolved { "; so the relay had accepted the letter" } else { "" };
    format!("{what}{reply}; effect: {}{proof}", event.effect.word())
}

fn event_json(event: &HistoryEvent) -> serde_json::Value {
    match event {
        HistoryEvent::Attempt { begun_at, ended_at, relay, outcome } => serde_json::json!({
            "at": ended_at.to_string(),
            "begun_at": begun_at.map(|at| at.to_string()),
            "relay": relay,
            "outcome": outcome,
        }),
        HistoryEvent::Decision { at, decision } => {
            serde_json::json!({ "at": at.to_string(), "decision": decision.word() })
        }
        HistoryEvent::Returned(event) => serde_json::json!({
            "at": event.at.to_string(),
            "returned": event.kind.word(),
            "class": event.class.map(Class::word),
            "reply": event.reply,
            "effect": event.effect.word(),
            "proves_accepted": event.resolved,
        }),
    }
}
