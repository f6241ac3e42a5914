//! Claim, begin, end, withdraw, release, reap.

use mimeograph::ledger::{Begun, Domains, Next, Selection, State, Wanted};

use crate::support::ledgers::{
    Kind, Shelf, accepted, address, at, by_hand, claim, deferred, names, on_each, open, rejected, states,
    unconfirmed,
};

#[tokio::test]
async fn a_letter_is_claimed_begun_and_accepted() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let opened = open(ledger, "one", &["ada", "bob"]).await;
        let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
        let claims = claim(ledger, opened.dispatch, &worker, 1, at(1)).await;
        assert_eq!(states(ledger, opened.dispatch).await, ["ada: claimed", "bob: queued"]);
        assert_eq!(ledger.begin(&claims[0], at(2)).await.unwrap(), Begun::Begun);
        assert_eq!(states(ledger, opened.dispatch).await, ["ada: begun", "bob: queued"]);
        ledger.end(&claims[0], &accepted(), Next::Close, at(3));
        assert_eq!(states(ledger, opened.dispatch).await, ["ada: accepted", "bob: queued"]);
    })
    .await;
}

#[tokio::test]
async fn two_workers_never_hold_the_same_delivery() {
    on_each(async |shelf| {
        let (ledger, other) = (&shelf.ledger, shelf.second().unwrap());
        let opened = open(ledger, "one", &["ada", "bob", "cid"]).await;
        let first = ledger.register_worker("outbox", at(1)).await.unwrap();
        let second = other.register_worker("outbox", at(1)).await.unwrap();
        assert_eq!(names(&claim(ledger, opened.dispatch, &first, 2, at(1)).await), ["ada", "bob"]);
        assert_eq!(names(&claim(&other, opened.dispatch, &second, 2, at(1)).await), ["cid"]);
        assert_eq!(names(&claim(ledger, opened.dispatch, &first, 2, at(1)).await), [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn a_deferred_letter_comes_back_when_it_is_due_and_before_the_others() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let opened = open(ledger, "one", &["ada", "bob", "cid"]).await;
        let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
        let claims = claim(ledger, opened.dispatch, &worker, 1, at(1)).await;
        assert_eq!((claims[0].attempt(), claims[0].first_tried), (1, None));
        ledger.end(&claims[0], &deferred(), Next::RetryAt(at(60)), at(2));
        assert_eq!(states(ledger, opened.dispatch).await, ["ada: deferred", "bob: queued", "cid: queued"]);

        assert_eq!(names(&claim(ledger, opened.dispatch, &worker, 1, at(59)).await), ["bob"]);
        let due = ledger.next_due(opened.dispatch, &Wanted::default()).await.unwrap().unwrap();
        assert!(due >= at(60) && due < at(61), "{due}");
        let claims = claim(ledger, opened.dispatch, &worker, 2, at(61)).await;
        assert_eq!(names(&claims), ["ada", "cid"]);
        assert_eq!((claims[0].attempt(), claims[0].first_tried), (2, Some(at(2))));
        assert_eq!(ledger.next_due(opened.dispatch, &Wanted::default()).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn what_was_put_off_can_be_hurried() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let opened = open(ledger, "one", &["ada"]).await;
        let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
        let claims = claim(ledger, opened.dispatch, &worker, 1, at(1)).await;
        ledger.end(&claims[0], &deferred(), Next::RetryAt(at(100_000_000)), at(2));
        assert_eq!(ledger.make_due_now(opened.dispatch).await.unwrap(), 1);
        assert_eq!(states(ledger, opened.dispatch).await, ["ada: queued"]);
        assert_eq!(names(&claim(ledger, opened.dispatch, &worker, 1, at(3)).await), ["ada"]);
    })
    .await;
}

#[tokio::test]
async fn a_refusal_closes_and_a_requeue_comes_back_at_once() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let opened = open(ledger, "one", &["ada", "bob"]).await;
        let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
        let claims = claim(ledger, opened.dispatch, &worker, 2, at(1)).await;
        ledger.end(&claims[0], &rejected(), Next::Close, at(2));
        ledger.end(&claims[1], &deferred(), Next::Requeue, at(2));
        assert_eq!(states(ledger, opened.dispatch).await, ["ada: failed", "bob: queued"]);
        assert_eq!(names(&claim(ledger, opened.dispatch, &worker, 2, at(2)).await), ["bob"]);
    })
    .await;
}

