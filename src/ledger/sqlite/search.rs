//! Finding deliveries to claim without walking past those that are done.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{millis, suppressed::fingerprint, timestamp};
use crate::{
    ledger::{
        ChoiceId, Claim, DeliveryId, DispatchId, LedgerError, WorkerId,
        claim::{Domains, Hold, Wanted},
    },
    subscriber::{EmailAddress, Subscriber},
};

const COLUMNS: &str = "SELECT d.id, d.epoch, d.tries, r.address, r.key, r.name, r.fields";

/// When the first attempt ended since the owner last asked for the delivery.
const FIRST_TRIED: &str = "(SELECT min(a.ended_at) FROM attempts a WHERE a.delivery = d.id AND d.tries > 0 \
     AND a.ended_at > coalesce((SELECT max(o.at) FROM decisions o WHERE o.delivery = d.id), -1))";

/// Deliveries of a dispatch that are due, then never-tried ones.
pub(super) struct Search {
    dispatch: i64,
    now: i64,
    only_due: bool,
    pub(super) fit: Fit,
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
    ) -> Result<Self, LedgerError> {
        let fit = Fit::new(db, wanted)?;
        let reached = cursors.reached(dispatch, &fit);
        Ok(Self { dispatch, now: millis(now), only_due: wanted.only_due, fit, reached })
    }

    /// At most `limit`; fewer when there are no more.
    pub(super) fn next(&mut self, db: &Connection, limit: usize) -> Result<Batch, LedgerError> {
        let mut batch = Batch::default();
        if self.fit.is_void() {
            return Ok(batch);
        }
        batch.rows = self.due(db, limit)?;
        if !self.only_due && batch.rows.len() < limit {
            self.fresh(db, limit, &mut batch)?;
        }
        Ok(batch)
    }

    fn due(&self, db: &Connection, limit: usize) -> Result<Vec<Found>, LedgerError> {
        let due = format!(
            "{COLUMNS}, {FIRST_TRIED} FROM deliveries d INDEXED BY deliveries_due CROSS JOIN recipients r ON r.delivery = d.id \
             WHERE d.dispatch = ?1 AND d.due_at > 0 AND d.due_at <= ?2{} ORDER BY d.due_at, d.id LIMIT ?3",
            self.fit.condition()
        );
        let mut statement = db.prepare_cached(&due)?;
        let rows = statement.query_map(params![self.dispatch, self.now, limit as i64], Found::read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn fresh(&mut self, db: &Connection, limit: usize, batch: &mut Batch) -> Result<(), LedgerError> {
        let range: Option<(i64, i64)> = db
            .prepare_cached("SELECT first_id, last_id FROM dispatches WHERE id = ?1")?
            .query_row([self.dispatch], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((first, last)) = range else { return Ok(()) };
        let domains = self.fit.domains_condition();
        let fresh = match self.fit.choice {
            None => format!(
                "{COLUMNS}, NULL FROM deliveries d NOT INDEXED CROSS JOIN recipients r ON r.delivery = d.id \
                 WHERE d.id > ?2 AND d.id <= ?3 AND d.dispatch = ?1 AND d.state = 'queued' AND d.due_at = 0{domains} \
                 ORDER BY d.id LIMIT ?4"
            ),
            Some(choice) => format!(
                "{COLUMNS}, NULL FROM temp.chosen c CROSS JOIN deliveries d ON d.id = c.delivery \
                 CROSS JOIN recipients r ON r.delivery = d.id \
                 WHERE c.choice = {} AND c.delivery > ?2 AND c.delivery <= ?3 AND d.dispatch = ?1 \
                 AND d.state = 'queued' AND d.due_at = 0{domains} ORDER BY c.delivery LIMIT ?4",
                choice.0
            ),
        };
        let asked = limit - batch.rows.len();
        let from = self.reached.max(first - 1);
        let mut statement = db.prepare_cached(&fresh)?;
        let mut found = 0;
        for row in statement.query_map(params![self.dispatch, from, last, asked as i64], Found::read)? {
            let row = Found { is_fresh: true, ..row? };
            self.reached = row.delivery;
            if self.fit.choice.is_none() {
                let low = batch.span.map_or(row.delivery, |(low, _)| low);
                batch.span = Some((low, row.delivery));
            }
            found += 1;
            batch.rows.push(row);
        }
        if found < asked {
            self.reached = self.reached.max(last);
        }
        Ok(())
    }
}

/// What was found at once.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) rows: Vec<Found>,
    /// All never-tried deliveries in this range that fit are among them.
    pub(super) span: Option<(i64, i64)>,
}

/// A delivery that can be claimed.
pub(super) struct Found {
    pub(super) delivery: i64,
    epoch: u32,
    tries: u32,
    first_tried: Option<i64>,
    address: String,
    key: Option<String>,
    name: Option<String>,
    fields: Option<String>,
    pub(super) fingerprint: u64,
    /// Never tried.
    pub(super) is_fresh: bool,
}

impl Found {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let address: String = row.get(3)?;
        let key: Option<String> = row.get(4)?;
        let fingerprint = fingerprint(key.as_deref().unwrap_or(&address));
        Ok(Self {
            delivery: row.get(0)?,
            epoch: row.get(1)?,
            tries: row.get(2)?,
            first_tried: row.get(7)?,
            address,
            key,
            name: row.get(5)?,
            fields: row.get(6)?,
            fingerprint,
            is_fresh: false,
        })
    }

    pub(super) fn key(&self) -> &str {
        self.key.as_deref().unwrap_or(&self.address)
    }

    pub(super) fn into_claim(self, dispatch: DispatchId, worker: WorkerId) -> Result<Claim, LedgerError> {
        let subscriber = subscriber(&self.address, self.name, self.fields.as_deref())?;
        Ok(Claim {
            delivery: DeliveryId(self.delivery),
            dispatch,
            subscriber,
            tries: self.tries,
            first_tried: self.first_tried.map(timestamp),
            hold: Hold {
                delivery: self.delivery,
                worker: worker.0,
                epoch: self.epoch + 1,
                fingerprint: self.fingerprint,
            },
            logged: None,
        })
    }
}

