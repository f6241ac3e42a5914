//! Pre-committed claims: nothing more is in doubt after a killed worker than otherwise, and everything that is
//! unknown after the machine has ended.

use std::fs;

use mimeograph::ledger::{
    Begun, Claim, DispatchId, Ledger, LedgerError, Next, OpenOptions, State, Tally, Wanted, Worker,
};

use crate::support::ledgers::{Kind, Shelf, accepted, at, by_hand, claim, deferred, open, rejected, states};

const PEOPLE: [&str; 5] = ["ada", "bob", "cid", "dan", "eve"];

async fn claim_pre_committed(
    ledger: &Ledger,
    dispatch: DispatchId,
    worker: &Worker,
    limit: usize,
) -> Vec<Claim> {
    let wanted = Wanted { pre_commit: true, ..Wanted::default() };
    // The first one opens the log.
    ledger.claim(dispatch, worker, 0, at(1), &wanted).await.unwrap();
    ledger.claim(dispatch, worker, limit, at(1), &wanted).await.unwrap()
}

/// The files of workers' logs.
fn logs(shelf: &Shelf) -> Vec<std::path::PathBuf> {
    let folder = shelf.locks().unwrap();
    let mut logs: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    logs.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    logs.sort();
    logs
}

/// Ada's letter was accepted, Bob's refused before its body, Cid's taken back, Dan's is out, Eve's was not begun.
async fn scenario() -> (Shelf, DispatchId, Worker, Vec<Claim>) {
    scenario_on(Kind::File).await
}

async fn scenario_on(kind: Kind) -> (Shelf, DispatchId, Worker, Vec<Claim>) {
    let shelf = Shelf::new(kind);
    let dispatch = open(&shelf.ledger, "one", &PEOPLE).await.dispatch;
    let worker = shelf.ledger.register_worker("outbox", at(1)).await.unwrap();
    let claims = claim_pre_committed(&shelf.ledger, dispatch, &worker, 5).await;
    for claim in [&claims[0], &claims[2], &claims[3]] {
        assert_eq!(shelf.ledger.begin(claim, at(2)).await.unwrap(), Begun::Begun);
    }
    shelf.ledger.end(&claims[0], &accepted(), Next::Close, at(3));
    shelf.ledger.end(&claims[1], &rejected(), Next::Close, at(3));
    shelf.ledger.withdraw(&claims[2]);
    (shelf, dispatch, worker, claims)
}

/// The ledgers on which claims are pre-committed.
fn kinds() -> impl Iterator<Item = Kind> {
    [Kind::File, Kind::Postgres].into_iter().filter(|kind| kind.is_here())
}

#[tokio::test]
async fn the_database_calls_the_whole_claim_begun_before_a_letter_leaves() {
    for kind in kinds() {
        let (shelf, dispatch, worker, _) = scenario_on(kind).await;
        let expected = ["ada: accepted", "bob: failed", "cid: queued", "dan: begun", "eve: begun"];
        assert_eq!(states(&shelf.ledger, dispatch).await, expected);
        assert_eq!(shelf.second().unwrap().reap(at(4)).await.unwrap(), Default::default(), "it lives");
        assert_eq!(shelf.ledger.release(&worker, at(5)).await.unwrap(), 1);
        assert_eq!(states(&shelf.ledger, dispatch).await[3..], ["dan: begun", "eve: queued"]);
        assert_eq!(logs(&shelf).len(), 1, "Dan's letter is out");
    }
}

#[tokio::test]
async fn a_killed_worker_leaves_in_doubt_what_was_out_and_nothing_else() {
    for kind in kinds() {
        let (shelf, dispatch, worker, _) = scenario_on(kind).await;
        shelf.ledger.flush().await.unwrap();
        drop(worker);
        let reaped = shelf.second().unwrap().reap(at(4)).await.unwrap();
        assert_eq!((reaped.workers, reaped.requeued, reaped.unconfirmed), (1, 1, 1));
        let expected = ["ada: accepted", "bob: failed", "cid: queued", "dan: unconfirmed", "eve: queued"];
        assert_eq!(states(&shelf.ledger, dispatch).await, expected);
        assert_eq!(logs(&shelf).len(), 0);
    }
}

