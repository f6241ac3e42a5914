use super::*;

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn policy(limits: &[(u32, u64)]) -> PacePolicy {
    let limits = limits.iter().map(|&(letters, per)| Limit { letters, per: ms(per) }).collect();
    PacePolicy { limits, ..PacePolicy::default() }
}

const START: Duration = Duration::from_secs(200_000);

fn pace(policy: &PacePolicy) -> Pace {
    Pace::new(policy, &Shares { relay: "relay".into(), relays: vec!["relay".into()], own: Vec::new() })
}

/// A ledger, by whose clock it is the same time.
#[derive(Default)]
struct Book(BTreeMap<String, String>);

impl Book {
    fn revise<T>(&mut self, name: &str, revise: impl FnOnce(&mut Used) -> T) -> T {
        let mut used = Used::read(self.0.get(name).map(String::as_str));
        let answer = revise(&mut used);
        self.0.insert(name.to_owned(), used.write());
        answer
    }

    /// Answers what the pace asks for.
    fn serve(&mut self, pace: &mut Pace, now: Duration) {
        let answers = self.answers(pace, now);
        pace.granted(answers, now);
    }

    /// What it answers some time later.
    fn answers(&mut self, pace: &mut Pace, now: Duration) -> Vec<Answer> {
        let mut answers = Vec::new();
        for (scope, Request { budget, wanted, unused }) in pace.requests(now, |_| 1_000) {
            let taken = self.revise(&budget.name, |used| {
                for (receipt, letters) in &unused {
                    budget.give_back(used, moment(now), receipt, *letters);
                }
                (wanted > 0).then(|| budget.take(used, moment(now), wanted))
            });
            answers.push(Answer { scope, sent: now, taken });
        }
        answers
    }
}

fn moment(now: Duration) -> Timestamp {
    Timestamp::UNIX_EPOCH + now
}

impl Pace {
    /// Asks, and asks the ledger if need be.
    fn try_now(&mut self, book: &mut Book, domain: &str, now: Duration) -> Ask {
        match self.ask(domain, now) {
            Ask::Go => Ask::Go,
            _ => {
                book.serve(self, now);
                self.ask(domain, now)
            }
        }
    }
}

/// Several senders send as fast as allowed until `end`; when letters left, by whichever of them.
fn run(paces: &mut [Pace], end: Duration) -> Vec<Duration> {
    let (mut now, mut left, mut book) = (START, Vec::new(), Book::default());
    let end = now + end;
    while now < end {
        let mut next = end;
        for pace in &mut *paces {
            match pace.try_now(&mut book, "example.org", now) {
                Ask::Go => {
                    left.push(now);
                    next = next.min(now + Duration::from_micros(300));
                }
                Ask::WaitUntil(until) => {
                    assert!(now < until, "waits go forward");
                    next = next.min(until);
                }
                Ask::DomainUntil(until) => next = next.min(until.unwrap()),
            }
        }
        now = next;
    }
    left
}

#[track_caller]
fn check_never_more(left: &[Duration], letters: usize, per: Duration) {
    let mut first = 0;
    for (last, &at) in left.iter().enumerate() {
        while left[first] + per <= at {
            first += 1;
        }
        assert!(last - first < letters, "{} letters in {per:?} to {at:?}", last - first + 1);
    }
}

#[test]
fn all_limits_hold_at_once_in_any_stretch_for_any_number_of_senders() {
    for senders in [1, 2, 4, 8] {
        let mut paces: Vec<Pace> =
            (0..senders).map(|_| pace(&policy(&[(50, 1_000), (1_000, 60_000)]))).collect();
        let left = run(&mut paces, ms(180_000));
        check_never_more(&left, 50, ms(1_000));
        check_never_more(&left, 1_000, ms(60_000));
        assert!(left.len() >= 2_700, "{senders} senders are not slower than asked for: {}", left.len());
    }
}

#[test]
fn a_limit_of_one_letter_is_kept_by_several_senders() {
    let mut paces: Vec<Pace> = (0..3).map(|_| pace(&policy(&[(1, 1_000)]))).collect();
    let left = run(&mut paces, ms(60_000));
    check_never_more(&left, 1, ms(1_000));
    assert!(left.len() >= 52, "{}", left.len());
}

