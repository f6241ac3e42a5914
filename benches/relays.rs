//! How much of a relay's best throughput a dispatch gets while the relay refuses in the way of a real one: each row of
//! `tests/fixtures/relays.csv`, 3,000 letters through the whole program.
//!
//! `cargo bench --bench relays -- [WORDS OF ROWS]`

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]
#![allow(clippy::unwrap_used, reason = "the relay of the tests is used here, and a bench may fail")]

#[path = "../tests/it/support/relay.rs"]
mod relay;
#[path = "../tests/it/support/relays.rs"]
mod relays;

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use relay::{At, Do, Relay, Script, When};
use relays::{Limit, Row, rows};

const LETTERS: u64 = 3_000;
/// What a relay needs to write a letter to its queue before it answers for it. Quicker than any real one, on a disk or over a network.
const QUEUEING: Duration = Duration::from_millis(2);
/// No relay is waited for longer.
const LONGEST: Duration = Duration::from_secs(90);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let rows: Vec<Row> = rows()
        .into_iter()
        .filter(|row| words.is_empty() || words.iter().any(|word| row.name().contains(word.as_str())))
        .collect();
    let mut least: f64 = 1.0;
    let mut failed = 0;
    let mut sum = 0.0;
    for row in &rows {
        let (best, took) = pairs(row);
        let share = best.as_secs_f64() / took.as_secs_f64();
        least = least.min(share);
        sum += share.min(1.0);
        failed += u32::from(share < 0.8);
        println!(
            "{:>4.0} % {} {:6.2} s of {:5.2}  {:18} {}",
            share * 100.0,
            if share < 0.8 { "!" } else { " " },
            took.as_secs_f64(),
            best.as_secs_f64(),
            format!("{:?}", row.limit),
            row.name()
        );
    }
    println!(
        "{} relays: mean {:.0} %, least {:.0} %, {failed} below 80 %",
        rows.len(),
        sum * 100.0 / rows.len() as f64,
        least * 100.0
    );
}

/// The best time and ours. Short ones are measured three times alternately, because a disturbance is as long as they are, and
/// nine times where three say that too much is lost: the medians.
fn pairs(row: &Row) -> (Duration, Duration) {
    let (mut best_times, mut times) = (Vec::new(), Vec::new());
    let mut medians = (Duration::ZERO, Duration::ZERO);
    for number in 1..=9 {
        best_times.push(best(row));
        times.push(time(row.script(), "", wanted(row)));
        medians = (median(&mut best_times), median(&mut times));
        let is_enough = number >= 3 && medians.0.as_secs_f64() >= 0.8 * medians.1.as_secs_f64();
        if is_enough || times[0] > Duration::from_secs(3) {
            break;
        }
    }
    medians
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Letters that the relay takes in its time: people who have to wait are not its throughput.
fn wanted(row: &Row) -> u64 {
    if row.limit == Limit::People { LETTERS - LETTERS / 100 } else { LETTERS }
}

/// The time that someone takes who has set the limit: the same relay without refusals.
fn best(row: &Row) -> Duration {
    let settings = match row.limit {
        Limit::Connections(most) => format!("connections = {most}"),
        Limit::Session(most) => format!("messages_per_connection = {most}"),
        Limit::Rate(rate) => return Duration::from_secs_f64((LETTERS as f64 - rate / 4.0) / rate),
        Limit::People | Limit::Once => String::new(),
    };
    time(Script::new().counting_only(), &settings, wanted(row))
}

/// How long it takes from the first connection until the relay has so many letters.
fn time(script: Script, settings: &str, letters: u64) -> Duration {
    let relay = Relay::start(script.rule(At::Dot, When::Always, Do::Wait(QUEUEING)));
    let folder = tempfile::tempdir().unwrap();
    newsletter(folder.path(), &relay.url(), settings);
    let mut child = Command::new(env!("CARGO_BIN_EXE_mimeo"))
        .args(["-q", "send", "one", "--yes", "--first"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    let mut first = None;
    let took = loop {
        let counters = relay.counters();
        if counters.connections > 0 {
            first.get_or_insert_with(Instant::now);
        }
        let took = first.map_or(Duration::ZERO, |first| first.elapsed());
        if counters.accepted >= letters || took >= LONGEST {
            break took.mul_f64(letters as f64 / counters.accepted.max(1) as f64);
        }
        assert!(began.elapsed() < LONGEST * 2, "nothing is sent");
        std::thread::sleep(Duration::from_millis(2));
    };
    let _ = child.kill();
    let _ = child.wait();
    took
}

fn newsletter(folder: &Path, url: &str, settings: &str) {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "mimeo.toml",
        &format!(
            "[newsletter]\nname = \"News\"\npostal_address = \"1 Main Street\"\n[sender]\nfrom = \"news@example.org\"\n\
             [unsubscribe]\nmailto = \"leave@example.org\"\n[list]\npath = \"list.csv\"\n\
             [relay]\nurl = \"{url}\"\n{settings}\n"
        ),
    );
    write("issues/one.md", "---\ntitle: One\nnumber: 1\ndate: 2023-01-06\n---\n\nHello.\n");
    let people: String = (1..=LETTERS).map(|number| format!("r{number}@example.com\n")).collect();
    write("list.csv", &format!("email\n{people}"));
}
