//! What a letter costs on the wire, counted exactly.

use mimeograph::transport::{Halt, Smtp, Transport};

use super::{Session, source::TestSource};
use crate::support::relay::{At, Certificate, Relay, Script};

#[tokio::test]
async fn a_letter_costs_one_write() {
    let session = Session::of(Script::new(), 200).await;
    assert!(session.result.is_ok());
    let counters = session.relay.counters();
    assert_eq!(counters.accepted, 200);
    assert_eq!(counters.connections, 1);
    // EHLO, the first envelope, a write for each letter, QUIT.
    assert_eq!(counters.reads, 1 + 1 + 200 + 1);
    assert_eq!(counters.command("NOOP") + counters.command("RSET"), 0);
    assert_eq!(counters.command("MAIL"), 200);
}

#[tokio::test]
async fn refusals_cost_no_connection_and_no_question() {
    let mut script = Script::new().with_starttls(Certificate::Good);
    for refused in ["r10@", "r20@", "r21@", "r50@"] {
        script = script.say_to(At::Rcpt, refused, "550 5.1.1 no such user");
    }
    let session = Session::of(script, 100).await;
    assert!(session.result.is_ok());
    let counters = session.relay.counters();
    assert_eq!(counters.accepted, 96);
    assert_eq!((counters.connections, counters.handshakes), (1, 1));
    assert_eq!(counters.command("NOOP"), 0);
    assert_eq!(counters.command("RSET"), 4);
}

#[tokio::test]
async fn so_many_connections_as_were_asked_for() {
    let relay = Relay::start(Script::new());
    let transport = Transport::Smtp(Smtp::new(Session::settings(&relay, "")).unwrap());
    let source = TestSource::new(400);
    let run = || transport.run(&source, Halt::never());
    let (a, b, c, d) = tokio::join!(run(), run(), run(), run());
    assert!([a, b, c, d].iter().all(Result::is_ok));
    source.check_against(&relay.recipients());
    let counters = relay.counters();
    assert_eq!((counters.accepted, counters.connections, counters.connections_peak), (400, 4, 4));
    // On each connection: EHLO, the first envelope, QUIT.
    assert_eq!(counters.reads, 400 + 4 * 3);
    assert_eq!(counters.command("NOOP"), 0);
}
