//! What is said about a run when it is over: sentences, JSON, and a page beside the ledger.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use serde::Serialize;

use super::job::Job;
use crate::{
    cli::{
        common,
        course::{Course, Totals, elsewhere},
        failure::Failure,
        hints,
    },
    dispatch::{Ended, Plan, Prediction},
    files::{Readers, write_atomically},
    ledger::{DispatchRecord, Ledger, State, Tally},
    render::RenderedIssue,
    report::{
        FAILED_MAX, RunPage,
        format::{count, duration, human_bytes, plural, when},
        stretch, wait_word,
    },
};

/// What `--json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct SendReport<'a> {
    /// Who gets the issue, who does not, and why
    plan: &'a Plan,
    /// Whether the letters went into the outbox, and the ledger did not change
    dry_run: bool,
    /// The letters of the issue by state after the run, in all runs; missing for a dry run
    #[serde(skip_serializing_if = "Option::is_none")]
    tally: Option<Tally>,
    /// How the run ended: `finished`, `paused`, `interrupted`, `brake`, `stopped` or `relay_down`; with `--at` also `scheduled`,
    /// `canceled` or `held`
    ended: &'a str,
    /// When to run it again, if it is paused; when it is due, if it is scheduled
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    go_on_at: Option<Timestamp>,
    /// Attempts in this run
    letters: u64,
    /// Their bytes
    bytes: u64,
    /// How long the run took
    seconds: f64,
    /// The page about the run
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<String>,
}

impl Job<'_> {
    /// Says what a dry run made, or how it ended before it was done.
    pub(super) fn print_dry_run(&self, plan: &Plan, course: &Course) -> Result<(), Failure> {
        let (terminal, totals) = (&self.context.terminal, &course.totals);
        if !matches!(course.ended, Ended::Finished) {
            return self.print(plan, course, None, None);
        }
        let (least, most) = (human_bytes(totals.least), human_bytes(totals.most));
        let each = if least == most { most } else { format!("{least} to {most}") };
        terminal.say(&format!(
            "dry run: {} in `{}`, {} in all ({each} each), made in {}; nothing was sent, and nothing was recorded",
            plural(totals.answers, "letter", "letters"),
            self.config.outbox.display(),
            human_bytes(totals.bytes),
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
        self.json(plan, None, ("finished", None), totals.clone(), None)
    }

    /// Says how it ended.
    pub(super) fn print(
        &self,
        plan: &Plan,
        course: &Course,
        tally: Option<Tally>,
        page: Option<&Path>,
    ) -> Result<(), Failure> {
        let terminal = &self.context.terminal;
        let again = format!("run `mimeo send {}` again to go on", self.args.issue);
        match &course.ended {
            Ended::Finished => {}
            Ended::Paused { why, until } => {
                terminal.print(&format!("paused: {} until {}; {again} then", wait_word(*why), when(*until)));
            }
            Ended::Interrupted => terminal.print(&format!("interrupted; {again}")),
            Ended::Brake(pulled) => {
                terminal.print(&format!(
                    "stopped by the brake: {} refused in a row, {} of {} attempts in all; look at the replies with \
                     `mimeo status {} --state failed`, fix the cause, and {again}",
                    pulled.in_a_row,
                    count(pulled.refused.into()),
                    count(pulled.answered.into()),
                    self.args.issue
                ));
            }
            Ended::Stopped(why) => {
                terminal.print(&format!("stopped: {why}; wait until it is over, and {again}"))
            }
            Ended::RelayDown(down) => {
                let then = match hints::way_out(down) {
                    Some(hint) => format!("\nhint: {hint}; then {again}"),
                    None => format!("; {again}"),
                };
                terminal.print(&format!("stopped: {down}{then}"));
            }
        }
        let totals = &course.totals;
        if let Some(tally) = tally {
            let run = format!(" (this run: {})", course.speed());
            let run = if totals.answers == 0 { "" } else { &run };
            terminal.say(&format!("{}{run}", common::sentence(&tally)));
            if elsewhere(&tally) > 0 {
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
        self.json(plan, tally, course.word(), totals.clone(), page)
    }

    /// Prints what `--json` asks for.
    pub(super) fn json(
        &self,
        plan: &Plan,
        tally: Option<Tally>,
        (ended, go_on_at): (&str, Option<Timestamp>),
        totals: Totals,
        page: Option<&Path>,
    ) -> Result<(), Failure> {
        if !self.args.json {
            return Ok(());
        }
        let output = SendReport {
            plan,
            dry_run: self.args.dry_run,
            tally,
            ended,
            go_on_at,
            letters: totals.answers,
            bytes: totals.bytes,
            seconds: totals.took.as_secs_f64(),
            report: page.map(|page| page.display().to_string()),
        };
        self.context.print_json(&output)
    }

    /// Writes the page about this run beside the ledger. A page that cannot be written is no reason to fail.
    pub(super) async fn page(
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
            let mut failed = Vec::new();
            let mut pages = ledger.deliveries(dispatch.id, Some(State::Failed));
            while tally.failed > failed.len() as u64
                && failed.len() < FAILED_MAX
                && let Some(row) = pages.next().await?
            {
                failed.push(row);
            }
            let returned = ledger.bounce_groups_of(dispatch.id).await?;
            let workers = ledger.worker_shares(dispatch.id).await?;
            let stopped = ledger.stops(dispatch.id).await?.why.filter(|_| tally.owed() > 0);
            let html = RunPage {
                newsletter: &rendered.newsletter,
                dispatch,
                tally,
                run_course: &run_course,
                course: &whole,
                stretches,
                failed: &failed,
                replies: &replies,
                returned: &returned,
                workers: &workers,
                waits: &course.totals.waits,
                ended: &ended,
                stopped: stopped.as_deref(),
                run: (course.began, now),
            }
            .html();
            let folder = self.config.ledger_file().parent().unwrap_or(Path::new("")).join("reports");
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
