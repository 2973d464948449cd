//! The section `[speech]` of the configuration.
//!
//! ```toml
//! [[speech.engines]]            # in the order in which they are asked: the cheapest first
//! kind = "deepgram"
//! name = "deepgram-eu"          # if there are two of a kind
//! url = "wss://api.eu.deepgram.com/v1/listen"
//! key_env = "DEEPGRAM_API_KEY"  # or key_file = "/run/secrets/deepgram"
//! languages = ["en", "de"]      # fewer than it knows
//! model = "nova-3"
//! ```
//!
//! Without `engines`, whatever needs no key and is installed is used. `docs/speech.md` has the table of kinds.

use std::path::PathBuf;

use serde::Deserialize;
use url::Url;

use super::engines::fake::Script;
use crate::secret::KeySource;

/// Most engines.
pub(crate) const MAX_ENGINES: usize = 32;

/// What shall recognise speech.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpeechConfig {
    /// In the order in which they are asked. `None`: what is installed and needs no key. Empty: nothing.
    pub engines: Option<Vec<EngineConfig>>,
}

/// One engine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineConfig {
    /// Which one.
    pub kind: Kind,
    /// What it is called in logs, metrics and a user's choice; the kind if it is not given.
    #[serde(default)]
    pub name: Option<String>,
    /// Where it is, if not at the vendor's usual address.
    #[serde(default)]
    pub url: Option<Url>,
    /// Environment variable with its key.
    #[serde(default)]
    pub key_env: Option<String>,
    /// File with its key.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// The languages it shall be used for: `en` with all regions, or `en-GB`. All that it knows if it is not given.
    #[serde(default)]
    pub languages: Option<Vec<String>>,
    /// The vendor's name of a model, or the folder of one.
    #[serde(default)]
    pub model: Option<String>,
    /// Where it stands, for people and metrics.
    #[serde(default)]
    pub region: Option<String>,
    /// What it costs, if it differs from what is usual for its kind.
    #[serde(default)]
    pub price: Option<Class>,
    /// How long words take, likewise.
    #[serde(default)]
    pub latency: Option<Class>,
    /// Streams at a time, for engines that run in this process.
    #[serde(default)]
    pub streams: Option<usize>,
    /// What a fake engine does.
    #[serde(default)]
    pub script: Option<Script>,
}

impl EngineConfig {
    /// An engine of this kind with everything as usual.
    pub fn of(kind: Kind) -> Self {
        Self {
            kind,
            name: None,
            url: None,
            key_env: None,
            key_file: None,
            languages: None,
            model: None,
            region: None,
            price: None,
            latency: None,
            streams: None,
            script: None,
        }
    }

    /// Where its key is; `usual` is the variable that is looked at if nothing is said.
    pub fn key(&self, usual: &str) -> KeySource {
        let given = KeySource::given(self.key_file.as_ref(), self.key_env.as_ref());
        given.unwrap_or_else(|| KeySource::Env(usual.to_owned()))
    }
}

/// The engines there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Numbered words and planted faults, for tests and load.
    Fake,
    /// In the box: PocketSphinx, opened at run time.
    Pocketsphinx,
    /// A server that speaks Wyoming, as they do for Home Assistant.
    Wyoming,
    /// A Vosk server.
    Vosk,
    /// Deepgram's live recognition.
    Deepgram,
    /// Soniox, which also translates.
    Soniox,
    /// AssemblyAI's universal streaming.
    AssemblyAi,
    /// Whatever takes recordings as OpenAI does.
    OpenAi,
    /// In the box: a model of whisper.cpp, with the cargo feature `whisper`.
    Whisper,
}

impl Kind {
    /// As it is written in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fake => "fake",
            Self::Pocketsphinx => "pocketsphinx",
            Self::Wyoming => "wyoming",
            Self::Vosk => "vosk",
            Self::Deepgram => "deepgram",
            Self::Soniox => "soniox",
            Self::AssemblyAi => "assemblyai",
            Self::OpenAi => "openai",
            Self::Whisper => "whisper",
        }
    }
}

/// A rough class of price or latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Nothing.
    Free,
    /// Little: up to about 0.2 US dollars an hour; words within half a second.
    Low,
    /// Up to about 0.6 US dollars an hour; words within a second or two.
    Medium,
    /// More; words only after the end of a sentence.
    High,
}

impl Class {
    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What is wrong with the configuration, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// More engines than can be meant.
    #[error("[speech] lists more than {MAX_ENGINES} engines")]
    TooMany,
    /// Two engines cannot be told apart.
    #[error("[speech] lists two engines called {0:?}: give one of them another `name`")]
    SameName(String),
    /// A name that is not fit for logs and metrics.
    #[error("[speech] calls an engine {0:?}: use up to 40 of a-z, 0-9, - and _")]
    BadName(String),
    /// There is no key.
    #[error("[speech] engine {engine}: {why}; set `key_env` or `key_file`, or take the engine out")]
    Key {
        /// Its name.
        engine: String,
        /// What is wrong.
        why: String,
    },
    /// Something else.
    #[error("[speech] engine {engine}: {why}")]
    Engine {
        /// Its name.
        engine: String,
        /// What is wrong, and what to do.
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_is_read() {
        let config: SpeechConfig = toml::from_str(
            r#"
            [[engines]]
            kind = "fake"
            name = "first"
            languages = ["en"]
            price = "low"
            "#,
        )
        .expect("it is well-formed");
        let engines = config.engines.expect("it lists engines");
        assert_eq!((engines[0].kind, engines[0].price), (Kind::Fake, Some(Class::Low)));
        assert_eq!(toml::from_str::<SpeechConfig>("").expect("it is well-formed").engines, None);
    }

    #[test]
    fn what_is_misspelt_is_named() {
        let error = toml::from_str::<SpeechConfig>("[[engines]]\nkind = \"fake\"\nkeyfile = \"x\"").expect_err("no");
        assert!(error.to_string().contains("keyfile"), "{error}");
    }
}
