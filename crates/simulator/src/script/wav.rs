//! Reading recordings: WAV files with exactly the sound that glasses send.
//!
//! Nothing is converted on the way, so that a test knows what the cloud hears. The error says how to convert.

use bytes::Bytes;

/// Why a file is not sound for glasses.
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
    /// Other sound than glasses have.
    #[error(
        "the sound is {channels} channels of {bits} bits at {rate} Hz (format {format}); glasses have 1 channel of 16 \
         bits at 16000 Hz: ffmpeg -i IN -ac 1 -ar 16000 -c:a pcm_s16le OUT.wav"
    )]
    Format {
        /// 1 is PCM.
        format: u16,
        /// 1 is mono.
        channels: u16,
        /// Samples a second.
        rate: u32,
        /// Of a sample.
        bits: u16,
    },
}

/// The samples of a WAV file: 16 kHz, mono, 16-bit little-endian.
///
/// # Errors
/// [`WavError`], for anything that is not exactly that.
pub fn decode(file: &Bytes) -> Result<Bytes, WavError> {
    if file.get(..4) != Some(b"RIFF") || file.get(8..12) != Some(b"WAVE") {
        return Err(WavError::NotWav);
    }
    let mut has_format = false;
    let mut at = 12;
    while let Some(head) = file.get(at..at + 8) {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let body = at + 8;
        match &head[..4] {
            b"data" if !has_format => return Err(WavError::Missing("fmt ")),
            b"data" => {
                // Half a sample at the end would shift everything that is said later.
                let end = body.checked_add(length).filter(|&end| end <= file.len() && length.is_multiple_of(2));
                return end.map(|end| file.slice(body..end)).ok_or(WavError::Truncated);
            }
            b"fmt " => {
                let end = body.checked_add(length).ok_or(WavError::Truncated)?;
                check(file.get(body..end).ok_or(WavError::Truncated)?)?;
                has_format = true;
            }
            _ => {}
        }
        // Chunks begin at even places.
        at = length.checked_add(length % 2).and_then(|length| body.checked_add(length)).ok_or(WavError::Truncated)?;
    }
    Err(WavError::Missing(if has_format { "data" } else { "fmt " }))
}

fn check(fmt: &[u8]) -> Result<(), WavError> {
    let [f0, f1, c0, c1, r0, r1, r2, r3, _, _, _, _, _, _, b0, b1, more @ ..] = fmt else {
        return Err(WavError::Truncated);
    };
    let format = match (u16::from_le_bytes([*f0, *f1]), more) {
        // The extensible form: the real format stands behind size, bits and channel mask.
        (0xFFFE, [_, _, _, _, _, _, _, _, f0, f1, ..]) => u16::from_le_bytes([*f0, *f1]),
        (format, _) => format,
    };
    let (channels, bits) = (u16::from_le_bytes([*c0, *c1]), u16::from_le_bytes([*b0, *b1]));
    let rate = u32::from_le_bytes([*r0, *r1, *r2, *r3]);
    match (format, channels, rate, bits) {
        (1, 1, 16_000, 16) => Ok(()),
        _ => Err(WavError::Format { format, channels, rate, bits }),
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

    fn wav(chunks: &[Vec<u8>]) -> Bytes {
        let body = chunks.concat();
        [b"RIFF".as_slice(), &(body.len() as u32 + 4).to_le_bytes(), b"WAVE", &body].concat().into()
    }

    #[test]
    fn the_samples_are_found_behind_other_chunks() {
        let file = wav(&[fmt(1, 1, 16_000, 16), chunk(b"LIST", b"odd"), chunk(b"data", &[1, 2, 3, 4])]);
        assert_eq!(decode(&file).as_deref(), Ok([1, 2, 3, 4].as_slice()));
        let mut extensible = fmt(0xFFFE, 1, 16_000, 16);
        extensible.extend([22, 0, 16, 0, 4, 0, 0, 0, 1, 0]);
        extensible[4] = 26;
        assert_eq!(decode(&wav(&[extensible, chunk(b"data", &[5, 6])])).as_deref(), Ok([5, 6].as_slice()));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let good = fmt(1, 1, 16_000, 16);
        assert_eq!(decode(&Bytes::from_static(b"OggS")), Err(WavError::NotWav));
        assert_eq!(decode(&wav(&[])), Err(WavError::Missing("fmt ")));
        assert_eq!(decode(&wav(&[chunk(b"data", &[0; 4])])), Err(WavError::Missing("fmt ")));
        assert_eq!(decode(&wav(std::slice::from_ref(&good))), Err(WavError::Missing("data")));
        assert_eq!(decode(&wav(&[good.clone(), chunk(b"data", &[0; 3])])), Err(WavError::Truncated));
        let cut = wav(&[good, chunk(b"data", &[0; 4])]);
        assert_eq!(decode(&cut.slice(..cut.len() - 1)), Err(WavError::Truncated));
        let stereo = decode(&wav(&[fmt(1, 2, 44_100, 16)])).expect_err("stereo").to_string();
        assert!(stereo.starts_with("the sound is 2 channels of 16 bits at 44100 Hz"), "{stereo}");
        assert!(stereo.contains("ffmpeg -i IN -ac 1"), "{stereo}");
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = decode(&Bytes::from(bytes.clone()));
            let mut file = wav(&[fmt(1, 1, 16_000, 16)]).to_vec();
            file.extend(bytes);
            let _ = decode(&Bytes::from(file));
        }
    }
}
