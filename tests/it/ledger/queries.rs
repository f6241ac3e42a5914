//! What the owner asks: lists, histories, replies, the course of a run.

use mimeograph::{
    ledger::{Decision, HistoryEvent, Next, OutcomeKind, State, Tally},
    transport::{Outcome, Reply, Stage},
};

use crate::support::ledgers::{
    accepted, address, at, by_hand, claim, deferred, on_each, open, reply, states, unconfirmed,
};

#[tokio::test]
async fn deliveries_are_listed_by_state_with_the_last_reply() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let opened = open(ledger, "one", &["ada", "bob", "cid"]).await;
        let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
        let claims = claim(ledger, opened.dispatch, &worker, 2, at(1)).await;
        let full = Outcome::Rejected {
            stage: Stage::Rcpt,
            reply: Reply { code: 552, enhanced: Some((5, 2, 2)), text: "mailbox full".to_owned() },
        };
        ledger.end(&claims[0], &deferred(), Next::RetryAt(at(30)), at(2));
        ledger.begin(&claims[1], at(7)).await.unwrap();
        let again = claim(ledger, opened.dispatch, &worker, 1, at(60)).await;
        ledger.end(&again[0], &full, Next::Close, at(61));

        let failed = ledger.deliveries(opened.dispatch, Some(State::Failed)).collect().await.unwrap();
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0].address, address("ada@example.com"));
        assert_eq!(failed[0].attempts, 2);
        assert_eq!(failed[0].reply.as_deref(), Some("552 5.2.2 mailbox full"));
        assert_eq!(failed[0].at, Some(at(61)));
        let begun = ledger.deliveries(opened.dispatch, Some(State::Begun)).collect().await.unwrap();
        assert_eq!((begun[0].attempts, begun[0].reply.clone(), begun[0].at), (0, None, Some(at(7))));
        let tally = ledger.tally(opened.dispatch).await.unwrap();
        assert_eq!(tally, Tally { planned: 3, queued: 1, begun: 1, failed: 1, ..Tally::default() });
        assert_eq!((tally.in_flight(), tally.owed()), (1, 2));
    })
    .await;
}

#[tokio::test]
async fn long_lists_are_read_in_pages_in_the_order_of_the_list() {
    on_each(async |shelf| {
        let list: Vec<String> = (0..1203).rev().map(|number| format!("reader{number}")).collect();
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        let opened = open(&shelf.ledger, "one", &list).await;
        let expected: Vec<String> = list.iter().map(|name| format!("{name}: queued")).collect();
        assert_eq!(states(&shelf.ledger, opened.dispatch).await, expected);
    })
    .await;
}

