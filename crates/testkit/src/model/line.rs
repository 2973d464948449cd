//! A live socket: whether it lives, and how it behaves.

/// Between two pings.
const PING: u64 = 10_000;
/// Without a sign of life.
pub(super) const SILENCE: u64 = 30_000;
const WINDOW: u64 = 60_000;
const FORGIVEN: u32 = 60;

/// A socket of a phone or an app.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub(super) conn: u64,
    pub(super) heard: u64,
    /// When it is pinged: from when, until when. The first time is the session's choice.
    pub(super) ping: (u64, u64),
    /// Its close frame is out; at this time it is hung up on.
    pub(super) leaving: Option<u64>,
    /// The app has said why it will close it: it restarts, or else it leaves.
    pub(super) released: Option<bool>,
    bad_since: u64,
    bad: u32,
}

impl Line {
    pub(super) fn new(conn: u64, now: u64) -> Self {
        Self {
            conn,
            heard: now,
            ping: (now + PING / 2, now + PING),
            leaving: None,
            released: None,
            bad_since: now,
            bad: 0,
        }
    }

    /// It is pinged, and so it will be.
    pub(super) fn pinged(&mut self, now: u64) {
        self.ping = (now + PING, now + PING);
    }

    /// One bad frame more; whether it is one too many.
    pub(super) fn misbehaves(&mut self, now: u64) -> bool {
        if now - self.bad_since >= WINDOW {
            (self.bad_since, self.bad) = (now, 0);
        }
        self.bad += 1;
        self.bad > FORGIVEN
    }
}
