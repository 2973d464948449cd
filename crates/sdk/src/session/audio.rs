//! What the wearer hears, and what the glasses hear.

use std::sync::Arc;
use std::time::Duration;

use bifocal_protocol::apps::{AudioPlayRequest, AudioStopRequest, AudioStreamEnd, AudioStreamStart, FromApp};
use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde_json::Number;
use url::form_urlencoded;

use crate::core::{Awaited, Input, Lane, Reply};
use crate::error::Error;
use crate::hub::EventStream;
use crate::random;
use crate::rest::base_of;
use crate::session::Events;
use crate::shared::Shared;

/// Until the phone has played a sound.
const PLAY: Duration = Duration::from_secs(60);
/// Until the cloud has opened an output stream.
const READY: Duration = Duration::from_secs(10);
/// Other SDKs' number for the track of speech.
const SPEECH_TRACK: u8 = 2;

/// Sound, out and in.
#[derive(Debug, Clone)]
pub struct Audio {
    pub(crate) shared: Arc<Shared>,
}

/// A piece of sound from the microphone: PCM, signed 16 bit, little-endian, mono, 16 kHz; usually 10 to 100 ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioChunk {
    /// The bytes.
    pub data: Bytes,
}

impl AudioChunk {
    /// Samples a second.
    pub const SAMPLE_RATE: u32 = 16_000;

    pub(crate) fn new(data: Bytes) -> Self {
        Self { data }
    }

    /// The samples.
    pub fn samples(&self) -> impl Iterator<Item = i16> + '_ {
        self.data.as_chunks::<2>().0.iter().map(|pair| i16::from_le_bytes(*pair))
    }

    /// How long it lasts.
    pub fn duration(&self) -> Duration {
        Duration::from_secs(self.data.len() as u64 / 2) / Self::SAMPLE_RATE
    }
}

/// A sound to play. A URL is one: `audio.play("https://example.org/a.mp3")`.
#[derive(Debug, Clone, PartialEq)]
pub struct Play {
    /// Where the phone fetches it.
    pub url: String,
    /// 0 to 1.
    pub volume: f64,
    /// Silence everything else.
    pub stop_other_audio: bool,
    /// 0 speaker, 1 app audio, 2 speech.
    pub track: u8,
    /// How long to wait until it was played.
    pub within: Duration,
}

impl Play {
    /// At full volume, on track 0, in place of everything else, within 60 s.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), volume: 1.0, stop_other_audio: true, track: 0, within: PLAY }
    }
}

impl<T: Into<String>> From<T> for Play {
    fn from(url: T) -> Self {
        Self::new(url)
    }
}

/// Something to say. A text is one: `audio.speak("Hello")`.
#[derive(Debug, Clone, PartialEq)]
pub struct Speech {
    /// The words.
    pub text: String,
    /// The voice, in the words of the cloud's engine; its default otherwise.
    pub voice_id: Option<String>,
    /// The engine's model; its default otherwise.
    pub model_id: Option<String>,
    /// How to speak.
    pub voice_settings: Option<VoiceSettings>,
    /// 0 to 1.
    pub volume: f64,
    /// Silence everything else.
    pub stop_other_audio: bool,
    /// 0 speaker, 1 app audio, 2 speech.
    pub track: u8,
    /// How long to wait until it was said.
    pub within: Duration,
}

impl Speech {
    /// In the default voice, on the track of speech, in place of everything else, within 60 s.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            voice_id: None,
            model_id: None,
            voice_settings: None,
            volume: 1.0,
            stop_other_audio: true,
            track: SPEECH_TRACK,
            within: PLAY,
        }
    }
}

impl<T: Into<String>> From<T> for Speech {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

/// How to speak; each from 0 to 1 but the speed, which is a factor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct VoiceSettings {
    /// Always alike, or lively.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stability: Option<f64>,
    /// Close to the original voice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub similarity_boost: Option<f64>,
    /// Exaggerated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<f64>,
    /// Closer still.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_speaker_boost: Option<bool>,
    /// 1 is as usual.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
}

/// Something was played.
#[derive(Debug, Clone, PartialEq)]
pub struct Played {
    /// How long it was, in the unit of the phone, where it says so.
    pub duration: Option<f64>,
}

impl Audio {
    /// Plays a sound and waits until the phone says that it is over (`audio_play_request`, `audio_play_response`).
    ///
    /// # Errors
    /// [`Error::Invalid`] for a volume outside of 0 to 1; [`Error::Refused`] when the phone cannot; [`Error::Timeout`];
    /// [`Error::Ended`], [`Error::Full`].
    pub async fn play(&self, play: impl Into<Play>) -> Result<Played, Error> {
        let play = play.into();
        if !(0.0..=1.0).contains(&play.volume) {
            return Err(Error::Invalid("a volume is from 0 to 1".to_owned()));
        }
        let id = random::id("audio_req_");
        let request = FromApp::AudioPlayRequest(AudioPlayRequest {
            request_id: id.clone(),
            audio_url: play.url,
            volume: Number::from_f64(play.volume),
            stop_other_audio: Some(play.stop_other_audio),
            track_id: Some(play.track.into()),
        });
        match self.shared.request(Awaited::Audio(id), &request, play.within).await? {
            Reply::Audio(response) => Ok(Played { duration: response.duration.and_then(|duration| duration.as_f64()) }),
            _ => Ok(Played { duration: None }),
        }
    }

