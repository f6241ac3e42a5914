use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::Path,
};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::{
    ledger::lease::Next,
    transport::{Outcome, Reply},
};
use folder::FENCE_BYTES;

const WORKER: i64 = 7;

fn hold(delivery: i64) -> Hold {
    Hold { delivery, worker: WORKER, epoch: 3, fingerprint: 0, hash_changes: 0 }
}

fn accepted() -> Close {
    let reply = Reply { code: 250, enhanced: Some((2, 0, 0)), text: "taken".to_owned() };
    Close::Ended { at: 5, outcome: Outcome::Accepted { reply }, next: Next::Close }
}

/// A log of files of a few hundred bytes.
fn log() -> (TempDir, Files, Arc<Log>) {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::prepare(&folder.path().join("ledger.db")).unwrap();
    let log = Log { file_max: 300, ..Log::new(WORKER, files.clone()) };
    assert!(!log.prepare().unwrap(), "ends from before are not in it");
    (folder, files, Arc::new(log))
}

/// As a claim does it.
fn claim(log: &Log, claims: Vec<(i64, u32)>) -> Fence {
    log.check().unwrap();
    assert!(log.prepare().unwrap());
    log.pre_commit(claims).unwrap()
}

fn close(log: &Arc<Log>, delivery: i64) -> (Option<i64>, Logged) {
    let mut sent = None;
    log.close(hold(delivery), accepted(), |_, started_at, logged| sent = Some((started_at, logged.unwrap())));
    sent.unwrap()
}

fn paths(files: &Files) -> Vec<PathBuf> {
    let numbers = folder::numbers(files, WORKER).into_iter();
    numbers.map(|number| folder::path(files, WORKER, number)).collect()
}

fn unstarted_since(files: &Files, known: Position) -> Option<Vec<i64>> {
    let mut unstarted = recover(files, WORKER, known).unwrap().unstarted?;
    unstarted.sort_unstable();
    Some(unstarted.into_iter().map(|(delivery, _)| delivery).collect())
}

fn unstarted(files: &Files) -> Option<Vec<i64>> {
    unstarted_since(files, Position::default())
}

/// What happens to a claim, in the end.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Untouched,
    Started,
    Ended,
    /// Before its body.
    Refused,
}

/// Files with their names.
type Contents = Vec<(PathBuf, Vec<u8>)>;

/// A worker with its log, and the database as far as it concerns the log.
struct World {
    folder: TempDir,
    files: Files,
    log: Arc<Log>,
    fates: BTreeMap<i64, Fate>,
    ends: Vec<(i64, Logged)>,
    /// How many of the ends the database has, and what it remembers of the log.
    applied: usize,
    known: Position,
    /// The log as it was at earlier moments, with its position and the files by name.
    copies: Vec<(Position, Contents)>,
}

impl World {
    fn live(claims: &[Vec<Fate>], behind: usize) -> Self {
        let (folder, files, log) = log();
        let (fates, ends, copies) = (BTreeMap::new(), Vec::new(), Vec::new());
        let mut world =
            Self { folder, files, log, fates, ends, applied: 0, known: Position::default(), copies };
        for fated in claims {
            let first = world.fates.len() as i64;
            let numbered: Vec<_> = (first..).zip(fated.iter().copied()).collect();
            let fence = claim(&world.log, numbered.iter().map(|(delivery, _)| (*delivery, 3)).collect());
            world.known = world.log.position();
            for &(delivery, fate) in &numbered {
                world.copies.push((world.log.position(), world.contents()));
                if matches!(fate, Fate::Started | Fate::Ended) {
                    assert_eq!(world.log.start(hold(delivery), 4, fence).unwrap(), Start::Started);
                }
                if matches!(fate, Fate::Ended | Fate::Refused) {
                    let end = close(&world.log, delivery).1;
                    world.ends.push((delivery, end));
                }
            }
            world.fates.extend(numbered);
            world.commit(behind);
        }
        world
    }

    /// The database follows, so many ends behind.
    fn commit(&mut self, behind: usize) {
        let applied = self.ends.len().saturating_sub(behind);
        if applied > self.applied {
            self.applied = applied;
            self.ends[applied - 1].1.is_applied();
            self.known = self.log.position();
        }
    }

    fn contents(&self) -> Contents {
        paths(&self.files).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }

    fn is_closed_in_database(&self, delivery: i64) -> bool {
        self.ends[..self.applied].iter().any(|(of, _)| *of == delivery)
    }

    /// The letters that would be offered again, of those that had been started.
    fn offered_again(&self) -> BTreeSet<i64> {
        let recovered = recover(&self.files, WORKER, self.known).unwrap();
        let closed: HashSet<i64> = recovered.closed.iter().map(|closed| closed.delivery).collect();
        let unstarted = recovered.unstarted.unwrap_or_default().into_iter().map(|(delivery, _)| delivery);
        // In the database these are not begun any more.
        let begun =
            unstarted.filter(|delivery| !closed.contains(delivery) && !self.is_closed_in_database(*delivery));
        begun.filter(|delivery| matches!(self.fates[delivery], Fate::Started | Fate::Ended)).collect()
    }
}

