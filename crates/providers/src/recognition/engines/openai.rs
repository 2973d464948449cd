//! Recognition as OpenAI offers it, and many servers that one can run: a recording goes to `POST audio/transcriptions`.
//!
//! When a stream opens, `GET models` finds out whether the server is there and takes the key. Not every server has it: that
//! it is not found is an answer, too.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::multipart::{Form, Part};
use reqwest::{Client, RequestBuilder, Response};
use serde::Deserialize;
use tokio::sync::mpsc;
use url::Url;

use super::{Built, tags};
use crate::failure::{Failure, FailureKind, plain};
use crate::http;
use crate::recognition::config::{Class, ConfigError, EngineConfig};
use crate::recognition::languages::{Languages, WHISPER, base};
use crate::recognition::segmented::{Said, Segmented, Transcriber};
use crate::recognition::stream::Need;
use crate::secret::KeySource;

const USUAL: &str = "https://api.openai.com/v1/";
const USUAL_KEY: &str = "OPENAI_API_KEY";
const USUAL_MODEL: &str = "gpt-4o-mini-transcribe";
const RATE: u32 = 16_000;
/// Longest answer that is read.
const MAX_ANSWER: usize = 256 * 1024;

#[derive(Debug)]
struct Server {
    name: Arc<str>,
    base: Url,
    /// A server of one's own need not want one.
    key: Option<KeySource>,
    model: String,
    client: Client,
}

#[derive(Deserialize)]
struct Transcription {
    text: String,
    #[serde(default)]
    language: Option<String>,
}

pub(super) fn build(config: &EngineConfig, name: &Arc<str>) -> Result<Built, ConfigError> {
    let refuse = |why: &str| ConfigError::Engine { engine: name.to_string(), why: why.to_owned() };
    let mut base = match &config.url {
        Some(url) => url.clone(),
        None => Url::parse(USUAL).expect("it is an address"),
    };
    if !matches!(base.scheme(), "http" | "https") {
        return Err(refuse("its url must be like https://host/v1"));
    }
    if !base.path().ends_with('/') {
        base.set_path(&format!("{}/", base.path()));
    }
    let own = config.url.is_some() && config.key_env.is_none() && config.key_file.is_none();
    let key = (!own).then(|| config.key(USUAL_KEY));
    if let Some(key) = &key {
        key.read().map_err(|why| ConfigError::Key { engine: name.to_string(), why })?;
    }
    let client = http::client().map_err(|_| refuse("no HTTP client can be made"))?;
    Ok(Built {
        languages: Languages { tags: tags(WHISPER), identifies: true },
        translates: false,
        price: if own { Class::Free } else { Class::Medium },
        latency: Class::High,
        missing: None,
        configured_by: key.as_ref().map_or_else(|| "url".to_owned(), ToString::to_string),
        engine: Box::new(Segmented(Arc::new(Server {
            name: name.clone(),
            base,
            key,
            model: config.model.clone().unwrap_or_else(|| USUAL_MODEL.to_owned()),
            client,
        }))),
    })
}

impl Transcriber for Server {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn greet<'a>(&'a self, need: &'a Need) -> BoxFuture<'a, Result<Option<String>, Failure>> {
        async move {
            let request = self.signed(self.client.get(self.address("models")?))?;
            let response = request.send().await.map_err(|error| http::request_failure(&self.name, &error))?;
            let status = response.status();
            if !status.is_success() && !matches!(status.as_u16(), 404 | 405 | 501) {
                return Err(self.refusal(response).await);
            }
            Ok((!need.is_open()).then(|| base(&need.language).to_ascii_lowercase()))
        }
        .boxed()
    }

    fn transcribe<'a>(
        &'a self,
        language: Option<&'a str>,
        pcm: Vec<u8>,
        _interims: mpsc::Sender<String>,
    ) -> BoxFuture<'a, Result<Said, Failure>> {
        async move {
            let samples: Vec<i16> = pcm.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect();
            let file = Part::bytes(bifocal_audio::wav::write(&samples, RATE)).file_name("speech.wav");
            let file = file.mime_str("audio/wav").expect("it is a media type");
            let mut form = Form::new().part("file", file).text("model", self.model.clone());
            form = form.text("response_format", "json");
            if let Some(language) = language {
                form = form.text("language", language.to_owned());
            }
            let request = self.signed(self.client.post(self.address("audio/transcriptions")?).multipart(form))?;
            let response = request.send().await.map_err(|error| http::request_failure(&self.name, &error))?;
            if !response.status().is_success() {
                return Err(self.refusal(response).await);
            }
            let body = self.body(response).await?;
            let answer: Transcription = serde_json::from_slice(&body)
                .map_err(|_| Failure::lost(&self.name, "its answer to a transcription has no text"))?;
            let language = answer.language.map(|tag| plain(&tag, 20));
            Ok(Said { text: answer.text.trim().to_owned(), language })
        }
        .boxed()
    }
}

impl Server {
    fn address(&self, path: &str) -> Result<Url, Failure> {
        self.base.join(path).map_err(|_| Failure::new(&self.name, FailureKind::Refused, "its url is no base of others"))
    }

    fn signed(&self, request: RequestBuilder) -> Result<RequestBuilder, Failure> {
        let Some(key) = &self.key else { return Ok(request) };
        let key = key.read().map_err(|why| Failure::new(&self.name, FailureKind::Refused, why))?;
        Ok(request.bearer_auth(key.expose()))
    }

    async fn refusal(&self, response: Response) -> Failure {
        let status = response.status().as_u16();
        let retry = response.headers().get("retry-after").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = self.body(response).await.unwrap_or_default();
        http::status_failure(&self.name, status, retry.as_deref(), &String::from_utf8_lossy(&body))
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| http::request_failure(&self.name, &error))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(Failure::lost(&self.name, "its answer is longer than 256 KiB"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}
