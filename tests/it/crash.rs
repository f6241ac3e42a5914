//! The promise, proved by breaking it: the real program is killed at random moments, and what the relay took is compared
//! with what the ledger says.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{
    project::{LEAST, Project},
    relay::{At, Do, Relay, Script, When},
};

/// A scenario about one dispatch that is killed again and again.
struct Scenario {
    seed: u64,
    people: usize,
    connections: usize,
    /// Programs that send at the same time.
    senders: usize,
    script: Script,
    /// What else happens with each kill.
    then: Then,
    /// A fault planted into the ledger, as a trigger: the program runs unchanged on a ledger that forgets.
    fault: Option<&'static str>,
}

/// What happens beside a kill.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    Nothing,
    /// As far as the ledger can see, the machine has started again.
    PowerCut,
    /// The log of the dead sender is cut, zeroed or altered somewhere.
    DamagedLog,
}

/// What the scenarios add up to.
#[derive(Debug, Default)]
struct Figures {
    kills: usize,
    /// Kills while letters of a pre-committed claim were started, and those of them that were starts of the machine.
    kills_ahead: usize,
    power_cuts: usize,
    /// Kills after which such a log was damaged.
    damaged: usize,
    people: usize,
    accepted: usize,
    unconfirmed: usize,
    unconfirmed_but_taken: usize,
    failed: usize,
    /// The most memory that a sender had when it was killed; 0 where the system does not tell.
    memory_kb: u64,
}

/// Numbers that are the same for the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end.max(1)
    }
}

fn issue() -> &'static str {
    "---\ntitle: One\npreheader: The first of them\nnumber: 1\ndate: 2023-01-06\n---\n\n\
     Hello {{ subscriber.first_name | default(\"friend\") }}, this is a letter.\n"
}

pub(crate) fn project(people: usize, more_settings: &str) -> Project {
    project_in(Project::empty(), people, more_settings)
}

pub(crate) fn project_in(folder: Project, people: usize, more_settings: &str) -> Project {
    let mut list = String::from("email,first name\n");
    for number in 0..people {
        list.push_str(&format!("reader{number:06}@example{}.com,Reader {number}\n", number % 7));
    }
    let settings = format!(
        "{LEAST}\n[list]\npath = \"subscribers.csv\"\n[retry]\nfirst_wait = \"20ms\"\nwait_max = \"100ms\"\n{more_settings}"
    );
    folder.file("mimeo.toml", settings).file("subscribers.csv", list).file("issues/one.md", issue())
}

impl Scenario {
    fn settings(&self, relay: &Relay) -> String {
        format!(
            "[pace]\nadaptive = false\nbrake = {{ refusals_in_a_row = 0, share = 0 }}\n\
             [relay]\nurl = \"{}\"\nconnections = {}\n",
            relay.url(),
            self.connections,
        )
    }

