//! What readers do themselves: a small web server behind a proxy.
//!
//! In: requests of readers and of their mail providers. Out: pages, and changes of the managed list and the suppressions.
//! Never: changes anything for a `GET`, says whether an address is on the list, sets a cookie, or speaks TLS. It writes no
//! address and no token into a log or a metric.

mod answer;
mod archive;
mod archive_files;
mod client;
mod confirm;
mod fields;
mod form;
mod guard;
mod health;
mod hook_receiver;
mod hooks;
mod letters;
mod metrics;
mod page;
mod post;
mod preferences;
mod rates;
mod routes;
mod server;
mod settings;
mod signup;
mod snippet;
mod state;
mod subscribe;
mod texts;
mod unsubscribe;
mod unsubscriber;
mod visit;

pub use archive_files::ArchiveFiles;
pub use hook_receiver::HookReceiver;
pub use letters::{LetterError, Letters};
pub use page::stylesheet;
pub use server::Listener;
pub use settings::{FormSettings, Limits, Listen, RequestAddress, Settings};
pub use snippet::{SnippetScript, snippet};
pub use state::{Log, Parts, Random};
pub(crate) use texts::text_names;

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::interval};

use crate::audience::{Audience, AudienceError};
use state::{Post, Shared};

/// How often limits in memory are tidied.
const TIDY: Duration = Duration::from_secs(60);

/// The service, ready to answer.
pub struct Service {
    shared: Arc<Shared>,
    post: Post,
}

impl Service {
    /// Opens the list, and has letters tried that an earlier process left in the queue.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be used.
    pub async fn open(parts: Parts) -> Result<Self, AudienceError> {
        let now = (parts.clock)();
        let audience = Audience::open(parts.ledger.clone(), parts.tokens.clone(), now).await?;
        if parts.is_alone {
            audience.release_letters(now).await?;
        }
        let (shared, post) = Shared::new(parts, audience);
        Ok(Self { shared: Arc::new(shared), post })
    }

    /// Answers readers until `stop` is true, and then ends what is under way.
    pub async fn run(self, listener: Listener, metrics: Option<Listener>, stop: watch::Receiver<bool>) {
        let Self { shared, post } = self;
        let mut ending = stop.clone();
        let pages = server::serve(listener, routes::public(&shared), Arc::clone(&shared), stop.clone());
        let letters = post.run(&shared, stop.clone());
        let figures = async {
            if let Some(listener) = metrics {
                server::serve(listener, routes::metrics(&shared), Arc::clone(&shared), stop).await;
            }
        };
        let upkeep = async {
            let mut ticks = interval(TIDY);
            loop {
                tokio::select! {
                    () = stopped(&mut ending) => break shared.drain(),
                    _ = ticks.tick() => upkeep_once(&shared).await,
                }
            }
        };
        tokio::join!(pages, letters, figures, upkeep);
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Without a sender no one is left who would want it to go on.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn upkeep_once(shared: &Shared) {
    shared.rates.tidy();
    if let Err(error) = shared.audience.tidy((shared.clock)()).await {
        shared.report("upkeep", &error);
    }
}
