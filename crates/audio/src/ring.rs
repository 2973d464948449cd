//! The last seconds of sound, for everybody who listens at a pace of their own: an engine that was away hears what it
//! missed, an app gets what was said before it asked.
//!
//! Places are numbers of samples since the beginning of the stream. They are never used twice, so a consumer needs only
//! the number of the sample that comes next.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::pcm::{RATE, SAMPLE_BYTES};

/// The last seconds of one stream. Takes memory as sound comes, up to its size.
#[derive(Debug)]
pub struct Ring {
    bytes: VecDeque<u8>,
    /// Samples that were here and are gone.
    gone: u64,
    most: usize,
}

/// A piece of sound and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    /// The number of its first sample.
    pub position: u64,
    /// PCM, whole samples.
    pub pcm: Bytes,
    /// Samples before it that were asked for and are gone.
    pub lost: u64,
}

/// How far a consumer has heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    next: u64,
}

impl Ring {
    /// A ring that keeps so many seconds.
    pub fn new(seconds: u32) -> Self {
        Self { bytes: VecDeque::new(), gone: 0, most: seconds as usize * RATE as usize * SAMPLE_BYTES }
    }

    /// Takes whole samples; half a sample at the end is left out.
    pub fn push(&mut self, pcm: &[u8]) {
        let pcm = &pcm[..pcm.len() / SAMPLE_BYTES * SAMPLE_BYTES];
        // What would be pushed out at once.
        let skipped = pcm.len().saturating_sub(self.most);
        let over = (self.bytes.len() + pcm.len() - skipped).saturating_sub(self.most);
        self.bytes.drain(..over);
        self.gone += ((over + skipped) / SAMPLE_BYTES) as u64;
        self.bytes.extend(&pcm[skipped..]);
    }

    /// The number of the oldest sample that is still here.
    pub fn start(&self) -> u64 {
        self.gone
    }

    /// The number of the sample that comes next.
    pub fn end(&self) -> u64 {
        self.gone + (self.bytes.len() / SAMPLE_BYTES) as u64
    }

    /// Up to `max` samples from `position` on, or from the oldest when that is gone.
    pub fn read(&self, position: u64, max: usize) -> Sound {
        let from = position.clamp(self.gone, self.end());
        let count = max.min(usize::try_from(self.end() - from).unwrap_or(usize::MAX));
        let first = usize::try_from(from - self.gone).unwrap_or(0) * SAMPLE_BYTES;
        let wanted = first..first + count * SAMPLE_BYTES;
        let (old, new) = self.bytes.as_slices();
        let part = |slice: &'_ [u8], offset: usize| {
            let clip = |at: usize| at.saturating_sub(offset).min(slice.len());
            clip(wanted.start)..clip(wanted.end)
        };
        let (a, b) = (&old[part(old, 0)], &new[part(new, old.len())]);
        let pcm = if b.is_empty() { Bytes::copy_from_slice(a) } else { Bytes::from([a, b].concat()) };
        Sound { position: from, pcm, lost: self.gone.saturating_sub(position) }
    }
}

impl Cursor {
    /// For a consumer that hears from this sample on.
    pub fn at(position: u64) -> Self {
        Self { next: position }
    }

    /// The number of the sample that it hears next.
    pub fn position(self) -> u64 {
        self.next
    }

    /// How many samples wait for it.
    pub fn waiting(self, ring: &Ring) -> u64 {
        ring.end().saturating_sub(self.next.max(ring.start()))
    }

    /// The next samples, up to so many; it has heard them then.
    pub fn read(&mut self, ring: &Ring, max: usize) -> Sound {
        let sound = ring.read(self.next, max);
        self.next = sound.position + (sound.pcm.len() / SAMPLE_BYTES) as u64;
        sound
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pcm;

    #[test]
    fn who_is_slow_is_told_what_it_has_missed() {
        let mut ring = Ring::new(1);
        let (mut quick, mut slow) = (Cursor::at(0), Cursor::at(0));
        for second in 0..3i16 {
            ring.push(&pcm::bytes(&vec![second; 16_000]));
            assert_eq!(quick.read(&ring, 20_000).lost, 0);
        }
        assert_eq!(slow.waiting(&ring), 16_000);
        let heard = slow.read(&ring, 10);
        assert_eq!((heard.position, heard.lost), (32_000, 32_000));
        assert_eq!(pcm::samples(&heard.pcm).collect::<Vec<_>>(), [2; 10]);
        assert_eq!(slow.position(), 32_010);
    }

    #[test]
    fn more_than_it_holds_is_the_newest_of_it() {
        let mut ring = Ring::new(1);
        ring.push(&pcm::bytes(&(0..20_000).map(|n| n as i16).collect::<Vec<_>>()));
        assert_eq!((ring.start(), ring.end()), (4_000, 20_000));
        assert_eq!(pcm::samples(&ring.read(0, 1).pcm).next(), Some(4_000));
        assert_eq!(ring.read(99_999, 5), Sound { position: 20_000, pcm: Bytes::new(), lost: 0 });
    }

    proptest! {
        /// A consumer that keeps up hears every sample exactly once, whatever the pieces.
        #[test]
        fn nothing_is_heard_twice_and_nothing_is_missed(
            steps in proptest::collection::vec((0usize..3_000, 1usize..4_000), 1..40),
        ) {
            let (mut ring, mut cursor, mut next, mut heard) = (Ring::new(1), Cursor::at(0), 0u64, 0u64);
            for (pushed, read) in steps {
                let samples: Vec<i16> = (0..pushed).map(|n| (next + n as u64) as i16).collect();
                next += pushed as u64;
                ring.push(&pcm::bytes(&samples));
                let sound = cursor.read(&ring, read);
                prop_assert_eq!(sound.position, heard + sound.lost);
                for (n, sample) in pcm::samples(&sound.pcm).enumerate() {
                    prop_assert_eq!(sample, (sound.position + n as u64) as i16);
                }
                heard = cursor.position();
            }
        }
    }
}
