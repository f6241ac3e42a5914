//! A relay that does not do what it should. One test for each fault.

use std::time::Duration;

use mimeograph::{
    address::EmailAddress,
    message::Message,
    transport::{Complaint, ErrorKind, Halt, Outcome, RelayDown, Smtp, Stage, Transport, complaint, halt},
};

use super::{
    Mode, Session,
    source::{Fate, TestSource, Ticket, letter},
};
use crate::support::relay::{At, Do, Relay, Script, When};

fn nth(at: At, n: u64, action: Do) -> Script {
    Script::new().rule(at, When::Nth(n), action)
}

#[tokio::test]
async fn all_goes_well() {
    for mode in Mode::ALL {
        let session = Session::of(mode.script(Script::new()), 9).await;
        let session = session.expect(&format!("{}done", "accepted, ".repeat(9)));
        assert_eq!(session.relay.counters().connections, 1);
        assert_eq!(session.relay.counters().command("QUIT"), 1);
    }
}

#[tokio::test]
async fn nothing_to_send_opens_no_connection() {
    let session = Session::of(Script::new(), 0).await.expect("done");
    assert_eq!(session.relay.counters().connections, 0);
}

#[tokio::test]
async fn no_one_listens() {
    let port = crate::support::ports::free_port();
    let settings = mimeograph::transport::Relay::parse(&format!("smtp://127.0.0.1:{port}?tls=none")).unwrap();
    let source = TestSource::new(1);
    let down = Transport::Smtp(Smtp::new(settings).unwrap()).run(&source, Halt::never()).await.unwrap_err();
    assert!(down.passing && matches!(down.kind, ErrorKind::Io(_)), "{down}");
    assert_eq!(source.in_words(), ["back"]);
}

#[tokio::test]
async fn it_drops_the_connection_before_the_greeting() {
    for action in [Do::Close, Do::Reset] {
        Session::of(nth(At::Connect, 1, action), 2).await.expect("back, untouched, down at greeting: io");
    }
}

#[tokio::test]
async fn it_drops_the_connection_after_mail() {
    for mode in Mode::ALL {
        let session = Session::of(mode.script(nth(At::Mail, 1, Do::Close)), 2).await;
        session.expect("back, untouched, down at MAIL: io");
    }
}

#[tokio::test]
async fn it_drops_the_connection_after_rcpt() {
    for mode in Mode::ALL {
        let session = Session::of(mode.script(nth(At::Rcpt, 1, Do::Close)), 2).await;
        session.expect("back, untouched, down at RCPT: io");
    }
}

#[tokio::test]
async fn it_drops_the_connection_after_data() {
    for mode in Mode::ALL {
        let session = Session::of(mode.script(nth(At::Data, 1, Do::Close)), 2).await;
        session.expect("back, untouched, down at DATA: io");
    }
}

#[tokio::test]
async fn it_drops_the_connection_inside_the_data() {
    for action in [Do::Close, Do::Reset] {
        let big = letter(1, "r1@example.com", &"line of text\r\n".repeat(40_000));
        let source = TestSource::of(vec![big, letter(2, "r2@example.com", "Hello.")]);
        let session = Session::with(nth(At::Body, 1, action).without_pipelining(), source, "", |_| {}).await;
        session.expect("unconfirmed, untouched, down at after the body: io");
    }
}

#[tokio::test]
async fn it_drops_the_connection_after_the_final_dot() {
    for (action, taken) in [(Do::Close, 0), (Do::Reset, 0), (Do::TakeAndClose, 1), (Do::TakeAndReset, 1)] {
        let session = Session::of(nth(At::Dot, 1, action.clone()).without_pipelining(), 2).await;
        let session = session.expect("unconfirmed, untouched, down at after the body: io");
        assert_eq!(session.relay.accepted().len(), taken);
        // One ahead, the next letter has only its envelope out: it is not in doubt.
        let session = Session::of(nth(At::Dot, 1, action), 3).await;
        session.expect("unconfirmed, back, untouched, down at after the body: io");
    }
}

