//! Several relays: shares by weight, recipient domains, one that goes down, limits of its own.

use std::collections::BTreeSet;

use crate::{
    crash::{counts, project},
    pace::ledgers,
    support::{
        project::Project,
        relay::{At, Do, Relay, Script, When},
    },
};

/// A section for a relay.
fn section(name: &str, relay: &Relay, more: &str) -> String {
    format!("[[relays]]\nname = \"{name}\"\nurl = \"{}\"\nconnections = 2\n{more}\n", relay.url())
}

fn send(project: &Project) -> crate::support::project::Ran {
    project.run(["send", "one", "--yes", "--first"])
}

/// That everybody got it once, through whichever relay; `lost` were taken without a word.
#[track_caller]
fn check_once(relays: &[&Relay], people: usize) {
    let all: Vec<String> = relays.iter().flat_map(|relay| relay.recipients()).collect();
    let each: BTreeSet<&String> = all.iter().collect();
    assert_eq!((each.len(), all.len()), (people, people), "someone got it twice, or not at all");
}

#[test]
fn relays_share_letters_by_weight_and_the_history_names_the_relay() {
    for ledger in ledgers() {
        let (eu, us) = (Relay::start(Script::new()), Relay::start(Script::new()));
        let settings = section("eu", &eu, "weight = 3") + &section("us", &us, "");
        let project = project(400, &format!("{ledger}{settings}"));
        send(&project)
            .code(0)
            .stderr_has(&format!(
                "through eu (smtp://127.0.0.1:{}), us (smtp://127.0.0.1:{})",
                eu.port(),
                us.port()
            ))
            .stderr_has("400 accepted");
        check_once(&[&eu, &us], 400);
        let taken = eu.recipients().len();
        assert!((295..=305).contains(&taken), "{taken} of 400");
        for (relay, name) in [(&eu, "eu"), (&us, "us")] {
            let person = relay.recipients().swap_remove(0);
            project
                .run(["status", "--address", &person])
                .code(0)
                .stdout_has(&format!("accepted by {name} (smtp://127.0.0.1:{})", relay.port()));
            let json = project.run(["status", "--address", &person, "--json"]).code(0);
            assert!(json.stdout.contains(&format!("\"{name} (smtp://")), "{json}");
        }
    }
}

#[test]
fn letters_to_a_domain_go_through_the_relay_that_is_for_it() {
    let (all, some) = (Relay::start(Script::new()), Relay::start(Script::new()));
    let settings =
        section("all", &all, "") + &section("some", &some, "domains = [\"Example1.com\", \"example2.com\"]");
    let project = project(140, &settings);
    send(&project).code(0);
    check_once(&[&all, &some], 140);
    assert_eq!(some.recipients().len(), 40);
    assert!(some.recipients().iter().all(|to| to.contains("@example1.com") || to.contains("@example2.com")));
}

/// Each relay of a run is a sender: however few connections a domain may have, each has a part of them.
#[test]
fn a_domain_with_fewer_connections_than_there_are_relays_is_sent_whole() {
    for more in ["", "domains = [\"example1.com\"]"] {
        for ledger in ledgers() {
            let relays = [(); 3].map(|()| Relay::start(Script::new()));
            let [one, two, three] = &relays;
            let sections =
                section("one", one, "") + &section("two", two, "") + &section("three", three, more);
            let limit = "[pace.per_domain]\n\"example1.com\" = { connections = 1 }\n";
            let project = project(140, &format!("{ledger}{limit}{sections}"));
            send(&project).code(0).stderr_has("140 accepted");
            check_once(&[one, two, three], 140);
        }
    }
}

/// A relay that takes so many letters on its first connection, takes one more without saying so, and is gone.
fn failing(letters: u64) -> Relay {
    let gone = || Do::SayAndClose("421 4.3.2 shutting down".into());
    let script = Script::new()
        .rule(At::Dot, When::AfterLetters(letters), Do::TakeAndClose)
        .rule(At::Greeting, When::Nth(1), Do::Wait(std::time::Duration::ZERO))
        .rule(At::Greeting, When::Always, gone());
    Relay::start(script)
}

