//! Copies of a ledger: made while it is in use, and noticed when an older one is put back.

use std::{fs, path::Path};

use mimeograph::ledger::{Ledger, LedgerError, OpenOptions, Restored, Tally};

use crate::{
    crash::project,
    support::ledgers::{Kind, Shelf, at, claim, open},
};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn the_whole_folder_put_back_from_a_backup_is_noticed() {
    let project = project(20, "");
    project.run(["send", "one", "--yes", "--first", "--limit", "5"]).code(0);
    copy(&project.path(".mimeo"), &project.path("backup"));
    project.run(["send", "one", "--yes", "--first"]).code(0);
    fs::remove_dir_all(project.path(".mimeo")).unwrap();
    copy(&project.path("backup"), &project.path(".mimeo"));
    for _ in 0..2 {
        project
            .run(["send", "one", "--yes", "--first"])
            .code(1)
            .stderr_has("is older than the last one used")
            .stderr_has("--restored");
        project.run(["suppress", "someone@example.com"]).code(1).stderr_has("--restored");
    }
    project.run(["send", "one", "--yes", "--first", "--restored"]).code(0);
    project.run(["send", "one", "--yes", "--first"]).code(0);
}

#[test]
fn a_backup_that_is_put_back_is_noticed_too() {
    let project = project(20, "");
    project.run(["send", "one", "--yes", "--first", "--limit", "5"]).code(0);
    project.run(["ledger", "backup", "copy.db"]).code(0).stderr_has("`copy.db` is a copy of the ledger");
    project
        .run(["ledger", "backup", "copy.db"])
        .code(1)
        .stderr_has("failed to back up the ledger to `copy.db`");
    project.run(["send", "one", "--yes", "--first"]).code(0);
    fs::remove_dir_all(project.path(".mimeo/ledger.workers")).unwrap();
    for name in project.list(".mimeo").into_iter().filter(|name| name.starts_with("ledger.")) {
        fs::remove_file(project.path(&format!(".mimeo/{name}"))).unwrap();
    }
    fs::copy(project.path("copy.db"), project.path(".mimeo/ledger.db")).unwrap();
    project.run(["send", "one", "--yes", "--first"]).code(1).stderr_has("--restored");
}

#[test]
fn a_check_says_whether_an_older_copy_of_the_folder_would_be_noticed() {
    let project = project(3, "");
    project.run(["ledger", "check"]).code(1).stderr_has("there is no ledger");
    project.run(["send", "one", "--yes", "--first"]).code(0);
    project
        .run(["ledger", "check"])
        .code(0)
        .stderr_has("no damage found; 1 dispatch")
        .stderr_has("its whole folder, is noticed");
    project.write("file", "not a folder");
    let without = project.mimeo(["ledger", "check"]).env("XDG_STATE_HOME", project.path("file")).run();
    without.code(0).stderr_has("but not one of its whole folder");
    let without =
        project.mimeo(["send", "one", "--yes", "--first"]).env("XDG_STATE_HOME", project.path("file")).run();
    without.code(0);
}

#[tokio::test]
async fn a_backup_is_whole_while_someone_writes() {
    let shelf = Shelf::new(Kind::File);
    let dispatch = open(&shelf.ledger, "one", &["ada", "bob"]).await.dispatch;
    let worker = shelf.ledger.register_worker("outbox", at(1)).await.unwrap();
    claim(&shelf.ledger, dispatch, &worker, 1, at(1)).await;
    let other = rusqlite::Connection::open(shelf.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; UPDATE dispatches SET title = 'Two'").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    let reader = Ledger::open_read_only(&shelf.path()).unwrap();
    reader.backup(&copy).await.unwrap();
    let again = reader.backup(&copy).await;
    assert!(matches!(again, Err(LedgerError::Backup { .. })), "{again:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let copy = Ledger::open(&copy).unwrap();
    copy.check().await.unwrap();
    assert_eq!(copy.find_dispatch("one").await.unwrap().unwrap().title, "The story of one");
    let tally = copy.tally(dispatch).await.unwrap();
    assert_eq!(tally, Tally { planned: 2, queued: 1, claimed: 1, ..Tally::default() });
}

#[tokio::test]
async fn a_ledger_keeps_its_mark_under_its_own_name_only() {
    let (folder, marks) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let options = OpenOptions { marks: Some(marks.path().to_owned()), ..OpenOptions::default() };
    for name in ["one.db", "two.db"] {
        let path = folder.path().join(name);
        for _ in 0..2 {
            drop(Ledger::open_with(&path, &options).unwrap());
        }
    }
    assert_eq!(fs::read_dir(marks.path()).unwrap().count(), 2);
    let (one, other) = (folder.path().join("one.db"), tempfile::tempdir().unwrap());
    let copied = other.path().join("elsewhere.db");
    fs::copy(&one, &copied).unwrap();
    let ledger = Ledger::open_with(&one, &options).unwrap();
    assert!(ledger.mark().await.unwrap().is_some());
    drop(ledger);
    let older = Ledger::open_with(&copied, &options).map(drop);
    assert!(matches!(older, Err(LedgerError::Restored { .. })), "{older:?}");
    let accepted = OpenOptions { restored: Restored::Accept, ..options };
    drop(Ledger::open_with(&copied, &accepted).unwrap());
}
