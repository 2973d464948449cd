//! How much a client may have spoken. The route of speech is open to whoever can fetch a URL, and speech costs time or money.
//!
//! A bucket of characters for each client: so many at once, and so many a second; people cannot listen to more than about
//! fifteen a second. Buckets that are full again are forgotten.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Buckets at a time.
const CLIENTS: usize = 10_000;
/// Even the shortest text costs so many characters.
const LEAST: usize = 20;

/// Who has something spoken: an address, and the app whose signed URL it is.
pub(crate) type Client = (IpAddr, Option<String>);

/// Every bucket.
#[derive(Debug)]
pub(crate) struct SpeechQuota {
    burst: f64,
    per_second: f64,
    buckets: Mutex<HashMap<Client, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl SpeechQuota {
    /// So many characters at once, so many a second.
    pub(crate) fn new(burst: u32, per_second: u32) -> Self {
        Self { burst: burst.into(), per_second: f64::from(per_second.max(1)), buckets: Mutex::default() }
    }

    /// Takes the characters, or says when they are there. A text that is longer than the bucket empties it.
    pub(crate) fn take(&self, client: Client, characters: usize) -> Result<(), Duration> {
        let (now, price) = (Instant::now(), (characters.max(LEAST) as f64).min(self.burst));
        let mut buckets = self.buckets.lock();
        if buckets.len() >= CLIENTS && !buckets.contains_key(&client) {
            self.forget(&mut buckets, now);
        }
        let bucket = buckets.entry(client).or_insert(Bucket { left: self.burst, at: now });
        *bucket = Bucket { left: self.filled(bucket, now), at: now };
        if bucket.left < price {
            return Err(Duration::from_secs_f64((price - bucket.left) / self.per_second));
        }
        bucket.left -= price;
        Ok(())
    }

    fn filled(&self, bucket: &Bucket, now: Instant) -> f64 {
        (bucket.left + (now - bucket.at).as_secs_f64() * self.per_second).min(self.burst)
    }

    /// Forgets full buckets; if there are none, the fullest.
    fn forget(&self, buckets: &mut HashMap<Client, Bucket>, now: Instant) {
        buckets.retain(|_, bucket| self.filled(bucket, now) < self.burst);
        if buckets.len() >= CLIENTS {
            let fullest = buckets.iter().max_by(|a, b| self.filled(a.1, now).total_cmp(&self.filled(b.1, now)));
            if let Some(client) = fullest.map(|(client, _)| client.clone()) {
                buckets.remove(&client);
            }
        }
    }
}

/// What stands for a client: an IPv6 network of one household is one client.
pub(crate) fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(number: u32) -> Client {
        (IpAddr::from(number.to_be_bytes()), None)
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_taken_comes_back_with_time() {
        let quota = SpeechQuota::new(100, 10);
        assert_eq!(quota.take(client(1), 70), Ok(()));
        assert_eq!(quota.take(client(1), 5), Ok(()), "20, the least");
        assert_eq!(quota.take(client(1), 40), Err(Duration::from_secs(3)));
        assert_eq!(quota.take(client(2), 40), Ok(()), "another client");
        assert_eq!(quota.take((client(1).0, Some("org.example.app".to_owned())), 40), Ok(()), "another app");
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(quota.take(client(1), 40), Ok(()));
        assert_eq!(quota.take(client(1), 5), Err(Duration::from_secs(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_text_empties_the_bucket_and_is_spoken() {
        let quota = SpeechQuota::new(100, 10);
        assert_eq!(quota.take(client(1), 5_000), Ok(()));
        assert_eq!(quota.take(client(1), 1), Err(Duration::from_secs(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_buckets_is_bounded() {
        let quota = SpeechQuota::new(100, 10);
        for number in 0..CLIENTS as u32 + 50 {
            assert_eq!(quota.take(client(number), 50), Ok(()));
        }
        assert_eq!(quota.buckets.lock().len(), CLIENTS);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(quota.take(client(u32::MAX), 50), Ok(()));
        assert_eq!(quota.buckets.lock().len(), 1, "all others were full again");
    }

    #[test]
    fn a_household_is_one_client() {
        let of = |text: &str| household(text.parse().expect("an address")).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
    }
}
