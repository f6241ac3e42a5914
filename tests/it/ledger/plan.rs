//! Opening a dispatch, and adding people to it.

use std::io;

use mimeograph::{
    ledger::{LedgerError, NewDispatch, Reason, State, Suppression, Tally},
    render::RenderedIssue,
};

use crate::support::ledgers::{address, at, issue, on_each, open, people, person, states};

#[tokio::test]
async fn each_address_is_owed_one_letter_in_the_order_of_the_list() {
    on_each(async |shelf| {
        let opened = open(&shelf.ledger, "one", &["zoe", "ada", "zoe", "bob", "ada@EXAMPLE.com"]).await;
        assert_eq!((opened.owed, opened.already, opened.suppressed), (3, 2, 0));
        assert_eq!(
            states(&shelf.ledger, opened.dispatch).await,
            ["zoe: queued", "ada: queued", "bob: queued"]
        );
    })
    .await;
}

#[tokio::test]
async fn an_empty_list_opens_an_empty_dispatch() {
    on_each(async |shelf| {
        let opened = open(&shelf.ledger, "one", &[]).await;
        assert_eq!(shelf.ledger.tally(opened.dispatch).await.unwrap(), Tally::default());
        let more = shelf.ledger.extend_dispatch(opened.dispatch, people(&["ada"])).await.unwrap();
        assert_eq!(more.owed, 1);
        assert_eq!(states(&shelf.ledger, opened.dispatch).await, ["ada: queued"]);
    })
    .await;
}

#[tokio::test]
async fn suppressed_people_are_recorded_so_that_the_tally_is_the_plan() {
    on_each(async |shelf| {
        let suppression = Suppression {
            address: address("bob@example.com"),
            reason: Reason::Unsubscribed,
            note: None,
            at: at(0),
        };
        shelf.ledger.suppress(suppression).await.unwrap();
        let opened = open(&shelf.ledger, "one", &["ada", "bob", "bob"]).await;
        assert_eq!((opened.owed, opened.already, opened.suppressed), (1, 1, 1));
        assert_eq!(states(&shelf.ledger, opened.dispatch).await, ["ada: queued", "bob: suppressed"]);
        let tally = shelf.ledger.tally(opened.dispatch).await.unwrap();
        assert_eq!(tally, Tally { planned: 2, queued: 1, suppressed: 1, ..Tally::default() });
        let bob = shelf.ledger.deliveries(opened.dispatch, Some(State::Suppressed)).collect().await.unwrap();
        assert_eq!(bob[0].reply.as_deref(), Some("unsubscribed"));
    })
    .await;
}

#[tokio::test]
async fn a_list_that_breaks_off_leaves_nothing_behind() {
    on_each(async |shelf| {
        let rendered = issue("one");
        let list =
            vec![Ok(person("ada")), Err(io::Error::other("the disk is gone").into()), Ok(person("bob"))];
        let failed =
            shelf.ledger.open_dispatch(&NewDispatch { rendered: &rendered, opened_at: at(0) }, list).await;
        assert!(matches!(failed, Err(LedgerError::People { .. })), "{failed:?}");
        assert_eq!(shelf.ledger.find_dispatch("one").await.unwrap(), None);
        let opened = open(&shelf.ledger, "one", &["ada", "bob"]).await;
        assert_eq!(opened.owed, 2);
    })
    .await;
}

#[tokio::test]
async fn a_list_of_people_who_are_all_different_is_undone_when_they_are_not() {
    on_each(async |shelf| {
        let rendered = issue("one");
        let new = NewDispatch { rendered: &rendered, opened_at: at(0) };
        let twice = people(&["ada", "bob", "Ada"]);
        let refused = shelf.ledger.open_dispatch_of_distinct(&new, twice).await;
        assert!(matches!(refused, Err(LedgerError::Repeated)), "{refused:?}");
        assert_eq!(shelf.ledger.find_dispatch("one").await.unwrap(), None);
        let opened = shelf.ledger.open_dispatch_of_distinct(&new, people(&["ada", "bob"])).await.unwrap();
        assert_eq!((opened.owed, opened.already), (2, 0));
    })
    .await;
}

