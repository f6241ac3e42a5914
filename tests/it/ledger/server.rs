//! What only a ledger on a server meets: restarts, older copies, other machines, leases that run out.

use std::time::Duration;

use mimeograph::ledger::{Begun, Ledger, LedgerError, Next, OpenOptions, Restored, Selection, Wanted};

use crate::support::{
    cutting_proxy::CuttingProxy,
    ledgers::{Kind, Shelf, accepted, at, by_hand, claim, names, open, states},
    postgres::{Cluster, location, url},
};

fn options(folder: &tempfile::TempDir) -> OpenOptions {
    OpenOptions { marks: Some(folder.path().to_owned()), ..OpenOptions::default() }
}

#[tokio::test]
async fn a_server_that_crashes_and_comes_back_loses_nothing() {
    let Some(mut cluster) = Cluster::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let url = cluster.url(&cluster.database());
    let ledger = Ledger::open_with(location(&url), &options(&folder)).unwrap();
    let opened = open(&ledger, "one", &["ada", "bob", "cid"]).await;
    let worker = ledger.register_worker("relay", at(1)).await.unwrap();
    let claims = claim(&ledger, opened.dispatch, &worker, 2, at(1)).await;
    assert_eq!(ledger.begin(&claims[0], at(2)).await.unwrap(), Begun::Begun);
    cluster.kill();
    // The end waits for the server.
    ledger.end(&claims[0], &accepted(), Next::Close, at(3));
    cluster.start_again();
    ledger.flush().await.unwrap();
    assert_eq!(ledger.begin(&claims[1], at(4)).await.unwrap(), Begun::Begun);
    assert_eq!(states(&ledger, opened.dispatch).await, ["ada: accepted", "bob: begun", "cid: queued"]);
    cluster.stop();
    let begun = tokio::spawn({
        let (ledger, claim) = (ledger.clone(), claims[1].clone());
        async move {
            ledger.end(&claim, &accepted(), Next::Close, at(5));
            ledger.flush().await
        }
    });
    cluster.start_again();
    begun.await.unwrap().unwrap();
    let rest = claim(&ledger, opened.dispatch, &worker, 9, at(6)).await;
    assert_eq!(names(&rest), ["cid"]);
}

#[tokio::test]
async fn a_selection_outlives_the_connection_that_made_it() {
    let Some(mut cluster) = Cluster::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let url = cluster.url(&cluster.database());
    let ledger = Ledger::open_with(location(&url), &options(&folder)).unwrap();
    let opened = open(&ledger, "one", &["ada", "bob", "cid", "dan"]).await;
    let worker = ledger.register_worker("relay", at(1)).await.unwrap();
    let one = ledger.select(opened.dispatch, Selection::First(1)).await.unwrap();
    let three = ledger.select(opened.dispatch, Selection::First(3)).await.unwrap();
    cluster.kill();
    cluster.start_again();
    for (selected, expected) in [(one, vec!["ada"]), (three, vec!["bob", "cid"])] {
        let wanted = Wanted { selection: Some(selected.id), ..Wanted::default() };
        let claims = ledger.claim(opened.dispatch, &worker, 9, at(2), &wanted).await.unwrap();
        assert_eq!(names(&claims), expected);
        assert_eq!(ledger.next_due(opened.dispatch, &wanted).await.unwrap(), None);
    }
}

/// Each looks for the place that another of the machine has just written down.
#[test]
fn those_that_open_it_at_once_do_not_take_it_for_an_older_copy() {
    let Some(cluster) = Cluster::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let url = cluster.url(&cluster.database());
    let open = || drop(Ledger::open_with(location(&url), &options(&folder)).unwrap());
    open();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..25).for_each(|_| open()));
        }
    });
}

