//! Everything a relay can do wrong, met by the real program on a whole dispatch: who got the issue, who did not, and what
//! the ledger says of it. What each fault does to one conversation is in `transport/faults.rs`.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    crash::{addresses, counts, project},
    support::relay::{At, Certificate, Do, Relay, Script, When},
};

/// So many people are owed the issue in each of these scenarios.
const PEOPLE: usize = 12;

/// How a scenario ends.
#[derive(Clone, Copy)]
enum End {
    /// Everybody has it.
    All,
    /// So many were refused for good; the others have it.
    Failed(usize),
    /// So many are unconfirmed; the others have it.
    Unconfirmed(usize),
    /// The run stopped, with this in its message, and everybody is still queued.
    None(&'static str),
}

struct Scenario {
    name: String,
    script: Script,
    end: End,
    /// More for `[relay]`, after its address.
    settings: &'static str,
    login: &'static str,
    /// The relay saw so many connections and no more.
    connections: Option<u64>,
    trust: bool,
}

fn scenario(name: impl Into<String>, script: Script, end: End) -> Scenario {
    Scenario {
        name: name.into(),
        script,
        end,
        settings: "connections = 1",
        login: "",
        connections: None,
        trust: true,
    }
}

impl Scenario {
    fn settings(self, settings: &'static str) -> Self {
        Self { settings, ..self }
    }

    fn on_connections(self, count: u64) -> Self {
        Self { connections: Some(count), ..self }
    }

    fn login(self) -> Self {
        Self { login: "bob", ..self }
    }

    fn without_trust(self) -> Self {
        Self { trust: false, ..self }
    }