#[test]
fn when_a_relay_goes_down_the_others_take_its_letters_but_none_in_doubt() {
    for ledger in ledgers() {
        let (good, bad) = (Relay::start(Script::new()), failing(30));
        let more = "connections = 1";
        let bad_section = section("bad", &bad, "").replace("connections = 2", more);
        let project = project(300, &format!("{ledger}{}{bad_section}", section("good", &good, "")));
        send(&project).code(4).stderr_has("299 accepted").stderr_has("1 unconfirmed");
        assert_eq!(bad.recipients().len(), 31, "one was taken without a word");
        check_once(&[&good, &bad], 300);
        assert_eq!((counts(&project)["accepted"], counts(&project)["unconfirmed"]), (299, 1));
    }
}

#[test]
fn a_relay_for_a_domain_that_cannot_be_used_is_stood_in_for_and_one_on_standby_waits() {
    let (all, spare) = (Relay::start(Script::new()), Relay::start(Script::new()));
    let settings = section("all", &all, "")
        + &section("spare", &spare, "weight = 0")
        + "[[relays]]\nname = \"some\"\nurl = \"smtp://127.0.0.1:1?tls=none\"\ndomains = [\"example1.com\"]\n";
    let project = project(70, &settings);
    send(&project).code(0).stderr_has("70 accepted");
    check_once(&[&all], 70);
    assert_eq!(spare.recipients().len(), 0);
    let dead = project.read("mimeo.toml").replace(&all.url(), "smtp://127.0.0.1:1?tls=none");
    project.write("mimeo.toml", dead);
    let list = project.read("subscribers.csv");
    project.write("subscribers.csv", format!("{list}new@example.com,New\nnewer@example1.com,Newer\n"));
    project.run(["send", "one", "--yes"]).code(0);
    assert_eq!(spare.recipients().len(), 2);
}

#[test]
fn without_any_relay_that_can_be_used_the_run_stops_and_goes_on_later() {
    let relay = Relay::start(Script::new());
    let dead = "smtp://127.0.0.1:1?tls=none";
    let settings = section("one", &relay, "").replace(&relay.url(), dead)
        + &section("two", &relay, "").replace(&relay.url(), dead);
    let project = project(20, &settings);
    send(&project).code(5).stderr_has("stopped: ").stderr_has("run `mimeo send one` again to go on");
    assert_eq!(counts(&project)["queued"], 20);
    project.write("mimeo.toml", project.read("mimeo.toml").replacen(dead, &relay.url(), 1));
    project.run(["send", "one", "--yes", "--first"]).code(0).stderr_has("20 accepted");
}

#[test]
fn a_relay_has_limits_of_its_own_and_the_others_take_what_it_may_not() {
    let (small, large) = (Relay::start(Script::new()), Relay::start(Script::new()));
    let settings = section("small", &small, "per_day = 10") + &section("large", &large, "");
    let project = project(100, &settings);
    send(&project).code(0).stderr_has("100 accepted");
    check_once(&[&small, &large], 100);
    assert_eq!(small.recipients().len(), 10);
}

#[test]
fn a_worker_can_use_one_of_them_alone() {
    let turn_away = Do::SayAndClose("554 5.3.2 not yet".into());
    let late = || Relay::start(Script::new().rule(At::Greeting, When::First(1), turn_away.clone()));
    let (eu, us) = (late(), late());
    let project = project(
        50,
        &(section("eu", &eu, "").replace("connections = 2", "connections = 1")
            + &section("us", &us, "").replace("connections = 2", "connections = 1")),
    );
    send(&project).code(5);
    assert_eq!(counts(&project)["queued"], 50);
    project.run(["work", "--relay", "asia"]).code(3).stderr_has("unknown relay `asia`");
    project
        .run(["send", "one", "--yes", "--first", "--relay", "asia"])
        .code(3)
        .stderr_has("unknown relay `asia`")
        .stderr_has("(eu, us)");
    project
        .run(["work", "--relay", "us"])
        .code(0)
        .stderr_has("through us (smtp://")
        .stderr_has("50 accepted");
    assert_eq!((eu.recipients().len(), us.recipients().len()), (0, 50));
}