#[tokio::test]
async fn it_says_421_before_any_letter() {
    for (at, expected) in [(At::Greeting, "greeting"), (At::Ehlo, "EHLO")] {
        let session = Session::of(nth(at, 1, Do::SayAndClose("421 4.3.2 not now".into())), 1).await;
        session.expect(&format!("back, down at {expected}: 421"));
    }
}

#[tokio::test]
async fn it_says_421_to_mail() {
    for mode in Mode::ALL {
        let session = Session::of(mode.script(nth(At::Mail, 1, Do::SayAndClose("421 bye".into()))), 2).await;
        session.expect("back, untouched, down at MAIL: 421");
    }
}

#[tokio::test]
async fn a_letter_that_makes_it_say_421_does_not_come_first_for_ever() {
    for (at, stage) in [(At::Rcpt, "RCPT"), (At::Data, "DATA"), (At::Dot, "after the body")] {
        for mode in Mode::ALL {
            let session = Session::of(mode.script(nth(at, 1, Do::SayAndClose("421 bye".into()))), 1).await;
            session.expect(&format!("deferred {stage} 421, down at {stage}: 421"));
        }
    }
}

#[tokio::test]
async fn it_says_421_between_two_letters_sent_ahead() {
    let session = Session::of(nth(At::Mail, 2, Do::SayAndClose("421 4.7.28 unusual rate".into())), 3).await;
    let session = session.expect("accepted, back, untouched, down at MAIL: 421");
    assert!(session.result.unwrap_err().complaint() == Some(Complaint::Rate));
}

#[tokio::test]
async fn it_refuses_for_now_and_takes_the_letter_the_second_time() {
    for mode in Mode::ALL {
        let script =
            Script::new().rule(At::Rcpt, When::FirstForEach(1), Do::Say("450 4.2.0 greylisted".into()));
        let source = TestSource::new(3).trying_again();
        let session = Session::with(mode.script(script), source, "", |_| {})
            .await
            .expect("accepted, accepted, accepted, done");
        assert_eq!(session.relay.counters().connections, 1);
    }
}

#[tokio::test]
async fn refusals_of_a_recipient_end_the_letter_and_not_the_connection() {
    for (reply, fate) in [
        ("450 4.2.1 busy", "deferred RCPT 450"),
        ("451 4.3.0 later", "deferred RCPT 451"),
        ("452 4.2.2 full", "deferred RCPT 452"),
        ("454 4.7.1 later", "deferred RCPT 454"),
        ("550 5.1.1 no such user", "rejected RCPT 550"),
        ("551 5.1.6 moved", "rejected RCPT 551"),
        ("552 5.2.2 full", "rejected RCPT 552"),
        ("553 5.1.3 syntax", "rejected RCPT 553"),
        ("554 5.4.4 no route", "rejected RCPT 554"),
        ("550-5.1.1 in several\n550-5.1.1 lines\n550 5.1.1 no such user", "rejected RCPT 550"),
    ] {
        for mode in Mode::ALL {
            let script =
                mode.script(Script::new().say_to(At::Rcpt, "r2@", reply).say_to(At::Rcpt, "r5@", reply));
            let session = Session::of(script, 6).await;
            let session =
                session.expect(&format!("accepted, {fate}, accepted, accepted, {fate}, accepted, done"));
            let counters = session.relay.counters();
            // What may be about the connection is tried once on a fresh one.
            let connections = if reply.starts_with("454") { 2 } else { 1 };
            assert_eq!(counters.connections, connections, "{mode:?} {reply}");
            assert_eq!(counters.command("NOOP"), 0);
        }
    }
}

#[tokio::test]
async fn a_refused_recipient_whose_data_is_granted_all_the_same_gets_an_empty_letter_to_no_one() {
    // RFC 2920 section 3.1 allows it; the scripted relay says 354 because the rule is before its own sense.
    let script = Script::new().say_to(At::Rcpt, "r2@", "550 5.1.1 no such user");
    let session = Session::of(script, 3).await.expect("accepted, rejected RCPT 550, accepted, done");
    assert_eq!(session.relay.counters().command("RSET"), 1);
}