/// A person, as frozen.
pub(super) fn subscriber(
    address: &str,
    name: Option<String>,
    fields: Option<&str>,
) -> Result<Subscriber, LedgerError> {
    let fields = match fields {
        None => Default::default(),
        Some(fields) => serde_json::from_str(fields)
            .map_err(|source| LedgerError::Frozen { source: std::sync::Arc::new(source) })?,
    };
    let address = EmailAddress::parse(address).map_err(|_| LedgerError::address(address))?;
    Ok(Subscriber { address, name, fields })
}

/// [`Wanted`], with domains by their numbers.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Fit {
    choice: Option<ChoiceId>,
    domains: Numbers,
}

/// Sorted, each once.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Numbers {
    Only(Vec<i64>),
    Except(Vec<i64>),
}

impl Fit {
    pub(super) fn new(db: &Connection, wanted: &Wanted) -> Result<Self, LedgerError> {
        let numbers = |names: &[String]| -> Result<Vec<i64>, LedgerError> {
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
        Ok(Self { choice: wanted.choice, domains })
    }

    /// Whether everything that fits `other` fits this too.
    fn covers(&self, other: &Self) -> bool {
        let is_in = |some: &[i64], all: &[i64]| some.iter().all(|number| all.binary_search(number).is_ok());
        (self.choice.is_none() || self.choice == other.choice)
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

    /// ` AND …`, or nothing. Numbers only, so that it can stand in a statement.
    pub(super) fn condition(&self) -> String {
        let choice = self.choice.map_or_else(String::new, |choice| {
            format!(" AND EXISTS (SELECT 1 FROM temp.chosen WHERE choice = {} AND delivery = d.id)", choice.0)
        });
        self.domains_condition() + &choice
    }

    pub(super) fn domains_condition(&self) -> String {
        let (word, numbers) = match &self.domains {
            Numbers::Except(numbers) if numbers.is_empty() => return String::new(),
            Numbers::Only(numbers) => ("IN", numbers),
            Numbers::Except(numbers) => ("NOT IN", numbers),
        };
        let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
        format!(" AND d.domain {word} ({})", numbers.join(", "))
    }
}

/// How far never-tried deliveries have been looked through, by dispatch and condition. Such a delivery never comes
/// back (what is given back has a time when it is due), so this only grows.
#[derive(Default)]
pub(super) struct Cursors(HashMap<(i64, Fit), i64>);

/// Different conditions that are remembered; forgetting costs a walk, and nothing else.
const CURSORS_MAX: usize = 256;

impl Cursors {
    fn reached(&self, dispatch: i64, fit: &Fit) -> i64 {
        let covering = self.0.iter().filter(|((of, seen), _)| *of == dispatch && seen.covers(fit));
        covering.map(|(_, reached)| *reached).max().unwrap_or(0)
    }

    pub(super) fn remember(&mut self, search: Search) {
        if self.0.len() >= CURSORS_MAX {
            self.0.clear();
        }
        self.0.insert((search.dispatch, search.fit), search.reached);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ours: Numbers, theirs: Numbers, covers: bool) {
        let fit = |domains| Fit { choice: None, domains };
        assert_eq!(fit(ours).covers(&fit(theirs)), covers);
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
    fn a_choice_covers_itself_only_and_is_covered_by_none() {
        let fit = |choice| Fit { choice, domains: Numbers::Except(vec![]) };
        assert!(fit(None).covers(&fit(Some(ChoiceId(1)))));
        assert!(!fit(Some(ChoiceId(1))).covers(&fit(None)));
        assert!(fit(Some(ChoiceId(1))).covers(&fit(Some(ChoiceId(1)))));
        assert!(!fit(Some(ChoiceId(1))).covers(&fit(Some(ChoiceId(2)))));
    }
}