#[tokio::test]
async fn what_a_killed_worker_had_not_brought_into_the_database_is_in_its_log() {
    let (shelf, dispatch, worker, claims) = scenario().await;
    // As the database was before the ends and the withdrawal, which its writer had in memory only.
    shelf.ledger.flush().await.unwrap();
    shelf.ledger.begin(&claims[4], at(4)).await.unwrap();
    let db = rusqlite::Connection::open(shelf.path()).unwrap();
    db.execute_batch(
        "DELETE FROM attempts; \
         UPDATE deliveries SET state = 'begun', begun_at = 1, worker = 1, tries = 0, due_at = 0, epoch = 1",
    )
    .unwrap();
    drop((db, worker));
    let ran = shelf.second().unwrap();
    ran.reap(at(5)).await.unwrap();
    let expected = ["ada: accepted", "bob: failed", "cid: queued", "dan: unconfirmed", "eve: unconfirmed"];
    assert_eq!(states(&ran, dispatch).await, expected);
    let history = ran.history(&claims[0].subscriber.address).await.unwrap();
    let begun_at = match &history[0].events[0] {
        mimeograph::ledger::HistoryEvent::Attempt { begun_at, .. } => *begun_at,
        other => panic!("{other:?}"),
    };
    assert_eq!(begun_at, Some(at(2)));
}

#[tokio::test]
async fn whoever_only_asks_learns_what_a_killed_worker_had_started() {
    let (shelf, dispatch, worker, _) = scenario().await;
    shelf.ledger.flush().await.unwrap();
    drop(worker);
    let asked = Ledger::open_read_only(&shelf.path()).unwrap();
    let tally = asked.tally(dispatch).await.unwrap();
    let expected =
        Tally { planned: 5, accepted: 1, failed: 1, queued: 2, unconfirmed: 1, ..Tally::default() };
    assert_eq!(tally, expected);
}

#[tokio::test]
async fn after_another_start_of_the_machine_the_whole_claim_is_in_doubt_but_for_what_is_known() {
    for log_is_left in [true, false] {
        let shelf = Shelf::new(Kind::File);
        let dispatch = open(&shelf.ledger, "one", &PEOPLE).await.dispatch;
        let boot = |name: &str| OpenOptions { boot: Some(name.to_owned()), ..OpenOptions::default() };
        let before = Ledger::open_with(&shelf.path(), &boot("monday")).unwrap();
        let worker = before.register_worker("outbox", at(1)).await.unwrap();
        let claims = claim_pre_committed(&before, dispatch, &worker, 3).await;
        let claimed_only = claim(&before, dispatch, &worker, 1, at(1)).await;
        before.begin(&claims[0], at(2)).await.unwrap();
        before.end(&claims[0], &accepted(), Next::Close, at(3));
        before.flush().await.unwrap();
        if !log_is_left {
            logs(&shelf).iter().for_each(|log| fs::remove_file(log).unwrap());
        }
        let after = Ledger::open_with(&shelf.path(), &boot("tuesday")).unwrap();
        after.reap(at(4)).await.unwrap();
        let expected =
            ["ada: accepted", "bob: unconfirmed", "cid: unconfirmed", "dan: queued", "eve: queued"];
        assert_eq!(states(&after, dispatch).await, expected);
        drop((worker, claimed_only));
    }
}

#[tokio::test]
async fn where_boots_of_the_machine_cannot_be_distinguished_each_letter_is_begun_on_its_own() {
    let shelf = Shelf::new(Kind::File);
    let dispatch = open(&shelf.ledger, "one", &PEOPLE).await.dispatch;
    let options = OpenOptions { boot: None, ..OpenOptions::default() };
    let ledger = Ledger::open_with(&shelf.path(), &options).unwrap();
    let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
    let claims = claim_pre_committed(&ledger, dispatch, &worker, 1).await;
    assert_eq!(states(&ledger, dispatch).await[0], "ada: claimed");
    assert_eq!(ledger.begin(&claims[0], at(2)).await.unwrap(), Begun::Begun);
    assert_eq!(states(&ledger, dispatch).await[0], "ada: begun");
}

