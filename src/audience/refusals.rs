//! What the no of a person means for what is asked for with their address.

use jiff::Timestamp;

use super::{admission::Barrier, error::AudienceError, signup_store as tables, store, values::Status};
use crate::{
    ledger::Reason,
    message::{ListTokens, PersonHash},
    storage::Connection,
};

/// Why an address gets no letters, and since when: the strictest of what is known by the address and by its keyed hash. A
/// stranger who unsubscribed said "this was not me", and is known by the hash.
pub(super) fn barrier(
    db: &Connection,
    tokens: &ListTokens,
    key: &str,
) -> Result<Option<(Barrier, Timestamp)>, AudienceError> {
    let mut found = tables::suppression(db, key)?.map(|(reason, at)| (Barrier::of(reason), at));
    for person in tokens.people(key) {
        let Some((at, is_erased)) = tables::hash_suppression(db, &person)? else { continue };
        let barrier = if is_erased { Barrier::Own } else { Barrier::Owners };
        found = Some(found.map_or((barrier, at), |(known, since)| (known.max(barrier), since.max(at))));
    }
    Ok(found)
}

/// The status of someone who is suppressed, by their address or its keyed hash.
pub(super) fn suppressed(
    db: &Connection,
    tokens: &ListTokens,
    key: &str,
) -> Result<Option<Status>, AudienceError> {
    if let Some(reason) = store::suppression(db, key)? {
        return Ok(Some(Status::suppressed(reason)));
    }
    Ok(barrier(db, tokens, key)?.map(|_| Status::suppressed(Reason::ByHand)))
}

/// Forgets what was asked for with an address whose owner says no. If they had said no before, and a letter asked them whether
/// they want letters again, this is their answer: only the owner of the newsletter lets such letters go to them again.
pub(super) fn withdraw_requests(
    db: &Connection,
    tokens: &ListTokens,
    key: &str,
    had_said_no: bool,
    cause: &str,
    now: Timestamp,
) -> Result<(), AudienceError> {
    let was_asked = tables::delete_open(db, key, now)?;
    if was_asked && had_said_no {
        store::suppress_hash(db, &tokens.person(key), Reason::Unsubscribed, Some(cause), now)?;
    }
    Ok(())
}

/// The same for someone of whom only the keyed hash is known, and who was erased. Whether there was such a letter.
pub(super) fn withdraw_of_erased(
    db: &Connection,
    tokens: &ListTokens,
    person: &PersonHash,
    cause: &str,
    now: Timestamp,
) -> Result<bool, AudienceError> {
    if !tables::hash_suppression(db, person)?.is_some_and(|(_, is_erased)| is_erased) {
        return Ok(false);
    }
    let keys = tables::asked_keys(db)?;
    let Some(key) = keys.iter().find(|key| tokens.people(key).any(|one| one == *person)) else {
        return Ok(false);
    };
    let was_asked = tables::delete_open(db, key, now)?;
    if was_asked {
        store::suppress_hash_again(db, person, cause, now)?;
    }
    Ok(was_asked)
}
