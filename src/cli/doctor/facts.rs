//! What is judged, from the relay, the web and the disk.

use std::{path::Path, time::Duration};

use jiff::Timestamp;

use super::{Context, Failure};
use crate::{
    cli::{check, hints, ledger, net},
    config::{Config, Transport},
    doctor::{Expected, FileFacts, RelayFacts, Signature, WebAnswer, WebFacts},
    ledger::Ledger,
    message::{KeyKind, Signer},
    source::Place,
    transport::{Relay, RelayDown, Smtp, Timeouts},
};

/// No step at the relay is waited for longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A failure in one line, with what to do.
fn plain(failure: &Failure) -> (String, Option<String>) {
    let (text, hint) = failure.plain();
    (text.lines().map(str::trim).collect::<Vec<_>>().join("; "), hint)
}

fn down(error: RelayDown) -> (String, Option<String>) {
    let hint = hints::way_out(&error).map(str::to_owned);
    (plain(&Failure::from(error)).0, hint)
}

fn hasty(mut relay: Relay) -> Relay {
    let own = relay.timeouts;
    relay.timeouts = Timeouts {
        connect: own.connect.min(PATIENCE),
        handshake: own.handshake.min(PATIENCE),
        greeting: own.greeting.min(PATIENCE),
        command: own.command.min(PATIENCE),
        ..own
    };
    relay
}

/// Looks at the relay; `None` without one.
pub(super) async fn relay(config: &Config, now: Timestamp) -> Option<RelayFacts> {
    let Transport::Relay { relay, .. } = &config.transport else { return None };
    let mut stranger = hasty(Relay::clone(relay));
    stranger.login = None;
    let inspection = match Smtp::new(stranger) {
        Ok(smtp) => smtp.inspect().await.map_err(down),
        Err(error) => Err(plain(&error.into())),
    };
    let login = match (&relay.login, &inspection) {
        (Some(_), Ok(_)) => Some(log_in(config).await),
        _ => None,
    };
    let certificate = inspection.as_ref().ok().and_then(|inspection| inspection.certificate.as_deref());
    Some(RelayFacts {
        name: relay.to_string(),
        host: relay.host.clone(),
        is_loopback: relay.is_loopback(),
        certificate_days: certificate.and_then(|der| days_left(der, now)),
        inspection,
        login,
        signs: config.dkim.is_some(),
    })
}

async fn log_in(config: &Config) -> Result<(), (String, Option<String>)> {
    let relay = config.relay().map_err(|error| plain(&error.into()))?;
    let relay = hasty(relay.expect("a relay is set"));
    let smtp = Smtp::new(relay).map_err(|error| plain(&error.into()))?;
    smtp.probe().await.map_err(down)
}

/// Days until a certificate ends.
fn days_left(der: &[u8], now: Timestamp) -> Option<i64> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    let end = certificate.validity().not_after.timestamp();
    Some((end - now.as_second()).div_euclid(24 * 3600))
}

/// What the settings lead to expect of the DNS.
pub(super) fn expected(config: &Config) -> Expected {
    let newsletter = &config.newsletter;
    let domain = |address: &crate::address::EmailAddress| address.domain().to_ascii_lowercase();
    let replies = newsletter.reply_to.as_ref().unwrap_or(&newsletter.from);
    let relay = match &config.transport {
        Transport::Relay { relay, .. } => Some(relay.host.clone()),
        Transport::Outbox(_) => None,
    };
    let mut signatures = Vec::new();
    if let Some(dkim) = &config.dkim {
        let second = dkim.ed25519.as_ref().map(|second| (&second.selector, &second.key));
        for (selector, key) in [Some((&dkim.selector, &dkim.key)), second].into_iter().flatten() {
            let read = || -> Result<(String, &'static str), Failure> {
                let signer = Signer::from_pem(&dkim.domain, selector, key.read(config.trust)?.expose())?;
                let kind = match signer.kind() {
                    KeyKind::Rsa => "rsa",
                    KeyKind::Ed25519 => "ed25519",
                };
                Ok((signer.public_key(), kind))
            };
            let (public, kind) = match read() {
                Ok((public, kind)) => (Ok(public), kind),
                Err(failure) => (Err(plain(&failure).0), "rsa"),
            };
            let (domain, selector) = (dkim.domain.to_ascii_lowercase(), selector.clone());
            signatures.push(Signature { domain, selector, kind, public });
        }
    }
    Expected {
        from: domain(&newsletter.from.address),
        bounces: domain(&newsletter.bounces),
        replies: domain(&replies.address),
        relay,
        signatures,
    }
}

/// Asks the address for one-click unsubscribing, with a token that belongs to no subscriber; `None` without one.
pub(super) fn web(config: &Config) -> Result<Option<WebFacts>, Failure> {
    let Some(url) = &config.newsletter.unsubscribe.https else { return Ok(None) };
    const TOKEN: &str = "mimeo-doctor";
    let address =
        if url.contains("{token}") { url.replace("{token}", TOKEN) } else { format!("{url}{TOKEN}") };
    let agent = net::owners_agent();
    let answer = |called: Result<ureq::http::Response<ureq::Body>, ureq::Error>| match called {
        Ok(mut response) => {
            let status = response.status().as_u16();
            let body = response.body_mut().with_config().limit(64 * 1024).read_to_string();
            Ok(WebAnswer { status, body: body.unwrap_or_default() })
        }
        Err(error) => Err(error.to_string()),
    };
    let get = answer(agent.get(&address).call());
    let post = agent.post(&address).content_type("application/x-www-form-urlencoded");
    let post = answer(post.send("List-Unsubscribe=One-Click"));
    Ok(Some(WebFacts { url: url.clone(), get, post }))
}

/// Looks at the ledger, its backup, git and the disk.
pub(super) async fn files(config: &Config, context: &Context) -> FileFacts {
    let ledger = if config.ledger.exists() { Some(check_ledger(&config.ledger).await) } else { None };
    let backup = ledger::last_backup(config).map(|at| context.now.duration_since(at).as_hours() / 24);
    let tracked = check::tracked(config).into_iter().map(|found| match &found.place {
        Place::File { path } => format!("{} (`{}`)", found.message, path.display()),
        _ => found.message,
    });
    FileFacts { ledger, backup_days: backup, tracked: tracked.collect(), free: free(&config.ledger) }
}

async fn check_ledger(path: &Path) -> Result<u64, (String, Option<String>)> {
    let read = async {
        let ledger = Ledger::open_read_only(path)?;
        ledger.check().await?;
        Ok(ledger.dispatches().await?.len() as u64)
    };
    read.await.map_err(|error: crate::ledger::LedgerError| plain(&error.into()))
}

/// The bytes that are free on the disk of a file that may not exist yet.
fn free(path: &Path) -> Option<u64> {
    let there = path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    let space = rustix::fs::statvfs(there).ok()?;
    Some(space.f_bavail.saturating_mul(space.f_frsize))
}
