//! Gets parts of shared limits from the ledger for the queue, and gives back what did not leave.

use std::{sync::Arc, time::Duration};

use tokio::sync::oneshot::{self, error::TryRecvError};

use crate::{
    dispatch::{
        pace::{Answer, Request, Taken, Used},
        queue::{SendQueue, Stop},
    },
    ledger::{Ledger, LedgerError},
};

/// Between attempts while the database is away.
const AGAIN: Duration = Duration::from_secs(1);

/// Works until the other end of `is_over` is dropped, or the ledger cannot be used.
pub(super) async fn supply(queue: Arc<SendQueue>, mut is_over: oneshot::Receiver<()>) {
    while is_over.try_recv() == Err(TryRecvError::Empty) {
        let (requests, due) = queue.requests();
        if requests.is_empty() {
            let due = due.map(|due| queue.instant(due));
            let pause = async {
                match due {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = queue.asks.notified() => {}
                () = pause => {}
                _ = &mut is_over => return,
            }
            continue;
        }
        // A letter needs all of them: none lapses while others are under way.
        let mut answers = Vec::new();
        for (scope, request) in requests {
            let sent = queue.tick();
            let taken = match ask(&queue.ledger, request).await {
                Ok(taken) => taken,
                // What was asked for may have been granted; it lapses, as if this sender had died.
                Err(error) if error.is_away() => Some(Taken::Wait(AGAIN)),
                Err(error) => {
                    queue.granted(answers);
                    return queue.stop(Stop::Ledger(error));
                }
            };
            answers.push(Answer { scope, sent, taken });
        }
        queue.granted(answers);
    }
}

/// Gives back what was granted and did not leave.
pub(super) async fn give_back(queue: &SendQueue) -> Result<(), LedgerError> {
    for request in queue.close_pace() {
        ask(&queue.ledger, request).await?;
    }
    Ok(())
}

async fn ask(ledger: &Ledger, request: Request) -> Result<Option<Taken>, LedgerError> {
    let name = request.budget.name.clone();
    ledger
        .revise(&name, move |value, now| {
            let Request { budget, wanted, unused } = &request;
            let mut used = Used::read(value);
            for (receipt, letters) in unused {
                budget.give_back(&mut used, now, receipt, *letters);
            }
            let taken = (*wanted > 0).then(|| budget.take(&mut used, now, *wanted));
            let is_changed = !unused.is_empty() || matches!(taken, Some(Taken::Letters(..)));
            (is_changed.then(|| used.write()), taken)
        })
        .await
}
