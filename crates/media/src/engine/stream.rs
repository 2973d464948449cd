//! One stream: what its publisher sends, what its viewers get, how it is doing, and when it is over.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::Inner;
use super::numbers::Counters;
use super::viewers::Viewers;
use crate::config::MediaLimits;
use crate::flv::{self, BadTag, Tag};
use crate::gop::{Frame, Gop, Queue, What};
use crate::hls::{Segment, Segmenter};
use crate::managed::{EndReason, OutputId, OutputState, OutputStatus, Phase, Status, StreamId};

/// How often viewers are counted, in a stream that has some.
const COUNT_EVERY: Duration = Duration::from_secs(2);

/// One stream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) id: StreamId,
    /// The last part of the publish URL.
    pub(crate) key: String,
    pub(crate) owner: String,
    pub(crate) record: bool,
    pub(crate) live: Mutex<Live>,
    pub(crate) status: watch::Sender<Status>,
    /// The connection that publishes; 0 is none.
    pub(crate) publisher: watch::Sender<u64>,
    /// Sends that connection away.
    replaced: Mutex<Option<CancellationToken>>,
    pub(crate) viewers: Mutex<Viewers>,
    pub(crate) outputs: Mutex<Vec<Output>>,
    /// Cancelled when the stream is over.
    pub(crate) ended: CancellationToken,
    /// Segments for the recorder; one that is slow misses some.
    pub(crate) segments: tokio::sync::broadcast::Sender<Segment>,
    counters: Arc<Counters>,
}

/// What the publisher sends.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) segmenter: Segmenter,
    pub(crate) gop: Gop,
    gop_bytes: usize,
    queues: Vec<(OutputId, Arc<Queue>)>,
}

/// An output, as the stream knows it.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) id: OutputId,
    pub(crate) url: String,
    pub(crate) removed: CancellationToken,
}

/// What came of a tag.
#[derive(Debug)]
pub(crate) enum Took {
    Nothing,
    Frame { key: bool },
    Segment(Segment),
}

impl Stream {
    pub(crate) fn new(id: StreamId, key: String, owner: String, record: bool, inner: &Inner) -> Self {
        let limits = &inner.config.limits;
        let status = Status { phase: Phase::Waiting, viewers: 0, outputs: Vec::new(), trouble: None };
        Self {
            id,
            key,
            owner,
            record,
            live: Mutex::new(Live::new(limits)),
            status: watch::Sender::new(status),
            publisher: watch::Sender::new(0),
            replaced: Mutex::default(),
            viewers: Mutex::new(Viewers::new(limits.viewers, inner.config.patience.viewer)),
            outputs: Mutex::default(),
            ended: inner.stopping.child_token(),
            segments: tokio::sync::broadcast::Sender::new(4),
            counters: inner.counters.clone(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.status.borrow().phase
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.phase(), Phase::Ended(_))
    }

    /// A connection publishes from now on. Whoever did before is sent away: a phone that changed its network comes back
    /// before the old connection is known to be dead. The token is cancelled when the same happens to this one.
    pub(crate) fn publish(&self, connection: u64) -> Option<CancellationToken> {
        if self.is_over() {
            return None;
        }
        let mine = self.ended.child_token();
        if let Some(before) = self.replaced.lock().replace(mine.clone()) {
            before.cancel();
        }
        let segment = self.live.lock().interrupt();
        self.publish_segment(segment);
        self.publisher.send_replace(connection);
        self.update(|status| {
            status.trouble = None;
            if status.phase == Phase::Waiting {
                status.phase = Phase::Preparing;
            }
        });
        Some(mine)
    }

    /// A connection does not publish any more; `trouble` says why, if that is worth a word.
    pub(crate) fn unpublish(&self, connection: u64, trouble: Option<String>) {
        if *self.publisher.borrow() != connection {
            return;
        }
        let segment = self.live.lock().interrupt();
        self.publish_segment(segment);
        self.publisher.send_replace(0);
        self.update(|status| {
            status.trouble = trouble;
            status.phase = match status.phase {
                Phase::Preparing => Phase::Waiting,
                Phase::Live => Phase::Lost,
                other => other,
            };
        });
    }

    /// Takes a tag of the connection that publishes.
    pub(crate) fn take(&self, what: Kind, timestamp: u32, data: Bytes) -> Result<Took, BadTag> {
        let took = self.live.lock().take(what, timestamp, data)?;
        if let Took::Segment(segment) = &took {
            self.publish_segment(Some(segment.clone()));
            self.update(|status| status.phase = Phase::Live);
        }
        Ok(took)
    }

    /// Changes the status, if it is not the last one already; whoever looks on is told when something is different.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_if_modified(|status| {
            if matches!(status.phase, Phase::Ended(_)) {
                return false;
            }
            let before = status.clone();
            change(status);
            *status != before
        });
    }

    pub(crate) fn output_state(&self, id: &OutputId, state: OutputState) {
        self.update(|status| {
            if let Some(output) = status.outputs.iter_mut().find(|output| output.id == *id) {
                output.state = state;
            }
        });
    }

    pub(crate) fn output_added(&self, id: OutputId, name: Option<String>) {
        self.update(|status| status.outputs.push(OutputStatus { id, name, state: OutputState::Connecting }));
    }

    pub(crate) fn output_removed(&self, id: &OutputId) {
        self.update(|status| status.outputs.retain(|output| output.id != *id));
    }

    /// From now on, everything that comes goes into this queue, too, beginning with the newest key frame.
    pub(crate) fn feed(&self, id: &OutputId, queue: &Arc<Queue>) {
        let mut live = self.live.lock();
        live.gop.beginning().for_each(|frame| queue.push(frame));
        live.queues.push((id.clone(), queue.clone()));
    }

    /// The opposite of [`feed`](Self::feed).
    pub(crate) fn starve(&self, id: &OutputId) {
        self.live.lock().queues.retain(|(other, _)| other != id);
    }

    /// The stream is over. Only the first reason counts.
    pub(crate) fn end(&self, reason: EndReason) {
        if self.is_over() {
            return;
        }
        let segment = self.live.lock().interrupt();
        self.publish_segment(segment);
        self.update(|status| {
            status.phase = Phase::Ended(reason);
            status.viewers = 0;
        });
        self.ended.cancel();
    }

    /// Watches over the stream until it is over.
    pub(crate) async fn watch(self: Arc<Self>, inner: Arc<Inner>) {
        let patience = inner.config.patience;
        let deadline = async {
            let mut publisher = self.publisher.subscribe();
            let mut wait = patience.start;
            let mut reason = EndReason::NeverStarted;
            loop {
                let absent = *publisher.borrow_and_update() == 0;
                if absent {
                    if timeout(wait, publisher.changed()).await.is_err() {
                        return reason;
                    }
                } else {
                    // The sender lives in the stream: it does not go away.
                    let _ = publisher.changed().await;
                    (wait, reason) = (patience.come_back, EndReason::PublisherLost);
                }
            }
        };
        let counting = async {
            loop {
                tokio::time::sleep(COUNT_EVERY).await;
                let viewers = self.viewers.lock().count(Instant::now());
                self.update(|status| status.viewers = viewers);
            }
        };
        let reason = tokio::select! {
            reason = deadline => reason,
            () = counting => unreachable!("it counts for ever"),
            () = self.ended.cancelled() => EndReason::Shutdown,
        };
        self.end(reason);
        let Phase::Ended(reason) = self.phase() else { return };
        inner.counters.ended(reason.word());
        tracing::info!(stream = %self.id, reason = reason.word(), "stream ended");
    }

    fn publish_segment(&self, segment: Option<Segment>) {
        if let Some(segment) = segment {
            self.counters.segment();
            // Without a recorder nobody listens.
            let _ = self.segments.send(segment);
        }
    }
}

