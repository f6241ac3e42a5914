//! `mimeo ledger copy`: a ledger goes to a server and back, and letters go on from there.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use mimeograph::{
    audience::{Audience, AudienceError, Who},
    ledger::{Joinable, Ledger, LedgerError, Location, NewDispatch, OpenOptions, Reason, Restored, Wanted},
    message::{ListTokens, Tokens},
};

use crate::{
    crash::{Dice, counts, project},
    support::{
        ledgers::{Kind, Shelf, at, by_hand, issue, open, people, person},
        postgres::{Cluster, location},
        project::{Project, Ran},
        relay::{Relay, Script},
    },
};

/// A newsletter of which some have the first issue.
fn begun(relay: &Relay, people: usize, sent: &str) -> Project {
    let project = project(people, &format!("[pace]\nadaptive = false\n[relay]\nurl = \"{}\"\n", relay.url()));
    project.run(["-q", "send", "one", "--yes", "--first", "--limit", sent]).code(0);
    project
}

fn with(project: &Project, ledger: &str, line: &str) -> Ran {
    let arguments: Vec<&str> = line.split(' ').collect();
    project.mimeo(arguments).env("MIMEO_LEDGER", ledger).run()
}

#[test]
fn a_ledger_moves_to_a_server_and_back_and_no_one_gets_an_issue_twice() {
    let Some(cluster) = Cluster::shared() else { return };
    let relay = Relay::start(Script::new());
    let project = begun(&relay, 90, "30");
    project.run(["suppress", "reader000040@example5.com"]).code(0);
    let before = counts(&project);
    let url = cluster.url(&cluster.database());
    project
        .run(["ledger", "copy", "--to", &url])
        .code(0)
        .stderr_has(" rows copied and compared")
        .stderr_has(&format!("the ledger is `{url}` now: set `url` in [ledger]"));
    // Whoever does not know it yet gets an error, and sends nothing.
    project.run(["send", "one", "--yes"]).code(1).stderr_has("was moved to `postgres://");
    project.run(["suppress", "someone@example.com"]).code(1).stderr_has("name the new place in `[ledger]`");
    assert_eq!(counts(&project), before, "it can still be read");
    project.run(["ledger", "copy", "--to", &url]).code(0).stderr_has("everything was copied before");
    with(&project, &url, "-q send one --yes --limit 20").code(0);
    // The person who is suppressed counts as one of the 20.
    assert_eq!(relay.recipients().len(), 49);
    with(&project, &url, "ledger check").code(0).stderr_has("no damage found").stderr_has("is noticed here");
    with(&project, &url, "ledger backup copy.db").code(0);
    with(&project, &url, "ledger copy --to back/ledger.db").code(0).stderr_has("set `path` in [ledger]");
    with(&project, &url, "send one --yes").code(1).stderr_has("back/ledger.db`");
    with(&project, "back/ledger.db", "-q send one --yes").code(0);
    let mut taken = relay.recipients();
    taken.sort();
    taken.dedup();
    assert_eq!((relay.recipients().len(), taken.len()), (89, 89), "someone got it twice, or not at all");
    let ran = with(&project, "back/ledger.db", "status --address reader000040@example5.com").code(0);
    ran.stdout_has("suppressed");
}

#[test]
fn a_retired_ledger_is_used_again_when_its_owner_says_so() {
    let relay = Relay::start(Script::new());
    let project = begun(&relay, 9, "3");
    project.run(["ledger", "copy", "--to", "new.db"]).code(0);
    project.run(["send", "one", "--yes"]).code(1).stderr_has("--restored");
    project.run(["send", "one", "--yes", "--restored"]).code(0);
    project.run(["suppress", "someone@example.com"]).code(0);
    project.run(["ledger", "copy", "--to", "new.db"]).code(1).stderr_has("`new.db` is not empty");
    project.run(["ledger", "copy", "--to", "newer.db"]).code(0);
    with(&project, "newer.db", "send one --yes").code(0).stderr_has("nothing to send: 9 accepted");
}

