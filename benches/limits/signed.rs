//! B3: what a signed letter costs beside its signature and its hash, which it cannot cost less than.

use std::{fs, hint::black_box, time::Instant};

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::RSA_PKCS1_SHA256,
};

use crate::{
    lab::{self, Goal, MIMEO, Newsletter, Sink, cost, judge, print},
    loopback::{CLIENT, SERVER},
};

pub(crate) fn signed(letters: u64, rounds: u64) {
    println!(
        "\nB3: {letters} letters signed with RSA-2048, 10 connections, ledger included, {rounds} rounds"
    );
    let newsletter = Newsletter::new(letters);
    let mut sink = Sink::start("near", SERVER);
    newsletter.relay(&sink, 10, "");
    let folder = newsletter.path().display().to_string();
    cost(&[], &[MIMEO, "-C", &folder, "keygen", "--domain", "letters.example.org", "--selector", "bench"]);
    let key = fs::read_dir(newsletter.path().join(".mimeo"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "pem"))
        .expect("keygen wrote a key");
    let kept = newsletter.path().join("bench.pem");
    fs::copy(&key, &kept).unwrap();
    let dkim =
        "[dkim]\ndomain = \"letters.example.org\"\nselector = \"bench\"\nkey = { file = \"bench.pem\" }\n";
    newsletter.relay(&sink, 10, dkim);
    let has_nodemailer = lab::has_nodemailer();
    let parts = newsletter.parts();
    let few = letters.min(600);
    let (mut one_core, mut two_cores, mut floors, mut peer) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        floors.push(floor());
        newsletter.forget();
        one_core.push(newsletter.send(CLIENT, &[]));
        assert_eq!(sink.taken().letters, letters);
        newsletter.forget();
        two_cores.push(newsletter.send(&[], &[]));
        assert_eq!(sink.taken().letters, letters);
        if has_nodemailer {
            peer.push(lab::nodemailer(&sink, 10, few, &parts, Some(&kept), CLIENT));
            assert_eq!(sink.taken().letters, few);
        }
    }
    print("RSA-2048 and SHA-256 of 60 KB alone", "µs", floors.iter().copied());
    print(
        "mimeo send on one core",
        "µs of processor a letter",
        one_core.iter().map(|cost| cost.microseconds(letters)),
    );
    print("mimeo send on one core", "letters/s", one_core.iter().map(|cost| cost.per_second(letters)));
    print("mimeo send on two cores", "letters/s", two_cores.iter().map(|cost| cost.per_second(letters)));
    let shares = floors.iter().zip(&one_core).map(|(floor, cost)| floor / cost.microseconds(letters));
    judge("B3 signature and hash / all", "of the processor time", Goal::AtLeast(0.85, 0.75), shares);
    let ratios = one_core.iter().zip(&two_cores).map(|(one, two)| one.seconds / two.seconds);
    judge("B3 two cores / one", "× the letters/s", Goal::AtLeast(1.7, 1.5), ratios);
    if has_nodemailer {
        print(
            "nodemailer with its DKIM, one core",
            "letters/s",
            peer.iter().map(|cost| cost.per_second(few)),
        );
        let pairs = one_core.iter().zip(&peer);
        let ratios = pairs.map(|(ours, theirs)| ours.per_second(letters) / theirs.per_second(few));
        judge("B3 mimeo / nodemailer with DKIM", "× the letters/s", Goal::AtLeast(10.0, 7.0), ratios);
    }
}

/// Microseconds of one signature and one hash, on the core that the client has.
fn floor() -> f64 {
    let myself = std::env::current_exe().unwrap().display().to_string();
    let out =
        std::process::Command::new(CLIENT[0]).args(&CLIENT[1..]).args([&myself, "floor"]).output().unwrap();
    String::from_utf8_lossy(&out.stdout).trim().parse().expect("a number")
}

/// Prints it.
pub(crate) fn measure_floor() {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let letter = vec![b'x'; 59_000];
    let mut signature = vec![0; key.public_modulus_len()];
    let random = SystemRandom::new();
    let batches = (0..9).map(|_| {
        let start = Instant::now();
        for _ in 0..300 {
            black_box(digest(&SHA256, black_box(&letter)));
            key.sign(&RSA_PKCS1_SHA256, &random, black_box(&letter[..1500]), &mut signature).unwrap();
        }
        start.elapsed().as_secs_f64() * 1e6 / 300.0
    });
    println!("{}", lab::spread(batches).median);
}
