use std::collections::BTreeMap;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::transport::Reply;

const WORKER: i64 = 7;

fn hold(delivery: i64) -> Hold {
    Hold { delivery, worker: WORKER, epoch: 3, fingerprint: 0 }
}

fn accepted() -> TransitionKind {
    let reply = Reply { code: 250, enhanced: Some((2, 0, 0)), text: "taken".to_owned() };
    TransitionKind::End { at: 5, begun_at: None, outcome: Outcome::Accepted { reply }, next: Next::Close }
}

/// A log of files of a few hundred octets.
fn log() -> (TempDir, Files, Log) {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::prepare(&folder.path().join("ledger.db")).unwrap();
    let log = Log { file_max: 300, ..Log::new(WORKER, files.clone()) };
    assert!(!log.is_ready().unwrap(), "ends from before are not in it");
    (folder, files, log)
}

/// As a claim does it.
fn claim(log: &Log, claims: Vec<(i64, u32)>) -> Fence {
    log.check().unwrap();
    assert!(log.is_ready().unwrap());
    log.begin_ahead(claims).unwrap()
}

fn unbegun(files: &Files) -> Option<Vec<i64>> {
    let mut unbegun = read(files, WORKER).unwrap().unbegun?;
    unbegun.sort_unstable();
    Some(unbegun.into_iter().map(|(delivery, _)| delivery).collect())
}

/// What happens to a claim, in the end.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Untouched,
    Begun,
    Ended,
    /// Before its body.
    Refused,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the database has been told and is behind with: the log and it together know which of what the database
    /// calls begun was not begun. What a last beginning would have carried is not known, and at worst in doubt.
    #[test]
    fn the_log_knows_what_was_not_begun(
        claims in prop::collection::vec(
            prop::collection::vec(
                prop::sample::select(vec![Fate::Untouched, Fate::Begun, Fate::Ended, Fate::Refused]), 1..9),
            1..12),
        behind in 0_usize..12,
    ) {
        let (_folder, files, log) = log();
        let mut fates = BTreeMap::new();
        let mut marks = Vec::new();
        for fated in claims {
            let first = fates.len() as i64;
            let numbered: Vec<_> = (first..).zip(fated).collect();
            let ids = numbered.iter().map(|(delivery, _)| (*delivery, 3)).collect();
            let fence = claim(&log, ids);
            for &(delivery, fate) in &numbered {
                if matches!(fate, Fate::Begun | Fate::Ended) {
                    prop_assert_eq!(log.begin(hold(delivery), 4, fence).unwrap(), Written::Begun);
                }
                if matches!(fate, Fate::Ended | Fate::Refused) {
                    log.note(hold(delivery), accepted(), |mark| marks.push(mark));
                }
            }
            fates.extend(numbered);
            // The database follows.
            let known = marks.len().saturating_sub(behind);
            if let Some((applied, entry)) = marks[..known].last().and_then(|mark| mark.entry.clone()) {
                applied.fetch_max(entry, SeqCst);
            }
        }
        let told = read(&files, WORKER).unwrap();
        let unbegun = told.unbegun.unwrap();
        let closed_in_database = |delivery: i64| {
            let known = marks.len().saturating_sub(behind);
            marks[..known].iter().any(|mark| mark.hold.delivery == delivery)
        };
        let closed_in_log: HashSet<i64> = told.closed.iter().map(|entry| match entry {
            Entry::Ended { delivery, .. } => *delivery,
            other => panic!("{other:?}"),
        }).collect();
        for (&delivery, &fate) in &fates {
            let is_unbegun = unbegun.contains(&(delivery, 3));
            match fate {
                Fate::Untouched => prop_assert!(is_unbegun, "{delivery} was not begun"),
                Fate::Begun => {
                    prop_assert!(!is_unbegun && !closed_in_log.contains(&delivery), "{delivery} was begun");
                }
                Fate::Ended => {
                    // The database has called it accepted where its beginning is not in the log any more.
                    prop_assert!(!is_unbegun || closed_in_database(delivery), "{delivery} has ended");
                }
                Fate::Refused => {}
            }
        }
        // Files do not pile up while the database keeps pace.
        prop_assert!(files.logs_of(WORKER).len() <= 2);
        log.tidy();
        prop_assert_eq!(files.logs_of(WORKER).len(), 0);
    }
}

#[test]
fn an_end_is_in_the_log_with_the_next_beginning() {
    let (_folder, files, log) = log();
    let fence = claim(&log, vec![(1, 3), (2, 3), (3, 3)]);
    log.begin(hold(1), 4, fence).unwrap();
    let mut marks = Vec::new();
    log.note(hold(1), accepted(), |mark| marks.push(mark));
    assert_eq!(read(&files, WORKER).unwrap().closed, []);
    log.begin(hold(2), 6, fence).unwrap();
    let told = read(&files, WORKER).unwrap();
    let [Entry::Ended { delivery: 1, epoch: 3, begun_at: Some(4), at: 5, .. }] = told.closed[..] else {
        panic!("{told:?}")
    };
    assert_eq!(told.unbegun, Some(vec![(3, 3)]));
    assert!(
        matches!(marks[0].kind, TransitionKind::End { begun_at: Some(4), .. }),
        "the database hears of it too"
    );
}

