//! A worker whose machine is cut off from database and relay: two network namespaces, and the link of one goes down.

use std::{
    collections::BTreeSet,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use mimeograph::ledger::{Ledger, OpenOptions, State};

use crate::{
    crash::project,
    support::{
        cutting_proxy::on_network,
        postgres::{Cluster, location},
        project::Project,
        relay::{At, Do, Relay, Script, When},
        skip,
    },
};

fn ip(line: &str) -> bool {
    let done = Command::new("ip").args(line.split(' ')).stderr(Stdio::null()).status();
    done.is_ok_and(|status| status.success())
}

/// Two machines, each with a link to this one.
struct Machines {
    number: u32,
}

impl Machines {
    /// Says so and returns `None` where network namespaces are not permitted.
    fn new() -> Option<Self> {
        // A run that was killed has left its namespaces, and another one may be under way: they keep their numbers.
        let numbers = (0..20).map(|more| (std::process::id() + more) % 200 + 20);
        let made =
            numbers.filter(|number| ip(&format!("netns add mimeo-{number}-1"))).find_map(Self::numbered);
        if made.is_none() {
            skip("network namespaces are not permitted");
        }
        made
    }

    /// Of which the first namespace was just made.
    fn numbered(number: u32) -> Option<Self> {
        let this = Self { number };
        let is_made = (1..=2).all(|machine| {
            let (name, link) = (this.name(machine), this.link(machine));
            let net = format!("10.{}.{machine}", this.number);
            let is_new = machine == 1 || ip(&format!("netns add {name}"));
            let lines = [
                format!("link add {link} type veth peer name eth0 netns {name}"),
                format!("addr add {net}.1/24 dev {link}"),
                format!("link set {link} up"),
                format!("-n {name} addr add {net}.2/24 dev eth0"),
                format!("-n {name} link set eth0 up"),
                format!("-n {name} link set lo up"),
                format!("-n {name} route add default via {net}.1"),
            ];
            is_new && lines.iter().all(|line| ip(line))
        });
        is_made.then_some(this)
    }

    fn name(&self, machine: usize) -> String {
        format!("mimeo-{}-{machine}", self.number)
    }

    fn link(&self, machine: usize) -> String {
        format!("mimeo{}-{machine}", self.number)
    }

    /// An address of this machine that both reach.
    fn address(&self) -> String {
        format!("10.{}.1.1", self.number)
    }

    /// A command on one of them.
    fn on(&self, machine: usize, command: &Command) -> Child {
        let name = self.name(machine);
        let mut inside = Command::new("ip");
        inside.args(["netns", "exec", &name]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        inside.current_dir(command.get_current_dir().unwrap());
        inside.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        for machine in 1..=2 {
            ip(&format!("netns del {}", self.name(machine)));
        }
    }
}

#[test]
fn a_worker_that_is_cut_off_sends_nothing_that_another_has_taken_over() {
    let Some(cluster) = Cluster::shared() else { return };
    let Some(machines) = Machines::new() else { return };
    let script = Script::new()
        .rule(At::Greeting, When::First(1), Do::SayAndClose("554 5.3.2 not yet".into()))
        .rule(At::Dot, When::Every(5), Do::Wait(Duration::from_millis(30)))
        .without_bodies();
    let address = machines.address();
    let relay = Relay::start_on(&format!("{address}:0"), script);
    let database = cluster.database();
    let straight = cluster.url(&database);
    let port = on_network(&address, cluster.folder());
    let url = format!("postgres://postgres@{address}:{port}/{database}?sslmode=disable&lease=1");
    let people = 900;
    let settings = format!(
        "[ledger]\nurl = \"{straight}\"\n[pace]\nadaptive = false\n[relay]\nurl = \"{}\"\nconnections = 1\n",
        relay.url()
    );
    let project = project(people, &settings);
    project.run(["-q", "send", "one", "--yes", "--first"]).code(5);
    let homes = [Project::empty(), Project::empty()];
    let secrets = project.path(".mimeo");
    let start = |machine: usize| {
        let arguments = ["-q", "work", "--watch", "--ledger", &url, "--secrets", secrets.to_str().unwrap()];
        machines.on(machine, &homes[machine - 1].mimeo(arguments).into_command())
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let marks = OpenOptions { marks: Some(project.path("marks")), ..OpenOptions::default() };
    let ledger = Ledger::open_with(location(&straight), &marks).unwrap();
    let dispatch = runtime.block_on(ledger.find_dispatch("one")).unwrap().unwrap().id;
    let began = Instant::now();
    let wait_for = |what: &str, is_so: &dyn Fn() -> bool| {
        while !is_so() {
            assert!(began.elapsed() < Duration::from_secs(120), "{what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let attempts = || runtime.block_on(ledger.worker_shares(dispatch)).unwrap();
    let cut_off = start(2);
    // It has claimed many more by then.
    wait_for("it works", &|| attempts().iter().any(|share| share.attempts > 20));
    assert!(ip(&format!("link set {} down", machines.link(2))));
    let mut workers = [start(1), cut_off];
    // The other one takes over what the lease that has run out had held.
    wait_for("everything is settled", &|| runtime.block_on(ledger.tally(dispatch)).unwrap().owed() == 0);
    assert!(ip(&format!("link set {} up", machines.link(2))));
    // What it had not started of a pre-committed claim was in doubt as long as it could not say so. Two connections, and a reply on its
    // way for each, stay.
    wait_for("no more is in doubt than was under way", &|| {
        let tally = runtime.block_on(ledger.tally(dispatch)).unwrap();
        tally.owed() == 0 && tally.unconfirmed <= 4
    });
    for worker in &mut workers {
        let pid = worker.id().to_string();
        drop(Command::new("kill").args(["-INT", &pid]).status());
    }
    let end = Instant::now();
    for worker in &mut workers {
        while worker.try_wait().unwrap().is_none() && end.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = worker.kill();
        let _ = worker.wait();
    }
    // It may have said so only as it ended.
    project.run(["-q", "work"]);
    let mut taken = relay.recipients();
    let letters = taken.len();
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), letters, "a letter was sent twice");
    let rows = runtime.block_on(ledger.deliveries(dispatch, None).collect()).unwrap();
    let of = |state: State| -> BTreeSet<String> {
        let rows = rows.iter().filter(|row| row.state == state);
        rows.map(|row| row.address.expose().to_owned()).collect()
    };
    let (accepted, unconfirmed) = (of(State::Accepted), of(State::Unconfirmed));
    assert_eq!(accepted.len() + unconfirmed.len(), people, "someone is missing");
    assert!(accepted.iter().all(|one| taken.binary_search(one).is_ok()), "accepted, and the relay has none");
    assert!(taken.iter().all(|one| accepted.contains(one) || unconfirmed.contains(one)));
}
