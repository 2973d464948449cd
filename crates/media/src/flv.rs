//! The tags that RTMP carries, as in FLV: H.264 and AAC, nothing else.
//!
//! Newer encoders can send HEVC, AV1 and Opus in an extended form. Browsers that play HLS do not all play those, and we
//! transcode nothing, so they are refused by name.

use bytes::{Buf, Bytes};

use crate::h264::{self, AvcConfig};

/// What a tag holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tag {
    /// How to set up a decoder of pictures.
    VideoConfig(AvcConfig),
    /// How to set up a decoder of sound.
    AudioConfig(AacConfig),
    /// One picture.
    Video(Picture),
    /// One frame of sound: 1,024 samples of AAC.
    Audio(Bytes),
    /// Nothing to decode: ends of sequences, seek marks, tags without a body.
    Nothing,
}

/// One picture, as length-prefixed NAL units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    /// Can be decoded by itself.
    pub(crate) key: bool,
    /// How much later it is shown than decoded, in milliseconds.
    pub(crate) offset: i32,
    pub(crate) data: Bytes,
}

/// How sound is coded: the `AudioSpecificConfig` of MPEG-4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AacConfig {
    pub(crate) record: Bytes,
    /// The audio object type: 2 is AAC-LC.
    pub(crate) kind: u8,
    pub(crate) sample_rate: u32,
    pub(crate) channels: u8,
}

/// Why a tag is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadTag {
    /// Something that we do not transcode, by name.
    #[error("{0} is not supported; send H.264 and AAC")]
    Codec(String),
    #[error("a tag is cut off")]
    CutOff,
    #[error("the H.264 configuration cannot be read: {0}")]
    Video(#[from] h264::BadConfig),
    #[error("the AAC configuration cannot be read")]
    Audio,
}

const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// Reads a tag of pictures.
pub(crate) fn video(mut data: Bytes) -> Result<Tag, BadTag> {
    let Some(&first) = data.first() else { return Ok(Tag::Nothing) };
    if first & 0x80 != 0 {
        return Err(BadTag::Codec(four_letters(data.get(1..5).unwrap_or_default())));
    }
    match first & 0x0f {
        7 => {}
        2 => return Err(BadTag::Codec("Sorenson H.263".to_owned())),
        4 | 5 => return Err(BadTag::Codec("VP6".to_owned())),
        12 => return Err(BadTag::Codec("HEVC".to_owned())),
        other => return Err(BadTag::Codec(format!("video codec {other}"))),
    }
    // A mark for seeking, without a picture.
    if first >> 4 == 5 {
        return Ok(Tag::Nothing);
    }
    let Some(&[_, packet, high, middle, low]) = data.first_chunk::<5>() else { return Err(BadTag::CutOff) };
    data.advance(5);
    match packet {
        0 => Ok(Tag::VideoConfig(AvcConfig::read(data)?)),
        1 if data.is_empty() => Ok(Tag::Nothing),
        1 => {
            // 24 bits with a sign.
            let offset = i32::from_be_bytes([high, middle, low, 0]) >> 8;
            Ok(Tag::Video(Picture { key: first >> 4 == 1, offset, data }))
        }
        // The end of the sequence. Passed on, it would be a picture that cannot be decoded.
        _ => Ok(Tag::Nothing),
    }
}

/// Reads a tag of sound.
pub(crate) fn audio(mut data: Bytes) -> Result<Tag, BadTag> {
    let Some(&first) = data.first() else { return Ok(Tag::Nothing) };
    match first >> 4 {
        10 => {}
        9 => return Err(BadTag::Codec(four_letters(data.get(1..5).unwrap_or_default()))),
        2 | 14 => return Err(BadTag::Codec("MP3".to_owned())),
        4..=6 => return Err(BadTag::Codec("Nellymoser".to_owned())),
        11 => return Err(BadTag::Codec("Speex".to_owned())),
        other => return Err(BadTag::Codec(format!("audio codec {other}"))),
    }
    let Some(&packet) = data.get(1) else { return Err(BadTag::CutOff) };
    data.advance(2);
    match packet {
        0 => AacConfig::read(data).map(Tag::AudioConfig),
        1 if !data.is_empty() => Ok(Tag::Audio(data)),
        _ => Ok(Tag::Nothing),
    }
}

