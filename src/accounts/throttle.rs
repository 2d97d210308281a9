//! How long somebody who guesses must wait: counted by account and by address, decided here, kept in the database.
use crate::db::values::{Row, Timestamp};
use std::net::IpAddr;
use std::time::Duration;

/// What is counted under one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Row)]
pub struct Throttle {
    pub failures: i64,
    pub since: Timestamp,
    /// Until then every try is refused without being looked at.
    pub until: Timestamp,
}

/// How much is free, and how waiting grows after it.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// Tries that cost nothing.
    pub free: i64,
    /// The first wait; each further failure doubles it.
    pub first: Duration,
    pub longest: Duration,
    /// Failures older than this are forgotten.
    pub memory: Duration,
}

/// Guessing one account's password: five tries, then half a minute, doubling to a quarter of an hour.
pub const ACCOUNT: Limit = Limit { free: 5, first: Duration::from_secs(30), longest: Duration::from_secs(900), memory: Duration::from_secs(3600) };
/// Guessing from one address: a classroom behind one address mistypes more often than one person.
pub const ADDRESS: Limit = Limit { free: 30, first: Duration::from_secs(30), longest: Duration::from_secs(900), memory: Duration::from_secs(3600) };
/// Asking for reset links: each may send a mail.
pub const RESET: Limit =
    Limit { free: 3, first: Duration::from_secs(300), longest: Duration::from_secs(3600), memory: Duration::from_secs(6 * 3600) };

impl Throttle {
    pub fn new(now: Timestamp) -> Throttle {
        Throttle { failures: 0, since: now, until: now }
    }

    /// How long until the next try is looked at.
    pub fn wait(&self, now: Timestamp) -> Option<Duration> {
        u64::try_from(self.until.since(now)).ok().filter(|ms| *ms > 0).map(Duration::from_millis)
    }

    /// The count after one more try that failed, or that isn't known yet to have succeeded.
    #[must_use]
    pub fn after_try(self, limit: &Limit, now: Timestamp) -> Throttle {
        let forgotten = now.since(self.until.max(self.since)) > i64::try_from(limit.memory.as_millis()).unwrap_or(i64::MAX);
        let (failures, since) = if forgotten { (1, now) } else { (self.failures + 1, self.since) };
        let over = failures - limit.free;
        let wait = match u32::try_from(over) {
            Ok(over) => limit.first.saturating_mul(2_u32.saturating_pow(over.min(16))).min(limit.longest),
            Err(_) => Duration::ZERO,
        };
        Throttle { failures, since, until: now.plus(wait) }
    }
}

/// The name an account's tries are counted under: a hash, since what was typed may be anybody's address or a password in the wrong field.
pub fn account(email: &str) -> String {
    format!("account:{}", crate::secrets::token_hash(&email.trim().to_lowercase()))
}

/// The name an address's tries are counted under: IPv6 by its /64, which is what one customer gets.
pub fn address(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => format!("address:{v4}"),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("address:{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// `40 seconds`, `2 minutes`: rounded up, so that whoever waits so long is let in.
pub fn in_words(wait: Duration) -> String {
    let seconds = wait.as_millis().div_ceil(1000);
    match seconds {
        0 | 1 => "1 second".to_owned(),
        s @ ..=90 => format!("{s} seconds"),
        s => format!("{} minutes", s.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000_000);

    #[test]
    fn five_tries_are_free_then_waiting_doubles_and_is_bounded() {
        let mut throttle = Throttle::new(NOW);
        let mut waits = Vec::new();
        for _ in 0..12 {
            throttle = throttle.after_try(&ACCOUNT, NOW);
            waits.push(throttle.wait(NOW).map_or(0, |w| w.as_secs()));
        }
        assert_eq!(waits, [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]);
    }

    #[test]
    fn an_hour_of_quiet_forgets() {
        let mut throttle = Throttle::new(NOW);
        for _ in 0..8 {
            throttle = throttle.after_try(&ACCOUNT, NOW);
        }
        let soon = throttle.until.plus(Duration::from_secs(3599));
        assert_eq!(throttle.after_try(&ACCOUNT, soon).failures, 9);
        let later = throttle.until.plus(Duration::from_secs(3601));
        assert_eq!(throttle.after_try(&ACCOUNT, later).failures, 1);
    }

    #[test]
    fn one_customer_is_one_address() {
        let same = ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9"].map(|a| a.parse().map(address));
        assert_eq!(same[0], same[1]);
        assert_eq!("::ffff:192.0.2.7".parse().map(address), "192.0.2.7".parse().map(address));
        assert_ne!("2001:db8:1:3::1".parse().map(address), same[0]);
    }

    #[test]
    fn waits_are_rounded_up() {
        assert_eq!(in_words(Duration::from_millis(29_001)), "30 seconds");
        assert_eq!(in_words(Duration::from_millis(10)), "1 second");
        assert_eq!(in_words(Duration::from_secs(121)), "3 minutes");
    }
}