#[tokio::test]
async fn an_accepted_or_unconfirmed_letter_is_closed_whatever_follows() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let opened = open(ledger, "one", &["ada", "bob"]).await;
        let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
        let claims = claim(ledger, opened.dispatch, &worker, 2, at(1)).await;
        for claim in &claims {
            ledger.begin(claim, at(1)).await.unwrap();
        }
        ledger.end(&claims[0], &accepted(), Next::Requeue, at(2));
        ledger.end(&claims[1], &unconfirmed(), Next::RetryAt(at(3)), at(2));
        assert_eq!(states(ledger, opened.dispatch).await, ["ada: accepted", "bob: unconfirmed"]);
        assert!(claim(ledger, opened.dispatch, &worker, 2, at(9)).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_withdrawn_letter_is_as_if_it_had_never_been_taken() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let opened = open(ledger, "one", &["ada", "bob"]).await;
        let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
        let claims = claim(ledger, opened.dispatch, &worker, 2, at(1)).await;
        ledger.begin(&claims[0], at(1)).await.unwrap();
        ledger.withdraw(&claims[0]);
        ledger.withdraw(&claims[1]);
        assert_eq!(states(ledger, opened.dispatch).await, ["ada: queued", "bob: queued"]);
        let again = claim(ledger, opened.dispatch, &worker, 2, at(2)).await;
        assert_eq!(names(&again), ["ada", "bob"]);
        assert_eq!(again[0].attempt(), 1);
        assert!(again[0].epoch() > claims[0].epoch());
        assert_eq!(ledger.begin(&claims[0], at(3)).await.unwrap(), Begun::Lost);
    })
    .await;
}

#[tokio::test]
async fn release_gives_back_what_was_not_begun() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let opened = open(ledger, "one", &["ada", "bob", "cid"]).await;
        let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
        let claims = claim(ledger, opened.dispatch, &worker, 3, at(1)).await;
        ledger.begin(&claims[0], at(1)).await.unwrap();
        assert_eq!(ledger.release(&worker, at(2)).await.unwrap(), 2);
        assert_eq!(states(ledger, opened.dispatch).await, ["ada: begun", "bob: queued", "cid: queued"]);
        assert_eq!(ledger.begin(&claims[1], at(3)).await.unwrap(), Begun::Lost);
    })
    .await;
}

#[tokio::test]
async fn a_dead_worker_leaves_its_claims_to_others_and_its_begun_letters_unconfirmed() {
    on_each(async |shelf| {
        let (ledger, other) = (&shelf.ledger, shelf.second().unwrap());
        let opened = open(ledger, "one", &["ada", "bob", "cid"]).await;
        let dead = ledger.register_worker("outbox", at(1)).await.unwrap();
        let alive = other.register_worker("outbox", at(1)).await.unwrap();
        let claims = claim(ledger, opened.dispatch, &dead, 2, at(1)).await;
        ledger.begin(&claims[0], at(1)).await.unwrap();
        let theirs = claim(&other, opened.dispatch, &alive, 1, at(1)).await;

        assert_eq!(other.reap(at(2)).await.unwrap(), Default::default(), "both live");
        drop(dead);
        let reaped = other.reap(at(2)).await.unwrap();
        assert_eq!((reaped.workers, reaped.requeued, reaped.unconfirmed), (1, 1, 1));
        assert_eq!(
            states(ledger, opened.dispatch).await,
            ["ada: unconfirmed", "bob: queued", "cid: claimed"]
        );
        assert_eq!(other.begin(&theirs[0], at(3)).await.unwrap(), Begun::Begun);
        assert_eq!(other.reap(at(3)).await.unwrap(), Default::default(), "nothing is taken twice");
    })
    .await;
}

#[tokio::test]
async fn a_worker_taken_for_dead_begins_nothing_more_and_may_still_say_what_became_of_the_rest() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let opened = open(ledger, "one", &["ada", "bob", "cid", "dan"]).await;
        let frozen = ledger.register_worker("outbox", at(1)).await.unwrap();
        let claims = claim(ledger, opened.dispatch, &frozen, 4, at(1)).await;
        for claim in &claims[..3] {
            ledger.begin(claim, at(1)).await.unwrap();
        }
        drop(frozen);
        ledger.reap(at(2)).await.unwrap();
        assert_eq!(ledger.begin(&claims[3], at(3)).await.unwrap(), Begun::Lost);
        ledger.end(&claims[0], &accepted(), Next::Close, at(3));
        ledger.end(&claims[1], &deferred(), Next::RetryAt(at(60)), at(3));
        ledger.end(&claims[2], &unconfirmed(), Next::Close, at(3));
        assert_eq!(
            states(ledger, opened.dispatch).await,
            ["ada: accepted", "bob: deferred", "cid: unconfirmed", "dan: queued"]
        );
    })
    .await;
}

