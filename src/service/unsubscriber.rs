//! Takes people off the list. Requests that come at the same time share one transaction, so that a thousand a second are
//! possible while a send is running.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::{
    audience::{Audience, AudienceError, Unsubscribed, Who},
    dispatch::Clock,
    message::PersonHash,
};

/// Requests in one transaction.
const GROUP_MAX: usize = 500;
/// Requests that wait for the database.
const WAITING_MAX: usize = 10_000;

type Reply = oneshot::Sender<Result<Unsubscribed, Arc<AudienceError>>>;

/// Hands requests over to the task that works them off.
#[derive(Clone, Debug)]
pub(super) struct Unsubscriber(mpsc::Sender<(PersonHash, Reply)>);

/// Why a request to unsubscribe was not worked off.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum NotUnsubscribed {
    /// The database does not take it.
    #[error(transparent)]
    Database(#[from] Arc<AudienceError>),
    /// Too many wait for the database, or the service is about to end.
    #[error("too many requests are waiting for the database")]
    Busy,
}

impl Unsubscriber {
    /// Starts the task; it ends with the last handle.
    pub(super) fn start(audience: Audience, clock: Clock) -> Self {
        let (sender, requests) = mpsc::channel(WAITING_MAX);
        tokio::spawn(work(audience, clock, requests));
        Self(sender)
    }

    /// Unsubscribes the person behind a token's hash. When it has answered, no letter begins for them any more.
    ///
    /// # Errors
    ///
    /// When the database does not take it; nothing was changed then.
    pub(super) async fn unsubscribe(&self, person: PersonHash) -> Result<Unsubscribed, NotUnsubscribed> {
        let (reply, answer) = oneshot::channel();
        self.0.try_send((person, reply)).map_err(|_| NotUnsubscribed::Busy)?;
        Ok(answer.await.map_err(|_| NotUnsubscribed::Busy)??)
    }
}

async fn work(audience: Audience, clock: Clock, mut requests: mpsc::Receiver<(PersonHash, Reply)>) {
    let mut group = Vec::new();
    while requests.recv_many(&mut group, GROUP_MAX).await > 0 {
        let (people, replies): (Vec<_>, Vec<_>) = group.drain(..).unzip();
        let who = people.into_iter().map(Who::Hash).collect();
        // A reply that no one waits for any more belongs to a connection that was closed.
        match audience.unsubscribe(who, "a link in a letter", "reader", clock()).await {
            Ok(done) => {
                for (reply, one) in replies.into_iter().zip(done) {
                    let _ = reply.send(Ok(one));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for reply in replies {
                    let _ = reply.send(Err(Arc::clone(&error)));
                }
            }
        }
    }
}
