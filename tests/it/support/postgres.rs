//! A PostgreSQL of our own: a cluster in a folder that is gone at the end, on a socket and nothing else.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
};

use mimeograph::ledger::Location;

use super::skip;

/// A cluster. It ends with the process that started it, however that ends: its keeper waits for the end of its input.
pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    keeper: Child,
    databases: AtomicU32,
}

/// Starts the server when it reads a line, kills it (or lets it end) when it reads another, and cleans up at the end of its input.
const KEEPER: &str = r#"
start() { "$bin/postgres" -D data -k "$PWD" -c listen_addresses= >log 2>&1 & server=$!
  end=$(($(date +%s) + 120))
  until "$bin/pg_isready" -q -h "$PWD"; do
    kill -0 $server && [ "$(date +%s)" -lt $end ] || { cat log >&2; kill -QUIT $server; exit 1; }
  done
  echo ready; }
"$bin/initdb" -D data -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null || exit 1
cat >>data/postgresql.conf <<SETTINGS
fsync = off
max_connections = 300
shared_buffers = 64MB
max_wal_size = 1GB
SETTINGS
start
while read -r word; do
  case $word in
    stop) kill -INT $server; wait $server; echo stopped;;
    kill) kill -QUIT $server; wait $server; echo stopped;;
    start) start;;
    save) rm -rf saved; cp -a data saved; echo saved;;
    restore) rm -rf data; cp -a saved data; echo restored;;
  esac
done
kill -INT $server; wait $server; rm -rf data saved
"#;

impl Cluster {
    /// Starts one; says so and returns `None` where PostgreSQL is not installed.
    pub(crate) fn start() -> Option<Self> {
        let Some(bin) = programs() else {
            skip("PostgreSQL is not installed");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("mimeo-pg").tempdir_in("/tmp").unwrap();
        let mut keeper = Command::new("/bin/sh");
        keeper.args(["-c", KEEPER]).current_dir(folder.path()).env("bin", bin);
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        if let Some((user, group)) = other_user() {
            // PostgreSQL does not run as root.
            keeper.uid(user).gid(group);
        }
        // Of its own group: what is typed at a terminal does not reach it.
        keeper.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut cluster = Self { folder, keeper: keeper.spawn().unwrap(), databases: AtomicU32::default() };
        cluster.hear("ready");
        Some(cluster)
    }

    /// The one that most tests share.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: LazyLock<Option<Cluster>> = LazyLock::new(Cluster::start);
        SHARED.as_ref()
    }

    fn hear(&mut self, word: &str) {
        let said = self.keeper.stdout.as_mut().unwrap();
        // One byte at a time would do; nothing follows the line before we ask again.
        let mut line = String::new();
        BufReader::with_capacity(1, said).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), word);
    }

    fn ask(&mut self, word: &str, answer: &str) {
        writeln!(self.keeper.stdin.as_mut().unwrap(), "{word}").unwrap();
        self.hear(answer);
    }

    /// Ends the server in an orderly way.
    pub(crate) fn stop(&mut self) {
        self.ask("stop", "stopped");
    }

    /// Ends the server at once, as if it had crashed.
    pub(crate) fn kill(&mut self) {
        self.ask("kill", "stopped");
    }

    /// Starts it again.
    pub(crate) fn start_again(&mut self) {
        self.ask("start", "ready");
    }

    /// Keeps a copy of everything. To be called while it is stopped.
    pub(crate) fn save(&mut self) {
        self.ask("save", "saved");
    }

    /// Puts the copy back. To be called while it is stopped.
    pub(crate) fn restore(&mut self) {
        self.ask("restore", "restored");
    }

    /// A new database; its name.
    pub(crate) fn database(&self) -> String {
        let name = format!("ledger{}", self.databases.fetch_add(1, SeqCst));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        name
    }

    /// The URL of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        url(self.folder.path(), database)
    }

    /// The folder with its socket.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What a statement returns: a line for each row, with `|` between columns.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        let done = Command::new(programs().unwrap().join("psql"))
            .arg("-h")
            .arg(self.folder.path())
            .args(["-U", "postgres", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql])
            .output()
            .unwrap();
        assert!(done.status.success(), "{sql}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// The URL of a database behind a socket in this folder.
pub(crate) fn url(folder: &Path, database: &str) -> String {
    format!("postgres://postgres@/{database}?host={}", folder.display())
}

/// As a ledger is opened.
pub(crate) fn location(url: &str) -> Location {
    Location::parse(url).unwrap()
}

/// Where the programs of the newest version are.
fn programs() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    versions.retain(|bin| bin.join("postgres").exists());
    versions.sort();
    versions.pop()
}

/// For root: another user and group.
fn other_user() -> Option<(u32, u32)> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let find = |name: &str| {
        let line = users.lines().find(|line| line.starts_with(&format!("{name}:")))?;
        let mut words = line.split(':').skip(2);
        Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    };
    is_root.then(|| find("postgres").or_else(|| find("daemon"))).flatten()
}
