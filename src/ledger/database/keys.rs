//! Address keys: finds the deliveries of an address, and addresses that are in a dispatch twice.
//!
//! The keys are stored on the recipient pages, in the order of the list. They have no index: reading those of a million people
//! takes some milliseconds, and an index would cost as much as all the rest of a plan.

use std::collections::HashSet;

use crate::storage::Connection;
use aws_lc_rs::digest::{SHA256, digest};

use super::error::StoreError;
use crate::address::EmailAddress;

/// Bytes of a [`Key`].
pub(super) const KEY: usize = 16;

/// The start of the SHA-256 of an address key. No two addresses have the same in practice, and no one can make two that do.
pub(super) type Key = [u8; KEY];

/// The key of an empty line.
pub(super) const EMPTY_KEY: Key = [0; KEY];

pub(super) fn key_of(address: &EmailAddress) -> Key {
    let whole = digest(&SHA256, address.key_cow().as_bytes());
    std::array::from_fn(|at| whole.as_ref()[at])
}

/// Looks at the keys of a dispatch, or of all, in the order of the pages: dispatch, delivery and key.
pub(super) fn each_key(
    db: &Connection,
    dispatch: Option<i64>,
    mut look: impl FnMut(i64, i64, &Key) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT dispatch, first, keys FROM recipient_pages WHERE (dispatch = ?1 OR ?1 IS NULL) \
         AND first BETWEEN coalesce((SELECT first_id FROM dispatches WHERE id = ?1), 0) \
         AND coalesce((SELECT last_id FROM dispatches WHERE id = ?1), 9223372036854775807)",
    )?;
    let mut rows = statement.query([dispatch])?;
    while let Some(row) = rows.next()? {
        let (dispatch, first): (i64, i64) = (row.get(0)?, row.get(1)?);
        let keys = row.get_ref(2)?.as_blob().unwrap_or_default();
        for (delivery, key) in (first..).zip(keys.as_chunks::<KEY>().0) {
            if *key != EMPTY_KEY {
                look(dispatch, delivery, key)?;
            }
        }
    }
    Ok(())
}

/// All keys of a dispatch, sorted.
pub(super) fn keys(db: &Connection, dispatch: i64) -> Result<Vec<Key>, StoreError> {
    let mut keys = Vec::new();
    each_key(db, Some(dispatch), |_, _, key| {
        keys.push(*key);
        Ok(())
    })?;
    keys.sort_unstable();
    Ok(keys)
}

/// A delivery to an address that was looked for.
pub(super) struct Found {
    pub(super) key: Key,
    pub(super) dispatch: i64,
    pub(super) delivery: i64,
}

/// The deliveries to some addresses, in a dispatch or in all of them, in the order of the pages.
pub(super) fn find(
    db: &Connection,
    dispatch: Option<i64>,
    addresses: &[EmailAddress],
) -> Result<Vec<Found>, StoreError> {
    let wanted: HashSet<Key> = addresses.iter().map(key_of).collect();
    let mut found = Vec::new();
    if !wanted.is_empty() {
        each_key(db, dispatch, |dispatch, delivery, key| {
            if wanted.contains(key) {
                found.push(Found { key: *key, dispatch, delivery });
            }
            Ok(())
        })?;
    }
    Ok(found)
}

/// The number of recipients on a dispatch's pages.
pub(super) fn count(db: &Connection, dispatch: i64) -> Result<u64, StoreError> {
    let count: i64 = db
        .prepare_cached(
            "SELECT CAST(coalesce(sum(count), 0) AS bigint) FROM recipient_pages WHERE dispatch = ?1 \
             AND first BETWEEN (SELECT first_id FROM dispatches WHERE id = ?1) \
             AND (SELECT last_id FROM dispatches WHERE id = ?1)",
        )?
        .query_row([dispatch], |row| row.get(0))?;
    Ok(count.max(0) as u64)
}

/// Keys that are compared at a time: a long list is gone through more than once instead of being held.
const KEYS_AT_A_TIME: u64 = 1 << 18;

/// Deliveries of a dispatch to an address that an earlier one of it has already, in order.
pub(super) fn repeats(db: &Connection, dispatch: i64) -> Result<Vec<i64>, StoreError> {
    repeats_in_turns(db, dispatch, count(db, dispatch)?.div_ceil(KEYS_AT_A_TIME))
}

fn repeats_in_turns(db: &Connection, dispatch: i64, turns: u64) -> Result<Vec<i64>, StoreError> {
    let mut repeats = Vec::new();
    for turn in 0..turns {
        let mut some = Vec::new();
        each_key(db, Some(dispatch), |_, delivery, key| {
            let [a, b, c, d, ..] = *key;
            if (u64::from(u32::from_be_bytes([a, b, c, d])) * turns) >> 32 == turn {
                some.push((*key, delivery));
            }
            Ok(())
        })?;
        some.sort_unstable();
        repeats.extend(some.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1].1));
    }
    repeats.sort_unstable();
    Ok(repeats)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            recipients::{PageWriter, People, strike},
            store::Store,
        },
        *,
    };
    use crate::subscriber::{Fields, Subscriber};

    #[test]
    fn repeats_are_found_in_however_many_turns_they_are_looked_for() {
        let store = Store::scratch().unwrap();
        let add = "INSERT INTO dispatches (id, slug, title, digest, rendered, opened_at, last_id) \
                   VALUES (1, 'one', 'One', '', x'', 0, 3000)";
        store.db.execute(add, []).unwrap();
        let mut pages = PageWriter::new(&store.db, 1).unwrap();
        let (mut expected, mut seen) = (Vec::new(), HashSet::new());
        for number in 0..3000 {
            let name = number * number % 1709;
            let address = EmailAddress::parse(&format!("reader{name}@example.com")).unwrap();
            let person = Subscriber { address, name: None, fields: Fields::default() };
            let delivery = pages.put(&key_of(&person.address), &person).unwrap();
            if !seen.insert(name) {
                expected.push(delivery);
            }
        }
        pages.finish().unwrap();
        for turns in [1, 2, 7] {
            assert_eq!(repeats_in_turns(&store.db, 1, turns).unwrap(), expected);
        }
        strike(&store.db, &expected).unwrap();
        assert_eq!(repeats(&store.db, 1).unwrap(), Vec::<i64>::new());
        assert_eq!(count(&store.db, 1).unwrap(), seen.len() as u64);
        let mut people = People::default();
        for delivery in 0..=3001 {
            let is_there = (1..=3000).contains(&delivery) && !expected.contains(&delivery);
            assert_eq!(people.person(&store.db, delivery).unwrap().is_some(), is_there, "{delivery}");
        }
    }
}
