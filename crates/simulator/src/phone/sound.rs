//! How a phone sends what its glasses hear: packed as it is or as LC3, over its socket or over UDP.

use std::str::FromStr;

use bifocal_audio::lc3::{Encoder, FRAME_SAMPLES, FrameSize};
use bifocal_audio::pcm;
use bytes::Bytes;

/// Samples of 20 ms.
const CHUNK_SAMPLES: usize = 320;

/// How sound is packed and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SoundPath {
    /// LC3 with frames of this size; PCM when `None`.
    pub lc3: Option<FrameSize>,
    /// Over UDP where the cloud offers it and answers; otherwise, and without it, over the socket.
    pub udp: bool,
    /// Encrypted over UDP.
    pub secret: bool,
}

impl FromStr for SoundPath {
    type Err = String;

    /// `pcm`, `lc3-20`, `lc3-40`, `lc3-60`, each alone or with `+udp` or `+udp+secret`; `udp` is `pcm+udp`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut path = Self::default();
        for (at, word) in text.split('+').enumerate() {
            match (at, word) {
                (0, "pcm") => {}
                (0, "lc3-20") => path.lc3 = Some(FrameSize::B20),
                (0, "lc3-40") => path.lc3 = Some(FrameSize::B40),
                (0, "lc3-60") => path.lc3 = Some(FrameSize::B60),
                (0 | 1, "udp") if !path.udp => path.udp = true,
                (1 | 2, "secret") if path.udp && !path.secret => path.secret = true,
                _ => {
                    return Err("expected pcm, lc3-20, lc3-40 or lc3-60, with +udp or +udp+secret behind it".to_owned());
                }
            }
        }
        Ok(path)
    }
}

/// Sound in pieces of 20 ms, packed. The last one is filled with silence where LC3 needs whole frames.
pub(super) fn pack(sound: &Bytes, lc3: Option<FrameSize>) -> Vec<Bytes> {
    let bytes = CHUNK_SAMPLES * pcm::SAMPLE_BYTES;
    let Some(size) = lc3 else {
        return (0..sound.len().div_ceil(bytes))
            .map(|n| sound.slice(n * bytes..sound.len().min((n + 1) * bytes)))
            .collect();
    };
    let mut encoder = Encoder::new(size);
    sound
        .chunks(bytes)
        .map(|piece| {
            let samples: Vec<i16> = pcm::samples(piece).collect();
            let frames = samples.chunks(FRAME_SAMPLES).flat_map(|samples| {
                let mut frame = [0; FRAME_SAMPLES];
                frame[..samples.len()].copy_from_slice(samples);
                encoder.encode(&frame)
            });
            frames.collect::<Vec<u8>>().into()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_has_a_name() {
        let path = |lc3, udp, secret| Ok(SoundPath { lc3, udp, secret });
        assert_eq!("pcm".parse(), path(None, false, false));
        assert_eq!("lc3-40".parse(), path(Some(FrameSize::B40), false, false));
        assert_eq!("udp".parse(), path(None, true, false));
        assert_eq!("lc3-20+udp".parse(), path(Some(FrameSize::B20), true, false));
        assert_eq!("pcm+udp+secret".parse(), path(None, true, true));
        for bad in ["", "opus", "udp+pcm", "pcm+secret", "udp+udp", "lc3", "pcm+udp+secret+secret"] {
            assert!(bad.parse::<SoundPath>().is_err(), "{bad}");
        }
    }

    #[test]
    fn sound_is_cut_into_20_ms() {
        let sound = Bytes::from(vec![1; 640 * 2 + 10]);
        let lengths = |lc3| pack(&sound, lc3).iter().map(Bytes::len).collect::<Vec<_>>();
        assert_eq!(lengths(None), [640, 640, 10]);
        assert_eq!(lengths(Some(FrameSize::B40)), [80, 80, 40]);
        assert!(pack(&Bytes::new(), Some(FrameSize::B20)).is_empty());
    }
}
