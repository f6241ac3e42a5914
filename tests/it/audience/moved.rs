//! People whose address has changed: letters that wait for the earlier one are theirs.

use jiff::Timestamp;
use mimeograph::{
    audience::{Audience, Change, Label, NewPerson, Signup, SignupKind, Who, Words},
    ledger::{Begun, Ledger, NewDispatch, Next, Reason, Suppression, Wanted},
    message::{ListTokens, Tokens},
    subscriber::{Fields, Subscriber},
};

use crate::support::ledgers::{self, address, at, claim, deferred, issue};

fn tokens() -> ListTokens {
    ListTokens::new(Tokens::new(&[7; 32]), "letters.example.org")
}

fn reader(name: &str) -> NewPerson {
    NewPerson {
        address: address(&format!("{name}@example.com")),
        name: None,
        fields: Fields::default(),
        tags: Words::default(),
        topics: Words::parse("tea"),
        language: None,
        source: "test".to_owned(),
    }
}

/// `ann@example.com` becomes `ann@example.net`.
async fn moves(audience: &Audience, index: usize, name: &str, now: Timestamp) {
    let key = address(&format!("{name}@example.com")).key();
    let signup = Signup {
        id: [u8::try_from(index).unwrap(); 12],
        kind: SignupKind::Address,
        address: address(&format!("{name}@example.net")),
        name: None,
        fields: Fields::default(),
        topics: Words::default(),
        language: None,
        person: Some(tokens().person(&key)),
        form: "preferences".to_owned(),
        wording: String::new(),
        requested_at: now,
        requested_from: None,
        due_at: now,
        expires_at: at(1_000_000),
    };
    let id = signup.id;
    audience.sign_up(signup).await.unwrap();
    audience.confirm(id, false, now).await.unwrap();
    let moved = audience.find(&address(&format!("{name}@example.net"))).await.unwrap();
    assert!(moved.is_some(), "{name}");
}

/// What happens to someone after their address has changed, and whether the letter to the earlier one begins.
const EVENTS: [(&str, bool); 16] = [
    ("nothing", true),
    ("link", false),
    ("present", false),
    ("earlier", false),
    ("suppressed", false),
    ("complaint", false),
    ("complaint-earlier", false),
    ("by-hand-earlier", false),
    ("bounced", false),
    ("paused", false),
    ("paused-page", false),
    ("pause-over", true),
    ("topics", false),
    ("erased", false),
    ("erased-earlier", false),
    ("resubscribed", true),
];