    /// Says a text with the cloud's engine (`GET /api/tts`, played like any sound), and waits until it is said.
    ///
    /// # Errors
    /// As [`play`](Self::play); [`Error::Invalid`] for an empty text.
    pub async fn speak(&self, speech: impl Into<Speech>) -> Result<Played, Error> {
        let Speech { text, voice_id, model_id, voice_settings, volume, stop_other_audio, track, within } =
            speech.into();
        if text.is_empty() {
            return Err(Error::Invalid("there is nothing to say".to_owned()));
        }
        let query = spoken(&text, voice_id.as_deref(), model_id.as_deref(), voice_settings);
        let url = format!("{}/api/tts?{query}", base_of(&self.shared.url));
        self.play(Play { url, volume, stop_other_audio, track, within }).await
    }

    /// Silences one track, or all (`audio_stop_request`).
    ///
    /// # Errors
    /// [`Error::Ended`], [`Error::Full`].
    pub async fn stop(&self, track: Option<u8>) -> Result<(), Error> {
        let stop = AudioStopRequest { track_id: track.map(Number::from) };
        self.shared.send(Lane::Ordered, &FromApp::AudioStopRequest(stop)).await
    }

    /// Opens a stream that plays what is written to it: MP3 data (`audio_stream_start`, `audio_stream_ready`).
    ///
    /// # Errors
    /// [`Error::Timeout`] after 10 s: some clouds do not have this; [`Error::Ended`], [`Error::Full`].
    pub async fn output_stream(&self) -> Result<AudioOutput, Error> {
        self.output_stream_on(1).await
    }

    /// The same on another track than 1.
    ///
    /// # Errors
    /// As [`output_stream`](Self::output_stream).
    pub async fn output_stream_on(&self, track: u8) -> Result<AudioOutput, Error> {
        let id = random::uuid();
        let start = AudioStreamStart { stream_id: id.clone(), content_type: Some("audio/mpeg".to_owned()) };
        let awaited = Awaited::OutputStream(id.clone());
        let reply = self.shared.request(awaited, &FromApp::AudioStreamStart(start), READY).await?;
        let Reply::OutputStream(ready) = reply else { return Err(self.shared.over()) };
        let play = FromApp::AudioPlayRequest(AudioPlayRequest {
            request_id: format!("stream_{id}"),
            audio_url: ready.stream_url.clone(),
            volume: Some(1.into()),
            stop_other_audio: Some(true),
            track_id: Some(track.into()),
        });
        self.shared.send(Lane::Ordered, &play).await?;
        Ok(AudioOutput { audio: self.clone(), id, url: ready.stream_url, track })
    }

    /// What the microphone hears; see [`Events::audio_chunks`].
    ///
    /// # Errors
    /// [`Error::Ended`], [`Error::Full`].
    pub async fn chunks(&self) -> Result<EventStream<AudioChunk>, Error> {
        Events { shared: self.shared.clone() }.audio_chunks().await
    }
}

/// Sound that is made while it is played.
#[derive(Debug)]
pub struct AudioOutput {
    audio: Audio,
    id: String,
    url: String,
    track: u8,
}

impl AudioOutput {
    /// Its UUID.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where it can be heard.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Plays this MP3 data behind what was written before: a binary frame, the UUID in front.
    ///
    /// # Errors
    /// [`Error::Timeout`] while there is no connection, because a stream does not outlive its connection; [`Error::Ended`].
    pub async fn write(&self, data: &[u8]) -> Result<(), Error> {
        let mut frame = BytesMut::with_capacity(self.id.len() + data.len());
        frame.put_slice(self.id.as_bytes());
        frame.put_slice(data);
        let data = frame.freeze();
        self.audio.shared.call(|ticket| Input::SendBinary { ticket, data }).await.map(|_| ())
    }

    /// Plays to the end what was written (`audio_stream_end`).
    ///
    /// # Errors
    /// [`Error::Ended`], [`Error::Full`].
    pub async fn end(self) -> Result<(), Error> {
        self.finish().await
    }

    /// Plays no more of it.
    ///
    /// # Errors
    /// [`Error::Ended`], [`Error::Full`].
    pub async fn flush(self) -> Result<(), Error> {
        self.finish().await?;
        self.audio.stop(Some(self.track)).await
    }

    async fn finish(&self) -> Result<(), Error> {
        let end = FromApp::AudioStreamEnd(AudioStreamEnd { stream_id: self.id.clone() });
        self.audio.shared.send(Lane::Ordered, &end).await
    }
}

/// The query of `/api/tts`.
fn spoken(text: &str, voice: Option<&str>, model: Option<&str>, settings: Option<VoiceSettings>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("text", text);
    voice.iter().for_each(|voice| _ = query.append_pair("voice_id", voice));
    model.iter().for_each(|model| _ = query.append_pair("model_id", model));
    if let Some(settings) = settings.and_then(|settings| serde_json::to_string(&settings).ok()) {
        query.append_pair("voice_settings", &settings);
    }
    query.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_samples_of_sixteen_bits() {
        let chunk = AudioChunk::new(Bytes::from_static(&[1, 0, 255, 255, 7]));
        assert_eq!(chunk.samples().collect::<Vec<_>>(), [1, -1]);
        assert_eq!(AudioChunk::new(vec![0; 3200].into()).duration(), Duration::from_millis(100));
    }
}