#[tokio::test]
async fn an_issue_is_opened_once_and_a_new_number_makes_a_new_one() {
    on_each(async |shelf| {
        let first = open(&shelf.ledger, "one", &["ada"]).await;
        let rendered = issue("one");
        let again = shelf
            .ledger
            .open_dispatch(&NewDispatch { rendered: &rendered, opened_at: at(9) }, people(&["bob"]))
            .await;
        assert!(matches!(again, Err(LedgerError::AlreadyOpen { ref slug }) if slug == "one"), "{again:?}");

        let second = RenderedIssue { number: Some(2), ..issue("one") };
        let opened = shelf
            .ledger
            .open_dispatch(&NewDispatch { rendered: &second, opened_at: at(9) }, people(&["ada"]))
            .await
            .unwrap();
        let latest = shelf.ledger.find_dispatch("one").await.unwrap().unwrap();
        assert_eq!((latest.id, latest.number, latest.opened_at), (opened.dispatch, Some(2), at(9)));
        let all = shelf.ledger.dispatches().await.unwrap();
        assert_eq!(all.iter().map(|record| record.id).collect::<Vec<_>>(), [opened.dispatch, first.dispatch]);
    })
    .await;
}

#[tokio::test]
async fn the_frozen_issue_comes_back_as_it_was() {
    on_each(async |shelf| {
        let opened = open(&shelf.ledger, "one", &["ada"]).await;
        let record = shelf.ledger.find_dispatch("one").await.unwrap().unwrap();
        let frozen = shelf.ledger.rendered(opened.dispatch).await.unwrap();
        assert_eq!(frozen, issue("one"));
        assert_eq!(record.digest, issue("one").digest());
        assert_eq!(record.title, "The story of one");
    })
    .await;
}

#[tokio::test]
async fn a_further_plan_adds_new_people_and_touches_no_one_else() {
    on_each(async |shelf| {
        let opened = open(&shelf.ledger, "one", &["ada", "bob"]).await;
        open(&shelf.ledger, "two", &["ada", "bob", "cid"]).await;
        let more = shelf
            .ledger
            .extend_dispatch(opened.dispatch, people(&["bob", "cid", "dan", "cid"]))
            .await
            .unwrap();
        assert_eq!((more.owed, more.already), (2, 2));
        assert_eq!(
            states(&shelf.ledger, opened.dispatch).await,
            ["ada: queued", "bob: queued", "cid: queued", "dan: queued"]
        );
    })
    .await;
}

#[tokio::test]
async fn a_person_is_frozen_with_the_name_and_every_field() {
    on_each(async |shelf| {
        let mut ada = person("ada");
        ada.name = Some("Ada \"Countess\" Lovelace".to_owned());
        ada.fields.insert("city", "Łódź\n\u{1F980}");
        let rendered = issue("one");
        let new = NewDispatch { rendered: &rendered, opened_at: at(0) };
        let opened = shelf.ledger.open_dispatch(&new, vec![Ok(ada.clone())]).await.unwrap();
        let worker = shelf.ledger.register_worker("outbox", at(0)).await.unwrap();
        let claims =
            shelf.ledger.claim(opened.dispatch, &worker, 10, at(0), &Default::default()).await.unwrap();
        assert_eq!(claims[0].subscriber, ada);
    })
    .await;
}

#[tokio::test]
async fn a_long_list_with_repeats_is_owed_one_letter_each_however_much_is_known_about_each() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let list = |to: usize| {
            (0..to).map(|number| {
                let mut reader = person(&format!("reader{}", number * number % 1709));
                // Some fill a page alone.
                let size = if number % 400 == 7 { 300 << 10 } else { 3 };
                reader.fields.insert("note", &"x".repeat(size));
                Ok(reader)
            })
        };
        let mut expected: Vec<String> = Vec::new();
        for reader in list(2_000).map(Result::unwrap) {
            let line = format!("{}: queued", reader.address.local());
            if !expected.contains(&line) {
                expected.push(line);
            }
        }
        let rendered = issue("one");
        let new = NewDispatch { rendered: &rendered, opened_at: at(0) };
        let opened = ledger.open_dispatch(&new, list(1_300)).await.unwrap();
        let more = ledger.extend_dispatch(opened.dispatch, list(2_000)).await.unwrap();
        assert_eq!((opened.owed + opened.already, more.owed + more.already), (1_300, 2_000));
        assert_eq!((opened.owed + more.owed) as usize, expected.len());
        assert_eq!(states(ledger, opened.dispatch).await, expected);
        ledger.check().await.unwrap();

        let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
        let mut claimed = Vec::new();
        loop {
            let some = ledger.claim(opened.dispatch, &worker, 170, at(1), &Default::default()).await.unwrap();
            if some.is_empty() {
                break;
            }
            claimed.extend(some.iter().map(|claim| format!("{}: queued", claim.subscriber.address.local())));
        }
        assert_eq!(claimed, expected);
        assert!(states(ledger, opened.dispatch).await.iter().all(|state| state.ends_with(": claimed")));
    })
    .await;
}
