//! What `send`, `test` and `build --as` share: values for the sockets, and sentences.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{runtime::Runtime, sync::watch, task::JoinHandle};

use super::failure::Failure;
use crate::{
    config::{Config, SecretRef},
    dispatch::{Interrupt, Route, Settings},
    ledger::{Ledger, LedgerError, Location, Tally},
    message::{Composer, ListTokens, Secrets, Signer, Tokens},
    render::RenderedIssue,
    report::{Terminal, format::count},
    transport::{Encryption, Outbox, Smtp, Transport},
};

/// Where letters go.
pub(super) struct Destination {
    /// At least one.
    pub(super) routes: Vec<Route>,
    /// For the plan: "through smtps://smtp.example.com".
    pub(super) description: String,
}

impl Destination {
    /// As the settings say.
    pub(super) fn of(config: &Config) -> Result<Self, Failure> {
        let (mut routes, mut names) = (Vec::new(), Vec::new());
        for one in config.transport.relays() {
            let relay = config.with_password(one)?;
            names.push(relay.to_string());
            let connections = usize::from(relay.connections.get());
            routes.push(Route {
                transport: Arc::new(Transport::Smtp(Smtp::new(relay)?)),
                connections,
                weight: one.weight,
                domains: one.domains.clone(),
                limits: one.limits.clone(),
            });
        }
        if routes.is_empty() {
            return Ok(Self::outbox(Outbox::new(config.outbox.clone())));
        }
        Ok(Self { routes, description: format!("through {}", names.join(", ")) })
    }

    /// Into a folder. One connection: files are written in groups.
    pub(super) fn outbox(outbox: Outbox) -> Self {
        let description = format!("into the outbox `{}`", outbox.folder().display());
        Self { routes: vec![Route::new(Arc::new(Transport::Outbox(outbox)), 2)], description }
    }

    /// The names of the relays in the ledger.
    pub(super) fn relays(&self) -> String {
        self.routes.iter().map(|route| route.transport.name()).collect::<Vec<_>>().join(", ")
    }

    /// The way of a letter to anybody.
    pub(super) fn into_main(mut self) -> (Arc<Transport>, String) {
        let main = self.routes.iter().position(|route| route.domains.is_empty()).unwrap_or(0);
        let transport = self.routes.swap_remove(main).transport;
        let description = match &*transport {
            Transport::Outbox(_) => self.description,
            Transport::Smtp(_) => format!("through {}", transport.name()),
        };
        (transport, description)
    }
}

/// The threads that a dispatch runs on.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::outside)
}

/// Threads for letters that are neither signed nor encrypted: so little work that a third would have less to do than to hand
/// over.
const PLAIN_THREADS: usize = 2;

/// The threads for a whole dispatch. Signing and TLS want every core.
pub(super) fn runtime_for(config: &Config, dry_run: bool) -> Result<Runtime, Failure> {
    let encrypts = !dry_run && config.encryption().is_some_and(|kind| kind != Encryption::None);
    if encrypts || config.dkim.is_some() {
        return runtime();
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.min(PLAIN_THREADS))
        .enable_all()
        .build()
        .map_err(Failure::outside)
}

/// Compiles the issue, with the newsletter's key and its signatures.
pub(super) fn composer(config: &Config, rendered: &RenderedIssue) -> Result<Composer, Failure> {
    Ok(Composer::new(rendered, secrets(config)?)?)
}

/// The newsletter's key and what it signs with.
pub(super) fn secrets(config: &Config) -> Result<Secrets, Failure> {
    let key = newsletter_key(config)?;
    let mut signers = Vec::new();
    let mut add = |domain: &str, selector: &str, kept: &SecretRef| -> Result<(), Failure> {
        signers.push(Signer::from_pem(domain, selector, kept.read(config.trust)?.expose())?);
        Ok(())
    };
    if let Some(dkim) = &config.dkim {
        add(&dkim.domain, &dkim.selector, &dkim.key)?;
        if let Some(second) = &dkim.ed25519 {
            add(&dkim.domain, &second.selector, &second.key)?;
        }
    }
    Ok(Secrets::new(key).with_signers(signers))
}

/// The tokens of the newsletter's readers.
pub(super) fn list_tokens(config: &Config) -> Result<ListTokens, Failure> {
    let (key, earlier) = (newsletter_key(config)?, config.earlier_keys()?);
    Ok(ListTokens::new(Tokens::new(&key).with_earlier(&earlier), config.newsletter.list_id.clone()))
}

/// The newsletter's key. One that is gone is not made again in silence: Message-IDs and the unsubscribe links of all earlier
/// letters depend on it.
pub(super) fn newsletter_key(config: &Config) -> Result<[u8; 32], Failure> {
    let Some(path) = config.missing_key() else { return Ok(config.key()?) };
    if let Some(file) = config.suppression_file.as_ref().filter(|file| file.exists()) {
        return Err(Failure::input(format!(
            "the newsletter's key `{}` is missing, and the suppressions in `{}` were made with it",
            path.display(),
            file.display()
        ))
        .hint("bring the key here, or name where it is kept (`[newsletter] key`): with another one no one in the file is known"));
    }
    if !has_dispatches(&config.ledger)? {
        return Ok(config.key()?);
    }
    let path = path.display();
    Err(Failure::input(format!("the newsletter's key `{path}` is missing, and issues were sent with it")).hint(format!(
        "put it back from a backup; if it is lost for good, `(umask 077; openssl rand -hex 32 > {path})` makes \
         another one: unsubscribe links in earlier letters stop working then"
    )))
}

