//! How big and how long everything is.

use std::time::Duration;

/// Most users that any scenario has.
pub(crate) const USERS: usize = 4200;
/// Of the first so many users, four apps run at once.
pub(crate) const USERS_WITH_ALL_APPS: usize = 200;

/// The bounds of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Sessions that do nothing, beside the ones that warm up.
    pub(crate) idle: usize,
    /// Sessions that warm up before memory is read.
    pub(crate) idle_warm: usize,
    /// Sessions of the relay and display scenarios.
    pub(crate) relay: usize,
    /// Sessions with sound to one app.
    pub(crate) audio_one: usize,
    /// Sessions with sound to four apps.
    pub(crate) audio_four: usize,
    /// New sessions of the connect storm.
    pub(crate) connect: usize,
    /// Sessions that are cut and come back.
    pub(crate) reconnect: usize,
    /// Sessions a second that come and go.
    pub(crate) churn: u64,
    /// How long a steady load is measured.
    pub(crate) steady: Duration,
    /// How long it runs before it is measured.
    pub(crate) warm: Duration,
    /// How long one step of the search for saturation is measured.
    pub(crate) step: Duration,
}

impl Sizes {
    /// The full run.
    pub(crate) fn full(duration: Option<Duration>) -> Sizes {
        let steady = duration.unwrap_or(Duration::from_secs(5));
        Sizes {
            idle: 2000,
            idle_warm: 100,
            relay: 200,
            audio_one: 500,
            audio_four: USERS_WITH_ALL_APPS,
            connect: 4000,
            reconnect: 1000,
            churn: 200,
            steady,
            warm: Duration::from_millis(500).min(steady),
            step: Duration::from_millis(1500).min(steady),
        }
    }

    /// What fits into 40 seconds on two processors.
    pub(crate) fn quick(duration: Option<Duration>) -> Sizes {
        let steady = duration.unwrap_or(Duration::from_secs(3)).min(Duration::from_secs(4));
        Sizes {
            idle: 1000,
            idle_warm: 50,
            connect: 2000,
            warm: Duration::from_millis(300).min(steady),
            steady,
            ..Sizes::full(duration)
        }
    }
}