#[test]
fn what_a_sender_was_granted_and_did_not_send_comes_back_unless_it_died() {
    let policy = policy(&[(1_000, 60_000)]);
    let (mut one, mut other, mut book) = (pace(&policy), pace(&policy), Book::default());
    assert_eq!(one.try_now(&mut book, "a.example", START), Ask::Go);
    let (budget, granted) = (one.budgets().remove(0), 125);
    let used = |book: &mut Book| {
        book.revise(&budget.name, |used| {
            let Taken::Letters(..) = budget.take(&mut used.clone(), moment(START), 1) else { return 1_000 };
            let mut copy = used.clone();
            let mut free = 0;
            while let Taken::Letters(letters, _) = budget.take(&mut copy, moment(START), 500) {
                free += letters;
            }
            1_000 - free
        })
    };
    assert_eq!(used(&mut book), granted);
    // It is idle until its grant has lapsed.
    book.serve(&mut one, START + ms(6_000));
    assert_eq!(used(&mut book), 1);
    assert_eq!(other.try_now(&mut book, "a.example", START + ms(6_000)), Ask::Go);
    drop(other);
    assert_eq!(used(&mut book), 1 + granted, "it lapses only with the limit's stretch");
}

#[test]
fn looking_costs_nothing_even_after_a_complaint() {
    let mut pace = pace(&PacePolicy { adaptive: true, ..policy(&[(1, 60_000)]) });
    let mut book = Book::default();
    pace.throttled(START);
    let Ask::WaitUntil(then) = pace.look("a.example", START) else { panic!("it has been halved") };
    assert!(pace.is_patient(START), "the relay asked for it");
    pace.look("a.example", then);
    book.serve(&mut pace, then);
    for _ in 0..100 {
        assert_eq!(pace.look("a.example", then), Ask::Go);
    }
    assert_eq!(pace.ask("a.example", then), Ask::Go);
    assert!(matches!(pace.try_now(&mut book, "a.example", then), Ask::WaitUntil(_)));
    assert!(!pace.is_patient(then), "now it is the owner's limit");
}

#[test]
fn letters_that_left_without_the_limit_count() {
    let mut pace = pace(&policy(&[(10, 60_000)]));
    let mut book = Book::default();
    let budget = pace.budgets().remove(0);
    for _ in 0..2 {
        book.revise(&budget.name, |used| budget.note_earlier(used, moment(START), &[(ms(30_000), 8)]));
    }
    assert_eq!(pace.try_now(&mut book, "a.example", START), Ask::Go);
    assert_eq!(pace.try_now(&mut book, "a.example", START), Ask::Go);
    let Ask::WaitUntil(until) = pace.try_now(&mut book, "a.example", START) else { panic!("ten have left") };
    assert!(START + ms(33_500) < until && until < START + ms(35_500), "{:?}", until - START);
}

#[test]
fn a_letter_taken_back_is_not_counted() {
    let mut pace = pace(&policy(&[(1, 60_000)]));
    let mut book = Book::default();
    for later in [0, 10_000] {
        assert_eq!(pace.try_now(&mut book, "a.example", START + ms(later)), Ask::Go);
        // Soon, and after the grant has lapsed.
        pace.taken_back("a.example", START + ms(later * 2));
        book.serve(&mut pace, START + ms(later * 2));
    }
    assert_eq!(pace.try_now(&mut book, "a.example", START + ms(20_000)), Ask::Go);
    assert!(matches!(pace.try_now(&mut book, "a.example", START + ms(20_000)), Ask::WaitUntil(_)));
}

#[test]
fn a_domain_has_its_own_pace_and_does_not_hold_up_others() {
    let policy = DomainPolicy { limits: vec![Limit { letters: 1, per: ms(1_000) }], connections: Some(1) };
    let mut pace =
        pace(&PacePolicy { domains: [("slow.example".to_owned(), policy)].into(), ..PacePolicy::default() });
    let mut book = Book::default();
    assert_eq!(pace.try_now(&mut book, "slow.example", START), Ask::Go);
    assert_eq!(pace.try_now(&mut book, "slow.example", START), Ask::DomainUntil(None));
    assert_eq!(pace.try_now(&mut book, "quick.example", START), Ask::Go);
    pace.answered("slow.example");
    assert!(matches!(pace.try_now(&mut book, "slow.example", START), Ask::DomainUntil(Some(_))));
    assert_eq!(pace.try_now(&mut book, "slow.example", START + ms(1_200)), Ask::Go);
}

