//! Cuts a stream into segments that begin with a key frame, and keeps the newest of them.
//!
//! | what happens | what becomes of the segment under way |
//! |---|---|
//! | a key frame, and it is [`MIN_MS`] long | it is closed |
//! | it is [`MAX_MS`] long or [`MAX_BYTES`] big without a key frame | it is closed; the next one cannot be decoded alone |
//! | the publisher is gone | it is closed; what comes next is a discontinuity, begins with a key frame, and goes on in time where this ended |
//! | pictures of another form | the same, with a new header |
//! | sound appears, ends or changes | closed at the next key frame; then the same with a new header |
//! | time jumps | the same as when the publisher is gone |
//!
//! Numbers of segments and headers never start over, so that the address of a stream stays good however often its publisher
//! comes back.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::flv::{AacConfig, Picture, Tag};
use crate::h264::AvcConfig;
use crate::mp4::{self, Run, Sample};

/// The shortest segment, in milliseconds: with the usual key frame each one or two seconds, that is their length.
const MIN_MS: u64 = 1_000;
/// The longest, in milliseconds, when key frames are rare.
const MAX_MS: u64 = 6_000;
/// The biggest, in bytes.
const MAX_BYTES: usize = 6 << 20;
/// Most pictures and sounds in a segment: tables are not free.
const MAX_SAMPLES: usize = 4_096;
/// A jump of time that cannot be a pause.
const JUMP_MS: i64 = 10_000;
/// Sound may be so far from its time before it is put right, in milliseconds.
const DRIFT_MS: i64 = 100;
/// Samples in a frame of AAC.
const AAC_FRAME: u32 = 1_024;
/// How long a picture is when none follows, in milliseconds.
const LAST_PICTURE: u32 = 33;

/// One finished segment.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) duration_ms: u64,
    pub(crate) data: Bytes,
    /// The number of its header.
    pub(crate) header: u32,
    /// It does not follow from the one before.
    pub(crate) discontinuity: bool,
}

/// What a player needs before the first segment.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    pub(crate) number: u32,
    pub(crate) data: Bytes,
    pub(crate) video: AvcConfig,
    pub(crate) audio: Option<AacConfig>,
}

/// The newest segments of a stream.
#[derive(Debug)]
pub(crate) struct Segmenter {
    /// Segments in a playlist.
    window: usize,
    window_bytes: usize,
    video: Option<AvcConfig>,
    audio: Option<AacConfig>,
    headers: VecDeque<Header>,
    segments: VecDeque<Segment>,
    bytes: usize,
    next_segment: u64,
    next_header: u32,
    /// Discontinuities that have left the window.
    past_discontinuities: u64,
    longest_ms: u64,
    open: Option<Open>,
    /// What comes next does not follow from what was.
    broken: bool,
    time: Time,
}

/// The segment under way.
#[derive(Debug)]
struct Open {
    video: Run,
    audio: Run,
    /// Sound of this form is in it.
    audio_config: Option<AacConfig>,
    /// When the last picture is decoded, in milliseconds.
    last: u64,
    bytes: usize,
    discontinuity: bool,
}

/// From the times of publishers, which wrap and start over, to one that only grows.
#[derive(Debug, Default)]
struct Time {
    /// The last time of the publisher, and what it was on our line.
    last: Option<(u32, i64)>,
    /// Where our line has come to, in milliseconds: the end of the last picture.
    end: u64,
    /// When the next frame of sound is due, in samples.
    audio: u64,
}

impl Segmenter {
    /// Keeps so many segments in the playlist, and half as many more for players that are late, within a budget of bytes.
    pub(crate) fn new(window: usize, window_bytes: usize) -> Self {
        Self {
            window,
            window_bytes,
            video: None,
            audio: None,
            headers: VecDeque::new(),
            segments: VecDeque::new(),
            bytes: 0,
            next_segment: 0,
            next_header: 0,
            past_discontinuities: 0,
            longest_ms: 0,
            open: None,
            broken: false,
            time: Time::default(),
        }
    }

