//! Pre-committed claims on a server: other machines, which see no log.

use std::{
    fs,
    time::{Duration, Instant},
};

use mimeograph::ledger::{Begun, Claim, DispatchId, Ledger, Next, OpenOptions, Wanted, Worker};
use tempfile::TempDir;

use crate::support::{
    ledgers::{accepted, at, by_hand, claim, names, open, states},
    postgres::{Cluster, location},
};

const PEOPLE: [&str; 4] = ["ada", "bob", "cid", "dan"];

/// Two machines, and a worker of the first one with a pre-committed claim: Ada's letter was accepted, Bob's is out, and two
/// were not started.
struct Scene {
    cluster: &'static Cluster,
    database: String,
    folders: [TempDir; 2],
    here: Ledger,
    there: Ledger,
    dispatch: DispatchId,
    worker: Worker,
    claims: Vec<Claim>,
}

impl Scene {
    async fn new() -> Option<Self> {
        let cluster = Cluster::shared()?;
        let database = cluster.database();
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [here, there] = folders.each_ref().map(|folder| {
            let options = OpenOptions {
                marks: Some(folder.path().to_owned()),
                lease: Duration::from_secs(3600),
                ..OpenOptions::default()
            };
            Ledger::open_with(location(&cluster.url(&database)), &options).unwrap()
        });
        let dispatch = open(&here, "one", &PEOPLE).await.dispatch;
        let worker = here.register_worker("relay", at(1)).await.unwrap();
        let wanted = Wanted { pre_commit: true, ..Wanted::default() };
        // The first one opens the log.
        here.claim(dispatch, &worker, 0, at(1), &wanted).await.unwrap();
        let claims = here.claim(dispatch, &worker, 4, at(1), &wanted).await.unwrap();
        assert_eq!(here.begin(&claims[0], at(2)).await.unwrap(), Begun::Begun);
        here.end(&claims[0], &accepted(), Next::Close, at(3));
        assert_eq!(here.begin(&claims[1], at(3)).await.unwrap(), Begun::Begun);
        here.flush().await.unwrap();
        Some(Self { cluster, database, folders, here, there, dispatch, worker, claims })
    }

    /// The lease has run out, and another machine takes the worker for dead.
    async fn taken_for_dead(&self) {
        let sql = "UPDATE workers SET until = clock_timestamp() - interval '1 second'";
        self.cluster.sql(&self.database, sql);
        assert_eq!(self.there.reap(at(4)).await.unwrap().unconfirmed, 3);
        let expected = ["ada: accepted", "bob: unconfirmed", "cid: unconfirmed", "dan: unconfirmed"];
        assert_eq!(states(&self.there, self.dispatch).await, expected);
    }

    /// Another process of the first machine.
    fn beside(&self) -> Ledger {
        let options =
            OpenOptions { marks: Some(self.folders[0].path().to_owned()), ..OpenOptions::default() };
        Ledger::open_with(location(&self.cluster.url(&self.database)), &options).unwrap()
    }
}

