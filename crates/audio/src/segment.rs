//! Sentences out of a stream, for engines that take a recording and give back a text.
//!
//! | state | 16 ms with a voice | without |
//! |---|---|---|
//! | quiet | counts; after `begin_ms` of it speech has begun, `before_ms` earlier | the count begins anew |
//! | speech | goes on; at `longest_ms` it is cut, and goes on as the next | after `hang_ms` of it the segment ends |

use std::collections::VecDeque;

use crate::pcm::{self, BYTES_PER_MS};
use crate::voice::{Voice, WINDOW};

/// Bytes of a window of the voice detector.
const BYTES: usize = WINDOW * 2;
/// Its milliseconds.
const MS: u64 = 16;

/// When speech begins and ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segmenting {
    /// From which score on it is a voice.
    pub threshold: f32,
    /// Voice for so long is the beginning of speech; less is a cough.
    pub begin_ms: u64,
    /// Silence for so long is its end.
    pub hang_ms: u64,
    /// How much of what was before its beginning belongs to it: words begin softly.
    pub before_ms: u64,
    /// Longest segment. Sound that is not recognised yet is kept for ten seconds.
    pub longest_ms: u64,
}

impl Default for Segmenting {
    fn default() -> Self {
        Self { threshold: 0.5, begin_ms: 48, hang_ms: 600, before_ms: 320, longest_ms: 8_000 }
    }
}

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Speech {
    /// Somebody has begun to speak.
    Began {
        /// Where in the stream, in milliseconds from its beginning.
        at_ms: u64,
    },
    /// And is done, or has spoken for so long that it is cut here.
    Ended(Segment),
}

/// A piece of speech.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Where it begins in the stream, in milliseconds.
    pub start_ms: u64,
    /// Where it ends; the silence that told so is within it.
    pub end_ms: u64,
    /// Its sound.
    pub pcm: Vec<u8>,
    /// It was cut because it was too long, and goes on.
    pub cut: bool,
}

/// Cuts one stream into segments.
#[derive(Debug)]
pub struct Segmenter {
    rules: Segmenting,
    voice: Voice,
    /// Less than a window.
    rest: Vec<u8>,
    /// What was before.
    before: VecDeque<u8>,
    /// How far the stream has been looked at.
    at_ms: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    Quiet { voice_ms: u64 },
    Speech { start_ms: u64, pcm: Vec<u8>, silent_ms: u64 },
}

impl Segmenter {
    /// For a stream that begins.
    pub fn new(rules: Segmenting) -> Self {
        Self {
            rules,
            voice: Voice::new(),
            rest: Vec::new(),
            before: VecDeque::new(),
            at_ms: 0,
            state: State::Quiet { voice_ms: 0 },
        }
    }

    /// Whether somebody speaks.
    pub fn speaking(&self) -> bool {
        matches!(self.state, State::Speech { .. })
    }

    /// Takes PCM of any length.
    pub fn push(&mut self, pcm: &[u8]) -> Vec<Speech> {
        let mut heard = Vec::new();
        self.rest.extend_from_slice(pcm);
        let rest = std::mem::take(&mut self.rest);
        let mut windows = rest.chunks_exact(BYTES);
        for window in windows.by_ref() {
            let voice = self.voice.score(window) >= self.rules.threshold;
            self.window(window, voice, &mut heard);
        }
        self.rest = windows.remainder().to_vec();
        heard
    }

    /// The stream is over: what was being said ends here.
    pub fn finish(&mut self) -> Option<Segment> {
        match std::mem::replace(&mut self.state, State::Quiet { voice_ms: 0 }) {
            State::Speech { start_ms, pcm, .. } if !pcm.is_empty() => Some(segment(start_ms, pcm, false)),
            State::Speech { .. } | State::Quiet { .. } => None,
        }
    }