#[test]
fn letters_that_end_while_a_file_is_turned_over_stay_in_the_log() {
    let (_folder, files, log) = log();
    let fence = claim(&log, (1..60).map(|delivery| (delivery, 3)).collect());
    let mut marks: Vec<Transition> = Vec::new();
    let mut end = |delivery| log.note(hold(delivery), accepted(), |mark| marks.push(mark));
    for delivery in 1..4 {
        log.begin(hold(delivery), 4, fence).unwrap();
    }
    end(1);
    end(2);
    // The database has both before a beginning took them along; then a new file, and between it and the claim one more end.
    log.applied.store(2, SeqCst);
    assert!(log.is_ready().unwrap());
    end(3);
    let fence = log.begin_ahead(vec![(100, 3)]).unwrap();
    log.begin(hold(100), 5, fence).unwrap();
    assert_eq!(files.logs_of(WORKER).len(), 2);
    let closed = read(&files, WORKER).unwrap().closed;
    assert!(closed.iter().any(|entry| matches!(entry, Entry::Ended { delivery: 3, .. })), "{closed:?}");
    assert_eq!(marks.len(), 3);
}

#[test]
fn what_the_database_has_is_not_kept_for_a_beginning_that_does_not_come() {
    let (_folder, _files, log) = log();
    let most = (1..2_000)
        .map(|delivery| {
            log.note(hold(delivery), accepted(), drop);
            // Some way behind, as it always is.
            log.applied.store(delivery as u64 - delivery as u64 % 50, SeqCst);
            log.state().lines.len()
        })
        .max();
    assert!(most.unwrap() < 40_000, "{most:?}");
}

#[test]
fn a_claim_is_begun_once_and_only_while_it_is_held() {
    let (_folder, _files, log) = log();
    let fence = claim(&log, vec![(1, 3), (2, 3), (3, 3)]);
    assert_eq!(log.begin(hold(1), 4, fence).unwrap(), Written::Begun);
    assert_eq!(log.begin(hold(1), 4, fence).unwrap(), Written::Unknown);
    assert_eq!(log.begin(Hold { epoch: 2, ..hold(2) }, 4, fence).unwrap(), Written::Unknown);
    log.note(hold(2), TransitionKind::Withdraw, drop);
    assert_eq!(log.begin(hold(2), 4, fence).unwrap(), Written::Unknown);
    assert_eq!(log.let_go(), [(3, 3)]);
    assert_eq!(log.begin(hold(3), 4, fence).unwrap(), Written::Unknown);
}

#[test]
fn who_stamps_the_fence_is_seen_at_the_next_beginning_in_every_later_file_too() {
    let (_folder, files, log) = log();
    let fence = claim(&log, (1..100).map(|delivery| (delivery, 3)).collect());
    assert_eq!(log.begin(hold(1), 4, fence).unwrap(), Written::Begun);
    files.stamp_logs(Some(WORKER + 1)).unwrap();
    assert_eq!(log.begin(hold(2), 4, fence).unwrap(), Written::Begun, "somebody else's");
    files.stamp_logs(None).unwrap();
    assert_eq!(log.begin(hold(3), 4, fence).unwrap(), Written::Fenced);
    let later = claim(&log, vec![(100, 3)]);
    assert_eq!(files.logs_of(WORKER).len(), 2, "a new file");
    assert_eq!(log.begin(hold(4), 4, fence).unwrap(), Written::Fenced);
    assert_eq!(log.begin(hold(100), 4, later).unwrap(), Written::Begun, "claimed since");
}

#[test]
fn a_log_that_was_cut_in_a_line_or_damaged_does_not_say_what_was_not_begun() {
    let (_folder, files, log) = log();
    let fence = claim(&log, (1..5).map(|delivery| (delivery, 3)).collect());
    let path = files.logs_of(WORKER).remove(0);
    for delivery in 1..4 {
        log.begin(hold(delivery), 4, fence).unwrap();
    }
    let whole = fs::read(&path).unwrap();
    assert_eq!(unbegun(&files), Some(vec![4]));
    let line = whole.len() - whole[..whole.len() - 1].iter().rposition(|&byte| byte == b'\n').unwrap() - 1;
    for cut in 1..line {
        fs::write(&path, &whole[..whole.len() - cut]).unwrap();
        assert_eq!(unbegun(&files), None, "what was behind the cut is not known, {cut} bytes");
    }
    for at in mem::size_of::<Fence>()..whole.len() - 1 {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&path, damaged).unwrap();
        assert_eq!(unbegun(&files), None, "octet {at}");
    }
    for lost in 1..line {
        let mut zeroed = whole.clone();
        let end = zeroed.len();
        zeroed[end - lost..].fill(0);
        fs::write(&path, zeroed).unwrap();
        assert_eq!(unbegun(&files), None, "a disk that lost what it was given, {lost} octets");
    }
    fs::write(&path, &whole).unwrap();
    assert_eq!(unbegun(&files), Some(vec![4]));
    fs::remove_file(&path).unwrap();
    assert_eq!(unbegun(&files), Some(vec![]), "without a log nothing is known to be not begun");
}

#[test]
fn a_log_that_cannot_be_written_begins_nothing_more() {
    let (_folder, files, log) = log();
    let fence = claim(&log, vec![(1, 3), (2, 3)]);
    // A file that is open for reading only, as a full disk cannot be made here.
    log.state().paper.as_mut().unwrap().file = Arc::new(File::open(files.logs_of(WORKER).remove(0)).unwrap());
    assert!(log.begin(hold(1), 4, fence).is_err());
    assert!(log.begin(hold(1), 4, fence).is_err());
    assert!(log.check().is_err() && log.begin_ahead(vec![(3, 3)]).is_err());
    let mut let_go = log.let_go();
    let_go.sort_unstable();
    assert_eq!(let_go, [(1, 3), (2, 3), (3, 3)]);
}
