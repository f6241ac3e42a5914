//! One dispatch that a worker has joined: its settings, its run, and how that ended.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use super::{
    line::Line,
    place::{Span, Workplace},
};
use crate::{
    cli::{
        common,
        course::Course,
        failure::{Exit, Failure},
        hints,
    },
    config::SharedSettings,
    dispatch::{Ended, Interrupt, Opened, Options, Route, Settings, join},
    ledger::{DispatchRecord, Ledger, LedgerError, OpenRun, Tally},
    report::{Progress, Style, format::when, wait_word},
};

/// A dispatch with everything that a run needs.
pub(super) struct Joined {
    pub(super) opened: Opened,
    pub(super) relays: String,
    routes: Vec<Route>,
    pub(super) description: String,
    dispatch: DispatchRecord,
    settings: Settings,
    ledger: Ledger,
    interrupts: watch::Receiver<Interrupt>,
    style: Style,
}

impl Joined {
    /// With the stored settings and the secrets of this place; `None` when its letters become files in a folder that is not
    /// here. `shares` is the number of dispatches that share the connections.
    pub(super) async fn new(
        place: &Workplace<'_>,
        span: Span,
        interrupts: &watch::Receiver<Interrupt>,
        run: &OpenRun,
        shares: usize,
    ) -> Result<Option<Self>, Failure> {
        let shared = SharedSettings::from_stored(&run.settings).ok_or_else(|| {
            Failure::outside("its settings in the ledger cannot be read")
                .hint("use the version of mimeo that opened it, or send it again")
        })?;
        let is_here = place.context.has_settings() || place.overrides.outbox.is_some();
        if shared.is_into_folder() && place.overrides.relay.is_none() && !is_here {
            return Ok(None);
        }
        let mut config = place.context.shared_config(&shared, place.overrides.clone())?;
        if let Some(folder) = &place.secrets {
            config.secrets_from(folder);
        }
        place.ledger.recognize(common::list_tokens(&config)?).await?;
        let mut options = Options::new(Timestamp::now());
        options.pace = config.pace.clone();
        let opened = join(&place.ledger, run, common::secrets(&config)?, &options).await?;
        let destination = common::Destination::of(&config)?;
        let until = match span {
            Span::Until(end) => Some(end),
            Span::Drain | Span::Watch => None,
        };
        let relays = destination.relays();
        let mut routes = destination.routes;
        for route in &mut routes {
            route.connections = (route.connections / shares.max(1)).max(1);
        }
        let style = if place.context.terminal.is_quiet() { Style::Silent } else { Style::Lines };
        Ok(Some(Self {
            opened,
            relays,
            routes,
            description: destination.description,
            dispatch: run.dispatch.clone(),
            settings: common::settings(&config, until),
            ledger: place.ledger.clone(),
            interrupts: interrupts.clone(),
            style,
        }))
    }

    /// Sends until nothing is left, or something stops it.
    pub(super) async fn run(self) -> Left {
        let progress = Progress::new(self.style, self.opened.plan.letters).of_issue(&self.dispatch.slug);
        let run = self.opened.run_through(self.routes, self.settings).interrupted_by(self.interrupts);
        let course = Course::of(run, progress).await;
        let tally = self.ledger.tally(self.dispatch.id).await;
        Left { dispatch: self.dispatch, result: course.and_then(|course| Ok((course, tally?))) }
    }
}

/// A dispatch that a worker has left.
pub(super) struct Left {
    pub(super) dispatch: DispatchRecord,
    result: Result<(Course, Tally), LedgerError>,
}

impl Left {
    /// When to look at it again; `None` as soon as there is something to claim.
    pub(super) fn again(&self, now: Timestamp, after_trouble: Duration) -> Option<Timestamp> {
        match &self.result {
            Ok((Course { ended: Ended::Finished, .. }, _)) => None,
            Ok((Course { ended: Ended::Paused { until, .. }, .. }, _)) => Some(*until),
            _ => now.checked_add(after_trouble).ok(),
        }
    }

    pub(super) fn exit(&self) -> Exit {
        match &self.result {
            Ok((course, tally)) => course.exit(tally, true),
            Err(LedgerError::Refrozen) => Exit::Unfinished,
            Err(_) => Exit::Failed,
        }
    }

    /// A ledger that cannot be used ends the worker; an issue that was frozen again is joined again.
    pub(super) fn ledger_failure(self) -> Option<Failure> {
        match self.result {
            Ok(_) | Err(LedgerError::Refrozen) => None,
            Err(error) => Some(error.into()),
        }
    }

    pub(super) fn sentence(&self) -> String {
        let slug = &self.dispatch.slug;
        let (course, tally) = match &self.result {
            Ok(both) => both,
            Err(error) => return format!("`{slug}`: {error}"),
        };
        let how = match &course.ended {
            Ended::Finished => String::new(),
            Ended::Paused { why, until } => format!("; paused: {} until {}", wait_word(*why), when(*until)),
            Ended::Interrupted => "; interrupted".to_owned(),
            Ended::Brake(pulled) => format!("; stopped by the brake: {pulled}"),
            Ended::Stopped(why) => format!("; stopped: {why}"),
            Ended::RelayDown(down) => match hints::way_out(down) {
                Some(hint) => format!("; {down}; hint: {hint}"),
                None => format!("; {down}"),
            },
        };
        format!("`{slug}`: {} (this worker: {}){how}", common::sentence(tally), course.speed())
    }

    pub(super) fn line(&self) -> Line<'_> {
        let line = Line { event: "left", issue: Some(&self.dispatch.slug), ..Line::default() };
        let Ok((course, tally)) = &self.result else { return Line { ended: Some("error"), ..line } };
        let (ended, go_on_at) = course.word();
        Line {
            ended: Some(ended),
            go_on_at,
            letters: Some(course.totals.answers),
            seconds: Some(course.took.as_secs_f64()),
            tally: Some(*tally),
            ..line
        }
    }
}
