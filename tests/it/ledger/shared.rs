//! What all senders of a ledger know together, and the parts in which they share letters.

use mimeograph::ledger::{Domains, Joinable, Share, Stops, Wanted};

use crate::support::ledgers::{at, names, on_each, open};

#[tokio::test]
async fn a_value_is_revised_by_several_processes_and_no_revision_is_lost() {
    on_each(async |shelf| {
        let handles = [shelf.second().unwrap(), shelf.second().unwrap(), shelf.ledger.clone()];
        let add = |value: Option<&str>, now| {
            let number = value.map_or(0, |value| value.parse::<u32>().unwrap()) + 1;
            (Some(number.to_string()), (number, now))
        };
        let mut tasks = tokio::task::JoinSet::new();
        for ledger in handles {
            tasks.spawn(async move {
                let mut seen = Vec::new();
                for _ in 0..40 {
                    let (number, now) = ledger.revise("number", add).await.unwrap();
                    seen.push((now, number));
                }
                seen
            });
        }
        let mut seen = tasks.join_all().await.concat();
        assert_eq!(shelf.ledger.shared_value("number").await.unwrap().as_deref(), Some("120"));
        seen.sort_by_key(|(_, number)| *number);
        assert!(seen.iter().map(|(_, number)| *number).eq(1..=120), "each revision is seen once");
        // By one clock, the database's, to the millisecond.
        let off = |pair: &[(jiff::Timestamp, u32)]| pair[1].0.as_millisecond() - pair[0].0.as_millisecond();
        assert!(seen.windows(2).all(|pair| off(pair) >= -1), "{seen:?}");
        // What is left as it is costs no version, and another name has its own value.
        let same = |value: Option<&str>, _| (None, value.map(str::to_owned));
        assert_eq!(shelf.ledger.revise("number", same).await.unwrap().as_deref(), Some("120"));
        assert_eq!(shelf.ledger.revise("other", same).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn parts_of_a_dispatch_do_not_overlap_and_leave_nothing_out() {
    on_each(async |shelf| {
        let ledger = &shelf.ledger;
        let people: Vec<String> =
            (0..40).map(|n| format!("p{n}@{}.example", if n % 3 == 0 { "a" } else { "b" })).collect();
        let people: Vec<&str> = people.iter().map(String::as_str).collect();
        let opened = open(ledger, "one", &people).await;
        let worker = ledger.register_worker("relay", at(1)).await.unwrap();
        let share = |from, to| Some(Share { of: 4, stride: 3, from, to });
        let claim = async |limit, share, domains| {
            let wanted = Wanted { share, domains, ..Wanted::default() };
            ledger.claim(opened.dispatch, &worker, limit, at(2), &wanted).await.unwrap()
        };
        let first = claim(99, share(0, 3), Domains::All).await;
        assert_eq!(first.len(), 30);
        let only_a = claim(99, share(3, 4), Domains::Only(vec!["a.example".into()])).await;
        let rest = claim(99, share(3, 4), Domains::Except(vec!["a.example".into()])).await;
        assert_eq!(only_a.len() + rest.len(), 10);
        let mut all = [names(&first), names(&only_a), names(&rest)].concat();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 40);
        // What is given back comes again to whoever has its part.
        first.iter().chain(&rest).for_each(|claim| ledger.withdraw(claim));
        ledger.flush().await.unwrap();
        let wanted = Wanted { share: share(3, 4), ..Wanted::default() };
        assert!(ledger.next_due(opened.dispatch, &wanted).await.unwrap().is_some());
        assert_eq!(claim(99, share(3, 4), Domains::All).await.len(), rest.len());
        assert_eq!(ledger.next_due(opened.dispatch, &wanted).await.unwrap(), None);
        assert_eq!(claim(99, None, Domains::All).await.len(), 30);
    })
    .await;
}

#[tokio::test]
async fn each_stop_is_counted_and_the_first_reason_stays_until_it_is_taken_back() {
    on_each(async |shelf| {
        let (ledger, other) = (&shelf.ledger, shelf.second().unwrap());
        let dispatch = open(ledger, "one", &["ada"]).await.dispatch;
        assert_eq!(ledger.stops(dispatch).await.unwrap(), Stops::default());
        ledger.store_run(dispatch, "", Joinable::Yes, at(1)).await.unwrap();
        for (count, why) in [(1, "by hand"), (2, "later")] {
            // Whatever its clock says.
            other.stop_run(dispatch, why, at(-1_000_000)).await.unwrap();
            let stops = ledger.stops(dispatch).await.unwrap();
            assert_eq!((stops.count, stops.why.as_deref()), (count, Some("by hand")));
        }
        assert!(ledger.resume_run(dispatch, at(2)).await.unwrap());
        assert!(!ledger.resume_run(dispatch, at(3)).await.unwrap(), "it was not stopped");
        assert_eq!(other.stops(dispatch).await.unwrap(), Stops { count: 2, why: None });
    })
    .await;
}
