//! Samples to LC3: what phones do, for glasses that are simulated.

use lc3_codec::common::complex::Complex;
use lc3_codec::common::config::{FrameDuration, SamplingFrequency};
use lc3_codec::encoder::lc3_encoder::Lc3Encoder;

use super::desk::{Desk, Worker};
use super::{FRAME_SAMPLES, FrameSize};

/// Encodes one stream.
#[derive(Debug)]
pub struct Encoder {
    codec: Worker<[i16; FRAME_SAMPLES], Vec<u8>>,
    size: FrameSize,
}

impl Encoder {
    /// For a stream that begins.
    pub fn new(size: FrameSize) -> Self {
        Self { codec: Worker::new(move |desk| encode_for_ever(desk, size)), size }
    }

    /// The frame of 10 ms; it has the size that was chosen.
    pub fn encode(&mut self, samples: &[i16; FRAME_SAMPLES]) -> Vec<u8> {
        // The codec never fails at samples; zeros would be a frame that says nothing.
        self.codec.run(*samples).unwrap_or_else(|| vec![0; self.size.bytes()])
    }
}

async fn encode_for_ever(desk: Desk<[i16; FRAME_SAMPLES], Vec<u8>>, size: FrameSize) {
    let (duration, rate) = (FrameDuration::TenMs, SamplingFrequency::Hz16000);
    let (integers, scalers, complexes) = Lc3Encoder::calc_working_buffer_lengths(1, duration, rate);
    let (mut integers, mut scalers) = (vec![0; integers], vec![0.0; scalers]);
    let mut complexes = vec![Complex::default(); complexes];
    let mut codec = Lc3Encoder::new(1, duration, rate, &mut integers, &mut scalers, &mut complexes);
    loop {
        let samples = desk.next().await;
        let mut frame = vec![0; size.bytes()];
        // Its error type has no values.
        let _ = codec.encode_frame(0, &samples, &mut frame);
        desk.done(frame);
    }
}
