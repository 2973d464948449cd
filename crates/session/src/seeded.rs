//! Eleven faults, planted one at a time, for the test that the model finds each of them. Without the cargo feature
//! `seeded-bugs` nothing of this is compiled: [`on`] is a constant `false`, and every hook goes with it.

#![cfg_attr(not(feature = "seeded-bugs"), allow(dead_code, unreachable_pub))]

/// A fault that can be planted. Its name stands in the one line of the session that makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// The close of an old socket of the glasses counts for the present one.
    StaleClose,
    /// An app that is stopped while it is away is started again.
    StopInGraceRevives,
    /// A second standard app does not take the foreground from the first.
    TwoForeground,
    /// Frames of an old socket of the glasses are listened to.
    StaleFrames,
    /// What a socket has not confirmed is lost with it.
    UnconfirmedLost,
    /// What was held for an app goes out newest first.
    HeldReordered,
    /// The grace of the glasses is not over when they come back.
    GraceSurvives,
    /// The microphone does not go off when nobody wants it any more.
    MicOffLost,
    /// Whoever asked for a start is answered twice.
    AnsweredTwice,
    /// An app may speak in the name of another.
    ForeignPackage,
    /// An app that keeps failing is tried every second.
    FlatBackoff,
}

impl Bug {
    /// Every fault.
    pub const ALL: [Bug; 11] = [
        Bug::StaleClose,
        Bug::StopInGraceRevives,
        Bug::TwoForeground,
        Bug::StaleFrames,
        Bug::UnconfirmedLost,
        Bug::HeldReordered,
        Bug::GraceSurvives,
        Bug::MicOffLost,
        Bug::AnsweredTwice,
        Bug::ForeignPackage,
        Bug::FlatBackoff,
    ];
}

#[cfg(feature = "seeded-bugs")]
mod planted {
    use std::cell::Cell;

    use super::Bug;
    use crate::now::Millis;
    use crate::session::Glasses;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
        static GRACE: Cell<Option<Millis>> = const { Cell::new(None) };
    }

    /// Plants a fault into every session of this thread, or takes it away.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
        GRACE.set(None);
    }

    pub(crate) fn on(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }

    /// The end of a grace that should be forgotten, because the glasses are back.
    pub(crate) fn grace(glasses: &Glasses) -> Option<Millis> {
        match glasses {
            Glasses::Expected => GRACE.set(None),
            Glasses::Away { until } => GRACE.set(Some(*until)),
            Glasses::Connected(_) => return GRACE.get().filter(|_| on(Bug::GraceSurvives)),
        }
        None
    }
}

#[cfg(not(feature = "seeded-bugs"))]
mod planted {
    use super::Bug;
    use crate::now::Millis;
    use crate::session::Glasses;

    pub(crate) const fn on(_: Bug) -> bool {
        false
    }

    pub(crate) const fn grace(_: &Glasses) -> Option<Millis> {
        None
    }
}

#[cfg(feature = "seeded-bugs")]
pub use planted::plant;
pub(crate) use planted::{grace, on};
