//! A ledger in a file: private, damaged, locked, put back from a backup, of a later version.

use std::{fs, path::Path, time::Duration};

use mimeograph::ledger::{Begun, Ledger, LedgerError, Next, OpenOptions, Restored, State, Tally, Wanted};

use crate::support::ledgers::{Kind, Shelf, accepted, at, claim, open, people, states};

fn sql(path: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(path).unwrap()
}

#[tokio::test]
async fn the_ledger_is_private_to_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".mimeo/ledger.db");
    let ledger = Ledger::open(&path).unwrap();
    open(&ledger, "one", &["ada"]).await;
    let worker = ledger.register_worker("outbox", at(0)).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.path().join(".mimeo")), 0o700);
    let mut seen = 0;
    for file in fs::read_dir(folder.path().join(".mimeo")).unwrap() {
        let file = file.unwrap().path();
        if file.ends_with(".gitignore") {
            continue;
        }
        assert_eq!(mode(&file), if file.is_dir() { 0o700 } else { 0o600 }, "{}", file.display());
        seen += 1;
    }
    assert!(seen >= 5, "ledger, log and its index, reserve, count, locks: {seen}");
    drop(worker);
}

#[tokio::test]
async fn everything_is_there_when_the_ledger_is_opened_again() {
    let shelf = Shelf::new(Kind::File);
    let opened = open(&shelf.ledger, "one", &["ada", "bob"]).await;
    let worker = shelf.ledger.register_worker("outbox", at(1)).await.unwrap();
    let claims = claim(&shelf.ledger, opened.dispatch, &worker, 1, at(1)).await;
    assert_eq!(shelf.ledger.begin(&claims[0], at(1)).await.unwrap(), Begun::Begun);
    shelf.ledger.end(&claims[0], &accepted(), Next::Close, at(2));
    let path = shelf.path();
    let folder = shelf.close();
    assert!(!path.with_extension("db-wal").exists(), "the log is tidied away at the end");
    let again = Ledger::open_read_only(&path).unwrap();
    assert_eq!(states(&again, opened.dispatch).await, ["ada: accepted", "bob: queued"]);
    assert!(matches!(again.register_worker("outbox", at(3)).await, Err(LedgerError::ReadOnly)));
    drop(folder);
}

#[test]
fn a_ledger_that_is_not_there_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    assert!(matches!(Ledger::open_read_only(&path), Err(LedgerError::Missing { .. })));
    assert!(!path.exists());
}

#[test]
fn a_ledger_of_a_later_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    drop(Ledger::open(&path).unwrap());
    sql(&path).pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Ledger::open(&path), Err(LedgerError::Newer { found: 99, .. })));
    assert!(matches!(Ledger::open_read_only(&path), Err(LedgerError::Newer { found: 99, .. })));
}

#[test]
fn a_file_that_is_no_ledger_is_named_as_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    fs::write(&path, "Dear reader, this is not a database. ".repeat(200)).unwrap();
    assert!(matches!(Ledger::open(&path), Err(LedgerError::Corrupt { .. })));
    assert!(matches!(Ledger::open_read_only(&path), Err(LedgerError::Corrupt { .. })));
}

