//! LocationManager: one source of fixes, many apps. The phone is asked for the highest accuracy that anybody wants.
//!
//! | wanted | told to the phone |
//! |---|---|
//! | more exact than before | at once |
//! | less exact than before | after 5 s: apps restart |
//! | not to be found | at once, as inexact as it can be |
//! | after every connection of the phone | again, unless nobody has ever wanted anything |

use std::sync::Arc;

use bifocal_protocol::ids::PackageName;
use bifocal_protocol::location::LocationTier;

use crate::now::{Millis, Timings};

/// Most questions that wait for the phone.
const MAX_POLLS: usize = 32;
/// A longer fix is not kept.
const MAX_FIX: usize = 4 << 10;

#[derive(Debug, Default)]
pub(crate) struct LocationManager {
    wanted: LocationTier,
    lower_at: Option<Millis>,
    /// What the phone of this connection was told; `None` when it was told nothing.
    told: Option<LocationTier>,
    /// The last fix, as the phone said it, and when.
    last: Option<(Arc<str>, Millis)>,
    /// Degrees north and east of the last fix.
    place: Option<(f64, f64)>,
    polls: Vec<Poll>,
    next_poll: u64,
}

/// A question of an app that waits for the phone.
#[derive(Debug)]
pub(crate) struct Poll {
    /// The number that the phone was given.
    number: u64,
    accuracy: LocationTier,
    pub(crate) app: PackageName,
    /// The app's own name for its question.
    pub(crate) correlation_id: String,
    until: Millis,
}

/// What becomes of a question.
#[derive(Debug, PartialEq)]
pub(crate) enum Asked {
    /// This fix is fresh enough.
    Known(Arc<str>),
    /// The phone must be asked, under this name.
    Ask(String),
    /// Another question to the phone is exact enough: its answer is for both.
    Waits,
    /// Too many questions wait.
    TooMany,
}

impl LocationManager {
    /// What apps want is another accuracy now.
    pub(crate) fn want(&mut self, tier: LocationTier, now: Millis, timings: &Timings) {
        let told = self.told.unwrap_or_default();
        self.wanted = tier;
        self.lower_at = (tier < told).then(|| self.lower_at.unwrap_or(now + timings.location_lower));
    }

    /// The wearer does not want to be found: the phone is told at once.
    pub(crate) fn stop(&mut self) {
        let told = self.told.unwrap_or_default();
        self.wanted = LocationTier::default();
        self.lower_at = (self.wanted < told).then_some(Millis(0));
    }

    /// The phone came back, and knows nothing.
    pub(crate) fn reconnected(&mut self) {
        self.told = self.told.filter(|told| *told != LocationTier::default()).map(|_| LocationTier::default());
        self.lower_at = None;
    }

    /// When the phone is to be told something; `None` when it knows.
    pub(crate) fn due(&self) -> Option<Millis> {
        let told = self.told.unwrap_or_default();
        if self.wanted > told { Some(Millis(0)) } else { self.lower_at.filter(|_| self.wanted < told) }
    }

    /// What the phone is to be told now.
    pub(crate) fn take(&mut self, now: Millis) -> Option<LocationTier> {
        self.due().filter(|at| *at <= now)?;
        self.told = Some(self.wanted);
        self.lower_at = None;
        Some(self.wanted)
    }

    /// A fix has come.
    pub(crate) fn fix(&mut self, text: &str, place: Option<(f64, f64)>, now: Millis) {
        if text.len() <= MAX_FIX {
            self.last = Some((text.into(), now));
            self.place = place;
        }
    }

    /// Where the last fix is, in degrees north and east.
    pub(crate) fn place(&self) -> Option<(f64, f64)> {
        self.place
    }

    /// The last fix: what a new listener hears first.
    pub(crate) fn last(&self) -> Option<Arc<str>> {
        self.last.as_ref().map(|(text, _)| text.clone())
    }

    /// The wearer does not want to be found: what is known is forgotten.
    pub(crate) fn forget(&mut self) {
        self.last = None;
        self.place = None;
    }

    /// An app wants to know once.
    pub(crate) fn ask(
        &mut self,
        app: &PackageName,
        correlation_id: String,
        accuracy: LocationTier,
        now: Millis,
        timings: &Timings,
    ) -> Asked {
        if let Some((text, at)) = &self.last
            && now - *at <= freshness(accuracy)
        {
            return Asked::Known(text.clone());
        }
        if self.polls.len() == MAX_POLLS {
            return Asked::TooMany;
        }
        let exact = self.polls.iter().find(|poll| poll.accuracy >= accuracy).map(|poll| poll.number);
        let number = exact.unwrap_or_else(|| {
            self.next_poll += 1;
            self.next_poll
        });
        let until = now + timings.location_poll;
        self.polls.push(Poll { number, accuracy, app: app.clone(), correlation_id, until });
        if exact.is_some() { Asked::Waits } else { Asked::Ask(format!("poll_{number}")) }
    }

