//! The engines, one file each, and how one is made from its configuration.

mod assemblyai;
mod deepgram;
pub mod fake;
mod openai;
mod soniox;
mod sphinx;
mod vosk;
mod whisper;
mod wyoming;

use std::fmt::Debug;
use std::sync::Arc;

use serde_json::Value;
use url::Url;

use super::config::{Class, ConfigError, EngineConfig, Kind};
use super::languages::Languages;
use super::out::Out;
use super::stream::{Feed, Need};
use crate::secret::KeySource;

/// Something that recognises speech.
pub(crate) trait Engine: Debug + Send + Sync {
    /// Starts a stream: a task that reads `feed`, tells `out`, and ends with `out.failed` or `out.closed`.
    fn start(&self, need: Need, feed: Feed, out: Out);
}

/// An engine and what is known of it.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) engine: Box<dyn Engine>,
    pub(crate) languages: Languages,
    /// It translates between all of its languages.
    pub(crate) translates: bool,
    pub(crate) price: Class,
    pub(crate) latency: Class,
    /// Why it cannot be used on this machine, and what to do.
    pub(crate) missing: Option<String>,
    /// Where its key is, or what else it needs.
    pub(crate) configured_by: String,
}

/// Makes the engine of a configuration.
pub(crate) fn build(config: &EngineConfig, name: &Arc<str>) -> Result<Built, ConfigError> {
    match config.kind {
        Kind::Fake => Ok(fake::build(config, name)),
        Kind::Pocketsphinx => Ok(sphinx::build(config, name)),
        Kind::Wyoming => wyoming::build(config, name),
        Kind::Vosk => vosk::build(config, name),
        Kind::Deepgram => deepgram::build(config, name),
        Kind::Soniox => soniox::build(config, name),
        Kind::AssemblyAi => assemblyai::build(config, name),
        Kind::OpenAi => openai::build(config, name),
        Kind::Whisper => whisper::build(config, name),
    }
}

/// What is used if the configuration says nothing: whatever needs no key and is installed.
pub(crate) fn usual() -> Vec<EngineConfig> {
    if sphinx::missing().is_some() {
        return Vec::new();
    }
    vec![EngineConfig::of(Kind::Pocketsphinx)]
}

/// Tags as they stand in an engine's own list.
pub(crate) fn tags(list: &[&str]) -> Vec<String> {
    list.iter().map(|&tag| tag.to_owned()).collect()
}

/// Where a WebSocket server is: as configured, or where such servers usually are.
fn websocket_url(config: &EngineConfig, name: &Arc<str>, usual: &str) -> Result<Url, ConfigError> {
    let url = match &config.url {
        Some(url) => url.clone(),
        None => Url::parse(usual).expect("it is an address"),
    };
    if !matches!(url.scheme(), "ws" | "wss") {
        let why = format!("its url must be like {usual}");
        return Err(ConfigError::Engine { engine: name.to_string(), why });
    }
    Ok(url)
}

/// The same of a vendor, and where the key is. A key that cannot be read is found out now, and not in the first stream.
fn vendor_url(
    config: &EngineConfig,
    name: &Arc<str>,
    usual: &str,
    usual_key: &str,
) -> Result<(Url, KeySource), ConfigError> {
    let url = websocket_url(config, name, usual)?;
    let key = config.key(usual_key);
    key.read().map_err(|why| ConfigError::Key { engine: name.to_string(), why })?;
    Ok((url, key))
}

/// Seconds of a vendor in milliseconds. What is no time is none.
fn seconds(value: &Value) -> Option<u64> {
    let seconds = value.as_f64().filter(|seconds| (0.0..1e9).contains(seconds))?;
    Some((seconds * 1000.0).round() as u64)
}
