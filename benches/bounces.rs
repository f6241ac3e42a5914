//! How fast messages that came back are read, and how long `mail-parser` alone takes for them.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]

use std::{fs, hint::black_box, path::Path, time::Instant};

use mail_parser::MessageParser;
use mimeograph::bounce::{self, Ours};

/// Messages of one round.
const MESSAGES: usize = 50_000;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bounces");
    let files = fs::read_dir(folder).expect("the fixtures").map(|entry| entry.expect("a file").path());
    let messages: Vec<Vec<u8>> = files
        .filter(|path| path.extension().is_some_and(|ending| ending == "eml"))
        .map(|path| fs::read(path).expect("a message"))
        .collect();
    let ours = Ours::default();
    let time = |read: &dyn Fn(&[u8])| {
        let start = Instant::now();
        messages.iter().cycle().take(MESSAGES).for_each(|message| read(message));
        start.elapsed().as_secs_f64()
    };
    for round in 1..=5 {
        let parser = time(&|message| drop(black_box(MessageParser::default().parse(message))));
        let whole = time(&|message| drop(black_box(bounce::read(message, &ours))));
        println!(
            "round {round}: {:.0} messages/s on one core; mail-parser alone {:.0}; ratio {:.2}",
            MESSAGES as f64 / whole,
            MESSAGES as f64 / parser,
            whole / parser
        );
    }
}