#[tokio::test]
async fn refusals_after_the_body_end_the_letter_and_not_the_connection() {
    for (reply, fate) in [
        ("450 4.2.1 later", "deferred after the body 450"),
        ("451 4.3.0 queue file write error", "deferred after the body 451"),
        ("452 4.3.1 full", "deferred after the body 452"),
        ("550 5.1.1 no such user", "rejected after the body 550"),
        ("552 5.3.4 too big", "rejected after the body 552"),
        ("554 transaction failed", "rejected after the body 554"),
    ] {
        for mode in Mode::ALL {
            let session = Session::of(mode.script(Script::new().say_to(At::Dot, "r2@", reply)), 4).await;
            let session = session.expect(&format!("accepted, {fate}, accepted, accepted, done"));
            assert_eq!(session.relay.counters().connections, 1);
        }
    }
}

#[tokio::test]
async fn it_refuses_the_sender() {
    for mode in Mode::ALL {
        let script = mode.script(Script::new().say(At::Mail, "550 5.7.1 you are not news@example.org"));
        let session = Session::of(script, 3).await.expect("back, untouched, untouched, stop at MAIL: 550");
        assert_eq!(
            session.result.unwrap_err().to_string(),
            "the relay cannot be used (MAIL): it said \u{201c}550 5.7.1 you are not news@example.org\u{201d}"
        );
        assert_eq!(session.relay.counters().command("QUIT"), 1);
    }
}

#[tokio::test]
async fn it_refuses_a_body_for_our_sake() {
    for reply in ["550 5.7.26 unauthenticated", "550 5.7.515 access denied", "554 5.7.1 policy"] {
        let code = &reply[..3];
        let session = Session::of(Script::new().without_pipelining().say(At::Dot, reply), 2).await;
        session.expect(&format!(
            "back refused after the body {code}, untouched, stop at after the body: {code}"
        ));
        let session = Session::of(Script::new().say(At::Dot, reply), 3).await;
        session.expect(&format!(
            "back refused after the body {code}, back, untouched, stop at after the body: {code}"
        ));
    }
}

#[tokio::test]
async fn throttling_can_be_seen() {
    let session =
        Session::of(Script::new().say_to(At::Rcpt, "r1@", "450 4.7.1 too much mail from you"), 2).await;
    let fates = session.expect("deferred RCPT 450, accepted, done").source.fates();
    let Fate::Ended(Outcome::Deferred { reply, .. }) = &fates[&Ticket(1)] else { panic!("{fates:?}") };
    assert_eq!(complaint(Stage::Rcpt, reply), Complaint::Rate);
    assert_eq!(reply.enhanced, Some((4, 7, 1)));
}

#[tokio::test]
async fn it_answers_a_byte_at_a_time() {
    let drip = |at| (at, When::First(2), Do::Drip(Duration::from_micros(50)));
    for mode in Mode::ALL {
        let mut script = mode.script(Script::new());
        for (at, when, action) in [At::Greeting, At::Ehlo, At::Mail, At::Rcpt, At::Dot].map(drip) {
            script = script.rule(at, when, action);
        }
        Session::of(script, 3).await.expect("accepted, accepted, accepted, done");
    }
}

#[tokio::test]
async fn a_byte_at_a_time_does_not_stretch_the_deadline() {
    let script = nth(At::Mail, 1, Do::Drip(Duration::from_millis(150)));
    let make_due_now =
        |settings: &mut mimeograph::transport::Relay| settings.timeouts.command = Duration::from_millis(500);
    let session = Session::with(script.without_pipelining(), TestSource::new(2), "", make_due_now).await;
    session.expect("back, untouched, down at MAIL: timeout");
}

