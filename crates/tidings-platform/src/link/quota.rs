//! How often something may be done in a while, by whom. Counted in the memory of the process, in
//! bounded room.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use tidings_core::time::{Elapsed, MINUTE_MS};

/// Who is counted; when there are more, the rest is counted as one.
const COUNTED_MAX: usize = 20_000;
/// A reverse proxy on this machine speaks for everyone: it may do so many times as much.
const LOOPBACK_TIMES: u32 = 100;

/// All quotas of Auth Link.
#[derive(Debug)]
pub(super) struct Quotas {
    /// Links that one address begins.
    pub(super) begun: Quota,
    /// Forms that one address sends.
    pub(super) forms: Quota,
    /// Credentials that one address, or one application's users, have checked.
    pub(super) checks: Quota,
    /// Refusals at `/token`, of one address for one application.
    pub(super) refusals: Quota,
}

impl Default for Quotas {
    fn default() -> Quotas {
        Quotas {
            begun: Quota::new(60, MINUTE_MS),
            forms: Quota::new(120, MINUTE_MS),
            checks: Quota::new(20, 10 * MINUTE_MS),
            refusals: Quota::new(30, MINUTE_MS),
        }
    }
}

/// So many times in so long.
#[derive(Debug)]
pub(super) struct Quota {
    times_max: u32,
    window_ms: u64,
    counts: Mutex<HashMap<String, Count>>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    since: Elapsed,
    times: u32,
}

/// Too many: how many seconds are to be waited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Exceeded {
    pub(super) wait_s: u64,
}

impl Quota {
    fn new(times_max: u32, window_ms: u64) -> Quota {
        Quota { times_max, window_ms, counts: Mutex::default() }
    }

    /// Counts one for an address.
    pub(super) fn take(&self, now: Elapsed, address: Option<IpAddr>) -> Result<(), Exceeded> {
        self.take_times(now, &name_of(address), 1, self.times_max_of(address))
    }

    /// Counts one for all users of an application, who may do more than one address.
    pub(super) fn take_shared(&self, now: Elapsed, application: &str) -> Result<(), Exceeded> {
        let times_max = self.times_max.saturating_mul(LOOPBACK_TIMES);
        self.take_times(now, &format!("application {application}"), 1, times_max)
    }

    /// Whether there is room for an address and what it is about, without counting.
    pub(super) fn look(
        &self,
        now: Elapsed,
        address: Option<IpAddr>,
        about: &str,
    ) -> Result<(), Exceeded> {
        self.take_times(now, &pair(address, about), 0, self.times_max_of(address))
    }

    /// Counts one for an address and what it is about, also where there is no room.
    pub(super) fn note(&self, now: Elapsed, address: Option<IpAddr>, about: &str) {
        // What was refused has been answered already; the next one meets the bound.
        let _ = self.take_times(now, &pair(address, about), 1, self.times_max_of(address));
    }

    fn times_max_of(&self, address: Option<IpAddr>) -> u32 {
        let is_loopback = address.is_none_or(|address| address.to_canonical().is_loopback());
        if is_loopback { self.times_max.saturating_mul(LOOPBACK_TIMES) } else { self.times_max }
    }

    fn take_times(
        &self,
        now: Elapsed,
        who: &str,
        times: u32,
        times_max: u32,
    ) -> Result<(), Exceeded> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= COUNTED_MAX && !counts.contains_key(who) {
            counts.retain(|_, count| now.since_ms(count.since) < self.window_ms);
        }
        let who = if counts.len() >= COUNTED_MAX && !counts.contains_key(who) { "" } else { who };
        let fresh = Count { since: now, times: 0 };
        let count = counts.entry(who.to_owned()).or_insert(fresh);
        if now.since_ms(count.since) >= self.window_ms {
            *count = fresh;
        }
        if count.times >= times_max {
            let left_ms = self.window_ms - now.since_ms(count.since);
            return Err(Exceeded { wait_s: left_ms.div_ceil(1_000).max(1) });
        }
        count.times += times;
        Ok(())
    }
}

/// A network of version 6 belongs to one: its addresses count together.
fn name_of(address: Option<IpAddr>) -> String {
    match address.map(|address| address.to_canonical()) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}

fn pair(address: Option<IpAddr>, about: &str) -> String {
    let about: String = about.chars().take(64).collect();
    format!("{} {about}", name_of(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_quota_in_each_window() {
        let quota = Quota::new(2, 10_000);
        let address = Some("192.0.2.1".parse().unwrap());
        assert_eq!(quota.take(Elapsed(5_000), address), Ok(()));
        assert_eq!(quota.take(Elapsed(6_000), address), Ok(()));
        assert_eq!(quota.take(Elapsed(7_500), address), Err(Exceeded { wait_s: 8 }));
        assert_eq!(quota.take(Elapsed(7_500), Some("192.0.2.2".parse().unwrap())), Ok(()));
        assert_eq!(quota.take(Elapsed(15_000), address), Ok(()));
    }

    #[test]
    fn a_network_of_version_6_is_counted_as_one_and_loopback_speaks_for_many() {
        let quota = Quota::new(1, 10_000);
        assert!(quota.take(Elapsed(0), Some("2001:db8::1".parse().unwrap())).is_ok());
        assert!(quota.take(Elapsed(0), Some("2001:db8::2".parse().unwrap())).is_err());
        for _ in 0..100 {
            assert!(quota.take(Elapsed(0), Some("::ffff:127.0.0.1".parse().unwrap())).is_ok());
        }
        assert!(quota.take(Elapsed(0), Some("127.0.0.1".parse().unwrap())).is_err());
    }

    #[test]
    fn looking_counts_nothing_and_the_room_is_bounded() {
        let quota = Quota::new(1, 10_000);
        let address = Some("192.0.2.1".parse().unwrap());
        assert!(quota.look(Elapsed(0), address, "acme").is_ok());
        quota.note(Elapsed(0), address, "acme");
        assert!(quota.look(Elapsed(0), address, "acme").is_err());
        assert!(quota.look(Elapsed(0), address, "other").is_ok());
        for number in 0..COUNTED_MAX + 50 {
            quota.note(Elapsed(0), address, &number.to_string());
        }
        assert!(quota.counts.lock().unwrap().len() <= COUNTED_MAX + 1);
    }
}