#[test]
fn a_retired_ledger_is_copied_nowhere_else() {
    let relay = Relay::start(Script::new());
    let project = begun(&relay, 9, "3");
    project.run(["ledger", "copy", "--to", "new.db"]).code(0);
    project
        .run(["ledger", "copy", "--to", "sqlite://new.db"])
        .code(0)
        .stderr_has("everything was copied before");
    // Two ledgers that both send would be two letters to each person.
    project.run(["ledger", "copy", "--to", "other.db"]).code(1).stderr_has("new.db`");
    assert!(!project.path("other.db").exists());
    std::fs::rename(project.path("new.db"), project.path("renamed.db")).unwrap();
    project.run(["ledger", "copy", "--to", "new.db"]).code(1).stderr_has("was moved to");
    assert!(!project.path("new.db").exists());
    with(&project, "renamed.db", "send one --yes").code(0).stderr_has("this run: 6 attempts");
}

#[test]
fn a_url_of_another_database_is_no_file() {
    let relay = Relay::start(Script::new());
    let project = begun(&relay, 3, "1");
    for url in ["mysql://db/news", "sqlite3://x.db", "http://localhost/ledger.db"] {
        project.run(["ledger", "copy", "--to", url]).code(2).stderr_has("postgres://");
        with(&project, url, "status").code(3).stderr_has("postgres://");
    }
    assert!(
        std::fs::read_dir(project.path("."))
            .unwrap()
            .all(|entry| { !entry.unwrap().file_name().to_string_lossy().contains(':') })
    );
    project.run(["send", "one", "--yes"]).code(0);
}

#[tokio::test]
async fn a_ledger_that_is_in_use_is_not_moved() {
    let Some(cluster) = Cluster::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let options = OpenOptions { marks: Some(folder.path().to_owned()), ..OpenOptions::default() };
    let file = Location::File(folder.path().join("ledger.db"));
    let used = |result: Result<_, LedgerError>| {
        assert!(matches!(result, Err(LedgerError::InUse { .. })), "{result:?}");
    };
    let ledger = Ledger::open_with(&file, &options).unwrap();
    open(&ledger, "one", &["ada", "bob"]).await;
    let database = cluster.database();
    let server = location(&cluster.url(&database));
    used(Ledger::move_to(&file, &server, &options));
    drop(ledger);
    Ledger::move_to(&file, &server, &options).unwrap();
    // A worker on another machine, of which nothing is heard.
    let elsewhere = tempfile::tempdir().unwrap();
    let there = OpenOptions { marks: Some(elsewhere.path().to_owned()), ..OpenOptions::default() };
    let ledger = Ledger::open_with(&server, &there).unwrap();
    let next = Location::File(folder.path().join("next.db"));
    used(Ledger::move_to(&server, &next, &options));
    let worker = ledger.register_worker("relay", at(1)).await.unwrap();
    drop((ledger, worker));
    used(Ledger::move_to(&server, &next, &options));
    cluster.sql(&database, "UPDATE workers SET until = clock_timestamp() - interval '1 second'");
    Ledger::move_to(&server, &next, &options).unwrap();
    let refused = Ledger::open_with(&server, &options).map(drop);
    assert!(matches!(refused, Err(LedgerError::Moved { .. })), "{refused:?}");
    let restored = OpenOptions { restored: Restored::Accept, ..options };
    Ledger::open_with(&server, &restored).unwrap();
}

