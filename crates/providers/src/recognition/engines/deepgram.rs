//! Deepgram, live: `wss://api.deepgram.com/v1/listen`.
//!
//! What is said comes in pieces of some seconds. Each piece is final some time (`is_final`), but only `speech_final`,
//! `from_finalize` or an `UtteranceEnd` end the utterance: until then its pieces are collected here.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;
use url::Url;

use super::{Built, seconds, tags, vendor_url};
use crate::failure::{Failure, FailureKind};
use crate::recognition::config::{Class, ConfigError, EngineConfig};
use crate::recognition::languages::{Languages, base};
use crate::recognition::out::{Out, Words};
use crate::recognition::socket::{Address, Dialect, Fault, Socket, Told, Vendor, json};
use crate::recognition::stream::{LONGEST_MS, Need};
use crate::secret::KeySource;

const USUAL: &str = "wss://api.deepgram.com/v1/listen";
const USUAL_KEY: &str = "DEEPGRAM_API_KEY";
const USUAL_MODEL: &str = "nova-3";
/// After 10 s without sound or this it closes.
const KEEP_ALIVE: Duration = Duration::from_secs(4);

/// What nova-3 knows.
const KNOWN: &[&str] = &[
    "en", "es", "fr", "de", "hi", "ru", "pt", "ja", "it", "nl", "be", "bg", "bn", "bs", "ca", "cs", "da", "el", "et",
    "fi", "hr", "hu", "id", "kn", "ko", "lt", "lv", "mk", "mr", "ms", "no", "pl", "ro", "sk", "sl", "sr", "sv", "ta",
    "te", "th", "tl", "tr", "uk", "vi", "zh", "de-CH", "fr-CA", "nl-BE", "pt-BR", "pt-PT", "zh-CN", "zh-HK", "zh-TW",
];

#[derive(Debug)]
struct Deepgram {
    name: Arc<str>,
    url: Url,
    key: KeySource,
    model: String,
    languages: Languages,
}

pub(super) fn build(config: &EngineConfig, name: &Arc<str>) -> Result<Built, ConfigError> {
    let (url, key) = vendor_url(config, name, USUAL, USUAL_KEY)?;
    let languages = Languages { tags: tags(KNOWN), identifies: true };
    let configured_by = key.to_string();
    let model = config.model.clone().unwrap_or_else(|| USUAL_MODEL.to_owned());
    Ok(Built {
        languages: languages.clone(),
        translates: false,
        price: Class::Medium,
        latency: Class::Low,
        missing: None,
        configured_by,
        engine: Box::new(Socket(Arc::new(Deepgram { name: name.clone(), url, key, model, languages }))),
    })
}

impl Vendor for Deepgram {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn address(&self, need: &Need) -> Result<Address, Failure> {
        let key = self.key.read().map_err(|why| Failure::new(&self.name, FailureKind::Refused, why))?;
        let language = if need.is_open() { "multi" } else { self.languages.tag_for(need).unwrap_or(&need.language) };
        let mut url = self.url.clone();
        url.query_pairs_mut().extend_pairs([
            ("model", self.model.as_str()),
            ("language", language),
            ("encoding", "linear16"),
            ("sample_rate", "16000"),
            ("channels", "1"),
            ("interim_results", "true"),
            ("smart_format", "true"),
            ("diarize", "true"),
            ("endpointing", "300"),
            ("utterance_end_ms", "1000"),
        ]);
        if need.is_open() {
            url.query_pairs_mut().extend_pairs(need.hints.iter().map(|hint| ("language_hint", base(hint))));
        }
        Ok(Address { url, key: Some(("authorization", "Token ", key)) })
    }

    fn dialect(&self, need: &Need) -> Box<dyn Dialect> {
        let language = (!need.is_open()).then(|| need.language.clone());
        Box::new(Talk { language, ..Talk::default() })
    }
}