#[tokio::test]
async fn a_reply_that_never_comes_is_waited_for_only_so_long() {
    // Only the step that never ends is short: on a busy machine, another would run out of time before it.
    let shorten = |at: At| {
        move |settings: &mut mimeograph::transport::Relay| {
            let timeouts = &mut settings.timeouts;
            let step = match at {
                At::Connect => &mut timeouts.greeting,
                At::Data => &mut timeouts.data,
                At::Dot => &mut timeouts.accept,
                _ => &mut timeouts.command,
            };
            *step = Duration::from_millis(500);
        }
    };
    for (at, expected) in [
        (At::Connect, "back, untouched, down at greeting: timeout"),
        (At::Ehlo, "back, untouched, down at EHLO: timeout"),
        (At::Mail, "back, untouched, down at MAIL: timeout"),
        (At::Rcpt, "back, untouched, down at RCPT: timeout"),
        (At::Data, "back, untouched, down at DATA: timeout"),
        (At::Dot, "unconfirmed, untouched, down at after the body: timeout"),
    ] {
        let script = nth(at, 1, Do::Hang).without_pipelining();
        Session::with(script, TestSource::new(2), "", shorten(at)).await.expect(expected);
    }
    let session = Session::with(nth(At::Dot, 1, Do::Hang), TestSource::new(3), "", shorten(At::Dot)).await;
    session.expect("unconfirmed, back, untouched, down at after the body: timeout");
}

#[tokio::test]
async fn a_relay_that_does_not_read_a_body_is_waited_for_only_so_long() {
    let huge = letter(1, "r1@example.com", &"line of text\r\n".repeat(1_500_000));
    let script = nth(At::Greeting, 1, Do::Say("220 hi".into())).without_pipelining();
    let script = script.rule(At::Data, When::Always, Do::Add(String::new()));
    // The relay hangs after 354 without reading: it is stopped in `Body` before it has read much.
    let script = script.rule(At::Body, When::Always, Do::Drip(Duration::from_secs(60)));
    let make_due_now =
        |settings: &mut mimeograph::transport::Relay| settings.timeouts.body = Duration::from_millis(100);
    let make_due_now = |settings: &mut mimeograph::transport::Relay| {
        make_due_now(settings);
        settings.timeouts.quit = Duration::from_millis(50);
    };
    let session = Session::with(script, TestSource::of(vec![huge]), "", make_due_now).await;
    session.expect("unconfirmed, down at after the body: timeout");
}

#[tokio::test]
async fn a_wrong_code_of_the_right_kind_is_not_believed() {
    for (at, reply, expected) in [
        (At::Greeting, "250 hello", "back, stop at greeting: protocol"),
        (At::Ehlo, "220 hello", "back, stop at EHLO: protocol"),
        (At::Mail, "354 huh", "back, down at MAIL: protocol"),
        (At::Rcpt, "354 huh", "back, down at RCPT: protocol"),
        (At::Data, "250 sure", "back, down at DATA: protocol"),
        (At::Dot, "354 more", "unconfirmed, down at after the body: protocol"),
        (At::Dot, "252 perhaps", "unconfirmed, down at after the body: protocol"),
    ] {
        Session::of(Script::new().without_pipelining().say(at, reply), 1).await.expect(expected);
    }
}

#[tokio::test]
async fn garbage_is_not_smtp() {
    for (at, expected) in [
        (At::Greeting, "back, stop at greeting: protocol"),
        (At::Ehlo, "back, stop at EHLO: protocol"),
        (At::Mail, "back, down at MAIL: protocol"),
        (At::Rcpt, "back, down at RCPT: protocol"),
        (At::Data, "back, down at DATA: protocol"),
        (At::Dot, "unconfirmed, down at after the body: protocol"),
    ] {
        for garbage in ["HTTP/1.1 400 Bad Request", "\u{1}\u{2}\u{3}", "250-one\n251 two", ""] {
            let session = Session::of(Script::new().without_pipelining().say(at, garbage), 1).await;
            session.expect(expected);
        }
    }
}

