mod args;
mod form;
mod person;
mod watch;

use serde::Serialize;

pub(crate) use args::Args;
use form::{Counts, Delivery, Letters, Listed, ScheduleStatus};
pub(super) use form::{StatusReport, Unsent};
#[cfg(test)]
pub(super) use person::PersonStatus;
#[cfg(test)]
pub(super) use watch::Tick;

use super::{
    common,
    context::Context,
    failure::{Exit, Failure},
    issues,
    json::Versioned,
    scheduled,
};
use crate::{
    config::Overrides,
    ledger::{
        DeliveryRow, DispatchRecord, Ledger, LedgerError, ReturnedTally, Schedule, ScheduleState, State,
        Tally,
    },
    report::format::{count, printable, when},
    subscriber::Export,
};

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let config = context.config(args.ledger.say(Overrides::default()))?;
    let runtime = common::runtime()?;
    let ledger = match Ledger::open_read_only(&config.ledger) {
        Ok(ledger) => ledger,
        Err(LedgerError::Missing { .. }) => return args.nothing_yet(context, None),
        Err(error) => return Err(error.into()),
    };
    runtime.block_on(async {
        if args.watch {
            return watch::run(args, context, &ledger).await;
        }
        if let Some(address) = &args.address {
            return args.person(context, &ledger, address).await;
        }
        match &args.issue {
            Some(issue) => args.issue(context, &ledger, issue).await,
            None => args.all(context, &ledger).await,
        }
    })
}

impl Args {
    fn data(context: &Context, text: &str) -> Result<Exit, Failure> {
        context.terminal.data(text).map_err(Failure::output)?;
        Ok(Exit::Done)
    }

    /// There is no dispatch to report on.
    fn nothing_yet(&self, context: &Context, schedule: Option<&Schedule>) -> Result<Exit, Failure> {
        let Some(issue) = &self.issue else {
            context.terminal.say("nothing has been sent yet");
            return if self.json { Self::data(context, "[]\n") } else { Ok(Exit::Done) };
        };
        let file = issues::find(context, issue)?;
        if self.json {
            let deliveries = self.state.is_some().then(Vec::new);
            let letters = Letters::none(schedule.map(ScheduleStatus::from), deliveries);
            let unsent = Unsent { issue: &file.slug, opened_at: None, letters };
            return Self::json(context, &unsent);
        }
        context.terminal.say(&format!("`{}` has not been sent to anybody", file.slug));
        match schedule {
            Some(schedule) => Self::data(context, &scheduled::line(schedule, context.now)),
            None => Ok(Exit::Done),
        }
    }

    async fn all(&self, context: &Context, ledger: &Ledger) -> Result<Exit, Failure> {
        let mut report = Vec::new();
        let records = ledger.dispatches().await?;
        for record in &records {
            let tally = ledger.tally(record.id).await?;
            let stopped = ledger.stops(record.id).await?.why.filter(|_| tally.owed() > 0);
            report.push((record, tally, ledger.returned(record.id).await?, stopped));
        }
        let mut schedules = ledger.schedules().await?;
        schedules.retain(|one| one.state != ScheduleState::Started);
        if self.json {
            return Self::all_as_json(context, &report, &schedules);
        }
        if report.is_empty() && schedules.is_empty() {
            context.terminal.say("nothing has been sent yet");
        }
        let mut text = String::new();
        for (record, tally, returned, stopped) in report {
            let number = record.number.map(|number| format!("#{number} ")).unwrap_or_default();
            let line = format!(
                "{number}{}  {}  {}\n",
                record.title,
                when(record.opened_at),
                // No one looks here whether the sender lives: what it has begun may have left.
                common::sentence(&Tally { unconfirmed: tally.unconfirmed + tally.begun, begun: 0, ..tally })
            );
            let line = with_returned(line, returned);
            text.push_str(&match stopped {
                Some(why) => format!("{}; {why}\n", line.trim_end()),
                None => line,
            });
        }
        for schedule in &schedules {
            text.push_str(&scheduled::line(schedule, context.now));
        }
        Self::data(context, &text)
    }

    fn all_as_json(
        context: &Context,
        report: &[(&DispatchRecord, Tally, ReturnedTally, Option<String>)],
        schedules: &[Schedule],
    ) -> Result<Exit, Failure> {
        let value = |report: serde_json::Result<serde_json::Value>| report.map_err(Failure::outside);
        let is_of =
            |one: &Schedule, record: &DispatchRecord| one.slug == record.slug && one.number == record.number;
        let mut list = Vec::new();
        for (record, tally, returned, stopped) in report {
            let schedule = schedules.iter().rev().find(|one| is_of(one, record)).map(ScheduleStatus::from);
            let stopped = stopped.clone();
            let letters = Letters { schedule, stopped, ..Letters::of(*tally, *returned) };
            let report = StatusReport::new(record, letters);
            list.push(value(serde_json::to_value(Versioned::new(report)))?);
        }
        let is_new = |one: &&Schedule| !report.iter().any(|(record, ..)| is_of(one, record));
        for schedule in schedules.iter().filter(is_new) {
            let letters = Letters::none(Some(schedule.into()), None);
            let unsent = Unsent { issue: &schedule.slug, opened_at: None, letters };
            list.push(value(serde_json::to_value(Versioned::new(unsent)))?);
        }
        context.print_json_list(&list)?;
        Ok(Exit::Done)
    }

    fn json(context: &Context, value: &impl Serialize) -> Result<Exit, Failure> {
        context.print_json(value)?;
        Ok(Exit::Done)
    }

    async fn issue(&self, context: &Context, ledger: &Ledger, name: &str) -> Result<Exit, Failure> {
        let Some(record) = issues::dispatch(context, ledger, name).await? else {
            let slug = issues::find(context, name)?.slug;
            let schedule = scheduled::of_issue(ledger, &slug, None).await?;
            return self.nothing_yet(context, schedule.as_ref());
        };
        let schedule = scheduled::of_issue(ledger, &record.slug, record.number).await?;
        let report = schedule.as_ref().map(ScheduleStatus::from);
        let tally = ledger.tally(record.id).await?;
        let returned = ledger.returned(record.id).await?;
        let stopped = ledger.stops(record.id).await?.why.filter(|_| tally.owed() > 0);
        let Some(listed) = self.state else {
            if self.json {
                let letters = Letters { schedule: report, stopped, ..Letters::of(tally, returned) };
                return Self::json(context, &StatusReport::new(&record, letters));
            }
            let line =
                schedule.map(|one| format!("\n{}", scheduled::line(&one, context.now))).unwrap_or_default();
            let stopped = stopped.map(|why| {
                let slug = &record.slug;
                format!(
                    "\n{why}; `mimeo resume {slug}` lets workers go on, `mimeo send {slug}` goes on here\n"
                )
            });
            let stopped = stopped.unwrap_or_default();
            return Self::data(context, &format!("{}{line}{stopped}", table(&record, tally, returned)));
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
            let letters = Letters {
                counts: Counts::of(tally, returned),
                stopped,
                schedule: report,
                deliveries: Some(deliveries),
            };
            return Self::json(context, &StatusReport::new(&record, letters));
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
