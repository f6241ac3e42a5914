//! The suppressed addresses as fingerprints in memory, so that a letter costs no query.
//!
//! Inside a writing transaction no one else can commit, so a look at the counter there makes the set exact.

use std::{
    collections::HashSet,
    hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher},
};

use crate::storage::{Connection, OptionalExtension};

use super::{error::StoreError, moved::Wishes};
use crate::{
    ledger::{error::LedgerError, identity_hasher::IdentityHasher, values::Reason},
    message::{ListTokens, PersonHash},
    subscriber::{Inactive, wants_one_of},
};

/// Of an address key. Equal fingerprints of different keys cost a query, and nothing else.
pub(super) fn fingerprint(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

#[derive(Default)]
pub(super) struct Suppressed {
    /// The counter of changes that the set knows of.
    changes: i64,
    last: i64,
    prints: HashSet<u64, BuildHasherDefault<IdentityHasher>>,
    /// The counter of changes of the people who are suppressed by their keyed hash alone.
    hash_changes: i64,
    hashes: HashSet<PersonHash>,
    /// The counter of changes of the people who may have paused or turned a topic off, and of earlier addresses.
    restriction_changes: i64,
    restricted: HashSet<u64, BuildHasherDefault<IdentityHasher>>,
    /// What makes an address a keyed hash.
    tokens: Option<ListTokens>,
}

impl Suppressed {
    /// From now on, people who are suppressed by their keyed hash are recognized.
    pub(super) fn recognize(&mut self, tokens: ListTokens) {
        self.tokens = Some(tokens);
    }

    /// What [`recognize`](Self::recognize) was given.
    pub(super) fn tokens(&self) -> Option<&ListTokens> {
        self.tokens.as_ref()
    }

    /// How often suppressions and restrictions had changed when the sets were brought up to date.
    pub(super) fn changes(&self) -> i64 {
        self.changes + self.hash_changes + self.restriction_changes
    }

    /// Changes when a keyed hash is suppressed.
    pub(super) fn hash_changes(&self) -> i64 {
        self.hash_changes
    }

    /// Brings the set up to date; to be called inside the transaction that relies on it.
    pub(super) fn refresh(&mut self, db: &Connection) -> Result<(), StoreError> {
        self.refresh_hashes(db)?;
        self.refresh_restricted(db)?;
        let changes: i64 = db
            .prepare_cached("SELECT value FROM counters WHERE name = 'suppressions'")?
            .query_row([], |row| row.get(0))?;
        if changes == self.changes {
            return Ok(());
        }
        let new: i64 = db
            .prepare_cached("SELECT count(*) FROM suppressions WHERE id > ?1")?
            .query_row([self.last], |row| row.get(0))?;
        if new != changes - self.changes {
            // Something was changed or removed too: start again.
            self.last = 0;
            self.prints.clear();
        }
        let mut statement =
            db.prepare_cached("SELECT id, key FROM suppressions WHERE id > ?1 ORDER BY id")?;
        let mut rows = statement.query([self.last])?;
        while let Some(row) = rows.next()? {
            self.last = row.get(0)?;
            self.prints.insert(fingerprint(row.get_ref(1)?.as_str().unwrap_or_default()));
        }
        self.changes = changes;
        Ok(())
    }

    fn refresh_hashes(&mut self, db: &Connection) -> Result<(), StoreError> {
        let changes: i64 = db
            .prepare_cached("SELECT value FROM counters WHERE name = 'suppressed_hashes'")?
            .query_row([], |row| row.get(0))?;
        if changes != self.hash_changes {
            self.hashes = hashes(db)?;
            self.hash_changes = changes;
        }
        Ok(())
    }

    fn refresh_restricted(&mut self, db: &Connection) -> Result<(), StoreError> {
        let changes: i64 = db
            .prepare_cached("SELECT value FROM counters WHERE name = 'restricted'")?
            .query_row([], |row| row.get(0))?;
        if changes == self.restriction_changes {
            return Ok(());
        }
        self.restricted.clear();
        let mut statement = db.prepare_cached("SELECT key FROM restricted")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            self.restricted.insert(fingerprint(row.get_ref(0)?.as_str().unwrap_or_default()));
        }
        self.restriction_changes = changes;
        Ok(())
    }

    /// Why a person of the managed list gets no letter of this delivery at this time, if they have paused or turned its
    /// topics off since it was planned, or have another address by now and said no there.
    pub(super) fn restriction(
        &self,
        db: &Connection,
        key: &str,
        delivery: i64,
        at: i64,
    ) -> Result<Option<Inactive>, StoreError> {
        if !self.restricted.contains(&fingerprint(key)) {
            return Ok(None);
        }
        let Some(wishes) = Wishes::of(db, self.tokens.as_ref(), key)? else { return Ok(None) };
        if let Some(why) = wishes.why_not(at) {
            return Ok(Some(why));
        }
        let topics: String = db
            .prepare_cached(
                "SELECT dispatches.topics FROM deliveries JOIN dispatches ON dispatches.id = deliveries.dispatch \
                 WHERE deliveries.id = ?1",
            )?
            .query_row([delivery], |row| row.get(0))?;
        let topics: Vec<String> =
            topics.split(',').filter(|topic| !topic.is_empty()).map(str::to_owned).collect();
        Ok((!wants_one_of(&wishes.topics, &topics)).then_some(Inactive::OffTopic))
    }

    /// Why the key is suppressed, if it is.
    pub(super) fn reason(&self, db: &Connection, key: &str) -> Result<Option<Reason>, StoreError> {
        if !self.prints.is_empty()
            && self.prints.contains(&fingerprint(key))
            && let Some(reason) = reason_in(db, key)?
        {
            return Ok(Some(reason));
        }
        if self.hashes.is_empty() {
            return Ok(None);
        }
        let tokens = self.tokens.as_ref().ok_or(LedgerError::NoKey)?;
        match tokens.people(key).find(|person| self.hashes.contains(person)) {
            Some(person) => hash_reason(db, &person),
            None => Ok(None),
        }
    }

    /// Whether a key with this fingerprint may be suppressed, or restricted.
    pub(super) fn may_have(&self, fingerprint: u64) -> bool {
        (!self.prints.is_empty() && self.prints.contains(&fingerprint))
            || (!self.restricted.is_empty() && self.restricted.contains(&fingerprint))
    }
}

/// Asks the table itself.
pub(super) fn reason_in(db: &Connection, key: &str) -> Result<Option<Reason>, StoreError> {
    let word: Option<String> = db
        .prepare_cached("SELECT reason FROM suppressions WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    Ok(word.map(|word| Reason::from_word(&word).unwrap_or(Reason::ByHand)))
}

/// The people who are suppressed by their keyed hash alone.
pub(super) fn hashes(db: &Connection) -> Result<HashSet<PersonHash>, StoreError> {
    let mut statement = db.prepare_cached("SELECT person FROM suppressed_hashes")?;
    let mut rows = statement.query([])?;
    let mut hashes = HashSet::new();
    while let Some(row) = rows.next()? {
        hashes.extend(PersonHash::from_bytes(row.get_ref(0)?.as_blob().unwrap_or_default()));
    }
    Ok(hashes)
}

fn hash_reason(db: &Connection, person: &PersonHash) -> Result<Option<Reason>, StoreError> {
    let word: Option<String> = db
        .prepare_cached("SELECT reason FROM suppressed_hashes WHERE person = ?1")?
        .query_row([person.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(word.map(|word| Reason::from_word(&word).unwrap_or(Reason::ByHand)))
}