    /// Kills until it has killed often enough or the dispatch is done, finishes the dispatch, and judges.
    fn run(self, kills_max: usize, figures: &mut Figures) {
        let relay = Relay::start(self.script.clone().without_bodies());
        let project = project(self.people, &self.settings(&relay));
        let start = || -> Child {
            let mut command: Command =
                project.mimeo(["-q", "send", "one", "--yes", "--first"]).into_command();
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        if let Some(fault) = self.fault {
            project.run(["-q", "send", "one", "--yes", "--first", "--limit", "1"]);
            let ledger = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
            ledger.execute_batch(fault).unwrap();
        }
        let mut dice = Dice::new(self.seed);
        let mut kills = 0;
        // So far apart that they fall upon most of the dispatch, and seldom beyond its end.
        let apart = (self.people * 3 / 2 / kills_max.max(1)).max(2) as u64;
        while kills < kills_max {
            let mut senders: Vec<Child> = (0..self.senders).map(|_| start()).collect();
            let mut victim = dice.below(self.senders as u64) as usize;
            let enough = relay.counters().accepted + dice.below(apart);
            let moment = Duration::from_micros(dice.below(3_000));
            let ended = loop {
                // One that found nothing to do is no victim while the other works.
                if senders[victim].try_wait().unwrap().is_some() {
                    match senders.iter_mut().position(|sender| sender.try_wait().unwrap().is_none()) {
                        Some(other) => victim = other,
                        None => break true,
                    }
                }
                if enough <= relay.counters().accepted {
                    let then = Instant::now();
                    while then.elapsed() < moment {
                        std::hint::spin_loop();
                    }
                    break false;
                }
                std::thread::yield_now();
            };
            if !ended {
                figures.memory_kb = figures.memory_kb.max(memory_kb(&senders[victim]));
                senders[victim].kill().unwrap();
                senders[victim].wait().unwrap();
                kills += 1;
                let is_ahead = begun_ahead(&project);
                figures.kills_ahead += usize::from(is_ahead);
                figures.power_cuts += usize::from(is_ahead && self.then == Then::PowerCut);
                figures.damaged += usize::from(is_ahead && self.then == Then::DamagedLog);
                if self.then == Then::DamagedLog {
                    logs(&project).iter().for_each(|log| damage(log, &mut dice));
                }
                if self.senders == 1 && dice.below(3) == 0 {
                    // Asking brings the dead sender's log into the ledger; otherwise the next one does.
                    self.judge_doubt(&project, kills);
                }
                if self.then == Then::PowerCut {
                    let ledger = rusqlite::Connection::open(project.path(".mimeo/ledger.db")).unwrap();
                    ledger.execute_batch("UPDATE workers SET boot = 'an earlier one'").unwrap();
                }
            }
            let alone = senders.len() == 1;
            for mut sender in senders {
                sender.wait().unwrap();
            }
            // Of two, one may only have found nothing to do. Kills after the last letter would prove nothing.
            if ended && (alone || is_done(&project)) {
                break;
            }
        }
        if kills > 0 && self.is_kind() && self.senders == 1 {
            self.judge_doubt(&project, kills);
        }
        // Deferred letters may ask for a few more runs.
        for _ in 0..20 {
            let code = start().wait().unwrap().code();
            if code == Some(0) || is_done(&project) {
                break;
            }
        }
        figures.kills += kills;
        self.judge(&project, &relay, kills, figures);
    }

    fn judge(&self, project: &Project, relay: &Relay, kills: usize, figures: &mut Figures) {
        let seed = self.seed;
        let mut taken: BTreeMap<String, usize> = BTreeMap::new();
        for recipient in relay.recipients() {
            *taken.entry(recipient).or_default() += 1;
        }
        let twice: Vec<_> = taken.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "seed {seed}: twice: {twice:?}");
        let state = |word: &str| addresses(project, word);
        let (accepted, unconfirmed, failed) = (state("accepted"), state("unconfirmed"), state("failed"));
        let taken: BTreeSet<String> = taken.into_keys().collect();
        let known: BTreeSet<String> = accepted.union(&unconfirmed).cloned().collect();
        let unknown: Vec<_> = taken.difference(&known).collect();
        assert!(unknown.is_empty(), "seed {seed}: taken, and the ledger does not know: {unknown:?}");
        let invented: Vec<_> = accepted.difference(&taken).collect();
        assert!(invented.is_empty(), "seed {seed}: accepted, and the relay does not know: {invented:?}");
        let counts = counts(project);
        assert_eq!(counts["planned"], self.people, "seed {seed}: {counts:?}");
        assert_eq!(counts["queued"] + counts["deferred"], 0, "seed {seed}: someone was skipped: {counts:?}");
        let sum: usize = counts.iter().filter(|(word, _)| *word != "planned").map(|(_, number)| number).sum();
        assert_eq!(sum, self.people, "seed {seed}: {counts:?}");
        self.judge_doubt(project, kills);
        figures.people += self.people;
        figures.accepted += taken.len();
        figures.unconfirmed += unconfirmed.len();
        figures.unconfirmed_but_taken += unconfirmed.intersection(&taken).count();
        figures.failed += failed.len();
    }

    /// Faults of the relay make unconfirmed letters of their own; without them only kills do, and not more than were under
    /// way. After a power cut, and where the log is not whole, it is the whole claim.
    fn judge_doubt(&self, project: &Project, kills: usize) {
        let most = kills * self.connections;
        let unconfirmed = counts(project)["unconfirmed"];
        if self.is_kind() && self.then == Then::Nothing {
            assert!(unconfirmed <= most, "seed {}: {unconfirmed} unconfirmed after {kills} kills", self.seed);
        }
    }

