//! WAV files: recordings that are played into glasses, voices that engines speak.

use bytes::Bytes;

use crate::pcm;
use crate::resample::{ResampleError, resample};

/// Length of a header of ours.
const HEADER: u32 = 44;
/// A data chunk that claims so much was written by somebody who did not know the length beforehand: it goes to the end.
const UNKNOWN_LENGTH: usize = 0x7FFF_0000;

/// Why a file is not sound that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WavError {
    /// Another kind of file.
    #[error("not a WAV file")]
    NotWav,
    /// It ends within a chunk.
    #[error("the file is cut off")]
    Truncated,
    /// A chunk is missing.
    #[error("the file has no {0:?} chunk before its sound")]
    Missing(&'static str),
    /// Sound of a kind that is not read here.
    #[error(
        "the sound is {channels} channels of {bits} bits (format {format}); PCM of 8, 16, 24 or 32 bits and 32-bit float \
         can be read: ffmpeg -i IN -ac 1 -ar 16000 -c:a pcm_s16le OUT.wav"
    )]
    Format {
        /// 1 is PCM, 3 is float.
        format: u16,
        /// 1 is mono.
        channels: u16,
        /// Of a sample.
        bits: u16,
    },
    /// Its rate is none.
    #[error(transparent)]
    Rate(#[from] ResampleError),
}

/// The sound of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wav {
    /// Samples a second.
    pub rate: u32,
    /// One channel: several are mixed.
    pub samples: Vec<i16>,
}

/// Reads a file.
///
/// # Errors
/// [`WavError`].
pub fn read(file: &[u8]) -> Result<Wav, WavError> {
    if file.get(..4) != Some(b"RIFF") || file.get(8..12) != Some(b"WAVE") {
        return Err(WavError::NotWav);
    }
    let mut format = None;
    let mut at = 12;
    while let Some(head) = file.get(at..at + 8) {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let body = at + 8;
        match &head[..4] {
            b"data" => {
                let format: Format = format.ok_or(WavError::Missing("fmt "))?;
                let whole = length.is_multiple_of(format.frame());
                let end = body.checked_add(length).filter(|&end| end <= file.len() && whole);
                let sound = match end {
                    Some(end) => &file[body..end],
                    None if length >= UNKNOWN_LENGTH => &file[body..],
                    None => return Err(WavError::Truncated),
                };
                return Ok(Wav { rate: format.rate, samples: format.samples(sound) });
            }
            b"fmt " => {
                let end = body.checked_add(length).ok_or(WavError::Truncated)?;
                format = Some(Format::read(file.get(body..end).ok_or(WavError::Truncated)?)?);
            }
            _ => {}
        }
        // Chunks begin at even places.
        at = length.checked_add(length % 2).and_then(|length| body.checked_add(length)).ok_or(WavError::Truncated)?;
    }
    Err(WavError::Missing(if format.is_some() { "data" } else { "fmt " }))
}

/// Reads a file as sound of glasses: PCM at 16 kHz, whatever its own rate.
///
/// # Errors
/// [`WavError`].
pub fn read_for_glasses(file: &[u8]) -> Result<Bytes, WavError> {
    let Wav { rate, samples } = read(file)?;
    Ok(pcm::bytes(&resample(&samples, rate, pcm::RATE)?).into())
}

/// A file with this sound: one channel, 16 bits.
pub fn write(samples: &[i16], rate: u32) -> Vec<u8> {
    let length = u32::try_from(samples.len() * pcm::SAMPLE_BYTES).unwrap_or(u32::MAX - HEADER);
    let mut file = Vec::with_capacity(HEADER as usize + samples.len() * pcm::SAMPLE_BYTES);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(length + HEADER - 8).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend_from_slice(&rate.to_le_bytes());
    file.extend_from_slice(&rate.saturating_mul(2).to_le_bytes());
    file.extend_from_slice(b"\x02\0\x10\0data");
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(&pcm::bytes(samples));
    file
}

/// What the `fmt ` chunk says.
#[derive(Debug, Clone, Copy)]
struct Format {
    kind: Kind,
    channels: usize,
    rate: u32,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    U8,
    I16,
    I24,
    I32,
    F32,
}

impl Format {
    fn read(fmt: &[u8]) -> Result<Self, WavError> {
        let [f0, f1, c0, c1, r0, r1, r2, r3, _, _, _, _, _, _, b0, b1, more @ ..] = fmt else {
            return Err(WavError::Truncated);
        };
        let format = match (u16::from_le_bytes([*f0, *f1]), more) {
            // The extensible form: the real format stands behind size, bits and channel mask.
            (0xFFFE, [_, _, _, _, _, _, _, _, f0, f1, ..]) => u16::from_le_bytes([*f0, *f1]),
            (format, _) => format,
        };
        let (channels, bits) = (u16::from_le_bytes([*c0, *c1]), u16::from_le_bytes([*b0, *b1]));
        let kind = match (format, bits) {
            (1, 8) => Kind::U8,
            (1, 16) => Kind::I16,
            (1, 24) => Kind::I24,
            (1, 32) => Kind::I32,
            (3, 32) => Kind::F32,
            _ => return Err(WavError::Format { format, channels, bits }),
        };
        if !(1..=8).contains(&channels) {
            return Err(WavError::Format { format, channels, bits });
        }
        Ok(Self { kind, channels: channels.into(), rate: u32::from_le_bytes([*r0, *r1, *r2, *r3]) })
    }

    /// Bytes of a sample of one channel.
    fn width(self) -> usize {
        match self.kind {
            Kind::U8 => 1,
            Kind::I16 => 2,
            Kind::I24 => 3,
            Kind::I32 | Kind::F32 => 4,
        }
    }