#[derive(Debug, Default)]
struct Talk {
    /// What was asked for; the language of words that come without one.
    language: Option<String>,
    /// The pieces of the utterance that are final.
    so_far: Words,
    /// The end of the sound was sent.
    closing: bool,
}

impl Dialect for Talk {
    fn finalise(&mut self, _sent_ms: u64) -> Option<Message> {
        Some(Message::text(r#"{"type":"Finalize"}"#))
    }

    fn close(&mut self) -> Message {
        self.closing = true;
        Message::text(r#"{"type":"CloseStream"}"#)
    }

    fn keep_alive(&self) -> (Duration, Message) {
        (KEEP_ALIVE, Message::text(r#"{"type":"KeepAlive"}"#))
    }

    fn read(&mut self, text: &str, _sent_ms: u64, out: &mut Out) -> Result<Told, Fault> {
        let message = json(text)?;
        match message["type"].as_str() {
            Some("Results") => self.results(&message, out),
            Some("UtteranceEnd") => self.ends(out),
            // The last message.
            Some("Metadata") if self.closing => {
                self.ends(out);
                return Ok(Told::Over);
            }
            Some("Error") => {
                let why = message["description"].as_str().or(message["message"].as_str()).unwrap_or("no reason given");
                return Err(Fault { kind: FailureKind::Lost, why: format!("it reports an error: {why}") });
            }
            _ => {}
        }
        Ok(Told::Words)
    }
}

impl Talk {
    fn results(&mut self, message: &Value, out: &mut Out) {
        let piece = self.piece(message);
        let is = |flag: &str| message[flag].as_bool().unwrap_or(false);
        let (start_ms, end_ms) = (piece.start_ms, piece.end_ms);
        let heard = !piece.text.is_empty();
        let joined = self.joined(piece);
        if !is("is_final") {
            if heard {
                out.interim(joined);
            }
            return;
        }
        self.so_far = joined;
        let too_long = end_ms.saturating_sub(self.so_far.start_ms) > LONGEST_MS;
        if is("speech_final") || is("from_finalize") || (too_long && !self.so_far.text.is_empty()) {
            self.ends(out);
        } else if heard {
            out.interim(self.so_far.clone());
        }
        if self.so_far.text.is_empty() {
            out.silent_until(end_ms.max(start_ms));
        }
    }

    fn ends(&mut self, out: &mut Out) {
        let words = std::mem::take(&mut self.so_far);
        out.last(words);
    }

    /// One piece of an utterance.
    fn piece(&self, message: &Value) -> Words {
        let best = &message["channel"]["alternatives"][0];
        let words = best["words"].as_array().map(Vec::as_slice).unwrap_or_default();
        let from = seconds(&message["start"]).unwrap_or(0);
        let whole_end = from + seconds(&message["duration"]).unwrap_or(0);
        let word = |nth: Option<&Value>, field: &str| nth.and_then(|word| seconds(&word[field]));
        let first = words.first();
        let language = best["languages"][0].as_str().or_else(|| first?["language"].as_str()).map(str::to_owned);
        Words {
            text: best["transcript"].as_str().unwrap_or_default().trim().to_owned(),
            start_ms: word(first, "start").unwrap_or(from),
            end_ms: word(words.last(), "end").unwrap_or(whole_end),
            language: language.or_else(|| self.language.clone()),
            speaker: first.and_then(|word| word["speaker"].as_u64()).map(|speaker| speaker.to_string()),
            confidence: best["confidence"].as_f64().map(|confidence| confidence as f32),
            translation: None,
        }
    }

    /// What is final of the utterance, and this after it.
    fn joined(&self, piece: Words) -> Words {
        let so_far = self.so_far.clone();
        match (so_far.text.is_empty(), piece.text.is_empty()) {
            (true, _) => piece,
            (false, true) => so_far,
            (false, false) => Words {
                text: format!("{} {}", so_far.text, piece.text),
                start_ms: so_far.start_ms,
                speaker: so_far.speaker.or(piece.speaker),
                ..piece
            },
        }
    }
}
