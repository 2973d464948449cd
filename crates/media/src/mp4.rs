//! Fragmented MP4: the header that a player needs once, and one fragment for each segment.
//!
//! Sound and pictures stay as they came (H.264 with length prefixes, raw AAC), so a segment is a copy and a table in front.
//! Sources: ISO/IEC 14496-12 (boxes), -15 (`avc1`), -14 (`mp4a`).

use bytes::{BufMut, Bytes, BytesMut};

use crate::flv::AacConfig;
use crate::h264::AvcConfig;

/// Pictures are timed in milliseconds, as RTMP times them. Sound is timed in its own samples.
pub(crate) const VIDEO_SCALE: u32 = 1000;

const VIDEO: u32 = 1;
const AUDIO: u32 = 2;
/// A picture that others do not need for decoding, but which needs others; and one that stands alone.
const DEPENDS: u32 = 0x0101_0000;
const ALONE: u32 = 0x0200_0000;

/// One picture or frame of sound, ready to be written.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// How long until the next one is decoded, in units of its track.
    pub(crate) duration: u32,
    /// How much later it is shown than decoded.
    pub(crate) offset: i32,
    pub(crate) key: bool,
    pub(crate) data: Bytes,
}

/// What a fragment holds of one track.
#[derive(Debug, Clone, Default)]
pub(crate) struct Run {
    /// When the first is decoded, in units of the track.
    pub(crate) begin: u64,
    pub(crate) samples: Vec<Sample>,
}

/// The header: what there is to decode, and how.
pub(crate) fn header(video: &AvcConfig, audio: Option<&AacConfig>) -> Bytes {
    let mut out = BytesMut::with_capacity(1200);
    boxed(&mut out, b"ftyp", |out| {
        out.put_slice(b"iso6");
        out.put_u32(0);
        out.put_slice(b"iso6mp41");
    });
    boxed(&mut out, b"moov", |out| {
        full(out, b"mvhd", 0, 0, |out| {
            out.put_u64(0);
            out.put_u32(VIDEO_SCALE);
            out.put_u32(0);
            out.put_u32(0x0001_0000);
            out.put_u16(0x0100);
            out.put_bytes(0, 10);
            matrix(out);
            out.put_bytes(0, 24);
            out.put_u32(3);
        });
        track(out, VIDEO, VIDEO_SCALE, (video.width, video.height), |out| visual_entry(out, video));
        if let Some(audio) = audio {
            track(out, AUDIO, audio.sample_rate, (0, 0), |out| audio_entry(out, audio));
        }
        boxed(out, b"mvex", |out| {
            let tracks = if audio.is_some() { AUDIO } else { VIDEO };
            for track in VIDEO..=tracks {
                full(out, b"trex", 0, 0, |out| {
                    out.put_u32(track);
                    out.put_u32(1);
                    out.put_bytes(0, 12);
                });
            }
        });
    });
    out.freeze()
}

/// One fragment: the table, then the pictures, then the sound.
pub(crate) fn fragment(sequence: u32, video: &Run, audio: &Run) -> Bytes {
    let payload = |run: &Run| run.samples.iter().map(|sample| sample.data.len()).sum::<usize>();
    let (pictures, sound) = (payload(video), payload(audio));
    let entries = video.samples.len() + audio.samples.len();
    let mut out = BytesMut::with_capacity(pictures + sound + entries * 16 + 256);
    let mut offsets = Vec::with_capacity(2);
    boxed(&mut out, b"moof", |out| {
        full(out, b"mfhd", 0, 0, |out| out.put_u32(sequence));
        offsets.push((traf(out, VIDEO, video), 0));
        if !audio.samples.is_empty() {
            offsets.push((traf(out, AUDIO, audio), pictures));
        }
    });
    // Counted from the first byte of this fragment; the 8 are the head of `mdat`.
    for (place, before) in offsets {
        let offset = (out.len() + 8 + before) as u32;
        out[place..place + 4].copy_from_slice(&offset.to_be_bytes());
    }
    boxed(&mut out, b"mdat", |out| {
        for sample in video.samples.iter().chain(&audio.samples) {
            out.put_slice(&sample.data);
        }
    });
    out.freeze()
}

