//! How near the program is to what is possible: each workload of BENCHMARKS.md, run beside its reference in the same
//! minutes, with the ratio and its target.
//!
//! `cargo bench --bench limits [-- WORKLOAD… [--rounds N] [--letters N]]`, where a workload is `loopback` (B1, B2),
//! `signed` (B3), `distance` (B4 and B6; needs root), `million` (B7), `build` (B8), `dry-run` (B9), `ledger` (B10) or `server`
//! (B12).
//! References that are not installed are skipped, and it is said how to get them.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]
#![allow(clippy::unwrap_used, reason = "the relay of the tests is used here, and a bench may fail")]
#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a program for developers; it uses a part of that relay"
)]

#[path = "limits/distance.rs"]
mod distance;
#[path = "limits/files.rs"]
mod files;
#[path = "limits/lab.rs"]
mod lab;
#[path = "limits/loopback.rs"]
mod loopback;
#[path = "limits/million.rs"]
mod million;
#[path = "../tests/it/support/relay.rs"]
mod relay;
#[path = "limits/server.rs"]
mod server;
#[path = "limits/signed.rs"]
mod signed;

const ALL: [&str; 8] = ["loopback", "signed", "distance", "million", "build", "dry-run", "ledger", "server"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["sink", kind] => return lab::serve(kind),
        ["bare", url, list, frozen] => return loopback::send_without_ledger(url, list, frozen),
        ["floor"] => return signed::measure_floor(),
        _ => {}
    }
    let number = |name: &str| {
        let at = words.iter().position(|word| *word == name)?;
        words.get(at + 1)?.parse::<u64>().ok()
    };
    let rounds = |usual: u64| number("--rounds").unwrap_or(usual);
    let letters = |usual: u64| number("--letters").unwrap_or(usual);
    let chosen: Vec<&str> = words.iter().copied().filter(|word| ALL.contains(word)).collect();
    lab::machine();
    for workload in if chosen.is_empty() { ALL.to_vec() } else { chosen } {
        match workload {
            "loopback" => loopback::throughput(letters(40_000), rounds(5)),
            "signed" => signed::signed(letters(10_000), rounds(5)),
            "distance" => distance::distance(letters(200), rounds(3)),
            "million" => million::million(letters(1_000_000), rounds(3)),
            "build" => files::build(rounds(11)),
            "dry-run" => files::dry_run(letters(10_000), rounds(5)),
            "server" => server::server(letters(40_000), rounds(5)),
            _ => loopback::ledger(letters(40_000), rounds(5)),
        }
    }
}