#[tokio::test]
async fn an_acceptance_that_comes_late_stops_a_resend_that_no_one_has_claimed() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let opened = open(ledger, "one", &["ada"]).await;
        let frozen = ledger.register_worker("outbox", at(1)).await.unwrap();
        let claims = claim(ledger, opened.dispatch, &frozen, 1, at(1)).await;
        ledger.begin(&claims[0], at(1)).await.unwrap();
        drop(frozen);
        ledger.reap(at(2)).await.unwrap();
        ledger.decide(opened.dispatch, mimeograph::ledger::Decision::Resend, None, at(3)).await.unwrap();
        assert_eq!(states(ledger, opened.dispatch).await, ["ada: queued"]);
        ledger.end(&claims[0], &accepted(), Next::Close, at(4));
        assert_eq!(states(ledger, opened.dispatch).await, ["ada: accepted"]);
    })
    .await;
}

#[tokio::test]
async fn a_late_end_does_not_touch_what_another_worker_holds() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let opened = open(ledger, "one", &["ada"]).await;
        let frozen = ledger.register_worker("outbox", at(1)).await.unwrap();
        let old = claim(ledger, opened.dispatch, &frozen, 1, at(1)).await;
        drop(frozen);
        ledger.reap(at(2)).await.unwrap();
        let worker = ledger.register_worker("outbox", at(2)).await.unwrap();
        let new = claim(ledger, opened.dispatch, &worker, 1, at(2)).await;
        ledger.begin(&new[0], at(2)).await.unwrap();
        ledger.end(&old[0], &rejected(), Next::Close, at(3));
        ledger.withdraw(&old[0]);
        assert_eq!(states(ledger, opened.dispatch).await, ["ada: begun"]);
        ledger.end(&new[0], &accepted(), Next::Close, at(3));
        ledger.end(&new[0], &rejected(), Next::Close, at(4));
        assert_eq!(states(ledger, opened.dispatch).await, ["ada: accepted"]);
    })
    .await;
}

#[tokio::test]
async fn a_suppression_counts_when_claiming_and_when_beginning() {
    on_each(async |shelf| {
        let (ledger, other) = (&shelf.ledger, shelf.second().unwrap());
        let opened = open(ledger, "one", &["ada", "bob", "cid"]).await;
        let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
        other.suppress(by_hand("ada")).await.unwrap();
        let claims = claim(ledger, opened.dispatch, &worker, 3, at(1)).await;
        assert_eq!(names(&claims), ["bob", "cid"]);
        other.suppress(by_hand("bob")).await.unwrap();
        assert_eq!(ledger.begin(&claims[0], at(2)).await.unwrap(), Begun::Suppressed);
        assert_eq!(ledger.begin(&claims[1], at(2)).await.unwrap(), Begun::Begun);
        other.suppress(by_hand("cid")).await.unwrap();
        ledger.end(&claims[1], &accepted(), Next::Close, at(3));
        assert_eq!(
            states(ledger, opened.dispatch).await,
            ["ada: suppressed", "bob: suppressed", "cid: accepted"]
        );
    })
    .await;
}

#[tokio::test]
async fn a_lifted_suppression_no_longer_counts() {
    on_each(async |shelf| {
        let (ledger, other) = (&shelf.ledger, shelf.second().unwrap());
        let opened = open(ledger, "one", &["ada"]).await;
        let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
        other.suppress(by_hand("ada")).await.unwrap();
        other.suppress(by_hand("bob")).await.unwrap();
        assert!(other.unsuppress(&address("ada@example.com")).await.unwrap());
        assert!(!other.unsuppress(&address("ada@example.com")).await.unwrap());
        let claims = claim(ledger, opened.dispatch, &worker, 1, at(1)).await;
        assert_eq!(ledger.begin(&claims[0], at(2)).await.unwrap(), Begun::Begun);
    })
    .await;
}

