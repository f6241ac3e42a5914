//! Fresh ledgers, a frozen issue, and people to write to.

use jiff::Timestamp;
use mimeograph::{
    address::EmailAddress,
    ledger::{
        BoxError, Claim, DispatchId, Ledger, LedgerError, NewDispatch, OpenOptions, Opened, Reason,
        Suppression, Wanted, Worker,
    },
    render::{Mailbox, Pattern, Piece, RenderedIssue},
    subscriber::Subscriber,
    transport::{Outcome, Reply, Stage},
};
use tempfile::TempDir;

use super::postgres::{Cluster, location};

/// A kind of ledger that the contract is tested on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// SQLite without a file.
    Scratch,
    /// SQLite in a file.
    File,
    /// A database on a PostgreSQL server.
    Postgres,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Scratch, Self::File, Self::Postgres];

    /// Whether there is one to be had here.
    pub(crate) fn is_here(self) -> bool {
        self != Self::Postgres || Cluster::shared().is_some()
    }
}

/// A ledger and the folder it lives in.
pub(crate) struct Shelf {
    folder: Option<TempDir>,
    url: Option<String>,
    pub(crate) ledger: Ledger,
}

impl Shelf {
    pub(crate) fn new(kind: Kind) -> Self {
        match kind {
            Kind::Scratch => Self { folder: None, url: None, ledger: Ledger::scratch().unwrap() },
            Kind::File => {
                let folder = tempfile::tempdir().unwrap();
                let ledger = Ledger::open(&folder.path().join("ledger.db")).unwrap();
                Self { folder: Some(folder), url: None, ledger }
            }
            Kind::Postgres => {
                let folder = tempfile::tempdir().unwrap();
                let cluster = Cluster::shared().unwrap();
                let url = cluster.url(&cluster.database());
                let ledger = Ledger::open_with(location(&url), &on_server(&folder)).unwrap();
                Self { folder: Some(folder), url: Some(url), ledger }
            }
        }
    }

    /// Where the file is, for ledgers that have one.
    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.folder.as_ref().unwrap().path().join("ledger.db")
    }

    /// The folder with the locks of workers, where they have some.
    pub(crate) fn locks(&self) -> Option<std::path::PathBuf> {
        let mut folders = std::fs::read_dir(self.folder.as_ref()?.path()).unwrap();
        folders.find_map(|entry| {
            let path = entry.unwrap().path();
            path.extension().is_some_and(|ending| ending == "workers").then_some(path)
        })
    }

    /// Closes the ledger and keeps its folder.
    pub(crate) fn close(self) -> Option<TempDir> {
        drop(self.ledger);
        self.folder
    }

    /// Another handle, as another process would have it; the same one where there is no file.
    pub(crate) fn second(&self) -> Result<Ledger, LedgerError> {
        match (&self.folder, &self.url) {
            (None, _) => Ok(self.ledger.clone()),
            (Some(folder), None) => Ledger::open(&folder.path().join("ledger.db")),
            (Some(folder), Some(url)) => Ledger::open_with(location(url), &on_server(folder)),
        }
    }
}

/// Runs a scenario on every kind of ledger.
pub(crate) async fn on_each(scenario: impl AsyncFn(Shelf)) {
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_here()) {
        println!("on {kind:?}");
        scenario(Shelf::new(kind)).await;
    }
}

/// As two processes on one machine open it.
fn on_server(folder: &TempDir) -> OpenOptions {
    OpenOptions { marks: Some(folder.path().to_owned()), ..OpenOptions::default() }
}

/// So many seconds after a fixed moment.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_672_400_000 + seconds).unwrap()
}

pub(crate) fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

/// `ada@example.com` for `ada`; texts with an `@` stay as they are.
pub(crate) fn person(name: &str) -> Subscriber {
    let text = if name.contains('@') { name.to_owned() } else { format!("{name}@example.com") };
    Subscriber { address: address(&text), name: None, fields: Default::default() }
}

pub(crate) fn people(names: &[&str]) -> Vec<Result<Subscriber, BoxError>> {
    names.iter().map(|name| Ok(person(name))).collect()
}

/// A small issue, frozen.
pub(crate) fn issue(slug: &str) -> RenderedIssue {
    let text = |text: &str| Pattern { pieces: vec![Piece::Literal(text.to_owned())] };
    RenderedIssue {
        title: format!("The story of {slug}"),
        subject: text("A subject"),
        html: text("<p>Hello</p>"),
        text: text("Hello\n"),
        date: at(0),
        list_id: "letters.example.org".to_owned(),
        newsletter: "Letters".to_owned(),
        bounces: address("bounces@example.org"),
        ..RenderedIssue::new(slug, Mailbox { name: None, address: address("editor@example.org") })
    }
}

pub(crate) async fn open(ledger: &Ledger, slug: &str, names: &[&str]) -> Opened {
    let rendered = issue(slug);
    ledger.open_dispatch(&NewDispatch { rendered: &rendered, opened_at: at(0) }, people(names)).await.unwrap()
}

/// The address and state of each delivery, as `ada: queued`.
pub(crate) async fn states(ledger: &Ledger, dispatch: DispatchId) -> Vec<String> {
    let rows = ledger.deliveries(dispatch, None).collect().await.unwrap();
    rows.iter()
        .map(|row| format!("{}: {}", row.address.expose().trim_end_matches("@example.com"), row.state))
        .collect()
}

pub(crate) async fn claim(
    ledger: &Ledger,
    dispatch: DispatchId,
    worker: &Worker,
    limit: usize,
    now: Timestamp,
) -> Vec<Claim> {
    ledger.claim(dispatch, worker, limit, now, &Wanted::default()).await.unwrap()
}

/// Whom the claims are for: `ada` for `ada@example.com`.
pub(crate) fn names(claims: &[Claim]) -> Vec<String> {
    claims
        .iter()
        .map(|claim| claim.subscriber.address.expose().trim_end_matches("@example.com").to_owned())
        .collect()
}

pub(crate) fn by_hand(name: &str) -> Suppression {
    Suppression { address: person(name).address, reason: Reason::ByHand, note: None, at: at(0) }
}

pub(crate) fn reply(code: u16, text: &str) -> Reply {
    Reply { code, enhanced: None, text: text.to_owned() }
}

pub(crate) fn accepted() -> Outcome {
    Outcome::Accepted { reply: reply(250, "taken") }
}

pub(crate) fn deferred() -> Outcome {
    Outcome::Deferred { stage: Stage::Rcpt, reply: reply(451, "later") }
}

pub(crate) fn rejected() -> Outcome {
    Outcome::Rejected { stage: Stage::Rcpt, reply: reply(550, "no such person") }
}

pub(crate) fn unconfirmed() -> Outcome {
    Outcome::Unconfirmed { why: "the connection broke".to_owned() }
}