/// Until letters that were claimed before have to be asked about.
fn until_windows_are_over() {
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(251) {
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn what_another_machine_doubted_and_was_never_started_is_queued_by_a_later_worker_of_the_machine() {
    let Some(scene) = Scene::new().await else { return };
    scene.taken_for_dead().await;
    assert_eq!(scene.there.reap(at(5)).await.unwrap(), Default::default(), "its log is elsewhere");
    let beside = scene.beside();
    assert_eq!(beside.reap(at(5)).await.unwrap(), Default::default(), "it lives");
    let Scene { here, worker, dispatch, .. } = scene;
    drop((worker, here));
    assert_eq!(beside.reap(at(6)).await.unwrap().requeued, 2);
    let expected = ["ada: accepted", "bob: unconfirmed", "cid: queued", "dan: queued"];
    assert_eq!(states(&beside, dispatch).await, expected);
    assert_eq!(beside.reap(at(7)).await.unwrap(), Default::default());
    let worker = beside.register_worker("relay", at(8)).await.unwrap();
    let again = claim(&beside, dispatch, &worker, 9, at(8)).await;
    assert_eq!(names(&again), ["cid", "dan"]);
    assert_eq!((again[0].epoch(), again[0].attempt()), (2, 1), "nothing was tried");
}

#[tokio::test]
async fn what_the_log_says_counts_though_another_machine_has_asked_for_it_again() {
    let Some(scene) = Scene::new().await else { return };
    scene.taken_for_dead().await;
    let worker = scene.there.register_worker("relay", at(5)).await.unwrap();
    // The owner wants one of them sent again, and that is under way.
    let sql = "UPDATE deliveries SET state = 'queued', due_at = 1 WHERE state = 'unconfirmed' AND id = 3";
    scene.cluster.sql(&scene.database, sql);
    let again = claim(&scene.there, scene.dispatch, &worker, 9, at(5)).await;
    assert_eq!(names(&again), ["cid"]);
    assert_eq!(scene.there.begin(&again[0], at(6)).await.unwrap(), Begun::Begun);
    let beside = scene.beside();
    let Scene { here, worker: dead, dispatch, .. } = scene;
    drop((dead, here));
    assert_eq!(beside.reap(at(7)).await.unwrap().requeued, 1);
    let expected = ["ada: accepted", "bob: unconfirmed", "cid: begun", "dan: queued"];
    assert_eq!(states(&beside, dispatch).await, expected);
}

#[tokio::test]
async fn a_log_of_another_boot_or_another_worker_takes_no_doubt_away() {
    for (sql, ada) in [
        ("UPDATE workers SET mount = mount + 1", "ada: accepted"),
        (
            "UPDATE workers SET boot = 'monday', place = 'monday ' || split_part(place, ' ', 2)",
            "ada: accepted",
        ),
        ("UPDATE workers SET place = 'monday another'", "ada: unconfirmed"),
        ("UPDATE workers SET log_bytes = log_bytes + 1", "ada: accepted"),
    ] {
        let Some(scene) = Scene::new().await else { return };
        scene.taken_for_dead().await;
        // As if the database had not heard of an end that is in the log.
        scene.cluster.sql(
            &scene.database,
            "UPDATE deliveries SET state = 'unconfirmed' WHERE id = 1; \
             UPDATE attempts SET outcome = 'unconfirmed', code = NULL, enhanced = NULL WHERE delivery = 1",
        );
        let beside = scene.beside();
        let Scene { here, worker, dispatch, cluster, ref database, .. } = scene;
        drop((worker, here));
        cluster.sql(database, sql);
        assert_eq!(beside.reap(at(6)).await.unwrap().requeued, 0, "{sql}");
        let expected = [ada, "bob: unconfirmed", "cid: unconfirmed", "dan: unconfirmed"];
        assert_eq!(states(&beside, dispatch).await, expected, "{sql}");
        let mut logs = fs::read_dir(scene.folders[0].path()).unwrap().flat_map(|entry| {
            fs::read_dir(entry.unwrap().path()).into_iter().flatten().map(|file| file.unwrap().path())
        });
        assert!(!logs.any(|path| path.extension().is_some_and(|end| end == "log")), "it is of no more use");
    }
}

#[tokio::test]
async fn a_worker_that_slept_past_its_lease_starts_nothing_more_and_takes_the_doubt_away() {
    let Some(scene) = Scene::new().await else { return };
    until_windows_are_over();
    scene.taken_for_dead().await;
    for claim in &scene.claims[2..] {
        assert_eq!(scene.here.begin(claim, at(5)).await.unwrap(), Begun::Lost);
    }
    let expected = ["ada: accepted", "bob: unconfirmed", "cid: queued", "dan: queued"];
    assert_eq!(states(&scene.here, scene.dispatch).await, expected);
    assert_eq!(scene.here.release(&scene.worker, at(6)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_no_on_another_machine_counts_when_letters_were_not_started_for_a_while() {
    let Some(scene) = Scene::new().await else { return };
    scene.there.suppress(by_hand("cid")).await.unwrap();
    until_windows_are_over();
    assert_eq!(scene.here.begin(&scene.claims[2], at(5)).await.unwrap(), Begun::Suppressed);
    assert_eq!(scene.here.begin(&scene.claims[3], at(5)).await.unwrap(), Begun::Begun);
    let expected = ["ada: accepted", "bob: begun", "cid: suppressed", "dan: begun"];
    assert_eq!(states(&scene.here, scene.dispatch).await, expected);
}

#[tokio::test]
async fn a_no_before_a_claim_counts_in_it() {
    let Some(scene) = Scene::new().await else { return };
    assert_eq!(scene.here.release(&scene.worker, at(4)).await.unwrap(), 2);
    scene.there.suppress(by_hand("cid")).await.unwrap();
    let wanted = Wanted { pre_commit: true, ..Wanted::default() };
    let claims = scene.here.claim(scene.dispatch, &scene.worker, 9, at(5), &wanted).await.unwrap();
    assert_eq!(names(&claims), ["dan"]);
    let expected = ["ada: accepted", "bob: begun", "cid: suppressed", "dan: begun"];
    assert_eq!(states(&scene.here, scene.dispatch).await, expected);
}
