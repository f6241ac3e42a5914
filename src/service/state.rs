//! What all requests share.

use std::{
    fmt,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, Semaphore, watch};

use super::{
    archive_files::ArchiveFiles, client, hook_receiver::HookReceiver, letters::Letters, metrics::Metrics,
    page::Look, rates::Rate, settings::Settings, texts::Languages, unsubscriber::Unsubscriber,
};
use crate::{
    audience::Audience,
    dispatch::{Clock, add_newcomer},
    ledger::Ledger,
    message::{ListTokens, PersonHash, Secrets},
    transport::Transport,
};

/// Where lines about requests go.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// Draws a number at random.
pub type Random = Arc<dyn Fn() -> [u8; 12] + Send + Sync>;

/// What the service is made of.
pub struct Parts {
    /// `[serve]`
    pub settings: Settings,
    /// What letters of the service are made of.
    pub letters: Letters,
    /// Where they go.
    pub transport: Arc<Transport>,
    /// Whether the list is managed: people can then subscribe, and change what they get.
    pub is_managed: bool,
    /// Whether no other process works off the letters of this ledger.
    pub is_alone: bool,
    /// The stylesheet of all pages.
    pub stylesheet: String,
    /// The ledger.
    pub ledger: Ledger,
    /// What tokens are checked with.
    pub tokens: ListTokens,
    /// The archive, as it is now.
    pub archive: watch::Receiver<Arc<ArchiveFiles>>,
    /// Takes the reports of delivery services, if the settings name any.
    pub hooks: Option<HookReceiver>,
    /// The time of day.
    pub clock: Clock,
    /// Random numbers of sign-ups.
    pub random: Random,
    /// Where lines about requests go.
    pub log: Log,
}

/// What all requests share.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) look: Look,
    pub(super) language: String,
    pub(super) languages: Arc<Languages>,
    pub(super) stylesheet: String,
    pub(super) audience: Audience,
    pub(super) tokens: ListTokens,
    pub(super) archive: watch::Receiver<Arc<ArchiveFiles>>,
    pub(super) hooks: Option<HookReceiver>,
    pub(super) clock: Clock,
    pub(super) log: Log,
    pub(super) metrics: Arc<Metrics>,
    pub(super) unsubscriber: Unsubscriber,
    ledger: Ledger,
    secrets: Secrets,
    pub(super) random: Random,
    /// Rung when something was asked for that leads to a letter.
    pub(super) bell: Arc<Notify>,
    pub(super) has_welcome: bool,
    pub(super) is_managed: bool,
    pub(super) rates: Rates,
    /// Requests that may be worked on.
    pub(super) working: Semaphore,
    is_draining: AtomicBool,
}

/// What hands letters over.
pub(super) struct Post {
    pub(super) letters: Letters,
    pub(super) transport: Arc<Transport>,
}

/// The limits of requests by network.
pub(super) struct Rates {
    /// Tokens that are not valid.
    pub(super) wrong_tokens: Rate,
    /// Requests to unsubscribe: mail providers send many from few addresses.
    pub(super) unsubscribes: Rate,
    /// Forms of one household, soon after each other and in a day, and of the networks around.
    forms: [Rate; 2],
    forms_around: Rate,
}

impl Rates {
    fn new(clock: &Clock) -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            wrong_tokens: Rate::new(20, minutes(10), Arc::clone(clock)),
            unsubscribes: Rate::new(60_000, minutes(1), Arc::clone(clock)),
            forms: [
                Rate::new(5, minutes(10), Arc::clone(clock)),
                Rate::new(20, minutes(24 * 60), Arc::clone(clock)),
            ],
            forms_around: Rate::new(30, minutes(10), Arc::clone(clock)),
        }
    }

    fn all(&self) -> [&Rate; 5] {
        let [soon, day] = &self.forms;
        [&self.wrong_tokens, &self.unsubscribes, soon, day, &self.forms_around]
    }

    /// Counts a form that may lead to a letter; how long to wait, when there were too many.
    pub(super) fn sign_up(&self, client: Option<IpAddr>) -> Option<Duration> {
        let client = client?;
        let one = self.forms.iter().map(|rate| rate.count(client::single(client)));
        let around = std::iter::once_with(|| self.forms_around.count(client::block(client)));
        one.chain(around).find_map(Result::err)
    }

    /// Forgets networks that are not seen any more.
    pub(super) fn tidy(&self) {
        self.all().into_iter().for_each(Rate::tidy);
    }
}

impl Shared {
    /// From what the service is made of.
    pub(super) fn new(parts: Parts, audience: Audience) -> (Self, Post) {
        let unsubscriber = Unsubscriber::start(audience.clone(), Arc::clone(&parts.clock));
        let stylesheet = format!("{}service.css", parts.settings.base());
        let shared = Self {
            look: Look { newsletter: parts.letters.newsletter.name.clone(), stylesheet },
            rates: Rates::new(&parts.clock),
            working: Semaphore::new(parts.settings.limits.requests as usize),
            settings: parts.settings,
            language: parts.letters.newsletter.language.clone(),
            languages: Arc::clone(&parts.letters.languages),
            has_welcome: parts.letters.has_welcome(),
            is_managed: parts.is_managed,
            random: parts.random,
            bell: Arc::new(Notify::new()),
            stylesheet: parts.stylesheet,
            audience,
            tokens: parts.tokens,
            archive: parts.archive,
            hooks: parts.hooks,
            clock: parts.clock,
            log: parts.log,
            metrics: Arc::new(Metrics::new()),
            unsubscriber,
            ledger: parts.ledger,
            secrets: parts.letters.secrets.clone(),
            is_draining: AtomicBool::new(false),
        };
        let post = Post { letters: parts.letters, transport: parts.transport };
        (shared, post)
    }

    /// Writes a line about something that failed. Errors mask what they say of people.
    pub(super) fn report(&self, what: &str, error: &dyn std::error::Error) {
        let mut causes = vec![error.to_string()];
        let mut next = error.source();
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        causes.dedup();
        let line = serde_json::json!({ "time": (self.clock)(), "failed": what, "because": causes });
        (self.log)(&line.to_string());
    }

    /// Has the newest issue sent to a person who has confirmed, if the owner wants that.
    pub(super) async fn send_newest(&self, person: PersonHash) {
        if !self.settings.newest_issue {
            return;
        }
        let person = match self.audience.find_by_hash(person).await {
            Ok(Some(person)) if person.status_now((self.clock)()).inactive().is_none() => {
                person.into_subscriber()
            }
            Ok(_) => return,
            Err(error) => return self.report("newest issue", &error),
        };
        if let Err(error) = add_newcomer(&self.ledger, &self.secrets, person).await {
            self.report("newest issue", &error);
        }
    }

    /// From now on, the service is not ready for new requests.
    pub(super) fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    /// Whether the service is about to end.
    pub(super) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("settings", &self.settings).finish_non_exhaustive()
    }
}
