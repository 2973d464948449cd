//! Sends a load at its scheduled times, whatever the cloud does: from a thread of its own, because a runtime's timers are
//! exact to a millisecond only and a message takes a tenth of that.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::bench::frame;
use crate::bench::link::{Link, Sent};
use crate::bench::message::Kind;
use crate::bench::schedule::{Clock, Dice, Schedule};
use crate::bench::sink::histogram;

/// How long messages may wait in the driver's own queues after the last was due.
const LAST_WAIT: u64 = 5_000_000_000;
/// Between two looks at sockets that took not everything.
const RETRY: u64 = 200_000;

/// What is to be sent.
pub(crate) struct Load {
    pub(crate) kind: Kind,
    /// In turn: message n goes over link n modulo their number.
    pub(crate) links: Vec<Arc<Link>>,
    pub(crate) schedule: Schedule,
    pub(crate) seed: u64,
}

/// Sends it all, on the calling thread, in bounded time. Gives how late the driver itself was with each message; what a link
/// did not take, because its peer is gone or far behind, is missed where it should have arrived.
pub(crate) fn send(clock: Clock, load: &Load) -> Histogram<u64> {
    let mut lateness = histogram();
    let (mut dice, mut payload) = (Dice::new(load.seed), Vec::new());
    let opcode = load.kind.opcode();
    let schedule = load.schedule;
    let mut lines: Vec<Line> = load.links.iter().map(|link| Line { link, due: Vec::new() }).collect();
    // Lines with messages that are due, and lines whose socket did not take everything.
    let (mut touched, mut waiting) = (Vec::new(), Vec::new());
    let mut next = 0;
    if lines.is_empty() {
        return lateness;
    }
    loop {
        let now = clock.nanos();
        while next < schedule.count() && schedule.at(next) <= now {
            let at = schedule.at(next);
            let turn = usize::try_from(next % lines.len() as u64).unwrap_or(0);
            next += 1;
            payload.clear();
            load.kind.write(&mut payload, at);
            let line = &mut lines[turn];
            if line.due.is_empty() {
                touched.push(turn);
            }
            frame::client(&mut line.due, opcode, dice.mask(), &payload);
            lateness.saturating_record(now.saturating_sub(at).max(1));
        }
        for turn in touched.drain(..) {
            let line = &mut lines[turn];
            if line.link.send(&line.due) == Sent::Waits {
                waiting.push(turn);
            }
            line.due.clear();
        }
        waiting.sort_unstable();
        waiting.dedup();
        waiting.retain(|turn| lines[*turn].link.flush() == Sent::Waits);
        let done = next >= schedule.count();
        if (done && waiting.is_empty()) || now > schedule.end().saturating_add(LAST_WAIT) {
            return lateness;
        }
        let due = if done { u64::MAX } else { schedule.at(next) };
        let due = if waiting.is_empty() { due } else { due.min(now + RETRY) };
        thread::sleep(Duration::from_nanos(due.saturating_sub(clock.nanos())));
    }
}

/// A link, and what is due on it. A driver that is late for several messages of one link writes them together.
struct Line<'a> {
    link: &'a Link,
    due: Vec<u8>,
}
