//! Erases what is known about a person.

use jiff::Timestamp;

use super::{
    error::AudienceError,
    managed::{Audience, earlier_addresses},
    signup_store,
    store::{self, Stored},
};
use crate::{address::EmailAddress, ledger::Reason, message::PersonHash};

/// What was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// The person was on the list, or the address suppressed.
    pub was_known: bool,
    /// Deliveries that do not know any more whose they were.
    pub deliveries: u64,
    /// Letters that are leaving now, and were left alone.
    pub leaving: u64,
}

impl Audience {
    /// Erases a person, by their address or one that they had earlier: their row, history, consent and suppression, and each of
    /// their addresses in what was sent. A keyed hash stays, so that no import brings them back and no letter is written to them.
    ///
    /// # Errors
    ///
    /// When the database cannot be used.
    pub async fn erase(&self, address: EmailAddress, now: Timestamp) -> Result<Erasure, AudienceError> {
        let (tokens, whose) = (self.tokens.clone(), address);
        // First the list, so that no letter begins any more.
        let (was_known, addresses) = self
            .ledger
            .transact(move |db| {
                let key = whose.key();
                let stored = store::find_by_any(db, &tokens, &key)?;
                let suppression = store::suppression(db, &key)?;
                let is_known = stored.is_some() || suppression.is_some();
                let mut hashes: Vec<PersonHash> = tokens.people(&key).collect();
                let mut addresses = vec![whose];
                if let Some(Stored { id, person, .. }) = stored {
                    hashes.extend(store::hashes(db, id)?);
                    addresses.extend(earlier_addresses(db, &tokens, id)?);
                    addresses.push(person.address);
                    store::delete(db, id)?;
                }
                let reason = addresses.iter().rev().map(|one| store::suppression(db, &one.key()));
                let reason = reason.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().next();
                for person in hashes {
                    store::suppress_hash(db, &person, reason.unwrap_or(Reason::ByHand), Some("erased"), now)?;
                }
                addresses.sort_by(|one, other| one.expose().cmp(other.expose()));
                addresses.dedup();
                for address in &addresses {
                    let key = address.key();
                    db.execute("DELETE FROM suppressions WHERE key = ?1", [&key])?;
                    db.execute("DELETE FROM restricted WHERE key = ?1", [&key])?;
                    signup_store::erase(db, &key, address.expose())?;
                }
                Ok::<_, AudienceError>((is_known, addresses))
            })
            .await?;
        let mut erasure = Erasure { was_known, deliveries: 0, leaving: 0 };
        for address in &addresses {
            let erased = self.ledger.erase(address).await?;
            erasure.deliveries += erased.deliveries;
            erasure.leaving += erased.leaving;
        }
        Ok(erasure)
    }
}
