//! How much goes through: the highest rate that is served in time, and the rate of clients that wait for each other.

use std::time::Duration;

use crate::bench::error::BenchError;
use crate::bench::fleet::send_button;
use crate::bench::message::Kind;
use crate::bench::report::{Figure, Unit};
use crate::bench::scenarios::steady::{self, Steady};
use crate::bench::schedule::{Dice, nanos};
use crate::bench::stage::Stage;

/// In time: p99 at or below it.
const IN_TIME: u64 = 100_000_000;
/// A driver that is so late itself measures itself.
const DRIVER_LATE: u64 = 20_000_000;
const FIRST: u64 = 10_000;
const HIGHEST: u64 = 400_000;
const STEPS: usize = 20;
/// Two rates nearer than this are the same.
const CLOSE_ENOUGH: f64 = 1.1;
/// Messages in flight of one session.
const IN_FLIGHT: usize = 8;

/// `saturation`: steps up by half until p99 is above 100 ms or messages are missing, then halves the last interval.
pub(super) async fn open_loop(stage: &Stage) -> Result<Vec<Figure>, BenchError> {
    let mut fleet = steady::fleet(stage, stage.sizes.relay, 1, Kind::Button).await?;
    let mut search = Search::default();
    for _ in 0..STEPS {
        let Some(rate) = search.next() else { break };
        let warm = Duration::from_millis(300);
        let load = Steady { kind: Kind::Button, per_second: rate, warm, duration: stage.sizes.step, copies: 1 };
        let measured = steady::run(stage, &fleet, &load).await?;
        let in_time = measured.latency.value_at_quantile(0.99) <= IN_TIME;
        search.tell(rate, in_time && measured.arrived == measured.expected, measured.lateness > DRIVER_LATE);
        if fleet.sink.lost() > 0 {
            // Overload costs connections; the next step needs all of them.
            drop(fleet);
            tokio::time::sleep(stage.grace.unwrap_or_default() + Duration::from_millis(500)).await;
            fleet = steady::fleet(stage, stage.sizes.relay, 1, Kind::Button).await?;
        }
    }
    let figure = Figure::new("highest rate, p99 ≤ 100 ms", Unit::PerSecond, search.good as f64);
    Ok(vec![Figure { at_least: search.driver_bound, ..figure }])
}

/// Where the limit is looked for.
#[derive(Debug, Default)]
struct Search {
    /// The highest rate that was served.
    good: u64,
    /// The lowest that was not.
    bad: Option<u64>,
    /// The last rate failed once: it gets a second chance, because one hiccup of the machine says nothing about a cloud.
    again: Option<u64>,
    /// What ended the search was the driver.
    driver_bound: bool,
}

impl Search {
    /// The rate to try next.
    fn next(&self) -> Option<u64> {
        Some(match (self.again, self.bad, self.good) {
            (Some(rate), ..) => rate,
            (None, None, 0) => FIRST,
            (None, None, HIGHEST) => return None,
            (None, None, good) => HIGHEST.min(good * 3 / 2),
            (None, Some(bad), good) if bad as f64 <= good as f64 * CLOSE_ENOUGH || bad <= FIRST => return None,
            (None, Some(bad), good) => (good + bad) / 2,
        })
    }

    /// What became of it.
    fn tell(&mut self, rate: u64, served: bool, driver_late: bool) {
        if served {
            (self.good, self.again) = (rate, None);
            // Nothing above has failed yet: until something does, the truth is this or more.
            self.driver_bound = self.driver_bound || self.bad.is_none();
        } else if self.again.is_none() {
            self.again = Some(rate);
        } else {
            (self.bad, self.again, self.driver_bound) = (Some(rate), None, driver_late);
        }
    }
}

/// `closed-loop`: as soon as an app has a message, its phone sends the next one.
pub(super) async fn closed_loop(stage: &Stage) -> Result<Vec<Figure>, BenchError> {
    let fleet = steady::fleet(stage, stage.sizes.relay, 1, Kind::Button).await?;
    let (sink, duration) = (&fleet.sink, stage.sizes.steady);
    let from = stage.clock.nanos() + nanos(stage.sizes.warm);
    sink.open(from, from + nanos(duration));
    sink.set_closed_loop(true);
    let mut dice = Dice::new(stage.seed);
    for phone in fleet.phones() {
        for _ in 0..IN_FLIGHT {
            send_button(&phone, sink, dice.mask());
        }
    }
    tokio::time::sleep(stage.sizes.warm).await;
    let before = stage.usage()?;
    tokio::time::sleep(duration).await;
    let after = stage.usage()?;
    sink.set_closed_loop(false);
    let window = sink.window();
    let rate = window.arrived as f64 / duration.as_secs_f64();
    let mut figures = vec![Figure::new("throughput", Unit::PerSecond, rate)];
    if let Some((before, after)) = before.zip(after) {
        let cpu = after.cpu.saturating_sub(before.cpu).as_secs_f64();
        figures.push(Figure::new("CPU of one core", Unit::Percent, 100.0 * cpu / duration.as_secs_f64()));
        figures.push(Figure::new("CPU per arrival", Unit::Micros, cpu * 1e6 / window.arrived.max(1) as f64));
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches a cloud that serves up to `limit`; the driver is late above `driver`.
    fn search(limit: u64, driver: u64) -> (u64, bool, usize) {
        let (mut search, mut steps) = (Search::default(), 0);
        while let Some(rate) = search.next() {
            steps += 1;
            search.tell(rate, rate <= limit, rate > driver);
        }
        (search.good, search.driver_bound, steps)
    }

    #[test]
    fn the_limit_is_found_within_a_tenth_and_in_a_bounded_number_of_steps() {
        for limit in [10_000, 12_345, 33_000, 99_999, 250_000, 399_999] {
            let (found, driver_bound, steps) = search(limit, u64::MAX);
            assert!(found <= limit && limit as f64 <= found as f64 * CLOSE_ENOUGH, "{limit}: {found}");
            assert!(!driver_bound && steps <= STEPS, "{limit}: {steps}");
        }
        assert_eq!(search(0, u64::MAX), (0, false, 2));
    }

    #[test]
    fn when_the_driver_ends_first_it_is_said() {
        assert!(search(50_000, 40_000).1);
        let (found, driver_bound, _) = search(u64::MAX, u64::MAX);
        assert!(driver_bound && found > HIGHEST / 2);
    }

    #[test]
    fn one_hiccup_is_forgiven() {
        let mut search = Search::default();
        search.tell(FIRST, false, true);
        assert_eq!(search.next(), Some(FIRST));
        search.tell(FIRST, true, false);
        assert_eq!(search.next(), Some(FIRST * 3 / 2));
    }
}
