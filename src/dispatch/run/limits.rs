//! What earlier runs mean for this one's limits.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::runner::Runner;
use crate::{
    dispatch::{clock::until, queue::DayCap},
    ledger::{Ledger, LedgerError},
};

impl Runner {
    /// Letters of earlier runs count towards the limits: each limit's stretch is asked for in slices, and a slice's
    /// letters count as if they had left at its end.
    pub(super) async fn seed_pace(&mut self, ledger: &Ledger) -> Result<(), LedgerError> {
        const SLICES: u32 = 12;
        let policy = &self.settings.pace;
        let mut longest = BTreeMap::<Option<&str>, Duration>::new();
        let domains = policy.domains.iter().flat_map(|(domain, policy)| {
            policy.limits.iter().map(move |limit| (Some(domain.as_str()), limit.per))
        });
        for (domain, per) in policy.limits.iter().map(|limit| (None, limit.per)).chain(domains) {
            let entry = longest.entry(domain).or_default();
            *entry = per.max(*entry);
        }
        let now = (self.clock)();
        for (domain, per) in longest {
            let (slice, mut before) = (per / SLICES, None);
            // What is dated further ahead than that left when the clock was wrong, nobody knows when.
            let latest = until(now, per);
            for number in (0..SLICES).rev() {
                // Counted back from now; the difference of two counts is a slice.
                let since = now.checked_sub(slice * (number + 1)).unwrap_or(Timestamp::MIN);
                let offered = ledger.attempts_between(since, latest).await?;
                let letters: u64 = offered
                    .iter()
                    .filter(|offered| {
                        offered.relay == self.relay && domain.is_none_or(|d| d == offered.domain)
                    })
                    .map(|offered| offered.letters)
                    .sum();
                if let Some((ago, earlier)) = before.replace((slice * number, letters)) {
                    self.queue.seed(
                        domain,
                        ago + slice,
                        u32::try_from(earlier - letters.min(earlier)).unwrap_or(u32::MAX),
                    );
                }
            }
            if let Some((ago, letters)) = before {
                self.queue.seed(domain, ago, u32::try_from(letters).unwrap_or(u32::MAX));
            }
        }
        Ok(())
    }

    /// Works out how many letters the warm-up plan allows on this day.
    pub(super) async fn refresh_day(&mut self, ledger: &Ledger) -> Result<(), LedgerError> {
        let warm_up = &self.settings.pace.warm_up;
        if warm_up.is_empty() {
            return Ok(());
        }
        let now = (self.clock)();
        if self.queue.today().is_some_and(|today| now < today.ends) {
            return Ok(());
        }
        let zone =
            self.settings.pace.window.as_ref().map_or_else(jiff::tz::TimeZone::system, |w| w.zone.clone());
        let today = now.to_zoned_datetime(zone.clone()).date();
        let ends = today.tomorrow().and_then(|day| day.to_zoned_datetime(zone.clone())).map_or_else(
            |_| now.saturating_add(SignedDuration::from_hours(24)).unwrap_or(now),
            |day| day.timestamp(),
        );
        let mut days = BTreeMap::<jiff::civil::Date, u32>::new();
        for dispatch in ledger.dispatches().await? {
            for bucket in ledger.timeline(dispatch.id, 900).await? {
                let letters = bucket.accepted + bucket.deferred + bucket.rejected + bucket.unconfirmed;
                let day = days.entry(bucket.from.to_zoned_datetime(zone.clone()).date()).or_default();
                *day = day.saturating_add(u32::try_from(letters).unwrap_or(u32::MAX));
            }
        }
        let so_far = days.remove(&today).unwrap_or_default();
        let cap = warm_up.get(days.len()).map(|cap| DayCap { ends, left: cap.saturating_sub(so_far) });
        self.queue.set_today(cap);
        Ok(())
    }
}
