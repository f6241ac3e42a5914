//! Finding deliveries to claim without walking past those that are done.

use std::collections::HashMap;

use crate::storage::{Connection, OptionalExtension, params};
use jiff::Timestamp;

use super::{
    error::StoreError,
    recipients::{self, People},
    suppressed::fingerprint,
    times::{millis, timestamp},
};
use crate::{
    ledger::{
        claim::{Claim, Domains, Share, Wanted},
        lease::Hold,
        values::{DeliveryId, DispatchId, SelectionId, WorkerId},
    },
    subscriber::Subscriber,
};

/// When the first attempt ended since the owner last asked for the delivery.
const FIRST_TRIED: &str = "(SELECT min(a.ended_at) FROM attempts a WHERE a.delivery = d.id AND d.tries > 0 \
     AND a.ended_at > coalesce((SELECT max(o.at) FROM decisions o WHERE o.delivery = d.id), -1))";

/// Deliveries of a dispatch that are due, then never-tried ones.
pub(super) struct Search {
    dispatch: i64,
    now: i64,
    only_due: bool,
    filter: Filter,
    /// Up to here no never-tried delivery is left that fits.
    reached: i64,
}

impl Search {
    pub(super) fn new(
        db: &Connection,
        cursors: &Cursors,
        dispatch: i64,
        now: Timestamp,
        wanted: &Wanted,
    ) -> Result<Self, StoreError> {
        let filter = Filter::new(db, wanted)?;
        let reached = cursors.reached(dispatch, &filter);
        Ok(Self { dispatch, now: millis(now), only_due: wanted.only_due, filter, reached })
    }

    /// At most `limit`; fewer when there are no more.
    pub(super) fn next(
        &mut self,
        db: &Connection,
        people: &mut People,
        limit: usize,
    ) -> Result<Vec<Found>, StoreError> {
        if self.filter.is_void() {
            return Ok(Vec::new());
        }
        let mut found = self.due(db, people, limit)?;
        if !self.only_due && found.len() < limit {
            match self.filter.selection {
                None => self.fresh(db, people, limit, &mut found)?,
                Some(selection) => self.selected(db, people, selection, limit, &mut found)?,
            }
        }
        Ok(found)
    }

    fn due(&self, db: &Connection, people: &mut People, limit: usize) -> Result<Vec<Found>, StoreError> {
        let due = format!(
            "SELECT d.id, d.epoch, d.tries, d.domain, {FIRST_TRIED} FROM deliveries d {} \
             WHERE d.dispatch = ?1 AND d.due_at > 0 AND d.due_at <= ?2{} ORDER BY d.due_at, d.id LIMIT ?3",
            db.either("INDEXED BY deliveries_due", ""),
            self.filter.condition()
        );
        let mut statement = db.prepare_cached(&due)?;
        let rows = statement.query_map(params![self.dispatch, self.now, limit as i64], |row| {
            let tried = Tried { epoch: row.get(1)?, tries: row.get(2)?, first: row.get(4)? };
            Ok((row.get(0)?, row.get(3)?, tried))
        })?;
        let rows: Vec<(i64, i64, Tried)> = rows.collect::<Result<_, _>>()?;
        let mut deliveries: Vec<i64> = rows.iter().map(|(delivery, ..)| *delivery).collect();
        // Recipients are read page by page, and returned in the order in which they are due.
        deliveries.sort_unstable();
        let mut read = HashMap::with_capacity(rows.len());
        for delivery in deliveries {
            read.insert(delivery, people.known(db, delivery)?);
        }
        let found = rows.into_iter().filter_map(|(delivery, domain, tried)| {
            Some(Found::new(delivery, domain, read.remove(&delivery)?, Some(tried)))
        });
        Ok(found.collect())
    }