#[tokio::test]
async fn an_oversized_reply_is_cut_off() {
    let long_reply = vec!["250-and so on"; 10_000].join("\n");
    for action in [Do::EndlessLine, Do::Say(long_reply)] {
        let session = Session::of(nth(At::Mail, 1, action.clone()).without_pipelining(), 1).await;
        session.expect("back, down at MAIL: protocol");
        let session = Session::of(nth(At::Dot, 1, action).without_pipelining(), 1).await;
        session.expect("unconfirmed, down at after the body: protocol");
    }
}

#[tokio::test]
async fn a_reply_that_no_one_asked_for_is_not_taken_for_the_next_one() {
    // Two answers to the greeting, to EHLO, and to DATA: the second must never stand for something else.
    for (at, expected) in [
        (At::Greeting, "back, stop at EHLO: protocol"),
        (At::Ehlo, "back, down at MAIL: protocol"),
        (At::Data, "back, down at DATA: protocol"),
    ] {
        let script =
            Script::new().without_pipelining().rule(at, When::Always, Do::Add("250 2.0.0 queued\r\n".into()));
        let session = Session::of(script, 1).await.expect(expected);
        assert!(session.relay.accepted().is_empty());
    }
}

#[tokio::test]
async fn too_many_connections_are_reported() {
    let relay = Relay::start(Script::new().connections_max(1));
    let busy = tokio::net::TcpStream::connect(("127.0.0.1", relay.port())).await.unwrap();
    // The relay counts a connection when it has accepted it: wait for its greeting.
    busy.readable().await.unwrap();
    let transport = Transport::Smtp(Smtp::new(Session::settings(&relay, "")).unwrap());
    let source = TestSource::new(1);
    let down = transport.run(&source, Halt::never()).await.unwrap_err();
    assert!(down.passing && down.complaint() == Some(Complaint::Connections), "{down}");
    assert_eq!(source.in_words(), ["back"]);
}

#[tokio::test]
async fn a_letter_that_is_too_large_is_not_offered() {
    let big = letter(2, "r2@example.com", &"x".repeat(900));
    let source =
        TestSource::of(vec![letter(1, "r1@example.com", "short"), big, letter(3, "r3@example.com", "short")]);
    let session = Session::with(Script::new().with_size(600), source, "", |_| {}).await;
    let session = session.expect("accepted, rejected MAIL 552, accepted, done");
    assert_eq!(session.relay.counters().command("MAIL"), 2);
}

#[tokio::test]
async fn a_letter_that_could_be_taken_for_two_cannot_be_made() {
    let address = || EmailAddress::parse("r1@example.com").unwrap();
    for body in ["a\n.\r\nMAIL FROM:<evil@example.net>", "a\r\n.\rb", "Grüße", ""] {
        assert!(Message::new(address(), address(), body.as_bytes().to_vec()).is_err(), "{body:?}");
    }
    let source = TestSource::of(vec![letter(3, "r3@example.com", ".\r\n..\r\n.dots")]);
    let session = Session::with(Script::new(), source, "", |_| {}).await;
    let session = session.expect("accepted, done");
    let accepted = session.relay.accepted();
    assert!(accepted[0].bytes.ends_with(b"\r\n\r\n.\r\n..\r\n.dots\r\n"), "{:?}", accepted[0]);
}

#[tokio::test]
async fn an_address_outside_ascii_goes_only_where_it_is_understood() {
    let source =
        || TestSource::of(vec![letter(1, "jürgen@example.com", "x"), letter(2, "r2@example.com", "x")]);
    let session = Session::with(Script::new(), source(), "", |_| {}).await;
    session.expect("rejected RCPT 550, accepted, done");
    let session = Session::with(Script::new().with_smtputf8(), source(), "", |_| {}).await;
    session.expect("accepted, accepted, done");
}

#[tokio::test]
async fn a_letter_that_may_not_leave_any_more_does_not_leave() {
    for mode in Mode::ALL {
        let source = TestSource::new(4).stopping(2);
        let session = Session::with(mode.script(Script::new()), source, "", |_| {}).await;
        let session = session.expect("accepted, back, accepted, accepted, done");
        // After 354 only hanging up keeps a letter back.
        assert_eq!(session.relay.counters().connections, 2);
    }
}

