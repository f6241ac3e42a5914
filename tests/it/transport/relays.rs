//! Refusals of real relays: what each is about, and that a dispatch is hardly slowed by it.

use std::time::{Duration, Instant};

use mimeograph::transport::{Complaint, Halt, Reply, Smtp, Stage, Transport, complaint};

use super::{Session, source::TestSource};
use crate::{
    crash::project,
    support::{
        project::Ran,
        relay::{At, Do, Relay, Script, When},
        relays::rows,
    },
};

fn stage(name: &str) -> Stage {
    match name {
        "greeting" => Stage::Greeting,
        "MAIL" => Stage::Mail,
        "RCPT" => Stage::Rcpt,
        "DATA" => Stage::Data,
        "after the body" => Stage::Body,
        other => panic!("unknown stage {other}"),
    }
}

#[test]
fn what_real_relays_say_is_understood() {
    let rows = rows();
    assert!(rows.len() >= 60);
    let wrong: Vec<String> = rows
        .iter()
        .filter(|row| row.reply != "closes")
        .filter_map(|row| {
            let reply: Reply = row.reply.parse().unwrap();
            let found = match complaint(stage(&row.stage), &reply) {
                Complaint::Connections => "connections",
                Complaint::Session => "session",
                Complaint::Rate => "rate",
                Complaint::Unclear => "unclear",
                Complaint::Letter => "letter",
            };
            (found != row.says).then(|| format!("{}: {found}, expected {}", row.name(), row.says))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Sends to so many people through a relay with this script, and says what came of it, how long it took, and the relay.
fn send(script: Script, people: usize) -> (Ran, Duration, Relay) {
    let relay = Relay::start(script.without_bodies());
    let project = project(people, &format!("[relay]\nurl = \"{}\"\n", relay.url()));
    let began = Instant::now();
    let ran = project.run(["send", "one", "--yes", "--first"]);
    (ran, began.elapsed(), relay)
}

/// What took minutes takes seconds, also on a busy machine.
const SOON: Duration = Duration::from_secs(30);

#[test]
fn a_relay_that_takes_two_connections_at_once_is_used_with_two_and_not_slower() {
    let refusal = Do::SayAndClose("421 4.7.0 Too many connections from your address".into());
    let (ran, took, relay) = send(Script::new().rule(At::Greeting, When::CrowdOver(2), refusal), 2_000);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(relay.counters().accepted, 2_000);
    assert!(took < SOON, "{took:?}: {ran}");
    assert!(!ran.stderr.contains("slower"), "{ran}");
}

#[test]
fn one_421_at_the_start_does_not_slow_the_run() {
    let refusal = Do::SayAndClose("421 4.7.0 Try again later, closing connection".into());
    let (ran, took, relay) = send(Script::new().rule(At::Greeting, When::Nth(2), refusal), 2_000);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(relay.counters().accepted, 2_000);
    assert!(took < SOON, "{took:?}: {ran}");
}

#[test]
fn a_limit_of_messages_per_session_is_learned_at_any_stage_and_in_any_words() {
    for (at, reply) in [
        (At::Data, "452 4.4.5 Maximum number of messages per session exceeded."),
        (At::Mail, "452 4.5.3 Too many recipients: Too many messages sent"),
        (At::Mail, "432 that is it"),
        (At::Mail, "503 5.7.0 too many transactions"),
        (At::Rcpt, "454 4.3.2 not now"),
        (At::Rcpt, "450 4.7.1 Try again later"),
        (At::Data, "451 4.7.0 no"),
        (At::Dot, "451 4.7.1 Too many messages in this session"),
        (At::Dot, "452 4.5.3 too many"),
    ] {
        let script = Script::new().rule(at, When::AfterLetters(10), Do::Say(reply.into()));
        let (ran, took, relay) = send(script, 300);
        assert_eq!(ran.code, Some(0), "{reply}: {ran}");
        assert_eq!(relay.counters().accepted, 300);
        assert!(took < SOON, "{reply}: {took:?}: {ran}");
        assert!(!ran.stderr.contains("slower"), "{reply}: {ran}");
    }
}

#[tokio::test]
async fn a_relay_that_closes_after_ten_letters_without_a_word_is_found_to_take_ten() {
    for at in [At::Mail, At::Rcpt, At::Data] {
        let relay = Relay::start(Script::new().rule(at, When::AfterLetters(10), Do::Close));
        let transport = Transport::Smtp(Smtp::new(Session::settings(&relay, "")).unwrap());
        let source = TestSource::new(45);
        transport.run(&source, Halt::never()).await.unwrap();
        assert_eq!(relay.counters().accepted, 45);
        assert_eq!(transport.learned().letters_per_connection.map(u32::from), Some(10), "{at:?}");
        assert_eq!(relay.counters().connections, 5, "{at:?}");
    }
}

#[test]
fn people_who_have_to_wait_do_not_slow_the_others() {
    for reply in [
        "451 4.7.1 Try again later",
        "450 4.2.0 Greylisted",
        "451 4.7.32 From is not aligned",
        "450 Requested mail action not taken: mailbox busy",
    ] {
        let refusal = Do::Say(reply.into());
        // One in a hundred.
        let script = (0..10).fold(Script::new(), |script, hundred| {
            script.rule(At::Dot, When::To(format!("reader000{hundred}00@")), refusal.clone())
        });
        let relay = Relay::start(script.without_bodies());
        let project = project(1_000, &format!("[relay]\nurl = \"{}\"\n", relay.url()));
        let ran = project.run(["send", "one", "--yes", "--first"]);
        assert_eq!(relay.counters().accepted, 990, "{ran}");
        assert!(!ran.stderr.contains("slower"), "{ran}");
    }
}

#[test]
fn a_pace_that_falls_says_why_and_what_to_set() {
    let refusal = Do::Say("450 4.7.1 Error: too much mail from 192.0.2.1".into());
    let (ran, took, relay) = send(Script::new().rule(At::Mail, When::FasterThan(50.0), refusal), 400);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(relay.counters().accepted, 400);
    assert!(took < SOON, "{took:?}: {ran}");
    let words = "the relay said \u{201c}450 4.7.1 Error: too much mail from 192.0.2.1\u{201d}; to start at this pace, set `per_";
    assert!(ran.stderr.contains(words), "{ran}");
}
