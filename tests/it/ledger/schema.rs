//! Ledgers of earlier versions, brought up to date.

use std::fs;

use mimeograph::ledger::{Ledger, OpenOptions, Reason, Suppression};

use crate::support::{
    ledgers::{address, at},
    postgres::{Cluster, location},
    project::repository,
};

/// The last schema without the reason `soft_bounce`.
const EARLIER: u32 = 8;

/// The steps of the schema up to this one, as they are in the source.
fn steps(folder: &str, last: u32) -> Vec<String> {
    let folder = repository().join("src/ledger/migrations").join(folder);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "sql"))
        .collect();
    files.sort();
    files.iter().take(last as usize).map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// Three suppressions of a ledger without `soft_bounce`, of which one was for soft bounces; and one that an import made and
/// took back.
fn before(message: &str) -> String {
    format!(
        "INSERT INTO suppressions (key, address, reason, note, at) VALUES \
         ('hard@example.com', 'hard@example.com', 'hard_bounce', '550', 1000), \
         ('soft@example.com', 'soft@example.com', 'hard_bounce', '3 letters came back', 2000), \
         ('again@example.com', 'again@example.com', 'hard_bounce', 'by hand, later', 3000), \
         ('gone@example.com', 'gone@example.com', 'unsubscribed', NULL, 4000); \
         DELETE FROM suppressions WHERE key = 'gone@example.com'; \
         INSERT INTO bounces (message, key, domain, kind, class, reply, at, read_at, effect, resolved) VALUES \
         ({message}, 'hard@example.com', 'example.com', 'bounce', 'hard', '', 1, 1000, 'suppressed', 0), \
         ({message}, 'soft@example.com', 'example.com', 'bounce', 'soft', '', 1, 2000, 'suppressed', 0), \
         ({message}, 'again@example.com', 'example.com', 'bounce', 'soft', '', 1, 2000, 'suppressed', 0); \
         INSERT INTO subscribers (key, address, fields, tags, topics, status, status_at, source, joined_at) VALUES \
         ('new@example.com', 'new@example.com', '{{}}', '', '', 'active', 0, 'by hand', 0);"
    )
}

async fn look(ledger: &Ledger) {
    let reasons = |all: Vec<Suppression>| -> Vec<String> {
        all.iter().map(|one| format!("{} {}", one.address.expose(), one.reason)).collect()
    };
    let all = ledger.suppressions().collect().await.unwrap();
    let kept =
        ["hard@example.com hard_bounce", "soft@example.com soft_bounce", "again@example.com hard_bounce"];
    assert_eq!(reasons(all), kept);
    let new = Suppression {
        address: address("new@example.com"),
        reason: Reason::SoftBounce,
        note: Some("452 full".to_owned()),
        at: at(9),
    };
    assert!(ledger.suppress(new).await.unwrap());
    assert_eq!(ledger.suppressions().collect().await.unwrap().len(), 4);
    ledger.check().await.unwrap();
}

/// The person is bounced, and the number of the suppression that was taken back is not used again.
const AFTER: &str = "SELECT status || '|' || (SELECT change || '|' || cause FROM subscriber_history) || '|' || \
     (SELECT cast(id AS text) FROM suppressions WHERE key = 'new@example.com') FROM subscribers";
const EXPECTED: &str = "bounced|active -> bounced|soft_bounce: 452 full|5";

#[tokio::test]
async fn soft_bounces_get_a_reason_of_their_own_when_a_file_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    for step in steps("", EARLIER) {
        old.execute_batch(&step).unwrap();
    }
    old.execute_batch(&before("zeroblob(32)")).unwrap();
    old.pragma_update(None, "user_version", EARLIER).unwrap();
    drop(old);
    let ledger = Ledger::open(&path).unwrap();
    look(&ledger).await;
    drop(ledger);
    let db = rusqlite::Connection::open(&path).unwrap();
    let row: String = db.query_row(AFTER, [], |row| row.get(0)).unwrap();
    assert_eq!(row, EXPECTED);
}

#[tokio::test]
async fn soft_bounces_get_a_reason_of_their_own_when_a_server_is_brought_up_to_date() {
    let Some(cluster) = Cluster::shared() else { return };
    let database = cluster.database();
    for step in steps("postgres", EARLIER) {
        cluster.sql(&database, &step);
    }
    cluster.sql(&database, &before("decode(repeat('00', 32), 'hex')"));
    let version = format!(
        "CREATE TABLE schema_version (version bigint NOT NULL); INSERT INTO schema_version VALUES ({EARLIER})"
    );
    cluster.sql(&database, &version);
    let folder = tempfile::tempdir().unwrap();
    let options = OpenOptions { marks: Some(folder.path().to_owned()), ..OpenOptions::default() };
    look(&Ledger::open_with(location(&cluster.url(&database)), &options).unwrap()).await;
    assert_eq!(cluster.sql(&database, AFTER), EXPECTED);
}