    fn run(self) {
        let name = &self.name;
        let relay = Relay::start(self.script);
        let trust = match relay.ca_file() {
            Some(path) if self.trust => format!("ca_file = \"{}\"\n", path.display()),
            _ => String::new(),
        };
        let project = project(
            PEOPLE,
            &format!(
                "[pace]\nadaptive = false\n[relay]\nurl = \"{}\"\n{trust}{}\n",
                relay.url_with_login(self.login),
                self.settings
            ),
        );
        let ran = project
            .mimeo(["send", "one", "--yes", "--first"])
            .env("MIMEO_RELAY_PASSWORD", if self.login.is_empty() { "" } else { "hunter2" })
            .run();
        let (code, failed, unconfirmed, queued) = match self.end {
            End::All => (0, 0, 0, 0),
            End::Failed(count) => (4, count, 0, 0),
            End::Unconfirmed(count) => (4, 0, count, 0),
            End::None(why) => {
                assert!(ran.stderr.contains(why), "{name}: no {why:?} in {ran}");
                (5, 0, 0, PEOPLE)
            }
        };
        assert_eq!(ran.code, Some(code), "{name}: {ran}");
        let counts = counts(&project);
        let accepted = PEOPLE - failed - unconfirmed - queued;
        for (word, expected) in [
            ("planned", PEOPLE),
            ("accepted", accepted),
            ("queued", queued),
            ("deferred", 0),
            ("failed", failed),
            ("unconfirmed", unconfirmed),
        ] {
            assert_eq!(counts[word], expected, "{name}: {word} in {counts:?}");
        }
        // What the relay took is what the ledger says, no one twice.
        let mut taken = BTreeMap::<String, usize>::new();
        for recipient in relay.recipients() {
            *taken.entry(recipient).or_default() += 1;
        }
        assert!(taken.values().all(|times| *times == 1), "{name}: twice: {taken:?}");
        let (accepted, unconfirmed) = (addresses(&project, "accepted"), addresses(&project, "unconfirmed"));
        assert!(accepted.iter().all(|who| taken.contains_key(who)), "{name}: invented");
        assert!(
            taken.keys().all(|who| accepted.contains(who) || unconfirmed.contains(who)),
            "{name}: unknown"
        );
        if let Some(expected) = self.connections {
            assert_eq!(relay.counters().connections, expected, "{name}");
        }
    }
}

fn nth(at: At, action: Do) -> Script {
    Script::new().rule(at, When::Nth(if at < At::Mail { 1 } else { 3 }), action)
}

fn say(reply: &str) -> Do {
    Do::Say(reply.to_owned())
}

#[test]
fn it_drops_the_connection() {
    for (at, end) in [
        (At::Greeting, End::All),
        (At::Ehlo, End::All),
        (At::Mail, End::All),
        (At::Rcpt, End::All),
        (At::Data, End::All),
        (At::Body, End::Unconfirmed(1)),
        (At::Dot, End::Unconfirmed(1)),
    ] {
        for action in [Do::Close, Do::Reset] {
            scenario(format!("{action:?} at {at:?}"), nth(at, action), end).on_connections(2).run();
        }
    }
    for action in [Do::TakeAndClose, Do::TakeAndReset] {
        scenario(format!("{action:?}"), nth(At::Dot, action), End::Unconfirmed(1)).run();
    }
}

#[test]
fn it_says_421_at_every_stage() {
    for at in [At::Greeting, At::Ehlo, At::Mail, At::Rcpt, At::Data, At::Dot] {
        for script in [Script::new(), Script::new().without_pipelining()] {
            let closing = Do::SayAndClose("421 4.3.2 closing".into());
            let script = script.rule(at, When::Nth(if at < At::Mail { 1 } else { 3 }), closing);
            scenario(format!("421 at {at:?}"), script, End::All).run();
        }
    }
}

#[test]
fn it_refuses_for_now_and_then_takes_the_letter() {
    for reply in ["450 4.2.0 greylisted", "451 4.3.0 later", "452 4.3.1 full", "454 4.7.0 throttled"] {
        for at in [At::Rcpt, At::Dot] {
            let script = Script::new().rule(at, When::FirstForEach(2), say(reply));
            scenario(format!("{reply} at {at:?}"), script, End::All).run();
        }
    }
}

#[test]
fn one_refused_recipient_between_good_ones_costs_no_connection() {
    for reply in ["550 5.1.1 unknown", "552 5.2.2 full", "554 5.4.4 no host", "551 not here", "553 5.1.3 bad"]
    {
        for at in [At::Rcpt, At::Dot] {
            let script = Script::new().say_to(at, "reader000004", reply);
            scenario(format!("{reply} at {at:?}"), script, End::Failed(1)).on_connections(1).run();
        }
    }
}

#[test]
fn it_refuses_the_sender_or_us() {
    for (at, reply, why) in [
        (At::Mail, "550 5.7.1 sender not allowed", "sender not allowed"),
        (At::Mail, "553 5.1.8 sender's domain not found", "domain not found"),
        (At::Greeting, "554 no mail here", "no mail here"),
        (At::Ehlo, "550 5.7.1 your host is blocked", "blocked"),
        (At::Rcpt, "554 5.7.1 Relay access denied", "Relay access denied"),
        (At::Dot, "550 5.7.26 this mail is unauthenticated", "unauthenticated"),
    ] {
        scenario(format!("{reply} at {at:?}"), Script::new().say(at, reply), End::None(why)).run();
    }
}

#[test]
fn it_is_slow_or_silent() {
    const SHORT: &str = "connections = 1\ntimeouts = { greeting = \"200ms\", command = \"200ms\", data = \"200ms\", \
                         accept = \"2s\" }";
    for at in [At::Greeting, At::Mail, At::Dot] {
        let script = Script::new().rule(at, When::First(2), Do::Drip(Duration::from_millis(1)));
        scenario(format!("a byte at a time at {at:?}"), script, End::All).run();
    }
    for (at, end) in [
        (At::Greeting, End::All),
        (At::Mail, End::All),
        (At::Rcpt, End::All),
        (At::Data, End::All),
        (At::Dot, End::Unconfirmed(1)),
    ] {
        scenario(format!("never answers at {at:?}"), nth(at, Do::Hang), end).settings(SHORT).run();
    }
}

#[test]
fn it_talks_nonsense() {
    let lines = |count: usize| vec!["250-and so on"; count].join("\n");
    let multi = format!("{}\n250 ok", lines(20));
    scenario("multi-line replies", Script::new().say(At::Mail, &multi).say(At::Rcpt, &multi), End::All)
        .on_connections(1)
        .run();
    for at in [At::Mail, At::Rcpt, At::Data, At::Dot] {
        let end = if at == At::Dot { End::Unconfirmed(1) } else { End::All };
        for (what, action) in [
            ("garbage", say("HTTP/1.1 400 Bad Request")),
            ("two codes", say("250-one\n251 two")),
            ("a long reply", Do::Say(lines(10_000))),
            ("an endless line", Do::EndlessLine),
        ] {
            let script = nth(at, action).without_pipelining();
            scenario(format!("{what} at {at:?}"), script, end).run();
        }
    }
}

#[test]
fn it_limits_connections_letters_and_sizes() {
    let limited = || Script::new().connections_max(1);
    scenario("one connection at a time", limited(), End::All).settings("connections = 4").run();
    let script = Script::new().letters_per_connection(5);
    scenario("five letters on a connection", script, End::All).run();
    scenario("letters too large", Script::new().with_size(100), End::Failed(10)).run_to_the_brake();
}

impl Scenario {
    /// Everybody is refused, and the brake ends it.
    fn run_to_the_brake(self) {
        let relay = Relay::start(self.script);
        let project = project(PEOPLE, &format!("[relay]\nurl = \"{}\"\n{}\n", relay.url(), self.settings));
        let ran = project.run(["send", "one", "--yes", "--first"]).code(5).stderr_has("10 refused in a row");
        let End::Failed(failed) = self.end else { panic!("the brake ends it") };
        assert_eq!(counts(&project)["failed"], failed, "{}: {ran}", self.name);
        assert_eq!(relay.recipients(), Vec::<String>::new());
    }
}

#[test]
fn its_tls_or_its_login_is_wrong() {
    let tls = |certificate| Script::new().with_starttls(certificate);
    let login = |password| tls(Certificate::Good).with_login("PLAIN LOGIN", "bob", password);
    scenario("all is well", login("hunter2"), End::All).login().run();
    for at in [At::StartTls, At::Auth] {
        for reply in ["421 4.3.2 closing", "454 4.7.0 not at the moment"] {
            let action = Do::SayAndClose(reply.into());
            let script = login("hunter2").rule(at, When::Nth(1), action);
            scenario(format!("{reply} at {at:?}"), script, End::All).login().on_connections(2).run();
        }
    }
    for certificate in [Certificate::WrongName, Certificate::Expired] {
        scenario(format!("{certificate:?}"), tls(certificate), End::None("(TLS)")).run();
        let implicit = Script::new().with_implicit_tls(certificate);
        scenario(format!("{certificate:?} at once"), implicit, End::None("(TLS)")).run();
    }
    scenario("no authority that we know", tls(Certificate::UnknownAuthority), End::None("(TLS)"))
        .without_trust()
        .run();
    scenario("login refused", login("another"), End::None("login")).login().on_connections(1).run();
    let stripped = tls(Certificate::Good).strip_starttls();
    scenario("STARTTLS stripped", stripped, End::None("STARTTLS")).run();
    let refused = tls(Certificate::Good).say(At::StartTls, "502 5.5.1 no");
    scenario("STARTTLS refused", refused, End::None("(TLS)")).run();
    let forged = Do::Add(
        "250-relay\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 forged\r\n".into(),
    );
    let injected = tls(Certificate::Good).rule(At::StartTls, When::Always, forged);
    scenario("replies before TLS", injected, End::None("(TLS)")).run();
    let junk = Script::new().with_implicit_tls(Certificate::Good).say(At::Handshake, "220 not TLS");
    scenario("a handshake of junk", junk, End::None("(TLS)")).run();
}

#[test]
fn it_does_all_of_it_at_random_and_no_one_gets_it_twice_or_is_lost() {
    const CROWD: usize = 300;
    for seed in 1..=6 {
        let chance = |chance: f64| When::Chance(chance);
        let mut script = Script::new().seed(seed).without_bodies();
        for (at, action) in [
            (At::Greeting, Do::SayAndClose("421 4.3.2 busy".into())),
            (At::Greeting, Do::Close),
            (At::Mail, Do::Reset),
            (At::Mail, Do::SayAndClose("421 4.3.2 busy".into())),
            (At::Mail, say("451 4.3.0 later")),
            (At::Rcpt, Do::Close),
            (At::Rcpt, say("450 4.2.0 later")),
            (At::Rcpt, say("550 5.1.1 unknown")),
            (At::Rcpt, say("552 5.2.2 full")),
            (At::Rcpt, Do::EndlessLine),
            (At::Data, Do::Close),
            (At::Data, Do::SayAndClose("421 4.3.2 busy".into())),
            (At::Data, say("gibberish")),
            (At::Body, Do::Close),
            (At::Dot, Do::TakeAndClose),
            (At::Dot, Do::Close),
            (At::Dot, say("451 4.3.0 later")),
            (At::Dot, say("554 5.6.0 no")),
            (At::Dot, Do::Drip(Duration::from_millis(1))),
        ] {
            script = script.rule(at, chance(0.004), action);
        }
        let relay = Relay::start(script);
        let settings = "[pace]\nadaptive = false\nbrake = { refusals_in_a_row = 0, share = 0 }\n[relay]\nconnections = 4\n";
        let project = project(CROWD, &format!("{settings}url = \"{}\"\n", relay.url()));
        for _ in 0..20 {
            project.run(["-q", "send", "one", "--yes", "--first"]);
            let counts = counts(&project);
            if counts["queued"] + counts["deferred"] == 0 {
                break;
            }
        }
        let counts = counts(&project);
        assert_eq!(counts["queued"] + counts["deferred"], 0, "seed {seed}: {counts:?}");
        assert_eq!(counts["accepted"] + counts["failed"] + counts["unconfirmed"], CROWD, "seed {seed}");
        let mut taken = relay.recipients();
        taken.sort();
        let letters = taken.len();
        taken.dedup();
        assert_eq!(taken.len(), letters, "seed {seed}: someone got it twice");
        let (accepted, unconfirmed) = (addresses(&project, "accepted"), addresses(&project, "unconfirmed"));
        assert!(taken.iter().all(|who| accepted.contains(who) || unconfirmed.contains(who)), "seed {seed}");
        assert!(accepted.iter().all(|who| taken.contains(who)), "seed {seed}");
    }
}