#[test]
fn the_day_s_letters_are_shared_and_the_next_day_has_its_own() {
    let policy = PacePolicy { warm_up: vec![10, 20], ..PacePolicy::default() };
    let (mut paces, mut book) = ([pace(&policy), pace(&policy)], Book::default());
    let day =
        |date: &str, letters| Day { date: date.parse().unwrap(), ends: moment(START + ms(1_000)), letters };
    let mut left = 0;
    for (date, letters, so_far) in [("2026-12-01", 10, 4), ("2026-12-02", 20, 0)] {
        for pace in &mut paces {
            let budget = pace.set_day(Some(day(date, letters))).unwrap();
            book.revise(&budget.name, |used| budget.note_today(used, so_far));
        }
        left += so_far;
        while paces.iter_mut().any(|pace| pace.try_now(&mut book, "a.example", START) == Ask::Go) {
            left += 1;
        }
        assert!(paces.iter().all(|pace| pace.day_over_until() == Some(moment(START + ms(1_000)))));
    }
    assert_eq!(left, 30);
    // Afterwards there is no limit.
    paces[0].set_day(None);
    assert_eq!(paces[0].try_now(&mut book, "a.example", START), Ask::Go);
}

#[test]
fn a_clock_that_was_ahead_does_not_stop_letters_for_good() {
    let mut pace = pace(&policy(&[(10, 60_000)]));
    let mut book = Book::default();
    let (budget, ahead) = (pace.budgets().remove(0), START + Duration::from_secs(400 * 24 * 3600));
    book.revise(&budget.name, |used| {
        for _ in 0..10 {
            budget.take(used, moment(ahead), 1);
        }
    });
    let Ask::WaitUntil(until) = pace.try_now(&mut book, "a.example", START) else { panic!("ten have left") };
    assert!(until < START + ms(70_000), "{:?}", until - START);
    assert_eq!(pace.try_now(&mut book, "a.example", until), Ask::Go);
}

/// Sends as fast as allowed over a ledger that takes so long to answer each request; when letters left.
fn run_slowly(pace: &mut Pace, answer_time: Duration, end: Duration) -> Vec<Duration> {
    let (mut now, mut left, mut book) = (START, Vec::new(), Book::default());
    let mut on_their_way: Option<(Duration, Vec<Answer>)> = None;
    while now < START + end {
        if let Some((_, answers)) = on_their_way.take_if(|(at, _)| *at <= now) {
            pace.granted(answers, now);
        }
        while pace.ask("slow.example", now) == Ask::Go {
            left.push(now);
            pace.answered("slow.example");
        }
        if on_their_way.is_none() {
            let answers = book.answers(pace, now);
            let takes = answer_time * u32::try_from(answers.len()).unwrap();
            on_their_way = (!answers.is_empty()).then_some((now + takes, answers));
        }
        now += ms(1);
    }
    left
}

#[test]
fn a_slow_ledger_lets_letters_go_however_many_limits_they_need() {
    let limit = |letters| Limit { letters, per: ms(1_000) };
    for answer_time in [40, 63, 100, 250, 1_100] {
        for (own, domain) in [(None, None), (Some(7), None), (None, Some(5)), (Some(7), Some(5))] {
            let mut policy = policy(&[(10, 1_000), (5_000, 3_600_000)]);
            if let Some(letters) = domain {
                let slow = DomainPolicy { limits: vec![limit(letters)], connections: None };
                policy.domains.insert("slow.example".to_owned(), slow);
            }
            let shares = Shares {
                relay: "relay".into(),
                relays: vec!["relay".into()],
                own: own.map(limit).into_iter().collect(),
            };
            let mut pace = Pace::new(&policy, &shares);
            let left = run_slowly(&mut pace, ms(answer_time), ms(60_000));
            let expected = 60_000 / (answer_time * 8);
            assert!(left.len() as u64 >= expected, "{answer_time} ms, {own:?}, {domain:?}: {}", left.len());
            check_never_more(&left, 15, ms(1_000));
        }
    }
}
