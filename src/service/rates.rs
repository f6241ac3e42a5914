//! Limits of requests by network. They are kept in memory: a restart forgives.

use std::{num::NonZeroU32, time::Duration};

use governor::{
    Quota, RateLimiter, clock::Clock as _, middleware::NoOpMiddleware, state::keyed::HashMapStateStore,
};
use ipnet::IpNet;

use crate::dispatch::Clock;

/// The time of day for the limits, counted from 1970.
#[derive(Clone)]
struct Time(Clock);

impl governor::clock::Clock for Time {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_millis(u64::try_from((self.0)().as_millisecond()).unwrap_or_default())
    }
}

/// So many requests of one network in a stretch of time; all of them may come at once.
pub(super) struct Rate {
    limiter: RateLimiter<IpNet, HashMapStateStore<IpNet>, Time, NoOpMiddleware<Duration>>,
    clock: Time,
}

/// More networks than these are looked through for those that can be forgotten.
const MANY: usize = 10_000;

impl Rate {
    /// `requests` in `per`.
    pub(super) fn new(requests: u32, per: Duration, clock: Clock) -> Self {
        let burst = NonZeroU32::new(requests).unwrap_or(NonZeroU32::MIN);
        let each = (per / burst.get()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(each)
            .map_or_else(|| Quota::per_second(burst), |quota| quota.allow_burst(burst));
        let clock = Time(clock);
        Self { limiter: RateLimiter::new(quota, HashMapStateStore::default(), clock.clone()), clock }
    }

    /// Counts a request.
    ///
    /// # Errors
    ///
    /// How long to wait, when there were too many.
    pub(super) fn count(&self, network: IpNet) -> Result<(), Duration> {
        self.limiter.check_key(&network).map_err(|refused| refused.wait_time_from(self.clock.now()))
    }

    /// Forgets networks that have not been seen for so long that their limit is whole again.
    pub(super) fn tidy(&self) {
        if self.limiter.len() > MANY {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    };

    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_network_gets_so_many_requests_and_then_one_by_one() {
        let seconds = Arc::new(AtomicI64::new(1_000_000));
        let now = Arc::clone(&seconds);
        let clock: Clock = Arc::new(move || Timestamp::from_second(now.load(Ordering::Relaxed)).unwrap());
        let rate = Rate::new(5, Duration::from_secs(600), clock);
        let (one, other) = ("192.0.2.1/32".parse().unwrap(), "192.0.2.2/32".parse().unwrap());
        for _ in 0..5 {
            assert_eq!(rate.count(one), Ok(()));
        }
        assert_eq!(rate.count(one), Err(Duration::from_secs(120)));
        assert_eq!(rate.count(other), Ok(()));
        seconds.fetch_add(120, Ordering::Relaxed);
        assert_eq!(rate.count(one), Ok(()));
        assert!(rate.count(one).is_err());
        // A clock that was set back takes nothing away for good.
        seconds.fetch_sub(7200, Ordering::Relaxed);
        assert!(rate.count(one).is_err());
        seconds.fetch_add(7200 + 600, Ordering::Relaxed);
        assert_eq!(rate.count(one), Ok(()));
    }
}