impl AacConfig {
    fn read(record: Bytes) -> Result<Self, BadTag> {
        let &[a, b, ..] = &record[..] else { return Err(BadTag::Audio) };
        let kind = a >> 3;
        let rate = usize::from((a & 7) << 1 | b >> 7);
        let channels = b >> 3 & 0x0f;
        // Rates in letters instead of by number, and object types above 30, exist on paper.
        let sample_rate = *RATES.get(rate).ok_or(BadTag::Audio)?;
        if kind == 0 || kind == 31 || record.len() > 64 {
            return Err(BadTag::Audio);
        }
        Ok(Self { record, kind, sample_rate, channels })
    }

    /// As browsers want to hear it.
    pub(crate) fn codec(&self) -> String {
        format!("mp4a.40.{}", self.kind)
    }
}

/// The name of a codec by its four letters. They are outside text: only what is a letter or a digit is kept.
fn four_letters(letters: &[u8]) -> String {
    match letters {
        b"hvc1" | b"hev1" => "HEVC".to_owned(),
        b"av01" => "AV1".to_owned(),
        b"vp08" => "VP8".to_owned(),
        b"vp09" => "VP9".to_owned(),
        b"avc1" => "H.264 in the extended form of RTMP".to_owned(),
        b"Opus" => "Opus".to_owned(),
        b"fLaC" => "FLAC".to_owned(),
        other => {
            let letters = other.iter().map(|byte| char::from(*byte)).filter(char::is_ascii_alphanumeric);
            format!("the codec `{}`", letters.collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(bytes: &[u8]) -> Bytes {
        Bytes::copy_from_slice(bytes)
    }

    #[test]
    fn pictures_and_their_offsets() {
        let tag = |offset: [u8; 3]| [&[0x27, 1][..], &offset, &[0, 0, 0, 1, 0x41]].concat();
        let offset = |bytes_of| match video(bytes(&tag(bytes_of))) {
            Ok(Tag::Video(picture)) => (picture.key, picture.offset),
            other => panic!("{other:?}"),
        };
        assert_eq!(offset([0, 0, 80]), (false, 80));
        assert_eq!(offset([0xff, 0xff, 0xff]), (false, -1));
        assert!(matches!(video(bytes(&[0x17, 1, 0, 0, 0, 9])), Ok(Tag::Video(Picture { key: true, .. }))));
    }

    #[test]
    fn ends_and_marks_are_nothing() {
        for tag in [&[0x17, 2, 0, 0, 0][..], &[0x57, 0], &[], &[0x17, 1, 0, 0, 0]] {
            assert_eq!(video(bytes(tag)), Ok(Tag::Nothing));
        }
        assert_eq!(audio(bytes(&[0xaf, 1])), Ok(Tag::Nothing));
    }

    #[test]
    fn what_we_do_not_transcode_is_refused_by_name() {
        let refused = |tag: &[u8], read: fn(Bytes) -> Result<Tag, BadTag>| match read(bytes(tag)) {
            Err(BadTag::Codec(name)) => name,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(b"\x90hvc1", video), "HEVC");
        assert_eq!(refused(b"\x90av01", video), "AV1");
        assert_eq!(refused(&[0x1c, 0], video), "HEVC");
        assert_eq!(refused(b"\x90\x1b[3m", video), "the codec `3m`");
        assert_eq!(refused(&[0x2f, 0], audio), "MP3");
        assert_eq!(refused(b"\x90Opus", audio), "Opus");
    }

    #[test]
    fn the_configuration_of_sound() {
        let Ok(Tag::AudioConfig(config)) = audio(bytes(&[0xaf, 0, 0x12, 0x10])) else { panic!("a configuration") };
        assert_eq!((config.kind, config.sample_rate, config.channels), (2, 44_100, 2));
        assert_eq!(config.codec(), "mp4a.40.2");
        assert_eq!(audio(bytes(&[0xaf, 0, 0x17, 0x90])), Err(BadTag::Audio));
        assert_eq!(audio(bytes(&[0xaf, 0, 0x12])), Err(BadTag::Audio));
    }
}
