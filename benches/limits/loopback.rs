//! On loopback, to our counting sink: the reference in C, nodemailer, and what the ledger costs.

use std::sync::{Arc, Mutex};

use mimeograph::{
    message::{Composer, Secrets},
    render::RenderedIssue,
    subscriber::{List, Row},
    transport::{Halt, Letter, LetterSource, Outcome, Permit, Relay, Smtp, Transport},
};

use crate::lab::{self, Goal, Newsletter, Sink, judge, print};

/// One core for a client, and the other for the sink, where a workload is about a core.
pub(crate) const CLIENT: &[&str] = &["taskset", "-c", "0"];
pub(crate) const SERVER: &[&str] = &["taskset", "-c", "1"];

/// B1 and B2: letters a second and processor time, unsigned, ledger included.
pub(crate) fn throughput(letters: u64, rounds: u64) {
    println!(
        "\nB1, B2: {letters} unsigned letters, 10 connections, ledger with synchronous=FULL, {rounds} rounds"
    );
    let newsletter = Newsletter::new(letters);
    let mut sink = Sink::start("near", &[]);
    newsletter.relay(&sink, 10, "");
    let has_reference = lab::is_here(lab::SMTP_SOURCE, "apt-get install postfix");
    let has_nodemailer = lab::has_nodemailer();
    let parts = newsletter.parts();
    let few = letters.min(2_000);
    let (mut ours, mut reference, mut peer) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        if has_reference {
            reference.push(lab::smtp_source(&sink, 10, letters, &[]));
            assert_eq!(sink.taken().letters, letters);
        }
        newsletter.forget();
        ours.push(newsletter.send(&[], &[]));
        assert_eq!(sink.taken().letters, letters);
        if has_nodemailer {
            peer.push(lab::nodemailer(&sink, 10, few, &parts, None, &[]));
            assert_eq!(sink.taken().letters, few);
        }
    }
    print("mimeo send, plan and all", "letters/s", ours.iter().map(|cost| cost.per_second(letters)));
    print("", "µs of processor a letter", ours.iter().map(|cost| cost.microseconds(letters)));
    if has_reference {
        print("smtp-source -d -s 10", "letters/s", reference.iter().map(|cost| cost.per_second(letters)));
        print("", "µs of processor a letter", reference.iter().map(|cost| cost.microseconds(letters)));
        let pairs = || ours.iter().zip(&reference);
        let ratios = pairs().map(|(ours, theirs)| theirs.seconds / ours.seconds);
        judge("B1 mimeo / smtp-source", "× the letters/s", Goal::AtLeast(1.5, 1.0), ratios);
        let ratios = pairs().map(|(ours, theirs)| ours.cpu / theirs.cpu);
        judge("B1 mimeo / smtp-source", "× the processor time", Goal::AtMost(1.0, 1.0), ratios);
    }
    if has_nodemailer {
        print("nodemailer's pool of 10", "letters/s", peer.iter().map(|cost| cost.per_second(few)));
        print("", "µs of processor a letter", peer.iter().map(|cost| cost.microseconds(few)));
        let pairs = ours.iter().zip(&peer);
        let ratios = pairs.map(|(ours, theirs)| ours.per_second(letters) / theirs.per_second(few));
        judge("B2 mimeo / nodemailer", "× the letters/s", Goal::AtLeast(100.0, 50.0), ratios);
    }
}