/// Which of the two a tag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Audio,
    Video,
}

impl Live {
    pub(crate) fn new(limits: &MediaLimits) -> Self {
        Self {
            segmenter: Segmenter::new(limits.window, limits.window_bytes),
            gop: Gop::default(),
            gop_bytes: limits.gop_bytes,
            queues: Vec::new(),
        }
    }

    /// Takes the next tag.
    pub(crate) fn take(&mut self, kind: Kind, timestamp: u32, data: Bytes) -> Result<Took, BadTag> {
        let tag = match kind {
            Kind::Audio => flv::audio(data.clone())?,
            Kind::Video => flv::video(data.clone())?,
        };
        let what = match &tag {
            Tag::VideoConfig(_) => What::VideoConfig,
            Tag::AudioConfig(_) => What::AudioConfig,
            Tag::Video(picture) if picture.key => What::Key,
            Tag::Video(_) => What::Picture,
            Tag::Audio(_) => What::Sound,
            Tag::Nothing => return Ok(Took::Nothing),
        };
        self.distribute(&Frame { what, timestamp, data });
        Ok(match (self.segmenter.push(timestamp, tag), what) {
            (Some(segment), _) => Took::Segment(segment),
            (None, What::Key | What::Picture | What::Sound) => Took::Frame { key: what == What::Key },
            _ => Took::Nothing,
        })
    }

    /// What the publisher says about the stream.
    pub(crate) fn metadata(&mut self, data: Bytes) {
        self.distribute(&Frame { what: What::Metadata, timestamp: 0, data });
    }

    /// Memory, in bytes.
    pub(crate) fn held(&self) -> usize {
        self.segmenter.held() + self.gop.held()
    }

    fn distribute(&mut self, frame: &Frame) {
        self.gop.push(frame, self.gop_bytes);
        for (_, queue) in &self.queues {
            queue.push(frame);
        }
    }

    /// The publisher is gone.
    pub(crate) fn interrupt(&mut self) -> Option<Segment> {
        self.gop.reset();
        self.segmenter.interrupt()
    }
}
