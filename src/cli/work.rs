mod joined;
mod line;
mod place;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use jiff::Timestamp;
use tokio::{sync::watch, task::JoinSet, time::Instant};

use super::{
    common,
    context::Context,
    failure::{Exit, Failure},
    flags, json,
    scheduled::Place,
};
use crate::{
    config::Overrides,
    dispatch::Interrupt,
    ledger::{DispatchId, Location, OpenRun, Restored, ScheduleId},
    report::format::{count, plural, when},
};
use joined::{Joined, Left};
pub(super) use line::Line;
use place::Span;
pub(super) use place::Workplace;

/// Help to send: join every dispatch that is open in the ledger
///
/// A worker needs the ledger, and no newsletter's folder: `mimeo send` has stored the issue, its recipients and the settings
/// there. Secrets (the newsletter's key, DKIM keys, the relay's password) come from where the worker runs. Any number of workers
/// can share the letters of a dispatch; limits in `[pace]` count for all of them together.
///
/// A dispatch that was opened for some people only (--limit, --sample, --only, --where) is left alone, and so is one that the
/// brake has stopped, until `mimeo send` goes on with it.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  mimeo work
  mimeo work --watch
  mimeo work --for 2h --json
  mimeo work --ledger /srv/kettle/ledger.db --secrets /etc/kettle --watch")]
pub(crate) struct Args {
    /// Stop when nothing can be sent at the moment [default]
    #[arg(long, group = "how_long")]
    drain: bool,
    /// Keep looking for letters to send for this long (2h)
    #[arg(long = "for", value_name = "TIME", group = "how_long")]
    span: Option<String>,
    /// Keep looking for letters to send until interrupted
    #[arg(long, group = "how_long")]
    watch: bool,
    /// Read secrets that are kept in files from this folder, by their file names [env: MIMEO_SECRETS]
    #[arg(long, value_name = "DIR")]
    secrets: Option<PathBuf>,
    /// Print what happens as JSON, an object on each line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    send: flags::SendOptions,
}

/// The ledger is looked at so often for dispatches to join.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Dead workers are looked for so often, at least.
const REAP_EVERY: Duration = Duration::from_secs(30);
/// After a failure (a relay that is away, a key that is missing) a dispatch is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(30);

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let span = args.span(context)?;
    let overrides = args.send.say(Overrides::default());
    let overrides = overrides.or_environment(|name| std::env::var(name).ok());
    let path = if context.has_settings() {
        context.config_to_run(overrides.clone())?.ledger
    } else if let Some(ledger) = &overrides.ledger {
        crate::config::ledger_location(ledger)
            .map_err(|error| Failure::input(error.to_string()).exit(Exit::Usage))?
    } else {
        return Err(Failure::input("no ledger is named, and there is no mimeo.toml")
            .hint("name the ledger with --ledger or MIMEO_LEDGER, or the newsletter's folder with -C DIR")
            .exit(Exit::Usage));
    };
    let secrets = args.secrets.clone().or_else(|| std::env::var_os("MIMEO_SECRETS").map(PathBuf::from));
    common::runtime()?.block_on(async {
        let ledger = context.ledger(&path, Restored::Refuse)?;
        let (interrupt, interrupts) = watch::channel(Interrupt::None);
        let listener = common::listen_for_interrupts(interrupt, context.terminal);
        let overrides = at_ledger(overrides, &path);
        let place = Workplace { context, ledger, overrides, secrets };
        let exit = Worker::new(place, span, args.json, interrupts).work().await;
        listener.abort();
        exit
    })
}

/// Sends whatever is open until it is interrupted, and starts schedules that are due: a worker within another command.
pub(super) async fn watch(
    place: Workplace<'_>,
    interrupts: watch::Receiver<Interrupt>,
) -> Result<(), Failure> {
    Worker::new(place, Span::Watch, false, interrupts).work().await.map(|_| ())
}

/// What flags say, with this ledger: its settings are read from it.
pub(super) fn at_ledger(overrides: Overrides, location: &Location) -> Overrides {
    let ledger = crate::config::Override::flag("--ledger", location.to_string());
    Overrides { ledger: Some(ledger), ..overrides }
}

impl Args {
    fn span(&self, context: &Context) -> Result<Span, Failure> {
        let Some(text) = &self.span else {
            return Ok(if self.watch { Span::Watch } else { Span::Drain });
        };
        let until = flags::duration(text).and_then(|span| context.now.checked_add(span).ok());
        until.map(Span::Until).ok_or_else(|| {
            Failure::input(format!("invalid time `{text}`"))
                .hint("write how long, as in 2h or 30m")
                .exit(Exit::Usage)
        })
    }
}

