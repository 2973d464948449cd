//! Whether somebody speaks, 16 ms at a time.
//!
//! For engines that take whole sentences. Never a gate for sound that a phone has sent: who decides what is silence decides
//! what gets lost.

use earshot::{DefaultPredictor, Detector};

use crate::pcm;

/// Samples of a window.
pub(crate) const WINDOW: usize = 256;

/// Listens to one stream for a voice.
pub struct Voice(Box<Detector<DefaultPredictor>>);

impl Default for Voice {
    fn default() -> Self {
        Self::new()
    }
}

impl Voice {
    /// For a stream that begins.
    pub fn new() -> Self {
        Self(Detector::default_boxed())
    }

    /// How likely a voice is in the next 16 ms (512 bytes of PCM), from 0 to 1. Anything shorter is silence.
    pub fn score(&mut self, window: &[u8]) -> f32 {
        let mut samples = [0; WINDOW];
        let mut count = 0;
        for (to, sample) in samples.iter_mut().zip(pcm::samples(window)) {
            *to = sample;
            count += 1;
        }
        if count < WINDOW { 0.0 } else { self.0.predict_i16(&samples).clamp(0.0, 1.0) }
    }
}

impl std::fmt::Debug for Voice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Voice")
    }
}