/// The table of one track; where the place of its data is to be filled in.
fn traf(out: &mut BytesMut, track: u32, run: &Run) -> usize {
    let mut place = 0;
    boxed(out, b"traf", |out| {
        // Places count from the fragment.
        full(out, b"tfhd", 0, 0x02_0000, |out| out.put_u32(track));
        full(out, b"tfdt", 1, 0, |out| out.put_u64(run.begin));
        // Place of the data; and for each sample: duration, size, flags, offset.
        full(out, b"trun", 1, 0x0f01, |out| {
            out.put_u32(run.samples.len() as u32);
            place = out.len();
            out.put_u32(0);
            for sample in &run.samples {
                out.put_u32(sample.duration);
                out.put_u32(sample.data.len() as u32);
                out.put_u32(if sample.key { ALONE } else { DEPENDS });
                out.put_i32(sample.offset);
            }
        });
    });
    place
}

fn track(out: &mut BytesMut, id: u32, scale: u32, size: (u16, u16), entry: impl FnOnce(&mut BytesMut)) {
    let is_video = id == VIDEO;
    boxed(out, b"trak", |out| {
        // Enabled, and a part of the presentation.
        full(out, b"tkhd", 0, 3, |out| {
            out.put_u64(0);
            out.put_u32(id);
            out.put_bytes(0, 16);
            out.put_u32(0);
            out.put_u16(if is_video { 0 } else { 0x0100 });
            out.put_u16(0);
            matrix(out);
            out.put_u32(u32::from(size.0) << 16);
            out.put_u32(u32::from(size.1) << 16);
        });
        boxed(out, b"mdia", |out| {
            full(out, b"mdhd", 0, 0, |out| {
                out.put_u64(0);
                out.put_u32(scale);
                out.put_u32(0);
                // "und", the language of nothing in particular.
                out.put_u32(0x55c4_0000);
            });
            full(out, b"hdlr", 0, 0, |out| {
                out.put_u32(0);
                out.put_slice(if is_video { b"vide" } else { b"soun" });
                out.put_bytes(0, 13);
            });
            boxed(out, b"minf", |out| {
                match is_video {
                    true => full(out, b"vmhd", 0, 1, |out| out.put_u64(0)),
                    false => full(out, b"smhd", 0, 0, |out| out.put_u32(0)),
                }
                boxed(out, b"dinf", |out| {
                    full(out, b"dref", 0, 0, |out| {
                        out.put_u32(1);
                        full(out, b"url ", 0, 1, |_| {});
                    });
                });
                boxed(out, b"stbl", |out| {
                    full(out, b"stsd", 0, 0, |out| {
                        out.put_u32(1);
                        entry(out);
                    });
                    full(out, b"stts", 0, 0, |out| out.put_u32(0));
                    full(out, b"stsc", 0, 0, |out| out.put_u32(0));
                    full(out, b"stsz", 0, 0, |out| out.put_u64(0));
                    full(out, b"stco", 0, 0, |out| out.put_u32(0));
                });
            });
        });
    });
}

fn visual_entry(out: &mut BytesMut, video: &AvcConfig) {
    boxed(out, b"avc1", |out| {
        out.put_bytes(0, 6);
        out.put_u16(1);
        out.put_bytes(0, 16);
        out.put_u16(video.width);
        out.put_u16(video.height);
        out.put_u64(0x0048_0000_0048_0000);
        out.put_u32(0);
        out.put_u16(1);
        out.put_bytes(0, 32);
        out.put_u16(24);
        out.put_i16(-1);
        boxed(out, b"avcC", |out| out.put_slice(&video.record));
    });
}

