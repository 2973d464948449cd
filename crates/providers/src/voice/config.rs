//! The section `[voice]` of the configuration.
//!
//! ```toml
//! [voice]
//! require_signature = true       # of the URLs that phones fetch; by default unless phones are on this machine
//!
//! [[voice.engines]]              # in the order in which they are asked
//! kind = "elevenlabs"
//! key_file = "/run/secrets/elevenlabs"   # or key_env; else ELEVENLABS_API_KEY
//! voice = "21m00Tcm4TlvDq8ikWAM"
//!
//! [[voice.engines]]
//! kind = "flite"
//! ```
//!
//! Without `engines`, what is installed on this machine speaks: flite, else espeak-ng. `docs/speech.md` has the table of kinds.

use std::path::PathBuf;
use std::sync::Arc;

use reqwest::Client;
use serde::Deserialize;
use url::Url;

use super::elevenlabs::ElevenLabs;
use super::espeak::Espeak;
use super::flite::Flite;
use super::openai::OpenAiVoice;
use super::program;
use super::wyoming::WyomingVoice;
use super::{Voice, VoiceConfigError as Wrong};
use crate::http;
use crate::secret::KeySource;

/// Most engines.
pub(super) const MAX_ENGINES: usize = 16;

/// What shall speak.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VoiceConfig {
    /// In the order in which they are asked. `None`: what is installed. Empty: nothing.
    pub engines: Option<Vec<VoiceEngineConfig>>,
    /// Whether the URL that a phone fetches must be signed by this server. `None`: when phones are not on this machine.
    pub require_signature: Option<bool>,
}

/// One engine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoiceEngineConfig {
    /// Which one.
    pub kind: VoiceKind,
    /// What it is called in logs and metrics; the kind if it is not given.
    #[serde(default)]
    pub name: Option<String>,
    /// Where it is, if not at the vendor's usual address: `https://host/v1`, `tcp://host:10200`.
    #[serde(default)]
    pub url: Option<Url>,
    /// Environment variable with its key.
    #[serde(default)]
    pub key_env: Option<String>,
    /// File with its key.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// Who speaks when an app does not say.
    #[serde(default)]
    pub voice: Option<String>,
    /// Which of its models, when an app does not say.
    #[serde(default)]
    pub model: Option<String>,
}

impl VoiceEngineConfig {
    /// An engine of this kind with everything as usual.
    pub fn of(kind: VoiceKind) -> Self {
        Self { kind, name: None, url: None, key_env: None, key_file: None, voice: None, model: None }
    }
}

/// The engines there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VoiceKind {
    /// The vendor whose voices apps know by their ids.
    ElevenLabs,
    /// OpenAI, and every server that speaks as it does.
    OpenAi,
    /// Piper and the other voices of Home Assistant.
    Wyoming,
    /// English, on this machine.
    Flite,
    /// Many languages, on this machine.
    #[serde(rename = "espeak-ng")]
    Espeak,
}

impl VoiceKind {
    /// As it is written in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::ElevenLabs => "elevenlabs",
            Self::OpenAi => "openai",
            Self::Wyoming => "wyoming",
            Self::Flite => "flite",
            Self::Espeak => "espeak-ng",
        }
    }
}

/// What is wrong with the configuration, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VoiceConfigError {
    /// More engines than can be meant.
    #[error("[voice] lists more than {MAX_ENGINES} engines")]
    TooMany,
    /// Two engines cannot be told apart.
    #[error("[voice] lists two engines called {0:?}: give one of them another `name`")]
    SameName(String),
    /// Something about one engine.
    #[error("[voice] engine {engine}: {why}")]
    Engine {
        /// Its name.
        engine: String,
        /// What is wrong, and what to do.
        why: String,
    },
}

/// An engine, and what is known of it.
pub(super) struct Built {
    pub(super) voice: Box<dyn Voice>,
    pub(super) kind: VoiceKind,
    /// Why it cannot be used on this machine, and what to do.
    pub(super) missing: Option<String>,
    /// Where its key is, or what else it needs.
    pub(super) configured_by: String,
}

/// What speaks when nothing is configured.
pub(super) fn usual() -> Vec<VoiceEngineConfig> {
    let installed = [VoiceKind::Flite, VoiceKind::Espeak].into_iter().find(|kind| program::find(kind.name()).is_some());
    installed.map(VoiceEngineConfig::of).into_iter().collect()
}

/// Makes an engine.
pub(super) fn build(config: VoiceEngineConfig) -> Result<Built, Wrong> {
    let name: Arc<str> = config.name.clone().unwrap_or_else(|| config.kind.name().to_owned()).into();
    let fits = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || "-_".contains(char);
    if name.is_empty() || name.len() > 40 || !name.chars().all(fits) {
        let why = "its name is more than 40 characters long, or has others than a-z, 0-9, - and _".to_owned();
        return Err(Wrong::Engine { engine: name.escape_debug().to_string(), why });
    }
    Maker { name, config }.make()
}

struct Maker {
    name: Arc<str>,
    config: VoiceEngineConfig,
}

