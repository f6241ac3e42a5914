//! A no of someone with whose address letters were asked for.

use std::{
    cell::Cell,
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
};

use mimeograph::{
    address::EmailAddress,
    audience::{
        Admission, Audience, Confirmed, Decision, ImportOptions, LetterKind, NewPerson, Signup, SignupKind,
        Staged, Who, Words,
    },
    bounce::Kind,
    ledger::{Effect, Ledger, NewBounce, Reason, Suppression},
    message::{ListTokens, Tokens},
    subscriber::Fields,
};

use crate::support::ledgers::{address, at, on_each};

struct List {
    audience: Audience,
    tokens: ListTokens,
    /// Seconds that have passed, one with each request.
    time: Cell<i64>,
}

impl List {
    async fn open(ledger: &Ledger) -> Self {
        let tokens = ListTokens::new(Tokens::new(&[7; 32]), "letters.example.org");
        let audience = Audience::open(ledger.clone(), tokens.clone(), at(0)).await.unwrap();
        Self { audience, tokens, time: Cell::new(0) }
    }

    fn now(&self) -> jiff::Timestamp {
        at(self.time.get())
    }

    async fn add(&self, address: &EmailAddress) {
        let new = NewPerson {
            address: address.clone(),
            name: None,
            fields: Fields::default(),
            tags: Words::default(),
            topics: Words::default(),
            language: None,
            source: "by hand".to_owned(),
        };
        self.audience.add(new, "asked", self.now()).await.unwrap();
    }

    /// Someone asks for letters to an address, and the letter about it leaves: the request's number, and what was decided.
    async fn ask(&self, address: &EmailAddress) -> ([u8; 12], Decision) {
        let asked = self.ask_while_the_relay_is_away(address).await;
        let letters = self.audience.take_letters(10, self.now(), at(100_000)).await.unwrap();
        let left = letters.into_iter().map(|letter| (letter.unwrap().id, None)).collect();
        self.audience.settle_letters(left).await.unwrap();
        asked
    }

    /// The same, and the letter waits.
    async fn ask_while_the_relay_is_away(&self, address: &EmailAddress) -> ([u8; 12], Decision) {
        self.time.set(self.time.get() + 1);
        let id = [u8::try_from(self.time.get()).unwrap(); 12];
        let signup = Signup {
            id,
            kind: SignupKind::Subscribe,
            address: address.clone(),
            name: None,
            fields: Fields::default(),
            topics: Words::default(),
            language: None,
            person: None,
            form: "footer".to_owned(),
            wording: "I want letters.".to_owned(),
            requested_at: self.now(),
            requested_from: None,
            due_at: self.now(),
            expires_at: at(self.time.get() + 100),
        };
        self.audience.sign_up(signup).await.unwrap();
        let limits = Admission {
            per_day: 100,
            per_month: 100,
            per_mailbox: 100,
            per_domain: 100,
            ..Admission::default()
        };
        let owner = EmailAddress::parse("editor@example.org").unwrap();
        (id, self.audience.settle_signup(limits, owner, self.now()).await.unwrap().unwrap())
    }

    /// The link of a letter that stops letters.
    async fn says_no(&self, address: &EmailAddress) {
        self.time.set(self.time.get() + 1);
        let who = Who::Hash(self.tokens.person(&address.key()));
        self.audience.unsubscribe(vec![who], "a link in a letter", "reader", self.now()).await.unwrap();
    }

    async fn confirm(&self, id: [u8; 12]) -> Confirmed {
        self.audience.confirm(id, false, self.now()).await.unwrap()
    }
}

