//! How fast a peer is read. Who sends faster is read more slowly, which its own TCP then feels; nothing is lost, and nobody
//! else notices.

use std::time::Duration;

use tokio::time::Instant;

/// A token bucket: one token for each frame.
#[derive(Debug)]
pub(crate) struct Pace {
    per_second: f64,
    burst: f64,
    tokens: f64,
    at: Instant,
}

impl Pace {
    /// Twice as many frames as in a second may come at once.
    pub(crate) fn new(per_second: u32) -> Self {
        let per_second = f64::from(per_second.max(1));
        Self { per_second, burst: 2.0 * per_second, tokens: 2.0 * per_second, at: Instant::now() }
    }

    /// Waits until the next frame may be read.
    pub(crate) async fn next(&mut self) {
        if self.tokens < 1.0 {
            self.refill();
        }
        if self.tokens < 1.0 {
            tokio::time::sleep(Duration::from_secs_f64((1.0 - self.tokens) / self.per_second)).await;
            self.refill();
        }
        self.tokens -= 1.0;
    }

    fn refill(&mut self) {
        let now = Instant::now();
        self.tokens = (self.tokens + (now - self.at).as_secs_f64() * self.per_second).min(self.burst);
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_free_and_then_the_rate_holds() {
        let mut pace = Pace::new(100);
        let begun = Instant::now();
        for _ in 0..200 {
            pace.next().await;
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        for _ in 0..100 {
            pace.next().await;
        }
        let took = begun.elapsed().as_millis();
        assert!((990..=1_120).contains(&took), "{took} ms for 100 frames at 100 a second");
    }
}