    /// The phone has answered a question: who asked.
    pub(crate) fn answered(&mut self, name: &str) -> Vec<Poll> {
        let number = name.strip_prefix("poll_").and_then(|number| number.parse::<u64>().ok());
        let (answered, waiting) =
            std::mem::take(&mut self.polls).into_iter().partition(|poll| Some(poll.number) == number);
        self.polls = waiting;
        answered
    }

    /// When the first question has waited for too long.
    pub(crate) fn poll_ends(&self) -> Option<Millis> {
        self.polls.iter().map(|poll| poll.until).min()
    }

    /// The questions that have waited for too long.
    pub(crate) fn expire(&mut self, now: Millis) -> Vec<Poll> {
        let (ended, waiting) = std::mem::take(&mut self.polls).into_iter().partition(|poll| poll.until <= now);
        self.polls = waiting;
        ended
    }

    /// An app is gone: nobody waits for its answers.
    pub(crate) fn app_gone(&mut self, app: &PackageName) {
        self.polls.retain(|poll| poll.app != *app);
    }
}

/// How old a fix may be for a question, in milliseconds.
const fn freshness(tier: LocationTier) -> u64 {
    match tier {
        LocationTier::Realtime => 1_000,
        LocationTier::High => 10_000,
        LocationTier::Standard | LocationTier::TenMeters => 30_000,
        LocationTier::HundredMeters => 60_000,
        LocationTier::Kilometer => 300_000,
        LocationTier::ThreeKilometers | LocationTier::Reduced => 900_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Timings = Timings::DEFAULT;

    #[test]
    fn more_exact_at_once_and_less_exact_after_a_while() {
        let mut location = LocationManager::default();
        assert_eq!(location.due(), None);
        location.want(LocationTier::High, Millis(0), &T);
        assert_eq!(location.take(Millis(0)), Some(LocationTier::High));
        location.want(LocationTier::Reduced, Millis(100), &T);
        location.want(LocationTier::Kilometer, Millis(200), &T);
        assert_eq!((location.due(), location.take(Millis(5_000))), (Some(Millis(5_100)), None));
        location.want(LocationTier::High, Millis(5_050), &T);
        assert_eq!(location.due(), None);
        location.want(LocationTier::Reduced, Millis(6_000), &T);
        assert_eq!(location.take(Millis(11_000)), Some(LocationTier::Reduced));
    }

    #[test]
    fn a_phone_that_is_back_is_told_again() {
        let mut location = LocationManager::default();
        location.reconnected();
        assert_eq!(location.due(), None);
        location.want(LocationTier::High, Millis(0), &T);
        location.take(Millis(0));
        location.reconnected();
        assert_eq!(location.take(Millis(1)), Some(LocationTier::High));
    }

    #[test]
    fn a_question_is_answered_from_a_fresh_fix_or_once_by_the_phone() {
        let app = PackageName::new("org.example.map").expect("good");
        let mut location = LocationManager::default();
        let ask = |location: &mut LocationManager, id: &str, tier, at| {
            location.ask(&app, id.to_owned(), tier, Millis(at), &T)
        };
        assert_eq!(ask(&mut location, "a", LocationTier::High, 0), Asked::Ask("poll_1".to_owned()));
        assert_eq!(ask(&mut location, "b", LocationTier::Standard, 1), Asked::Waits);
        assert_eq!(ask(&mut location, "c", LocationTier::Realtime, 2), Asked::Ask("poll_2".to_owned()));
        let ids = |polls: Vec<Poll>| polls.into_iter().map(|poll| poll.correlation_id).collect::<Vec<_>>();
        assert_eq!(ids(location.answered("poll_1")), ["a", "b"]);
        assert!(location.answered("poll_1").is_empty() && location.answered("x").is_empty());
        assert_eq!(ids(location.expire(Millis(14_002))), ["c"]);
        location.fix("here", None, Millis(20_000));
        assert_eq!(ask(&mut location, "d", LocationTier::High, 30_000), Asked::Known("here".into()));
        assert!(matches!(ask(&mut location, "e", LocationTier::Realtime, 30_000), Asked::Ask(_)));
    }
}
