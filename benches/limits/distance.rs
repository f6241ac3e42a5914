//! B4, B6: one connection over a line of 50 ms there and back, between two hosts made of network namespaces and TUN
//! devices (`benches/distance/delay.py`; needs root).

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use crate::lab::{self, Goal, Newsletter, ROOT, Sink, judge, print};

const NEAR: &[&str] = &["ip", "netns", "exec", "mimeo-near"];
const FAR: &[&str] = &["ip", "netns", "exec", "mimeo-far"];

/// The line; it is taken down with this value.
struct Line(Child);

impl Line {
    fn start() -> Option<Self> {
        let mut child = Command::new("python3")
            .args([&format!("{ROOT}/benches/distance/delay.py"), "25"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let mut said = String::new();
        BufReader::new(child.stdout.take()?).read_line(&mut said).ok()?;
        if said.trim() == "ready" {
            return Some(Self(child));
        }
        let _ = child.kill();
        let _ = child.wait();
        None
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

pub(crate) fn distance(letters: u64, rounds: u64) {
    println!("\nB4, B6: {letters} letters, one connection, 50 ms there and back, {rounds} rounds");
    let Some(_line) = Line::start() else {
        println!("  SKIPPED: no line: it needs root, iproute2 and /dev/net/tun");
        return;
    };
    let newsletter = Newsletter::new(letters);
    newsletter.settings("");
    let parts = newsletter.parts();
    let mut sink = Sink::start("far", FAR);
    let has_reference = lab::is_here(lab::SMTP_SOURCE, "apt-get install postfix");
    let has_nodemailer = lab::has_nodemailer();
    let (mut ahead, mut reference, mut peer) = (Vec::new(), Vec::new(), Vec::new());
    let few = letters.min(60);
    for _ in 0..rounds {
        if has_reference {
            reference.push(lab::smtp_source(&sink, 1, few, NEAR));
            assert_eq!(sink.taken().letters, few);
        }
        newsletter.relay(&sink, 1, "");
        newsletter.list(letters);
        newsletter.forget();
        ahead.push(newsletter.send(NEAR, &[]));
        assert_eq!(sink.taken().letters, letters);
        if has_nodemailer {
            peer.push(lab::nodemailer(&sink, 1, few, &parts, None, NEAR));
            assert_eq!(sink.taken().letters, few);
        }
    }
    print("mimeo send, one ahead", "letters/s", ahead.iter().map(|cost| cost.per_second(letters)));
    if has_reference {
        print("smtp-source -d -s 1", "letters/s", reference.iter().map(|cost| cost.per_second(few)));
        let pairs = ahead.iter().zip(&reference);
        let ratios = pairs.map(|(ours, theirs)| ours.per_second(letters) / theirs.per_second(few));
        judge("B4 mimeo / smtp-source", "× the letters/s", Goal::AtLeast(3.4, 3.0), ratios);
    }
    if has_nodemailer {
        print("nodemailer's pool of 1", "letters/s", peer.iter().map(|cost| cost.per_second(few)));
        let pairs = ahead.iter().zip(&peer);
        let ratios = pairs.map(|(ours, theirs)| ours.per_second(letters) / theirs.per_second(few));
        judge("B4 mimeo / nodemailer", "× the letters/s", Goal::AtLeast(1.8, 1.6), ratios);
    }
    drop(sink);
    refusals(&newsletter, letters, rounds);
}

fn refusals(newsletter: &Newsletter, letters: u64, rounds: u64) {
    let mut willing = Sink::start("far-tls", FAR);
    let mut refusing = Sink::start("far-tls-refusing", FAR);
    newsletter.list(letters);
    let (mut without, mut with, mut connections) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        newsletter.relay(&willing, 1, "");
        newsletter.forget();
        without.push(newsletter.send(NEAR, &[]));
        let taken = willing.taken();
        assert_eq!(taken.letters, letters);
        newsletter.relay(&refusing, 1, "");
        newsletter.forget();
        with.push(newsletter.send(NEAR, &[]));
        let refused = refusing.taken();
        assert_eq!(refused.letters, letters - letters / 50);
        connections.push((taken.connections, refused.connections));
    }
    print(
        "STARTTLS and login, no one refused",
        "letters/s",
        without.iter().map(|cost| cost.per_second(letters)),
    );
    print("STARTTLS and login, 2 % refused", "letters/s", with.iter().map(|cost| cost.per_second(letters)));
    let ratios = with.iter().zip(&without).map(|(with, without)| with.seconds / without.seconds);
    judge("B6 with refusals / without", "× the time", Goal::AtMost(1.1, 1.1), ratios);
    println!("  connections without and with refusals: {connections:?}");
}
