//! What is judged, from the relay, the web and the disk.

use std::{path::Path, time::Duration};

use jiff::Timestamp;

use crate::{
    cli::{check, context::Context, failure::Failure, hints, ledger, net, suppression_file},
    config::{Config, RelaySettings},
    doctor::{Expected, FileFacts, MailboxFacts, RelayFacts, Signature, WebAnswer, WebFacts},
    ledger::{Ledger, LedgerError, Location},
    mailbox::Mailbox,
    message::{KeyKind, Signer},
    source::Place,
    transport::{Relay, RelayDown, Smtp, Timeouts},
};

/// No step at the relay is waited for longer.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A dispatch takes about so many times the list's bytes in the ledger: recipients, and what became of each.
const LEDGER_SHARE: u64 = 3;

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
        connect: own.connect.min(TIMEOUT),
        handshake: own.handshake.min(TIMEOUT),
        greeting: own.greeting.min(TIMEOUT),
        command: own.command.min(TIMEOUT),
        ..own
    };
    relay
}

/// Looks at all relays; none without one.
pub(super) async fn relays(config: &Config, now: Timestamp) -> Vec<RelayFacts> {
    let mut facts = Vec::new();
    for settings in config.transport.relays() {
        facts.push(relay(config, settings, now).await);
    }
    facts
}

async fn relay(config: &Config, settings: &RelaySettings, now: Timestamp) -> RelayFacts {
    let relay = &settings.relay;
    let mut stranger = hasty(Relay::clone(relay));
    stranger.login = None;
    let inspection = match Smtp::new(stranger) {
        Ok(smtp) => smtp.inspect().await.map_err(down),
        Err(error) => Err(plain(&error.into())),
    };
    let read = Timestamp::now();
    let clock = inspection.as_ref().ok().and_then(|inspection| inspection.clock);
    let login = match (&relay.login, &inspection) {
        (Some(_), Ok(_)) => Some(log_in(config, settings).await),
        _ => None,
    };
    let certificate = inspection.as_ref().ok().and_then(|inspection| inspection.certificate.as_deref());
    RelayFacts {
        name: relay.to_string(),
        host: relay.host.clone(),
        is_loopback: relay.is_loopback(),
        certificate_days: certificate.and_then(|der| days_left(der, now)),
        inspection,
        login,
        signs: config.dkim.is_some(),
        clock_ahead: clock.map(|theirs| read.as_second() - theirs.as_second()),
    }
}

async fn log_in(config: &Config, settings: &RelaySettings) -> Result<(), (String, Option<String>)> {
    let relay = config.with_password(settings).map_err(|error| plain(&error.into()))?;
    let smtp = Smtp::new(hasty(relay)).map_err(|error| plain(&error.into()))?;
    smtp.probe().await.map_err(down)
}

/// Days until a certificate ends.
fn days_left(der: &[u8], now: Timestamp) -> Option<i64> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    let end = certificate.validity().not_after.timestamp();
    Some((end - now.as_second()).div_euclid(24 * 3600))
}

/// The hosts of all relays, each once.
pub(super) fn hosts(config: &Config) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    for one in config.transport.relays() {
        if !hosts.contains(&one.relay.host) {
            hosts.push(one.relay.host.clone());
        }
    }
    hosts
}

/// What the settings lead to expect of the DNS, for letters through the relay on this host.
pub(super) fn expected(config: &Config, relay: Option<String>) -> Expected {
    let newsletter = &config.newsletter;
    let domain = |address: &crate::address::EmailAddress| address.domain().to_ascii_lowercase();
    let replies = newsletter.reply_to.as_ref().unwrap_or(&newsletter.from);
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
    let mut clock_ahead = None;
    let mut answer = |called: Result<ureq::http::Response<ureq::Body>, ureq::Error>| match called {
        Ok(mut response) => {
            let date = response.headers().get("date").and_then(|date| date.to_str().ok());
            clock_ahead =
                date.and_then(http_date).map(|theirs| Timestamp::now().as_second() - theirs.as_second());
            let status = response.status().as_u16();
            let body = response.body_mut().with_config().limit(64 * 1024).read_to_string();
            Ok(WebAnswer { status, body: body.unwrap_or_default() })
        }
        // `ureq` says `io:` before what the system says.
        Err(error) => Err(error.to_string().trim_start_matches("io: ").to_owned()),
    };
    let get = answer(agent.get(&address).call());
    let post = agent.post(&address).content_type("application/x-www-form-urlencoded");
    let post = answer(post.send("List-Unsubscribe=One-Click"));
    Ok(Some(WebFacts { url: url.clone(), get, post, clock_ahead }))
}

