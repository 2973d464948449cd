//! Speech: what apps want recognised and translated, kept true by one stream of a speech engine for each distinct need.
//!
//! The session decides which streams there are, gives them the sound and judges what they say; which engine serves a stream,
//! and how it is spoken to, is the driver's. A stream that fails is replaced, and what it had not settled is heard again out
//! of the last ten seconds, so that no word is lost and none comes twice.

mod history;
mod lag;
mod manager;
mod results;
mod ring;
mod stream;

pub use history::Transcript;
pub use lag::WordsLag;

pub(crate) use lag::LagWatch;
pub(crate) use manager::{Said, SpeechManager, Wanted};
pub(crate) use results::Words;

use std::sync::Arc;
use std::time::Duration;

use bifocal_protocol::streams::StreamKey;
use bytes::Bytes;

/// The number of one stream of a speech engine, chosen by the session and never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpeechId(pub u32);

/// What one stream shall recognise. Apps that want the same share it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpeechNeed {
    /// `en-US`, `en`; `auto` and `all`: whatever is spoken.
    pub language: Box<str>,
    /// Languages that are likely.
    pub hints: Vec<Box<str>>,
    /// It is this language: do not guess.
    pub fixed: bool,
    /// The language to translate into. Without one, words are wanted as they were said.
    pub translate: Option<Box<str>>,
}

impl SpeechNeed {
    /// What a subscription needs; `None` when it is not about speech.
    pub fn of(key: &StreamKey) -> Option<Self> {
        match key {
            StreamKey::Transcription { language, hints, fixed } => {
                Some(Self { language: language.clone(), hints: hints.clone(), fixed: *fixed, translate: None })
            }
            StreamKey::Translation { from, to } => {
                Some(Self { language: from.clone(), hints: Vec::new(), fixed: false, translate: Some(to.clone()) })
            }
            _ => None,
        }
    }

    /// Whether it is what a subscription needs.
    pub fn serves(&self, key: &StreamKey) -> bool {
        match key {
            StreamKey::Transcription { language, hints, fixed } => {
                self.translate.is_none() && self.fixed == *fixed && self.language == *language && self.hints == *hints
            }
            StreamKey::Translation { from, to } => self.translate.as_ref() == Some(to) && self.language == *from,
            _ => false,
        }
    }
}

/// What a stream is told.
#[derive(Debug, Clone, PartialEq)]
pub enum SpeechCommand {
    /// It begins. The sound follows at once: whoever drives the engine keeps it until the engine listens.
    Open {
        /// What it shall recognise.
        need: Arc<SpeechNeed>,
        /// The engine that the wearer wants, if it can.
        preferred: Option<Arc<str>>,
        /// Engines that have just failed to: others come first.
        avoid: Vec<Arc<str>>,
    },
    /// Whole samples: signed 16 bit, little-endian, 16 kHz, mono.
    Audio(Bytes),
    /// The wearer is quiet: what was said so far can be final.
    Finalise,
    /// It is not wanted any more. Nothing that it says still counts.
    Close,
}

/// What a stream says.
#[derive(Debug, Clone, PartialEq)]
pub enum SpeechEvent {
    /// An engine listens.
    Opened {
        /// Which.
        engine: Arc<str>,
    },
    /// Words, as they stand now.
    Heard(Heard),
    /// Everything up to here is recognised, and was said.
    Consumed {
        /// Milliseconds of the stream's own sound.
        ms: u64,
    },
    /// The stream is over, against its will.
    Failed(SpeechFailure),
    /// The engine ended the stream in good order.
    Closed,
}

/// Words. Times are milliseconds of the stream's own sound: 0 is its first sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// The same from the first guess to the final words, and never again in this stream.
    pub utterance: u64,
    /// What was said.
    pub text: String,
    /// Whether it may still change.
    pub is_final: bool,
    /// Where it begins.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
    /// The language that was heard, if the engine says so.
    pub language: Option<String>,
    /// Who spoke, if the engine says so.
    pub speaker: Option<String>,
    /// 0 to 1.
    pub confidence: Option<f32>,
    /// In the language that was asked for; `None` when it was said in that language, or could not be translated.
    pub translation: Option<String>,
}

/// Why a stream is over.
#[derive(Debug, Clone, PartialEq)]
pub struct SpeechFailure {
    /// Which engine, if there was one.
    pub engine: Option<Arc<str>>,
    /// What kind of failure.
    pub kind: SpeechFault,
    /// Which hop failed and why, for a person; no outside text.
    pub why: String,
}

/// Kinds of failure, by what is done about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpeechFault {
    /// The engine does not take us: a wrong key.
    Refused,
    /// The engine has too much to do.
    Busy {
        /// When it may be asked again.
        retry_after: Option<Duration>,
    },
    /// The connection is gone.
    Lost,
    /// The engine has not answered in time.
    Stalled,
    /// No engine here knows that language.
    Unsupported {
        /// Up to five that are known.
        suggestions: Vec<String>,
    },
    /// There is no engine, or none that is well.
    Unavailable,
}

impl SpeechFault {
    /// A name for logs and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            SpeechFault::Refused => "refused",
            SpeechFault::Busy { .. } => "busy",
            SpeechFault::Lost => "lost",
            SpeechFault::Stalled => "stalled",
            SpeechFault::Unsupported { .. } => "unsupported",
            SpeechFault::Unavailable => "unavailable",
        }
    }
}