#[tokio::test]
async fn this_was_not_me_counts_also_from_people_who_said_no_before() {
    on_each(async |shelf| {
        let list = List::open(&shelf.ledger).await;
        let people =
            ["left", "bounced", "erased", "stranger"].map(|name| address(&format!("{name}@example.com")));
        let [left, bounced, erased, _] = &people;
        list.add(left).await;
        list.says_no(left).await;
        let reason = Reason::HardBounce;
        let suppression = Suppression { address: bounced.clone(), reason, note: None, at: at(1) };
        shelf.ledger.suppress_all([Ok(suppression)]).await.unwrap();
        list.add(erased).await;
        list.audience.erase(erased.clone(), list.now()).await.unwrap();
        for address in &people {
            // Whoever asked can come back until then.
            let (earlier, decision) = list.ask(address).await;
            assert_eq!(decision, Decision::Send(LetterKind::Confirm), "{address}");
            list.says_no(address).await;
            let confirmed = list.confirm(earlier).await;
            assert!(
                matches!(confirmed, Confirmed::Withdrawn | Confirmed::Expired),
                "{address}: {confirmed:?}"
            );
            let (_, decision) = list.ask(address).await;
            assert_eq!(decision, Decision::Drop("suppressed"), "{address}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_old_link_that_stops_letters_is_no_answer_to_a_request() {
    on_each(async |shelf| {
        let (list, ann) = (List::open(&shelf.ledger).await, address("ann@example.com"));
        list.add(&ann).await;
        for _ in 0..2 {
            // Also twice, of someone who has no letter that asks them.
            list.says_no(&ann).await;
            list.says_no(&ann).await;
            let (id, decision) = list.ask(&ann).await;
            assert_eq!(decision, Decision::Send(LetterKind::Confirm));
            assert!(matches!(list.confirm(id).await, Confirmed::Done(..)));
        }
    })
    .await;
}

#[tokio::test]
async fn no_link_answers_a_letter_that_has_not_left_or_asks_no_more() {
    on_each(async |shelf| {
        let list = List::open(&shelf.ledger).await;
        let people = ["left", "erased"].map(|name| address(&format!("{name}@example.com")));
        let [left, erased] = &people;
        list.add(left).await;
        list.says_no(left).await;
        list.add(erased).await;
        list.audience.erase(erased.clone(), list.now()).await.unwrap();
        for address in &people {
            let (waiting, decision) = list.ask_while_the_relay_is_away(address).await;
            assert_eq!(decision, Decision::Send(LetterKind::Confirm), "{address}");
            // With the link of an old issue.
            list.says_no(address).await;
            assert_eq!(list.audience.waiting_letters().await.unwrap(), 0);
            assert!(!matches!(list.confirm(waiting).await, Confirmed::Done(..)), "{address}");
            let (_, decision) = list.ask(address).await;
            assert_eq!(decision, Decision::Send(LetterKind::Confirm), "{address}: before it left");
        }
        list.time.set(list.time.get() + 100);
        for address in &people {
            list.says_no(address).await;
            let (_, decision) = list.ask(address).await;
            assert_eq!(decision, Decision::Send(LetterKind::Confirm), "{address}: after a week");
        }
    })
    .await;
}

#[tokio::test]
async fn a_suppression_of_the_address_does_not_hide_this_was_not_me() {
    on_each(async |shelf| {
        let (list, ann) = (List::open(&shelf.ledger).await, address("ann@example.com"));
        let (_, decision) = list.ask(&ann).await;
        assert_eq!(decision, Decision::Send(LetterKind::Confirm));
        let (pending, _) = list.ask(&ann).await;
        list.says_no(&ann).await;
        let suppression =
            Suppression { address: ann.clone(), reason: Reason::HardBounce, note: None, at: at(0) };
        shelf.ledger.suppress_all([Ok(suppression)]).await.unwrap();
        assert_eq!(list.ask(&ann).await.1, Decision::Drop("suppressed"));
        assert_eq!(list.confirm(pending).await, Confirmed::Withdrawn);
    })
    .await;
}

#[tokio::test]
async fn who_asked_by_mail_and_is_erased_is_not_listed_any_more() {
    on_each(async |shelf| {
        let list = List::open(&shelf.ledger).await;
        let [ann, bo] = ["ann", "bo"].map(|name| address(&format!("{name}@example.com")));
        for (number, person) in [(1, &ann), (2, &bo)] {
            let request = NewBounce {
                message: [number; 32],
                address: Some(person.clone()),
                delivery: None,
                kind: Kind::Unsubscribe,
                class: None,
                status: None,
                reply: String::new(),
                at: at(0),
                effect: Effect::Shown,
                suppress: None,
            };
            shelf.ledger.record_bounce(request, at(0)).await.unwrap();
        }
        list.audience.erase(ann.clone(), at(1)).await.unwrap();
        assert_eq!(shelf.ledger.unproved_requests().await.unwrap(), [bo.key()]);
    })
    .await;
}

/// Lets a future begin, and goes on while it waits.
async fn begun<F: Future>(future: &mut Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn who_is_erased_while_an_import_begins_is_not_brought_back() {
    on_each(async |shelf| {
        let list = List::open(&shelf.ledger).await;
        let ann = address("ann@example.com");
        list.add(&ann).await;
        let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
        std::fs::write(file.path(), "email\nann@example.com\n").unwrap();
        let mut staged = Staged::new(ImportOptions::default(), at(1)).unwrap();
        staged.read(file.path().to_owned()).unwrap();
        let mut import = pin!(list.audience.import(staged));
        let done = begun(&mut import).await;
        // Whatever it has asked is answered before this.
        shelf.ledger.suppressed_hashes().await.unwrap();
        list.audience.erase(ann.clone(), at(2)).await.unwrap();
        match done {
            Some(done) => done.unwrap(),
            None => import.await.unwrap(),
        };
        assert!(list.audience.record(&ann).await.unwrap().is_none());
    })
    .await;
}
