//! Erasing a person from what was sent.

use crate::storage::{OptionalExtension, params};

use super::{
    error::StoreError,
    keys, recipients,
    store::{Store, begin_in_use},
};
use crate::{address::EmailAddress, ledger::suppressed_hashes::Erased};

impl Store {
    /// Puts a made-up address in the place of a person in all dispatches, without name and fields, and takes the address out
    /// of replies and of what came back. What has not begun to leave is closed; a letter that is leaving now is left alone.
    pub(in crate::ledger) fn erase(&mut self, address: &EmailAddress) -> Result<Erased, StoreError> {
        let tx = begin_in_use(&self.db, self.place.as_deref())?;
        let mut erased = Erased::default();
        for one in keys::find(&tx, None, std::slice::from_ref(address))? {
            let state: Option<String> = tx
                .query_row("SELECT state FROM deliveries WHERE id = ?1", [one.delivery], |row| row.get(0))
                .optional()?;
            if state.as_deref() == Some("begun") {
                erased.leaving += 1;
                continue;
            }
            let placeholder = EmailAddress::parse(&format!("erased-{}@erased.invalid", one.delivery))
                .expect("a made-up address is one");
            recipients::replace(&tx, one.delivery, &placeholder)?;
            let domain = recipients::Domains::default().number(&tx, placeholder.domain())?;
            tx.execute(
                "INSERT INTO deliveries (id, dispatch, state, reason, domain) \
                 VALUES (?1, ?2, 'suppressed', 'by_hand', ?3) \
                 ON CONFLICT (id) DO UPDATE SET domain = excluded.domain",
                params![one.delivery, one.dispatch, domain],
            )?;
            tx.execute(
                "UPDATE deliveries SET state = 'suppressed', reason = 'by_hand', due_at = 0, worker = NULL \
                 WHERE id = ?1 AND state IN ('queued', 'claimed', 'deferred')",
                [one.delivery],
            )?;
            tx.execute(
                "UPDATE attempts SET reply = replace(reply, ?2, '(erased)') WHERE delivery = ?1",
                params![one.delivery, address.expose()],
            )?;
            erased.deliveries += 1;
        }
        // The same message again is about the same delivery, and changes nothing.
        tx.execute(
            "UPDATE bounces SET domain = 'erased.invalid', reply = replace(reply, ?2, '(erased)'), \
             key = CASE WHEN delivery IS NULL THEN 'erased-report-' || id ELSE 'erased-' || delivery || '@erased.invalid' END \
             WHERE key = ?1",
            params![address.key(), address.expose()],
        )?;
        tx.commit()?;
        // A page that is remembered holds the person.
        self.people = recipients::People::default();
        Ok(erased)
    }
}