#[tokio::test]
async fn everything_ever_tried_for_one_person_is_reported_in_order() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let first = open(ledger, "one", &["ada", "bob"]).await;
        let second = open(ledger, "two", &["bob", "ada"]).await;
        open(ledger, "three", &["bob"]).await;
        let worker = ledger.register_worker("smtp://relay.example", at(1)).await.unwrap();
        let claims = claim(ledger, first.dispatch, &worker, 1, at(1)).await;
        ledger.begin(&claims[0], at(2)).await.unwrap();
        ledger.end(&claims[0], &unconfirmed(), Next::Close, at(3));
        ledger.flush().await.unwrap();
        ledger.decide(first.dispatch, Decision::Resend, None, at(4)).await.unwrap();
        let claims = claim(ledger, first.dispatch, &worker, 1, at(5)).await;
        ledger.begin(&claims[0], at(6)).await.unwrap();
        ledger.end(&claims[0], &accepted(), Next::Close, at(7));

        let histories = ledger.history(&address("ada@EXAMPLE.com")).await.unwrap();
        assert_eq!(histories.len(), 2);
        assert_eq!(histories[0].dispatch.id, second.dispatch);
        assert_eq!((histories[0].delivery.state, histories[0].events.len()), (State::Queued, 0));
        assert_eq!(histories[1].delivery.state, State::Accepted);
        let relay = "smtp://relay.example".to_owned();
        assert_eq!(
            histories[1].events,
            [
                HistoryEvent::Attempt {
                    begun_at: Some(at(2)),
                    ended_at: at(3),
                    relay: relay.clone(),
                    outcome: unconfirmed()
                },
                HistoryEvent::Decision { at: at(4), decision: Decision::Resend },
                HistoryEvent::Attempt { begun_at: Some(at(6)), ended_at: at(7), relay, outcome: accepted() },
            ]
        );
        assert!(ledger.history(&address("nobody@example.com")).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn attempts_are_grouped_by_reply_and_by_time() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let opened = open(ledger, "one", &["ada", "bob", "cid", "dan"]).await;
        let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
        let claims = claim(ledger, opened.dispatch, &worker, 4, at(1)).await;
        for (claim, second) in claims.iter().zip([0, 59, 60, 61]) {
            let outcome = match second {
                61 => Outcome::Deferred { stage: Stage::Mail, reply: reply(421, "busy") },
                _ => Outcome::Accepted { reply: reply(250, &format!("queued as {second}")) },
            };
            ledger.begin(claim, at(second)).await.unwrap();
            ledger.end(claim, &outcome, Next::RetryAt(at(900)), at(second));
        }
        let groups = ledger.replies(opened.dispatch).await.unwrap();
        assert_eq!(groups.len(), 2);
        assert_eq!((groups[0].kind, groups[0].code, groups[0].count), (OutcomeKind::Accepted, Some(250), 3));
        assert_eq!((groups[1].kind, groups[1].stage), (OutcomeKind::Deferred, Some(Stage::Mail)));
        assert_eq!(groups[1].example, "busy");

        let course = ledger.timeline(opened.dispatch, 60).await.unwrap();
        let counts: Vec<_> = course.iter().map(|bucket| (bucket.accepted, bucket.deferred)).collect();
        // The fixed moment is 40 seconds before a full minute.
        assert_eq!(counts, [(1, 0), (2, 1)]);
        assert!(course.is_sorted_by_key(|bucket| bucket.from));
    })
    .await;
}

#[tokio::test]
async fn letters_offered_lately_are_counted_by_relay_and_domain_across_workers() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let list = ["ada@a.example", "bob@b.example", "cid@a.example", "dan@a.example", "eve@a.example"];
        let opened = open(ledger, "one", &list).await;
        let first = ledger.register_worker("first", at(1)).await.unwrap();
        let claims = claim(ledger, opened.dispatch, &first, 2, at(1)).await;
        ledger.end(&claims[0], &deferred(), Next::RetryAt(at(900)), at(10));
        ledger.end(&claims[1], &deferred(), Next::RetryAt(at(900)), at(20));
        ledger.flush().await.unwrap();
        ledger.release(&first, at(20)).await.unwrap();
        let second = ledger.register_worker("second", at(30)).await.unwrap();
        let claims = claim(ledger, opened.dispatch, &second, 3, at(30)).await;
        ledger.begin(&claims[0], at(31)).await.unwrap();
        ledger.end(&claims[0], &accepted(), Next::Close, at(32));
        ledger.begin(&claims[1], at(33)).await.unwrap();

        let counts = async |since| {
            let offered = ledger.attempts_between(at(since), at(60)).await.unwrap();
            offered
                .into_iter()
                .map(|one| format!("{} {} {}", one.relay, one.domain, one.letters))
                .collect::<Vec<_>>()
        };
        assert_eq!(counts(0).await, ["first a.example 1", "first b.example 1", "second a.example 2"]);
        assert_eq!(counts(15).await, ["first b.example 1", "second a.example 2"]);
        assert_eq!(counts(33).await, ["second a.example 1"]);
        assert_eq!(counts(34).await, [""; 0]);
        let early = ledger.attempts_between(at(0), at(10)).await.unwrap();
        assert_eq!(early.iter().map(|one| one.letters).sum::<u64>(), 1, "what is dated later is left out");
    })
    .await;
}

#[tokio::test]
async fn one_address_is_looked_up_in_a_dispatch() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        ledger.suppress(by_hand("bob")).await.unwrap();
        let opened = open(ledger, "one", &["ada", "bob"]).await;
        let state = async |name| ledger.state_of(opened.dispatch, &address(name)).await.unwrap();
        assert_eq!(state("ada@example.com").await, Some(State::Queued));
        assert_eq!(state("bob@example.com").await, Some(State::Suppressed));
        assert_eq!(state("cid@example.com").await, None);
        ledger.check().await.unwrap();
    })
    .await;
}