#[tokio::test]
async fn a_damaged_page_is_found_when_the_ledger_is_opened() {
    let shelf = Shelf::new(Kind::File);
    let list: Vec<String> = (0..2000).map(|number| format!("reader{number}")).collect();
    open(&shelf.ledger, "one", &list.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let path = shelf.path();
    let folder = shelf.close();
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    assert!(matches!(Ledger::open(&path), Err(LedgerError::Corrupt { .. })));
    drop(folder);
}

#[tokio::test]
async fn a_backup_put_back_is_refused_until_the_owner_says_so() {
    let shelf = Shelf::new(Kind::File);
    let opened = open(&shelf.ledger, "one", &["ada", "bob"]).await;
    let path = shelf.path();
    sql(&path).execute("VACUUM INTO ?1", [path.with_extension("backup").to_str().unwrap()]).unwrap();
    let worker = shelf.ledger.register_worker("outbox", at(1)).await.unwrap();
    claim(&shelf.ledger, opened.dispatch, &worker, 1, at(1)).await;
    drop(worker);
    let folder = shelf.close();

    fs::rename(path.with_extension("backup"), &path).unwrap();
    let refused = Ledger::open(&path);
    assert!(matches!(refused, Err(LedgerError::Restored { .. })), "{refused:?}");
    let options = OpenOptions { restored: Restored::Accept, ..OpenOptions::default() };
    drop(Ledger::open_with(&path, &options).unwrap());
    Ledger::open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(matches!(Ledger::open(&path), Err(LedgerError::Restored { .. })), "a deleted one is missed too");
    drop(folder);
}

#[tokio::test]
async fn while_another_process_writes_nothing_is_begun_and_outcomes_wait() {
    let shelf = Shelf::new(Kind::File);
    let opened = open(&shelf.ledger, "one", &["ada", "bob"]).await;
    let path = shelf.path();
    let options = OpenOptions { busy_timeout: Duration::from_millis(20), ..OpenOptions::default() };
    let ledger = Ledger::open_with(&path, &options).unwrap();
    let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
    let claims = claim(&ledger, opened.dispatch, &worker, 2, at(1)).await;
    assert_eq!(ledger.begin(&claims[0], at(1)).await.unwrap(), Begun::Begun);

    let other = sql(&path);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(ledger.begin(&claims[1], at(2)).await, Err(LedgerError::Locked { .. })));
    ledger.end(&claims[0], &accepted(), Next::Close, at(2));
    assert_eq!(states(&ledger, opened.dispatch).await, ["ada: begun", "bob: claimed"], "reading goes on");
    other.execute_batch("ROLLBACK").unwrap();
    ledger.flush().await.unwrap();
    assert_eq!(states(&ledger, opened.dispatch).await, ["ada: accepted", "bob: claimed"]);
}

#[tokio::test]
async fn a_worker_of_an_earlier_start_of_the_machine_is_dead() {
    let shelf = Shelf::new(Kind::File);
    let opened = open(&shelf.ledger, "one", &["ada"]).await;
    let boot = |name: &str| OpenOptions { boot: Some(name.to_owned()), ..OpenOptions::default() };
    let before = Ledger::open_with(&shelf.path(), &boot("monday")).unwrap();
    let worker = before.register_worker("outbox", at(1)).await.unwrap();
    claim(&before, opened.dispatch, &worker, 1, at(1)).await;
    let after = Ledger::open_with(&shelf.path(), &boot("tuesday")).unwrap();
    assert_eq!(after.reap(at(2)).await.unwrap().requeued, 1);
    assert_eq!(states(&after, opened.dispatch).await, ["ada: queued"]);
}

#[tokio::test]
async fn two_processes_open_one_issue_and_one_of_them_gets_an_error() {
    let shelf = Shelf::new(Kind::File);
    let other = shelf.second().unwrap();
    let rendered = crate::support::ledgers::issue("one");
    let new = mimeograph::ledger::NewDispatch { rendered: &rendered, opened_at: at(0) };
    let people = || people(&["ada", "bob"]);
    let (first, second) =
        tokio::join!(shelf.ledger.open_dispatch(&new, people()), other.open_dispatch(&new, people()));
    let ran =
        [first, second].into_iter().filter(|one| matches!(one, Err(LedgerError::AlreadyOpen { .. }))).count();
    assert_eq!(ran, 1);
    let record = other.find_dispatch("one").await.unwrap().unwrap();
    let tally = other.tally(record.id).await.unwrap();
    assert_eq!(tally, Tally { planned: 2, queued: 2, ..Tally::default() });
    assert_eq!(tally.of(State::Queued), 2);
}