    fn is_kind(&self) -> bool {
        !format!("{:?}", self.script).contains("action")
    }
}

/// The peak so far, as Linux tells it.
fn memory_kb(process: &Child) -> u64 {
    let output = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap_or_default();
    let peak = output.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}

/// The logs that dead senders left.
fn logs(project: &Project) -> Vec<PathBuf> {
    let files = std::fs::read_dir(project.path(".mimeo/ledger.workers")).into_iter().flatten();
    let paths = files.flatten().map(|file| file.path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "log")).collect()
}

/// Whether a sender left a log in which something was started.
fn begun_ahead(project: &Project) -> bool {
    let is_started =
        |log: &PathBuf| std::fs::read_to_string(log).is_ok_and(|log| log.contains("{\"started\":"));
    logs(project).iter().any(is_started)
}

/// What is left of a log: cut in a line, at a page or at the end of a line, a page of zeros, or an altered bit.
fn damage(log: &Path, dice: &mut Dice) {
    const PAGE: usize = 4096;
    let mut bytes = std::fs::read(log).unwrap();
    if bytes.len() <= 8 {
        return;
    }
    let some = dice.below(bytes.len() as u64) as usize;
    let line_end = bytes[..bytes.len() - 1].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    match dice.below(6) {
        0 => bytes.truncate(bytes.len() - 5),
        1 => bytes.truncate(bytes.len() / PAGE * PAGE),
        2 => bytes.truncate(line_end),
        3 => bytes.truncate(bytes[..some].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1)),
        4 => {
            let end = (some / PAGE + 1) * PAGE;
            let end = end.min(bytes.len());
            bytes[some / PAGE * PAGE..end].fill(0);
        }
        _ => bytes[some.max(8)] ^= 1,
    }
    std::fs::write(log, bytes).unwrap();
}

fn is_done(project: &Project) -> bool {
    let counts = counts(project);
    0 < counts["planned"] && counts["queued"] + counts["deferred"] == 0
}

pub(crate) fn counts(project: &Project) -> BTreeMap<String, usize> {
    let output: Value =
        serde_json::from_str(&project.run(["status", "one", "--json"]).code(0).stdout).unwrap();
    // Nothing is reported of a dispatch whose opening was killed.
    let count = |word: &str| if output.is_null() { 0 } else { output[word].as_u64().unwrap() as usize };
    ["planned", "accepted", "queued", "deferred", "failed", "unconfirmed", "suppressed"]
        .into_iter()
        .map(|word| (word.to_owned(), count(word)))
        .collect()
}

pub(crate) fn addresses(project: &Project, state: &str) -> BTreeSet<String> {
    let ran = project.run(["status", "one", "--state", state, "--json"]).code(0);
    let output: Value = serde_json::from_str(&ran.stdout).unwrap();
    let rows = output["deliveries"].as_array().unwrap();
    rows.iter().map(|row| row["address"].as_str().unwrap().to_owned()).collect()
}

fn faulty() -> Script {
    with_faults(Script::new())
}

/// Behind the rules that a script has already.
pub(crate) fn with_faults(script: Script) -> Script {
    let chance = |at: At, chance: f64, action: Do| (at, When::Chance(chance), action);
    let rules = [
        chance(At::Greeting, 0.02, Do::SayAndClose("421 4.3.2 busy".into())),
        chance(At::Mail, 0.005, Do::Close),
        chance(At::Rcpt, 0.005, Do::Reset),
        chance(At::Rcpt, 0.02, Do::Say("450 4.2.0 later".into())),
        chance(At::Rcpt, 0.02, Do::Say("550 5.1.1 unknown".into())),
        chance(At::Data, 0.01, Do::SayAndClose("421 4.3.0 closing".into())),
        chance(At::Body, 0.005, Do::Close),
        chance(At::Dot, 0.005, Do::TakeAndClose),
        chance(At::Dot, 0.005, Do::TakeAndReset),
        chance(At::Dot, 0.01, Do::Say("451 4.3.0 later".into())),
        chance(At::Dot, 0.005, Do::Say("554 5.6.0 no".into())),
    ];
    rules.into_iter().fold(script, |script, (at, when, action)| script.rule(at, when, action))
}