#[tokio::test]
async fn without_its_log_or_with_a_damaged_one_everything_a_killed_worker_had_begun_is_in_doubt() {
    for damage in [true, false] {
        let (shelf, dispatch, worker, _) = scenario().await;
        shelf.ledger.flush().await.unwrap();
        let log = logs(&shelf).remove(0);
        if damage {
            let mut bytes = fs::read(&log).unwrap();
            bytes[40] ^= 4;
            fs::write(&log, bytes).unwrap();
        } else {
            fs::remove_file(&log).unwrap();
        }
        drop(worker);
        shelf.second().unwrap().reap(at(4)).await.unwrap();
        let expected =
            ["ada: accepted", "bob: failed", "cid: queued", "dan: unconfirmed", "eve: unconfirmed"];
        assert_eq!(states(&shelf.ledger, dispatch).await, expected);
    }
}

#[tokio::test]
async fn a_worker_taken_for_dead_begins_nothing_more() {
    for kind in kinds() {
        let (shelf, dispatch, worker, claims) = scenario_on(kind).await;
        shelf.ledger.flush().await.unwrap();
        drop(worker);
        shelf.second().unwrap().reap(at(4)).await.unwrap();
        assert_eq!(shelf.ledger.begin(&claims[4], at(5)).await.unwrap(), Begun::Lost);
        shelf.ledger.end(&claims[3], &deferred(), Next::RetryAt(at(60)), at(6));
        let expected = ["ada: accepted", "bob: failed", "cid: queued", "dan: deferred", "eve: queued"];
        assert_eq!(states(&shelf.ledger, dispatch).await, expected);
    }
}

#[tokio::test]
async fn a_suppression_counts_until_the_letter_is_begun() {
    for kind in kinds() {
        let shelf = Shelf::new(kind);
        let (ledger, other) = (&shelf.ledger, shelf.second().unwrap());
        let dispatch = open(ledger, "one", &PEOPLE).await.dispatch;
        let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
        let claims = claim_pre_committed(ledger, dispatch, &worker, 5).await;
        assert_eq!(ledger.begin(&claims[0], at(2)).await.unwrap(), Begun::Begun);
        other.suppress(by_hand("bob")).await.unwrap();
        assert_eq!(ledger.begin(&claims[1], at(3)).await.unwrap(), Begun::Suppressed);
        assert_eq!(ledger.begin(&claims[2], at(3)).await.unwrap(), Begun::Begun, "asked for, and free");
        other.suppress_all(["dan", "eve"].map(|name| Ok(by_hand(name)))).await.unwrap();
        assert_eq!(ledger.begin(&claims[3], at(4)).await.unwrap(), Begun::Suppressed);
        other.unsuppress(&by_hand("eve").address).await.unwrap();
        assert_eq!(ledger.begin(&claims[4], at(5)).await.unwrap(), Begun::Begun);
        drop(worker);
        other.reap(at(6)).await.unwrap();
        let expected = [
            "ada: unconfirmed",
            "bob: suppressed",
            "cid: unconfirmed",
            "dan: suppressed",
            "eve: unconfirmed",
        ];
        assert_eq!(states(ledger, dispatch).await, expected);
    }
}

