//! The newest group of pictures: what somebody who comes in the middle needs to begin at once; and the queue of one output.

use std::collections::VecDeque;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Most tags in the cache or in a queue, whatever their size.
const MAX_FRAMES: usize = 8_192;

/// One tag as it came.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) what: What,
    /// In milliseconds of the publisher.
    pub(crate) timestamp: u32,
    pub(crate) data: Bytes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Metadata,
    /// How to set up a decoder.
    VideoConfig,
    AudioConfig,
    Key,
    Picture,
    Sound,
}

/// Everything since the last key frame, and what comes before it.
#[derive(Debug, Default)]
pub(crate) struct Gop {
    setup: Vec<Frame>,
    frames: VecDeque<Frame>,
    bytes: usize,
    /// It became too big: nothing is kept until the next key frame.
    overflowed: bool,
}

impl Gop {
    /// Takes the next tag.
    pub(crate) fn push(&mut self, frame: &Frame, most_bytes: usize) {
        match frame.what {
            What::Metadata | What::VideoConfig | What::AudioConfig => {
                self.setup.retain(|old| old.what != frame.what);
                self.setup.push(frame.clone());
                return;
            }
            What::Key => self.clear(),
            What::Picture | What::Sound if self.frames.is_empty() || self.overflowed => return,
            What::Picture | What::Sound => {}
        }
        self.bytes += frame.data.len();
        self.frames.push_back(frame.clone());
        if self.bytes > most_bytes || self.frames.len() > MAX_FRAMES {
            self.clear();
            self.overflowed = true;
        }
    }

    /// What somebody who comes now needs first.
    pub(crate) fn beginning(&self) -> impl Iterator<Item = &Frame> {
        self.setup.iter().chain(&self.frames)
    }

    /// The publisher is gone; another one may send something else.
    pub(crate) fn reset(&mut self) {
        self.clear();
        self.setup.clear();
    }

    /// The newest key frame.
    pub(crate) fn key(&self) -> Option<&Frame> {
        self.frames.front()
    }

    /// Memory, in bytes.
    pub(crate) fn held(&self) -> usize {
        self.bytes
    }

    fn clear(&mut self) {
        self.frames.clear();
        self.bytes = 0;
        self.overflowed = false;
    }
}

/// What waits for one output. The publisher never waits for it: a queue that is full is emptied, and goes on with the next key
/// frame.
#[derive(Debug)]
pub(crate) struct Queue {
    inner: Mutex<Waiting>,
    wake: Notify,
    most_bytes: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<Frame>,
    bytes: usize,
    /// Left out until the next key frame.
    skipping: bool,
    dropped: u64,
}

impl Queue {
    pub(crate) fn new(most_bytes: usize) -> Self {
        Self { inner: Mutex::default(), wake: Notify::new(), most_bytes }
    }

    /// Puts a tag in, or leaves it out.
    pub(crate) fn push(&self, frame: &Frame) {
        let mut inner = self.inner.lock();
        let setup = matches!(frame.what, What::Metadata | What::VideoConfig | What::AudioConfig);
        if frame.what == What::Key {
            inner.skipping = false;
        }
        if inner.skipping && !setup {
            inner.dropped += 1;
            return;
        }
        inner.bytes += frame.data.len();
        inner.frames.push_back(frame.clone());
        if inner.bytes > self.most_bytes || inner.frames.len() > MAX_FRAMES {
            inner.dropped += inner.frames.len() as u64;
            // The target needs what sets its decoder up, however late it is. There is at most one of each.
            let mut kept = VecDeque::new();
            for frame in inner.frames.drain(..).rev() {
                let setup = matches!(frame.what, What::Metadata | What::VideoConfig | What::AudioConfig);
                if setup && !kept.iter().any(|newer: &Frame| newer.what == frame.what) {
                    kept.push_front(frame);
                }
            }
            inner.dropped -= kept.len() as u64;
            inner.bytes = kept.iter().map(|frame| frame.data.len()).sum();
            inner.frames = kept;
            inner.skipping = true;
        }
        drop(inner);
        self.wake.notify_one();
    }

    /// The next tag, as soon as there is one.
    pub(crate) async fn next(&self) -> Frame {
        loop {
            let woken = self.wake.notified();
            {
                let mut inner = self.inner.lock();
                if let Some(frame) = inner.frames.pop_front() {
                    inner.bytes -= frame.data.len();
                    return frame;
                }
            }
            woken.await;
        }
    }

    /// Tags that were left out.
    pub(crate) fn dropped(&self) -> u64 {
        self.inner.lock().dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(what: What, size: usize) -> Frame {
        Frame { what, timestamp: 0, data: Bytes::from(vec![0; size]) }
    }

    fn kinds<'a>(frames: impl Iterator<Item = &'a Frame>) -> Vec<What> {
        frames.map(|frame| frame.what).collect()
    }

    #[test]
    fn the_cache_begins_with_the_newest_key_frame() {
        use What::{AudioConfig, Key, Picture, Sound, VideoConfig};
        let mut gop = Gop::default();
        for what in [Sound, VideoConfig, Picture, AudioConfig, Key, Picture, Key, Sound, VideoConfig] {
            gop.push(&frame(what, 10), 1000);
        }
        assert_eq!(kinds(gop.beginning()), [AudioConfig, VideoConfig, Key, Sound]);
        gop.reset();
        assert_eq!(gop.beginning().count(), 0);
    }

    #[test]
    fn a_cache_that_is_too_big_is_empty_until_the_next_key_frame() {
        let mut gop = Gop::default();
        gop.push(&frame(What::Key, 600), 1000);
        gop.push(&frame(What::Picture, 600), 1000);
        gop.push(&frame(What::Picture, 10), 1000);
        assert_eq!((gop.beginning().count(), gop.held()), (0, 0));
        gop.push(&frame(What::Key, 10), 1000);
        gop.push(&frame(What::Picture, 10), 1000);
        assert_eq!(gop.beginning().count(), 2);
    }

    #[tokio::test]
    async fn a_slow_output_skips_to_the_next_key_frame() {
        use What::{Key, Picture, VideoConfig};
        let queue = Queue::new(1000);
        for (what, size) in [(VideoConfig, 50), (Key, 600), (Picture, 600), (Picture, 1), (Key, 300), (Picture, 2)] {
            queue.push(&frame(what, size));
        }
        let got = [queue.next().await.what, queue.next().await.what, queue.next().await.what];
        assert_eq!(got, [VideoConfig, Key, Picture]);
        assert_eq!(queue.dropped(), 3);
    }
}
