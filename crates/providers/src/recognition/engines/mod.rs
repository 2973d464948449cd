//! The engines, one file each, and how one is made from its configuration.

pub mod fake;
mod sphinx;

use std::fmt::Debug;
use std::sync::Arc;

use super::config::{Class, ConfigError, EngineConfig, Kind};
use super::languages::Languages;
use super::out::Out;
use super::stream::{Feed, Need};

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