#[tokio::test]
async fn a_relay_that_gets_out_of_step_is_spoken_to_slowly() {
    for (at, reply) in [
        (At::Rcpt, "503 5.5.0 improper command pipelining"),
        (At::Rcpt, "500 5.5.1 Pipelining not supported"),
        (At::Data, "554 5.5.1 no valid recipients"),
        (At::Data, "503 5.5.1 bad sequence of commands"),
        (At::Mail, "554 synchronization error"),
        (At::Rcpt, "354 what"),
    ] {
        let session = Session::of(Script::new().say_once(at, reply), 4).await;
        let session = session.expect("accepted, accepted, accepted, accepted, done");
        assert_eq!(session.relay.counters().connections, 2, "{at:?} {reply}");
    }
}

/// An EHLO reply that offers BDAT as well.
const CHUNKING: &str = "250-relay.example.net\n250-PIPELINING\n250-CHUNKING\n250 8BITMIME";

#[tokio::test]
async fn a_reply_too_many_makes_no_refused_letter_accepted_and_no_accepted_letter_refused() {
    for (at, unasked) in [
        (At::Mail, "250 2.1.0 ok again"),
        (At::Rcpt, "250 2.1.5 ok again"),
        (At::Data, "354 again"),
        (At::Dot, "250 2.0.0 and again"),
        (At::Dot, "451 4.3.0 oops"),
        (At::Rset, "250 2.0.0 again"),
    ] {
        for (refused_at, refusal) in [(At::Rcpt, "550 5.1.1 no such user"), (At::Dot, "451 4.3.0 later")] {
            for mode in Mode::ALL {
                let offer = if mode == Mode::Ahead { CHUNKING } else { "250 relay.example.net" };
                let script = Script::new()
                    .say(At::Ehlo, offer)
                    .say_to(refused_at, "r2@", refusal)
                    .say_to(refused_at, "r5@", refusal)
                    .rule(at, When::Every(3), Do::Add(format!("{unasked}\r\n")));
                let relay = Relay::start(script);
                let transport = Transport::Smtp(Smtp::new(Session::settings(&relay, "")).unwrap());
                let source = TestSource::new(12);
                for _ in 0..20 {
                    let _ = transport.run(&source, Halt::never()).await;
                }
                source.check_against(&relay.recipients());
            }
        }
    }
}

#[tokio::test]
async fn a_letter_that_may_not_begin_after_a_refused_one_leaves_the_next_one_in_step() {
    for mode in Mode::ALL {
        let offer = if mode == Mode::Ahead { CHUNKING } else { "250 relay.example.net" };
        let script = Script::new().say(At::Ehlo, offer).say_to(At::Rcpt, "r1@", "550 5.1.1 no such user");
        let session = Session::with(script, TestSource::new(4).stopping(2), "", |_| {}).await;
        session.expect("rejected RCPT 550, back, accepted, accepted, done");
    }
}

#[tokio::test]
async fn a_relay_that_closes_on_commands_sent_ahead_is_spoken_to_slowly() {
    // It closes on every second MAIL, that is on each that comes ahead.
    let session = Session::of(Script::new().rule(At::Mail, When::Every(2), Do::Close), 3).await;
    let words = session.in_words();
    assert!(words.starts_with("accepted, "), "{words}");
    let source = TestSource::new(4).trying_again();
    let script =
        Script::new().rule(At::Mail, When::Nth(2), Do::Close).rule(At::Mail, When::Nth(4), Do::Close);
    let session = Session::with(script, source, "", |_| {})
        .await
        .expect("accepted, accepted, accepted, accepted, done");
    assert_eq!(session.relay.counters().connections, 3);
}