/// Slow recipients, and connections that are lost between the 354 and the body: letters that were begun come back, and are
/// offered again while others are under way. For a few recipients both come together.
fn slow_and_giving_back() -> Script {
    let wait = |millis| Do::Wait(Duration::from_millis(millis));
    let closing = || Do::SayAndClose("354 go on\n421 4.3.2 shutting down".into());
    let mut script = Script::new();
    for unlucky in ["000177@", "000477@", "000777@"] {
        let nth = |n| When::ToNth(unlucky.to_owned(), n);
        script = script
            .rule(At::Data, nth(1), closing())
            .rule(At::Rcpt, nth(2), wait(300))
            .rule(At::Rcpt, nth(3), wait(350))
            .rule(At::Dot, nth(1), wait(400));
    }
    let chance = |at: At, chance: f64, action: Do| (at, When::Chance(chance), action);
    let rules = [
        chance(At::Data, 0.003, closing()),
        chance(At::Data, 0.002, Do::HalfClose),
        chance(At::Rcpt, 0.02, wait(20)),
        chance(At::Rcpt, 0.002, Do::HalfClose),
        chance(At::Dot, 0.02, wait(20)),
        chance(At::Dot, 0.001, Do::HalfClose),
    ];
    rules.into_iter().fold(script, |script, (at, when, action)| script.rule(at, when, action))
}

fn scenarios(seed: u64) -> Vec<Scenario> {
    let scenario = |n: u64, people, connections, senders, script: Script| Scenario {
        seed: seed + n,
        people,
        connections,
        senders,
        script: script.seed(seed + n),
        then: Then::Nothing,
        fault: None,
    };
    vec![
        scenario(0, 400, 1, 1, Script::new()),
        scenario(1, 600, 4, 1, Script::new()),
        scenario(2, 600, 8, 1, Script::new().without_pipelining()),
        scenario(3, 600, 2, 1, Script::new()),
        // More than one sender claims at a time, so that both have something to do.
        scenario(4, 1_100, 4, 2, Script::new()),
        scenario(5, 400, 4, 1, faulty()),
        scenario(6, 400, 3, 2, faulty()),
        scenario(7, 400, 2, 1, faulty()),
        Scenario { then: Then::PowerCut, ..scenario(8, 3_000, 4, 1, Script::new()) },
        // So many that kills fall upon pre-committed claims.
        scenario(9, 3_000, 8, 1, Script::new()),
        scenario(10, 2_000, 2, 1, Script::new()),
        scenario(11, 1_200, 8, 1, slow_and_giving_back()),
        scenario(12, 1_200, 6, 2, slow_and_giving_back()),
        Scenario { then: Then::DamagedLog, ..scenario(13, 3_000, 6, 1, Script::new()) },
    ]
}

/// Runs scenarios until there were so many kills.
fn run(kills: usize, seed: u64) -> Figures {
    let mut figures = Figures::default();
    let mut round = 0;
    while figures.kills < kills {
        // Every scenario once; after that, no more than are needed.
        for scenario in scenarios(seed + 100 * round) {
            if round == 0 || figures.kills < kills {
                scenario.run(12, &mut figures);
            }
        }
        round += 1;
        assert!(round < 1_000, "kills come too late to hit anything: {figures:?}");
    }
    figures
}

#[test]
fn killed_two_hundred_times_no_one_gets_it_twice_and_no_one_is_skipped() {
    let figures = run(200, 1);
    println!("{figures:?}");
    assert!(figures.unconfirmed > 0, "no kill hit a letter under way: {figures:?}");
    assert!(figures.power_cuts > 0, "no power cut hit a pre-committed claim: {figures:?}");
    assert!(figures.damaged > 0, "no log was damaged: {figures:?}");
    assert!(figures.power_cuts < figures.kills_ahead, "no kill hit one: {figures:?}");
}

#[test]
fn letters_that_come_back_after_the_354_go_out_once_though_recipients_are_slow() {
    for seed in 1..=2 {
        let script = slow_and_giving_back().seed(seed);
        let scenario = Scenario {
            seed,
            people: 1_200,
            connections: 10,
            senders: 1,
            script,
            then: Then::Nothing,
            fault: None,
        };
        scenario.run(0, &mut Figures::default());
    }
}

