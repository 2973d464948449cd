//! What waits to be written to one socket, in order, within budgets.
//!
//! | lane | when the socket is slow |
//! |---|---|
//! | `Control`, `Data` | waits; above the byte budget, or older than the age limit, the socket is closed with 1013 and comes back |
//! | `Latest(key)` | a newer frame takes the place of the older one with the same key |
//! | `Audio` | the oldest is dropped and counted |
//!
//! What an app has got is found out with pings, which every client answers in order: behind `Data` frames goes a ping that
//! carries how many were written so far, as long as no other is under way. Its answer confirms them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bifocal_protocol::Text;
use bifocal_protocol::close::Close;
use bifocal_session::{Lane, LatestKey};
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::metrics::{Metrics, OutboxMetrics};

/// How long a frame may wait before its socket counts as dead.
const MAX_AGE: Duration = Duration::from_secs(30);

/// The session is told after so many newly confirmed frames, because it keeps them until then.
const TELL_AFTER: u64 = 32;

/// The queue of one socket: the session pushes, the socket's task takes.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    wake: Notify,
    max_bytes: usize,
    max_audio_bytes: usize,
    metrics: Arc<Metrics>,
}

#[derive(Debug, Default)]
struct Queue {
    entries: VecDeque<Entry>,
    bytes: usize,
    audio_bytes: usize,
    ending: Option<Ending>,
    confirming: Confirming,
}

/// How many `Data` frames of the socket were handed out to be written, how many of them before a ping, how many before a ping
/// that was answered.
#[derive(Debug, Default)]
struct Confirming {
    written: u64,
    asked: u64,
    confirmed: u64,
    /// The session wants a ping, whatever there is to confirm.
    heartbeat: bool,
    /// It waits for the answer.
    awaited: bool,
    /// What the session was told.
    told: u64,
}

#[derive(Debug)]
struct Entry {
    frame: Frame,
    lane: Lane,
    since: Instant,
}

/// Something to write.
#[derive(Debug)]
pub(crate) enum Frame {
    Text(Text),
    Binary(Bytes),
    /// With how many `Data` frames were written before it.
    Ping(u64),
}

/// How a socket ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With a close frame, after everything that waits.
    Close(Close),
    /// At once.
    Abort,
}

impl Frame {
    fn len(&self) -> usize {
        match self {
            Frame::Text(text) => text.byte_len(),
            Frame::Binary(data) => data.len(),
            Frame::Ping(_) => 0,
        }
    }
}

impl Outbox {
    pub(crate) fn new(max_bytes: usize, max_audio_bytes: usize, metrics: Arc<Metrics>) -> Self {
        Self { queue: Mutex::default(), wake: Notify::new(), max_bytes, max_audio_bytes, metrics }
    }

    /// Puts a frame in. After an ending nothing is taken any more.
    pub(crate) fn push(&self, lane: Lane, frame: Frame) {
        let mut queue = self.queue.lock();
        if queue.ending.is_some() {
            return;
        }
        let now = Instant::now();
        let metrics = &self.metrics.outbox;
        match lane {
            Lane::Latest(key) => queue.put_latest(key, frame, now, metrics),
            Lane::Audio => queue.put_audio(frame, now, self.max_audio_bytes, metrics),
            Lane::Control | Lane::Data => queue.put(lane, frame, now, metrics),
        }
        let too_old = queue.entries.front().is_some_and(|oldest| now - oldest.since > MAX_AGE);
        if queue.bytes > self.max_bytes || too_old {
            metrics.overflow(lane);
            queue.end(Ending::Close(Close::Overload));
            queue.clear(metrics);
        }
        drop(queue);
        self.wake.notify_one();
    }

    /// Asks the peer for a sign of life.
    pub(crate) fn ping(&self) {
        self.queue.lock().confirming.heartbeat = true;
        self.wake.notify_one();
    }

    /// The peer has answered a ping, perhaps one of ours. True when it is time to tell the session that the peer lives, and
    /// what it has got: when it has asked, or when that is much. To tell every answer would cost it nearly as much as the
    /// frames do.
    pub(crate) fn ponged(&self, payload: &[u8]) -> bool {
        let mut queue = self.queue.lock();
        let confirming = &mut queue.confirming;
        let ours = payload.try_into().ok().map(u64::from_be_bytes).filter(|count| *count <= confirming.asked);
        confirming.confirmed = confirming.confirmed.max(ours.unwrap_or_default());
        let is_due = confirming.is_due();
        let many = confirming.confirmed - confirming.told >= TELL_AFTER;
        let tell = many || confirming.awaited || ours.is_none();
        if tell {
            (confirming.told, confirming.awaited) = (confirming.confirmed, false);
        }
        drop(queue);
        if is_due {
            self.wake.notify_one();
        }
        tell
    }