/// Asked in a thread of its own, for callers that are tasks and for those that are not.
fn has_dispatches(path: &Location) -> Result<bool, Failure> {
    let ledger = match Ledger::open_read_only(path) {
        Err(LedgerError::Missing { .. }) => return Ok(false),
        ledger => ledger?,
    };
    let ask = || -> Result<bool, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(Failure::outside)?;
        Ok(!runtime.block_on(ledger.dispatches())?.is_empty())
    };
    std::thread::scope(|scope| {
        scope.spawn(ask).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// What the owner asks of a run.
pub(super) fn settings(config: &Config, until: Option<Timestamp>) -> Settings {
    let first_wait = config.retry.first_wait;
    Settings {
        pace: config.pace.clone(),
        retry: config.retry.clone(),
        brake: config.brake.clone(),
        suppress_hard_bounces: config.suppress_hard_bounces,
        until,
        // Long enough for the first, quick second try, with its jitter.
        linger: first_wait
            .mul_f64(1.5)
            .max(std::time::Duration::from_secs(2))
            .min(std::time::Duration::from_secs(150)),
        ..Settings::default()
    }
}

/// `11 accepted, 1 failed (12 in all)`
pub(super) fn sentence(tally: &Tally) -> String {
    let mut parts = Vec::new();
    for (number, word) in [
        (tally.accepted, "accepted"),
        (tally.queued + tally.claimed, "queued"),
        (tally.deferred, "deferred"),
        (tally.failed, "failed"),
        (tally.begun, "under way"),
        (tally.unconfirmed, "unconfirmed"),
        (tally.suppressed, "suppressed"),
    ] {
        if number > 0 {
            parts.push(format!("{} {word}", count(number)));
        }
    }
    match parts.len() {
        0 => "no subscribers".to_owned(),
        1 => parts.remove(0),
        _ => format!("{} ({} in all)", parts.join(", "), count(tally.planned)),
    }
}

/// Whether a signal this long after the first one is a second request. One request may come as several signals: `timeout`
/// tells the process and its group, a closed terminal likewise. A person who presses Ctrl-C twice takes longer.
fn is_second_wish(kind: SignalKind, elapsed: Duration) -> bool {
    match kind {
        SignalKind::Interrupt => elapsed >= Duration::from_millis(30),
        SignalKind::Other => elapsed >= Duration::from_millis(300),
    }
}

/// What asks the program to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SignalKind {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM, or a closed terminal.
    Other,
}

/// Watches for Ctrl-C, SIGTERM and a closed terminal: the first finishes what is under way, the second stops at once.
pub(super) fn listen_for_interrupts(
    interrupt: watch::Sender<Interrupt>,
    terminal: Terminal,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut signals = Signals::new();
        signals.next().await;
        let first = tokio::time::Instant::now();
        terminal.print("finishing the letters under way; press Ctrl-C again to stop at once");
        interrupt.send_replace(Interrupt::Finish);
        loop {
            let kind = signals.next().await;
            if is_second_wish(kind, first.elapsed()) {
                break;
            }
        }
        terminal.print("stopping at once; letters under way are unconfirmed");
        interrupt.send_replace(Interrupt::Now);
        std::future::pending::<()>().await;
    })
}

/// Waits for Ctrl-C, SIGTERM or a closed terminal.
pub(super) async fn interrupted() {
    Signals::new().next().await;
}

/// Watches for a first signal, for a command that waits: nothing is under way.
pub(super) fn listen_quietly(interrupt: watch::Sender<Interrupt>) -> JoinHandle<()> {
    tokio::spawn(async move {
        Signals::new().next().await;
        interrupt.send_replace(Interrupt::Finish);
        std::future::pending::<()>().await;
    })
}

struct Signals(Vec<(SignalKind, tokio::signal::unix::Signal)>);

impl Signals {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind as Unix, signal};
        let kinds = [
            (SignalKind::Interrupt, Unix::interrupt()),
            (SignalKind::Other, Unix::terminate()),
            (SignalKind::Other, Unix::hangup()),
        ];
        Self(kinds.into_iter().filter_map(|(kind, unix)| Some((kind, signal(unix).ok()?))).collect())
    }

    async fn next(&mut self) -> SignalKind {
        std::future::poll_fn(|context| {
            for (kind, signal) in &mut self.0 {
                if signal.poll_recv(context).is_ready() {
                    return std::task::Poll::Ready(*kind);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_presses_of_ctrl_c_are_two_wishes_and_a_signal_to_the_whole_group_is_one() {
        for (kind, millis, expected) in [
            (SignalKind::Interrupt, 1, false),
            (SignalKind::Interrupt, 60, true),
            (SignalKind::Other, 60, false),
            (SignalKind::Other, 300, true),
        ] {
            assert_eq!(is_second_wish(kind, Duration::from_millis(millis)), expected, "{kind:?} {millis}");
        }
    }
}