#[tokio::test]
async fn an_older_copy_is_refused_until_the_owner_says_so() {
    let Some(mut cluster) = Cluster::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let url = cluster.url(&cluster.database());
    let ledger = Ledger::open_with(location(&url), &options(&folder)).unwrap();
    let opened = open(&ledger, "one", &["ada", "bob"]).await;
    drop(ledger);
    cluster.stop();
    cluster.save();
    cluster.start_again();
    let ledger = Ledger::open_with(location(&url), &options(&folder)).unwrap();
    let worker = ledger.register_worker("relay", at(1)).await.unwrap();
    assert_eq!(claim(&ledger, opened.dispatch, &worker, 1, at(1)).await.len(), 1);
    drop((worker, ledger));
    cluster.stop();
    cluster.restore();
    cluster.start_again();
    let refused = Ledger::open_with(location(&url), &options(&folder)).map(drop);
    assert!(matches!(refused, Err(LedgerError::Replaced { .. })), "{refused:?}");
    let accepted = OpenOptions { restored: Restored::Accept, ..options(&folder) };
    drop(Ledger::open_with(location(&url), &accepted).unwrap());
    drop(Ledger::open_with(location(&url), &options(&folder)).unwrap());
}

#[tokio::test]
async fn an_older_copy_is_refused_at_each_look_by_who_had_the_ledger_open() {
    let Some(mut cluster) = Cluster::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let url = cluster.url(&cluster.database());
    let ledger = Ledger::open_with(location(&url), &options(&folder)).unwrap();
    let opened = open(&ledger, "one", &["ada", "bob", "cem"]).await;
    drop(ledger);
    cluster.stop();
    cluster.save();
    cluster.start_again();
    let ledger = Ledger::open_with(location(&url), &options(&folder)).unwrap();
    let worker = ledger.register_worker("relay", at(1)).await.unwrap();
    assert_eq!(claim(&ledger, opened.dispatch, &worker, 1, at(1)).await.len(), 1);
    cluster.kill();
    cluster.restore();
    cluster.start_again();
    for look in 0..3 {
        let claimed = ledger.claim(opened.dispatch, &worker, 1, at(2), &Wanted::default()).await;
        let error = claimed.err().map(|error| error.to_string());
        assert!(error.as_ref().is_some_and(|error| error.contains("copy")), "look {look}: {error:?}");
    }
}

#[tokio::test]
async fn connections_that_are_cut_in_a_commit_lose_nothing_and_do_nothing_twice() {
    for pre_commit in [false, true] {
        cut_in_commits(&Wanted { pre_commit, ..Wanted::default() }).await;
    }
}

async fn cut_in_commits(wanted: &Wanted) {
    let Some(cluster) = Cluster::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let database = cluster.database();
    // Made before: an opening that is cut is an error, and changes nothing.
    drop(Ledger::open_with(location(&cluster.url(&database)), &options(&folder)).unwrap());
    let proxy = CuttingProxy::start(cluster.folder(), 3);
    let through = location(&url(proxy.folder(), &database));
    let ledger = loop {
        match Ledger::open_with(through.clone(), &options(&folder)) {
            Ok(ledger) => break ledger,
            Err(error) => assert!(matches!(error, LedgerError::Unreachable { .. }), "{error:?}"),
        }
    };
    let people: Vec<String> = (0..60).map(|number| format!("reader{number}")).collect();
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    let straight = Ledger::open_with(location(&cluster.url(&database)), &options(&folder)).unwrap();
    let opened = open(&straight, "one", &people).await;
    let worker = loop {
        match ledger.register_worker("relay", at(1)).await {
            Ok(worker) => break worker,
            Err(error) => assert!(matches!(error, LedgerError::Unreachable { .. }), "{error:?}"),
        }
    };
    let mut begun = 0;
    loop {
        let claimed = ledger.claim(opened.dispatch, &worker, 4, at(2), wanted).await;
        let claims = match claimed {
            Ok(claims) if claims.is_empty() => break,
            Ok(claims) => claims,
            Err(LedgerError::Unreachable { .. }) => continue,
            Err(error) => panic!("{error:?}"),
        };
        for claim in claims {
            assert_eq!(ledger.begin(&claim, at(3)).await.unwrap(), Begun::Begun);
            begun += 1;
            ledger.end(&claim, &accepted(), Next::Close, at(4));
        }
    }
    ledger.flush().await.unwrap();
    let (before, after) = proxy.cuts();
    assert!(before > 5 && after > 5, "{before} {after}");
    // A claim whose answer was lost may have been given to no one: its letters are back when the worker is gone.
    drop(worker);
    let tally = straight.tally(opened.dispatch).await.unwrap();
    assert_eq!((tally.accepted, tally.planned), (begun, 60), "{tally:?}");
    assert_eq!((tally.begun, tally.unconfirmed), (0, 0), "{tally:?}");
    assert_eq!(cluster.sql(&database, "SELECT count(*) FROM attempts"), begun.to_string());
}

