//! `mimeo status --watch`: dispatches under way, with their workers.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

use super::args::Args;
use crate::{
    cli::{
        common,
        context::Context,
        failure::{Exit, Failure},
        issues,
        json::Versioned,
    },
    dispatch::Interrupt,
    ledger::{DispatchRecord, Ledger, Tally},
    report::{LiveLines, Rates, WatchedDispatch},
};

/// A look takes no more than this share of the time.
const SHARE: u32 = 10;

/// One look, as `--json` prints it on a line.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::cli) struct Tick<'a> {
    /// When it was looked
    #[cfg_attr(test, schemars(with = "String"))]
    at: Timestamp,
    /// The issues that are watched
    dispatches: Vec<DispatchTick<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct DispatchTick<'a> {
    /// The issue's name
    issue: &'a str,
    /// Its number, if it has one
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u32>,
    /// Its letters by state
    #[serde(flatten)]
    tally: Tally,
    /// Attempts of all workers in the last seconds; null at the first look
    letters_per_second: Option<f64>,
    /// Until nothing is left that can be sent now, at this rate
    seconds_left: Option<f64>,
    /// Why no worker goes on with what is left; null when nothing stops them
    stopped: Option<&'a str>,
    /// Everyone who has worked on it, and whoever lives and may
    workers: Vec<WorkerTick<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct WorkerTick<'a> {
    /// Its number in the ledger
    worker: u64,
    /// Where its letters go
    relay: &'a str,
    /// When it came
    #[cfg_attr(test, schemars(with = "String"))]
    since: Timestamp,
    /// Whether it lives, as far as can be known from here
    is_living: bool,
    /// Attempts that ended
    attempts: u64,
    /// Those that the relay accepted
    accepted: u64,
    /// Its attempts in the last seconds; null at the first look
    letters_per_second: Option<f64>,
}

/// Looks until nothing is left to send, or someone interrupts it.
pub(super) async fn run(args: &Args, context: &Context, ledger: &Ledger) -> Result<Exit, Failure> {
    let mut watched = Watched::new(args, context, ledger).await?;
    let (interrupt, mut interrupts) = watch::channel(Interrupt::None);
    let listener = common::listen_quietly(interrupt);
    let is_live = !args.json && context.terminal.shows_data();
    let mut screen = is_live.then(LiveLines::new);
    let mut last = String::new();
    let exit = loop {
        let began = Instant::now();
        let looks = watched.look().await?;
        if args.json {
            let line = serde_json::to_string(&Versioned::new(tick(&looks))).map_err(Failure::outside)?;
            context.terminal.data(&format!("{line}\n")).map_err(Failure::output)?;
        } else if let Some(screen) = &mut screen {
            screen.draw(&lines(&looks));
        } else {
            let text: String = looks.iter().map(|look| look.line() + "\n").collect();
            if text != last {
                context.terminal.data(&text).map_err(Failure::output)?;
                last = text;
            }
        }
        if looks.iter().all(|look| look.tally.owed() == 0) {
            break Exit::Done;
        }
        let pause = args.every.max(began.elapsed() * SHARE);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = interrupts.changed() => break Exit::Interrupted,
        }
    };
    if let Some(screen) = screen {
        screen.finish();
    }
    listener.abort();
    if watched.dispatches.is_empty() {
        context.terminal.say("nothing is left to send");
    }
    Ok(exit)
}

/// What is looked at.
struct Watched<'a> {
    ledger: &'a Ledger,
    /// The dispatch that was asked for, or those that had something left at the first look, and later ones.
    dispatches: Vec<DispatchRecord>,
    is_one: bool,
    rates: Rates,
}

impl<'a> Watched<'a> {
    async fn new(args: &Args, context: &Context, ledger: &'a Ledger) -> Result<Self, Failure> {
        let mut dispatches = Vec::new();
        if let Some(name) = &args.issue {
            let Some(record) = issues::dispatch(context, ledger, name).await? else {
                return Err(Failure::input(format!("`{name}` has not been sent to anybody"))
                    .hint("`mimeo send` opens it; `mimeo status` lists what was opened"));
            };
            dispatches.push(record);
        }
        Ok(Self { ledger, dispatches, is_one: args.issue.is_some(), rates: Rates::default() })
    }

    async fn look(&mut self) -> Result<Vec<WatchedDispatch<'_>>, Failure> {
        if !self.is_one {
            for record in self.ledger.dispatches().await? {
                let is_known = self.dispatches.iter().any(|known| known.id == record.id);
                if !is_known && self.ledger.tally(record.id).await?.owed() > 0 {
                    self.dispatches.push(record);
                }
            }
        }
        let mut looks = Vec::new();
        for record in &self.dispatches {
            let tally = self.ledger.tally(record.id).await?;
            let shares = self.ledger.worker_shares(record.id).await?;
            let now = Instant::now();
            let attempts = shares.iter().map(|share| share.attempts).sum();
            let rate = self.rates.note(record.id, None, attempts, now);
            let mut workers = Vec::new();
            for share in shares {
                let rate = self.rates.note(record.id, Some(share.worker), share.attempts, now);
                workers.push((share, rate));
            }
            let stopped = self.ledger.stops(record.id).await?.why.filter(|_| tally.owed() > 0);
            looks.push(WatchedDispatch { dispatch: record, tally, rate, stopped, workers });
        }
        Ok(looks)
    }
}

fn lines(looks: &[WatchedDispatch<'_>]) -> Vec<String> {
    let of = |look: &WatchedDispatch<'_>| -> Vec<String> {
        std::iter::once(look.line()).chain(look.worker_lines()).collect()
    };
    looks.iter().flat_map(of).collect()
}

fn tick<'a>(looks: &'a [WatchedDispatch<'a>]) -> Tick<'a> {
    let dispatches = looks.iter().map(|look| DispatchTick {
        issue: &look.dispatch.slug,
        number: look.dispatch.number,
        tally: look.tally,
        letters_per_second: look.rate,
        seconds_left: look.time_left().as_ref().map(Duration::as_secs_f64),
        stopped: look.stopped.as_deref(),
        workers: look
            .workers
            .iter()
            .map(|(share, rate)| WorkerTick {
                worker: share.worker.number(),
                relay: &share.relay,
                since: share.came_at,
                is_living: share.lives,
                attempts: share.attempts,
                accepted: share.accepted,
                letters_per_second: *rate,
            })
            .collect(),
    });
    Tick { at: Timestamp::now(), dispatches: dispatches.collect() }
}
