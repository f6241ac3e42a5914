//! The ledger's contract: the same stories on every kind of ledger.

use mimeograph::ledger::{Begun, Next, Wanted};

use crate::support::ledgers::{Kind, Shelf, accepted, at, open, states};

#[tokio::test]
async fn a_letter_is_claimed_begun_and_accepted() {
    for kind in Kind::ALL {
        let shelf = Shelf::new(kind);
        let ledger = &shelf.ledger;
        let opened = open(ledger, "one", &["ada", "bob", "ada"]).await;
        assert_eq!((opened.owed, opened.already, opened.suppressed), (2, 1, 0));
        let worker = ledger.hire("outbox", at(1)).await.unwrap();
        let claims = ledger.claim(opened.dispatch, &worker, 1, at(1), &Wanted::default()).await.unwrap();
        assert_eq!(states(ledger, opened.dispatch).await, ["ada: claimed", "bob: queued"]);
        assert_eq!(ledger.begin(&claims[0], at(2)).await.unwrap(), Begun::Begun);
        assert_eq!(states(ledger, opened.dispatch).await, ["ada: begun", "bob: queued"]);
        ledger.end(&claims[0], &accepted(), Next::Close, at(3));
        assert_eq!(states(ledger, opened.dispatch).await, ["ada: accepted", "bob: queued"]);
    }
}