    /// Takes the next tag; the segment that it completed.
    pub(crate) fn push(&mut self, timestamp: u32, tag: Tag) -> Option<Segment> {
        match tag {
            Tag::VideoConfig(config) => {
                let other = self.video.as_ref().is_some_and(|old| *old != config);
                let closed = if other { self.interrupt() } else { None };
                self.video = Some(config);
                closed
            }
            Tag::AudioConfig(config) => {
                self.audio = Some(config);
                None
            }
            Tag::Video(picture) => self.picture(timestamp, picture),
            Tag::Audio(data) => self.sound(timestamp, data),
            Tag::Nothing => None,
        }
    }

    /// The publisher is gone, or was replaced: closes the segment under way, and expects a new beginning.
    pub(crate) fn interrupt(&mut self) -> Option<Segment> {
        let closed = self.close(None);
        self.time.last = None;
        self.broken = self.next_segment > 0;
        closed
    }

    /// The segments that a playlist lists.
    pub(crate) fn listed(&self) -> impl ExactSizeIterator<Item = &Segment> {
        self.segments.range(self.segments.len().saturating_sub(self.window)..)
    }

    /// A segment by its number; those that just left the playlist, too.
    pub(crate) fn segment(&self, number: u64) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.number == number)
    }

    /// A header by its number.
    pub(crate) fn header(&self, number: u32) -> Option<&Header> {
        self.headers.iter().find(|header| header.number == number)
    }

    /// The newest header: what the stream is now.
    pub(crate) fn newest_header(&self) -> Option<&Header> {
        self.headers.back()
    }

    /// How many discontinuities came before the first listed segment's own.
    pub(crate) fn discontinuity_sequence(&self) -> u64 {
        let unlisted = self.segments.len().saturating_sub(self.window);
        self.past_discontinuities
            + self.segments.iter().take(unlisted).filter(|segment| segment.discontinuity).count() as u64
    }

    /// What no segment was longer than, rounded to seconds.
    pub(crate) fn target_seconds(&self) -> u64 {
        (self.longest_ms.max(MIN_MS) + 500) / 1000
    }

    /// Memory of segments and of the one under way, in bytes.
    pub(crate) fn held(&self) -> usize {
        self.bytes + self.open.as_ref().map_or(0, |open| open.bytes)
    }

    fn picture(&mut self, timestamp: u32, picture: Picture) -> Option<Segment> {
        self.video.as_ref()?;
        let mut closed = None;
        let now = match self.time.of(timestamp) {
            Ok(now) => now,
            Err(Jump) => {
                closed = self.interrupt();
                None
            }
        };
        if self.open.is_none() && !picture.key {
            // Nothing can be decoded before the next key frame.
            return closed;
        }
        let time = now.unwrap_or_else(|| self.time.begin(timestamp));
        // Decoding never goes back; where an encoder says so, two pictures share a time.
        let time = time.max(self.open.as_ref().map_or(0, |open| open.last));
        let full = self.open.as_ref().is_some_and(|open| {
            let long = time.saturating_sub(open.video.begin);
            let changed = picture.key && self.changed(open);
            changed
                || picture.key && long >= MIN_MS
                || long >= MAX_MS
                || open.bytes + picture.data.len() > MAX_BYTES
                || open.video.samples.len() + open.audio.samples.len() >= MAX_SAMPLES
        });
        if full {
            closed = self.close(Some(time));
        }
        let discontinuity = std::mem::take(&mut self.broken);
        let open = self.open.get_or_insert_with(|| Open {
            video: Run { begin: time, samples: Vec::new() },
            audio: Run::default(),
            audio_config: None,
            last: time,
            bytes: 0,
            discontinuity,
        });
        open.add_picture(time, picture);
        self.time.end = time + u64::from(LAST_PICTURE);
        closed
    }

    /// Whether sound has come, gone or changed since the segment began; then it ends with the next key frame.
    fn changed(&self, open: &Open) -> bool {
        let heard = open.audio_config.is_some();
        heard && open.audio_config != self.audio
    }

    fn sound(&mut self, timestamp: u32, data: Bytes) -> Option<Segment> {
        let config = self.audio.clone()?;
        let open = self.open.as_mut()?;
        let now = match self.time.of(timestamp) {
            Ok(now) => now?,
            Err(Jump) => return self.interrupt(),
        };
        // A tag of another form than the one before waits for the next segment.
        if open.audio_config.as_ref().is_some_and(|mine| *mine != config) {
            return None;
        }
        let rate = u64::from(config.sample_rate);
        let actual = now * rate / 1000;
        if open.audio.samples.is_empty() && self.time.audio == 0 {
            self.time.audio = actual;
        }
        let drift = (actual as i64 - self.time.audio as i64) * 1000 / rate.max(1) as i64;
        if drift < -DRIFT_MS {
            // Sound runs ahead of its time: one frame less puts it right.
            return None;
        }
        if drift > DRIFT_MS {
            // A hole: the frame before it lasts until now.
            let hole = (actual - self.time.audio) as u32;
            if let Some(last) = open.audio.samples.last_mut() {
                last.duration += hole;
            }
            self.time.audio = actual;
        }
        if open.audio.samples.is_empty() {
            open.audio.begin = self.time.audio;
            open.audio_config = Some(config);
        }
        open.bytes += data.len();
        open.audio.samples.push(Sample { duration: AAC_FRAME, offset: 0, key: true, data });
        self.time.audio += u64::from(AAC_FRAME);
        None
    }

    /// Closes the segment under way. `next` is when the next picture is decoded, if one follows.
    fn close(&mut self, next: Option<u64>) -> Option<Segment> {
        let mut open = self.open.take()?;
        let end = next.unwrap_or_else(|| self.time.end.max(self.sound_end(&open))).max(open.last);
        self.time.end = end;
        if let Some(last) = open.video.samples.last_mut() {
            last.duration = (end - open.last) as u32;
        }
        // A new form interrupts first: what is open has the form that came last.
        let video = self.video.clone()?;
        let duration_ms = (end - open.video.begin).max(1);
        let before = self.headers.back();
        // A short piece without sound says nothing: the publisher was cut off before its first word.
        let silent = open.audio_config.is_none() && duration_ms < MIN_MS;
        let audio = if silent { before.and_then(|header| header.audio.clone()) } else { open.audio_config };
        let same = before.is_some_and(|header| header.video == video && header.audio == audio);
        let discontinuity = open.discontinuity || !same && self.next_segment > 0;
        if !same {
            let data = mp4::header(&video, audio.as_ref());
            self.headers.push_back(Header { number: self.next_header, data, video, audio });
            self.next_header += 1;
        }
        let number = self.next_segment;
        self.next_segment += 1;
        self.longest_ms = self.longest_ms.max(duration_ms);
        let data = mp4::fragment(number as u32, &open.video, &open.audio);
        let segment = Segment { number, duration_ms, data, header: self.next_header - 1, discontinuity };
        self.bytes += segment.data.len();
        self.segments.push_back(segment.clone());
        self.forget();
        Some(segment)
    }

    /// Where the sound of a segment ends, in milliseconds.
    fn sound_end(&self, open: &Open) -> u64 {
        let rate = open.audio_config.as_ref().map(|config| u64::from(config.sample_rate));
        rate.map_or(0, |rate| (self.time.audio * 1000).div_ceil(rate.max(1)))
    }

    /// Lets go of what nobody asks for any more.
    fn forget(&mut self) {
        let most = self.window + self.window / 2;
        while self.segments.len() > most || self.bytes > self.window_bytes && self.segments.len() > 1 {
            let Some(old) = self.segments.pop_front() else { break };
            self.bytes -= old.data.len();
            self.past_discontinuities += u64::from(old.discontinuity);
        }
        let oldest = self.segments.front().map_or(0, |segment| segment.header);
        self.headers.retain(|header| header.number >= oldest);
    }
}

