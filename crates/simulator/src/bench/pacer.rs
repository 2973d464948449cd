//! Sends a load at its scheduled times, whatever the cloud does: from a thread of its own, because a runtime's timers are
//! exact to a millisecond only and a message takes a tenth of that.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::bench::frame::{self, Opcode};
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

/// What became of it.
pub(crate) struct Paced {
    /// How many messages were handed over.
    pub(crate) sent: u64,
    /// How many a link did not take: its peer is gone, or far behind.
    pub(crate) refused: u64,
    /// How late the driver itself was.
    pub(crate) lateness: Histogram<u64>,
}

/// Sends it all. The thread ends on its own in bounded time.
pub(crate) fn start(clock: Clock, load: Load) -> thread::JoinHandle<Paced> {
    thread::spawn(move || send(clock, &load))
}

fn send(clock: Clock, load: &Load) -> Paced {
    let mut paced = Paced { sent: 0, refused: 0, lateness: histogram() };
    let mut dice = Dice::new(load.seed);
    let (mut payload, mut bytes) = (Vec::new(), Vec::new());
    let mut waiting: Vec<usize> = Vec::new();
    let opcode = if load.kind == Kind::Audio { Opcode::BINARY } else { Opcode::TEXT };
    let (links, schedule) = (&load.links[..], load.schedule);
    let mut next = 0;
    if links.is_empty() {
        return paced;
    }
    loop {
        let now = clock.nanos();
        while next < schedule.count() && schedule.at(next) <= now {
            let at = schedule.at(next);
            let turn = usize::try_from(next % links.len() as u64).unwrap_or(0);
            next += 1;
            payload.clear();
            bytes.clear();
            load.kind.write(&mut payload, at);
            frame::client(&mut bytes, opcode, dice.mask(), &payload);
            paced.lateness.saturating_record(clock.nanos().saturating_sub(at).max(1));
            match links[turn].send(&bytes) {
                Sent::Done => paced.sent += 1,
                Sent::Waits => {
                    paced.sent += 1;
                    if !waiting.contains(&turn) {
                        waiting.push(turn);
                    }
                }
                Sent::Lost => paced.refused += 1,
            }
        }
        waiting.retain(|turn| links[*turn].flush() == Sent::Waits);
        let done = next >= schedule.count();
        if now > schedule.end().saturating_add(LAST_WAIT) {
            paced.refused += schedule.count() - next;
            return paced;
        }
        if done && waiting.is_empty() {
            return paced;
        }
        let due = if done { u64::MAX } else { schedule.at(next) };
        let due = if waiting.is_empty() { due } else { due.min(now + RETRY) };
        thread::sleep(Duration::from_nanos(due.saturating_sub(clock.nanos())));
    }
}