    /// How many `Data` frames the peer has for certain.
    pub(crate) fn confirmed(&self) -> u64 {
        self.queue.lock().confirming.confirmed
    }

    /// The same, when the session has not been told so many yet.
    pub(crate) fn untold(&self) -> Option<u64> {
        let confirming = &mut self.queue.lock().confirming;
        let more = confirming.confirmed > confirming.told;
        confirming.told = confirming.confirmed;
        more.then_some(confirming.confirmed)
    }

    /// Ends the socket. The first ending counts, except that an abort needs no politeness.
    pub(crate) fn end(&self, ending: Ending) {
        self.queue.lock().end(ending);
        self.wake.notify_one();
    }

    /// Waits until there is something to do; gives the frames that wait, and the ending.
    pub(crate) async fn take(&self, frames: &mut Vec<Frame>) -> Option<Ending> {
        loop {
            {
                let mut queue = self.queue.lock();
                let ending = queue.ending;
                let metrics = &self.metrics.outbox;
                let Queue { entries, confirming, .. } = &mut *queue;
                frames.extend(entries.drain(..).map(|entry| {
                    metrics.taken(entry.lane, entry.frame.len());
                    confirming.written += u64::from(entry.lane == Lane::Data);
                    entry.frame
                }));
                frames.extend(confirming.ping());
                queue.clear(metrics);
                if ending.is_some() || !frames.is_empty() {
                    return ending;
                }
            }
            self.wake.notified().await;
        }
    }
}

impl Confirming {
    /// Something was written that nobody has asked about, and no question is under way.
    fn is_due(&self) -> bool {
        self.heartbeat || self.written > self.asked && self.asked == self.confirmed
    }

    fn ping(&mut self) -> Option<Frame> {
        self.is_due().then(|| {
            self.awaited |= std::mem::take(&mut self.heartbeat);
            self.asked = self.written;
            Frame::Ping(self.written)
        })
    }
}

impl Drop for Outbox {
    /// What was never written does not wait any more.
    fn drop(&mut self) {
        self.queue.get_mut().clear(&self.metrics.outbox);
    }
}

impl Queue {
    fn put(&mut self, lane: Lane, frame: Frame, since: Instant, metrics: &OutboxMetrics) {
        self.bytes += frame.len();
        metrics.waiting(lane, frame.len());
        self.entries.push_back(Entry { frame, lane, since });
    }

    fn put_latest(&mut self, key: LatestKey, frame: Frame, since: Instant, metrics: &OutboxMetrics) {
        let same = self.entries.iter_mut().find(|entry| entry.lane == Lane::Latest(key));
        match same {
            Some(entry) => {
                metrics.dropped(entry.lane);
                metrics.taken(entry.lane, entry.frame.len());
                metrics.waiting(entry.lane, frame.len());
                self.bytes = self.bytes + frame.len() - entry.frame.len();
                entry.frame = frame;
            }
            None => self.put(Lane::Latest(key), frame, since, metrics),
        }
    }

    fn put_audio(&mut self, frame: Frame, since: Instant, max: usize, metrics: &OutboxMetrics) {
        self.audio_bytes += frame.len();
        self.put(Lane::Audio, frame, since, metrics);
        while self.audio_bytes > max {
            let Some(oldest) = self.entries.iter().position(|entry| entry.lane == Lane::Audio) else { break };
            let Some(entry) = self.entries.remove(oldest) else { break };
            self.audio_bytes -= entry.frame.len();
            self.bytes -= entry.frame.len();
            metrics.taken(Lane::Audio, entry.frame.len());
            metrics.dropped(Lane::Audio);
        }
    }

    fn end(&mut self, ending: Ending) {
        if self.ending.is_none() || ending == Ending::Abort {
            self.ending = Some(ending);
        }
    }