    fn window(&mut self, window: &[u8], voice: bool, heard: &mut Vec<Speech>) {
        self.at_ms += MS;
        match &mut self.state {
            State::Quiet { voice_ms } => {
                *voice_ms = if voice { *voice_ms + MS } else { 0 };
                let begun = *voice_ms >= self.rules.begin_ms;
                self.before.extend(window);
                let kept = (self.rules.before_ms + self.rules.begin_ms) as usize * BYTES_PER_MS;
                let over = self.before.len().saturating_sub(kept.next_multiple_of(BYTES));
                self.before.drain(..over);
                if begun {
                    let pcm: Vec<u8> = self.before.drain(..).collect();
                    let start_ms = self.at_ms - pcm::duration_ms(pcm.len());
                    self.state = State::Speech { start_ms, pcm, silent_ms: 0 };
                    heard.push(Speech::Began { at_ms: start_ms });
                }
            }
            State::Speech { start_ms, pcm, silent_ms } => {
                if pcm.is_empty() {
                    // The last one was cut, and it goes on.
                    heard.push(Speech::Began { at_ms: *start_ms });
                }
                pcm.extend_from_slice(window);
                *silent_ms = if voice { 0 } else { *silent_ms + MS };
                if *silent_ms >= self.rules.hang_ms {
                    heard.push(Speech::Ended(segment(*start_ms, std::mem::take(pcm), false)));
                    self.state = State::Quiet { voice_ms: 0 };
                } else if self.at_ms - *start_ms >= self.rules.longest_ms {
                    heard.push(Speech::Ended(segment(*start_ms, std::mem::take(pcm), true)));
                    *start_ms = self.at_ms;
                }
            }
        }
    }
}

fn segment(start_ms: u64, pcm: Vec<u8>, cut: bool) -> Segment {
    Segment { start_ms, end_ms: start_ms + pcm::duration_ms(pcm.len()), pcm, cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the detector says is given, so that the rules can be seen: `#` is a voice.
    fn segments(rules: Segmenting, voices: &str) -> Vec<String> {
        let mut segmenter = Segmenter::new(rules);
        let mut heard = Vec::new();
        for (n, voice) in voices.bytes().enumerate() {
            segmenter.window(&[n as u8; BYTES], voice == b'#', &mut heard);
        }
        heard.extend(segmenter.finish().map(Speech::Ended));
        let line = |speech: &Speech| match speech {
            Speech::Began { at_ms } => format!("began {at_ms}"),
            Speech::Ended(segment) => {
                assert_eq!(segment.pcm.len() as u64, (segment.end_ms - segment.start_ms) * BYTES_PER_MS as u64);
                assert_eq!(u64::from(segment.pcm[0]), segment.start_ms / MS, "begins with its own sound");
                let cut = if segment.cut { " cut" } else { "" };
                format!("{}-{}{cut}", segment.start_ms, segment.end_ms)
            }
        };
        heard.iter().map(line).collect()
    }

    const RULES: Segmenting = Segmenting { threshold: 0.5, begin_ms: 32, hang_ms: 48, before_ms: 32, longest_ms: 160 };

    #[test]
    fn speech_begins_a_little_before_it_is_noticed_and_ends_after_silence() {
        assert_eq!(segments(RULES, ".....##.#...##"), ["began 48", "48-192", "began 192", "192-224"]);
    }

    #[test]
    fn a_cough_is_not_speech_and_a_pause_is_not_the_end() {
        assert!(segments(RULES, "..#..#..#..").is_empty());
        assert_eq!(segments(RULES, "##..##..##"), ["began 0", "0-160 cut"]);
    }

    #[test]
    fn what_is_too_long_is_cut_without_a_gap() {
        let heard = segments(RULES, "##############");
        assert_eq!(heard, ["began 0", "0-160 cut", "began 160", "160-224"]);
    }

    #[test]
    fn silence_has_no_segments() {
        let mut segmenter = Segmenter::new(Segmenting::default());
        assert!(segmenter.push(&vec![0; 64_001]).is_empty());
        assert!(!segmenter.speaking() && segmenter.finish().is_none());
    }
}
