//! What processes that work one ledger off together tell each other.

use mimeograph::ledger::{Joinable, LedgerError, NewDispatch, Next, Wanted};

use crate::support::ledgers::{accepted, at, claim, issue, names, on_each, open};

#[tokio::test]
async fn no_one_claims_for_a_letter_that_was_frozen_again() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let opened = open(ledger, "one", &["ada", "bob"]).await;
        let worker = ledger.register_worker("relay", at(1)).await.unwrap();
        let wanted = |digest: &str| Wanted { digest: Some(digest.into()), ..Wanted::default() };
        let earlier = wanted(&issue("one").digest());
        let mut edited = issue("one");
        edited.view = Some("https://example.org/one".to_owned());
        let new = NewDispatch { rendered: &edited, opened_at: at(2) };
        assert!(ledger.refreeze(opened.dispatch, &new, None).await.unwrap());
        let refused = ledger.claim(opened.dispatch, &worker, 9, at(3), &earlier).await;
        assert!(matches!(refused, Err(LedgerError::Refrozen)), "{refused:?}");
        let claims =
            ledger.claim(opened.dispatch, &worker, 9, at(3), &wanted(&edited.digest())).await.unwrap();
        assert_eq!(names(&claims), ["ada", "bob"]);
    })
    .await;
}

#[tokio::test]
async fn a_dispatch_is_open_to_workers_once_it_was_for_everybody_and_until_it_is_stopped() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let opened = open(ledger, "one", &["ada"]).await;
        let runs = async || {
            let runs = ledger.open_runs().await.unwrap();
            runs.into_iter().map(|run| (run.dispatch.slug, run.settings, run.stopped)).collect::<Vec<_>>()
        };
        let run = |settings: &str, stopped: Option<&str>| {
            vec![("one".to_owned(), settings.to_owned(), stopped.map(str::to_owned))]
        };
        assert_eq!(runs().await, []);
        ledger.store_run(opened.dispatch, "a", Joinable::AsBefore, at(1)).await.unwrap();
        assert_eq!(runs().await, []);
        ledger.store_run(opened.dispatch, "b", Joinable::Yes, at(2)).await.unwrap();
        assert_eq!(runs().await, run("b", None));
        ledger.stop_run(opened.dispatch, "the brake", at(3)).await.unwrap();
        ledger.stop_run(opened.dispatch, "later", at(4)).await.unwrap();
        assert_eq!(runs().await, run("b", Some("the brake")));
        // A trial with some people neither closes it nor lets others go on.
        ledger.store_run(opened.dispatch, "c", Joinable::AsBefore, at(5)).await.unwrap();
        assert_eq!(runs().await, run("c", Some("the brake")));
        ledger.store_run(opened.dispatch, "d", Joinable::Yes, at(6)).await.unwrap();
        assert_eq!(runs().await, run("d", None));
    })
    .await;
}

#[tokio::test]
async fn what_can_be_claimed_is_known_without_claiming_it() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let opened = open(ledger, "one", &["ada", "bob"]).await;
        let next = async |seconds| ledger.next_work(opened.dispatch, at(seconds)).await.unwrap();
        let worker = ledger.register_worker("relay", at(1)).await.unwrap();
        assert_eq!(next(5).await, Some(at(5)));
        let first = claim(ledger, opened.dispatch, &worker, 1, at(5)).await;
        assert_eq!(next(6).await, Some(at(6)));
        let second = claim(ledger, opened.dispatch, &worker, 1, at(6)).await;
        assert_eq!((names(&first), names(&second)), (vec!["ada".into()], vec!["bob".into()]));
        assert_eq!(next(7).await, None, "this worker holds the rest");
        ledger.end(&first[0], &accepted(), Next::Close, at(8));
        ledger.withdraw(&second[0]);
        assert!(next(9).await.is_some_and(|due| due <= at(9)), "given back");
    })
    .await;
}
