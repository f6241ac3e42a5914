//! What the ledger costs: planning a list, and claim, begin and end of each letter, with `synchronous=FULL`.
//!
//! `cargo bench --bench ledger [-- ROWS]` (a million by default). Times of a disk depend on the disk, so the processor
//! time per letter is printed beside them.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a program for developers")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;
use mimeograph::{
    address::EmailAddress,
    ledger::{BoxError, Claim, DispatchId, Ledger, NewDispatch, Next, Wanted, Worker},
    render::{Mailbox, RenderedIssue},
    subscriber::Subscriber,
    transport::{Outcome, Reply},
};
use tokio::sync::Mutex;

fn main() {
    let rows: u64 = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::Builder::new().prefix("ledger-bench-").tempdir_in(".").unwrap();
    runtime.block_on(async {
        let ledger = Ledger::open(&folder.path().join("ledger.db")).unwrap();
        let dispatch = plan(&ledger, rows).await;
        let worker = ledger.register_worker("bench", now()).await.unwrap();
        let first = Instant::now();
        let claims = ledger.claim(dispatch, &worker, 1000, now(), &Wanted::default()).await.unwrap();
        println!("first claim of {} after {:.1} ms", claims.len(), first.elapsed().as_secs_f64() * 1e3);
        for claim in claims {
            ledger.withdraw(&claim);
        }
        for (callers, letters) in [(1, 2_000), (4, 8_000), (16, 40_000), (100, 200_000), (1000, 200_000)] {
            letters_with(&ledger, dispatch, &worker, callers, letters.min(rows / 6)).await;
        }
        println!("peak memory so far {:.1} MiB", status_kib("VmHWM:") / 1024.0);
        let started = Instant::now();
        let tally = ledger.tally(dispatch).await.unwrap();
        println!("tally of {}: {:.1} ms ({} accepted)", tally.planned, ms(started), tally.accepted);
        let started = Instant::now();
        let offered = ledger.attempts_between(Timestamp::UNIX_EPOCH, Timestamp::MAX).await.unwrap();
        println!("offered by {} domains: {:.1} ms", offered.len(), ms(started));
        let started = Instant::now();
        ledger.release(&worker, now()).await.unwrap();
        println!("release: {:.1} ms", ms(started));
        println!("peak memory so far {:.1} MiB", status_kib("VmHWM:") / 1024.0);
        let started = Instant::now();
        let again = ledger
            .extend_dispatch(dispatch, (0..rows).map(move |number| person(number, rows)))
            .await
            .unwrap();
        println!("the same list again: {} known, {:.2} s", again.already, started.elapsed().as_secs_f64());
    });
    println!("peak memory {:.1} MiB", status_kib("VmHWM:") / 1024.0);
}

async fn plan(ledger: &Ledger, rows: u64) -> DispatchId {
    let (started, spent) = (Instant::now(), processor());
    for number in 0..rows {
        std::hint::black_box(person(number, rows)).unwrap();
    }
    let making = started.elapsed();
    println!(
        "making {rows} people: {:.2} s, {:.2} us processor each",
        making.as_secs_f64(),
        each(spent, rows)
    );
    let (started, spent) = (Instant::now(), processor());
    let rendered = issue();
    let new = NewDispatch { rendered: &rendered, opened_at: now() };
    let opened = ledger.open_dispatch(&new, (0..rows).map(move |number| person(number, rows))).await.unwrap();
    let took = started.elapsed();
    assert_eq!(opened.owed, rows);
    println!(
        "plan: {rows} in {:.2} s, {:.0} rows/s, {:.2} us processor each (making them included), peak {:.1} MiB",
        took.as_secs_f64(),
        rows as f64 / took.as_secs_f64(),
        each(spent, rows),
        status_kib("VmHWM:") / 1024.0
    );
    opened.dispatch
}

/// Claims in batches of 1000, and begin and end of each letter by so many callers at once.
async fn letters_with(ledger: &Ledger, dispatch: DispatchId, worker: &Worker, callers: usize, letters: u64) {
    let (started, spent) = (Instant::now(), processor());
    let queue: Arc<Mutex<Vec<Claim>>> = Arc::default();
    let taken = Arc::new(AtomicU64::new(0));
    let mut tasks = Vec::new();
    for _ in 0..callers {
        let (ledger, worker, queue, taken) = (ledger.clone(), worker.clone(), queue.clone(), taken.clone());
        tasks.push(tokio::spawn(async move {
            let outcome = Outcome::Accepted {
                reply: Reply {
                    code: 250,
                    enhanced: Some((2, 0, 0)),
                    text: "Ok: queued as 4NxK2v1zQ9z5b".to_owned(),
                },
            };
            while taken.fetch_add(1, Ordering::Relaxed) < letters {
                let claim = {
                    let mut queue = queue.lock().await;
                    if queue.is_empty() {
                        *queue =
                            ledger.claim(dispatch, &worker, 1000, now(), &Wanted::default()).await.unwrap();
                        queue.reverse();
                    }
                    queue.pop().unwrap()
                };
                ledger.begin(&claim, now()).await.unwrap();
                ledger.end(&claim, &outcome, Next::Close, now());
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    for claim in queue.lock().await.drain(..) {
        ledger.withdraw(&claim);
    }
    ledger.flush().await.unwrap();
    let took = started.elapsed();
    println!(
        "{callers:>5} callers: {:>8.0} letters/s, {:>6.2} us processor each ({letters} letters)",
        letters as f64 / took.as_secs_f64(),
        each(spent, letters)
    );
}

fn person(number: u64, rows: u64) -> Result<Subscriber, BoxError> {
    // Lists are in no order that an address key would follow.
    let shuffled = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % rows.max(1) * 7 + number;
    let domain =
        ["gmail.example.com", "mail.example.net", "example.org", "post.example.com"][(number % 4) as usize];
    let fields =
        [("first_name", "Ada"), ("city", "Amsterdam"), ("since", "2019-04-01")].into_iter().collect();
    let address = EmailAddress::parse(&format!("reader.{shuffled}.{number}@{domain}"))?;
    Ok(Subscriber { address, name: Some("Ada Lovelace".to_owned()), fields })
}

fn issue() -> RenderedIssue {
    let address = EmailAddress::parse("editor@example.org").unwrap();
    RenderedIssue {
        title: "Bench".to_owned(),
        date: now(),
        list_id: "letters.example.org".to_owned(),
        newsletter: "Letters".to_owned(),
        ..RenderedIssue::new("bench", Mailbox { name: None, address })
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_672_400_000).unwrap()
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// Microseconds of processor time per item since then.
fn each(since: Duration, items: u64) -> f64 {
    (processor() - since).as_secs_f64() * 1e6 / items.max(1) as f64
}

/// Processor time of this process, user and system, in steps of 10 ms.
fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

fn status_kib(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
