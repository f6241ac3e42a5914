mod args;
mod course;
mod dry_run;
mod edited;

use std::{
    io::{self, BufRead, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

pub(crate) use args::Args;
use course::{Course, Totals};

use super::{
    Context, Exit, Failure, hints, issues,
    press::{self, Pressed},
    sending::{self, Errand},
};
use crate::{
    config::{Config, Overrides},
    dispatch::{self, Ended, Failed, Interrupt, Plan, Prediction, Survey},
    ledger::{
        Choice, Decision, DispatchId, DispatchRecord, Ledger, NewDispatch, OpenOptions, Restored, Tally,
    },
    message::Composer,
    render::RenderedIssue,
    report::{
        Progress, RunPage, Style, stretch, wait_word,
        words::{count, duration, octets, plural, when},
    },
    subscriber::List,
};

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let overrides = args.list.say(args.relay.say(args.outbox.say(args.ledger.say(Overrides::default()))));
    let config = context.config(overrides)?;
    let choice = args.choice(context)?;
    let until = args.until(context)?;
    let file = issues::find(context, &args.issue)?;
    let pressed = press::press(context, &config, &file)?;
    if pressed.issue.head.draft && !args.dry_run {
        return Err(Failure::input(format!("`{}` is a draft", file.path.display()))
            .hint("take `draft: true` out of its front matter when it is ready, or use --dry-run"));
    }
    args.check(context, &config, &file, &pressed)?;
    sending::runtime_for(&config, args.dry_run)?.block_on(async {
        let job = Job { args, context, config: &config, choice, until };
        if args.dry_run { job.dry_run(pressed).await } else { job.send(pressed).await }
    })
}

struct Job<'a> {
    args: &'a Args,
    context: &'a Context,
    config: &'a Config,
    choice: Option<Choice>,
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
    async fn send(self, pressed: Pressed) -> Result<Exit, Failure> {
        let terminal = &self.context.terminal;
        let now = self.context.now;
        let restored = if self.args.restored { Restored::Accept } else { Restored::Refuse };
        let options = OpenOptions { restored, ..OpenOptions::default() };
        let ledger = Ledger::open_with(&self.config.ledger, &options)?;
        let reaped = ledger.reap(now).await?;
        if 0 < reaped.unconfirmed {
            terminal.say(&format!(
                "an earlier run died with {} under way: see `mimeo status {} --list unconfirmed`",
                plural(reaped.unconfirmed, "letter", "letters"),
                self.args.issue
            ));
        }
        let (rendered, opened) = self.frozen(&ledger, pressed.rendered).await?;
        let composer = Arc::new(sending::composer(self.config, &rendered)?);
        let survey = self.survey(Some(&ledger), opened.as_ref(), &composer).await?;
        let so_far = match &opened {
            Some(record) => ledger.tally(record.id).await?,
            None => Tally::default(),
        };
        let plan = self.plan(&rendered, opened.as_ref(), &survey, so_far);
        if self.is_idle(&plan) {
            return self.nothing_to_do(&plan, &rendered);
        }
        let errand = Errand::of(self.config)?;
        self.show(&plan, &composer, &errand)?;
        self.confirm(&plan)?;
        if 0 < plan.retried
            && let Some(record) = &opened
        {
            let named = matches!(self.choice, Some(Choice::Only(_) | Choice::Where { .. }));
            ledger.decide(record.id, Decision::Retry, named.then_some(survey.retried), now).await?;
        }
        let dispatch = self.open(&ledger, opened.as_ref(), &rendered, &composer, &plan).await?;
        let choice = match self.choice.clone() {
            Some(choice) => Some(ledger.choose(dispatch, choice).await?.id),
            None => None,
        };
        let run = dispatch::Run {
            ledger: ledger.clone(),
            dispatch,
            choice,
            relay: errand.name.clone(),
            composer: Arc::clone(&composer),
            transport: Arc::new(errand.transport),
            settings: sending::settings(self.config, errand.connections, self.until),
            clock: Arc::new(Timestamp::now),
        };
        let course = self.work(run, plan.letters).await?;
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

    /// The rendered issue that goes out: the frozen one, when the sending was opened before.
    async fn frozen(
        &self,
        ledger: &Ledger,
        rendered: RenderedIssue,
    ) -> Result<(RenderedIssue, Option<DispatchRecord>), Failure> {
        // Not the latest one of that name: a number may have been taken back.
        let is_it =
            |record: &DispatchRecord| record.slug == rendered.slug && record.number == rendered.number;
        let record = ledger.dispatches().await?.into_iter().find(is_it);
        let Some(record) = record else { return Ok((rendered, None)) };
        let frozen = ledger.rendered(record.id).await?;
        if record.digest != rendered.digest() && !self.args.as_opened {
            let differences = edited::differences(&frozen, &rendered);
            return Err(Failure::input(format!(
                "`{}` has been edited since its sending was opened ({}): {differences}",
                rendered.slug,
                when(record.opened_at)
            ))
            .hint(
                "so that all readers get the same letter: --as-opened goes on with the letter as it was; \
                 a new `number` in the front matter makes a new issue of the edited one",
            ));
        }
        Ok((frozen, Some(record)))
    }

    async fn survey(
        &self,
        ledger: Option<&Ledger>,
        opened: Option<&DispatchRecord>,
        composer: &Composer,
    ) -> Result<Survey, Failure> {
        let list = List::open(&self.config.list)?;
        sending::check_columns(composer, &list)?;
        self.args.check_field(self.choice.as_ref(), &list)?;
        let failed = if self.args.retry_failed { Failed::Again } else { Failed::Stay };
        let opened = opened.map(|record| record.id);
        let survey = dispatch::survey(list, ledger, opened, composer, self.choice.as_ref(), failed).await?;
        if let Some(first) = survey.unknown.first() {
            let more = match survey.unknown.len() - 1 {
                0 => String::new(),
                more => format!(" and {}", plural(more as u64, "other of `--only`", "others of `--only`")),
            };
            let list = self.config.list.display();
            return Err(Failure::input(format!("`{}`{more} is not in `{list}`", first.expose()))
                .hint("nothing was sent; a comma parts two addresses"));
        }
        if 0 < survey.unusable && !self.args.skip_bad_rows {
            let hint = format!(
                "nothing was sent; mend {}, or pass over {} with --skip-bad-rows",
                if survey.unusable == 1 { "the row" } else { "the rows" },
                if survey.unusable == 1 { "it" } else { "them" }
            );
            return Err(Failure::found(survey.diagnostics).hint(hint));
        }
        self.context.terminal.show(&survey.diagnostics);
        Ok(survey)
    }

    fn plan(
        &self,
        rendered: &RenderedIssue,
        opened: Option<&DispatchRecord>,
        survey: &Survey,
        so_far: Tally,
    ) -> Plan {
        let newcomers = survey.newcomers - survey.newcomers_suppressed;
        let retried = survey.retried.len() as u64;
        let owed = so_far.queued + so_far.deferred + retried + newcomers;
        let letters = if self.choice.is_some() { survey.chosen.min(owed) } else { owed };
        Plan {
            issue: rendered.slug.clone(),
            title: rendered.title.clone(),
            digest: rendered.digest(),
            opened_at: opened.map(|record| record.opened_at),
            so_far,
            newcomers: survey.newcomers,
            newcomers_suppressed: survey.newcomers_suppressed,
            paused: survey.paused,
            duplicates: survey.duplicates,
            skipped_rows: survey.unusable,
            retried,
            gone: survey.gone,
            left_for_later: owed - letters,
            letters,
            prediction: dispatch::predict(letters, &self.config.pace, self.context.now, 0),
        }
    }

    /// Whether there is nobody to write to, and nobody to write down.
    fn is_idle(&self, plan: &Plan) -> bool {
        plan.letters == 0 && (plan.newcomers == 0 || self.choice.is_some())
    }

    fn nothing_to_do(&self, plan: &Plan, rendered: &RenderedIssue) -> Result<Exit, Failure> {
        let tally = plan.so_far;
        let sentence = if 0 < plan.left_for_later {
            format!("nobody you chose is owed it; {} others are", count(plan.left_for_later))
        } else if tally.planned == 0 {
            "nobody on the list wants letters; nothing was sent".to_owned()
        } else if tally.accepted + tally.suppressed == tally.planned {
            format!(
                "everybody has it: {} of {} accepted; nothing was sent",
                count(tally.accepted),
                count(tally.planned)
            )
        } else {
            format!("nothing is left to send: {}", sending::sentence(&tally))
        };
        self.context.terminal.say(&format!("{}: {sentence}", rendered.title));
        self.json(plan, Some(tally), "finished", None, Totals::default())?;
        let open = tally.failed + tally.unconfirmed + tally.begun;
        Ok(if open == 0 { Exit::Done } else { Exit::Unfinished })
    }

    /// Shows the plan.
    fn show(&self, plan: &Plan, composer: &Composer, errand: &Errand) -> Result<(), Failure> {
        let terminal = &self.context.terminal;
        let mut lines = vec![plan.title.clone()];
        if let Some(opened) = plan.opened_at {
            lines.push(format!("  opened {}: {}", when(opened), sending::sentence(&plan.so_far)));
        }
        let mut why = Vec::new();
        if plan.opened_at.is_some() && 0 < plan.newcomers {
            why.push(format!("{} new on the list", count(plan.newcomers)));
        }
        for (number, what) in [
            (plan.so_far.deferred, "deferred before"),
            (plan.retried, "failed before"),
            (plan.gone, "no longer on the list"),
            (plan.paused, "paused"),
            (plan.duplicates, "on the list twice"),
            (plan.newcomers_suppressed, "suppressed"),
            (plan.skipped_rows, "in rows that cannot be used"),
            (plan.left_for_later, "left for later"),
        ] {
            if 0 < number {
                why.push(format!("{} {what}", count(number)));
            }
        }
        let who = plural(plan.letters, "person gets it", "people get it");
        lines.push(if why.is_empty() { format!("  {who}") } else { format!("  {who} ({})", why.join(", ")) });
        let size = composer.size_hint() as u64;
        lines.push(format!("  about {} a letter, {}", octets(size), errand.description));
        match plan.prediction {
            Prediction::AtOnce => {}
            Prediction::Until(at) => {
                lines.push(format!("  at this pace the last letter leaves about {}", when(at)))
            }
            Prediction::Never => lines.push("  at this pace it never ends: look at [pace]".to_owned()),
        }
        if 0 < plan.gone {
            lines.push(
                "  who left the list after its opening still gets it: `mimeo suppress ADDRESS` stops that"
                    .to_owned(),
            );
        }
        terminal.say(&lines.join("\n"));
        Ok(())
    }

    fn confirm(&self, plan: &Plan) -> Result<(), Failure> {
        if self.args.yes {
            return Ok(());
        }
        if !self.context.terminal.is_interactive() {
            return Err(Failure::input("nobody is here to say yes")
                .hint("look at the plan above, and add --yes to send")
                .exit(Exit::Usage));
        }
        eprint_prompt(&format!("Send {}? [y/N] ", plural(plan.letters, "letter", "letters")));
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).map_err(Failure::outside)?;
        if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
            return Ok(());
        }
        Err(Failure::input("nothing was sent").exit(Exit::Interrupted))
    }

    /// Freezes what is new: the whole dispatch, or the people who came since.
    async fn open(
        &self,
        ledger: &Ledger,
        opened: Option<&DispatchRecord>,
        rendered: &RenderedIssue,
        composer: &Arc<Composer>,
        plan: &Plan,
    ) -> Result<DispatchId, Failure> {
        let people = || {
            let list = List::open(&self.config.list)?;
            // The survey has looked for repeats, and the ledger has one delivery for an address whatever is read here.
            let list = if plan.duplicates == 0 { list.without_repeats() } else { list };
            Ok::<_, Failure>(dispatch::people(list, Arc::clone(composer)))
        };
        match opened {
            None => {
                let new = NewDispatch { rendered, opened_at: self.context.now };
                Ok(ledger.open_dispatch(&new, people()?).await?.dispatch)
            }
            Some(record) => {
                if 0 < plan.newcomers {
                    ledger.extend_dispatch(record.id, people()?).await?;
                }
                Ok(record.id)
            }
        }
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
                terminal.tell(&format!("paused: {} until {}; {again} then", wait_word(*why), when(*until)));
                ("paused", Some(*until))
            }
            Ended::Interrupted => {
                terminal.tell(&format!("interrupted; {again}"));
                ("interrupted", None)
            }
            Ended::Brake(pulled) => {
                terminal.tell(&format!(
                    "stopped by the brake: {} refused in a row, {} of {} answers in all; look at the replies with \
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
                terminal.tell(&format!("stopped: {down}{then}"));
                ("relay_down", None)
            }
        };
        let totals = &course.totals;
        if let Some(tally) = tally {
            let speed = totals.answers as f64 / course.took.as_secs_f64().max(0.001);
            let run = format!(
                " (this run: {} in {}, {} a second)",
                plural(totals.answers, "answer", "answers"),
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
            if 0 < tally.unconfirmed {
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
            let (mut run_course, whole) = (timeline(stretches.0).await?, timeline(stretches.1).await?);
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
            sending::write_private(&path, html.as_bytes())?;
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

fn eprint_prompt(text: &str) {
    let mut err = anstream::stderr();
    let _ = write!(err, "{text}");
    let _ = err.flush();
}
