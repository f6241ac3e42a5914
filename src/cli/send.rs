mod args;
mod course;
mod dry_run;
mod edited;
mod frozen;
mod planning;

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

pub(crate) use args::Args;
use course::{Course, Totals};
use frozen::Changes;
use planning::Planned;

use super::{Context, Exit, Failure, hints, issues, relay_limits, sending};
use crate::{
    config::{Config, Overrides},
    dispatch::{self, Ended, Interrupt, Plan},
    files::{Readers, write_atomically},
    ledger::{DispatchRecord, Ledger, Restored, Selection, Tally},
    render::{Built, RenderedIssue},
    report::{
        Progress, RunPage, Style, stretch, wait_word,
        words::{count, duration, plural, when},
    },
};

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let overrides = args.list.say(args.relay.say(args.outbox.say(args.ledger.say(Overrides::default()))));
    let config = context.config(overrides)?;
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
        if args.dry_run { job.dry_run(built).await } else { job.send(built).await }
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
        let terminal = &self.context.terminal;
        let now = self.context.now;
        let restored = if self.args.restored { Restored::Accept } else { Restored::Refuse };
        let ledger = self.context.ledger(&self.config.ledger, restored)?;
        let reaped = ledger.reap(now).await?;
        if reaped.unconfirmed > 0 {
            terminal.say(&format!(
                "an earlier run died with {} under way: see `mimeo status {} --list unconfirmed`",
                plural(reaped.unconfirmed, "letter", "letters"),
                self.args.issue
            ));
        }
        self.acknowledge_first(&ledger).await?;
        let (rendered, opened) = self.frozen(&ledger, built.rendered, Changes::Write).await?;
        self.check_destination(&ledger, opened.as_ref()).await?;
        let (composer, signing) = sending::composer_and_signing(self.config, &rendered)?;
        let composer = Arc::new(composer);
        if let Some(record) = &opened {
            self.check_signing(&ledger, record.id, &signing).await?;
        }
        let planned = self.planned(&ledger, opened.as_ref(), &rendered, &composer).await?;
        let Planned { plan, errand, dispatch } = match planned {
            ControlFlow::Continue(planned) => planned,
            ControlFlow::Break(exit) => return Ok(exit),
        };
        self.check_signing(&ledger, dispatch, &signing).await?;
        let choice = match self.choice.clone() {
            Some(choice) => Some(ledger.select(dispatch, choice).await?.id),
            None => None,
        };
        let transport = Arc::new(errand.transport);
        let run = dispatch::Run {
            ledger: ledger.clone(),
            dispatch,
            choice,
            relay: errand.name.clone(),
            composer: Arc::clone(&composer),
            transport: Arc::clone(&transport),
            settings: sending::settings(self.config, errand.connections, self.until),
            clock: Arc::new(Timestamp::now),
        };
        let course = self.work(run, plan.letters).await?;
        relay_limits::keep(self.config, &errand.name, transport.learned());
        let tally = ledger.tally(dispatch).await?;
        let exit = self.exit(&course, &tally);
        let record = ledger.dispatches().await?.into_iter().find(|record| record.id == dispatch);
        let page = match &record {
            Some(record) => self.page(&ledger, record, &rendered, tally, &course).await,
            None => None,
        };
        self.tell(&plan, &course, Some(tally), page.as_deref())?;
        Ok(exit)
    }

    /// Runs it with progress and interrupts.
    async fn work(&self, run: dispatch::Run, letters: u64) -> Result<Course, Failure> {
        let terminal = &self.context.terminal;
        let style = if terminal.is_quiet() {
            Style::Silent
        } else if terminal.is_interactive() {
            Style::Bar
        } else {
            Style::Lines
        };
        let progress = Arc::new(Progress::new(style, letters));
        let (began, started) = (Timestamp::now(), Instant::now());
        let totals = Arc::new(Mutex::new(Totals { began: Some(started), ..Totals::default() }));
        let (interrupt, interrupts) = watch::channel(Interrupt::None);
        let listener = sending::listen_for_interrupts(interrupt, *terminal);
        let ended = {
            let (progress, totals) = (Arc::clone(&progress), Arc::clone(&totals));
            run.run(interrupts, move |event| {
                totals.lock().unwrap_or_else(PoisonError::into_inner).note(&event);
                progress.event(&event);
            })
            .await
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
                     `mimeo status {} --list failed`, mend the cause, and {again}",
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
                    "{} unconfirmed: `mimeo status {issue} --list unconfirmed` names them, \
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