    fn clear(&mut self, metrics: &OutboxMetrics) {
        self.bytes = 0;
        self.audio_bytes = 0;
        for entry in self.entries.drain(..) {
            metrics.taken(entry.lane, entry.frame.len());
        }
        // An idle socket keeps no queue memory.
        if self.entries.capacity() > 64 {
            self.entries.shrink_to(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bifocal_protocol::layout::View;

    const DISPLAY: Lane = Lane::Latest(LatestKey::Display(View::Main));

    fn outbox(max_bytes: usize) -> Outbox {
        Outbox::new(max_bytes, 100, Arc::new(Metrics::new()))
    }

    fn text(text: &str) -> Frame {
        Frame::Text(text.into())
    }

    async fn taken(outbox: &Outbox) -> (Vec<String>, Option<Ending>) {
        let mut frames = Vec::new();
        let ending = outbox.take(&mut frames).await;
        let shown = |frame: &Frame| match frame {
            Frame::Text(text) => text.to_string(),
            Frame::Binary(data) => format!("{} bytes", data.len()),
            Frame::Ping(count) => format!("ping {count}"),
        };
        (frames.iter().map(shown).collect(), ending)
    }

    #[tokio::test]
    async fn order_is_kept_and_the_newest_takes_the_place_of_the_older() {
        let outbox = outbox(1000);
        outbox.push(Lane::Control, text("a"));
        outbox.push(DISPLAY, text("old"));
        outbox.push(Lane::Data, text("b"));
        outbox.push(DISPLAY, text("new"));
        outbox.end(Ending::Close(Close::AppStopped));
        outbox.push(Lane::Control, text("too late"));
        let expected = ["a", "new", "b", "ping 1"].map(str::to_owned).to_vec();
        assert_eq!(taken(&outbox).await, (expected, Some(Ending::Close(Close::AppStopped))));
    }

    #[tokio::test]
    async fn what_was_written_is_asked_for_with_one_ping_at_a_time() {
        let outbox = outbox(1000);
        for n in ["a", "b"] {
            outbox.push(Lane::Data, text(n));
        }
        assert_eq!(taken(&outbox).await.0, ["a", "b", "ping 2"]);
        outbox.push(Lane::Data, text("c"));
        assert_eq!(taken(&outbox).await.0, ["c"]);
        let ponged = |payload: &[u8]| (outbox.ponged(payload), outbox.confirmed());
        assert_eq!(ponged(b"what?"), (true, 0));
        assert_eq!(ponged(&3_u64.to_be_bytes()), (true, 0));
        assert_eq!(ponged(&2_u64.to_be_bytes()), (false, 2));
        assert_eq!(taken(&outbox).await.0, ["ping 3"]);
        outbox.ping();
        assert_eq!(taken(&outbox).await.0, ["ping 3"]);
        assert_eq!(ponged(&3_u64.to_be_bytes()), (true, 3));
        outbox.push(Lane::Control, text("d"));
        assert_eq!(taken(&outbox).await.0, ["d"]);
        for _ in 0..TELL_AFTER {
            outbox.push(Lane::Data, text("e"));
        }
        assert_eq!(taken(&outbox).await.0.last().map(String::as_str), Some("ping 35"));
        assert_eq!(ponged(&35_u64.to_be_bytes()), (true, 35));
    }

    #[tokio::test]
    async fn old_sound_is_dropped_first() {
        let outbox = outbox(1000);
        for size in [60, 40, 50] {
            outbox.push(Lane::Audio, Frame::Binary(vec![0; size].into()));
        }
        assert_eq!(taken(&outbox).await.0, ["40 bytes", "50 bytes"]);
    }

    #[tokio::test]
    async fn above_the_budget_the_socket_is_closed() {
        let outbox = outbox(100);
        for _ in 0..101 {
            outbox.push(Lane::Data, text("x"));
        }
        assert_eq!(taken(&outbox).await, (vec![], Some(Ending::Close(Close::Overload))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_socket_that_takes_nothing_for_too_long_is_closed() {
        let outbox = outbox(100);
        outbox.push(Lane::Data, text("x"));
        tokio::time::advance(MAX_AGE + Duration::from_millis(1)).await;
        outbox.push(Lane::Data, text("y"));
        assert_eq!(taken(&outbox).await.1, Some(Ending::Close(Close::Overload)));
    }

    #[tokio::test]
    async fn an_abort_overrules_a_close() {
        let outbox = outbox(100);
        outbox.end(Ending::Close(Close::PingTimeout));
        outbox.end(Ending::Abort);
        assert_eq!(taken(&outbox).await.1, Some(Ending::Abort));
    }
}
