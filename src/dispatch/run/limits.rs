//! What earlier letters mean for this run's limits.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::runner::Runner;
use crate::{
    dispatch::{
        clock::until,
        pace::{Budget, Day, Used},
    },
    ledger::{Ledger, LedgerError},
};

/// Letters of earlier runs count towards the limits: each limit's stretch is asked for in slices, and a slice's letters count as
/// if they had left at its end.
const SLICES: u32 = 12;

impl Runner {
    /// Counts letters that left without the limits of this run. What left with them is counted already.
    pub(super) async fn seed_pace(&self, ledger: &Ledger) -> Result<(), LedgerError> {
        for budget in self.queue.budgets() {
            let earlier = self.earlier(ledger, &budget).await?;
            let name = budget.name.clone();
            let note = move |value: Option<&str>, now| {
                let mut used = Used::read(value);
                budget.note_earlier(&mut used, now, &earlier);
                let used = used.write();
                ((value != Some(&*used)).then_some(used), ())
            };
            ledger.revise(&name, note).await?;
        }
        Ok(())
    }

    /// How long ago how many letters left that a budget counts, the oldest first.
    async fn earlier(&self, ledger: &Ledger, budget: &Budget) -> Result<Vec<(Duration, u32)>, LedgerError> {
        let Some(per) = budget.limits.iter().map(|limit| limit.per).max() else { return Ok(Vec::new()) };
        let now = (self.clock)();
        let slice = per / SLICES;
        // What is dated further ahead than that left when the clock was wrong, no one knows when.
        let latest = until(now, per);
        let (mut counts, mut before) = (Vec::new(), None);
        for number in (0..SLICES).rev() {
            // Counted back from now; the difference of two counts is a slice.
            let since = now.checked_sub(slice * (number + 1)).unwrap_or(Timestamp::MIN);
            let offered = ledger.attempts_between(since, latest).await?;
            let counts_here = offered.iter().filter(|offered| {
                budget.relays.contains(&offered.relay)
                    && budget.domain.as_ref().is_none_or(|domain| *domain == offered.domain)
            });
            let letters: u64 = counts_here.map(|offered| offered.letters).sum();
            if let Some((ago, earlier)) = before.replace((slice * number, letters)) {
                counts.push((ago, earlier - letters.min(earlier)));
            }
        }
        counts.extend(before);
        Ok(counts
            .into_iter()
            .map(|(ago, letters)| (ago, u32::try_from(letters).unwrap_or(u32::MAX)))
            .collect())
    }

    /// Works out how many letters the warm-up plan allows on this day.
    pub(super) async fn refresh_day(&self, ledger: &Ledger) -> Result<(), LedgerError> {
        let warm_up = &self.settings.pace.warm_up;
        if warm_up.is_empty() {
            return Ok(());
        }
        let now = (self.clock)();
        if self.queue.today_ends().is_some_and(|ends| now < ends) {
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
        let day = warm_up.get(days.len()).map(|letters| Day { date: today, ends, letters: *letters });
        let Some(budget) = self.queue.set_today(ends, day).filter(|budget| budget.day.is_some()) else {
            return Ok(());
        };
        let name = budget.name.clone();
        let note = move |value: Option<&str>, _: Timestamp| {
            let mut used = Used::read(value);
            budget.note_today(&mut used, so_far);
            (Some(used.write()), ())
        };
        ledger.revise(&name, note).await
    }
}
