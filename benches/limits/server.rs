//! The ledger on a PostgreSQL server beside the one in a file, in pairs: one worker, a unix socket, a commit that waits for the
//! disk.

use std::{
    fs,
    io::{BufRead, BufReader, Write as _},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use crate::lab::{Goal, Newsletter, Sink, judge, print};

/// B12: letters a second of `mimeo send`, plan and all.
pub(crate) fn server(letters: u64, rounds: u64) {
    println!(
        "\nB12: {letters} unsigned letters, 10 connections, ledger on a server (fsync = on, a unix socket) and in a file, \
         {rounds} rounds"
    );
    let Some(cluster) = Cluster::start() else {
        println!("    skipped: apt-get install postgresql");
        return;
    };
    let newsletter = Newsletter::new(letters);
    let mut sink = Sink::start("near", &[]);
    newsletter.relay(&sink, 10, "");
    let (mut file, mut server) = (Vec::new(), Vec::new());
    let (mut log, mut dead) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        newsletter.forget();
        file.push(newsletter.send(&[], &[]));
        assert_eq!(sink.taken().letters, letters);
        newsletter.forget();
        let database = format!("bench{round}");
        cluster.sql("postgres", &format!("CREATE DATABASE {database}"));
        cluster.sql("postgres", "CHECKPOINT");
        let place = "SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint";
        let before: f64 = cluster.sql("postgres", place).parse().unwrap();
        server.push(newsletter.send(&[], &["--ledger", &cluster.url(&database)]));
        assert_eq!(sink.taken().letters, letters);
        let after: f64 = cluster.sql("postgres", place).parse().unwrap();
        log.push((after - before) / letters as f64);
        cluster.sql(&database, "SELECT pg_stat_force_next_flush()");
        let sum = "SELECT coalesce(sum(n_dead_tup), 0) FROM pg_stat_user_tables";
        dead.push(cluster.sql(&database, sum).parse::<f64>().unwrap());
    }
    print("in a file", "letters/s", file.iter().map(|cost| cost.per_second(letters)));
    print("on a server", "letters/s", server.iter().map(|cost| cost.per_second(letters)));
    print("in a file", "µs of processor a letter", file.iter().map(|cost| cost.microseconds(letters)));
    print(
        "on a server",
        "µs of the worker's processor",
        server.iter().map(|cost| cost.microseconds(letters)),
    );
    print("", "bytes of log a letter", log);
    print("", "dead rows after", dead);
    let ratios = file.iter().zip(&server).map(|(file, server)| file.seconds / server.seconds);
    judge("B12 on a server / in a file", "× the letters/s", Goal::AtLeast(0.6, 0.6), ratios);
}

/// A server of our own, which ends with this value.
struct Cluster {
    folder: tempfile::TempDir,
    bin: PathBuf,
    keeper: Child,
}

const KEEPER: &str = r#"
"$bin/initdb" -D data -U postgres -A trust -E UTF8 --locale=C.UTF-8 >/dev/null || exit 1
printf 'max_wal_size = 4GB\nshared_buffers = 256MB\n' >>data/postgresql.conf
"$bin/postgres" -D data -k "$PWD" -c listen_addresses= >log 2>&1 & server=$!
until "$bin/pg_isready" -q -h "$PWD"; do kill -0 $server || { cat log >&2; exit 1; }; done; echo ready
read -r _; kill -INT $server; wait $server; rm -rf data
"#;

impl Cluster {
    fn start() -> Option<Self> {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
        let bin = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).max()?;
        let folder = tempfile::Builder::new().prefix("mimeo-pg").tempdir_in("/tmp").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        // PostgreSQL does not run as root.
        let mut keeper = Command::new("/bin/sh")
            .args(["-c", r#"if [ "$(id -u)" = 0 ]; then exec setpriv --reuid postgres --regid postgres --clear-groups /bin/sh -c "$0"; else exec /bin/sh -c "$0"; fi"#, KEEPER])
            .current_dir(folder.path())
            .env("bin", &bin)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "the server did not start");
        Some(Self { folder, bin, keeper })
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@/{database}?host={}", self.folder.path().display())
    }

    fn sql(&self, database: &str, sql: &str) -> String {
        let done = Command::new(self.bin.join("psql"))
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
        let _ = self.keeper.stdin.as_mut().map(|stdin| stdin.write_all(b"\n"));
        let _ = self.keeper.wait();
    }
}
