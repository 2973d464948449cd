//! Text to speech. One engine a file behind the trait [`Voice`]; [`Voices`] asks them in the order of the configuration, and
//! keeps what they have said for a while.
//!
//! What comes out is a file as players know it (`audio/mpeg` or `audio/wav`), as a stream where the engine streams: whoever
//! drops the stream stops the engine.

mod cache;
mod config;
mod elevenlabs;
mod espeak;
mod flite;
mod http;
mod openai;
mod program;
mod voices;
mod wyoming;

use std::fmt;
use std::sync::Arc;

use bifocal_audio::wav;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, FailureKind};

pub use config::{VoiceConfig, VoiceConfigError, VoiceEngineConfig, VoiceKind};
pub use voices::{VoiceRow, Voices};

/// How something shall be said. The words are those of `GET /api/tts`; an engine takes what it knows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VoiceWish {
    /// Who speaks: a name or an id that the engine knows.
    pub voice_id: Option<String>,
    /// Which of the engine's models.
    pub model_id: Option<String>,
    /// The rest.
    pub settings: VoiceSettings,
}

/// `voice_settings` of `GET /api/tts`, as ElevenLabs defines them. What is absent is the voice's own default; keys that
/// nobody knows are ignored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct VoiceSettings {
    /// 0 to 1: the less, the more varied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stability: Option<f64>,
    /// 0 to 1: how close to the original voice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub similarity_boost: Option<f64>,
    /// 0 to 1: how much the style is exaggerated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<f64>,
    /// Closer to the original speaker, at some cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_speaker_boost: Option<bool>,
    /// 1 is the voice's own speed. Every engine knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
}

impl VoiceSettings {
    /// The speed that was asked for, within what can be understood: 0.5 to 2.
    pub fn pace(&self) -> Option<f64> {
        self.speed.filter(|speed| speed.is_finite()).map(|speed| speed.clamp(0.5, 2.0))
    }
}

/// A piece of sound, or why there is no more.
pub type Sound = Result<Bytes, VoiceError>;

/// What an engine said.
pub struct Spoken {
    /// The engine, as it is called in the configuration.
    pub engine: Arc<str>,
    /// `audio/mpeg`, `audio/wav`, …
    pub content_type: &'static str,
    /// How many bytes come, where that is known.
    pub length: Option<usize>,
    /// The file, piece by piece. Dropping it stops the engine.
    pub body: BoxStream<'static, Sound>,
}

impl fmt::Debug for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { engine, content_type, length, .. } = self;
        write!(f, "Spoken({engine}, {content_type}, {length:?})")
    }
}

impl Spoken {
    /// Sound that is there already.
    pub(crate) fn whole(engine: &Arc<str>, content_type: &'static str, sound: Bytes) -> Self {
        let length = Some(sound.len());
        let body = Box::pin(futures_util::stream::iter([Ok(sound)]));
        Self { engine: engine.clone(), content_type, length, body }
    }

    /// A file of samples. Players want to read in front how long it is: a file that is sent while it is spoken cannot say
    /// so, and some phones then play nothing.
    pub(crate) fn wav(engine: &Arc<str>, samples: &[i16], rate: u32) -> Self {
        Self::whole(engine, "audio/wav", wav::write(samples, rate).into())
    }
}

/// An engine that speaks.
pub trait Voice: fmt::Debug + Send + Sync {
    /// What it is called in the configuration, in logs and metrics.
    fn name(&self) -> &Arc<str>;

    /// The content type of what it will say, as far as that is known before.
    fn content_type(&self) -> &'static str;

    /// Says a text. Comes back as soon as the first sound is there; every wait in it has a limit.
    ///
    /// # Errors
    /// [`VoiceError`] when the engine says nothing. A failure after the first sound is the last item of the stream.
    fn speak<'a>(&'a self, text: &'a str, wish: &'a VoiceWish) -> BoxFuture<'a, Result<Spoken, VoiceError>>;
}

/// Why nothing is said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VoiceError {
    /// There is no engine.
    #[error("no engine speaks here: install flite or espeak-ng, or configure one under [voice]")]
    NotConfigured,
    /// The engine needs to know who speaks.
    #[error("{engine} has no voice: the request names none, and none is configured")]
    NoVoice {
        /// The engine.
        engine: Arc<str>,
    },
    /// The engine's service said no.
    #[error("{failure}")]
    Refused {
        /// The HTTP status of its answer.
        status: u16,
        /// Its words: one line of plain text, from outside. They may repeat what was to be said, so they are no log line.
        details: String,
        /// What it means.
        failure: Failure,
    },
    /// The engine did not get that far, or broke off.
    #[error("{0}")]
    Failed(Failure),
    /// As many sentences as may be are being spoken.
    #[error("too much is being spoken at once; try again in a moment")]
    Busy,
}

impl VoiceError {
    /// What happened to an engine.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            VoiceError::Refused { failure, .. } | VoiceError::Failed(failure) => Some(failure),
            VoiceError::NotConfigured | VoiceError::NoVoice { .. } | VoiceError::Busy => None,
        }
    }

    /// Whether it is the request that is wrong, like a voice that nobody knows.
    pub fn is_of_request(&self) -> bool {
        matches!(self.failure(), Some(Failure { kind: FailureKind::Unsupported { .. }, .. }))
    }
}

/// How an engine can fail that says nothing about it itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("it cannot be reached; is it running, and is its address right?")]
    Unreachable,
    #[error("it did not answer in time")]
    TimedOut,
    #[error("its answer broke off, or was none")]
    Broken,
    #[error("it answered with something that is no sound")]
    NotSound,
    #[error("it gave more sound than is taken")]
    TooMuch,
    #[error("its program failed; does it work by hand?")]
    Program,
}

impl Fault {
    fn of(self, engine: &Arc<str>) -> VoiceError {
        let kind = if self == Fault::TimedOut { FailureKind::Stalled } else { FailureKind::Lost };
        VoiceError::Failed(Failure::new(engine, kind, self.to_string()))
    }
}

/// A voice id that ElevenLabs made: twenty letters and digits. Apps that were written for it send one whatever the engine is;
/// another engine speaks with its own voice then.
fn is_elevenlabs_voice(id: &str) -> bool {
    id.len() == 20
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && id.bytes().any(|byte| byte.is_ascii_digit())
}

/// The same for models.
fn is_elevenlabs_model(id: &str) -> bool {
    id.starts_with("eleven_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_stays_within_what_can_be_understood() {
        let pace = |speed| VoiceSettings { speed, ..VoiceSettings::default() }.pace();
        assert_eq!(
            [pace(None), pace(Some(1.1)), pace(Some(0.0)), pace(Some(90.0)), pace(Some(f64::NAN))],
            [None, Some(1.1), Some(0.5), Some(2.0), None]
        );
    }

    #[test]
    fn ids_of_elevenlabs_are_known_by_their_form() {
        assert!(is_elevenlabs_voice("21m00Tcm4TlvDq8ikWAM"));
        assert!(!is_elevenlabs_voice("alloy"));
        assert!(!is_elevenlabs_voice("en_GB-alan-medium-01"));
        assert!(is_elevenlabs_model("eleven_flash_v2_5") && !is_elevenlabs_model("tts-1"));
    }
}