/// What a process does that has a ledger open, before and after the ledger is noted as moved.
async fn goes_on(ledger: &Ledger, note: impl Fn(&str)) {
    let opened = open(ledger, "one", &["ada", "bob"]).await;
    let tokens = ListTokens::new(Tokens::new(&[7; 32]), "letters.example.org");
    ledger.recognize(tokens.clone()).await.unwrap();
    let audience = Audience::open(ledger.clone(), tokens.clone(), at(0)).await.unwrap();
    let worker = ledger.register_worker("relay", at(1)).await.unwrap();
    let claim = async || ledger.claim(opened.dispatch, &worker, 1, at(1), &Wanted::default()).await.map(drop);
    let leave = async |name: &str| {
        let who = vec![Who::Address(person(name).address)];
        match audience.unsubscribe(who, "a link in a letter", "reader", at(2)).await {
            Ok(_) => Ok(()),
            Err(AudienceError::Ledger(error)) => Err(error),
            Err(error) => panic!("{error}"),
        }
    };
    claim().await.unwrap();
    leave("cid").await.unwrap();
    note("INSERT INTO moves (at, direction, ledger, place) VALUES (1, 'to', '', 'elsewhere')");
    let new = NewDispatch { rendered: &issue("two"), opened_at: at(2) };
    let hash = vec![tokens.person("eve@example.com")];
    for (what, done) in [
        ("a worker comes", ledger.register_worker("relay", at(2)).await.map(drop)),
        ("letters are claimed", claim().await),
        ("someone leaves", leave("dan").await),
        ("an address is suppressed", ledger.suppress(by_hand("bob")).await.map(drop)),
        (
            "a hash is suppressed",
            ledger.suppress_hashes(hash, Reason::Unsubscribed, None, at(2)).await.map(drop),
        ),
        ("an issue is opened", ledger.open_dispatch(&new, people(&["ada"])).await.map(drop)),
        ("people come", ledger.extend_dispatch(opened.dispatch, people(&["eve"])).await.map(drop)),
        ("workers are let in", ledger.store_run(opened.dispatch, "", Joinable::Yes, at(2)).await.map(drop)),
        ("an issue is stopped", ledger.stop_run(opened.dispatch, "why", at(2)).await),
    ] {
        assert!(matches!(&done, Err(LedgerError::Moved { to, .. }) if to == "elsewhere"), "{what}: {done:?}");
    }
    note("INSERT INTO moves (at, direction, ledger, place) VALUES (1, 'back', '', 'elsewhere')");
    claim().await.unwrap();
}

#[tokio::test]
async fn nothing_is_written_to_a_ledger_that_was_moved_while_it_was_open() {
    let shelf = Shelf::new(Kind::File);
    let path = shelf.path();
    let note = |sql: &str| rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    goes_on(&shelf.ledger, note).await;
    let Some(cluster) = Cluster::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let options = OpenOptions { marks: Some(folder.path().to_owned()), ..OpenOptions::default() };
    let database = cluster.database();
    let ledger = Ledger::open_with(location(&cluster.url(&database)), &options).unwrap();
    goes_on(&ledger, |sql| drop(cluster.sql(&database, sql))).await;
}

#[test]
fn a_worker_that_comes_while_a_ledger_is_being_moved_keeps_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(cluster) = Cluster::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let options = OpenOptions {
        marks: Some(folder.path().to_owned()),
        busy_timeout: Duration::from_secs(120),
        ..OpenOptions::default()
    };
    let file = Location::File(folder.path().join("ledger.db"));
    let ledger = Ledger::open_with(&file, &options).unwrap();
    let opened = runtime.block_on(open(&ledger, "one", &["ada", "bob"]));
    drop(ledger);
    // The move waits for the new place, after it has looked for others.
    let database = cluster.database();
    let until = |sql: &str, expected: &str| {
        while cluster.sql(&database, sql) != expected {
            std::thread::yield_now();
        }
    };
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let lock = "SELECT pg_advisory_lock(x'6d696d656f'::bigint), pg_sleep(600)";
            // It is ended below.
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| cluster.sql(&database, lock)))
        });
        until("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted", "1");
        let server = location(&cluster.url(&database));
        let (file, options) = (&file, &options);
        let moved = threads.spawn(move || Ledger::move_to(file, &server, options));
        until("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted", "1");
        let ledger = Ledger::open_with(file, options).unwrap();
        runtime.block_on(async {
            let worker = ledger.register_worker("relay", at(1)).await.unwrap();
            cluster.sql(
                &database,
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted",
            );
            let moved = moved.join().unwrap();
            assert!(matches!(moved, Err(LedgerError::InUse { .. })), "{moved:?}");
            let claims = ledger.claim(opened.dispatch, &worker, 9, at(1), &Wanted::default()).await.unwrap();
            assert_eq!(claims.len(), 2);
        });
    });
}

