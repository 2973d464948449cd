//! The circuit breaker: whether an engine is worth asking. One per engine in the whole process. No clock: `now` is the time
//! since any fixed moment.
//!
//! | state | event | next |
//! |---|---|---|
//! | Closed | the fifth failure within 60 s | Open for 30 s |
//! | Closed, HalfOpen | Busy | Open for as long as the engine asks, 30 s if it does not say |
//! | Closed, HalfOpen | Refused | Open for 15 min: a bill may have been paid then, or a key replaced |
//! | Open | its time is over | HalfOpen: one stream may try, nobody else |
//! | HalfOpen | the one that tries is open | Closed, everything forgotten |
//! | HalfOpen | it fails, however | Open for 30 s |
//! | HalfOpen | nobody wants it any more | HalfOpen: the next may try |
//! | Open | Busy, Refused | Open, until the later of both times |
//! | any | Unsupported, Unavailable | unchanged: that says something about the request, not about the engine |

use std::collections::VecDeque;
use std::time::Duration;

use crate::failure::FailureKind;

/// So many failures within [`WINDOW`] open it.
const FAILURES: usize = 5;
const WINDOW: Duration = Duration::from_secs(60);
const OPEN: Duration = Duration::from_secs(30);
const REFUSED: Duration = Duration::from_secs(15 * 60);

/// See the table of this file.
#[derive(Debug, Clone, Default)]
pub struct Breaker {
    state: State,
    /// When the last failures were, at most [`FAILURES`].
    failures: VecDeque<Duration>,
}

#[derive(Debug, Clone, Copy, Default)]
enum State {
    #[default]
    Closed,
    Open {
        until: Duration,
    },
    HalfOpen {
        probing: bool,
    },
}

/// Whether a stream may be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Yes.
    Yes,
    /// Yes, and it is the one that tries: say how it went ([`Breaker::succeeded`], [`Breaker::failed`]) or that nobody wants
    /// it any more ([`Breaker::abandoned`]).
    Probe,
    /// No.
    No,
}

/// For people and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// It is well.
    Closed,
    /// It is not asked for this long.
    Open(Duration),
    /// One stream may try, or tries.
    HalfOpen,
}

impl Breaker {
    /// What it is at this time.
    pub fn state(&self, now: Duration) -> BreakerState {
        match self.state {
            State::Closed => BreakerState::Closed,
            State::Open { until } if now < until => BreakerState::Open(until - now),
            State::Open { .. } | State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// Asks for admission, and takes it.
    pub fn admit(&mut self, now: Duration) -> Admission {
        match self.state {
            State::Closed => Admission::Yes,
            State::Open { until } if now < until => Admission::No,
            State::HalfOpen { probing: true } => Admission::No,
            State::Open { .. } | State::HalfOpen { probing: false } => {
                self.state = State::HalfOpen { probing: true };
                Admission::Probe
            }
        }
    }

    /// A stream is open: the engine has acknowledged it.
    pub fn succeeded(&mut self) {
        if matches!(self.state, State::HalfOpen { .. }) {
            *self = Self::default();
        }
    }

    /// A stream has failed, at its beginning or later.
    pub fn failed(&mut self, kind: &FailureKind, now: Duration) {
        let pause = match kind {
            FailureKind::Unsupported { .. } | FailureKind::Unavailable => return self.abandoned(),
            FailureKind::Refused => Some(REFUSED),
            FailureKind::Busy { retry_after } => Some(retry_after.unwrap_or(OPEN)),
            FailureKind::Lost | FailureKind::Stalled => None,
        };
        match (self.state, pause) {
            (State::Open { until }, Some(pause)) => self.state = State::Open { until: until.max(now + pause) },
            (State::Open { .. }, None) => {}
            (State::Closed | State::HalfOpen { .. }, Some(pause)) => self.state = State::Open { until: now + pause },
            (State::HalfOpen { .. }, None) => self.state = State::Open { until: now + OPEN },
            (State::Closed, None) => {
                self.failures.retain(|&at| at + WINDOW > now);
                self.failures.push_back(now);
                if self.failures.len() >= FAILURES {
                    self.failures.clear();
                    self.state = State::Open { until: now + OPEN };
                }
            }
        }
    }

    /// The one that tried was given up before anybody knew.
    pub fn abandoned(&mut self) {
        if let State::HalfOpen { probing } = &mut self.state {
            *probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOST: FailureKind = FailureKind::Lost;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn five_failures_in_a_minute_open_it() {
        let mut breaker = Breaker::default();
        for at in [0, 10, 20, 30, 61] {
            breaker.failed(&LOST, s(at));
        }
        assert_eq!(breaker.state(s(61)), BreakerState::Closed, "the first is too long ago");
        breaker.failed(&FailureKind::Stalled, s(62));
        assert_eq!(breaker.state(s(62)), BreakerState::Open(s(30)));
        assert_eq!(breaker.admit(s(91)), Admission::No);
    }

    #[test]
    fn one_tries_when_the_time_is_over_and_decides_for_all() {
        let open = || {
            let mut breaker = Breaker::default();
            breaker.failed(&FailureKind::Busy { retry_after: None }, s(0));
            assert_eq!(breaker.admit(s(29)), Admission::No);
            assert_eq!(breaker.state(s(30)), BreakerState::HalfOpen);
            assert_eq!((breaker.admit(s(30)), breaker.admit(s(30))), (Admission::Probe, Admission::No));
            breaker
        };
        let mut breaker = open();
        breaker.succeeded();
        assert_eq!((breaker.admit(s(31)), breaker.admit(s(31))), (Admission::Yes, Admission::Yes));

        let mut breaker = open();
        breaker.failed(&LOST, s(31));
        assert_eq!(breaker.state(s(31)), BreakerState::Open(s(30)));

        for given_up in [Breaker::abandoned as fn(&mut Breaker), |b| b.failed(&FailureKind::Unavailable, s(31))] {
            let mut breaker = open();
            given_up(&mut breaker);
            assert_eq!(breaker.admit(s(31)), Admission::Probe, "the next one tries");
        }
    }

    #[test]
    fn an_engine_that_is_busy_is_asked_again_when_it_says_so() {
        let mut breaker = Breaker::default();
        breaker.failed(&FailureKind::Busy { retry_after: Some(s(90)) }, s(0));
        assert_eq!(breaker.state(s(0)), BreakerState::Open(s(90)));
        breaker.failed(&FailureKind::Busy { retry_after: Some(s(10)) }, s(1));
        breaker.failed(&LOST, s(1));
        assert_eq!(breaker.state(s(1)), BreakerState::Open(s(89)), "the later time holds");
    }

    #[test]
    fn a_refused_key_opens_it_at_once() {
        let mut breaker = Breaker::default();
        breaker.failed(&FailureKind::Refused, s(0));
        assert_eq!(breaker.state(s(1)), BreakerState::Open(REFUSED - s(1)));
    }

    #[test]
    fn what_is_wrong_with_a_request_says_nothing_about_the_engine() {
        let mut breaker = Breaker::default();
        for _ in 0..10 {
            breaker.failed(&FailureKind::Unsupported { suggestions: vec![] }, s(0));
        }
        assert_eq!(breaker.admit(s(0)), Admission::Yes);
    }

    #[test]
    fn an_old_stream_does_not_close_it() {
        let mut breaker = Breaker::default();
        breaker.failed(&FailureKind::Refused, s(0));
        breaker.succeeded();
        assert_eq!(breaker.admit(s(1)), Admission::No);
    }
}
