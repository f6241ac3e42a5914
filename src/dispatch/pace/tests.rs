use super::*;

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn policy(limits: &[(u32, u64)]) -> PacePolicy {
    let limits = limits.iter().map(|&(letters, per)| Limit { letters, per: ms(per) }).collect();
    PacePolicy { limits, ..PacePolicy::default() }
}

/// Sends as fast as allowed until `end`, and returns when letters left.
fn run(pace: &mut Pace, end: Duration) -> Vec<Duration> {
    let (mut now, mut left) = (Duration::from_secs(200_000), Vec::new());
    let end = now + end;
    while now < end {
        match pace.ask("example.org", now) {
            Ask::Go => left.push(now),
            Ask::WaitUntil(until) => {
                assert!(now < until, "waits go forward");
                now = until;
            }
            Ask::DomainUntil(until) => now = until.unwrap(),
        }
    }
    left
}

#[track_caller]
fn check_never_more(left: &[Duration], letters: usize, per: Duration) {
    for (index, &first) in left.iter().enumerate() {
        let in_stretch = left[index..].iter().take_while(|&&at| at < first + per).count();
        assert!(in_stretch <= letters, "{in_stretch} letters in {per:?} from {first:?}");
    }
}

#[test]
fn all_limits_hold_at_once_in_any_stretch() {
    let mut pace = Pace::new(&policy(&[(5, 1_000), (60, 60_000)]));
    let left = run(&mut pace, ms(180_000));
    check_never_more(&left, 5, ms(1_000));
    check_never_more(&left, 60, ms(60_000));
    assert!(170 <= left.len(), "it is not slower than asked for: {}", left.len());
}

#[test]
fn looking_costs_nothing_even_after_a_complaint() {
    let mut pace = Pace::new(&PacePolicy { adaptive: true, ..policy(&[(1, 60_000)]) });
    let now = Duration::from_secs(200_000);
    pace.throttled(now);
    let Ask::WaitUntil(then) = pace.look("a.example", now) else { panic!("it has been halved") };
    assert!(pace.is_patient(now), "the relay asked for it");
    for _ in 0..100 {
        assert_eq!(pace.look("a.example", then), Ask::Go);
    }
    assert_eq!(pace.ask("a.example", then), Ask::Go);
    assert!(matches!(pace.look("a.example", then), Ask::WaitUntil(_)));
    assert!(!pace.is_patient(then), "now it is the owner's limit");
}

#[test]
fn letters_of_an_earlier_run_count() {
    let mut pace = Pace::new(&policy(&[(10, 60_000)]));
    let now = Duration::from_secs(200_000);
    pace.seed(None, now - ms(30_000), 8);
    assert_eq!(pace.ask("a.example", now), Ask::Go);
    assert_eq!(pace.ask("a.example", now), Ask::Go);
    let Ask::WaitUntil(until) = pace.ask("a.example", now) else { panic!("ten have left") };
    assert!(now + ms(29_000) < until && until < now + ms(32_000), "{:?}", until - now);
}

#[test]
fn a_letter_taken_back_is_not_counted() {
    let mut pace = Pace::new(&policy(&[(1, 60_000)]));
    let now = Duration::from_secs(200_000);
    assert_eq!(pace.ask("a.example", now), Ask::Go);
    pace.taken_back("a.example");
    assert_eq!(pace.ask("a.example", now), Ask::Go);
    assert!(matches!(pace.ask("a.example", now), Ask::WaitUntil(_)));
}

#[test]
fn a_domain_has_its_own_pace_and_does_not_hold_up_others() {
    let wishes = DomainPolicy { limits: vec![Limit { letters: 1, per: ms(1_000) }], connections: Some(1) };
    let mut pace = Pace::new(&PacePolicy {
        domains: [("slow.example".to_owned(), wishes)].into(),
        ..PacePolicy::default()
    });
    let now = Duration::from_secs(200_000);
    assert_eq!(pace.ask("slow.example", now), Ask::Go);
    assert_eq!(pace.ask("slow.example", now), Ask::DomainUntil(None));
    assert_eq!(pace.ask("quick.example", now), Ask::Go);
    pace.answered("slow.example");
    assert!(matches!(pace.ask("slow.example", now), Ask::DomainUntil(Some(_))));
    assert_eq!(pace.ask("slow.example", now + ms(1_100)), Ask::Go);
}