/// The time in a header field `Date` (RFC 9110 section 5.6.7), which is in GMT.
fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.replace("GMT", "+0000")).ok()
}

/// Looks into the mailbox in which letters come back, and changes nothing; `None` without one.
pub(super) async fn mailbox(config: &Config) -> Option<MailboxFacts> {
    let host = config.bounce_mailbox.as_ref()?.account.host.clone();
    let open = async {
        let account = config.bounce_mailbox().map_err(Failure::from)?.expect("a mailbox is set");
        Ok::<_, Failure>(Mailbox::open(&account).await?.close().await?)
    };
    let opened = match tokio::time::timeout(TIMEOUT, open).await {
        Ok(opened) => opened.map_err(|failure| plain(&failure)),
        Err(_) => Err((format!("no answer within {} seconds", TIMEOUT.as_secs()), None)),
    };
    Some(MailboxFacts { host, opened })
}

/// Looks at the ledger, its backup, git and the disk.
pub(super) async fn files(config: &Config, context: &Context) -> FileFacts {
    let (ledger, server) = match config.ledger.exists() {
        true => check_ledger(&config.ledger).await,
        false => (None, None),
    };
    let backup = ledger::last_backup(config).map(|at| context.now.duration_since(at).as_hours() / 24);
    let tracked = check::tracked(config).into_iter().map(|found| match &found.place {
        Place::File { path } => format!("{} (`{}`)", found.message, path.display()),
        _ => found.message,
    });
    let list = config.list.file().and_then(|file| std::fs::metadata(&file.path).ok());
    let suppressions = config.suppression_file.as_ref().map(|_| match suppression_file::read(config) {
        Ok(file) => Ok(file.map_or(0, |file| file.len() as u64)),
        Err(failure) => Err(plain(&failure)),
    });
    FileFacts {
        ledger,
        server,
        backup_days: backup,
        tracked: tracked.collect(),
        free: free(&config.ledger_file()),
        needed: list.map_or(0, |list| list.len().saturating_mul(LEDGER_SHARE)),
        suppressions,
    }
}

/// How many issues a ledger has, or what is wrong with it; and the server that it is on, with its version.
async fn check_ledger(
    location: &Location,
) -> (Option<Result<u64, (String, Option<String>)>>, Option<(String, Option<u32>)>) {
    let failed = |error: LedgerError| plain(&error.into());
    let ledger = match Ledger::open_read_only(location) {
        Ok(ledger) => ledger,
        // A database that answers and has no tables yet.
        Err(LedgerError::Missing { .. }) => return (None, None),
        Err(error) => return (Some(Err(failed(error))), None),
    };
    let look = async {
        ledger.check().await?;
        Ok(ledger.dispatches().await?.len() as u64)
    };
    let found = look.await.map_err(failed);
    let version = ledger.server_version().await.ok().flatten();
    let number = |version: &str| version.split(['.', ' ']).next()?.parse().ok();
    (Some(found), version.map(|version| (format!("PostgreSQL {version}"), number(&version))))
}

/// The bytes that are free on the disk of a file that may not exist yet.
fn free(path: &Path) -> Option<u64> {
    let there = path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    let space = rustix::fs::statvfs(there).ok()?;
    Some(space.f_bavail.saturating_mul(space.f_frsize))
}
