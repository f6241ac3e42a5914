//! Limits hold for all senders of a ledger together: real processes, a relay that notes when it took what, both databases.

use std::{
    process::{Child, Stdio},
    time::Duration,
};

use crate::{
    crash::{counts, project, project_in},
    support::{
        postgres::Cluster,
        project::Project,
        relay::{At, Do, Relay, Script, When},
        until, within_one_day,
    },
};

/// Where the ledger is, in words of the settings: a file, and a server where there is one.
pub(crate) fn ledgers() -> Vec<String> {
    let server = Cluster::shared()
        .map(|cluster| format!("[ledger]\nurl = \"{}\"\n", cluster.url(&cluster.database())));
    [Some(String::new()), server].into_iter().flatten().collect()
}

/// A newsletter whose dispatch is open, and of which no letter has left.
fn opened(relay: &Relay, people: usize, settings: &str) -> Project {
    let relay = format!("[relay]\nurl = \"{}\"\nconnections = 1\n", relay.url());
    let project = project_in(Project::in_memory(), people, &format!("{settings}\n{relay}"));
    project.run(["send", "one", "--yes", "--first"]).code(5);
    project
}

fn relay() -> Relay {
    let turn_away = Do::SayAndClose("554 5.3.2 not yet".into());
    Relay::start(Script::new().without_bodies().rule(At::Greeting, When::First(1), turn_away))
}

