//! B7: a million subscribers.

use std::fs;

use crate::lab::{Goal, Newsletter, Sink, judge, print};

pub(crate) fn million(people: u64, rounds: u64) {
    const FEW: u64 = 10_000;
    println!(
        "\nB7: {people} subscribers against {FEW}, 10 connections, ledger with synchronous=FULL, {rounds} rounds"
    );
    let newsletter = Newsletter::new(FEW);
    let mut sink = Sink::start("near", &[]);
    newsletter.relay(&sink, 10, "");
    let (mut few, mut many, mut first, mut ledger) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        newsletter.list(FEW);
        newsletter.forget();
        few.push(newsletter.send(&[], &[]));
        assert_eq!(sink.taken().letters, FEW);
        newsletter.list(people);
        newsletter.forget();
        let cost = newsletter.send(&[], &[]);
        let taken = sink.taken();
        assert_eq!(taken.letters, people);
        first.push(taken.first - cost.began);
        many.push(cost);
        ledger.push(fs::metadata(newsletter.path().join(".mimeo/ledger.db")).unwrap().len() as f64 / 1e6);
    }
    print("letters a second, plan and all", "letters/s", many.iter().map(|cost| cost.per_second(people)));
    print("the ledger's file", "MB", ledger);
    judge("B7 peak memory", "MiB", Goal::AtMost(32.0, 64.0), many.iter().map(|cost| cost.peak_mib));
    judge("B7 the first letter was taken after", "s", Goal::AtMost(2.0, 2.0), first);
    print("a letter of the million", "µs of processor", many.iter().map(|cost| cost.microseconds(people)));
    print("a letter of ten thousand", "µs of processor", few.iter().map(|cost| cost.microseconds(FEW)));
    let pairs = many.iter().zip(&few);
    let ratios = pairs.map(|(many, few)| many.microseconds(people) / few.microseconds(FEW));
    judge("B7 of the million / of ten thousand", "× the processor time", Goal::AtMost(1.1, 1.25), ratios);
}
