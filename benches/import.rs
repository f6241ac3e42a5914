//! What a large import into the managed list costs: reading an export and showing what would change, importing it, importing it
//! again, and undoing it.
//!
//! `cargo bench --bench import [-- ROWS] [postgres://…]` (a million by default, into a file of SQLite). Times of a disk depend on the
//! disk, so the processor time of this process is printed beside them. A database on a server has to be empty.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a program for developers")]

use std::{
    fmt::Write as _,
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use mimeograph::{
    audience::{Audience, ImportOptions, ImportSummary, Staged},
    ledger::{Ledger, Location},
    message::{ListTokens, Tokens},
};

fn main() {
    let rows: u64 = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::Builder::new().prefix("import-bench-").tempdir_in(".").unwrap();
    let server = std::env::args().find(|argument| argument.starts_with("postgres"));
    let ledger = server.map_or_else(
        || Location::File(folder.path().join("ledger.db")),
        |url| Location::parse(&url).unwrap(),
    );
    print!("{}", import(folder.path(), ledger, rows));
}

/// Imports so many rows, of whom every tenth person is unsubscribed, and takes them back; a line for each step.
pub fn import(folder: &Path, ledger: Location, rows: u64) -> String {
    let file = folder.join("export.csv");
    write_export(&file, rows);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut report = String::new();
    runtime.block_on(async {
        let ledger = Ledger::open(ledger).unwrap();
        let tokens = ListTokens::new(Tokens::new(&[7; 32]), "bench.example.com".to_owned());
        let audience = Audience::open(ledger, tokens, now()).await.unwrap();
        let (_, planned) = step(&mut report, "what would change", async {
            audience.plan_import(read(&file)).await.unwrap()
        })
        .await;
        assert_eq!((planned.created.total(), planned.import), (rows, None));
        let done = step(&mut report, "import", async { audience.import(read(&file)).await.unwrap() }).await;
        assert_eq!(done.created.total(), rows);
        let again: ImportSummary =
            step(&mut report, "the same file again", async { audience.import(read(&file)).await.unwrap() })
                .await;
        assert_eq!((again.unchanged, again.changed), (rows, 0));
        let undone = step(&mut report, "undo", async {
            audience.undo_import(done.import.unwrap(), now()).await.unwrap()
        })
        .await;
        assert_eq!((undone.removed, undone.kept), (rows, 0));
        let again = audience.import(read(&file)).await.unwrap();
        assert_eq!(again.created.total(), rows, "the undone import left something");
        let more = folder.join("more.csv");
        write_fields(&more, rows);
        let changed =
            step(&mut report, "a field for each", async { audience.import(read(&more)).await.unwrap() })
                .await;
        assert_eq!(changed.changed, rows);
        let restored = step(&mut report, "undo of the field", async {
            audience.undo_import(changed.import.unwrap(), now()).await.unwrap()
        })
        .await;
        assert_eq!(restored.restored, rows);
    });
    report
}

fn read(file: &Path) -> Staged {
    let mut staged = Staged::new(ImportOptions::default(), now()).unwrap();
    staged.read(file.to_owned()).unwrap();
    staged
}

async fn step<T>(report: &mut String, what: &str, work: impl Future<Output = T>) -> T {
    let (started, spent) = (Instant::now(), processor());
    let done = work.await;
    writeln!(
        report,
        "{what}: {:.1} s, {:.1} s of processor time, peak memory so far {:.0} MiB",
        started.elapsed().as_secs_f64(),
        (processor() - spent).as_secs_f64(),
        peak_kib() / 1024.0
    )
    .unwrap();
    done
}

fn write_export(path: &Path, rows: u64) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    writeln!(file, "email,name,status,city,tags,created_at").unwrap();
    for n in 0..rows {
        let status = if n % 10 == 3 { "unsubscribed" } else { "active" };
        writeln!(
            file,
            "{},Reader {n},{status},\"Ulm, Alb\",\"beta,gold\",2024-0{}-02 03:04:05",
            address(n),
            n % 9 + 1
        )
        .unwrap();
    }
    file.flush().unwrap();
}

/// The same people, each with one more field.
fn write_fields(path: &Path, rows: u64) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    writeln!(file, "email,country").unwrap();
    for n in 0..rows {
        writeln!(file, "{},DE", address(n)).unwrap();
    }
    file.flush().unwrap();
}

/// In no order, as in a list that has grown.
fn address(n: u64) -> String {
    let who = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24;
    format!("reader{who}.{n}@mail{}.example.com", n % 97)
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

fn peak_kib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
