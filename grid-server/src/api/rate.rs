//! Who may ask how often: token buckets an account and an address, in a bounded table.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use axum::http::{StatusCode, header};
use fallow_protocol::Digest;

use super::ApiError;
use crate::config::Limits;

/// Buckets kept at a time. Full ones are forgotten first; they say nothing.
const BUCKETS_MAX: usize = 16_384;
/// Loopback is the owner of the machine, and tests.
const LOOPBACK_FACTOR: f64 = 100.0;

#[derive(Clone, Copy, Debug)]
struct Rate {
    per_s: f64,
    burst: f64,
}

/// Log-ins of one address: each may cost a password's hash.
const LOGIN: Rate = Rate { per_s: 0.2, burst: 30.0 };
/// Devices of one address that begin to ask.
const DEVICE: Rate = Rate { per_s: 0.1, burst: 20.0 };
/// Mails to one mailbox.
const MAIL: Rate = Rate { per_s: 1.0 / 600.0, burst: 5.0 };
/// Codes of devices that one account looks up.
const LOOK_UP: Rate = Rate { per_s: 0.2, burst: 20.0 };

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

#[derive(Debug)]
struct Buckets<K>(Mutex<HashMap<K, Bucket>>);

impl<K: Eq + Hash + Copy> Buckets<K> {
    fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// Take `cost` from a bucket, or say in how many seconds it will have it.
    fn take(&self, key: K, rate: Rate, cost: f64, now: Instant) -> Result<(), f64> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_MAX && !buckets.contains_key(&key) {
            buckets.retain(|_, bucket| bucket.left + since(bucket.at, now) * rate.per_s < rate.burst);
        }
        // Still full: so many at once are an attack, and a new one shares nothing with anybody.
        if buckets.len() >= BUCKETS_MAX && !buckets.contains_key(&key) {
            return Err(1.0);
        }
        let bucket = buckets.entry(key).or_insert(Bucket { left: rate.burst, at: now });
        let left = (bucket.left + since(bucket.at, now) * rate.per_s).min(rate.burst);
        let enough = left >= cost;
        *bucket = Bucket { left: if enough { left - cost } else { left }, at: now };
        if enough { Ok(()) } else { Err((cost - left) / rate.per_s) }
    }
}

fn since(earlier: Instant, now: Instant) -> f64 {
    now.saturating_duration_since(earlier).as_secs_f64()
}

/// All buckets.
#[derive(Debug)]
pub struct Rates {
    accounts: Buckets<i64>,
    addresses: Buckets<IpAddr>,
    logins: Buckets<IpAddr>,
    devices: Buckets<IpAddr>,
    mails: Buckets<Digest>,
    polls: Buckets<Digest>,
    look_ups: Buckets<i64>,
    account: Rate,
    address: Rate,
}

impl Rates {
    /// Buckets as the settings say.
    pub fn new(limits: &Limits) -> Self {
        let rate = |per_s: u32, burst: u32| Rate { per_s: f64::from(per_s.max(1)), burst: f64::from(burst.max(1)) };
        Self {
            accounts: Buckets::new(),
            addresses: Buckets::new(),
            logins: Buckets::new(),
            devices: Buckets::new(),
            mails: Buckets::new(),
            polls: Buckets::new(),
            look_ups: Buckets::new(),
            account: rate(limits.requests_per_s, limits.requests_burst),
            address: rate(limits.anonymous_per_s, limits.anonymous_burst),
        }
    }

    /// A request of an account, from `ip`.
    pub fn account(&self, account_id: i64, ip: IpAddr) -> Result<(), ApiError> {
        let rate = generous(self.account, ip);
        self.accounts.take(account_id, rate, 1.0, Instant::now()).map_err(|wait| refused(wait, "account"))
    }

    /// A request of an address that is nobody's yet.
    pub fn address(&self, ip: IpAddr) -> Result<(), ApiError> {
        let rate = generous(self.address, ip);
        self.addresses.take(network(ip), rate, 1.0, Instant::now()).map_err(|wait| refused(wait, "address"))
    }

    /// An address logs in, registers, or follows a link.
    pub fn login(&self, ip: IpAddr) -> Result<(), ApiError> {
        let rate = generous(LOGIN, ip);
        self.logins.take(network(ip), rate, 1.0, Instant::now()).map_err(|wait| refused(wait, "address"))
    }

    /// A device at an address begins to ask for a token.
    pub fn device(&self, ip: IpAddr) -> Result<(), ApiError> {
        let rate = generous(DEVICE, ip);
        self.devices.take(network(ip), rate, 1.0, Instant::now()).map_err(|wait| refused(wait, "address"))
    }

    /// A mail to a mailbox, however it is asked for.
    pub fn mail(&self, email_key: &str) -> Result<(), ApiError> {
        let key = Digest::of(email_key.as_bytes());
        self.mails.take(key, MAIL, 1.0, Instant::now()).map_err(|wait| refused(wait, "address"))
    }

    /// Whether a device may ask for its token again.
    pub fn poll(&self, device: Digest, interval_s: u64) -> bool {
        // A little sooner than told, since clocks and networks are as they are.
        let rate = Rate { per_s: 1.25 / interval_s as f64, burst: 2.0 };
        self.polls.take(device, rate, 1.0, Instant::now()).is_ok()
    }

    /// An account looks a device's code up.
    pub fn look_up(&self, account_id: i64) -> Result<(), ApiError> {
        self.look_ups.take(account_id, LOOK_UP, 1.0, Instant::now()).map_err(|wait| refused(wait, "account"))
    }
}

fn generous(rate: Rate, ip: IpAddr) -> Rate {
    if !ip.is_loopback() {
        return rate;
    }
    Rate { per_s: rate.per_s * LOOPBACK_FACTOR, burst: rate.burst * LOOPBACK_FACTOR }
}

/// One household has a /64 of IPv6; its addresses are one.
pub fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

/// An answer to who asks too often.
pub fn refused(wait_s: f64, who: &str) -> ApiError {
    let seconds = wait_s.ceil().clamp(1.0, 3600.0) as u64;
    let detail = format!("this {who} asks too often; try again in {seconds} s");
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate-limited", detail)
        .header(header::RETRY_AFTER, seconds.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const RATE: Rate = Rate { per_s: 2.0, burst: 3.0 };

    #[test]
    fn a_burst_then_the_rate() {
        let (buckets, now) = (Buckets::new(), Instant::now());
        for _ in 0..3 {
            assert!(buckets.take(1, RATE, 1.0, now).is_ok());
        }
        assert_eq!(buckets.take(1, RATE, 1.0, now), Err(0.5));
        assert!(buckets.take(2, RATE, 1.0, now).is_ok(), "another key has its own");
        let later = now + Duration::from_millis(500);
        assert!(buckets.take(1, RATE, 1.0, later).is_ok());
        assert!(buckets.take(1, RATE, 1.0, later).is_err());
    }

    #[test]
    fn the_table_is_bounded_and_forgets_full_buckets() {
        let (buckets, now) = (Buckets::new(), Instant::now());
        for key in 0..BUCKETS_MAX {
            assert!(buckets.take(key, RATE, 1.0, now).is_ok());
        }
        assert!(buckets.take(usize::MAX, RATE, 1.0, now).is_err());
        assert!(buckets.take(usize::MAX, RATE, 1.0, now + Duration::from_secs(1)).is_ok());
        assert_eq!(buckets.0.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_household_is_one_address() {
        let same = |a: &str, b: &str| network(a.parse().unwrap()) == network(b.parse().unwrap());
        assert!(same("2001:db8::1", "2001:db8::ffff:1"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
    }
}
