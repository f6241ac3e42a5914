//! `mimeo send --dry-run`: the same with other values in the sockets, a scratch ledger and the outbox.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{Job, course::Totals, frozen::Changes};
use crate::{
    cli::{
        Exit, Failure,
        sending::{self, Destination},
    },
    dispatch::{self, Ended, Prediction, Settings},
    ledger::{BoxError, Ledger, LedgerError, NewDispatch, Pages, Tally},
    render::Built,
    report::words::{duration, octets, plural, when},
    subscriber::List,
    transport::Outbox,
};

impl Job<'_> {
    /// Makes every letter through the same code, and sends none.
    pub(super) async fn dry_run(self, built: Built) -> Result<Exit, Failure> {
        let now = self.context.now;
        let real = match Ledger::open_read_only(&self.config.ledger) {
            Ok(ledger) => Some(ledger),
            Err(LedgerError::Missing { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let (rendered, opened) = match &real {
            Some(ledger) => self.frozen(ledger, built.rendered, Changes::None).await?,
            None => (built.rendered, None),
        };
        let composer = Arc::new(sending::composer(self.config, &rendered)?);
        let survey = self.survey(real.as_ref(), opened.as_ref(), &composer).await?;
        let so_far = match (&real, &opened) {
            (Some(ledger), Some(record)) => ledger.tally(record.id).await?,
            _ => Tally::default(),
        };
        let plan = self.plan(&rendered, opened.as_ref(), &survey, so_far);
        if self.is_idle(&plan) {
            return self.nothing_to_do(&plan, &rendered);
        }
        let outbox = Outbox::new(self.config.outbox.clone());
        let errand = Destination::outbox(outbox);
        self.show(&plan, &composer, &errand)?;
        let scratch = Ledger::scratch()?;
        let people = dispatch::people(List::open(&self.config.list)?, Arc::clone(&composer));
        let new = NewDispatch { rendered: &rendered, opened_at: now };
        if let Some(ledger) = &real {
            sending::copy_suppressions(ledger, &scratch).await?;
        }
        let dispatch = match (&real, &opened) {
            (Some(ledger), Some(record)) => {
                // Those who are owed it get it as they were frozen, whether or not they are still on the list.
                let failed = self.args.retry_failed.then(|| ledger.failed(record.id));
                let owed = [Some(ledger.owed(record.id)), failed].into_iter().flatten();
                let dispatch = scratch.open_dispatch(&new, streamed(owed.collect())).await?.dispatch;
                let closed = sending::closed(ledger, record.id).await?;
                let newcomers = people.filter(move |person| {
                    person.as_ref().map_or(true, |person| !closed.contains(&person.address.key()))
                });
                scratch.extend_dispatch(dispatch, newcomers).await?;
                dispatch
            }
            _ => scratch.open_dispatch(&new, people).await?.dispatch,
        };
        let choice = match self.choice.clone() {
            Some(choice) => Some(scratch.select(dispatch, choice).await?.id),
            None => None,
        };
        let run = dispatch::Run {
            ledger: scratch.clone(),
            dispatch,
            choice,
            relay: errand.name.clone(),
            composer: Arc::clone(&composer),
            transport: Arc::new(errand.transport),
            settings: Settings { connections: errand.connections, ..Settings::default() },
            clock: Arc::new(Timestamp::now),
        };
        let course = self.work(run, plan.letters).await?;
        let tally = scratch.tally(dispatch).await?;
        let exit = self.exit(&course, &tally);
        let totals = &course.totals;
        if matches!(course.ended, Ended::Finished) {
            let terminal = &self.context.terminal;
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
                    terminal.say("no rate limit set: the send runs as fast as the relay accepts")
                }
                Prediction::Until(at) => {
                    let takes = Duration::try_from(at.duration_since(now)).unwrap_or_default();
                    terminal.say(&format!(
                        "the real run would take about {}, until {}",
                        duration(takes),
                        when(at)
                    ));
                }
                Prediction::Never => {}
            }
            self.json(&plan, None, "finished", None, Totals { took: course.took, ..totals.clone() })?;
        } else {
            self.tell(&plan, &course, None, None)?;
        }
        Ok(exit)
    }
}

/// Long lists of a ledger, one behind the other, for a thread that does not know of tasks.
fn streamed<T: Send + 'static>(
    lists: Vec<Pages<T>>,
) -> impl Iterator<Item = Result<T, BoxError>> + Send + 'static {
    let (sender, mut pages) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        for mut list in lists {
            loop {
                let page = list.page().await;
                let is_last = page.as_ref().map_or(true, Vec::is_empty);
                let is_over = page.is_err();
                // Who does not listen any more has given up.
                if sender.send(page).await.is_err() || is_over {
                    return;
                }
                if is_last {
                    break;
                }
            }
        }
    });
    std::iter::from_fn(move || pages.blocking_recv()).flat_map(|page| match page {
        Ok(page) => page.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error.into())],
    })
}