/// A process that joins whatever is open.
struct Worker<'a> {
    place: Workplace<'a>,
    span: Span,
    prints_json: bool,
    interrupts: watch::Receiver<Interrupt>,
    running: JoinSet<Left>,
    /// The dispatches that are running.
    busy: BTreeSet<DispatchId>,
    /// When to look at a dispatch again that cannot go on now.
    not_before: BTreeMap<DispatchId, Timestamp>,
    /// What was said once and need not be said again.
    said: BTreeSet<String>,
    /// Whether it has said that there is nothing to do, since something ended.
    is_idle: bool,
    /// How each dispatch ended that it has joined or left alone.
    ends: BTreeMap<DispatchId, Exit>,
    /// Schedules that could not be started.
    schedules: BTreeMap<ScheduleId, Exit>,
    reap_every: Duration,
}

impl<'a> Worker<'a> {
    fn new(
        place: Workplace<'a>,
        span: Span,
        prints_json: bool,
        interrupts: watch::Receiver<Interrupt>,
    ) -> Self {
        let named = place.overrides.ledger.as_ref().and_then(|named| Location::parse(&named.value).ok());
        let lease = named.and_then(|location| location.lease());
        Self {
            place,
            span,
            prints_json,
            interrupts,
            running: JoinSet::new(),
            busy: BTreeSet::new(),
            not_before: BTreeMap::new(),
            said: BTreeSet::new(),
            is_idle: false,
            ends: BTreeMap::new(),
            schedules: BTreeMap::new(),
            reap_every: lease.map_or(REAP_EVERY, |lease| REAP_EVERY.min(lease / 3)),
        }
    }