#[tokio::test]
async fn a_limit_of_letters_on_a_connection_is_kept_or_learned() {
    for mode in Mode::ALL {
        let session = Session::with(mode.script(Script::new()), TestSource::new(7), "", |settings| {
            settings.letters_per_connection = std::num::NonZeroU32::new(3);
        })
        .await
        .expect(&format!("{}done", "accepted, ".repeat(7)));
        assert_eq!(session.relay.counters().connections, 3, "{mode:?}");
        assert_eq!(session.relay.counters().command("QUIT"), 3, "{mode:?}");
    }
    for mode in Mode::ALL {
        let source = TestSource::new(8);
        let session =
            Session::with(mode.script(Script::new().letters_per_connection(3)), source, "", |_| {}).await;
        let session = session.expect(&format!("{}done", "accepted, ".repeat(8)));
        assert_eq!(session.relay.counters().connections, 3, "{mode:?}");
        // After one refusal it is known: the second and third connection end with QUIT.
        assert_eq!(session.relay.counters().command("QUIT"), 2, "{mode:?}");
    }
}

#[tokio::test]
async fn a_switch_stops_a_connection_at_once() {
    for (at, expected) in [(At::Mail, "back"), (At::Dot, "unconfirmed")] {
        let relay = Relay::start(nth(at, 1, Do::Hang));
        let transport = Transport::Smtp(Smtp::new(Session::settings(&relay, "")).unwrap());
        let source = TestSource::new(1);
        let (switch, stop) = halt();
        let pull = async {
            let verb = if at == At::Mail { "MAIL" } else { "DATA" };
            let reads = if at == At::Mail { 2 } else { 3 };
            while relay.counters().command(verb) == 0 || relay.counters().reads < reads {
                tokio::task::yield_now().await;
            }
            switch.pull();
        };
        let (result, ()) = tokio::join!(transport.run(&source, stop), pull);
        assert!(result.is_ok());
        assert_eq!(source.in_words(), [expected]);
        source.check_against(&relay.recipients());
    }
}

#[tokio::test]
async fn trouble_is_reported_in_a_line() {
    let session =
        Session::of(Script::new().say(At::Greeting, "554 5.7.1 no mail from your address"), 1).await;
    let down: RelayDown = session.result.unwrap_err();
    assert_eq!(
        down.to_string(),
        "the relay cannot be used (greeting): it said \u{201c}554 5.7.1 no mail from your address\u{201d}"
    );
    let session = Session::of(Script::new().rule(At::Greeting, When::Always, Do::Close), 1).await;
    assert_eq!(
        session.result.unwrap_err().to_string(),
        "the relay cannot be used (greeting): the relay closed the connection"
    );
}

#[tokio::test]
async fn a_relay_that_does_not_know_ehlo_is_greeted_with_helo() {
    for reply in ["502 5.5.2 Command not implemented", "500 what", "504 no"] {
        let session = Session::of(Script::new().say(At::Ehlo, reply), 3).await;
        let session = session.expect("accepted, accepted, accepted, done");
        assert_eq!(
            (session.relay.counters().command("EHLO"), session.relay.counters().command("HELO")),
            (1, 1)
        );
    }
}

#[tokio::test]
async fn a_relay_that_closes_after_refusing_ehlo_is_greeted_with_helo_on_a_new_connection() {
    let refusal = Do::SayAndClose("502 5.5.2 Command not implemented".to_owned());
    let session = Session::of(Script::new().rule(At::Ehlo, When::Always, refusal), 3).await;
    let session = session.expect("accepted, accepted, accepted, done");
    let counters = session.relay.counters();
    assert_eq!((counters.command("EHLO"), counters.command("HELO"), counters.connections), (1, 1, 2));
}

#[tokio::test]
async fn nothing_that_turns_the_direction_of_writing_comes_out_of_a_reply() {
    let script = Script::new().say(At::Rcpt, "550 5.1.1 no\u{202e}\u{2066}\u{200f} such user");
    let fates = Session::of(script, 1).await.expect("rejected RCPT 550, done").source.fates();
    let Fate::Ended(Outcome::Rejected { reply, .. }) = &fates[&Ticket(1)] else { panic!("{fates:?}") };
    assert_eq!(reply.text, "no such user");
}
