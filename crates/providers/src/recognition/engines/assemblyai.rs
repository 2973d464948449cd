//! AssemblyAI, universal streaming: `wss://streaming.assemblyai.com/v3/ws`.
//!
//! An utterance is a turn. Its end comes twice, as it was heard and then formatted; the second is the final. In silence
//! nothing comes at all. An open connection is charged for, so `Terminate` is sent however a stream ends.

use std::sync::Arc;

use serde_json::Value;
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

const USUAL: &str = "wss://streaming.assemblyai.com/v3/ws";
const USUAL_KEY: &str = "ASSEMBLYAI_API_KEY";
const ENGLISH: &str = "universal-streaming-english";
const MULTILINGUAL: &str = "universal-streaming-multilingual";
/// It takes 50 to 1000 ms in a message.
const MIN_FRAME_MS: usize = 50;

#[derive(Debug)]
struct AssemblyAi {
    name: Arc<str>,
    url: Url,
    key: KeySource,
    model: Option<String>,
}

pub(super) fn build(config: &EngineConfig, name: &Arc<str>) -> Result<Built, ConfigError> {
    let (url, key) = vendor_url(config, name, USUAL, USUAL_KEY)?;
    let configured_by = key.to_string();
    Ok(Built {
        languages: Languages { tags: tags(&["en", "es", "fr", "de", "it", "pt"]), identifies: true },
        translates: false,
        price: Class::Low,
        latency: Class::Low,
        missing: None,
        configured_by,
        engine: Box::new(Socket(Arc::new(AssemblyAi { name: name.clone(), url, key, model: config.model.clone() }))),
    })
}

impl Vendor for AssemblyAi {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn address(&self, need: &Need) -> Result<Address, Failure> {
        let key = self.key.read().map_err(|why| Failure::new(&self.name, FailureKind::Refused, why))?;
        let english = !need.is_open() && base(&need.language).eq_ignore_ascii_case("en");
        let model = self.model.as_deref().unwrap_or(if english { ENGLISH } else { MULTILINGUAL });
        let mut url = self.url.clone();
        url.query_pairs_mut().extend_pairs([
            ("speech_model", model),
            ("sample_rate", "16000"),
            ("encoding", "pcm_s16le"),
            ("format_turns", "true"),
            ("language_detection", if english { "false" } else { "true" }),
        ]);
        Ok(Address { url, key: Some(("authorization", "", key)) })
    }

    fn dialect(&self, need: &Need) -> Box<dyn Dialect> {
        let language = (!need.is_open()).then(|| need.language.clone());
        Box::new(Talk { language, turn: None })
    }
}

#[derive(Debug)]
struct Talk {
    language: Option<String>,
    /// The turn that is open.
    turn: Option<u64>,
}

impl Dialect for Talk {
    fn acknowledges(&self) -> bool {
        true
    }

    fn talks_in_silence(&self) -> bool {
        false
    }

    fn min_frame_ms(&self) -> usize {
        MIN_FRAME_MS
    }

    fn finalise(&mut self, _sent_ms: u64) -> Option<Message> {
        Some(Message::text(r#"{"type":"ForceEndpoint"}"#))
    }

    fn close(&mut self) -> Message {
        Message::text(r#"{"type":"Terminate"}"#)
    }

    fn read(&mut self, text: &str, _sent_ms: u64, out: &mut Out) -> Result<Told, Fault> {
        let message = json(text)?;
        match message["type"].as_str() {
            Some("Begin") => return Ok(Told::Ready),
            Some("Turn") => self.turn(&message, out),
            Some("Termination") => return Ok(Told::Over),
            Some("Error") | None => {
                let Some(why) = message["error"].as_str() else { return Err(Fault::nonsense()) };
                let code = message["error_code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(0);
                return Err(Fault { kind: self.closed(code, why), why: format!("it reports an error: {why}") });
            }
            Some(_) => {}
        }
        Ok(Told::Words)
    }

    fn closed(&self, code: u16, reason: &str) -> FailureKind {
        let reason = reason.to_ascii_lowercase();
        let many = reason.contains("too many") || reason.contains("concurrent") || reason.contains("rate limit");
        match code {
            3009 => FailureKind::Busy { retry_after: None },
            _ if many => FailureKind::Busy { retry_after: None },
            1008 | 4001..=4003 => FailureKind::Refused,
            _ => FailureKind::Lost,
        }
    }
}

impl Talk {
    fn turn(&mut self, message: &Value, out: &mut Out) {
        let order = message["turn_order"].as_u64();
        if self.turn.is_some() && self.turn != order {
            // The formatted text of the last turn has not come.
            out.last_as_it_stands();
        }
        self.turn = order;
        let words = self.words(message);
        let is = |flag: &str| message[flag].as_bool().unwrap_or(false);
        if is("end_of_turn") && is("turn_is_formatted") {
            self.turn = None;
            out.last(words);
        } else {
            out.interim(words);
        }
    }

    fn words(&self, message: &Value) -> Words {
        let list = message["words"].as_array().map(Vec::as_slice).unwrap_or_default();
        let transcript = message["transcript"].as_str().unwrap_or_default().trim();
        // The transcript lacks the words that may still change.
        let text = if message["end_of_turn"].as_bool().unwrap_or(false) || list.is_empty() {
            transcript.to_owned()
        } else {
            list.iter().filter_map(|word| word["text"].as_str()).collect::<Vec<_>>().join(" ")
        };
        let confidences: Vec<f64> = list.iter().filter_map(|word| word["confidence"].as_f64()).collect();
        let mean = confidences.iter().sum::<f64>() / confidences.len().max(1) as f64;
        let start_ms = list.first().and_then(|word| word["start"].as_u64()).unwrap_or(0);
        Words {
            text,
            start_ms,
            end_ms: list.last().and_then(|word| word["end"].as_u64()).unwrap_or(start_ms),
            language: message["language_code"].as_str().map(str::to_owned).or_else(|| self.language.clone()),
            speaker: message["speaker_label"].as_str().map(str::to_owned),
            confidence: (!confidences.is_empty()).then_some(mean as f32),
            translation: None,
        }
    }
}