#[tokio::test]
async fn a_worker_that_has_nothing_left_leaves_no_log() {
    for kind in kinds() {
        let shelf = Shelf::new(kind);
        let dispatch = open(&shelf.ledger, "one", &PEOPLE).await.dispatch;
        let worker = shelf.ledger.register_worker("outbox", at(1)).await.unwrap();
        for round in 0..2 {
            let claims = claim_pre_committed(&shelf.ledger, dispatch, &worker, 2).await;
            assert_eq!(logs(&shelf).len(), 1);
            shelf.ledger.begin(&claims[0], at(2)).await.unwrap();
            shelf.ledger.end(&claims[0], &accepted(), Next::Close, at(3));
            shelf.ledger.flush().await.unwrap();
            assert_eq!(shelf.ledger.release(&worker, at(4)).await.unwrap(), 1, "{round}");
            assert_eq!(logs(&shelf).len(), 0);
        }
        assert_eq!(shelf.ledger.tally(dispatch).await.unwrap().of(State::Accepted), 2);
    }
}

#[tokio::test]
async fn the_log_tells_of_letters_too_that_were_begun_by_themselves() {
    let shelf = Shelf::new(Kind::File);
    let dispatch = open(&shelf.ledger, "one", &PEOPLE).await.dispatch;
    let worker = shelf.ledger.register_worker("outbox", at(1)).await.unwrap();
    let singly = claim(&shelf.ledger, dispatch, &worker, 2, at(1)).await;
    for claim in &singly {
        shelf.ledger.begin(claim, at(2)).await.unwrap();
    }
    let ahead = claim_pre_committed(&shelf.ledger, dispatch, &worker, 2).await;
    shelf.ledger.end(&singly[0], &accepted(), Next::Close, at(3));
    shelf.ledger.begin(&ahead[0], at(4)).await.unwrap();
    shelf.ledger.flush().await.unwrap();
    // As if the process had ended before the database heard of the end.
    let db = rusqlite::Connection::open(shelf.path()).unwrap();
    let begun = at(2).as_millisecond();
    db.execute_batch("DELETE FROM attempts").unwrap();
    let undo = "UPDATE deliveries SET state = 'begun', begun_at = ?1, worker = 1, tries = 0 WHERE id = 1";
    db.execute(undo, [begun]).unwrap();
    drop((db, worker));
    let ran = shelf.second().unwrap();
    ran.reap(at(5)).await.unwrap();
    let expected = ["ada: accepted", "bob: unconfirmed", "cid: unconfirmed", "dan: queued", "eve: queued"];
    assert_eq!(states(&ran, dispatch).await, expected);
    let history = ran.history(&singly[0].subscriber.address).await.unwrap();
    assert!(
        matches!(&history[0].events[0], mimeograph::ledger::HistoryEvent::Attempt { begun_at: Some(then), .. } if *then == at(2)),
        "{history:?}"
    );
}

#[tokio::test]
async fn the_first_claim_of_a_worker_is_begun_letter_by_letter() {
    for kind in kinds() {
        let shelf = Shelf::new(kind);
        let dispatch = open(&shelf.ledger, "one", &PEOPLE).await.dispatch;
        let worker = shelf.ledger.register_worker("outbox", at(1)).await.unwrap();
        let wanted = Wanted { pre_commit: true, ..Wanted::default() };
        shelf.ledger.claim(dispatch, &worker, 2, at(1), &wanted).await.unwrap();
        shelf.ledger.claim(dispatch, &worker, 2, at(1), &wanted).await.unwrap();
        let expected = ["ada: claimed", "bob: claimed", "cid: begun", "dan: begun", "eve: queued"];
        assert_eq!(states(&shelf.ledger, dispatch).await, expected);
    }
}

#[tokio::test]
async fn a_worker_whose_files_are_gone_asks_before_each_letter() {
    let shelf = Shelf::new(Kind::File);
    let (ledger, other) = (&shelf.ledger, shelf.second().unwrap());
    let dispatch = open(ledger, "one", &PEOPLE).await.dispatch;
    let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
    let claims = claim_pre_committed(ledger, dispatch, &worker, 3).await;
    ledger.begin(&claims[0], at(2)).await.unwrap();
    fs::remove_dir_all(shelf.path().with_extension("workers")).unwrap();
    other.suppress(by_hand("bob")).await.unwrap();
    assert_eq!(ledger.begin(&claims[1], at(3)).await.unwrap(), Begun::Suppressed);
    let reaped = other.reap(at(4)).await.unwrap();
    assert_eq!((reaped.requeued, reaped.unconfirmed), (0, 2), "nothing is known of what was begun");
    assert_eq!(ledger.begin(&claims[2], at(5)).await.unwrap(), Begun::Lost);
    drop(worker);
}

