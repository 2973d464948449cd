//! Other rates: recordings, voices of engines, engines that hear at 24 kHz.

use rubato::audioadapter::Adapter;
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Indexing, Resampler as _};

/// The rates that make sense, in samples a second.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=192_000;

/// Why sound cannot be had at another rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResampleError {
    /// A rate is none.
    #[error("sound has 4,000 to 192,000 samples a second, not {0}")]
    Rate(u32),
    /// The two rates do not go together.
    #[error("sound of {from} samples a second cannot be made into sound of {to}: {why}")]
    Pair {
        /// What there is.
        from: u32,
        /// What is wanted.
        to: u32,
        /// What the library said.
        why: String,
    },
}

/// Turns a stream of one rate into a stream of another, piece by piece.
pub struct Resampler {
    inner: Option<Fft<f32>>,
    waiting: Vec<f32>,
    /// Samples at the beginning that are only the delay of the filter.
    delay: usize,
    taken: u64,
    given: u64,
    ratio: f64,
}

/// A whole recording at another rate.
///
/// # Errors
/// [`ResampleError`].
pub fn resample(samples: &[i16], from: u32, to: u32) -> Result<Vec<i16>, ResampleError> {
    let mut resampler = Resampler::new(from, to)?;
    let mut out = resampler.push(samples);
    out.extend(resampler.finish());
    Ok(out)
}

impl Resampler {
    /// From one rate to another, one channel.
    ///
    /// # Errors
    /// [`ResampleError`].
    pub fn new(from: u32, to: u32) -> Result<Self, ResampleError> {
        if let Some(&rate) = [from, to].iter().find(|rate| !RATES.contains(rate)) {
            return Err(ResampleError::Rate(rate));
        }
        let inner = if from == to {
            None
        } else {
            // A filter of about 10 ms.
            let chunk = (from / 100) as usize;
            let made = Fft::new(from as usize, to as usize, chunk, 1, FixedSync::Input);
            Some(made.map_err(|error| ResampleError::Pair { from, to, why: error.to_string() })?)
        };
        let delay = inner.as_ref().map_or(0, rubato::Resampler::output_delay);
        let ratio = f64::from(to) / f64::from(from);
        Ok(Self { inner, waiting: Vec::new(), delay, taken: 0, given: 0, ratio })
    }

    /// Takes samples, gives those that are finished: up to 20 ms come later.
    pub fn push(&mut self, samples: &[i16]) -> Vec<i16> {
        self.taken += samples.len() as u64;
        if self.inner.is_none() {
            return samples.to_vec();
        }
        self.waiting.extend(samples.iter().map(|&sample| f32::from(sample) / 32_768.0));
        let mut out = Vec::new();
        let mut used = 0;
        while let Some(step) = self.step(used, None, &mut out) {
            used += step;
        }
        self.waiting.drain(..used);
        self.given += out.len() as u64;
        out
    }

    /// The end: what is still inside. All together has the length that it must have.
    pub fn finish(mut self) -> Vec<i16> {
        if self.inner.is_none() {
            return Vec::new();
        }
        let wanted = (self.taken as f64 * self.ratio).ceil() as u64;
        let missing = usize::try_from(wanted.saturating_sub(self.given)).unwrap_or(0);
        let mut out = Vec::new();
        let mut left = self.waiting.len();
        while out.len() < missing {
            if self.step(0, Some(left), &mut out).is_none() {
                break;
            }
            left = 0;
        }
        out.truncate(missing);
        out
    }

    /// One piece from `at` on, `partial` samples of it or all that it takes; gives how many went in, `None` when there are
    /// too few.
    fn step(&mut self, at: usize, partial: Option<usize>, out: &mut Vec<i16>) -> Option<usize> {
        let inner = self.inner.as_mut()?;
        let needed = inner.input_frames_next();
        if partial.is_none() && self.waiting.len() - at < needed {
            return None;
        }
        let input = InterleavedSlice::new(&self.waiting, 1, self.waiting.len()).ok()?;
        let indexing = Indexing { input_offset: at, partial_len: partial, ..Indexing::default() };
        let piece = inner.process(&input, Some(&indexing)).ok()?;
        for frame in 0..piece.frames() {
            if self.delay > 0 {
                self.delay -= 1;
                continue;
            }
            let sample = piece.read_sample(0, frame).unwrap_or_default();
            out.push((sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16);
        }
        Some(needed)
    }
}

impl std::fmt::Debug for Resampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resampler").field("ratio", &self.ratio).field("taken", &self.taken).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tone(rate: u32, samples: usize) -> Vec<i16> {
        let at = |n: usize| (n as f64 * 440.0 * std::f64::consts::TAU / f64::from(rate)).sin() * 10_000.0;
        (0..samples).map(|n| at(n) as i16).collect()
    }

    /// A tone stays the tone that it was, at the same time: compared with the one that was made at the other rate. The filter
    /// delays by half its length, which is not always a whole number of samples: up to 6 % of this tone.
    #[test]
    fn a_tone_stays_a_tone() {
        for (from, to) in [(8_000, 16_000), (22_050, 16_000), (24_000, 16_000), (44_100, 16_000), (16_000, 24_000)] {
            let made = resample(&tone(from, from as usize / 2), from, to).expect("rates");
            let wanted = tone(to, to as usize / 2);
            assert_eq!(made.len(), wanted.len(), "{from} to {to}");
            let inside = to as usize / 20..made.len() - to as usize / 20;
            let error: f64 = made[inside.clone()]
                .iter()
                .zip(&wanted[inside.clone()])
                .map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2))
                .sum();
            let error = (error / inside.len() as f64).sqrt();
            assert!(error < 500.0, "{from} to {to}: {error} of 7,071");
        }
    }

    #[test]
    fn a_rate_that_is_none_is_told() {
        assert_eq!(resample(&[0], 0, 16_000), Err(ResampleError::Rate(0)));
        assert_eq!(resample(&[0], 16_000, 1), Err(ResampleError::Rate(1)));
        assert_eq!(resample(&[1, 2, 3], 16_000, 16_000), Ok(vec![1, 2, 3]));
    }

    proptest! {
        /// How a stream is cut into pieces changes nothing.
        #[test]
        fn pieces_are_as_good_as_the_whole(cuts in proptest::collection::vec(0usize..900, 0..12)) {
            let sound = tone(24_000, 4_800);
            let whole = resample(&sound, 24_000, 16_000).expect("rates");
            let mut resampler = Resampler::new(24_000, 16_000).expect("rates");
            let (mut rest, mut made) = (sound.as_slice(), Vec::new());
            for cut in cuts {
                let (piece, more) = rest.split_at(cut.min(rest.len()));
                made.extend(resampler.push(piece));
                rest = more;
            }
            made.extend(resampler.push(rest));
            made.extend(resampler.finish());
            prop_assert_eq!(made, whole);
        }
    }
}
