mod args;
mod course;
mod planning;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

pub(crate) use args::Args;
use course::{Course, Totals};
use planning::Agreed;

use super::{Context, Exit, Failure, hints, issues, relay_limits, sending, suppression_file};
use crate::{
    config::{Config, Overrides},
    dispatch::{self, Ended, Event, Interrupt, Opened, Plan, Prediction, Settings},
    files::{Readers, write_atomically},
    ledger::{DispatchRecord, Ledger, LedgerError, Restored, Selection, Tally},
    render::{Built, RenderedIssue},
    report::{
        Progress, RunPage, Style, stretch, wait_word,
        words::{count, duration, octets, plural, when},
    },
    source::Severity,
    transport::Transport,
};

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let overrides = args.list.say(args.relay.say(args.outbox.say(args.ledger.say(Overrides::default()))));
    let mut config = context.config_to_run(args.trust.say(overrides))?;
    // A letter cannot be taken back: no reader gets TeX because nobody could be asked.
    config.undrawn = Severity::Error;
    let choice = args.choice(context)?;
    let until = args.until(context)?;
    let (file, named) = issues::search(context, &args.issue)?;
    args.check_name(&file, named)?;
    let built = context.build(&config, &file)?;
    if built.issue.head.draft && !args.dry_run {
        return Err(Failure::input(format!("`{}` is a draft", file.path.display()))
            .hint("take `draft: true` out of its front matter when it is ready, or use --dry-run"));
    }
    args.check(context, &config, &file, &built)?;
    sending::runtime_for(&config, args.dry_run)?.block_on(async {
        let job = Job { args, context, config: &config, file: &file, named, choice, until };
        job.send(built).await
    })
}

struct Job<'a> {
    args: &'a Args,
    context: &'a Context,
    config: &'a Config,
    file: &'a issues::IssueFile,
    named: issues::Match,
    choice: Option<Selection>,
    until: Option<Timestamp>,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Told<'a> {
    plan: &'a Plan,
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    tally: Option<Tally>,
    ended: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    go_on_at: Option<Timestamp>,
    letters: u64,
    octets: u64,
    seconds: f64,
}