async fn happens(audience: &Audience, ledger: &Ledger, name: &str, now: Timestamp) {
    let earlier = address(&format!("{name}@example.com"));
    let present = address(&format!("{name}@example.net"));
    let suppress = async |address: &_, reason| {
        let suppression = Suppression { address: Clone::clone(address), reason, note: None, at: now };
        ledger.suppress(suppression).await.unwrap();
    };
    let unsubscribe = async |who| {
        audience.unsubscribe(vec![who], "test", "reader", now).await.unwrap();
    };
    let hash = tokens().person(&earlier.key());
    match name {
        "nothing" => {}
        "link" => unsubscribe(Who::Hash(hash)).await,
        "present" => unsubscribe(Who::Address(present)).await,
        "earlier" => unsubscribe(Who::Address(earlier)).await,
        "suppressed" => suppress(&present, Reason::Unsubscribed).await,
        "complaint" => suppress(&present, Reason::Complaint).await,
        "complaint-earlier" => suppress(&earlier, Reason::Complaint).await,
        "by-hand-earlier" => suppress(&earlier, Reason::ByHand).await,
        "bounced" => suppress(&present, Reason::HardBounce).await,
        "paused" => drop(audience.pause(present, None, now).await.unwrap()),
        "paused-page" => {
            let change = Change { pause: Some(at(1_000_000)), ..Change::default() };
            audience.change(hash, change, now).await.unwrap();
        }
        "pause-over" => drop(audience.pause(present, Some(now), now).await.unwrap()),
        "topics" => {
            let (none, tea) = (Words::default(), Words::parse("tea"));
            audience.label(Label::Topics, vec![present], none, tea, now).await.unwrap();
        }
        "erased" => drop(audience.erase(present, now).await.unwrap()),
        "erased-earlier" => drop(audience.erase(earlier, now).await.unwrap()),
        "resubscribed" => {
            unsubscribe(Who::Hash(hash)).await;
            audience.resubscribe(present, "wrote", now).await.unwrap();
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_no_counts_for_a_letter_that_waits_for_an_earlier_address() {
    for how in ["deferred", "claimed", "pre-committed"] {
        ledgers::on_each(async |shelf| {
            let ledger = shelf.ledger.clone();
            let audience = Audience::open(ledger.clone(), tokens(), at(0)).await.unwrap();
            let mut people = Vec::new();
            for (name, _) in EVENTS {
                let person = audience.add(reader(name), "test", at(0)).await.unwrap();
                people.push(Ok::<Subscriber, _>(person.into_subscriber()));
            }
            let mut rendered = issue("one");
            rendered.topics = vec!["tea".to_owned()];
            let new = NewDispatch { rendered: &rendered, opened_at: at(1) };
            let dispatch = ledger.open_dispatch(&new, people).await.unwrap().dispatch;
            let worker = ledger.register_worker("outbox", at(1)).await.unwrap();
            let wanted = Wanted { pre_commit: how == "pre-committed", ..Wanted::default() };
            // The first one opens the log.
            ledger.claim(dispatch, &worker, 0, at(2), &wanted).await.unwrap();
            let mut claims = ledger.claim(dispatch, &worker, 99, at(2), &wanted).await.unwrap();
            assert_eq!(claims.len(), EVENTS.len());
            if how == "deferred" {
                for claim in &claims {
                    assert_eq!(ledger.begin(claim, at(3)).await.unwrap(), Begun::Begun);
                    ledger.end(claim, &deferred(), Next::RetryAt(at(60)), at(4));
                }
                ledger.flush().await.unwrap();
            }
            for (index, (name, _)) in EVENTS.iter().enumerate() {
                moves(&audience, index, name, at(5)).await;
            }
            for (name, _) in EVENTS {
                happens(&audience, &ledger, name, at(6)).await;
            }
            if how == "deferred" {
                claims = claim(&ledger, dispatch, &worker, 99, at(100)).await;
            }
            let mut begun = Vec::new();
            for claim in &claims {
                if ledger.begin(claim, at(101)).await.unwrap() == Begun::Begun {
                    begun.push(claim.subscriber.address.expose().trim_end_matches("@example.com").to_owned());
                }
            }
            begun.sort();
            let mut expected: Vec<_> =
                EVENTS.iter().filter(|(_, begins)| *begins).map(|(name, _)| *name).collect();
            expected.sort_unstable();
            assert_eq!(begun, expected, "{how}");
        })
        .await;
    }
}

#[tokio::test]
async fn earlier_addresses_are_known_again_after_a_change_of_the_key() {
    ledgers::on_each(async |shelf| {
        let ledger = shelf.ledger.clone();
        let audience = Audience::open(ledger.clone(), tokens(), at(0)).await.unwrap();
        let person = audience.add(reader("ann"), "test", at(0)).await.unwrap();
        let people = vec![Ok::<Subscriber, _>(person.into_subscriber())];
        let rendered = issue("one");
        let new = NewDispatch { rendered: &rendered, opened_at: at(1) };
        let dispatch = ledger.open_dispatch(&new, people).await.unwrap().dispatch;
        moves(&audience, 1, "ann", at(2)).await;
        // The earlier key is gone.
        let other = ListTokens::new(Tokens::new(&[8; 32]), "letters.example.org");
        let audience = Audience::open(ledger.clone(), other, at(3)).await.unwrap();
        let who = vec![Who::Address(address("ann@example.net"))];
        audience.unsubscribe(who, "test", "reader", at(4)).await.unwrap();
        let worker = ledger.register_worker("outbox", at(5)).await.unwrap();
        let claims = claim(&ledger, dispatch, &worker, 9, at(5)).await;
        assert_eq!(ledger.begin(&claims[0], at(6)).await.unwrap(), Begun::Suppressed);
    })
    .await;
}
