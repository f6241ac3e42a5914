mod args;
mod job;
mod outcome;
mod planning;
mod schedule;

use tokio::sync::watch;

pub(crate) use args::Args;
use job::Job;
#[cfg(test)]
pub(super) use outcome::SendReport;
use planning::Agreed;
use schedule::Waited;

use super::{
    common,
    context::Context,
    course::Course,
    failure::{Exit, Failure},
    issues, relay_limits, scheduled, suppression_file,
};
use crate::{
    config::Overrides,
    dispatch::{self, Interrupt, Opened, Route, Settings, forget_refusals},
    ledger::{Joinable, Ledger, Schedule, ScheduleId, ScheduleState, Tally},
    render::Built,
    report::{Progress, Style},
    source::Severity,
};

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let mut config = context.config_to_run(args.overrides(Overrides::default()))?;
    // A letter cannot be taken back: no reader gets TeX because no one could be asked.
    config.undrawn = Severity::Error;
    let choice = args.choice(context, &config)?;
    let until = args.deadline(context)?;
    let at = args.at.as_deref().map(|text| schedule::time(text, context.now)).transpose()?;
    let (file, named) = issues::search(context, &args.issue)?;
    args.check_name(&file, named)?;
    let built = context.build(&config, &file)?;
    if built.issue.head.draft && !args.dry_run {
        return Err(Failure::input(format!("`{}` is a draft", file.path.display()))
            .hint("take `draft: true` out of its front matter when it is ready, or use --dry-run"));
    }
    args.check(context, &config, &file, &built)?;
    common::runtime_for(&config, args.dry_run)?.block_on(async {
        let is_confirmed = false;
        let job = Job { args, context, config: &config, file: &file, named, choice, until, is_confirmed };
        let ledger = job.ledger()?;
        match at {
            Some(at) => match job.schedule(&built, at, &ledger).await? {
                Waited::Started => Job { is_confirmed: true, ..job }.send(built, ledger).await,
                Waited::Over(exit) => Ok(exit),
            },
            None => job.send(built, ledger).await,
        }
    })
}

impl Job<'_> {
    async fn send(self, built: Built, ledger: Ledger) -> Result<Exit, Failure> {
        ledger.recognize(common::list_tokens(self.config)?).await?;
        if !self.args.dry_run {
            self.acknowledge_first(&ledger).await?;
            relay_limits::adopt(self.config, &ledger).await?;
        }
        let file = suppression_file::read(self.config)?;
        let dispatch = ledger.find_dispatch(&built.rendered.slug).await?;
        let owed = dispatch.map(|record| (&ledger, record.id));
        suppression_file::join(self.config, file.as_ref(), owed, &ledger).await?;
        let secrets = common::secrets(self.config)?;
        let schedule = self.scheduled(&ledger, &built).await?;
        let source = dispatch::Source::new(built.rendered, &self.config.list, secrets);
        let Agreed { mut opened, destination } = match self.agreed(source, &ledger).await? {
            Ok(agreed) => agreed,
            Err(exit) => return Ok(exit),
        };
        let routes = destination.routes;
        let settings = self.settings();
        if self.args.dry_run {
            if let Some(dispatch) = opened.dispatch {
                ledger.make_due_now(dispatch).await?;
            }
            let course = self.work(&opened, routes, settings).await?;
            self.print_dry_run(&opened.plan, &course)?;
            return Ok(course.exit(&Tally::default(), true));
        }
        if let Some(dispatch) = opened.dispatch {
            // Whoever is at work elsewhere joins, unless only some people are to get it now.
            let joinable = if self.choice.is_none() { Joinable::Yes } else { Joinable::AsBefore };
            let settings = self.config.shared.to_stored();
            // First, so that what was counted before stops nothing again.
            forget_refusals(&ledger, dispatch).await?;
            opened.share(&settings, joinable, self.context.now).await?;
        }
        if let Some(id) = schedule {
            let why = "sent before its time";
            ledger.end_schedule(id, None, ScheduleState::Canceled, why, self.context.now).await?;
        }
        let course = self.work(&opened, routes, settings).await?;
        let tally = opened.tally().await?;
        let records = ledger.dispatches().await?;
        let page = match records.into_iter().find(|record| Some(record.id) == opened.dispatch) {
            Some(record) => self.page(&ledger, &record, &opened.rendered, tally, &course).await,
            None => None,
        };
        self.print(&opened.plan, &course, Some(tally), page.as_deref())?;
        suppression_file::add_missing(self.config, &ledger, self.context.now).await?;
        Ok(course.exit(&tally, self.choice.is_none()))
    }

    /// The schedule that a send to everybody takes the place of.
    async fn scheduled(&self, ledger: &Ledger, built: &Built) -> Result<Option<ScheduleId>, Failure> {
        let (slug, number) = (&built.rendered.slug, built.rendered.number);
        let is_open = |one: &Schedule| one.state != ScheduleState::Started;
        let Some(schedule) = scheduled::of_issue(ledger, slug, number).await?.filter(is_open) else {
            return Ok(None);
        };
        if self.args.dry_run || self.choice.is_some() {
            return Ok(None);
        }
        if schedule.state == ScheduleState::Waiting {
            let at = &schedule.at;
            self.context.terminal.say(&format!("`{slug}` is scheduled for {at}; it is sent now instead"));
        }
        Ok(Some(schedule.id))
    }

    /// Runs it with progress and interrupts.
    async fn work(&self, opened: &Opened, routes: Vec<Route>, settings: Settings) -> Result<Course, Failure> {
        let terminal = &self.context.terminal;
        let style = if terminal.is_quiet() {
            Style::Silent
        } else if terminal.is_interactive() {
            Style::Bar
        } else {
            Style::Lines
        };
        let (interrupt, interrupts) = watch::channel(Interrupt::None);
        let listener = common::listen_for_interrupts(interrupt, *terminal);
        let run = opened.run_through(routes, settings).interrupted_by(interrupts);
        let course = Course::of(run, Progress::new(style, opened.plan.letters)).await;
        listener.abort();
        Ok(course?)
    }
}