#[tokio::test]
async fn a_worker_on_another_machine_is_dead_when_its_lease_has_run_out() {
    let Some(cluster) = Cluster::shared() else { return };
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let database = cluster.database();
    let url = cluster.url(&database);
    let ledger = Ledger::open_with(location(&url), &options(&here)).unwrap();
    let other = Ledger::open_with(location(&url), &options(&there)).unwrap();
    let opened = open(&ledger, "one", &["ada", "bob"]).await;
    let worker = ledger.register_worker("relay", at(1)).await.unwrap();
    let claims = claim(&ledger, opened.dispatch, &worker, 2, at(1)).await;
    ledger.begin(&claims[0], at(2)).await.unwrap();
    assert_eq!(other.reap(at(3)).await.unwrap(), Default::default(), "its lease runs");
    cluster.sql(&database, "UPDATE workers SET until = clock_timestamp() - interval '1 second'");
    let reaped = other.reap(at(3)).await.unwrap();
    assert_eq!((reaped.workers, reaped.requeued, reaped.unconfirmed), (1, 1, 1));
    assert_eq!(ledger.begin(&claims[1], at(4)).await.unwrap(), Begun::Lost, "it goes on, and begins nothing");
    ledger.end(&claims[0], &accepted(), Next::Close, at(4));
    assert_eq!(states(&ledger, opened.dispatch).await, ["ada: accepted", "bob: queued"]);
}

#[tokio::test]
async fn a_lease_is_renewed_while_its_worker_lives() {
    let Some(cluster) = Cluster::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let database = cluster.database();
    let short = OpenOptions { lease: Duration::from_millis(300), ..options(&folder) };
    let ledger = Ledger::open_with(location(&cluster.url(&database)), &short).unwrap();
    let _worker = ledger.register_worker("relay", at(1)).await.unwrap();
    let until = || cluster.sql(&database, "SELECT until FROM workers");
    let first = until();
    let began = std::time::Instant::now();
    while until() == first {
        assert!(began.elapsed() < Duration::from_secs(30), "the lease was not renewed");
    }
}

#[tokio::test]
async fn a_copy_in_a_file_has_everything() {
    if !Kind::Postgres.is_here() {
        return;
    }
    let shelf = Shelf::new(Kind::Postgres);
    let opened = open(&shelf.ledger, "one", &["ada", "bob"]).await;
    let worker = shelf.ledger.register_worker("relay", at(1)).await.unwrap();
    let claims = claim(&shelf.ledger, opened.dispatch, &worker, 1, at(1)).await;
    shelf.ledger.begin(&claims[0], at(1)).await.unwrap();
    shelf.ledger.end(&claims[0], &accepted(), Next::Close, at(2));
    shelf.ledger.suppress(by_hand("bob")).await.unwrap();
    shelf.ledger.flush().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.db");
    shelf.ledger.backup(&path).await.unwrap();
    let copy = Ledger::open(&path).unwrap();
    copy.check().await.unwrap();
    assert_eq!(
        copy.tally(opened.dispatch).await.unwrap(),
        shelf.ledger.tally(opened.dispatch).await.unwrap()
    );
    assert_eq!(copy.suppressions().collect().await.unwrap().len(), 1);
}
