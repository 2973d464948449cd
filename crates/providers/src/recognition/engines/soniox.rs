//! Soniox, live, with translation on the same stream: `wss://stt-rt.soniox.com/transcribe-websocket`.
//!
//! Words come as tokens. A final token comes once; the tokens that are not final come anew with each message. `<end>` (it
//! found a pause) and `<fin>` (it was told to) end an utterance. Tokens of a translation come some time after those of the
//! words, without times, and may come after `<end>`: such an utterance waits for them, for three seconds at most.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json as object};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use url::Url;

use super::{Built, tags, vendor_url};
use crate::failure::{Failure, FailureKind};
use crate::recognition::config::{Class, ConfigError, EngineConfig};
use crate::recognition::languages::{Languages, base};
use crate::recognition::out::{Out, Words};
use crate::recognition::socket::{Address, Dialect, Fault, Socket, Told, Vendor, json};
use crate::recognition::stream::Need;
use crate::secret::KeySource;

const USUAL: &str = "wss://stt-rt.soniox.com/transcribe-websocket";
const USUAL_KEY: &str = "SONIOX_API_KEY";
const USUAL_MODEL: &str = "stt-rt-v5";
/// After 20 s without sound or this it closes.
const KEEP_ALIVE: Duration = Duration::from_secs(8);
/// So long an utterance waits for its translation.
const TRANSLATION: Duration = Duration::from_secs(3);

const KNOWN: &[&str] = &[
    "af", "ar", "az", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi",
    "fr", "gl", "gu", "he", "hi", "hr", "hu", "id", "it", "ja", "kk", "kn", "ko", "lt", "lv", "mk", "ml", "mr", "ms",
    "nl", "no", "pa", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "sw", "ta", "te", "th", "tl", "tr", "uk",
    "ur", "vi", "zh",
];

#[derive(Debug)]
struct Soniox {
    name: Arc<str>,
    url: Url,
    key: KeySource,
    model: String,
}

pub(super) fn build(config: &EngineConfig, name: &Arc<str>) -> Result<Built, ConfigError> {
    let (url, key) = vendor_url(config, name, USUAL, USUAL_KEY)?;
    let configured_by = key.to_string();
    let model = config.model.clone().unwrap_or_else(|| USUAL_MODEL.to_owned());
    Ok(Built {
        languages: Languages { tags: tags(KNOWN), identifies: true },
        translates: true,
        price: Class::Low,
        latency: Class::Low,
        missing: None,
        configured_by,
        engine: Box::new(Socket(Arc::new(Soniox { name: name.clone(), url, key, model }))),
    })
}

impl Vendor for Soniox {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn address(&self, _need: &Need) -> Result<Address, Failure> {
        let key = self.key.read().map_err(|why| Failure::new(&self.name, FailureKind::Refused, why))?;
        // Only here: a key in the first message is refused from 2027 on.
        Ok(Address { url: self.url.clone(), key: Some(("authorization", "Bearer ", key)) })
    }

    fn dialect(&self, need: &Need) -> Box<dyn Dialect> {
        Box::new(Talk { model: self.model.clone(), need: need.clone(), so_far: Said::default(), ended_at: None })
    }
}

#[derive(Debug)]
struct Talk {
    model: String,
    need: Need,
    /// The final tokens of the utterance.
    so_far: Said,
    /// When the utterance has ended that waits for its translation.
    ended_at: Option<Instant>,
}

/// Tokens, joined.
#[derive(Debug, Clone, Default)]
struct Said {
    text: String,
    translation: String,
    start_ms: Option<u64>,
    end_ms: u64,
    language: Option<String>,
    speaker: Option<String>,
    confidence: Option<f32>,
}

impl Dialect for Talk {
    fn hello(&mut self) -> Option<Message> {
        let spoken = (!self.need.is_open()).then_some(&self.need.language);
        let mut hints: Vec<&str> = spoken.into_iter().chain(&self.need.hints).map(|tag| base(tag)).collect();
        hints.dedup();
        let mut hello = object!({
            "model": self.model,
            "audio_format": "pcm_s16le",
            "sample_rate": 16000,
            "num_channels": 1,
            "enable_endpoint_detection": true,
            "enable_speaker_diarization": true,
            "enable_language_identification": !self.need.fixed,
        });
        if !hints.is_empty() {
            hello["language_hints"] = object!(hints);
        }
        if self.need.fixed && spoken.is_some() {
            hello["language_hints_strict"] = object!(true);
        }
        if let Some(to) = &self.need.translate {
            hello["translation"] = object!({"type": "one_way", "target_language": base(to)});
        }
        Some(Message::text(hello.to_string()))
    }

