//! Workers that send through two relays are killed while one of the relays goes down and comes back: no one gets it twice, and no one
//! is missing.

use std::{
    collections::BTreeSet,
    process::{Child, Stdio},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::{
    crash::{Dice, addresses, counts, project},
    pace::ledgers,
    support::{
        project::Project,
        relay::{At, Do, Relay, Script, When},
    },
};

/// Workers at the same time.
const WORKERS: usize = 2;

/// What the rounds add up to.
#[derive(Debug, Default)]
struct Figures {
    kills: usize,
    people: usize,
    unconfirmed: usize,
    /// Taken by the relay that stays, and by the one that goes down.
    taken: [usize; 2],
}

fn start(project: &Project) -> Child {
    let mut command = project.mimeo(["-q", "work"]).into_command();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// A relay that turns its first connection away, and takes its time with each letter.
fn late(seed: u64) -> Relay {
    let script = Script::new()
        .rule(At::Greeting, When::First(1), Do::SayAndClose("554 5.3.2 not yet".into()))
        .rule(At::Dot, When::Always, Do::Wait(Duration::from_millis(2)));
    Relay::start(script.seed(seed).without_bodies())
}

fn round(ledger: &str, seed: u64, people: usize, kills_max: usize, figures: &mut Figures) {
    let (steady, falling) = (late(seed), late(seed + 1));
    let section =
        |name: &str, url: &str| format!("[[relays]]\nname = \"{name}\"\nurl = \"{url}\"\nconnections = 1\n");
    let settings = format!(
        "{ledger}[pace]\nadaptive = false\nbrake = {{ refusals_in_a_row = 0, share = 0 }}\n{}{}",
        section("steady", &steady.url()),
        section("falling", &falling.url())
    );
    let project = project(people, &settings);
    project.run(["-q", "send", "one", "--yes", "--first"]).code(5);
    assert_eq!(counts(&project)["queued"], people, "no letter has left");
    let (mut dice, mut kills, mut turns) = (Dice::new(seed), 0, 0);
    let mut workers: Vec<Child> = Vec::new();
    let apart = (people / (kills_max + 2)).max(2) as u64;
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < Duration::from_secs(240), "seed {seed}: no end");
        workers.retain_mut(|worker| worker.try_wait().unwrap().is_none());
        let counted = counts(&project);
        if counted["queued"] + counted["deferred"] == 0 {
            break;
        }
        while workers.len() < WORKERS {
            workers.push(start(&project));
        }
        let accepted = || steady.counters().accepted + falling.counters().accepted;
        let enough = accepted() + 1 + dice.below(apart);
        let since = Instant::now();
        while accepted() < enough && since.elapsed() < Duration::from_secs(2) {
            std::thread::yield_now();
        }
        let quarters = accepted() as usize * 4 / people;
        if quarters > turns && turns < 2 {
            turns += 1;
            falling.set_down(turns == 1);
        } else if kills < kills_max {
            let mut victim = workers.swap_remove(dice.below(workers.len() as u64) as usize);
            kills += usize::from(victim.try_wait().unwrap().is_none());
            victim.kill().unwrap();
            victim.wait().unwrap();
        }
    }
    for mut worker in workers {
        worker.wait().unwrap();
    }
    assert!(turns > 0, "seed {seed}: the relay went down in the middle");
    let taken = [steady.recipients(), falling.recipients()];
    judge(&project, seed, people, kills, &taken, figures);
}

fn judge(
    project: &Project,
    seed: u64,
    people: usize,
    kills: usize,
    taken: &[Vec<String>; 2],
    figures: &mut Figures,
) {
    let all: Vec<&String> = taken.iter().flatten().collect();
    let each: BTreeSet<String> = all.iter().map(|one| (*one).clone()).collect();
    let twice = all.len() - each.len();
    assert_eq!(twice, 0, "seed {seed}: some got it twice");
    let (accepted, unconfirmed) = (addresses(project, "accepted"), addresses(project, "unconfirmed"));
    let invented: Vec<_> = accepted.difference(&each).collect();
    assert!(invented.is_empty(), "seed {seed}: accepted, and no relay knows: {invented:?}");
    let known: BTreeSet<String> = accepted.union(&unconfirmed).cloned().collect();
    let unknown: Vec<_> = each.difference(&known).collect();
    assert!(unknown.is_empty(), "seed {seed}: taken, and the ledger does not know: {unknown:?}");
    assert_eq!(known.len(), people, "seed {seed}: someone is missing");
    // What was under way: a letter of each connection of a worker that was killed, and of each to the relay that went down.
    let most = 2 * kills + WORKERS;
    assert!(unconfirmed.len() <= most, "seed {seed}: {} unconfirmed after {kills} kills", unconfirmed.len());
    figures.kills += kills;
    figures.people += people;
    figures.unconfirmed += unconfirmed.len();
    for (sum, taken) in figures.taken.iter_mut().zip(taken) {
        *sum += taken.len();
    }
}

#[test]
fn workers_killed_while_one_of_two_relays_goes_down_send_nothing_twice_and_skip_no_one() {
    let mut figures = Figures::default();
    for (number, ledger) in ledgers().into_iter().enumerate() {
        round(&ledger, 11 + number as u64, 700, 6, &mut figures);
    }
    println!("{figures:?}");
    assert!(figures.kills > 0, "all workers had ended before they were killed: {figures:?}");
    assert!(figures.taken.iter().all(|taken| *taken > 0), "a relay took nothing: {figures:?}");
}

/// `cargo test --release --test it five_hundred_kills_between -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes; run by `just kill-workers`"]
fn five_hundred_kills_between_two_relays() {
    let mut seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    println!("seed {seed}");
    let mut figures = Figures::default();
    while figures.kills < 500 {
        for ledger in ledgers() {
            seed += 2;
            round(&ledger, seed, 2_000, 20, &mut figures);
        }
    }
    println!("{figures:?}; no one twice, no one missing");
}