#[tokio::test]
async fn a_ledger_is_moved_only_to_where_nothing_is() {
    let Some(cluster) = Cluster::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let options = OpenOptions { marks: Some(folder.path().to_owned()), ..OpenOptions::default() };
    let file = Location::File(folder.path().join("ledger.db"));
    let missing = Ledger::move_to(&file, &Location::File(folder.path().join("new.db")), &options);
    assert!(matches!(missing, Err(LedgerError::Missing { .. })), "{missing:?}");
    let ledger = Ledger::open_with(&file, &options).unwrap();
    ledger.suppress(by_hand("ada")).await.unwrap();
    drop(ledger);
    let server = location(&cluster.url(&cluster.database()));
    let other = Ledger::open_with(&server, &options).unwrap();
    other.suppress(by_hand("bob")).await.unwrap();
    drop(other);
    for taken in [&server, &file] {
        let refused = Ledger::move_to(&file, taken, &options);
        assert!(matches!(refused, Err(LedgerError::NotEmpty { .. })), "{refused:?}");
    }
    drop(Ledger::open_with(&file, &options).expect("it is not retired"));
    // One that was opened, to test the connection, and never used.
    let unused = location(&cluster.url(&cluster.database()));
    drop(Ledger::open_with(&unused, &options).unwrap());
    Ledger::move_to(&file, &unused, &options).unwrap();
    let moved = Ledger::open_with(&unused, &options).unwrap();
    assert_eq!(moved.suppressions().collect().await.unwrap().len(), 1);
}

#[test]
fn a_move_that_is_killed_is_completed_by_the_same_command() {
    let Some(cluster) = Cluster::shared() else { return };
    let relay = Relay::start(Script::new().without_bodies());
    let mut dice = Dice::new(7);
    let mut whole = 0;
    let project = begun(&relay, 6_000, "2000");
    let mut places = vec![".mimeo/ledger.db".to_owned()];
    for round in 0..6 {
        let from = places.last().unwrap().clone();
        let to = if round % 2 == 0 { cluster.url(&cluster.database()) } else { format!("ledger{round}.db") };
        let copy = || project.mimeo(["ledger", "copy", "--to", &to]).env("MIMEO_LEDGER", &from);
        let mut kills = 0;
        loop {
            let mut child = copy().into_command();
            let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let (began, moment) = (Instant::now(), Duration::from_millis(dice.below(900)));
            while began.elapsed() < moment && child.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            child.kill().unwrap();
            let has_ended = child.wait().unwrap().success();
            kills += usize::from(!has_ended);
            if has_ended || kills >= 5 {
                break;
            }
            // Never two ledgers that send.
            let sends = |ledger: &str| {
                let ran =
                    project.mimeo(["-q", "suppress", "x@example.com"]).env("MIMEO_LEDGER", ledger).run();
                ran.code == Some(0)
            };
            let is_there = to.starts_with("postgres") || project.path(&to).exists();
            whole += usize::from(!sends(&from) && is_there);
        }
        copy().run().code(0);
        places.push(to);
    }
    println!("{whole} kills between the two commits or after them");
    let last = places.last().unwrap();
    with(&project, last, "-q send one --yes").code(0);
    let mut taken = relay.recipients();
    taken.sort();
    taken.dedup();
    assert_eq!((relay.recipients().len(), taken.len()), (6_000, 6_000));
}

#[test]
fn both_databases_have_the_same_tables_and_columns() {
    let Some(cluster) = Cluster::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    drop(Ledger::open(&path).unwrap());
    let database = cluster.database();
    drop(Ledger::open(location(&cluster.url(&database))).unwrap());
    let sqlite = rusqlite::Connection::open(path).unwrap();
    let sql = "SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c \
               WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY 1";
    let mut statement = sqlite.prepare(sql).unwrap();
    let here: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let there = cluster.sql(
        &database,
        "SELECT table_name || '.' || column_name FROM information_schema.columns \
         WHERE table_schema = 'public' AND table_name <> 'schema_version' ORDER BY (table_name || '.' || column_name) COLLATE \"C\"",
    );
    // What only a server has is about the processes of the moment.
    let there: Vec<&str> = there
        .lines()
        .filter(|name| !name.starts_with("select") && !["workers.until", "workers.place"].contains(name))
        .collect();
    assert_eq!(here, there);
}
