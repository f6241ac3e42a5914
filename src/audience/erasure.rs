//! Erases what is known about a person.

use jiff::Timestamp;

use super::{error::AudienceError, managed::Audience, signup_store, store};
use crate::{address::EmailAddress, ledger::Reason, message::PersonHash, storage::Connection};

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
    /// Erases a person: their row, history, consent and suppression, and their address in what was sent, also each one that they
    /// had earlier. A keyed hash stays, so that no import brings them back and no letter is written to them.
    ///
    /// # Errors
    ///
    /// When the database cannot be used.
    pub async fn erase(&self, address: EmailAddress, now: Timestamp) -> Result<Erasure, AudienceError> {
        let (tokens, whose) = (self.tokens.clone(), address.clone());
        // First the list, so that no letter begins any more.
        let (was_known, earlier) = self
            .ledger
            .transact(move |db| {
                let key = whose.key();
                let stored = store::find(db, &key)?;
                let suppression = store::suppression(db, &key)?;
                let reason = suppression.unwrap_or(Reason::ByHand);
                let is_known = stored.is_some() || suppression.is_some();
                let mut hashes: Vec<PersonHash> = tokens.people(&key).collect();
                let mut earlier = Vec::new();
                if let Some(stored) = stored {
                    hashes.extend(store::hashes(db, stored.id)?);
                    earlier = earlier_addresses(db, stored.id)?;
                    // An address that is someone else's by now stays.
                    earlier.retain(|address| tokens.people(&address.key()).any(|one| hashes.contains(&one)));
                    store::delete(db, stored.id)?;
                }
                for person in hashes {
                    store::suppress_hash(db, &person, reason, Some("erased"), now)?;
                }
                for address in std::iter::once(&whose).chain(&earlier) {
                    db.execute("DELETE FROM suppressions WHERE key = ?1", [address.key()])?;
                    signup_store::erase(db, &address.key(), address.expose())?;
                }
                Ok::<_, AudienceError>((is_known, earlier))
            })
            .await?;
        let mut erasure = Erasure { was_known, deliveries: 0, leaving: 0 };
        for address in std::iter::once(&address).chain(&earlier) {
            let erased = self.ledger.erase(address).await?;
            erasure.deliveries += erased.deliveries;
            erasure.leaving += erased.leaving;
        }
        Ok(erasure)
    }
}

/// The addresses that a person had before, as their history has them.
fn earlier_addresses(db: &Connection, id: i64) -> Result<Vec<EmailAddress>, AudienceError> {
    let history = store::history(db, id)?;
    let earlier = history.iter().filter_map(|entry| entry.change.strip_prefix(store::MOVED));
    Ok(earlier.filter_map(|address| EmailAddress::parse(address).ok()).collect())
}
