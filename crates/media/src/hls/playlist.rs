//! The two playlists of a stream. The first says what it is made of and never changes its address; it sends each viewer to a
//! second one that carries a token, so that viewers can be counted without knowing who they are.
//!
//! Source: RFC 8216.

use std::fmt::Write;

use super::Segmenter;

/// `index.m3u8`: one form of the stream, and where its segments are listed. `None` before there is a segment.
pub(crate) fn multivariant(segmenter: &Segmenter, viewer: &str) -> Option<String> {
    let header = segmenter.newest_header()?;
    let mut codecs = header.video.codec();
    if let Some(audio) = &header.audio {
        codecs = format!("{codecs},{}", audio.codec());
    }
    let rate = |segment: &super::Segment| segment.data.len() as u64 * 8_000 / segment.duration_ms;
    let peak = segmenter.listed().map(rate).max().unwrap_or(1).max(1);
    let (width, height) = (header.video.width, header.video.height);
    Some(format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-STREAM-INF:BANDWIDTH={peak},RESOLUTION={width}x{height},CODECS=\"{codecs}\"\n\
         media.m3u8?viewer={viewer}\n"
    ))
}

/// `media.m3u8`: the newest segments. `None` before there is one.
pub(crate) fn playlist(segmenter: &Segmenter, ended: bool) -> Option<String> {
    let first = segmenter.listed().next()?;
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:{}\n#EXT-X-DISCONTINUITY-SEQUENCE:{}\n",
        segmenter.target_seconds(),
        first.number,
        segmenter.discontinuity_sequence(),
    );
    let mut header = None;
    for segment in segmenter.listed() {
        if segment.discontinuity {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        if header != Some(segment.header) {
            header = Some(segment.header);
            // Writing into a string cannot fail.
            let _ = writeln!(text, "#EXT-X-MAP:URI=\"header-{}.mp4\"", segment.header);
        }
        let (whole, rest) = (segment.duration_ms / 1000, segment.duration_ms % 1000);
        let _ = writeln!(text, "#EXTINF:{whole}.{rest:03},\nsegment-{}.m4s", segment.number);
    }
    if ended {
        text.push_str("#EXT-X-ENDLIST\n");
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::flv::{Picture, Tag};
    use crate::h264::AvcConfig;

    #[test]
    fn lists_what_there_is() {
        let mut segmenter = Segmenter::new(2, 1 << 20);
        assert!(playlist(&segmenter, false).is_none() && multivariant(&segmenter, "v").is_none());
        let record = Bytes::from_static(b"record");
        segmenter.push(0, Tag::VideoConfig(AvcConfig { record, profile: [0x42, 0xc0, 0x1e], width: 640, height: 360 }));
        let key = || Tag::Video(Picture { key: true, offset: 0, data: Bytes::from_static(&[0; 100]) });
        for n in 0..4 {
            segmenter.push(n * 1_250, key());
        }
        segmenter.interrupt();
        segmenter.push(0, key());
        segmenter.interrupt();
        let expected = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:3\n\
                        #EXT-X-DISCONTINUITY-SEQUENCE:0\n#EXT-X-MAP:URI=\"header-0.mp4\"\n#EXTINF:0.033,\nsegment-3.m4s\n\
                        #EXT-X-DISCONTINUITY\n#EXTINF:0.033,\nsegment-4.m4s\n";
        assert_eq!(playlist(&segmenter, false).as_deref(), Some(expected));
        assert_eq!(playlist(&segmenter, true), Some(format!("{expected}#EXT-X-ENDLIST\n")));
        let all = multivariant(&segmenter, "0123").expect("there");
        assert!(all.contains("RESOLUTION=640x360,CODECS=\"avc1.42c01e\"\nmedia.m3u8?viewer=0123\n"), "{all}");
    }
}