/// What happened to the log after the worker had died.
#[derive(Clone, Debug)]
enum Damage {
    Cut(usize),
    Zeros(usize, usize),
    Flip(usize, u8),
    /// A part of the file, at another place of it.
    Moved(usize, usize, usize),
    /// Something behind the end.
    Longer(usize),
    Gone,
}

impl Damage {
    fn apply(&self, path: &Path) {
        let mut bytes = fs::read(path).unwrap();
        let length = bytes.len();
        match *self {
            Self::Cut(to) => bytes.truncate(to % length),
            Self::Zeros(at, count) => {
                let at = at % length;
                bytes[at..length.min(at + count)].fill(0);
            }
            Self::Flip(at, by) => bytes[at % length] ^= by,
            Self::Moved(from, to, count) => {
                let (from, to) = (from % length, to % length);
                let count = count.min(length - from).min(length - to);
                bytes.copy_within(from..from + count, to);
            }
            Self::Longer(by) => bytes.extend_from_within(length - by.min(length)..),
            Self::Gone => return fs::remove_file(path).unwrap(),
        }
        fs::write(path, bytes).unwrap();
    }
}

fn claims() -> impl Strategy<Value = Vec<Vec<Fate>>> {
    let fate = prop::sample::select(vec![Fate::Untouched, Fate::Started, Fate::Ended, Fate::Refused]);
    prop::collection::vec(prop::collection::vec(fate, 1..9), 1..12)
}