#[tokio::test]
async fn domains_can_be_left_out_or_asked_for_in_any_order() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let list =
            ["a1@a.example", "b1@b.example", "a2@a.example", "c1@c.example", "b2@b.example", "a3@a.example"];
        let opened = open(ledger, "one", &list).await;
        let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
        let ask = async |domains: Domains, limit| {
            let wanted = Wanted { domains, ..Wanted::default() };
            names(&ledger.claim(opened.dispatch, &worker, limit, at(1), &wanted).await.unwrap())
        };
        let domains = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(
            ask(Domains::Except(domains(&["a.example", "unknown.example"])), 2).await,
            list[1..2].iter().chain(&list[3..4]).map(|name| name.to_string()).collect::<Vec<_>>()
        );
        assert_eq!(ask(Domains::Only(domains(&["unknown.example"])), 2).await, [""; 0]);
        assert_eq!(ask(Domains::All, 1).await, ["a1@a.example"]);
        assert_eq!(ask(Domains::Only(domains(&["b.example"])), 2).await, ["b2@b.example"]);
        assert_eq!(ask(Domains::Except(domains(&["a.example"])), 2).await, [""; 0]);
        assert_eq!(ask(Domains::All, 9).await, ["a2@a.example", "a3@a.example"]);
    })
    .await;
}

#[tokio::test]
async fn a_run_can_be_about_some_people_only() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let opened = open(ledger, "one", &["ada", "bob", "cid", "dan", "eve"]).await;
        let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
        let only =
            vec![address("dan@example.com"), address("nobody@example.com"), address("bob@example.com")];
        let chosen = ledger.select(opened.dispatch, Selection::Only(only)).await.unwrap();
        assert_eq!((chosen.chosen, chosen.owed), (2, 2));
        assert_eq!(chosen.unknown, [address("nobody@example.com")]);
        let wanted = Wanted { selection: Some(chosen.id), ..Wanted::default() };
        let claims = ledger.claim(opened.dispatch, &worker, 1, at(1), &wanted).await.unwrap();
        assert_eq!(names(&claims), ["bob"]);
        ledger.end(&claims[0], &deferred(), Next::RetryAt(at(60)), at(2));
        let claims = ledger.claim(opened.dispatch, &worker, 9, at(2), &wanted).await.unwrap();
        assert_eq!(names(&claims), ["dan"]);
        assert!(ledger.next_due(opened.dispatch, &wanted).await.unwrap().is_some());
        let claims = ledger.claim(opened.dispatch, &worker, 9, at(61), &wanted).await.unwrap();
        assert_eq!(names(&claims), ["bob"]);

        let first = ledger.select(opened.dispatch, Selection::First(2)).await.unwrap();
        let wanted = Wanted { selection: Some(first.id), ..Wanted::default() };
        let claims = ledger.claim(opened.dispatch, &worker, 9, at(62), &wanted).await.unwrap();
        assert_eq!(names(&claims), ["ada", "cid"], "the first two that are still owed");
        assert_eq!(names(&claim(ledger, opened.dispatch, &worker, 9, at(62)).await), ["eve"]);
    })
    .await;
}

#[tokio::test]
async fn people_can_be_chosen_by_a_field() {
    use mimeograph::{ledger::NewDispatch, subscriber::Condition};
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let someone = |name: &str, city: &str| {
            let mut person = crate::support::ledgers::person(name);
            person.fields.insert("city", city);
            person.name = Some(name.to_uppercase());
            Ok(person)
        };
        let list = vec![someone("ada", "London"), someone("bob", "Paris"), someone("cid", "London")];
        let rendered = crate::support::ledgers::issue("one");
        let new = NewDispatch { rendered: &rendered, opened_at: at(0) };
        let opened = ledger.open_dispatch(&new, list).await.unwrap();
        let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
        let ask = async |field: &str, value: &str| {
            let choice = Selection::Where(Condition::parse(&format!("{field}={value}"), at(0)).unwrap());
            let chosen = ledger.select(opened.dispatch, choice).await.unwrap();
            let wanted = Wanted { selection: Some(chosen.id), ..Wanted::default() };
            let claims = ledger.claim(opened.dispatch, &worker, 9, at(1), &wanted).await.unwrap();
            claims.iter().for_each(|claim| ledger.withdraw(claim));
            names(&claims)
        };
        assert_eq!(ask("city", "London").await, ["ada", "cid"]);
        assert_eq!(ask("town", "London").await, [""; 0]);
        assert_eq!(ask("name", "BOB").await, ["bob"]);
        assert_eq!(ask("email", "cid@example.com").await, ["cid"]);
    })
    .await;
}