    fn finalise(&mut self, _sent_ms: u64) -> Option<Message> {
        Some(Message::text(r#"{"type":"finalize"}"#))
    }

    fn close(&mut self) -> Message {
        Message::Binary(Bytes::new())
    }

    fn keep_alive(&self) -> (Duration, Message) {
        (KEEP_ALIVE, Message::text(r#"{"type":"keepalive"}"#))
    }

    fn due(&self) -> Option<Instant> {
        self.ended_at.map(|at| at + TRANSLATION)
    }

    fn overdue(&mut self, out: &mut Out) {
        self.ends(out);
    }

    fn read(&mut self, text: &str, _sent_ms: u64, out: &mut Out) -> Result<Told, Fault> {
        let message = json(text)?;
        if !message["error_code"].is_null() {
            let code = &message["error_code"];
            let code = code.as_u64().or_else(|| code.as_str()?.parse().ok()).and_then(|code| u16::try_from(code).ok());
            return Err(Fault::status(code.unwrap_or(500), message["error_message"].as_str().unwrap_or_default()));
        }
        let tokens = message["tokens"].as_array().ok_or_else(Fault::nonsense)?;
        let mut tail = Said::default();
        for token in tokens {
            let is_final = token["is_final"].as_bool().unwrap_or(false);
            match token["text"].as_str().unwrap_or_default() {
                "<end>" | "<fin>" => self.ended_at = self.ended_at.or(Some(Instant::now())),
                text if is_final => {
                    // Words of the next utterance: this one has waited long enough.
                    if self.ended_at.is_some() && !is_translation(token) {
                        self.ends(out);
                    }
                    self.so_far.add(text, token);
                }
                text => tail.add(text, token),
            }
        }
        if self.ended_at.is_some_and(|at| !self.awaits_translation() || at.elapsed() >= TRANSLATION) {
            self.ends(out);
        }
        if message["finished"].as_bool().unwrap_or(false) {
            self.ends(out);
            return Ok(Told::Over);
        }
        let so_far = self.so_far.clone().with(tail);
        if !so_far.text.is_empty() {
            out.interim(self.words(so_far));
        } else if let Some(ms) = message["final_audio_proc_ms"].as_u64() {
            out.silent_until(ms);
        }
        Ok(Told::Words)
    }
}

impl Talk {
    /// Whether words are there that shall be translated, and no translation.
    fn awaits_translation(&self) -> bool {
        let Some(to) = &self.need.translate else { return false };
        let same = |language: &String| base(language).eq_ignore_ascii_case(base(to));
        let is_target = self.so_far.language.as_ref().is_some_and(same);
        !self.so_far.text.trim().is_empty() && self.so_far.translation.trim().is_empty() && !is_target
    }

    fn ends(&mut self, out: &mut Out) {
        self.ended_at = None;
        let said = std::mem::take(&mut self.so_far);
        let words = self.words(said);
        out.last(words);
    }

    fn words(&self, said: Said) -> Words {
        let asked = (!self.need.is_open()).then(|| self.need.language.clone());
        let translation = said.translation.trim();
        Words {
            text: said.text.split_whitespace().collect::<Vec<_>>().join(" "),
            start_ms: said.start_ms.unwrap_or(said.end_ms),
            end_ms: said.end_ms,
            language: said.language.or(asked),
            speaker: said.speaker,
            confidence: said.confidence,
            translation: (!translation.is_empty()).then(|| translation.to_owned()),
        }
    }
}

impl Said {
    fn add(&mut self, text: &str, token: &Value) {
        if is_translation(token) {
            self.translation.push_str(text);
            return;
        }
        let text_of = |field: &str| token[field].as_str().map(str::to_owned);
        let number = token["speaker"].as_u64().map(|speaker| speaker.to_string());
        self.text.push_str(text);
        self.start_ms = self.start_ms.or(token["start_ms"].as_u64());
        self.end_ms = token["end_ms"].as_u64().unwrap_or(0).max(self.end_ms);
        self.language = self.language.take().or_else(|| text_of("language"));
        self.speaker = self.speaker.take().or_else(|| text_of("speaker")).or(number);
        if let Some(confidence) = token["confidence"].as_f64() {
            // The least sure word says how sure the sentence is.
            self.confidence = Some(self.confidence.unwrap_or(1.0).min(confidence as f32));
        }
    }

    fn with(self, tail: Said) -> Said {
        let less = |a: Option<f32>, b: Option<f32>| match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Said {
            text: self.text + &tail.text,
            translation: self.translation + &tail.translation,
            start_ms: self.start_ms.or(tail.start_ms),
            end_ms: self.end_ms.max(tail.end_ms),
            language: self.language.or(tail.language),
            speaker: self.speaker.or(tail.speaker),
            confidence: less(self.confidence, tail.confidence),
        }
    }
}

fn is_translation(token: &Value) -> bool {
    token["translation_status"] == "translation"
}