impl Job<'_> {
    async fn send(self, built: Built) -> Result<Exit, Failure> {
        let ledger = self.ledger()?;
        ledger.recognize(sending::list_tokens(self.config)?).await?;
        if !self.args.dry_run {
            self.acknowledge_first(&ledger).await?;
        }
        let file = suppression_file::read(self.config)?;
        let dispatch = ledger.find_dispatch(&built.rendered.slug).await?;
        let owed = dispatch.map(|record| (&ledger, record.id));
        suppression_file::join(self.config, file.as_ref(), owed, &ledger).await?;
        let secrets = sending::secrets(self.config)?;
        let source = dispatch::Source::new(built.rendered, &self.config.list, secrets);
        let Agreed { opened, destination } = match self.agreed(source, &ledger).await? {
            Ok(agreed) => agreed,
            Err(exit) => return Ok(exit),
        };
        let transport = Arc::new(destination.transport);
        let settings = self.settings(destination.connections);
        if self.args.dry_run {
            if let Some(dispatch) = opened.dispatch {
                ledger.make_due_now(dispatch).await?;
            }
            let course = self.work(&opened, &transport, settings).await?;
            self.tell_dry_run(&opened.plan, &course)?;
            return Ok(self.exit(&course, &Tally::default()));
        }
        let course = self.work(&opened, &transport, settings).await?;
        relay_limits::keep(self.config, &transport.name(), transport.learned(), self.context.now);
        let tally = opened.tally().await?;
        let records = ledger.dispatches().await?;
        let page = match records.into_iter().find(|record| Some(record.id) == opened.dispatch) {
            Some(record) => self.page(&ledger, &record, &opened.rendered, tally, &course).await,
            None => None,
        };
        self.tell(&opened.plan, &course, Some(tally), page.as_deref())?;
        suppression_file::add_since(self.config, &ledger, self.context.now).await?;
        Ok(self.exit(&course, &tally))
    }

    /// The ledger; for a dry run, a copy that is thrown away.
    fn ledger(&self) -> Result<Ledger, Failure> {
        let path = &self.config.ledger;
        if !self.args.dry_run {
            let restored = if self.args.restored { Restored::Accept } else { Restored::Refuse };
            return Ok(self.context.ledger(path, restored)?);
        }
        match Ledger::scratch_copy(path) {
            Err(LedgerError::Missing { .. }) => Ok(Ledger::scratch()?),
            copy => Ok(copy?),
        }
    }

    /// How the run works. A dry run has no pace.
    fn settings(&self, connections: usize) -> Settings {
        if self.args.dry_run {
            return Settings { connections, ..Settings::default() };
        }
        sending::settings(self.config, connections, self.until)
    }

    /// Runs it with progress and interrupts.
    async fn work(
        &self,
        opened: &Opened,
        transport: &Arc<Transport>,
        settings: Settings,
    ) -> Result<Course, Failure> {
        let terminal = &self.context.terminal;
        let style = if terminal.is_quiet() {
            Style::Silent
        } else if terminal.is_interactive() {
            Style::Bar
        } else {
            Style::Lines
        };
        let progress = Arc::new(Progress::new(style, opened.plan.letters));
        let (began, started) = (Timestamp::now(), Instant::now());
        let totals = Arc::new(Mutex::new(Totals { began: Some(started), ..Totals::default() }));
        let (interrupt, interrupts) = watch::channel(Interrupt::None);
        let listener = sending::listen_for_interrupts(interrupt, *terminal);
        let ended = {
            let (progress, totals) = (Arc::clone(&progress), Arc::clone(&totals));
            let emit = move |event: Event<'_>| {
                totals.lock().unwrap_or_else(PoisonError::into_inner).note(&event);
                progress.event(&event);
            };
            opened.run(transport, settings).interrupted_by(interrupts).send(emit).await
        };
        listener.abort();
        progress.finish();
        let mut totals = std::mem::take(&mut *totals.lock().unwrap_or_else(PoisonError::into_inner));
        totals.wait_for(None, Instant::now());
        Ok(Course { ended: ended?, totals, began, took: started.elapsed() })
    }

    fn exit(&self, course: &Course, tally: &Tally) -> Exit {
        match &course.ended {
            Ended::Interrupted => Exit::Interrupted,
            Ended::Brake(_) | Ended::RelayDown(_) => Exit::Stopped,
            Ended::Paused { why: dispatch::Wait::Deferred, .. } => Exit::Unfinished,
            Ended::Paused { .. } => Exit::Stopped,
            Ended::Finished if 0 < tally.failed + tally.unconfirmed + elsewhere(tally) => Exit::Unfinished,
            Ended::Finished => Exit::Done,
        }
    }

    /// Says what a dry run made, or how it ended before it was done.
    fn tell_dry_run(&self, plan: &Plan, course: &Course) -> Result<(), Failure> {
        let (terminal, totals) = (&self.context.terminal, &course.totals);
        if !matches!(course.ended, Ended::Finished) {
            return self.tell(plan, course, None, None);
        }
        terminal.say(&format!(
            "dry run: {} in `{}`, {} in all ({} to {} each), made in {}; nothing was sent and nothing is written down",
            plural(totals.answers, "letter", "letters"),
            self.config.outbox.display(),
            octets(totals.octets),
            octets(totals.least),
            octets(totals.most),
            duration(course.took)
        ));
        match plan.prediction {
            Prediction::AtOnce => {
                terminal.say("no rate limit set: the send runs as fast as the relay accepts");
            }
            Prediction::Until(at) => {
                let takes = Duration::try_from(at.duration_since(self.context.now)).unwrap_or_default();
                terminal.say(&format!(
                    "the real run would take about {}, until {}",
                    duration(takes),
                    when(at)
                ));
            }
            Prediction::Never => {}
        }
        self.json(plan, None, "finished", None, Totals { took: course.took, ..totals.clone() })
    }

    /// Says how it ended.
    fn tell(
        &self,
        plan: &Plan,
        course: &Course,
        tally: Option<Tally>,
        page: Option<&Path>,
    ) -> Result<(), Failure> {
        let terminal = &self.context.terminal;
        let again = format!("run `mimeo send {}` again to go on", self.args.issue);
        let (word, go_on_at) = match &course.ended {
            Ended::Finished => ("finished", None),
            Ended::Paused { why, until } => {
                terminal.print(&format!("paused: {} until {}; {again} then", wait_word(*why), when(*until)));
                ("paused", Some(*until))
            }
            Ended::Interrupted => {
                terminal.print(&format!("interrupted; {again}"));
                ("interrupted", None)
            }
            Ended::Brake(pulled) => {
                terminal.print(&format!(
                    "stopped by the brake: {} refused in a row, {} of {} attempts in all; look at the replies with \
                     `mimeo status {} --state failed`, mend the cause, and {again}",
                    pulled.in_a_row,
                    count(pulled.refused.into()),
                    count(pulled.answered.into()),
                    self.args.issue
                ));
                ("brake", None)
            }
            Ended::RelayDown(down) => {
                let then = match hints::way_out(down) {
                    Some(hint) => format!("\nhint: {hint}; then {again}"),
                    None => format!("; {again}"),
                };
                terminal.print(&format!("stopped: {down}{then}"));
                ("relay_down", None)
            }
        };
        let totals = &course.totals;
        if let Some(tally) = tally {
            let speed = totals.answers as f64 / course.took.as_secs_f64().max(0.001);
            let run = format!(
                " (this run: {} in {}, {} a second)",
                plural(totals.answers, "attempt", "attempts"),
                duration(course.took),
                count(speed.round() as u64)
            );
            let run = if totals.answers == 0 { "" } else { &run };
            terminal.say(&format!("{}{run}", sending::sentence(&tally)));
            if 0 < elsewhere(&tally) {
                terminal.say(&format!(
                    "another sender is at work on {}; run `mimeo status {}` when it is done",
                    plural(elsewhere(&tally), "letter", "letters"),
                    self.args.issue
                ));
            }
            if self.config.encryption().is_none() && tally.accepted > 0 {
                terminal.say(&format!(
                    "no `[relay]` is set: the letters are files in `{}`, and no mail was sent; they do not count \
                     when a relay is set",
                    self.config.outbox.display()
                ));
            }
            if tally.unconfirmed > 0 {
                terminal.say(&format!(
                    "{} unconfirmed: `mimeo status {issue} --state unconfirmed` names them, \
                     `mimeo resolve {issue} --accept` or `--resend` decides",
                    count(tally.unconfirmed),
                    issue = self.args.issue
                ));
            }
        }
        if let Some(page) = page {
            terminal.say(&format!("report: {}", page.display()));
        }
        self.json(plan, tally, word, go_on_at, Totals { took: course.took, ..totals.clone() })
    }

    fn json(
        &self,
        plan: &Plan,
        tally: Option<Tally>,
        ended: &str,
        go_on_at: Option<Timestamp>,
        totals: Totals,
    ) -> Result<(), Failure> {
        if !self.args.json {
            return Ok(());
        }
        let told = Told {
            plan,
            dry_run: self.args.dry_run,
            tally,
            ended,
            go_on_at,
            letters: totals.answers,
            octets: totals.octets,
            seconds: totals.took.as_secs_f64(),
        };
        let text = serde_json::to_string_pretty(&told).map_err(Failure::outside)?;
        self.context.terminal.data(&format!("{text}\n")).map_err(Failure::output)
    }

    /// Writes the page about this run beside the ledger. A page that cannot be written is no reason to fail.
    async fn page(
        &self,
        ledger: &Ledger,
        dispatch: &DispatchRecord,
        rendered: &RenderedIssue,
        tally: Tally,
        course: &Course,
    ) -> Option<PathBuf> {
        let ended = course.sentence();
        let now = Timestamp::now();
        let age = Duration::try_from(now.duration_since(dispatch.opened_at)).unwrap_or_default();
        let took = Duration::try_from(now.duration_since(course.began)).unwrap_or_default();
        let stretches = (stretch(took), stretch(age));
        let write = async {
            let timeline =
                async |stretch: Duration| ledger.timeline(dispatch.id, stretch.as_secs() as u32).await;
            let whole = timeline(stretches.1).await?;
            let is_alike = stretches.0 == stretches.1;
            let mut run_course = if is_alike { whole.clone() } else { timeline(stretches.0).await? };
            run_course.retain(|bucket| course.began < until(bucket.from, stretches.0));
            let replies = ledger.replies(dispatch.id).await?;
            let html = RunPage {
                newsletter: &rendered.newsletter,
                dispatch,
                tally,
                run_course: &run_course,
                course: &whole,
                stretches,
                replies: &replies,
                waits: &course.totals.waits,
                ended: &ended,
                run: (course.began, now),
            }
            .html();
            let folder = self.config.ledger.parent().unwrap_or(Path::new("")).join("reports");
            let stamp = course.began.strftime("%Y%m%dT%H%M%SZ");
            // Runs of one second each get a page of their own.
            let name = |more: String| folder.join(format!("{}-{stamp}{more}.html", rendered.slug));
            let mut path = name(String::new());
            for number in 2..100 {
                if !path.exists() {
                    break;
                }
                path = name(format!("-{number}"));
            }
            write_atomically(&path, html.as_bytes(), Readers::Owner)?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(path)
        };
        match write.await {
            Ok(path) => Some(path),
            Err(error) => {
                self.context.terminal.say(&format!("the report could not be written: {error}"));
                None
            }
        }
    }
}

fn until(from: Timestamp, stretch: Duration) -> Timestamp {
    from.checked_add(stretch).unwrap_or(Timestamp::MAX)
}

/// Letters that another living sender holds: the dead were reaped, and ours are all back.
fn elsewhere(tally: &Tally) -> u64 {
    tally.claimed + tally.begun
}