    /// Bytes of a sample of all channels.
    fn frame(self) -> usize {
        self.width() * self.channels
    }

    fn samples(self, sound: &[u8]) -> Vec<i16> {
        let one = |bytes: &[u8]| -> i32 {
            match (self.kind, bytes) {
                (Kind::U8, [a]) => (i32::from(*a) - 128) << 8,
                (Kind::I16, [a, b]) => i32::from(i16::from_le_bytes([*a, *b])),
                (Kind::I24, [_, b, c]) | (Kind::I32, [_, _, b, c]) => i32::from(i16::from_le_bytes([*b, *c])),
                (Kind::F32, [a, b, c, d]) => (f32::from_le_bytes([*a, *b, *c, *d]) * 32_768.0) as i32,
                _ => 0,
            }
        };
        let mixed = |frame: &[u8]| {
            let sum: i32 = frame.chunks_exact(self.width()).map(|bytes| one(bytes).clamp(-32_768, 32_767)).sum();
            (sum / self.channels as i32) as i16
        };
        sound.chunks_exact(self.frame()).map(mixed).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut chunk = [name.as_slice(), &(body.len() as u32).to_le_bytes(), body].concat();
        chunk.resize(chunk.len().next_multiple_of(2), 0);
        chunk
    }

    fn fmt(format: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
        let mut body = [format.to_le_bytes(), channels.to_le_bytes()].concat();
        body.extend(rate.to_le_bytes());
        body.extend([0; 6]);
        body.extend(bits.to_le_bytes());
        chunk(b"fmt ", &body)
    }

    fn wav(chunks: &[Vec<u8>]) -> Vec<u8> {
        let body = chunks.concat();
        [b"RIFF".as_slice(), &(body.len() as u32 + 4).to_le_bytes(), b"WAVE", &body].concat()
    }

    fn samples(chunks: &[Vec<u8>]) -> Result<Vec<i16>, WavError> {
        read(&wav(chunks)).map(|wav| wav.samples)
    }

    #[test]
    fn the_samples_are_found_behind_other_chunks() {
        let sound = chunk(b"data", &[1, 0, 255, 255]);
        assert_eq!(samples(&[fmt(1, 1, 16_000, 16), chunk(b"LIST", b"odd"), sound.clone()]), Ok(vec![1, -1]));
        let mut extensible = fmt(0xFFFE, 1, 16_000, 16);
        extensible.extend([22, 0, 16, 0, 4, 0, 0, 0, 1, 0]);
        extensible[4] = 26;
        assert_eq!(samples(&[extensible, sound]), Ok(vec![1, -1]));
    }

    #[test]
    fn other_kinds_become_one_channel_of_16_bits() {
        let read =
            |format, channels, bits, body: &[u8]| samples(&[fmt(format, channels, 8_000, bits), chunk(b"data", body)]);
        assert_eq!(read(1, 1, 8, &[128, 255, 0]).map(|s| s[..2].to_vec()), Ok(vec![0, 127 << 8]));
        assert_eq!(read(1, 2, 16, &[10, 0, 20, 0]), Ok(vec![15]));
        assert_eq!(read(1, 1, 24, &[9, 1, 0]).map(|s| s[0]), Ok(1));
        assert_eq!(read(1, 1, 32, &[9, 9, 1, 0]), Ok(vec![1]));
        assert_eq!(read(3, 1, 32, &0.5f32.to_le_bytes()), Ok(vec![16_384]));
        assert_eq!(read(3, 1, 32, &9.0f32.to_le_bytes()), Ok(vec![i16::MAX]));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let good = fmt(1, 1, 16_000, 16);
        assert_eq!(read(b"OggS"), Err(WavError::NotWav));
        assert_eq!(samples(&[]), Err(WavError::Missing("fmt ")));
        assert_eq!(samples(&[chunk(b"data", &[0; 4])]), Err(WavError::Missing("fmt ")));
        assert_eq!(samples(std::slice::from_ref(&good)), Err(WavError::Missing("data")));
        assert_eq!(samples(&[good.clone(), chunk(b"data", &[0; 3])]), Err(WavError::Truncated));
        let cut = wav(&[good, chunk(b"data", &[0; 4])]);
        assert_eq!(read(&cut[..cut.len() - 1]), Err(WavError::Truncated));
        let law = samples(&[fmt(7, 1, 8_000, 8)]).expect_err("µ-law").to_string();
        assert!(law.starts_with("the sound is 1 channels of 8 bits (format 7)"), "{law}");
        let none = wav(&[fmt(1, 1, 0, 16), chunk(b"data", &[0; 4])]);
        assert_eq!(read_for_glasses(&none), Err(WavError::Rate(ResampleError::Rate(0))));
    }

    #[test]
    fn what_was_written_is_read_again() {
        let sound: Vec<i16> = (0..100).map(|n| n * 300).collect();
        let mut file = write(&sound, 22_050);
        assert_eq!(read(&file), Ok(Wav { rate: 22_050, samples: sound.clone() }));
        // As a program writes it into a pipe.
        file[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(read(&file).map(|wav| wav.samples), Ok(sound));
    }

    #[test]
    fn another_rate_becomes_that_of_glasses() {
        let file = write(&vec![1_000; 8_000], 8_000);
        let pcm = read_for_glasses(&file).expect("sound");
        assert_eq!(pcm.len(), 32_000);
        let heard: Vec<i16> = pcm::samples(&pcm).collect();
        assert!((950..1_050).contains(&heard[8_000]), "{}", heard[8_000]);
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = read_for_glasses(&bytes);
            let mut file = wav(&[fmt(1, 1, 16_000, 16)]);
            file.extend(bytes);
            let _ = read_for_glasses(&file);
        }
    }
}
