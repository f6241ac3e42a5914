//! Random relays: whatever happens, each letter comes back exactly once, what was accepted was taken once, and what
//! came back was not taken.

use std::time::Duration;

use mimeograph::transport::{Halt, Smtp, Timeouts, Transport, halt};
use proptest::prelude::*;

use super::{Mode, Session, source::TestSource};
use crate::support::relay::{At, Do, Relay, Script, When};

fn rules() -> impl Strategy<Value = (At, When, Do)> {
    let places = proptest::sample::select(vec![
        At::Greeting,
        At::Ehlo,
        At::Mail,
        At::Mail,
        At::Rcpt,
        At::Rcpt,
        At::Data,
        At::Body,
        At::Dot,
        At::Dot,
        At::Rset,
        At::Quit,
    ]);
    (places, moments())
        .prop_flat_map(|(at, when)| actions(at).prop_map(move |action| (at, when.clone(), action)))
}

/// What a relay may do there without lying about what it has taken: against lies there is no protocol.
fn actions(at: At) -> BoxedStrategy<Do> {
    let refusals = prop_oneof![
        Just("421 bye"),
        Just("421 4.7.0 too many messages in this connection"),
        Just("450 4.2.0 later"),
        Just("451 4.7.1 slow down"),
        Just("452 full"),
        Just("503 5.5.1 bad sequence"),
        Just("550 5.1.1 nobody"),
        Just("550 5.7.26 not you"),
        Just("554 failed"),
    ];
    let anything = prop_oneof![
        4 => refusals.clone(),
        1 => prop_oneof![Just("250 fine"), Just("354 go"), Just("garbage"), Just("250-and\n250 so on")],
    ];
    let breaks = prop_oneof![Just(Do::Close), Just(Do::Reset)];
    match at {
        // A reply in the middle of a body is the last word.
        At::Body => prop_oneof![breaks, refusals.prop_map(|text| Do::SayAndClose(text.to_owned()))].boxed(),
        _ => {
            let says = prop_oneof![
                4 => anything.clone().prop_map(|text| Do::Say(text.to_owned())),
                2 => anything.clone().prop_map(|text| Do::SayAndClose(text.to_owned())),
                1 => breaks,
            ];
            match at {
                At::Dot => {
                    prop_oneof![3 => says, 1 => Just(Do::TakeAndClose), 1 => Just(Do::TakeAndReset)].boxed()
                }
                _ => prop_oneof![6 => says, 1 => anything.prop_map(|text| Do::Add(format!("{text}\r\n")))]
                    .boxed(),
            }
        }
    }
}

fn moments() -> impl Strategy<Value = When> {
    prop_oneof![
        (1u64..6).prop_map(When::Nth),
        (2u64..5).prop_map(When::Every),
        Just(When::FirstForEach(1)),
        (0.05f64..0.5).prop_map(When::Chance),
    ]
}

fn modes() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::OneByOne), Just(Mode::Ahead)]
}

proptest! {
    #[test]
    fn a_letter_comes_back_exactly_once_whatever_the_relay_does(
        mode in modes(),
        rules in proptest::collection::vec(rules(), 0..4),
        letters in 1usize..12,
        stop in 1u64..20,
        runs in 1usize..4,
        seed in 1u64..1000,
    ) {
        let mut script = mode.script(Script::new()).seed(seed);
        for (at, when, action) in rules {
            script = script.rule(at, when, action);
        }
        let relay = Relay::start(script);
        let mut settings = Session::settings(&relay, "");
        settings.timeouts = Timeouts::all(Duration::from_millis(200));
        let transport = Transport::Smtp(Smtp::new(settings).unwrap());
        let source = TestSource::new(letters).stopping(stop);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for _ in 0..runs {
                let _ = transport.run(&source, Halt::never()).await;
            }
        });
        source.check_against(&relay.recipients());
        prop_assert!(source.most_begun_at_once() <= 1);
    }

    #[test]
    fn a_letter_comes_back_exactly_once_when_the_switch_is_pulled_at_any_moment(
        mode in modes(),
        letters in 1usize..12,
        after in 0u64..40,
    ) {
        let relay = Relay::start(mode.script(Script::new()));
        let transport = Transport::Smtp(Smtp::new(Session::settings(&relay, "")).unwrap());
        let source = TestSource::new(letters);
        let (switch, stop) = halt();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let pull = async {
                // The number of turns that the two tasks take is the moment.
                for _ in 0..after {
                    tokio::task::yield_now().await;
                }
                switch.pull();
            };
            let (result, ()) = tokio::join!(transport.run(&source, stop), pull);
            result.unwrap();
        });
        // The relay may still be reading what was on its way when we hung up.
        drop(transport);
        let recipients = { let seen = relay.recipients(); drop(relay); seen };
        source.check_against(&recipients);
    }
}
