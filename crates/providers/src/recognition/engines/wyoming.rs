//! Any recogniser that speaks Wyoming: faster-whisper, Vosk, sherpa and what else there is for Home Assistant.
//!
//! Such a server takes one recording per connection. It is asked what it knows (`describe`, `info`) when a stream opens; then
//! each sentence is `transcribe`, the sound, `transcript`, and interims as `transcript-chunk` if it is that kind.

use std::io::{Error, ErrorKind};
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use url::Url;

use super::{Built, tags};
use crate::failure::{Failure, FailureKind, plain};
use crate::recognition::config::{Class, ConfigError, EngineConfig};
use crate::recognition::languages::{Languages, WHISPER, base, suggestions};
use crate::recognition::segmented::{Said, Segmented, Transcriber};
use crate::recognition::stream::Need;
use crate::wyoming::{Message, Wyoming};

const RATE: u32 = 16_000;
/// Where such a server usually is.
const USUAL: &str = "tcp://127.0.0.1:10300";
/// Most languages of a server that are looked at.
const MAX_LANGUAGES: usize = 1000;

#[derive(Debug)]
struct Server {
    name: Arc<str>,
    url: Url,
    model: Option<String>,
}

pub(super) fn build(config: &EngineConfig, name: &Arc<str>) -> Result<Built, ConfigError> {
    let url = match &config.url {
        Some(url) => url.clone(),
        None => Url::parse(USUAL).expect("it is an address"),
    };
    if url.scheme() != "tcp" || url.host_str().is_none_or(str::is_empty) || url.port().is_none() {
        let why = "its url must be like tcp://host:10300".to_owned();
        return Err(ConfigError::Engine { engine: name.to_string(), why });
    }
    Ok(Built {
        // Which of these the server knows it says itself, when a stream is opened.
        languages: Languages { tags: tags(WHISPER), identifies: true },
        translates: false,
        price: Class::Free,
        latency: Class::High,
        missing: None,
        configured_by: "url".to_owned(),
        engine: Box::new(Segmented(Arc::new(Server { name: name.clone(), url, model: config.model.clone() }))),
    })
}

impl Transcriber for Server {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn greet<'a>(&'a self, need: &'a Need) -> BoxFuture<'a, Result<Option<String>, Failure>> {
        async move {
            let mut server = self.connect().await?;
            server.send("describe", json!({}), &[]).await.map_err(|error| self.lost(&error))?;
            loop {
                let message = self.next(&mut server).await?;
                if message.kind == "info" {
                    return self.language(&message, need);
                }
            }
        }
        .boxed()
    }

    fn transcribe<'a>(
        &'a self,
        language: Option<&'a str>,
        pcm: Vec<u8>,
        interims: mpsc::Sender<String>,
    ) -> BoxFuture<'a, Result<Said, Failure>> {
        async move {
            let mut server = self.connect().await?;
            let mut request = json!({});
            for (field, value) in [("language", language), ("name", self.model.as_deref())] {
                if let Some(value) = value {
                    request[field] = json!(value);
                }
            }
            server.send("transcribe", request, &[]).await.map_err(|error| self.lost(&error))?;
            server.send_sound(&pcm, RATE).await.map_err(|error| self.lost(&error))?;
            let mut so_far = String::new();
            loop {
                let message = self.next(&mut server).await?;
                match message.kind.as_str() {
                    "transcript-chunk" => {
                        so_far.push_str(message.text("text").unwrap_or_default());
                        // A full queue loses an interim; the next has its words too.
                        let _ = interims.try_send(so_far.trim().to_owned());
                    }
                    "transcript" => {
                        return Ok(said(message.text("text").unwrap_or_default(), message.text("language")));
                    }
                    "transcript-stop" => return Ok(said(&so_far, None)),
                    _ => {}
                }
            }
        }
        .boxed()
    }
}

impl Server {
    async fn connect(&self) -> Result<Wyoming, Failure> {
        Wyoming::connect(&self.url).await.map_err(|error| {
            Failure::lost(&self.name, format!("it cannot be reached at {}: {}", self.url, error.kind()))
        })
    }

    /// The next message that is no error.
    async fn next(&self, server: &mut Wyoming) -> Result<Message, Failure> {
        match server.next().await {
            Ok(Some(message)) if message.kind == "error" => {
                let why = plain(message.text("text").unwrap_or("no reason given"), 160);
                Err(Failure::lost(&self.name, format!("it reports an error: {why}")))
            }
            Ok(Some(message)) => Ok(message),
            Ok(None) => Err(Failure::lost(&self.name, "it closed the connection")),
            Err(error) => Err(self.lost(&error)),
        }
    }

    fn lost(&self, error: &Error) -> Failure {
        match error.kind() {
            ErrorKind::InvalidData => Failure::lost(&self.name, format!("it does not speak Wyoming: {error}")),
            kind => Failure::lost(&self.name, format!("the connection failed: {kind}")),
        }
    }

    /// The language to ask for, as the server writes it.
    fn language(&self, info: &Message, need: &Need) -> Result<Option<String>, Failure> {
        let models = |program: &Value| program["models"].as_array().cloned().unwrap_or_default();
        let recognisers = info.data.get("asr").and_then(Value::as_array).cloned().unwrap_or_default();
        if recognisers.is_empty() {
            let why = format!("{} recognises no speech: is it the address of another service?", self.url);
            return Err(Failure::new(&self.name, FailureKind::Refused, why));
        }
        let named = |model: &Value| self.model.as_ref().is_none_or(|name| model["name"] == name.as_str());
        let known: Vec<String> = recognisers
            .iter()
            .flat_map(models)
            .filter(named)
            .flat_map(|model| model["languages"].as_array().cloned().unwrap_or_default())
            .filter_map(|tag| tag.as_str().map(str::to_owned))
            .take(MAX_LANGUAGES)
            .collect();
        if need.is_open() {
            return Ok(None);
        }
        let wanted = need.language.as_str();
        // Servers write en, en-US, en_US and en-us.
        let dashed = |tag: &str| tag.replace('_', "-").to_ascii_lowercase();
        let same = |tag: &&String| dashed(tag) == wanted.to_ascii_lowercase();
        let alike = |tag: &&String| base(&dashed(tag)).eq_ignore_ascii_case(base(wanted));
        let plain_one = |tag: &&String| tag.eq_ignore_ascii_case(base(wanted));
        let found = known.iter().find(same).or_else(|| known.iter().find(plain_one));
        match found.or_else(|| known.iter().find(alike)) {
            Some(tag) => Ok(Some(tag.clone())),
            // It says nothing about languages: it may know it.
            None if known.is_empty() => Ok(Some(base(wanted).to_owned())),
            None => {
                let suggestions = suggestions(wanted, known.iter());
                let suggestions = suggestions.iter().map(|tag| plain(tag, 20)).collect();
                let why = format!("its models do not know {wanted:?}");
                Err(Failure::new(&self.name, FailureKind::Unsupported { suggestions }, why))
            }
        }
    }
}

fn said(text: &str, language: Option<&str>) -> Said {
    Said { text: text.trim().to_owned(), language: language.map(|tag| plain(tag, 20)) }
}