    async fn work(mut self) -> Result<Exit, Failure> {
        let mut reaped: Option<Instant> = None;
        loop {
            if *self.interrupts.borrow() != Interrupt::None {
                self.finish().await?;
                return Ok(Exit::Interrupted);
            }
            if reaped.is_none_or(|then| then.elapsed() >= self.reap_every) {
                reaped = Some(Instant::now());
                self.reap().await?;
            }
            self.start_what_is_due().await?;
            self.join_what_is_open().await?;
            match self.span {
                Span::Drain if self.running.is_empty() => return Ok(self.exit()),
                Span::Until(end) if end <= Timestamp::now() => {
                    self.finish().await?;
                    return Ok(self.exit());
                }
                _ => {}
            }
            if self.running.is_empty() {
                self.say_idle()?;
            }
            let mut interrupts = self.interrupts.clone();
            tokio::select! {
                Some(left) = self.running.join_next(), if !self.running.is_empty() => self.left(left)?,
                _ = interrupts.changed() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Waits for what is running: it stops by itself, at an interrupt or at the end of its time.
    async fn finish(&mut self) -> Result<(), Failure> {
        while let Some(left) = self.running.join_next().await {
            self.left(left)?;
        }
        Ok(())
    }

    async fn reap(&self) -> Result<(), Failure> {
        let reaped = self.place.ledger.reap(Timestamp::now()).await?;
        if reaped.unconfirmed > 0 {
            self.place.context.terminal.say(&format!(
                "a worker died with {} under way: see `mimeo status ISSUE --state unconfirmed`",
                plural(reaped.unconfirmed, "letter", "letters")
            ));
        }
        Ok(())
    }

    /// Opens the dispatches of schedules that are due.
    async fn start_what_is_due(&mut self) -> Result<(), Failure> {
        let secrets = self.place.secrets.clone();
        let (context, ledger) = (self.place.context, self.place.ledger.clone());
        let place =
            Place { context, ledger: &ledger, overrides: &self.place.overrides, secrets: secrets.as_deref() };
        for looked in place.start_due(Timestamp::now(), None).await? {
            let Some(sentence) = looked.sentence() else { continue };
            if looked.exit() == Exit::Done {
                self.schedules.remove(&looked.schedule.id);
                self.place.context.terminal.say(&sentence);
            } else {
                self.schedules.insert(looked.schedule.id, looked.exit());
                self.say_once(&looked.schedule.slug, &sentence)?;
            }
        }
        Ok(())
    }

    /// Starts a run for each dispatch that is open, has letters to claim and is not running here.
    async fn join_what_is_open(&mut self) -> Result<(), Failure> {
        let mut ready = Vec::new();
        for run in self.place.ledger.open_runs().await? {
            let (id, now) = (run.dispatch.id, Timestamp::now());
            let waits = self.not_before.get(&id).is_some_and(|until| now < *until);
            if self.busy.contains(&id) || waits && self.span == Span::Drain {
                continue;
            }
            if self.place.ledger.next_work(id, now).await?.is_none_or(|due| now < due) || waits {
                continue;
            }
            if let Some(why) = &run.stopped {
                self.skip(&run, why)?;
                continue;
            }
            ready.push(run);
        }
        let shares = self.busy.len() + ready.len();
        for run in ready {
            let (id, slug) = (run.dispatch.id, run.dispatch.slug.clone());
            match self.join(run, shares).await {
                Ok(Some(joined)) => {
                    self.busy.insert(id);
                    self.is_idle = false;
                    self.running.spawn(joined.run());
                }
                Ok(None) => self.put_off(id),
                Err(failure) => {
                    let (text, hint) = failure.plain();
                    let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
                    self.say_once(&slug, &format!("{text}{hint}"))?;
                    self.ends.insert(id, Exit::Stopped);
                    self.put_off(id);
                }
            }
        }
        Ok(())
    }

    async fn join(&mut self, run: OpenRun, shares: usize) -> Result<Option<Joined>, Failure> {
        let Some(joined) = Joined::new(&self.place, self.span, &self.interrupts, &run, shares).await? else {
            self.skip(&run, "its letters become files, in the newsletter's folder only")?;
            return Ok(None);
        };
        let plan = &joined.opened.plan;
        self.print(&Line {
            event: "joined",
            issue: Some(&plan.issue),
            letters: Some(plan.letters),
            relay: Some(&joined.relays),
            ..Line::default()
        })?;
        let letters = plural(plan.letters, "letter is", "letters are");
        self.place.context.terminal.say(&format!("`{}`: {letters} left, {}", plan.issue, joined.description));
        Ok(Some(joined))
    }

    fn left(&mut self, left: Result<Left, tokio::task::JoinError>) -> Result<(), Failure> {
        let left = match left {
            Ok(left) => left,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(error) => return Err(Failure::outside(error)),
        };
        self.busy.remove(&left.dispatch.id);
        if let Some(until) = left.again(Timestamp::now(), AGAIN_AFTER) {
            self.not_before.insert(left.dispatch.id, until);
        }
        self.ends.insert(left.dispatch.id, left.exit());
        self.print(&left.line())?;
        self.place.context.terminal.say(&left.sentence());
        left.ledger_failure().map_or(Ok(()), Err)
    }

    fn put_off(&mut self, dispatch: DispatchId) {
        let until = Timestamp::now().checked_add(AGAIN_AFTER).unwrap_or(Timestamp::MAX);
        self.not_before.insert(dispatch, until);
    }

    fn skip(&mut self, run: &OpenRun, why: &str) -> Result<(), Failure> {
        self.put_off(run.dispatch.id);
        self.ends.insert(run.dispatch.id, Exit::Stopped);
        let slug = &run.dispatch.slug;
        self.say_once(slug, &format!("left alone: {why}; `mimeo send {slug}` goes on with it"))
    }

    fn say_once(&mut self, slug: &str, why: &str) -> Result<(), Failure> {
        let text = if why.starts_with('`') { why.to_owned() } else { format!("`{slug}`: {why}") };
        if self.said.insert(text.clone()) {
            self.place.context.terminal.print(&text);
            self.print(&Line { event: "skipped", issue: Some(slug), why: Some(why), ..Line::default() })?;
        }
        Ok(())
    }

    fn say_idle(&mut self) -> Result<(), Failure> {
        let next = self.not_before.values().filter(|at| Timestamp::now() < **at).min().copied();
        let text = match next {
            Some(until) => format!("nothing to send before {} (Ctrl-C stops)", when(until)),
            None => {
                format!("nothing to send; looking every {} s (Ctrl-C stops)", count(LOOK_EVERY.as_secs()))
            }
        };
        if !std::mem::replace(&mut self.is_idle, true) {
            self.place.context.terminal.say(&text);
            self.print(&Line { event: "waiting", go_on_at: next, ..Line::default() })?;
        }
        Ok(())
    }

    /// The most serious end.
    fn exit(&self) -> Exit {
        self.ends
            .values()
            .chain(self.schedules.values())
            .copied()
            .max_by_key(|exit| *exit as u8)
            .unwrap_or(Exit::Done)
    }

    fn print(&self, line: &Line<'_>) -> Result<(), Failure> {
        if !self.prints_json {
            return Ok(());
        }
        let text = serde_json::to_string(&json::Versioned::new(line)).map_err(Failure::outside)?;
        self.place.context.terminal.data(&format!("{text}\n")).map_err(Failure::output)
    }
}