/// Kills a dispatch on a ledger with a fault until the judge has seen it, and returns what the judge said.
fn found_out(fault: &'static str) -> String {
    for seed in 1..=10 {
        let script = Script::new();
        let scenario = Scenario {
            seed,
            people: 400,
            connections: 8,
            senders: 1,
            script,
            then: Then::Nothing,
            fault: Some(fault),
        };
        let judged = std::panic::catch_unwind(|| scenario.run(12, &mut Figures::default()));
        if let Err(said) = judged {
            let said = said.downcast_ref::<String>().cloned().unwrap_or_default();
            // Something else may fail on a busy machine.
            if said.contains(&format!("seed {seed}: ")) {
                return said;
            }
        }
    }
    panic!("ten dispatches, killed twelve times each, showed nothing wrong")
}

#[test]
fn a_log_cut_or_altered_after_a_kill_lets_no_one_get_it_twice() {
    let mut figures = Figures::default();
    for seed in [21, 22] {
        let damaged = |scenario: &Scenario| scenario.then == Then::DamagedLog;
        scenarios(seed).into_iter().find(damaged).unwrap().run(12, &mut figures);
    }
    assert!(figures.damaged > 0, "no log was damaged: {figures:?}");
}

#[test]
fn a_ledger_that_retries_what_a_dead_sender_had_begun_is_found_out_by_kills() {
    let said = found_out(
        "CREATE TRIGGER fault AFTER UPDATE ON deliveries WHEN NEW.state = 'unconfirmed' BEGIN \
         UPDATE deliveries SET state = 'queued', due_at = 1 WHERE id = NEW.id; END",
    );
    assert!(said.contains("twice: [("), "{said}");
}

#[test]
fn a_ledger_that_forgets_beginnings_is_found_out_by_kills() {
    let said = found_out(
        "CREATE TRIGGER fault AFTER UPDATE ON deliveries WHEN NEW.state = 'begun' BEGIN \
         UPDATE deliveries SET state = 'claimed', begun_at = NULL WHERE id = NEW.id; END; \
         CREATE TRIGGER fault_with_a_claim AFTER INSERT ON deliveries WHEN NEW.state = 'begun' BEGIN \
         UPDATE deliveries SET state = 'claimed', begun_at = NULL WHERE id = NEW.id; END",
    );
    assert!(said.contains("twice: [("), "{said}");
}

#[test]
fn a_ledger_that_forgets_deliveries_is_found_out_by_kills() {
    let said = found_out(
        "CREATE TRIGGER fault AFTER UPDATE ON deliveries WHEN OLD.state = 'claimed' AND NEW.state = 'queued' BEGIN \
         UPDATE deliveries SET state = 'accepted', due_at = 0 WHERE id = NEW.id; END",
    );
    assert!(said.contains("accepted, and the relay does not know"), "{said}");
}

/// `cargo test --release --test it a_thousand_kills -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes; run by `just kill`"]
fn a_thousand_kills() {
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    println!("seed {seed}");
    let figures = run(1_000, seed);
    println!("{figures:?}; no one twice, no one missing");
}

/// `cargo test --release --test it a_hundred_thousand_people -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes; run by `just kill`"]
fn a_hundred_thousand_people_with_deferrals_and_refusals_and_twenty_kills() {
    let script = Script::new().rule(At::Rcpt, When::Chance(0.01), Do::Say("450 4.2.0 later".into())).rule(
        At::Rcpt,
        When::Chance(0.01),
        Do::Say("550 5.1.1 unknown".into()),
    );
    let began = Instant::now();
    let mut figures = Figures::default();
    let script = script.seed(7);
    let then = Then::Nothing;
    Scenario { seed: 7, people: 100_000, connections: 10, senders: 1, script, then, fault: None }
        .run(20, &mut figures);
    assert_eq!(figures.kills, 20);
    println!("{figures:?} in {:?}; no one twice, no one missing", began.elapsed());
}

/// A count while a sender may be working; 0 before anything was opened.
pub(crate) fn counts_if_any(project: &Project, word: &str) -> usize {
    let output = project.run(["status", "one", "--json"]).stdout;
    serde_json::from_str::<Value>(&output).ok().and_then(|output| output[word].as_u64()).unwrap_or(0) as usize
}