#[tokio::test]
async fn a_ledger_has_one_set_of_files_by_whichever_way_it_is_reached() {
    let shelf = Shelf::new(Kind::File);
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link.db");
    std::os::unix::fs::symlink(shelf.path(), &link).unwrap();
    let (ledger, other) = (&shelf.ledger, Ledger::open(&link).unwrap());
    let dispatch = open(ledger, "one", &PEOPLE).await.dispatch;
    let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
    let claims = claim_pre_committed(ledger, dispatch, &worker, 2).await;
    assert_eq!(other.reap(at(2)).await.unwrap(), Default::default(), "it lives");
    other.suppress(by_hand("ada")).await.unwrap();
    assert_eq!(ledger.begin(&claims[0], at(3)).await.unwrap(), Begun::Suppressed);
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1, "nothing but the link");
}

#[tokio::test]
async fn a_log_beside_a_database_from_a_backup_does_not_stand_in_the_way() {
    let (shelf, dispatch, worker, claims) = scenario().await;
    shelf.ledger.begin(&claims[4], at(4)).await.unwrap();
    shelf.ledger.flush().await.unwrap();
    // As it was after the worker had come and before it claimed anything.
    let db = rusqlite::Connection::open(shelf.path()).unwrap();
    db.execute_batch(
        "DELETE FROM attempts; UPDATE workers SET first_id = NULL, last_id = NULL; DELETE FROM deliveries",
    )
    .unwrap();
    drop((db, worker));
    let ran = shelf.second().unwrap();
    ran.reap(at(5)).await.unwrap();
    let worker = ran.register_worker("outbox", at(6)).await.unwrap();
    let again = claim(&ran, dispatch, &worker, 5, at(6)).await;
    for claim in &again {
        ran.begin(claim, at(7)).await.unwrap();
        ran.end(claim, &accepted(), Next::Close, at(8));
    }
    ran.flush().await.unwrap();
    assert_eq!(ran.tally(dispatch).await.unwrap().accepted, 5);
}

