//! The last ten seconds of sound (seed 001 `recentAudioBuffer`): frames as they came, shared and not copied, and when they came.
//!
//! A position is a number of bytes since the session's first sample. Each consumer has its own.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::now::Millis;

/// Bytes of a millisecond: 16 kHz, 16 bit, mono.
pub(crate) const BYTES_PER_MS: u64 = 32;
/// Ten seconds.
const MAX_BYTES: u64 = 10_000 * BYTES_PER_MS;
/// However small the frames are.
const MAX_FRAMES: usize = 4_000;

#[derive(Debug, Default)]
pub(crate) struct Ring {
    frames: VecDeque<(Bytes, Millis)>,
    start: u64,
    end: u64,
}

impl Ring {
    /// Keeps a frame; the oldest go when there is no room.
    pub(crate) fn push(&mut self, data: Bytes, now: Millis) {
        self.end += data.len() as u64;
        self.frames.push_back((data, now));
        while self.end - self.start > MAX_BYTES || self.frames.len() > MAX_FRAMES {
            let Some((oldest, _)) = self.frames.pop_front() else { break };
            self.start += oldest.len() as u64;
        }
    }

    /// The position of the oldest byte that is still here.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// The position of the next byte.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// What there is from a position on, in frames. Older sound than the oldest is gone.
    pub(crate) fn from(&self, position: u64) -> impl Iterator<Item = Bytes> + '_ {
        // Mostly only the newest frame is wanted: it is looked for from there.
        let mut at = self.end;
        let mut first = self.frames.len();
        while first > 0 && at > position {
            first -= 1;
            at -= self.frames[first].0.len() as u64;
        }
        let skip = position.saturating_sub(at) as usize;
        self.frames.range(first..).enumerate().filter_map(move |(index, (data, _))| {
            let from = if index == 0 { skip.min(data.len()) } else { 0 };
            (from < data.len()).then(|| data.slice(from..))
        })
    }

    /// When the sound at a position came; `None` when it is forgotten. One that is yet to come counts as the newest.
    pub(crate) fn came_at(&self, position: u64) -> Option<Millis> {
        if position < self.start {
            return None;
        }
        let mut at = self.end;
        for (data, came) in self.frames.iter().rev() {
            at -= data.len() as u64;
            if at < position || at == self.start {
                return Some(*came);
            }
        }
        None
    }

    /// All of it, put together.
    pub(crate) fn all(&self) -> Bytes {
        let mut all = Vec::with_capacity((self.end - self.start) as usize);
        self.frames.iter().for_each(|(data, _)| all.extend_from_slice(data));
        all.into()
    }

    /// Forgets the sound, not the position.
    pub(crate) fn clear(&mut self) {
        self.frames = VecDeque::new();
        self.start = self.end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(frames: &[&'static [u8]]) -> Ring {
        let mut ring = Ring::default();
        for (index, frame) in frames.iter().enumerate() {
            ring.push(Bytes::from_static(frame), Millis(index as u64 * 20));
        }
        ring
    }

    #[test]
    fn each_consumer_has_its_own_position() {
        let ring = ring(&[b"abcd", b"ef", b"ghij"]);
        let from = |position| ring.from(position).flat_map(|data| data.to_vec()).collect::<Vec<u8>>();
        for position in 0..=10 {
            assert_eq!(from(position), &b"abcdefghij"[position as usize..]);
        }
        assert!(from(11).is_empty());
        assert_eq!(ring.from(6).count(), 1);
    }

    #[test]
    fn a_position_has_a_time() {
        let ring = ring(&[b"abcd", b"ef", b"ghij"]);
        let times: Vec<_> = [0, 1, 4, 5, 6, 7, 10, 99].map(|at| ring.came_at(at).map(|at| at.0)).into();
        assert_eq!(times, [0, 0, 0, 20, 20, 40, 40, 40].map(Some));
        assert_eq!(Ring::default().came_at(0), None);
    }

    #[test]
    fn ten_seconds_and_no_more_whatever_the_frames() {
        let mut ring = Ring::default();
        for _ in 0..60_000 {
            ring.push(Bytes::from_static(&[0; 640]), Millis(0));
        }
        assert_eq!((ring.end() - ring.start(), ring.frames.len()), (MAX_BYTES, 500));
        for _ in 0..10_000 {
            ring.push(Bytes::from_static(&[0; 2]), Millis(0));
        }
        assert_eq!(ring.frames.len(), MAX_FRAMES);
        assert_eq!(ring.from(0).map(|data| data.len()).sum::<usize>() as u64, ring.end() - ring.start());
        assert_eq!(ring.came_at(ring.start() - 2), None);
    }
}