fn damage() -> impl Strategy<Value = Damage> {
    let any = 0_usize..10_000;
    prop_oneof![
        any.clone().prop_map(Damage::Cut),
        (any.clone(), 1_usize..600).prop_map(|(at, count)| Damage::Zeros(at, count)),
        (any.clone(), 1_u8..).prop_map(|(at, by)| Damage::Flip(at, by)),
        (any.clone(), any.clone(), 1_usize..200).prop_map(|(from, to, count)| Damage::Moved(from, to, count)),
        (1_usize..100).prop_map(Damage::Longer),
        Just(Damage::Gone),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the database has and is behind with: the log and it together know which of what the database calls begun
    /// was not started. What a last start would have carried is not known, and at worst in doubt.
    #[test]
    fn the_log_knows_what_was_not_started(claims in claims(), behind in 0_usize..12) {
        let world = World::live(&claims, behind);
        let recovered = recover(&world.files, WORKER, world.known).unwrap();
        let unstarted = recovered.unstarted.unwrap();
        let closed: HashSet<i64> = recovered.closed.iter().map(|closed| closed.delivery).collect();
        for (&delivery, &fate) in &world.fates {
            let is_unstarted = unstarted.contains(&(delivery, 3));
            match fate {
                Fate::Untouched => prop_assert!(is_unstarted, "{delivery} was not started"),
                Fate::Started => prop_assert!(!is_unstarted && !closed.contains(&delivery), "{delivery} was started"),
                // The database has called it accepted where its start is not in the log any more.
                Fate::Ended => prop_assert!(!is_unstarted || world.is_closed_in_database(delivery), "{delivery}"),
                Fate::Refused => {}
            }
        }
        prop_assert_eq!(world.offered_again(), BTreeSet::new());
        // Files do not pile up while the database keeps pace.
        prop_assert!(paths(&world.files).len() <= 2);
        world.log.remove();
        prop_assert_eq!(paths(&world.files).len(), 0);
        drop(world.folder);
    }

    /// Cut, zeroed, altered or lost: at most more is in doubt.
    #[test]
    fn no_damage_offers_a_letter_again_that_was_started(
        claims in claims(), behind in 0_usize..12, damages in prop::collection::vec((0_usize..2, damage()), 1..3),
    ) {
        let world = World::live(&claims, behind);
        for (which, damage) in damages {
            let paths = paths(&world.files);
            if let Some(path) = paths.get(which.min(paths.len().saturating_sub(1))) {
                damage.apply(path);
            }
            prop_assert_eq!(world.offered_again(), BTreeSet::new());
        }
    }

    /// All of the log, or one of its files, as it was at an earlier moment than the database's last commit.
    #[test]
    fn no_older_copy_offers_a_letter_again_that_was_started(
        claims in claims(), behind in 0_usize..12, which in any::<prop::sample::Index>(), only in 0_usize..3,
    ) {
        let world = World::live(&claims, behind);
        let known = |copy: &&(Position, Contents)| (copy.0.file, copy.0.bytes) < (world.known.file, world.known.bytes);
        let older: Vec<_> = world.copies.iter().filter(known).collect();
        prop_assume!(!older.is_empty());
        let (_, copy) = which.get(&older);
        if only == 2 {
            paths(&world.files).into_iter().for_each(|path| fs::remove_file(path).unwrap());
        }
        for (index, (path, bytes)) in copy.iter().enumerate() {
            if only == 2 || only == index {
                fs::write(path, bytes).unwrap();
            }
        }
        prop_assert_eq!(world.offered_again(), BTreeSet::new());
    }

    /// The same of any age, also younger than the last commit, put back as tools do it: as another file with the same name.
    #[test]
    fn no_copy_that_was_put_back_offers_a_letter_again_that_was_started(
        claims in claims(), behind in 0_usize..12, which in any::<prop::sample::Index>(), is_renamed in any::<bool>(),
    ) {
        let world = World::live(&claims, behind);
        let (_, copy) = which.get(&world.copies);
        if !is_renamed {
            paths(&world.files).into_iter().for_each(|path| fs::remove_file(path).unwrap());
        }
        for (path, bytes) in copy {
            let other = path.with_extension("restored");
            fs::write(&other, bytes).unwrap();
            fs::rename(other, path).unwrap();
        }
        prop_assert_eq!(world.offered_again(), BTreeSet::new());
        prop_assert_eq!(recover(&world.files, WORKER, world.known).unwrap().unstarted, None);
    }
}

#[test]
fn a_copy_of_the_log_from_after_the_last_commit_is_not_believed() {
    let (_folder, files, log) = log();
    let fence = claim(&log, (1..5).map(|delivery| (delivery, 3)).collect());
    let committed = log.position();
    log.start(hold(1), 4, fence).unwrap();
    let path = paths(&files).remove(0);
    let copy = path.with_extension("copy");
    fs::copy(&path, &copy).unwrap();
    log.start(hold(2), 4, fence).unwrap();
    assert_eq!(unstarted_since(&files, committed), Some(vec![3, 4]));
    fs::rename(copy, &path).unwrap();
    assert_eq!(unstarted_since(&files, committed), None, "letter 2 has left, and the copy does not know");
    assert_eq!(recover(&files, WORKER, committed).unwrap().closed, [], "what it says counts all the same");
}

#[test]
fn an_end_is_in_the_log_with_the_next_start() {
    let (_folder, files, log) = log();
    let fence = claim(&log, vec![(1, 3), (2, 3), (3, 3)]);
    log.start(hold(1), 4, fence).unwrap();
    let (started_at, _) = close(&log, 1);
    assert_eq!(started_at, Some(4), "the database hears of it too");
    assert_eq!(recover(&files, WORKER, log.position()).unwrap().closed, []);
    log.start(hold(2), 6, fence).unwrap();
    let recovered = recover(&files, WORKER, log.position()).unwrap();
    let expected = Closed { delivery: 1, epoch: 3, started_at: Some(4), close: accepted() };
    assert_eq!(recovered.closed, [expected]);
    assert_eq!(recovered.unstarted, Some(vec![(3, 3)]));
}

#[test]
fn letters_that_end_while_a_file_is_turned_over_stay_in_the_log() {
    let (_folder, files, log) = log();
    let fence = claim(&log, (1..60).map(|delivery| (delivery, 3)).collect());
    for delivery in 1..4 {
        log.start(hold(delivery), 4, fence).unwrap();
    }
    close(&log, 1);
    let (_, second) = close(&log, 2);
    // The database has both before a start took them along; then a new file, and between it and the claim one more end.
    second.is_applied();
    assert!(log.prepare().unwrap());
    close(&log, 3);
    let fence = log.pre_commit(vec![(100, 3)]).unwrap();
    log.start(hold(100), 5, fence).unwrap();
    assert_eq!(paths(&files).len(), 2);
    let closed = recover(&files, WORKER, log.position()).unwrap().closed;
    assert!(closed.iter().any(|closed| closed.delivery == 3), "{closed:?}");
}

#[test]
fn the_file_that_follows_is_missed() {
    let (_folder, files, log) = log();
    claim(&log, (1..60).map(|delivery| (delivery, 3)).collect());
    let known = log.position();
    // A new file, and then the process ends before the claim is committed.
    assert!(log.prepare().unwrap());
    let [first, second] = &paths(&files)[..] else { panic!("one file") };
    assert_eq!(unstarted_since(&files, known).map(|unstarted| unstarted.len()), Some(59));
    let aside = second.with_extension("aside");
    fs::rename(second, &aside).unwrap();
    assert_eq!(unstarted_since(&files, known), None, "the first one says that it goes on");
    fs::rename(&aside, second).unwrap();
    fs::remove_file(first).unwrap();
    assert_eq!(unstarted_since(&files, known), None, "the database had come so far");
    assert_eq!(unstarted_since(&files, log.position()).map(|unstarted| unstarted.len()), Some(59));
}

#[test]
fn what_the_database_has_is_not_kept_for_a_start_that_does_not_come() {
    let (_folder, _files, log) = log();
    let mut most = 0;
    for delivery in 1..2_000 {
        let (_, end) = close(&log, delivery);
        // Some way behind, as it always is.
        if delivery % 50 == 0 {
            end.is_applied();
        }
        most = most.max(log.state().lines.len());
    }
    assert!(most < 40_000, "{most}");
}

#[test]
fn a_claim_is_started_once_and_only_while_it_is_held() {
    let (_folder, _files, log) = log();
    let fence = claim(&log, vec![(1, 3), (2, 3), (3, 3)]);
    assert_eq!(log.start(hold(1), 4, fence).unwrap(), Start::Started);
    assert_eq!(log.start(hold(1), 4, fence).unwrap(), Start::NotHeld);
    assert_eq!(log.start(Hold { epoch: 2, ..hold(2) }, 4, fence).unwrap(), Start::NotHeld);
    log.close(hold(2), Close::Withdrawn, |_, _, _| {});
    assert_eq!(log.start(hold(2), 4, fence).unwrap(), Start::NotHeld);
    assert_eq!(log.release_unstarted(), [(3, 3)]);
    assert_eq!(log.start(hold(3), 4, fence).unwrap(), Start::NotHeld);
}

#[test]
fn who_stamps_the_fence_is_seen_at_the_next_start_in_every_later_file_too() {
    let (_folder, files, log) = log();
    let fence = claim(&log, (1..100).map(|delivery| (delivery, 3)).collect());
    assert_eq!(log.start(hold(1), 4, fence).unwrap(), Start::Started);
    stamp(&files, Some(WORKER + 1)).unwrap();
    assert_eq!(log.start(hold(2), 4, fence).unwrap(), Start::Started, "someone else's");
    stamp(&files, None).unwrap();
    assert_eq!(log.start(hold(3), 4, fence).unwrap(), Start::Fenced);
    let later = claim(&log, vec![(100, 3)]);
    assert_eq!(paths(&files).len(), 2, "a new file");
    assert_eq!(log.start(hold(4), 4, fence).unwrap(), Start::Fenced);
    assert_eq!(log.start(hold(100), 4, later).unwrap(), Start::Started, "claimed since");
}

#[test]
fn a_log_that_is_not_whole_does_not_say_what_was_not_started() {
    let (_folder, files, log) = log();
    let fence = claim(&log, (1..5).map(|delivery| (delivery, 3)).collect());
    let path = paths(&files).remove(0);
    let older = fs::read(&path).unwrap();
    for delivery in 1..4 {
        log.start(hold(delivery), 4, fence).unwrap();
    }
    let (whole, known) = (fs::read(&path).unwrap(), log.position());
    let as_it_is = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        unstarted(&files)
    };
    assert_eq!(as_it_is(&whole), Some(vec![4]));
    for cut in 0..whole.len() {
        assert_eq!(as_it_is(&whole[..cut]), None, "cut at {cut}, also at the end of a line");
    }
    for at in FENCE_BYTES as usize..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        assert_eq!(as_it_is(&damaged), None, "byte {at}");
        let mut zeroed = whole.clone();
        zeroed[at..].fill(0);
        assert_eq!(as_it_is(&zeroed), None, "a disk that lost what it was given, from {at}");
    }
    assert_eq!(as_it_is(&older), Some(vec![1, 2, 3, 4]), "whole, as far as itself goes");
    assert_eq!(unstarted_since(&files, known), None, "but the database remembers more");
    fs::copy(&path, folder::path(&files, WORKER + 1, 1)).unwrap();
    assert_eq!(recover(&files, WORKER + 1, Position::default()).unwrap().unstarted, None, "someone else's");
    assert_eq!(as_it_is(&whole), Some(vec![4]));
    fs::remove_file(&path).unwrap();
    assert_eq!(unstarted(&files), None);
}

#[test]
fn a_log_that_cannot_be_written_starts_nothing_more() {
    let (_folder, files, log) = log();
    let fence = claim(&log, vec![(1, 3), (2, 3)]);
    // A file that is open for reading only, as a full disk cannot be made here.
    log.state().file.as_mut().unwrap().file = Arc::new(File::open(paths(&files).remove(0)).unwrap());
    assert!(log.start(hold(1), 4, fence).is_err());
    assert!(log.start(hold(1), 4, fence).is_err());
    assert!(log.check().is_err() && log.pre_commit(vec![(3, 3)]).is_err());
    let mut released = log.release_unstarted();
    released.sort_unstable();
    assert_eq!(released, [(1, 3), (2, 3), (3, 3)]);
}
