//! LC3 to samples. One decoder for each stream, frames strictly in order: the codec remembers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lc3_codec::common::complex::Complex;
use lc3_codec::common::config::{FrameDuration, SamplingFrequency};
use lc3_codec::decoder::lc3_decoder::Lc3Decoder;

use super::desk::{Desk, Worker};
use super::{FRAME_SAMPLES, Lc3Error};

/// The sizes that the codec takes. It panics at shorter ones.
const SIZES: std::ops::RangeInclusive<usize> = 20..=400;
/// All bits set cannot be the side information of a frame: the codec then makes up sound from the last good frame, quieter
/// and quieter, and its memory stays in step.
const LOST: [u8; 20] = [0xFF; 20];
/// Frames in a row that are made up; behind them is silence.
const MADE_UP: u32 = 20;

type Frame = Result<[i16; FRAME_SAMPLES], Lc3Error>;

/// Decodes one stream.
#[derive(Debug)]
pub struct Decoder {
    codec: Worker<Vec<u8>, Frame>,
    lost_in_a_row: u32,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// For a stream that begins.
    pub fn new() -> Self {
        Self { codec: Worker::new(decode_for_ever), lost_in_a_row: 0 }
    }

    /// The 10 ms of one frame. What is no sound inside a good size comes out as what was heard before, fading.
    ///
    /// # Errors
    /// [`Lc3Error`]; the stream can go on with the next frame.
    pub fn decode(&mut self, frame: &[u8]) -> Frame {
        if !SIZES.contains(&frame.len()) {
            return Err(Lc3Error::Size(frame.len()));
        }
        self.lost_in_a_row = 0;
        self.codec.run(frame.to_vec()).unwrap_or(Err(Lc3Error::Broken))
    }

    /// 10 ms for a frame that did not come: what was heard before, fading, and silence in the end.
    pub fn conceal(&mut self) -> [i16; FRAME_SAMPLES] {
        self.lost_in_a_row = self.lost_in_a_row.saturating_add(1);
        let silence = [0; FRAME_SAMPLES];
        if self.lost_in_a_row > MADE_UP {
            return silence;
        }
        self.codec.run(LOST.to_vec()).and_then(Result::ok).unwrap_or(silence)
    }
}

async fn decode_for_ever(desk: Desk<Vec<u8>, Frame>) {
    let (duration, rate) = (FrameDuration::TenMs, SamplingFrequency::Hz16000);
    let (scalers, complexes) = Lc3Decoder::calc_working_buffer_lengths(1, duration, rate);
    let (mut scalers, mut complexes) = (vec![0.0; scalers], vec![Complex::default(); complexes]);
    loop {
        scalers.fill(0.0);
        complexes.fill(Complex::default());
        let mut codec = Lc3Decoder::new(1, duration, rate, &mut scalers, &mut complexes);
        loop {
            let frame = desk.next().await;
            let mut samples = [0; FRAME_SAMPLES];
            let decoded = catch_unwind(AssertUnwindSafe(|| codec.decode_frame(16, 0, &frame, &mut samples)));
            match decoded {
                Ok(result) => desk.done(result.map(|()| samples).map_err(|_| Lc3Error::Broken)),
                // Its memory may be half written: a new one takes its place.
                Err(_) => {
                    desk.done(Err(Lc3Error::Broken));
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Encoder, FrameSize};
    use super::*;

    fn tone(frames: usize) -> Vec<[i16; FRAME_SAMPLES]> {
        let sample = |n: usize| ((n as f32 * 440.0 * std::f32::consts::TAU / 16_000.0).sin() * 8_000.0) as i16;
        (0..frames).map(|frame| std::array::from_fn(|n| sample(frame * FRAME_SAMPLES + n))).collect()
    }

    fn loudness(samples: &[i16]) -> f64 {
        let sum: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
        (sum / samples.len() as f64).sqrt()
    }

    /// The first frames have the codec's delay in them.
    #[test]
    fn what_was_encoded_is_heard_again_at_each_size() {
        for size in FrameSize::ALL {
            let (mut encoder, mut decoder) = (Encoder::new(size), Decoder::new());
            let heard: Vec<i16> = tone(30)
                .iter()
                .flat_map(|frame| {
                    let packed = encoder.encode(frame);
                    assert_eq!(packed.len(), size.bytes());
                    decoder.decode(&packed).expect("a frame of ours")
                })
                .collect();
            let level = loudness(&heard[5 * FRAME_SAMPLES..]);
            assert!((4_500.0..6_800.0).contains(&level), "{size:?}: loudness {level}, sent 5,657");
        }
    }

    #[test]
    fn a_gap_is_filled_with_what_was_heard_and_then_with_silence() {
        let (mut encoder, mut decoder) = (Encoder::new(FrameSize::B40), Decoder::new());
        for frame in tone(10) {
            decoder.decode(&encoder.encode(&frame)).expect("a frame of ours");
        }
        let made_up: Vec<f64> = (0..40).map(|_| loudness(&decoder.conceal())).collect();
        assert!(made_up[0] > 2_000.0, "{made_up:?}");
        assert!(made_up[19] < made_up[2], "{made_up:?}");
        assert!(made_up[20..].iter().all(|level| *level == 0.0), "{made_up:?}");
    }

    #[test]
    fn other_sizes_are_refused() {
        let mut decoder = Decoder::new();
        for bytes in [0, 1, 19, 401, 5_000] {
            assert_eq!(decoder.decode(&vec![0; bytes]), Err(Lc3Error::Size(bytes)));
        }
    }

    proptest! {
        #[test]
        fn random_frames_never_panic(frames in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..420), 0..6,
        )) {
            let mut decoder = Decoder::new();
            for frame in frames {
                let _ = decoder.decode(&frame);
            }
        }
    }
}