    /// Recipients on a page whose deliveries have no row.
    fn fresh(
        &mut self,
        db: &Connection,
        people: &mut People,
        limit: usize,
        found: &mut Vec<Found>,
    ) -> Result<(), StoreError> {
        while let Some(span) = recipients::span(db, self.dispatch, self.reached + 1)? {
            let mut taken =
                db.prepare_cached("SELECT id FROM deliveries WHERE id BETWEEN ?1 AND ?2 ORDER BY id")?;
            let taken = taken.query_map([span.first, span.last], |row| row.get(0))?;
            let taken: Vec<i64> = taken.collect::<Result<_, _>>()?;
            let mut taken = taken.into_iter().peekable();
            for delivery in span.first..=span.last {
                if taken.next_if_eq(&delivery).is_none() && self.filter.has(delivery) {
                    self.take(db, people, delivery, found)?;
                }
                self.reached = delivery;
                if found.len() == limit {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Whether a recipient is left who was never tried. What is found stays to be claimed.
    pub(super) fn has_fresh(&mut self, db: &Connection, people: &mut People) -> Result<bool, StoreError> {
        let mut found = Vec::new();
        self.fresh(db, people, 1, &mut found)?;
        if let Some(one) = found.first() {
            self.reached = one.delivery - 1;
        }
        Ok(!found.is_empty())
    }

    /// Recipients of a selection whose deliveries have no row.
    fn selected(
        &mut self,
        db: &Connection,
        people: &mut People,
        selection: SelectionId,
        limit: usize,
        found: &mut Vec<Found>,
    ) -> Result<(), StoreError> {
        let mut statement = db.prepare_cached(
            "SELECT c.delivery FROM selected c WHERE c.selection = ?1 AND c.delivery > ?2 \
             AND c.dispatch = ?3 AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.id = c.delivery) \
             ORDER BY c.delivery",
        )?;
        let mut rows = statement.query([selection.0, self.reached, self.dispatch])?;
        while let Some(row) = rows.next()? {
            let delivery = row.get(0)?;
            if self.filter.has(delivery) {
                self.take(db, people, delivery, found)?;
            }
            self.reached = delivery;
            if found.len() == limit {
                return Ok(());
            }
        }
        // A selection does not grow.
        self.reached = i64::MAX;
        Ok(())
    }

    fn take(
        &self,
        db: &Connection,
        people: &mut People,
        delivery: i64,
        found: &mut Vec<Found>,
    ) -> Result<(), StoreError> {
        if let Some(subscriber) = people.person(db, delivery)? {
            let domain = people.domain(db, subscriber.address.domain())?;
            if self.filter.domains.have(domain) {
                found.push(Found::new(delivery, domain, subscriber, None));
            }
        }
        Ok(())
    }
}

/// A delivery that can be claimed.
pub(super) struct Found {
    pub(super) delivery: i64,
    pub(super) domain: i64,
    pub(super) subscriber: Subscriber,
    pub(super) fingerprint: u64,
    /// `None` when it was never claimed: it has no row yet.
    pub(super) tried: Option<Tried>,
}

/// What was tried before.
pub(super) struct Tried {
    epoch: u32,
    tries: u32,
    first: Option<i64>,
}

impl Found {
    fn new(delivery: i64, domain: i64, subscriber: Subscriber, tried: Option<Tried>) -> Self {
        let fingerprint = fingerprint(&subscriber.address.key_cow());
        Self { delivery, domain, subscriber, fingerprint, tried }
    }

    pub(super) fn into_claim(self, dispatch: DispatchId, worker: WorkerId, hash_changes: i64) -> Claim {
        let Self { delivery, subscriber, fingerprint, tried, .. } = self;
        let tried = tried.unwrap_or(Tried { epoch: 0, tries: 0, first: None });
        Claim {
            delivery: DeliveryId(delivery),
            dispatch,
            subscriber,
            tries: tried.tries,
            first_tried: tried.first.map(timestamp),
            hold: Hold { delivery, worker: worker.0, epoch: tried.epoch + 1, fingerprint, hash_changes },
            in_log: None,
        }
    }
}

/// [`Wanted`], with domains by their numbers.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Filter {
    selection: Option<SelectionId>,
    domains: Numbers,
    share: Option<Share>,
}

/// Sorted, each once.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Numbers {
    Only(Vec<i64>),
    Except(Vec<i64>),
}

impl Numbers {
    fn have(&self, number: i64) -> bool {
        match self {
            Self::Only(numbers) => numbers.binary_search(&number).is_ok(),
            Self::Except(numbers) => numbers.binary_search(&number).is_err(),
        }
    }
}

impl Filter {
    pub(super) fn new(db: &Connection, wanted: &Wanted) -> Result<Self, StoreError> {
        let numbers = |names: &[String]| -> Result<Vec<i64>, StoreError> {
            let mut find = db.prepare_cached("SELECT id FROM domains WHERE name = ?1")?;
            let mut numbers = Vec::with_capacity(names.len());
            for name in names {
                numbers.extend(find.query_row([name], |row| row.get::<_, i64>(0)).optional()?);
            }
            numbers.sort_unstable();
            numbers.dedup();
            Ok(numbers)
        };
        let domains = match &wanted.domains {
            Domains::All => Numbers::Except(Vec::new()),
            Domains::Only(names) => Numbers::Only(numbers(names)?),
            Domains::Except(names) => Numbers::Except(numbers(names)?),
        };
        Ok(Self { selection: wanted.selection, domains, share: wanted.share })
    }

    /// Whether everything that fits `other` fits this too.
    fn covers(&self, other: &Self) -> bool {
        let is_in = |some: &[i64], all: &[i64]| some.iter().all(|number| all.binary_search(number).is_ok());
        (self.selection.is_none() || self.selection == other.selection)
            && (self.share.is_none() || self.share == other.share)
            && match (&self.domains, &other.domains) {
                (Numbers::Only(ours), Numbers::Only(theirs)) => is_in(theirs, ours),
                (Numbers::Except(ours), Numbers::Except(theirs)) => is_in(ours, theirs),
                (Numbers::Except(ours), Numbers::Only(theirs)) => {
                    theirs.iter().all(|number| ours.binary_search(number).is_err())
                }
                (Numbers::Only(_), Numbers::Except(_)) => false,
            }
    }

    /// Whether nothing fits: no delivery is behind the domains asked for.
    pub(super) fn is_void(&self) -> bool {
        matches!(&self.domains, Numbers::Only(numbers) if numbers.is_empty())
    }

    /// Whether a delivery is in the part that is wanted.
    fn has(&self, delivery: i64) -> bool {
        self.share.is_none_or(|share| share.has(delivery))
    }

    /// ` AND …`, or nothing. Numbers only, so that it can be part of a statement.
    pub(super) fn condition(&self) -> String {
        let mut selection = self.selection.map_or_else(String::new, |selection| {
            format!(
                " AND EXISTS (SELECT 1 FROM selected WHERE selection = {} AND delivery = d.id)",
                selection.0
            )
        });
        if let Some(Share { of, stride, from, to }) = self.share {
            selection += &format!(
                " AND d.id * {stride} % {} >= {from} AND d.id * {stride} % {} < {to}",
                of.max(1),
                of.max(1)
            );
        }
        let (word, numbers) = match &self.domains {
            Numbers::Except(numbers) if numbers.is_empty() => return selection,
            Numbers::Only(numbers) => ("IN", numbers),
            Numbers::Except(numbers) => ("NOT IN", numbers),
        };
        let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
        format!(" AND d.domain {word} ({}){selection}", numbers.join(", "))
    }
}

/// How far never-tried deliveries have been looked through, by dispatch and condition. Such a delivery never comes
/// back (what is given back has a time when it is due), so this only grows.
#[derive(Default)]
pub(super) struct Cursors(HashMap<(i64, Filter), i64>);

/// Different conditions that are remembered; forgetting costs a walk, and nothing else.
const CURSORS_MAX: usize = 256;

impl Cursors {
    fn reached(&self, dispatch: i64, filter: &Filter) -> i64 {
        let covering = self.0.iter().filter(|((of, seen), _)| *of == dispatch && seen.covers(filter));
        covering.map(|(_, reached)| *reached).max().unwrap_or(0)
    }

    pub(super) fn remember(&mut self, search: Search) {
        if self.0.len() >= CURSORS_MAX {
            self.0.clear();
        }
        self.0.insert((search.dispatch, search.filter), search.reached);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ours: Numbers, theirs: Numbers, covers: bool) {
        let filter = |domains| Filter { selection: None, domains, share: None };
        assert_eq!(filter(ours).covers(&filter(theirs)), covers);
    }

    #[test]
    fn a_wider_condition_covers_a_narrower_one() {
        use Numbers::{Except, Only};
        check(Except(vec![]), Except(vec![1]), true);
        check(Except(vec![1]), Except(vec![]), false);
        check(Except(vec![1]), Except(vec![1, 2]), true);
        check(Except(vec![1]), Only(vec![2]), true);
        check(Except(vec![1]), Only(vec![1, 2]), false);
        check(Only(vec![1, 2]), Only(vec![2]), true);
        check(Only(vec![2]), Only(vec![1, 2]), false);
        check(Only(vec![1]), Except(vec![2]), false);
    }

    #[test]
    fn a_selection_covers_itself_only_and_is_covered_by_none() {
        let filter = |selection| Filter { selection, domains: Numbers::Except(vec![]), share: None };
        let part = Filter { share: Some(Share { of: 2, stride: 1, from: 0, to: 1 }), ..filter(None) };
        assert!(filter(None).covers(&part) && part.covers(&part) && !part.covers(&filter(None)));
        assert!(filter(None).covers(&filter(Some(SelectionId(1)))));
        assert!(!filter(Some(SelectionId(1))).covers(&filter(None)));
        assert!(filter(Some(SelectionId(1))).covers(&filter(Some(SelectionId(1)))));
        assert!(!filter(Some(SelectionId(1))).covers(&filter(Some(SelectionId(2)))));
    }
}
