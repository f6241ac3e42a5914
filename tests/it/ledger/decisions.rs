//! What the owner decides: unconfirmed and failed deliveries, suppressions.

use mimeograph::ledger::{Decision, Next, Reason, Suppression};

use crate::support::ledgers::{
    accepted, address, at, by_hand, claim, deferred, names, on_each, open, rejected, states, unconfirmed,
};

#[tokio::test]
async fn unconfirmed_letters_are_accepted_or_sent_again_when_the_owner_says_so() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let opened = open(ledger, "one", &["ada", "bob", "cid", "dan"]).await;
        let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
        for claim in &claim(ledger, opened.dispatch, &worker, 3, at(1)).await {
            ledger.begin(claim, at(1)).await.unwrap();
            ledger.end(claim, &unconfirmed(), Next::Close, at(2));
        }
        let bob =
            || Some(vec![address("bob@example.com"), address("dan@example.com"), address("x@example.com")]);
        assert_eq!(ledger.decide(opened.dispatch, Decision::Resend, bob(), at(3)).await.unwrap(), 1);
        assert_eq!(ledger.decide(opened.dispatch, Decision::Accept, bob(), at(3)).await.unwrap(), 0);
        assert_eq!(ledger.decide(opened.dispatch, Decision::Accept, None, at(3)).await.unwrap(), 2);
        assert_eq!(
            states(ledger, opened.dispatch).await,
            ["ada: accepted", "bob: queued", "cid: accepted", "dan: queued"]
        );
        let again = claim(ledger, opened.dispatch, &worker, 1, at(4)).await;
        assert_eq!((names(&again), again[0].attempt()), (vec!["bob".to_owned()], 1));
    })
    .await;
}

#[tokio::test]
async fn failed_letters_are_tried_again_when_the_owner_says_so() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let opened = open(ledger, "one", &["ada", "bob"]).await;
        let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
        let claims = claim(ledger, opened.dispatch, &worker, 2, at(1)).await;
        ledger.end(&claims[0], &rejected(), Next::Close, at(2));
        ledger.begin(&claims[1], at(2)).await.unwrap();
        ledger.end(&claims[1], &accepted(), Next::Close, at(2));
        ledger.flush().await.unwrap();
        assert_eq!(ledger.decide(opened.dispatch, Decision::Resend, None, at(3)).await.unwrap(), 0);
        assert_eq!(ledger.decide(opened.dispatch, Decision::Retry, None, at(3)).await.unwrap(), 1);
        assert_eq!(states(ledger, opened.dispatch).await, ["ada: queued", "bob: accepted"]);
        // Her tries are counted again, and so is the time she is tried for.
        let claims = claim(ledger, opened.dispatch, &worker, 1, at(4)).await;
        assert_eq!((claims[0].attempt(), claims[0].first_tried), (1, None));
        ledger.end(&claims[0], &deferred(), Next::RetryAt(at(6)), at(5));
        let claims = claim(ledger, opened.dispatch, &worker, 1, at(9)).await;
        assert_eq!((claims[0].attempt(), claims[0].first_tried), (2, Some(at(5))));
    })
    .await;
}

#[tokio::test]
async fn the_suppression_list_is_read_in_pages_in_the_order_it_grew() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let all = (0..1203).map(|number| Ok(by_hand(&format!("reader{number}"))));
        assert_eq!(ledger.suppress_all(all).await.unwrap(), 1203);
        let list = ledger.suppressions().collect().await.unwrap();
        assert_eq!(list.len(), 1203);
        assert_eq!(list[1000].address, address("reader1000@example.com"));
    })
    .await;
}

#[tokio::test]
async fn the_first_reason_of_a_suppression_stays() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let first = Suppression {
            address: address("ada@example.com"),
            reason: Reason::Complaint,
            note: Some("by abuse report".to_owned()),
            at: at(5),
        };
        assert!(ledger.suppress(first.clone()).await.unwrap());
        assert!(!ledger.suppress(by_hand("ada@EXAMPLE.com")).await.unwrap());
        assert_eq!(ledger.suppression(&address("ada@example.com")).await.unwrap(), Some(first));
        assert_eq!(ledger.suppression(&address("bob@example.com")).await.unwrap(), None);
    })
    .await;
}
