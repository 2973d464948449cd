//! Timestamps as JavaScript writes them.

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// A moment, in milliseconds since 1970-01-01 UTC. Written as `2026-01-05T10:00:00.000Z`: always three fraction digits
/// and `Z`, the form of a JSON-serialised JavaScript `Date`. Read from that form or from a number of milliseconds, which
/// is what phones send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{at:.3}"),
            // Beyond year 9999: JavaScript would write a signed six-digit year; nothing on this wire can mean that.
            Err(_) => f.write_str("1970-01-01T00:00:00.000Z"),
        }
    }
}

impl Timestamp {
    /// The time of day in a time zone, like `09:05`; `None` when there is no such zone. The zones are those of the program, not
    /// of the machine.
    pub fn time_in(self, zone: &str) -> Option<String> {
        let zone = jiff::tz::TimeZoneDatabase::bundled().get(zone).ok()?;
        let at = jiff::Timestamp::from_millisecond(self.0).ok()?.to_zoned(zone);
        Some(format!("{:02}:{:02}", at.hour(), at.minute()))
    }
}

/// As clients write times into a query: ISO-8601, or milliseconds since 1970.
impl std::str::FromStr for Timestamp {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        if let Ok(ms) = text.parse() {
            return Ok(Timestamp(ms));
        }
        text.parse::<jiff::Timestamp>().map(|at| Timestamp(at.as_millisecond())).map_err(|_| NotATime)
    }
}

/// Neither ISO-8601 nor milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an ISO-8601 time or milliseconds since 1970 is needed")]
pub struct NotATime;

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Timestamp;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an ISO-8601 time or milliseconds since 1970")
            }
            fn visit_i64<E>(self, ms: i64) -> Result<Timestamp, E> {
                Ok(Timestamp(ms))
            }
            fn visit_u64<E>(self, ms: u64) -> Result<Timestamp, E> {
                Ok(Timestamp(i64::try_from(ms).unwrap_or(i64::MAX)))
            }
            fn visit_f64<E>(self, ms: f64) -> Result<Timestamp, E> {
                Ok(Timestamp(ms as i64))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                let at: jiff::Timestamp = text.parse().map_err(E::custom)?;
                Ok(Timestamp(at.as_millisecond()))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_that_of_its_zone() {
        let noon = Timestamp(1_767_614_400_000);
        assert_eq!(noon.time_in("Europe/Berlin").as_deref(), Some("13:00"));
        assert_eq!(noon.time_in("Asia/Kolkata").as_deref(), Some("17:30"));
        assert_eq!(noon.time_in("Nowhere/Town"), None);
    }

    #[test]
    fn is_written_like_a_javascript_date() {
        assert_eq!(Timestamp(1_767_600_000_000).to_string(), "2026-01-05T08:00:00.000Z");
        assert_eq!(Timestamp(1_767_600_000_007).to_string(), "2026-01-05T08:00:00.007Z");
        assert_eq!(Timestamp(i64::MAX).to_string(), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn is_read_from_both_forms() {
        let read = |json| serde_json::from_str::<Timestamp>(json).ok();
        assert_eq!(read("\"2026-01-05T08:00:00.007Z\""), Some(Timestamp(1_767_600_000_007)));
        assert_eq!(read("1767600000007"), Some(Timestamp(1_767_600_000_007)));
        assert_eq!(read("\"yesterday\""), None);
    }
}
