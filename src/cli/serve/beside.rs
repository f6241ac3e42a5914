//! What runs beside the answers: schedules that are due, letters that wait for a worker, the suppression file.

use std::{collections::BTreeSet, convert::Infallible, time::Duration};

use jiff::Timestamp;
use tokio::{sync::watch, time::sleep};

use crate::{
    cli::{context::Context, failure::Failure, scheduled::Place, suppression_file::Follower, work},
    config::{Config, Overrides},
    dispatch::{Interrupt, Start},
    ledger::Ledger,
};

/// Schedules are looked at so often.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The suppression file follows the ledger so soon: many changes at a time become one.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);
/// After a failure of the ledger it is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(30);

/// What it is done with.
pub(super) struct Beside<'a> {
    pub(super) context: &'a Context,
    pub(super) config: &'a Config,
    pub(super) ledger: Ledger,
    /// What flags and variables say; they name the ledger.
    pub(super) overrides: Overrides,
}

impl Beside<'_> {
    /// Opens the dispatches of schedules that are due, for workers to send.
    pub(super) async fn start_schedules(&self) -> Infallible {
        let place =
            Place { context: self.context, ledger: &self.ledger, overrides: &self.overrides, secrets: None };
        let mut said = BTreeSet::new();
        loop {
            match place.start_due(Timestamp::now(), None).await {
                Ok(looked) => {
                    for looked in &looked {
                        let Some(mut sentence) = looked.sentence() else { continue };
                        if matches!(looked.start, Start::Started(Some(_))) {
                            sentence.push_str("; `mimeo work` or `mimeo serve --work` sends it");
                        }
                        if said.insert(sentence.clone()) {
                            self.context.terminal.print(&sentence);
                        }
                    }
                    sleep(LOOK_EVERY).await;
                }
                Err(failure) => {
                    self.report("schedules are not looked at", &failure);
                    sleep(AGAIN_AFTER).await;
                }
            }
        }
    }

    /// Sends what is open, as `mimeo work --watch` does, until it is interrupted.
    pub(super) async fn send(&self, interrupts: watch::Receiver<Interrupt>) {
        loop {
            let place = work::Workplace {
                context: self.context,
                ledger: self.ledger.clone(),
                overrides: self.overrides.clone(),
                secrets: None,
            };
            let worked = work::watch(place, interrupts.clone()).await;
            let (Err(failure), Interrupt::None) = (worked, *interrupts.borrow()) else { return };
            self.report("nothing is sent", &failure);
            let mut interrupts = interrupts.clone();
            tokio::select! {
                _ = interrupts.changed() => return,
                () = sleep(AGAIN_AFTER) => {}
            }
        }
    }

    /// Keeps the suppression file like the ledger until `stop` is true, and once more then.
    pub(super) async fn follow_suppressions(&self, mut stop: watch::Receiver<bool>) -> Result<(), Failure> {
        let Some(mut follower) = Follower::new(self.config, &self.ledger).await? else { return Ok(()) };
        let mut wait = FOLLOW_EVERY;
        loop {
            let ends = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => true,
                () = sleep(wait) => false,
            };
            let followed = follower.follow().await;
            if ends {
                return followed;
            }
            wait = FOLLOW_EVERY;
            if let Err(failure) = followed {
                self.report("the suppression file is not up to date", &failure);
                wait = AGAIN_AFTER;
            }
        }
    }

    fn report(&self, what: &str, failure: &Failure) {
        let (text, _) = failure.plain();
        self.context.terminal.print(&format!("{what}: {text}"));
    }
}
