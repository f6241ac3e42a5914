//! `dispatch::open`, as a program with this library calls it.

use std::sync::{Arc, Mutex};

use mimeograph::{
    dispatch::{self, BadRows, Ended, IfKeysChanged, Note, OpenError, Options, Settings, Source},
    ledger::{Joinable, Ledger, Selection},
    message::Secrets,
    transport::{Outbox, Transport},
};
use tempfile::TempDir;

use crate::support::ledgers::{address, at, issue, on_each};

/// A list, and a folder for the letters.
struct Setup {
    folder: TempDir,
    ledger: Ledger,
}

impl Setup {
    fn new(list: &str) -> Self {
        Self::on(Ledger::scratch().unwrap(), list)
    }

    fn on(ledger: Ledger, list: &str) -> Self {
        let setup = Self { folder: tempfile::tempdir().unwrap(), ledger };
        setup.write(list);
        setup
    }

    async fn run(&self, opened: &dispatch::Opened) -> Ended {
        let transport = Arc::new(Transport::Outbox(Outbox::new(self.folder.path().join("letters"))));
        opened.run(&transport, Settings::default()).send(|_| ()).await.unwrap()
    }

    fn write(&self, list: &str) {
        std::fs::write(self.folder.path().join("list.csv"), list).unwrap();
    }

    fn source(&self, slug: &str) -> Source {
        Source::new(issue(slug), self.folder.path().join("list.csv"), Secrets::new([7; 32]))
    }

    async fn open(&self, options: &Options) -> Result<dispatch::Opened, OpenError> {
        dispatch::open(self.source("one"), &self.ledger, options).await
    }

    async fn send(&self, options: &Options) -> u64 {
        let opened = self.open(options).await.unwrap();
        let ended = self.run(&opened).await;
        assert!(matches!(ended, Ended::Finished), "{ended:?}");
        opened.tally().await.unwrap().accepted
    }
}

fn options() -> Options {
    Options::new(at(0)).into_folder()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_opens_another_sends_and_both_may_be_repeated() {
    let setup = Setup::new("email\nada@example.com\nbob@example.com\n");
    assert_eq!(setup.send(&options()).await, 2);
    assert_eq!(setup.send(&options()).await, 2);
    setup.write("email\nada@example.com\nbob@example.com\ncid@example.com\n");
    let opened = setup.open(&options()).await.unwrap();
    assert_eq!((opened.plan.letters, opened.plan.newcomers, opened.plan.so_far.accepted), (1, 1, 2));
    assert_eq!(setup.send(&options()).await, 3);
    assert!(setup.open(&options()).await.unwrap().plan.is_idle());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_without_people_opens_nothing() {
    let setup = Setup::new("email,subscribed\nada@example.com,no\n");
    let opened = setup.open(&options()).await.unwrap();
    assert!(opened.plan.is_idle() && opened.dispatch.is_none());
    assert_eq!(setup.send(&options()).await, 0);
    assert!(setup.ledger.dispatches().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_speaks_against_a_send_is_an_error_and_records_nothing() {
    let setup = Setup::new("email\nada@example.com\nnobody\nbob@example.com\n");
    let refused = setup.open(&options()).await;
    assert!(matches!(refused, Err(OpenError::BadRows { rows: 1, .. })));
    let mut unknown = options();
    unknown.selection = Some(Selection::Only(vec![address("dan@example.com")]));
    unknown.bad_rows = BadRows::Skip;
    let refused = setup.open(&unknown).await;
    assert!(matches!(refused, Err(OpenError::NotOnList { addresses, .. }) if addresses.len() == 1));
    unknown.selection = Some(Selection::Where(
        mimeograph::subscriber::Condition::parse("town=Berlin", options().now).unwrap(),
    ));
    assert!(matches!(setup.open(&unknown).await, Err(OpenError::Condition { .. })));
    assert!(setup.ledger.dispatches().await.unwrap().is_empty());
    let mut skip = options();
    skip.bad_rows = BadRows::Skip;
    assert_eq!(setup.send(&skip).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_letter_and_other_keys_are_noticed() {
    let setup = Setup::new("email\nada@example.com\nbob@example.com\n");
    let mut source = setup.source("one");
    source.rendered.title = "Before it was edited".into();
    source.rendered.subject.pieces.clear();
    dispatch::open(source, &setup.ledger, &options()).await.unwrap();
    // No one has it: the edited one is frozen in its place.
    let notes = Arc::new(Mutex::new(Vec::new()));
    let mut first = options();
    first.selection = Some(Selection::First(1));
    let kept = Arc::clone(&notes);
    first.notify = Arc::new(move |note| kept.lock().unwrap().push(note.clone()));
    assert_eq!(setup.send(&first).await, 1);
    assert!(notes.lock().unwrap().iter().any(|note| matches!(note, Note::Refrozen { .. })));
    let mut source = setup.source("one");
    source.rendered.subject.pieces.clear();
    let refused = dispatch::open(source, &setup.ledger, &options()).await;
    assert!(matches!(refused, Err(OpenError::Edited { .. })));
    let mut source = setup.source("one");
    source.secrets = Secrets::new([8; 32]);
    let refused = dispatch::open(source, &setup.ledger, &options()).await;
    assert!(matches!(refused, Err(OpenError::KeysChanged { .. })));
    let mut source = setup.source("one");
    source.secrets = Secrets::new([8; 32]);
    let mut accept = options();
    accept.keys_changed = IfKeysChanged::Accept;
    assert_eq!(dispatch::open(source, &setup.ledger, &accept).await.unwrap().plan.letters, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_counts_from_when_it_was_decided_to_send() {
    on_each(async |shelf| {
        let setup = Setup::on(shelf.ledger.clone(), "email\nada@example.com\n");
        let ledger = &setup.ledger;
        let mut opened = setup.open(&options()).await.unwrap();
        let stop = async || ledger.stop_run(opened.dispatch.unwrap(), "wrong link", at(2)).await.unwrap();
        let share = async |opened: &mut dispatch::Opened| {
            opened.share("", Joinable::Yes, at(1)).await.unwrap();
        };
        let is_stopped = |ended: &Ended| matches!(ended, Ended::Stopped(why) if why == "wrong link");
        let join = async |run| dispatch::join(ledger, run, Secrets::new([7; 32]), &options()).await.unwrap();
        // A worker has seen that it is open, and has not joined.
        let mut sender = setup.open(&options()).await.unwrap();
        share(&mut sender).await;
        let seen = ledger.open_runs().await.unwrap().remove(0);
        stop().await;
        let ended = setup.run(&join(&seen).await).await;
        assert!(is_stopped(&ended), "{ended:?}");
        // The sender has let others join, and has not begun.
        let ended = setup.run(&sender).await;
        assert!(is_stopped(&ended), "{ended:?}");
        assert_eq!(sender.tally().await.unwrap().queued, 1);
        // What was stopped before goes on, here and elsewhere.
        share(&mut opened).await;
        let seen = ledger.open_runs().await.unwrap().remove(0);
        let ended = setup.run(&join(&seen).await).await;
        assert!(matches!(ended, Ended::Finished), "{ended:?}");
        assert_eq!(opened.tally().await.unwrap().accepted, 1);
    })
    .await;
}
