//! `mimeo send --at`: the issue is frozen now, and sent then.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};
use tokio::sync::watch;

use super::job::Job;
use crate::{
    cli::{
        approve, common,
        course::Totals,
        failure::{Exit, Failure},
        scheduled::{self, Place},
    },
    config::Overrides,
    dispatch::{Due, Interrupt, Options, Source, Start, due, prepare},
    ledger::{Ledger, LocalTime, NewSchedule, Schedule, ScheduleId, ScheduleState},
    render::Built,
    report::Countdown,
};

/// While it waits, the clock and the ledger are looked at so often: the machine may sleep, and others may cancel.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Parses `--at`, which has to be in the future.
pub(super) fn time(text: &str, now: Timestamp) -> Result<LocalTime, Failure> {
    let usage = |text: String| {
        Failure::input(text)
            .hint("write it like 2026-12-04T09:00, or with a time zone: 2026-12-04T09:00[Europe/Berlin]")
            .exit(Exit::Usage)
    };
    let at = LocalTime::parse(text, &TimeZone::system()).map_err(|error| usage(error.to_string()))?;
    match at.due() {
        Some(due) if now < due => Ok(at),
        _ => Err(usage(format!("the time `{text}` is in the past"))),
    }
}

impl Job<'_> {
    /// Schedules it, and waits for its time unless it is to leave that to others.
    pub(super) async fn schedule(
        &self,
        built: &Built,
        at: LocalTime,
        ledger: &Ledger,
    ) -> Result<Waited, Failure> {
        ledger.recognize(common::list_tokens(self.config)?).await?;
        self.acknowledge_first(ledger).await?;
        let secrets = common::secrets(self.config)?;
        let signing = secrets.fingerprint();
        let source = Source::new(built.rendered.clone(), &self.config.list, secrets);
        let due = at.due().unwrap_or(self.context.now);
        let options = Options { begins: due, ..self.options() };
        let prepared = prepare(source, ledger, &options).await?;
        if prepared.plan().is_idle() {
            return self.nothing_to_do(prepared.plan()).map(Waited::Over);
        }
        self.refuse_open(ledger, &built.rendered.slug).await?;
        self.show(prepared.plan(), prepared.composer(), &self.destination()?)?;
        approve::require(self.config, prepared.plan())?;
        let is_required = self.config.approval.required;
        let approval = if is_required { approve::read(self.config, &built.rendered.slug)? } else { None };
        self.context.terminal.say(&format!(
            "  scheduled for {}; the list is read again then, and an edit of the issue before stops it",
            scheduled::both(&at, due)
        ));
        if !self.confirm_question(prepared.plan(), &format!("Schedule it for {at}?"))? {
            return Err(Failure::declined("nothing was scheduled"));
        }
        let rendered =
            if self.args.as_opened { ledger_issue(ledger, built).await? } else { built.rendered.clone() };
        let new = NewSchedule {
            rendered: &rendered,
            at: at.clone(),
            late: self.config.late,
            skip_bad_rows: self.args.skip_bad_rows,
            signing,
            settings: self.config.shared.with_approval(approval).to_stored(),
            now: self.context.now,
        };
        let Some(id) = ledger.schedule(&new).await? else {
            return Err(Failure::input("an earlier schedule of this issue is being started at this moment")
                .hint(format!("`mimeo status {}` shows what leaves", self.args.issue)));
        };
        if self.args.detach {
            self.context.terminal.say(&format!(
                "scheduled; a `mimeo work --watch` or `mimeo serve --work` that is running then sends it; \
                 `mimeo unschedule {}` cancels it",
                self.args.issue
            ));
            self.json(prepared.plan(), None, ("scheduled", Some(due)), Totals::default(), None)?;
            return Ok(Waited::Over(Exit::Done));
        }
        let waited = self.wait(ledger, id).await?;
        if let Waited::Over(exit) = waited {
            let ended = match exit {
                Exit::Interrupted => ("scheduled", Some(due)),
                Exit::Failed => ("canceled", None),
                _ => ("held", None),
            };
            self.json(prepared.plan(), None, ended, Totals::default(), None)?;
        }
        Ok(waited)
    }

    /// What workers send already cannot be sent later.
    async fn refuse_open(&self, ledger: &Ledger, slug: &str) -> Result<(), Failure> {
        let is_open =
            ledger.open_runs().await?.iter().any(|run| run.dispatch.slug == slug && run.stopped.is_none());
        if !is_open {
            return Ok(());
        }
        Err(Failure::input(format!(
            "`{slug}` was sent to everybody on the list, and any worker goes on with it"
        ))
        .hint(format!("`mimeo send {}` sends it to whoever does not have it yet", self.args.issue)))
    }

    /// Waits until it has started, here or elsewhere.
    async fn wait(&self, ledger: &Ledger, id: ScheduleId) -> Result<Waited, Failure> {
        let (interrupt, mut interrupts) = watch::channel(Interrupt::None);
        let listener = common::listen_quietly(interrupt);
        let countdown = Countdown::new(&self.context.terminal);
        let overrides = Overrides::default().or_environment(|name| std::env::var(name).ok());
        let overrides = self.args.overrides(overrides);
        let place = Place { context: self.context, ledger, overrides: &overrides, secrets: None };
        let waited = loop {
            let (schedule, now) = (ledger.schedule_by_id(id).await?, Timestamp::now());
            if let Some(waited) = self.look(&place, &schedule, now).await? {
                break waited;
            }
            let due = schedule.at.due().unwrap_or(now);
            countdown.show(&schedule.slug, due, now);
            let left = Duration::try_from(due.duration_since(now)).unwrap_or_default();
            tokio::select! {
                _ = interrupts.changed() => {
                    self.context.terminal.print(&format!(
                        "still scheduled: a `mimeo work` that is running then sends it; \
                         `mimeo unschedule {}` cancels it",
                        self.args.issue
                    ));
                    break Waited::Over(Exit::Interrupted);
                }
                () = tokio::time::sleep(left.min(countdown.tick(LOOK_EVERY)).max(Duration::from_millis(5))) => {}
            }
        };
        countdown.finish();
        listener.abort();
        Ok(waited)
    }

    async fn look(
        &self,
        place: &Place<'_>,
        schedule: &Schedule,
        now: Timestamp,
    ) -> Result<Option<Waited>, Failure> {
        let terminal = &self.context.terminal;
        match schedule.state {
            ScheduleState::Started => return Ok(Some(Waited::Started)),
            ScheduleState::Waiting if !matches!(due(schedule, now), Due::Now | Due::Missed(_)) => {
                return Ok(None);
            }
            ScheduleState::Waiting => {}
            _ => {
                terminal.print(scheduled::line(schedule, now).trim_end());
                let exit =
                    if schedule.state == ScheduleState::Canceled { Exit::Failed } else { Exit::Stopped };
                return Ok(Some(Waited::Over(exit)));
            }
        }
        for looked in place.start_due(now, Some(schedule.id)).await? {
            match &looked.start {
                Start::Started(Some(_)) => return Ok(Some(Waited::Started)),
                Start::NotYet | Start::Elsewhere => {}
                _ => {
                    terminal.print(&looked.sentence().unwrap_or_default());
                    return Ok(Some(Waited::Over(looked.exit())));
                }
            }
        }
        Ok(None)
    }
}

/// How waiting for a schedule ended.
pub(super) enum Waited {
    Started,
    Over(Exit),
}

/// The letter as it was frozen by an earlier `send`.
async fn ledger_issue(ledger: &Ledger, built: &Built) -> Result<crate::render::RenderedIssue, Failure> {
    match ledger.find_dispatch(&built.rendered.slug).await? {
        Some(record) => Ok(ledger.rendered(record.id).await?),
        None => Ok(built.rendered.clone()),
    }
}