#[tokio::test]
async fn the_schema_refuses_states_that_cannot_be() {
    let shelf = Shelf::new(Kind::File);
    let opened = open(&shelf.ledger, "one", &["ada"]).await;
    let worker = shelf.ledger.register_worker("outbox", at(1)).await.unwrap();
    let claims = claim(&shelf.ledger, opened.dispatch, &worker, 1, at(1)).await;
    shelf.ledger.end(&claims[0], &accepted(), Next::Close, at(2));
    shelf.ledger.flush().await.unwrap();
    let db = sql(&shelf.path());
    for (constraint, statement) in [
        ("state_is_known", "UPDATE deliveries SET state = 'sent'"),
        ("only_claimed_and_begun_have_a_worker", "UPDATE deliveries SET worker = 1"),
        ("only_claimed_and_begun_have_a_worker", "UPDATE deliveries SET state = 'claimed'"),
        ("only_begun_has_a_beginning", "UPDATE deliveries SET state = 'begun', worker = 1"),
        ("only_waiting_is_due", "UPDATE deliveries SET due_at = 5"),
        ("only_waiting_is_due", "UPDATE deliveries SET state = 'deferred'"),
        ("only_waiting_is_due", "UPDATE deliveries SET state = 'queued'"),
        ("only_suppressed_has_a_reason", "UPDATE deliveries SET state = 'suppressed'"),
        ("all_others_were_claimed", "UPDATE deliveries SET epoch = 0"),
        ("outcome_is_known", "UPDATE attempts SET outcome = 'delivered'"),
        ("an_answer_has_a_code", "UPDATE attempts SET code = NULL"),
        ("a_refusal_has_a_stage", "UPDATE attempts SET outcome = 'rejected'"),
        ("a_key_for_each_line", "UPDATE recipient_pages SET last = last + 1"),
    ] {
        let error = db.execute(statement, []).unwrap_err().to_string();
        assert!(error.contains(constraint), "{statement}: {error}");
    }
}

#[tokio::test]
async fn what_no_ledger_can_hold_is_found_by_a_check() {
    for (fault, ran) in [
        (
            "UPDATE recipient_pages SET keys = CAST(substr(keys, 1, 16) || substr(keys, 1, 16) AS BLOB)",
            "an address is in a dispatch twice",
        ),
        ("UPDATE deliveries SET id = 3", "a delivery has no recipient"),
        ("UPDATE deliveries SET dispatch = 7", "refers to nothing"),
        ("UPDATE recipient_pages SET count = count + 1", "does not know how many people"),
        ("UPDATE recipient_pages SET people = substr(people, 1, instr(people, char(10)))", "has lost people"),
        (
            "UPDATE recipient_pages SET people = replace(people, 'bob', 'bib')",
            "is not of its person's address",
        ),
    ] {
        let shelf = Shelf::new(Kind::File);
        let opened = open(&shelf.ledger, "one", &["ada", "bob"]).await;
        let worker = shelf.ledger.register_worker("outbox", at(1)).await.unwrap();
        claim(&shelf.ledger, opened.dispatch, &worker, 1, at(1)).await;
        shelf.ledger.check().await.unwrap();
        let db = sql(&shelf.path());
        db.pragma_update(None, "foreign_keys", false).unwrap();
        assert_eq!(db.execute(fault, []).unwrap(), 1);
        let found = shelf.ledger.check().await.unwrap_err();
        let LedgerError::Corrupt { source } = found else { panic!("{found:?}") };
        assert!(source.to_string().contains(ran), "{source}");
    }
}

