//! The speech route that OpenAI has made common: `POST /v1/audio/speech`. Many servers for one's own house speak it as well
//! (Kokoro-FastAPI, LocalAI, openedai-speech, Speaches), most of them without a key.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::Client;
use serde::Serialize;
use url::Url;

use super::{Fault, Spoken, Voice, VoiceError, VoiceWish, http, is_elevenlabs_model, is_elevenlabs_voice};
use crate::failure::{Failure, FailureKind};
use crate::secret::KeySource;

const MODEL: &str = "gpt-4o-mini-tts";
const VOICE: &str = "alloy";

/// The engine.
#[derive(Debug)]
pub(super) struct OpenAiVoice {
    name: Arc<str>,
    http: Client,
    /// With its version: `https://api.openai.com/v1`.
    url: Url,
    key: Option<KeySource>,
    voice: Option<String>,
    model: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    input: &'a str,
    voice: &'a str,
    response_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed: Option<f64>,
}

impl OpenAiVoice {
    pub(super) fn new(
        name: Arc<str>,
        http: Client,
        url: Url,
        key: Option<KeySource>,
        voice: Option<String>,
        model: Option<String>,
    ) -> Self {
        Self { name, http, url, key, voice, model }
    }

    async fn say(&self, text: &str, wish: &VoiceWish) -> Result<Spoken, VoiceError> {
        let engine = &self.name;
        let mut url = self.url.clone();
        let segments = url.path_segments_mut();
        segments.map_err(|()| Fault::Unreachable.of(engine))?.pop_if_empty().extend(["audio", "speech"]);
        let voice = wish.voice_id.as_deref().filter(|id| !is_elevenlabs_voice(id)).or(self.voice.as_deref());
        let model = wish.model_id.as_deref().filter(|id| !is_elevenlabs_model(id)).or(self.model.as_deref());
        let mut request = self.http.post(url);
        if let Some(key) = &self.key {
            let key = key.read();
            let key = key.map_err(|why| VoiceError::Failed(Failure::new(engine, FailureKind::Refused, why)))?;
            request = request.bearer_auth(key.expose());
        }
        let body = Body {
            model: model.unwrap_or(MODEL),
            input: text,
            voice: voice.unwrap_or(VOICE),
            response_format: "mp3",
            speed: wish.settings.pace(),
        };
        http::speak(engine, request.json(&body)).await
    }
}

impl Voice for OpenAiVoice {
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