fn worker(project: &Project) -> Child {
    let mut command = project.mimeo(["work", "-q"]).into_command();
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// When the letters to these recipients were taken, in seconds since the first.
pub(crate) fn times(relay: &Relay, to: &str) -> Vec<f64> {
    let letters = relay.accepted();
    let mut times: Vec<_> = letters.iter().filter(|one| one.to.contains(to)).map(|one| one.at).collect();
    times.sort();
    times.iter().map(|at| at.duration_since(times[0]).unwrap().as_secs_f64()).collect()
}

/// No second has more than the limit (and what a busy machine took late), and the whole is not far slower than it has to be: how near it
/// comes depends on what else the machine does, and is for benchmarks.
#[track_caller]
fn check_rate(times: &[f64], per_second: usize) {
    let most = per_second + (per_second / 5).max(4);
    for (first, from) in times.iter().enumerate() {
        let letters = times[first..].iter().take_while(|at| **at < from + 1.0).count();
        assert!(letters <= most, "{letters} letters in the second from {from}");
    }
    let took = times[times.len() - 1];
    let rate = (times.len() - per_second) as f64 / took;
    println!("{} letters in {took:.2} s: {rate:.1} a second, of {per_second}", times.len());
    assert!(rate <= per_second as f64, "{rate}: faster than the limit");
    assert!(rate >= per_second as f64 * 0.6, "{rate} of {per_second}: far slower than it has to be");
}

fn check(workers: usize, people: usize, per_second: usize) {
    for ledger in ledgers() {
        let relay = relay();
        let settings =
            format!("{ledger}[pace]\nadaptive = false\nper_second = {per_second}\nper_hour = 100000\n");
        let project = opened(&relay, people, &settings);
        let mut running: Vec<Child> = (0..workers).map(|_| worker(&project)).collect();
        for child in &mut running {
            // One that ends first leaves letters to the other.
            assert!(matches!(child.wait().unwrap().code(), Some(0 | 4)));
        }
        assert_eq!(counts(&project)["accepted"], people);
        // One was turned away when the dispatch was opened.
        assert!(relay.counters().connections > workers.min(2) as u64, "more than one of them took part");
        check_rate(&times(&relay, ""), per_second);
    }
}

#[test]
fn one_worker_keeps_a_rate() {
    check(1, 250, 40);
}

#[test]
fn two_workers_together_keep_a_rate() {
    check(2, 320, 40);
}

#[test]
fn four_workers_together_keep_a_rate() {
    check(4, 480, 60);
}

#[test]
fn a_rate_for_one_domain_is_shared_and_holds_up_no_other() {
    for ledger in ledgers() {
        let relay = relay();
        let settings = format!(
            "{ledger}[pace]\nadaptive = false\n[pace.per_domain]\n\"example1.com\" = {{ per_second = 6 }}\n"
        );
        let project = opened(&relay, 420, &settings);
        let mut workers = [worker(&project), worker(&project)];
        for child in &mut workers {
            child.wait().unwrap();
        }
        // One that waits for the domain's limit may leave the rest to the other.
        project.run(["work", "-q"]).code(0);
        assert_eq!(counts(&project)["accepted"], 420);
        let limited = times(&relay, "@example1.com");
        check_rate(&limited, 6);
        let others = times(&relay, "@example2.com");
        assert!(others[others.len() - 1] < limited[limited.len() - 1], "{others:?} and {limited:?}");
    }
}

#[test]
fn the_letters_of_a_day_are_shared_and_a_killed_worker_s_part_is_not_sent_twice() {
    for ledger in ledgers() {
        within_one_day();
        let relay = relay();
        let settings = format!("{ledger}[pace]\nadaptive = false\nwarm_up = [200, 200]\n");
        let project = opened(&relay, 500, &settings);
        let mut workers = [worker(&project), worker(&project), worker(&project)];
        until("letters", || relay.counters().accepted >= 60 || workers[0].try_wait().unwrap().is_some());
        workers[0].kill().unwrap();
        for child in &mut workers {
            child.wait().unwrap();
        }
        project.run(["work", "-q"]).code(5);
        let taken = relay.recipients().len();
        // What the killed one was granted and did not send is lost for the day.
        assert!((190..=200).contains(&taken), "{taken}");
    }
}

#[test]
fn what_a_relay_showed_is_in_the_ledger_and_an_old_file_is_read_once() {
    for ledger in ledgers() {
        let relay = Relay::start(Script::new().connections_max(2));
        // What connections are good for shows after seconds, however fast the machine is.
        let settings = format!(
            "{ledger}[pace]\nper_second = 700\n[relay]\nurl = \"{}\"\nconnections = 6\n",
            relay.url()
        );
        let project = project(3_000, &settings);
        project.run(["send", "one", "--yes", "--first"]).code(0);
        let turned_away = relay.counters().connections - 2;
        assert!(turned_away > 0);
        assert!(!project.path(".mimeo/relays.json").exists());
        // A file of an earlier version about another relay.
        let old = relay.url().replace("?tls=none", "").replace(&relay.port().to_string(), "4");
        let now = jiff::Timestamp::now();
        project.write(
            ".mimeo/relays.json",
            format!("{{\"{old}\": {{\"connections\": 3, \"learned\": \"{now}\"}}}}"),
        );
        let list = project.read("subscribers.csv");
        project.write(
            "subscribers.csv",
            format!("{list}{}", (0..200).map(|n| format!("new{n}@example.com,N\n")).collect::<String>()),
        );
        relay.reset();
        project.run(["send", "one", "--yes"]).code(0);
        // One that the relay has not seen ending yet may count beside two.
        let peak = relay.counters().connections_peak;
        assert!((2..=3).contains(&peak), "{peak}: it is known from the run before");
        assert!(!project.path(".mimeo/relays.json").exists(), "taken over");
    }
}

/// Nothing here may wait for long.
#[test]
fn a_sender_without_limits_asks_for_none() {
    let relay = Relay::start(Script::new().counting_only());
    let project = project(2_000, &format!("[relay]\nurl = \"{}\"\n", relay.url()));
    let started = std::time::Instant::now();
    project.run(["send", "one", "--yes", "--first"]).code(0);
    assert!(started.elapsed() < Duration::from_secs(20));
    let ledger = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
    let sql = "SELECT count(*) FROM shared_values WHERE name LIKE 'pace%'";
    assert_eq!(ledger.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}