#[tokio::test]
async fn a_check_finds_nothing_wrong_while_someone_sends() {
    let shelf = Shelf::new(Kind::File);
    let list: Vec<String> = (0..2_000).map(|number| format!("reader{number}")).collect();
    let opened = open(&shelf.ledger, "one", &list.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let other = shelf.second().unwrap();
    let worker = shelf.ledger.register_worker("outbox", at(1)).await.unwrap();
    let claims = async {
        while !claim(&shelf.ledger, opened.dispatch, &worker, 10, at(1)).await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let checks = async {
        for _ in 0..20 {
            other.check().await.unwrap();
        }
    };
    tokio::join!(claims, checks);
}

/// Needs a disk of some megabytes that may be filled up, for example
/// `mount -t tmpfs -o size=7m tmpfs /tmp/small && MIMEO_SMALL_DISK=/tmp/small cargo test -- --ignored full_disk`.
#[tokio::test]
#[ignore = "needs a small disk of its own, named by MIMEO_SMALL_DISK"]
async fn a_full_disk_stops_further_letters_and_keeps_what_is_known() {
    use std::io::Write;
    let disk = std::env::var_os("MIMEO_SMALL_DISK").expect("MIMEO_SMALL_DISK names a small disk");
    for ahead in [false, true] {
        let folder = tempfile::tempdir_in(&disk).unwrap();
        let path = folder.path().join("ledger.db");
        let ledger = Ledger::open(&path).unwrap();
        let list: Vec<String> = (0..50).map(|number| format!("reader{number}")).collect();
        let opened = open(&ledger, "one", &list.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
        let idle = ledger.register_worker("outbox", at(1)).await.unwrap();
        let wanted = Wanted { pre_commit: ahead, ..Wanted::default() };
        ledger.claim(opened.dispatch, &worker, 0, at(1), &wanted).await.unwrap();
        let claims = ledger.claim(opened.dispatch, &worker, 40, at(1), &wanted).await.unwrap();
        for claim in &claims[..20] {
            assert_eq!(ledger.begin(claim, at(1)).await.unwrap(), Begun::Begun);
        }

        let mut filler = fs::File::create(folder.path().join("filler")).unwrap();
        for size in [1 << 16, 1 << 10, 1] {
            while filler.write_all(&vec![1; size]).is_ok() {}
        }
        assert!(path.with_extension("reserve").exists());
        // The database's log may have pages to spare: they are used up one by one.
        let mut refused = None;
        for second in 0..1_000 {
            if let Err(error) = ledger.release(&idle, at(second)).await {
                refused = Some(error);
                break;
            }
        }
        assert!(matches!(refused, Some(LedgerError::Full { .. })), "{refused:?}");
        for claim in &claims[..20] {
            ledger.end(claim, &accepted(), Next::Close, at(3));
        }
        ledger.flush().await.unwrap();
        assert!(!path.with_extension("reserve").exists());
        assert_eq!(ledger.tally(opened.dispatch).await.unwrap().accepted, 20);
        // What is left of the reserve is for outcomes.
        let refused = ledger.begin(&claims[39], at(4)).await;
        assert!(matches!(refused, Err(LedgerError::Full { .. })), "{refused:?}");
        let refused = ledger.claim(opened.dispatch, &worker, 1, at(4), &wanted).await;
        assert!(matches!(refused, Err(LedgerError::Full { .. })), "{refused:?}");
    }
}

#[test]
fn senders_that_make_a_new_ledger_at_once_wait_for_each_other() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let start = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    Ledger::open(&path).map(drop).unwrap();
                });
            }
        });
    }
}

#[tokio::test]
async fn a_copy_for_a_dry_run_has_everything_and_changes_nothing() {
    let shelf = Shelf::new(Kind::File);
    let opened = open(&shelf.ledger, "one", &["ada", "bob", "cid"]).await;
    // A living sender holds a letter, and one is gone that held two.
    let living = shelf.ledger.register_worker("outbox", at(1)).await.unwrap();
    claim(&shelf.ledger, opened.dispatch, &living, 1, at(1)).await;
    let dead = shelf.ledger.register_worker("outbox", at(1)).await.unwrap();
    claim(&shelf.ledger, opened.dispatch, &dead, 1, at(1)).await;
    drop(dead);
    let before = ["ada: claimed", "bob: claimed", "cid: queued"];
    let copy = Ledger::scratch_copy(&shelf.path()).unwrap();
    assert_eq!(states(&copy, opened.dispatch).await, before);
    let reaped = copy.reap(at(2)).await.unwrap();
    assert_eq!((reaped.workers, reaped.requeued), (1, 1));
    assert_eq!(states(&copy, opened.dispatch).await, ["ada: claimed", "bob: queued", "cid: queued"]);
    assert_eq!(states(&shelf.ledger, opened.dispatch).await, before);
    copy.extend_dispatch(opened.dispatch, people(&["dan"])).await.unwrap();
    assert_eq!(copy.tally(opened.dispatch).await.unwrap().planned, 4);
    assert_eq!(shelf.ledger.tally(opened.dispatch).await.unwrap().planned, 3);
    let missing = shelf.path().with_file_name("another.db");
    assert!(matches!(Ledger::scratch_copy(&missing), Err(LedgerError::Missing { .. })));
}