fn audio_entry(out: &mut BytesMut, audio: &AacConfig) {
    boxed(out, b"mp4a", |out| {
        out.put_bytes(0, 6);
        out.put_u16(1);
        out.put_u64(0);
        out.put_u16(u16::from(audio.channels.max(1)));
        out.put_u16(16);
        out.put_u32(0);
        // Of 88,200 Hz and more only the record tells.
        out.put_u32(u32::from(u16::try_from(audio.sample_rate).unwrap_or(0)) << 16);
        full(out, b"esds", 0, 0, |out| {
            // Descriptors in one another. The record has at most 64 bytes: every length fits into seven bits.
            let record = audio.record.len() as u8;
            out.put_slice(&[3, 23 + record, 0, 0, 0]);
            out.put_slice(&[4, 15 + record, 0x40, 0x15]);
            out.put_bytes(0, 11);
            out.put_slice(&[5, record]);
            out.put_slice(&audio.record);
            out.put_slice(&[6, 1, 2]);
        });
    });
}

fn matrix(out: &mut BytesMut) {
    for value in [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000] {
        out.put_u32(value);
    }
}

/// A box: its length, its name, what is in it.
fn boxed(out: &mut BytesMut, name: &[u8; 4], content: impl FnOnce(&mut BytesMut)) {
    let begin = out.len();
    out.put_u32(0);
    out.put_slice(name);
    content(out);
    let length = (out.len() - begin) as u32;
    out[begin..begin + 4].copy_from_slice(&length.to_be_bytes());
}

/// A box with a version and flags.
fn full(out: &mut BytesMut, name: &[u8; 4], version: u8, flags: u32, content: impl FnOnce(&mut BytesMut)) {
    boxed(out, name, |out| {
        out.put_u32(u32::from(version) << 24 | flags);
        content(out);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every box at the top, with its length checked.
    fn boxes(mut bytes: &[u8]) -> Vec<(String, &[u8])> {
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let length = u32::from_be_bytes(bytes[..4].try_into().expect("a length")) as usize;
            found.push((String::from_utf8_lossy(&bytes[4..8]).into_owned(), &bytes[8..length]));
            bytes = &bytes[length..];
        }
        found
    }

    #[test]
    fn a_fragment_points_to_its_data() {
        let sample =
            |data: &'static [u8]| Sample { duration: 40, offset: 0, key: true, data: Bytes::from_static(data) };
        let video = Run { begin: 7, samples: vec![sample(b"picture"), sample(b"another")] };
        let audio = Run { begin: 9, samples: vec![sample(b"sound")] };
        let bytes = fragment(1, &video, &audio);
        let top = boxes(&bytes);
        assert_eq!(top.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["moof", "mdat"]);
        assert_eq!(top[1].1, b"pictureanothersound");
        let places: Vec<usize> = boxes(top[0].1)
            .into_iter()
            .filter(|(name, _)| name == "traf")
            .map(|(_, traf)| {
                let trun = boxes(traf).into_iter().find(|(name, _)| name == "trun").expect("a table").1;
                u32::from_be_bytes(trun[8..12].try_into().expect("a place")) as usize
            })
            .collect();
        assert!(bytes[places[0]..].starts_with(b"pictureanother"));
        assert_eq!(&bytes[places[1]..], b"sound");
    }

    #[test]
    fn a_header_has_a_track_for_each() {
        let video = AvcConfig { record: Bytes::from_static(b"record"), profile: [66, 0, 30], width: 640, height: 360 };
        let audio = AacConfig { record: Bytes::from_static(&[0x12, 0x10]), kind: 2, sample_rate: 44_100, channels: 2 };
        for (audio, tracks) in [(None, 1), (Some(&audio), 2)] {
            let bytes = header(&video, audio);
            let top = boxes(&bytes);
            assert_eq!(boxes(top[1].1).iter().filter(|(name, _)| name == "trak").count(), tracks);
        }
    }
}
