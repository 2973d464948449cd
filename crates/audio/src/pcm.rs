//! Samples and their bytes: 16 bits, little-endian, one channel, 16,000 a second.

use bytes::{Bytes, BytesMut};

/// Samples a second.
pub const RATE: u32 = 16_000;
/// Bytes of a sample.
pub const SAMPLE_BYTES: usize = 2;
/// Samples of a millisecond.
pub const SAMPLES_PER_MS: u64 = 16;
/// Bytes of a millisecond.
pub const BYTES_PER_MS: usize = 32;

/// The samples in some bytes; half a sample at the end is left out.
pub fn samples(bytes: &[u8]) -> impl ExactSizeIterator<Item = i16> + '_ {
    bytes.chunks_exact(SAMPLE_BYTES).map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
}

/// The bytes of some samples.
pub fn bytes(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

/// How long some bytes of sound take, in milliseconds.
pub fn duration_ms(bytes: usize) -> u64 {
    (bytes / BYTES_PER_MS) as u64
}

/// Puts samples together: a frame of a phone may have any number of bytes, and end in the middle of a sample.
#[derive(Debug, Default, Clone)]
pub struct Aligner {
    carried: Option<u8>,
}

impl Aligner {
    /// Whole samples only: an odd last byte waits for the next frame. Shares the frame's memory when there is nothing to
    /// carry.
    pub fn push(&mut self, frame: Bytes) -> Bytes {
        let joined = match self.carried.take() {
            None => frame,
            Some(byte) => {
                let mut joined = BytesMut::with_capacity(frame.len() + 1);
                joined.extend_from_slice(&[byte]);
                joined.extend_from_slice(&frame);
                joined.freeze()
            }
        };
        if joined.len().is_multiple_of(SAMPLE_BYTES) {
            return joined;
        }
        self.carried = joined.last().copied();
        joined.slice(..joined.len() - 1)
    }

    /// Forgets half a sample: what follows begins with a whole one.
    pub fn reset(&mut self) {
        self.carried = None;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_odd_byte_waits_for_its_other_half() {
        let mut aligner = Aligner::default();
        let mut push = |bytes: &'static [u8]| aligner.push(Bytes::from_static(bytes)).to_vec();
        assert_eq!(push(&[1, 2, 3]), [1, 2]);
        assert_eq!(push(&[4]), [3, 4]);
        assert!(push(&[5]).is_empty());
        assert_eq!(push(&[6, 7, 8]), [5, 6, 7, 8]);
    }

    #[test]
    fn samples_and_bytes_are_the_same_thing() {
        let sound = [0, 1, -1, i16::MAX, i16::MIN];
        assert_eq!(samples(&bytes(&sound)).collect::<Vec<_>>(), sound);
        assert_eq!(duration_ms(640), 20);
    }

    proptest! {
        /// D-65, first third: however sound is cut into frames, the samples are the same.
        #[test]
        fn d_65_odd_frames_never_shift_the_samples(
            sound in proptest::collection::vec(any::<u8>(), 0..400),
            cuts in proptest::collection::vec(0usize..40, 0..60),
        ) {
            let (mut aligner, mut rest, mut heard) = (Aligner::default(), Bytes::from(sound.clone()), Vec::new());
            for cut in cuts {
                let frame = rest.split_to(cut.min(rest.len()));
                heard.extend_from_slice(&aligner.push(frame));
            }
            heard.extend_from_slice(&aligner.push(rest));
            prop_assert_eq!(&heard, &sound[..sound.len() / 2 * 2]);
        }
    }
}