#[tokio::test]
async fn a_sample_is_drawn_by_its_seed() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let list: Vec<String> = (0..200).map(|number| format!("reader{number}")).collect();
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        let opened = open(ledger, "one", &list).await;
        let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
        let draw = async |seed| {
            let chosen = ledger.select(opened.dispatch, Selection::Sample { count: 20, seed }).await.unwrap();
            assert_eq!((chosen.chosen, chosen.owed), (20, 20));
            let wanted = Wanted { selection: Some(chosen.id), ..Wanted::default() };
            let claims = ledger.claim(opened.dispatch, &worker, 99, at(1), &wanted).await.unwrap();
            claims.iter().for_each(|claim| ledger.withdraw(claim));
            let mut names = names(&claims);
            names.sort();
            names
        };
        let first = draw(1).await;
        assert_eq!(first.len(), 20);
        assert_eq!(first, draw(1).await);
        assert_ne!(first, draw(2).await);
    })
    .await;
}

#[tokio::test]
async fn many_callers_are_committed_together_and_each_gets_its_answer() {
    let shelf = Shelf::new(Kind::File);
    let list: Vec<String> = (0..500).map(|number| format!("reader{number}")).collect();
    let list: Vec<&str> = list.iter().map(String::as_str).collect();
    let opened = open(&shelf.ledger, "one", &list).await;
    let worker = shelf.ledger.register_worker("outbox", at(1)).await.unwrap();
    let mut tasks = Vec::new();
    for one in claim(&shelf.ledger, opened.dispatch, &worker, 500, at(1)).await {
        let ledger = shelf.ledger.clone();
        tasks.push(tokio::spawn(async move {
            assert_eq!(ledger.begin(&one, at(2)).await.unwrap(), Begun::Begun);
            assert_eq!(ledger.begin(&one, at(2)).await.unwrap(), Begun::Lost, "nothing is begun twice");
            ledger.end(&one, &accepted(), Next::Close, at(3));
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    shelf.ledger.flush().await.unwrap();
    assert_eq!(shelf.ledger.tally(opened.dispatch).await.unwrap().of(State::Accepted), 500);
}

#[tokio::test]
async fn two_dispatches_that_grow_alternately_keep_their_people_apart() {
    use mimeograph::ledger::{Domains, Selection};
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let name = |issue: &str, number: usize| format!("{issue}{number}@domain{}.example", number % 3);
        let part = |issue: &str, from: usize| -> Vec<String> {
            (from..from + 700).map(|number| name(issue, number)).collect()
        };
        let people = |list: &[String]| {
            crate::support::ledgers::people(&list.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let one = open(ledger, "one", &[]).await.dispatch;
        let two = open(ledger, "two", &[]).await.dispatch;
        for from in [0, 700, 1400] {
            ledger.extend_dispatch(one, people(&part("one", from))).await.unwrap();
            ledger.extend_dispatch(two, people(&part("two", from))).await.unwrap();
        }
        let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
        let some = (0..300).map(|number| address(&name("one", number * 7))).collect();
        let chosen = ledger.select(one, Selection::Only(some)).await.unwrap();
        assert_eq!((chosen.chosen, chosen.owed), (300, 300));
        let by_choice = Wanted { selection: Some(chosen.id), ..Wanted::default() };
        let none = ledger.claim(two, &worker, 1000, at(1), &by_choice).await.unwrap();
        assert_eq!(none.len(), 0, "the choice is of the other dispatch");
        let by_domain =
            |domain: &str| Wanted { domains: Domains::Only(vec![domain.to_owned()]), ..Wanted::default() };
        let mut taken = std::collections::BTreeMap::new();
        for turn in 0..40 {
            for (issue, dispatch) in [("one", one), ("two", two)] {
                let wanted = match turn % 4 {
                    0 if issue == "one" => by_choice.clone(),
                    1 => by_domain("domain1.example"),
                    2 => by_domain("domain2.example"),
                    _ => Wanted::default(),
                };
                for claim in ledger.claim(dispatch, &worker, 97, at(1), &wanted).await.unwrap() {
                    let address = claim.subscriber.address.expose().to_owned();
                    assert!(address.starts_with(issue), "{address}");
                    assert_eq!(taken.insert(address.clone(), ()), None, "{address}");
                }
            }
        }
        assert_eq!(taken.len(), 2 * 2100);
        ledger.check().await.unwrap();
    })
    .await;
}
