//! ElevenLabs: `POST /v1/text-to-speech/{voice}/stream`, answered with MP3 while it is spoken. The ids of voices and models,
//! and the settings, are those of `GET /api/tts`, which was made for it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::Client;
use serde::Serialize;
use url::Url;

use super::{Fault, Spoken, Voice, VoiceError, VoiceSettings, VoiceWish, http};
use crate::failure::{Failure, FailureKind};
use crate::secret::KeySource;

/// Its quickest model.
const MODEL: &str = "eleven_flash_v2_5";
/// What every phone plays.
const FORMAT: &str = "mp3_44100_128";

/// The engine.
#[derive(Debug)]
pub(super) struct ElevenLabs {
    name: Arc<str>,
    http: Client,
    /// With its version: `https://api.elevenlabs.io/v1`.
    url: Url,
    key: KeySource,
    voice: Option<String>,
    model: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    text: &'a str,
    model_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    voice_settings: Option<VoiceSettings>,
}

impl ElevenLabs {
    pub(super) fn new(
        name: Arc<str>,
        http: Client,
        url: Url,
        key: KeySource,
        voice: Option<String>,
        model: Option<String>,
    ) -> Self {
        Self { name, http, url, key, voice, model }
    }

    async fn say(&self, text: &str, wish: &VoiceWish) -> Result<Spoken, VoiceError> {
        let engine = &self.name;
        let voice = wish.voice_id.as_ref().or(self.voice.as_ref());
        let voice = voice.ok_or_else(|| VoiceError::NoVoice { engine: engine.clone() })?;
        // It becomes a part of the path.
        if voice.is_empty() || voice.len() > 64 || !voice.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let details = "a voice id consists of letters and digits".to_owned();
            let failure = Failure::new(engine, FailureKind::Unsupported { suggestions: Vec::new() }, &details);
            return Err(VoiceError::Refused { status: 400, details, failure });
        }
        let mut url = self.url.clone();
        let segments = url.path_segments_mut();
        segments.map_err(|()| Fault::Unreachable.of(engine))?.pop_if_empty().extend([
            "text-to-speech",
            voice,
            "stream",
        ]);
        url.query_pairs_mut().append_pair("output_format", FORMAT);
        let key = self.key.read().map_err(|why| VoiceError::Failed(Failure::new(engine, FailureKind::Refused, why)))?;
        let model_id = wish.model_id.as_deref().or(self.model.as_deref()).unwrap_or(MODEL);
        let voice_settings = Some(wish.settings).filter(|settings| *settings != VoiceSettings::default());
        let request = self.http.post(url).header("xi-api-key", key.expose());
        http::speak(engine, request.json(&Body { text, model_id, voice_settings })).await
    }
}

impl Voice for ElevenLabs {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn content_type(&self) -> &'static str {
        "audio/mpeg"
    }

    fn speak<'a>(&'a self, text: &'a str, wish: &'a VoiceWish) -> BoxFuture<'a, Result<Spoken, VoiceError>> {
        Box::pin(self.say(text, wish))
    }
}
