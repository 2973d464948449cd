//! A Vosk server in the house: sound in, `partial` and `text` out; each message with sound is answered by one.
//!
//! It has no message that makes it give the rest: silence does that, so silence is sent, and its length taken off the times
//! of everything after it. A server has one model, so one language: the configuration says which.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;
use url::Url;

use super::{Built, seconds, tags, websocket_url};
use crate::failure::Failure;
use crate::recognition::config::{Class, ConfigError, EngineConfig};
use crate::recognition::languages::Languages;
use crate::recognition::out::{Out, Words};
use crate::recognition::socket::{Address, Dialect, Fault, Socket, Told, Vendor, json};
use crate::recognition::stream::{BYTES_PER_MS, Need};

const USUAL: &str = "ws://127.0.0.1:2700";
/// Its recogniser ends a sentence after half a second of silence.
const SILENCE_MS: u64 = 800;
/// Most places with silence of ours that are remembered.
const MAX_SILENCES: usize = 64;
/// A first guess comes so long after the first word began.
const LATE_MS: u64 = 700;

#[derive(Debug)]
struct Vosk {
    name: Arc<str>,
    url: Url,
}

pub(super) fn build(config: &EngineConfig, name: &Arc<str>) -> Result<Built, ConfigError> {
    let url = websocket_url(config, name, USUAL)?;
    Ok(Built {
        languages: Languages { tags: tags(&["en"]), identifies: false },
        translates: false,
        price: Class::Free,
        latency: Class::Low,
        missing: None,
        configured_by: "url and languages".to_owned(),
        engine: Box::new(Socket(Arc::new(Vosk { name: name.clone(), url }))),
    })
}

impl Vendor for Vosk {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn address(&self, _need: &Need) -> Result<Address, Failure> {
        Ok(Address { url: self.url.clone(), key: None })
    }

    fn dialect(&self, _need: &Need) -> Box<dyn Dialect> {
        Box::new(Talk::default())
    }
}

#[derive(Debug, Default)]
struct Talk {
    /// Where silence of ours was put in, in the server's time; the latest last.
    silences: VecDeque<u64>,
    /// So much of it is before all of those.
    before_ms: u64,
    /// Where the utterance began, while there are only guesses.
    began_ms: Option<u64>,
}

impl Dialect for Talk {
    fn hello(&mut self) -> Option<Message> {
        Some(Message::text(r#"{"config":{"sample_rate":16000,"words":true}}"#))
    }

    fn finalise(&mut self, sent_ms: u64) -> Option<Message> {
        let inserted = self.before_ms + self.silences.len() as u64 * SILENCE_MS;
        self.silences.push_back(sent_ms + inserted);
        if self.silences.len() > MAX_SILENCES {
            self.silences.pop_front();
            self.before_ms += SILENCE_MS;
        }
        Some(Message::Binary(Bytes::from(vec![0; SILENCE_MS as usize * BYTES_PER_MS])))
    }

    fn close(&mut self) -> Message {
        // To the letter: the server compares strings.
        Message::text(r#"{"eof" : 1}"#)
    }

    fn read(&mut self, text: &str, sent_ms: u64, out: &mut Out) -> Result<Told, Fault> {
        let message = json(text)?;
        if let Some(partial) = message["partial"].as_str().map(str::trim) {
            if partial.is_empty() {
                self.began_ms = None;
                out.silent_until(sent_ms.saturating_sub(LATE_MS));
            } else {
                let start_ms = *self.began_ms.get_or_insert(sent_ms.saturating_sub(LATE_MS));
                out.interim(Words { text: partial.to_owned(), start_ms, end_ms: sent_ms, ..Words::default() });
            }
        } else if let Some(text) = message["text"].as_str().or(message["alternatives"][0]["text"].as_str()) {
            let words = self.words(text.trim(), &message, sent_ms);
            self.began_ms = None;
            out.last(words);
        } else {
            return Err(Fault::nonsense());
        }
        Ok(Told::Words)
    }
}

impl Talk {
    fn words(&self, text: &str, message: &Value, sent_ms: u64) -> Words {
        let list = message["result"].as_array().or_else(|| message["alternatives"][0]["result"].as_array());
        let list = list.map(Vec::as_slice).unwrap_or_default();
        let at = |word: Option<&Value>, field: &str| Some(self.ours(seconds(&word?[field])?).min(sent_ms));
        let confidences: Vec<f64> = list.iter().filter_map(|word| word["conf"].as_f64()).collect();
        let mean = confidences.iter().sum::<f64>() / confidences.len().max(1) as f64;
        Words {
            text: text.to_owned(),
            start_ms: at(list.first(), "start").or(self.began_ms).unwrap_or(sent_ms),
            end_ms: at(list.last(), "end").unwrap_or(sent_ms),
            confidence: (!confidences.is_empty()).then_some(mean as f32),
            ..Words::default()
        }
    }

    /// A time of the server in the stream's own.
    fn ours(&self, theirs: u64) -> u64 {
        let inserted = self.silences.iter().filter(|&&at| at < theirs).count() as u64 * SILENCE_MS;
        theirs.saturating_sub(self.before_ms + inserted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_that_was_put_in_is_taken_off() {
        let mut talk = Talk::default();
        let _ = talk.finalise(1000);
        let _ = talk.finalise(3000);
        assert_eq!([900, 2000, 3700, 5000].map(|theirs| talk.ours(theirs)), [900, 1200, 2900, 3400]);
        for at in 0..100 {
            let _ = talk.finalise(3000 + at);
        }
        assert_eq!(talk.silences.len(), MAX_SILENCES);
        assert_eq!(talk.ours(200_000), 200_000 - 102 * SILENCE_MS);
    }
}
