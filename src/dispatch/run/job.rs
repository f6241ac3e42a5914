//! The run of one route: its part of the letters, over its own connections.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{oneshot, watch},
    task::JoinSet,
    time::Instant,
};

use super::{
    ended::{Ended, Interrupt},
    grants,
    route::Route,
    runner::{Routing, Runner},
};
use crate::{
    dispatch::{
        brake::SharedRow, claim_size::ClaimSizer, clock::Clock, connections::ConnectionCount, event::Emit,
        learned, pace::Shares, queue::SendQueue, routing::Terms, settings::Settings,
    },
    ledger::{DispatchId, Ledger, LedgerError, SelectionId},
    message::Composer,
    transport::halt,
};

/// What the routes of a run have in common.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) ledger: Ledger,
    pub(super) dispatch: DispatchId,
    pub(super) selection: Option<SelectionId>,
    pub(super) composer: Arc<Composer>,
    pub(super) digest: Arc<str>,
    pub(super) settings: Settings,
    pub(super) clock: Clock,
    pub(super) emit: Emit,
    /// How often the dispatch had been stopped before.
    pub(super) stops: u64,
    /// What each route is for.
    pub(super) terms: Arc<[Terms]>,
    /// The names of their relays in the ledger.
    pub(super) relays: Vec<String>,
}

impl Job {
    /// Sends the letters of one route, until nothing is left for it. `up` says which routes can be used.
    pub(super) async fn through(
        self,
        me: usize,
        route: Route,
        up: watch::Receiver<Vec<bool>>,
        interrupts: watch::Receiver<Interrupt>,
    ) -> Result<Ended, LedgerError> {
        let Route { transport, connections, limits, .. } = route;
        let settings = Settings { connections, ..self.settings };
        let ledger = self.ledger;
        let worker = ledger.register_worker(&self.relays[me], (self.clock)()).await?;
        let shares = Shares { relay: self.relays[me].clone(), relays: self.relays, own: limits };
        let (peers, relay) = (shares.name().to_owned(), shares.relay.clone());
        let is_free = settings.pace.is_free() && shares.own.is_empty();
        let queue = SendQueue::new(
            ledger.clone(),
            self.composer,
            settings.clone(),
            &shares,
            Arc::clone(&self.clock),
            Arc::clone(&self.emit),
        );
        let (switch, halt) = halt();
        // Where limits can hold letters back, they may lie here for long, however fast some of them left.
        let claim_sizer = ClaimSizer::new(queue.claims_max(), is_free, worker.is_on_server());
        learned::recall(&ledger, &transport).await?;
        let kept = transport.learned();
        let known = kept.connections.map(|known| usize::from(known.get()));
        let count = ConnectionCount::new(settings.connections, known, Duration::ZERO);
        let runner = Runner {
            queue: Arc::new(queue),
            dispatch: self.dispatch,
            worker,
            selection: self.selection,
            digest: self.digest,
            routing: Routing { terms: self.terms, me, up },
            transport,
            settings,
            claim_sizer,
            clock: self.clock,
            emit: self.emit,
            interrupts,
            switch,
            halt,
            connections: JoinSet::new(),
            count,
            origin: Instant::now(),
            accepted: 0,
            closed_at: 0,
            reported: known,
            away: 0,
            away_since: None,
            down: None,
            relay_rests_until: None,
            stops: self.stops,
            look_at: Instant::now(),
            peers,
            shared_row: SharedRow::default(),
            relay,
            kept,
        };
        complete(runner, &ledger, is_free).await
    }
}

/// Sends until nothing is left or something stops it, and gives back what did not leave.
async fn complete(mut runner: Runner, ledger: &Ledger, is_free: bool) -> Result<Ended, LedgerError> {
    runner.seed_pace(ledger).await?;
    runner.meet_peers(ledger).await?;
    let (mut supply, (over, is_over)) = (JoinSet::new(), oneshot::channel());
    if !is_free {
        supply.spawn(grants::supply(Arc::clone(&runner.queue), is_over));
    }
    let ended = runner.work(ledger).await;
    if ended.is_err() {
        runner.finish().await;
    }
    runner.connections.shutdown().await;
    drop(over);
    while supply.join_next().await.is_some() {}
    runner.queue.clear();
    runner.close(ledger, ended).await
}