impl Maker {
    fn make(self) -> Result<Built, Wrong> {
        let kind = self.config.kind;
        let built = |voice, configured_by| Built { voice, kind, missing: None, configured_by };
        match kind {
            VoiceKind::ElevenLabs => {
                let (url, key) = (self.url("https://api.elevenlabs.io/v1")?, self.key("ELEVENLABS_API_KEY")?);
                let by = key.to_string();
                let usual = std::env::var("ELEVENLABS_DEFAULT_VOICE_ID").ok().filter(|voice| !voice.is_empty());
                let voice = self.config.voice.clone().or(usual);
                Ok(built(
                    Box::new(ElevenLabs::new(self.name.clone(), self.client()?, url, key, voice, self.config.model)),
                    by,
                ))
            }
            VoiceKind::OpenAi => {
                let url = self.url("https://api.openai.com/v1")?;
                // A server of one's own need not want a key.
                let open = self.config.url.is_some() && self.config.key_env.is_none() && self.config.key_file.is_none();
                let key = if open { None } else { Some(self.key("OPENAI_API_KEY")?) };
                let by = key.as_ref().map_or_else(|| "url".to_owned(), ToString::to_string);
                let (client, VoiceEngineConfig { voice, model, .. }) = (self.client()?, self.config);
                Ok(built(Box::new(OpenAiVoice::new(self.name, client, url, key, voice, model)), by))
            }
            VoiceKind::Wyoming => {
                let url = self.config.url.clone().filter(|url| url.scheme() == "tcp" && url.port().is_some());
                let url = url.ok_or_else(|| self.wrong("its `url` must be like tcp://127.0.0.1:10200"))?;
                Ok(built(Box::new(WyomingVoice::new(self.name, url, self.config.voice)), "url".to_owned()))
            }
            VoiceKind::Flite | VoiceKind::Espeak => {
                let program = kind.name();
                let found = program::find(program);
                let missing = found.is_none().then(|| format!("{program} is not installed: apt install {program}"));
                let path = found.unwrap_or_else(|| program.into());
                let (name, voice) = (self.name, self.config.voice);
                let configured_by = path.display().to_string();
                let voice: Box<dyn Voice> = match kind {
                    VoiceKind::Flite => Box::new(Flite::new(name, path, voice)),
                    _ => Box::new(Espeak::new(name, path, voice)),
                };
                Ok(Built { voice, kind, missing, configured_by })
            }
        }
    }

    fn url(&self, usual: &str) -> Result<Url, Wrong> {
        let url = self.config.url.clone().or_else(|| Url::parse(usual).ok());
        let web = |url: &Url| matches!(url.scheme(), "http" | "https");
        url.filter(web).ok_or_else(|| self.wrong(&format!("its `url` must be like {usual}")))
    }

    fn key(&self, usual: &str) -> Result<KeySource, Wrong> {
        let given = KeySource::given(self.config.key_file.as_ref(), self.config.key_env.as_ref());
        let key = given.unwrap_or_else(|| KeySource::Env(usual.to_owned()));
        key.read().map_err(|why| self.wrong(&format!("{why}; set `key_env` or `key_file`, or take the engine out")))?;
        Ok(key)
    }

    fn client(&self) -> Result<Client, Wrong> {
        http::client().map_err(|_| self.wrong("no HTTP client can be made"))
    }

    fn wrong(&self, why: &str) -> Wrong {
        Wrong::Engine { engine: self.name.to_string(), why: why.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(engine: VoiceEngineConfig) -> String {
        match build(engine) {
            Ok(built) => panic!("{:?} was made", built.voice),
            Err(wrong) => wrong.to_string(),
        }
    }

    #[test]
    fn the_section_is_read() {
        let text = "require_signature = false\n[[engines]]\nkind = \"elevenlabs\"\nkey_file = \"k\"\nvoice = \"v\"\n\
                    [[engines]]\nkind = \"espeak-ng\"\n";
        let config: VoiceConfig = toml::from_str(text).expect("it is well-formed");
        let kinds: Vec<_> = config.engines.expect("listed").iter().map(|engine| engine.kind).collect();
        assert_eq!(kinds, [VoiceKind::ElevenLabs, VoiceKind::Espeak]);
        assert_eq!(config.require_signature, Some(false));
        assert_eq!(toml::from_str::<VoiceConfig>("").expect("it is well-formed"), VoiceConfig::default());
        let error =
            toml::from_str::<VoiceConfig>("[[engines]]\nkind = \"flite\"\nvoise = \"x\"").expect_err("misspelt");
        assert!(error.to_string().contains("voise"), "{error}");
    }

    #[test]
    fn names_in_the_configuration_are_those_of_the_kinds() {
        for kind in [VoiceKind::ElevenLabs, VoiceKind::OpenAi, VoiceKind::Wyoming, VoiceKind::Flite, VoiceKind::Espeak]
        {
            let read: VoiceEngineConfig = toml::from_str(&format!("kind = \"{}\"", kind.name())).expect("it is known");
            assert_eq!(read, VoiceEngineConfig::of(kind));
        }
    }

    #[test]
    fn what_is_wrong_with_an_engine_is_said() {
        let of = VoiceEngineConfig::of;
        let key_env = Some("BIFOCAL_NO_SUCH_KEY".to_owned());
        let error = wrong(VoiceEngineConfig { key_env, ..of(VoiceKind::ElevenLabs) });
        assert!(
            error.starts_with("[voice] engine elevenlabs: the environment variable BIFOCAL_NO_SUCH_KEY"),
            "{error}"
        );
        let error = wrong(of(VoiceKind::Wyoming));
        assert_eq!(error, "[voice] engine wyoming: its `url` must be like tcp://127.0.0.1:10200");
        let url = Some("file:///etc/passwd".parse().expect("a URL"));
        assert!(wrong(VoiceEngineConfig { url, ..of(VoiceKind::OpenAi) }).contains("https://api.openai.com/v1"));
        assert!(wrong(VoiceEngineConfig { name: Some("A b".to_owned()), ..of(VoiceKind::Flite) }).contains("its name"));
    }
}