impl Open {
    fn add_picture(&mut self, time: u64, picture: Picture) {
        if let Some(before) = self.video.samples.last_mut() {
            before.duration = (time - self.last) as u32;
        }
        self.last = time;
        self.bytes += picture.data.len();
        let Picture { key, offset, data } = picture;
        self.video.samples.push(Sample { duration: LAST_PICTURE, offset, key, data });
    }
}

/// The publisher's clock was set.
struct Jump;

impl Time {
    /// A time of the publisher on our line; `None` before [`begin`](Self::begin). Never before what was.
    fn of(&mut self, timestamp: u32) -> Result<Option<u64>, Jump> {
        let Some((last, ours)) = self.last else { return Ok(None) };
        let step = i64::from(timestamp.wrapping_sub(last).cast_signed());
        if step.abs() > JUMP_MS {
            return Err(Jump);
        }
        self.last = Some((timestamp, ours + step));
        Ok(Some((ours + step).max(0).cast_unsigned()))
    }

    /// From here on, this time of the publisher is where our line has come to.
    fn begin(&mut self, timestamp: u32) -> u64 {
        self.last = Some((timestamp, self.end.cast_signed()));
        self.audio = 0;
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn video(side: u16) -> Tag {
        let record = Bytes::from(side.to_be_bytes().to_vec());
        Tag::VideoConfig(AvcConfig { record, profile: [66, 0, 30], width: side, height: side })
    }

    fn audio(sample_rate: u32) -> Tag {
        Tag::AudioConfig(AacConfig { record: Bytes::from_static(&[0x12, 0x10]), kind: 2, sample_rate, channels: 2 })
    }

    fn picture(key: bool) -> Tag {
        Tag::Video(Picture { key, offset: 0, data: Bytes::from_static(&[0; 100]) })
    }

    fn sound() -> Tag {
        Tag::Audio(Bytes::from_static(&[0; 10]))
    }

    /// A segmenter that has got its pictures' form.
    fn ready() -> Segmenter {
        let mut segmenter = Segmenter::new(4, 1 << 20);
        segmenter.push(0, video(16));
        segmenter
    }

    /// Pictures each 100 ms, a key frame each 500 ms.
    fn pictures(segmenter: &mut Segmenter, times: std::ops::Range<u32>) -> Vec<Segment> {
        let push = |time: u32| segmenter.push(time, picture(time.is_multiple_of(500)));
        times.step_by(100).filter_map(push).collect()
    }

    #[test]
    fn segments_begin_with_a_key_frame_and_are_a_second_long() {
        let mut segmenter = ready();
        let closed = pictures(&mut segmenter, 100..4_600);
        let lengths: Vec<u64> = closed.iter().map(|segment| segment.duration_ms).collect();
        assert_eq!(lengths, [1_000; 4]);
        assert_eq!(segmenter.target_seconds(), 1);
        assert!(closed.iter().all(|segment| !segment.discontinuity && segment.header == 0));
    }

    #[test]
    fn without_key_frames_a_segment_ends_all_the_same() {
        let mut segmenter = ready();
        segmenter.push(0, picture(true));
        let closed: Vec<_> = (1..200).filter_map(|n| segmenter.push(n * 100, picture(false))).collect();
        assert_eq!(closed.len(), 3);
        assert!(closed.iter().all(|segment| segment.duration_ms == MAX_MS));
    }

    #[test]
    fn a_publisher_that_returns_goes_on_where_the_last_one_ended() {
        let mut segmenter = ready();
        pictures(&mut segmenter, 0..1_600);
        let last = segmenter.interrupt().expect("closed");
        assert_eq!((last.number, last.duration_ms), (1, 533));
        // Its clock began anew.
        segmenter.push(70_000, video(16));
        assert!(segmenter.push(70_000, picture(false)).is_none());
        let next = pictures(&mut segmenter, 70_500..72_100);
        assert_eq!((next[0].number, next[0].discontinuity, next[0].header), (2, true, 0));
        assert_eq!(segmenter.segments.back().map(|newest| newest.number), Some(2));
    }

    #[test]
    fn pictures_of_another_form_have_another_header() {
        let mut segmenter = ready();
        pictures(&mut segmenter, 0..1_200);
        segmenter.push(1_200, video(32));
        let next = pictures(&mut segmenter, 1_500..2_600);
        assert_eq!((next[0].discontinuity, next[0].header), (true, 1));
        assert_eq!(segmenter.newest_header().map(|header| header.video.width), Some(32));
        assert!(segmenter.header(0).is_some(), "its segments are still there");
    }

    #[test]
    fn sound_that_appears_later_makes_a_new_header() {
        let mut segmenter = ready();
        pictures(&mut segmenter, 0..1_100);
        assert!(segmenter.newest_header().is_some_and(|header| header.audio.is_none()));
        segmenter.push(1_100, audio(48_000));
        segmenter.push(1_120, sound());
        let next = pictures(&mut segmenter, 1_200..2_100);
        assert_eq!((next[0].discontinuity, next[0].header), (true, 1));
    }

    #[test]
    fn a_publisher_that_is_cut_off_before_its_first_sound_has_not_lost_its_sound() {
        let mut segmenter = ready();
        segmenter.push(0, audio(48_000));
        segmenter.push(0, sound());
        segmenter.push(0, picture(true));
        segmenter.push(1, sound());
        segmenter.push(1_000, picture(true));
        assert_eq!(segmenter.interrupt().expect("closed").header, 0);
        // A whole second of silence is another matter.
        segmenter.push(5_000, picture(true));
        segmenter.push(6_000, picture(true));
        assert_eq!(segmenter.newest_header().map(|header| header.number), Some(1));
    }

    #[test]
    fn sound_is_evenly_spaced_though_its_times_are_rounded() {
        let mut segmenter = ready();
        segmenter.push(0, audio(44_100));
        segmenter.push(0, picture(true));
        for n in 0..40u32 {
            segmenter.push(n * 1024 * 1000 / 44_100, sound());
        }
        let open = segmenter.open.as_ref().expect("open");
        assert!(open.audio.samples.iter().all(|sample| sample.duration == AAC_FRAME));
        assert_eq!((open.audio.begin, open.audio.samples.len()), (0, 40));
        // Half a second of nothing.
        segmenter.push(40 * 1024 * 1000 / 44_100 + 500, sound());
        let open = segmenter.open.as_ref().expect("open");
        let hole = open.audio.samples[39].duration - AAC_FRAME;
        assert!((22_000..22_200).contains(&hole), "{hole}");
    }

    #[test]
    fn a_clock_that_was_set_is_a_discontinuity() {
        let mut segmenter = ready();
        pictures(&mut segmenter, 0..1_600);
        let closed = segmenter.push(900_000, picture(true)).expect("closed");
        assert_eq!(closed.number, 1);
        let next = pictures(&mut segmenter, 900_100..901_600);
        assert!(next[0].discontinuity && next[0].duration_ms == 1_000);
        // The clock of RTMP wraps after 49 days, which is no jump.
        let mut segmenter = ready();
        segmenter.push(u32::MAX - 500, picture(true));
        let closed = segmenter.push(500, picture(true)).expect("closed");
        assert_eq!((closed.duration_ms, closed.discontinuity), (1_001, false));
    }

    #[test]
    fn time_that_goes_back_a_little_stands_still() {
        let mut segmenter = ready();
        segmenter.push(1_000, picture(true));
        segmenter.push(1_040, picture(false));
        segmenter.push(1_020, picture(false));
        segmenter.push(1_080, picture(false));
        let open = segmenter.open.as_ref().expect("open");
        let durations: Vec<u32> = open.video.samples.iter().map(|sample| sample.duration).collect();
        assert_eq!(durations[..3], [40, 0, 40]);
    }

    #[test]
    fn the_window_slides_and_memory_has_an_end() {
        let mut segmenter = ready();
        pictures(&mut segmenter, 0..30_100);
        assert_eq!(segmenter.listed().len(), 4);
        assert_eq!(segmenter.segments.len(), 6);
        assert_eq!(segmenter.listed().next().map(|segment| segment.number), Some(26));
        assert!(segmenter.segment(24).is_some() && segmenter.segment(23).is_none());
        let mut small = Segmenter::new(4, 2_500);
        small.push(0, video(16));
        for n in 0..100 {
            small.push(n * 100, picture(n % 10 == 0));
            assert!(small.held() < 5_000);
        }
    }

    #[test]
    fn discontinuities_that_left_are_counted() {
        let mut segmenter = ready();
        for round in 0..6 {
            pictures(&mut segmenter, round * 100_000..round * 100_000 + 1_100);
            segmenter.interrupt();
        }
        let listed = segmenter.listed().filter(|segment| segment.discontinuity).count() as u64;
        assert_eq!(segmenter.discontinuity_sequence() + listed, 5);
    }
}
