//! A live socket as the session sees it: its number, its heartbeat, its misbehaviour.

use crate::input::{CallId, ConnId};
use crate::now::{Millis, Timings};

/// Which kind of socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// `/glasses-ws`.
    Glasses,
    /// `/app-ws`.
    App,
}

impl Side {
    /// A name for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Side::Glasses => "glasses",
            Side::App => "app",
        }
    }
}

/// A live socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) conn: ConnId,
    pub(crate) since: Millis,
    /// When the next ping goes out.
    pub(crate) ping_at: Millis,
    /// When anything was last heard.
    pub(crate) heard_at: Millis,
    /// A close frame was sent for silence; hang up at this time.
    pub(crate) terminate_at: Option<Millis>,
    /// The check of the token that was last sent on this socket; its result is of no other.
    pub(crate) checking: Option<CallId>,
    /// What the app has said about the end of this socket.
    pub(crate) release: Option<Release>,
    abuse: Abuse,
}

/// What an app says before it closes its socket: `ownership_release`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release {
    /// `clean_shutdown`: its server ends, and will be there again.
    Restarts,
    /// Any other reason: it is served elsewhere, or not wanted any more.
    Leaves,
}

/// How many bad frames a link has sent in the current window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Abuse {
    window: Millis,
    count: u32,
}

impl Link {
    /// A socket that was just accepted. Its first ping comes after half to a whole interval, by `chance`: sockets that came
    /// together, after a restart say, must not be pinged together for ever.
    pub(crate) fn new(conn: ConnId, now: Millis, chance: u8, timings: &Timings) -> Self {
        let half = timings.ping_every / 2;
        Self {
            conn,
            since: now,
            ping_at: now + half + half * (u64::from(chance) + 1) / 256,
            heard_at: now,
            terminate_at: None,
            checking: None,
            release: None,
            abuse: Abuse { window: now, count: 0 },
        }
    }

    /// A sign of life. Once the close frame is out there is no way back.
    pub(crate) fn heard(&mut self, now: Millis) {
        self.heard_at = now;
    }

    /// When the link counts as dead unless something is heard.
    pub(crate) fn silent_at(&self, timings: &Timings) -> Millis {
        self.heard_at + timings.silence
    }

    /// Counts a bad frame; true when it is one too many.
    pub(crate) fn misbehaved(&mut self, now: Millis, timings: &Timings) -> bool {
        if now - self.abuse.window >= timings.abuse_window {
            self.abuse = Abuse { window: now, count: 0 };
        }
        self.abuse.count += 1;
        self.abuse.count > timings.abuse_limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_bad_frames_a_minute_are_forgiven() {
        let timings = Timings::default();
        let mut link = Link::new(ConnId(1), Millis(0), 255, &timings);
        assert!((0..60).all(|_| !link.misbehaved(Millis(59_999), &timings)));
        assert!(link.misbehaved(Millis(59_999), &timings));
        assert!(!link.misbehaved(Millis(60_000), &timings));
    }
}