#[tokio::test]
async fn while_outcomes_cannot_be_written_nothing_more_is_begun() {
    let shelf = Shelf::new(Kind::File);
    let dispatch = open(&shelf.ledger, "one", &PEOPLE).await.dispatch;
    let options =
        OpenOptions { busy_timeout: std::time::Duration::from_millis(20), ..OpenOptions::default() };
    let ledger = Ledger::open_with(&shelf.path(), &options).unwrap();
    let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
    let claims = claim_pre_committed(&ledger, dispatch, &worker, 3).await;
    ledger.begin(&claims[0], at(2)).await.unwrap();
    let other = rusqlite::Connection::open(shelf.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    ledger.end(&claims[0], &accepted(), Next::Close, at(3));
    // A question waits until what was asked for before has been tried.
    assert_eq!(ledger.tally(dispatch).await.unwrap().begun, 3);
    assert!(matches!(ledger.begin(&claims[1], at(4)).await, Err(LedgerError::Locked { .. })));
    other.execute_batch("ROLLBACK").unwrap();
    ledger.flush().await.unwrap();
    assert_eq!(ledger.begin(&claims[1], at(5)).await.unwrap(), Begun::Begun);
    assert_eq!(states(&ledger, dispatch).await[..3], ["ada: accepted", "bob: begun", "cid: begun"]);
}

#[tokio::test]
async fn a_worker_whose_files_were_moved_away_claims_nothing_more() {
    let shelf = Shelf::new(Kind::File);
    let dispatch = open(&shelf.ledger, "one", &PEOPLE).await.dispatch;
    let worker = shelf.ledger.register_worker("outbox", at(1)).await.unwrap();
    claim_pre_committed(&shelf.ledger, dispatch, &worker, 2).await;
    let folder = shelf.path().with_extension("workers");
    fs::rename(&folder, shelf.path().with_extension("elsewhere")).unwrap();
    let wanted = Wanted { pre_commit: true, ..Wanted::default() };
    for _ in 0..2 {
        let refused = shelf.ledger.claim(dispatch, &worker, 2, at(2), &wanted).await;
        assert!(matches!(refused, Err(LedgerError::Other { .. })), "{refused:?}");
    }
    assert_eq!(states(&shelf.ledger, dispatch).await[2..], ["cid: queued", "dan: queued", "eve: queued"]);
}

#[tokio::test]
async fn a_filesystem_lost_and_mounted_again_in_the_same_boot_leaves_all_of_a_claim_in_doubt() {
    let (shelf, dispatch, worker, _) = scenario().await;
    shelf.ledger.flush().await.unwrap();
    let log = logs(&shelf).remove(0);
    // The log lost its lines about Dan, cleanly at the end of a line, and the mount is another one.
    let text = fs::read(&log).unwrap();
    let end = text.iter().position(|byte| *byte == b'\n').unwrap();
    fs::write(&log, &text[..=end]).unwrap();
    let db = rusqlite::Connection::open(shelf.path()).unwrap();
    db.execute("UPDATE workers SET mount = mount + 1", []).unwrap();
    drop((db, worker));
    shelf.second().unwrap().reap(at(4)).await.unwrap();
    let expected = ["ada: accepted", "bob: failed", "cid: queued", "dan: unconfirmed", "eve: unconfirmed"];
    assert_eq!(states(&shelf.ledger, dispatch).await, expected);
}

#[tokio::test]
async fn a_log_that_is_not_whole_leaves_all_of_a_claim_in_doubt() {
    let lines = |log: &[u8]| log.iter().filter(|byte| **byte == b'\n').count();
    type Damage<'a> = &'a dyn Fn(&mut Vec<u8>, &[u8]);
    let damages: [(&str, Damage); 5] = [
        ("cut in a line", &|log, _| log.truncate(log.len() - 5)),
        ("cut at the end of a line", &|log, _| {
            let end = log[..log.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap();
            log.truncate(end + 1);
        }),
        ("zeros in the middle", &|log, _| log[40..60].fill(0)),
        ("one bit altered", &|log, _| log[40] ^= 4),
        ("an older copy", &|log, older| *log = older.to_vec()),
    ];
    for (name, damage) in damages {
        let shelf = Shelf::new(Kind::File);
        let dispatch = open(&shelf.ledger, "one", &PEOPLE).await.dispatch;
        let worker = shelf.ledger.register_worker("outbox", at(1)).await.unwrap();
        let claims = claim_pre_committed(&shelf.ledger, dispatch, &worker, 5).await;
        shelf.ledger.begin(&claims[0], at(2)).await.unwrap();
        let log = logs(&shelf).remove(0);
        let older = fs::read(&log).unwrap();
        shelf.ledger.begin(&claims[3], at(2)).await.unwrap();
        shelf.ledger.end(&claims[0], &accepted(), Next::Close, at(3));
        shelf.ledger.flush().await.unwrap();
        drop(worker);
        let mut bytes = fs::read(&log).unwrap();
        assert!(lines(&older) < lines(&bytes));
        damage(&mut bytes, &older);
        fs::write(&log, bytes).unwrap();
        shelf.second().unwrap().reap(at(4)).await.unwrap();
        let doubt = ["bob", "cid", "dan", "eve"].map(|name| format!("{name}: unconfirmed"));
        let states = states(&shelf.ledger, dispatch).await;
        assert_eq!(states[0], "ada: accepted", "{name}");
        assert_eq!(states[1..], doubt, "{name}");
    }
}