/// B10: the same letters from the same list to the same sink, with the ledger and without one.
pub(crate) fn ledger(letters: u64, rounds: u64) {
    println!(
        "\nB10: {letters} unsigned letters, 10 connections, with the ledger and without one, {rounds} rounds"
    );
    let newsletter = Newsletter::new(letters);
    let mut sink = Sink::start("near", &[]);
    newsletter.relay(&sink, 10, "");
    let frozen = newsletter.path().join("frozen.json");
    let myself = std::env::current_exe().unwrap().display().to_string();
    let (mut on, mut off) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        newsletter.forget();
        on.push(newsletter.send(&[], &[]));
        assert_eq!(sink.taken().letters, letters);
        if round == 0 {
            std::fs::write(&frozen, frozen_issue(&newsletter)).unwrap();
        }
        let list = newsletter.path().join("subscribers.csv").display().to_string();
        let words = [&myself, "bare", &sink.url, &list, &frozen.display().to_string()];
        off.push(lab::cost(&[], &words.map(|word| word as &str)));
        assert_eq!(sink.taken().letters, letters);
    }
    print("with the ledger", "letters/s", on.iter().map(|cost| cost.per_second(letters)));
    print("without", "letters/s", off.iter().map(|cost| cost.per_second(letters)));
    print("with the ledger", "µs of processor a letter", on.iter().map(|cost| cost.microseconds(letters)));
    print("without", "µs of processor a letter", off.iter().map(|cost| cost.microseconds(letters)));
    let ratios = on.iter().zip(&off).map(|(on, off)| on.cpu / off.cpu);
    judge(
        "B10 mimeo send / list, letters and transport",
        "× the processor time",
        Goal::AtMost(1.25, 1.5),
        ratios,
    );
}

/// The issue as the ledger has frozen it.
fn frozen_issue(newsletter: &Newsletter) -> Vec<u8> {
    let path = newsletter.path().join(".mimeo/ledger.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let ledger = mimeograph::ledger::Ledger::open(&path).unwrap();
        let record = ledger.find_dispatch("2022-12-30-the-long-walk").await.unwrap().expect("it was sent");
        ledger.rendered(record.id).await.unwrap().to_stored()
    })
}

/// Sends to everybody on a list, and writes nothing down.
pub(crate) fn send_without_ledger(url: &str, list: &str, frozen: &str) {
    let rendered = RenderedIssue::from_stored(&std::fs::read(frozen).unwrap()).unwrap();
    let composer = Composer::new(&rendered, Secrets::new([7; 32])).unwrap();
    let transport = Transport::Smtp(Smtp::new(Relay::parse(url).unwrap()).unwrap());
    let list = List::open(std::path::Path::new(list)).unwrap();
    let source = Pile { composer, list: Mutex::new(list), buffers: Mutex::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let (transport, source) = (Arc::new(transport), Arc::new(source));
        let connections: Vec<_> = (0..10)
            .map(|_| {
                let (transport, source) = (Arc::clone(&transport), Arc::clone(&source));
                tokio::spawn(async move { transport.run(&*source, Halt::never()).await })
            })
            .collect();
        for connection in connections {
            connection.await.unwrap().unwrap();
        }
    });
}

/// A source that reads the list and forgets everything.
struct Pile {
    composer: Composer,
    list: Mutex<List>,
    buffers: Mutex<Vec<Vec<u8>>>,
}

impl Pile {
    fn take(&self) -> Option<Letter<()>> {
        let row = self.list.lock().unwrap().next()?;
        let Row::Person { subscriber, .. } = row.unwrap() else { panic!("the list is in order") };
        let buffer = self.buffers.lock().unwrap().pop().unwrap_or_default();
        let message = self.composer.compose(&subscriber, buffer).unwrap();
        Some(Letter { ticket: (), message })
    }
}

impl LetterSource for Pile {
    type Ticket = ();

    async fn next(&self) -> Option<Letter<()>> {
        self.take()
    }

    fn next_now(&self) -> Option<Letter<()>> {
        self.take()
    }

    async fn begin(&self, (): &mut ()) -> Permit {
        Permit::Go
    }

    fn end(&self, letter: Letter<()>, outcome: Outcome) {
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
        self.buffers.lock().unwrap().push(letter.message.into_room());
    }

    fn give_back(&self, _: Letter<()>) {
        panic!("nothing goes wrong here");
    }
}
