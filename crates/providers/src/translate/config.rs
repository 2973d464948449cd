//! The section `[translate]` of the configuration.
//!
//! ```toml
//! [[translate.engines]]          # in the order in which they are asked
//! kind = "libretranslate"
//! url = "http://127.0.0.1:5000"
//!
//! [[translate.engines]]
//! kind = "deepl"
//! key_file = "/run/secrets/deepl"        # or key_env; else DEEPL_API_KEY
//! ```
//!
//! Without it nothing is translated but by speech engines that do it themselves. `docs/speech.md` has the table of kinds.

use std::path::PathBuf;
use std::sync::Arc;

use reqwest::Client;
use serde::Deserialize;
use url::Url;

use super::TranslateConfigError as Wrong;
use super::deepl::DeepL;
use super::libretranslate::LibreTranslate;
use super::openai::OpenAiTranslator;
use super::phrases::Phrases;
use crate::http;
use crate::secret::KeySource;
use crate::translator::Translator;

/// Most engines.
const MAX_ENGINES: usize = 16;

/// What shall translate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TranslateConfig {
    /// In the order in which they are asked.
    pub engines: Vec<TranslatorConfig>,
}

/// One engine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TranslatorConfig {
    /// Which one.
    pub kind: TranslatorKind,
    /// What it is called in logs and metrics; the kind if it is not given.
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
    /// The language model.
    #[serde(default)]
    pub model: Option<String>,
}

impl TranslatorConfig {
    /// An engine of this kind with everything as usual.
    pub fn of(kind: TranslatorKind) -> Self {
        Self { kind, name: None, url: None, key_env: None, key_file: None, model: None }
    }
}

/// The engines there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TranslatorKind {
    /// A server of one's own.
    LibreTranslate,
    /// The vendor.
    DeepL,
    /// A language model, at OpenAI or at a server that speaks as it does.
    OpenAi,
    /// A table of thirty phrases, for flows and tests. No translator.
    Phrases,
}

impl TranslatorKind {
    /// As it is written in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::LibreTranslate => "libretranslate",
            Self::DeepL => "deepl",
            Self::OpenAi => "openai",
            Self::Phrases => "phrases",
        }
    }
}

/// What is wrong with the configuration, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TranslateConfigError {
    /// More engines than can be meant.
    #[error("[translate] lists more than {MAX_ENGINES} engines")]
    TooMany,
    /// Two engines cannot be told apart.
    #[error("[translate] lists two engines called {0:?}: give one of them another `name`")]
    SameName(String),
    /// Something about one engine.
    #[error("[translate] engine {engine}: {why}")]
    Engine {
        /// Its name.
        engine: String,
        /// What is wrong, and what to do.
        why: String,
    },
}

type Built = (Box<dyn Translator>, &'static str, String);

impl TranslateConfig {
    /// Each engine with its kind and what it is configured by.
    pub(super) fn build(self) -> Result<Vec<Built>, Wrong> {
        if self.engines.len() > MAX_ENGINES {
            return Err(Wrong::TooMany);
        }
        let built = self.engines.into_iter().map(build).collect::<Result<Vec<_>, _>>()?;
        for (place, (engine, ..)) in built.iter().enumerate() {
            if built[..place].iter().any(|(other, ..)| other.name() == engine.name()) {
                return Err(Wrong::SameName(engine.name().to_owned()));
            }
        }
        Ok(built)
    }
}

fn build(config: TranslatorConfig) -> Result<Built, Wrong> {
    let kind = config.kind;
    let name: Arc<str> = config.name.clone().unwrap_or_else(|| kind.name().to_owned()).into();
    let wrong = |why: &str| Wrong::Engine { engine: name.escape_debug().to_string(), why: why.to_owned() };
    let fits = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || "-_".contains(char);
    if name.is_empty() || name.len() > 40 || !name.chars().all(fits) {
        return Err(wrong("its name is more than 40 characters long, or has others than a-z, 0-9, - and _"));
    }
    if config.url.as_ref().is_some_and(|url| !matches!(url.scheme(), "http" | "https")) {
        return Err(wrong("its `url` must begin with http:// or https://"));
    }
    let client = || -> Result<Client, Wrong> { http::client().map_err(|_| wrong("no HTTP client can be made")) };
    let given = KeySource::given(config.key_file.as_ref(), config.key_env.as_ref());
    let checked = |key: KeySource| {
        let advice = |why| wrong(&format!("{why}; set `key_env` or `key_file`, or take the engine out"));
        key.read().map(|_| key).map_err(advice)
    };
    let usual = |name: &str| KeySource::Env(name.to_owned());
    let by = |key: &Option<KeySource>| key.as_ref().map_or_else(|| "url".to_owned(), ToString::to_string);
    let (engine, by): (Box<dyn Translator>, String) = match kind {
        TranslatorKind::LibreTranslate => {
            let url = config.url.ok_or_else(|| wrong("its `url` is missing, like http://127.0.0.1:5000"))?;
            let key = given.map(checked).transpose()?;
            let by = by(&key);
            (Box::new(LibreTranslate::new(name.clone(), client()?, url, key)), by)
        }
        TranslatorKind::DeepL => {
            let key = checked(given.unwrap_or_else(|| usual("DEEPL_API_KEY")))?;
            let by = key.to_string();
            (Box::new(DeepL::new(name.clone(), client()?, config.url, key)), by)
        }
        TranslatorKind::OpenAi => {
            // A server of one's own need not want a key.
            let key = given.or_else(|| config.url.is_none().then(|| usual("OPENAI_API_KEY")));
            let key = key.map(checked).transpose()?;
            let url = config.url.or_else(|| Url::parse("https://api.openai.com/v1").ok());
            let url = url.ok_or_else(|| wrong("its `url` is missing"))?;
            let by = by(&key);
            (Box::new(OpenAiTranslator::new(name.clone(), client()?, url, key, config.model)), by)
        }
        TranslatorKind::Phrases => (Box::new(Phrases::new(name.clone())), "a table; no translator".to_owned()),
    };
    Ok((engine, kind.name(), by))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_is_read() {
        let text = "[[engines]]\nkind = \"libretranslate\"\nurl = \"http://127.0.0.1:5000\"\n[[engines]]\nkind = \"phrases\"\n";
        let config: TranslateConfig = toml::from_str(text).expect("it is well-formed");
        let built = config.build().expect("it is right");
        assert_eq!(built.iter().map(|(_, kind, _)| *kind).collect::<Vec<_>>(), ["libretranslate", "phrases"]);
        for kind in ["libretranslate", "deepl", "openai", "phrases"] {
            let read: TranslatorConfig = toml::from_str(&format!("kind = \"{kind}\"")).expect("it is known");
            assert_eq!(read.kind.name(), kind);
        }
        let error =
            toml::from_str::<TranslateConfig>("[[engines]]\nkind = \"deepl\"\nkeyfile = \"x\"").expect_err("no");
        assert!(error.to_string().contains("keyfile"), "{error}");
    }

    #[test]
    fn what_is_wrong_with_an_engine_is_said() {
        let of = TranslatorConfig::of;
        let wrong = |engines: Vec<TranslatorConfig>| match (TranslateConfig { engines }).build() {
            Ok(_) => panic!("it was made"),
            Err(wrong) => wrong.to_string(),
        };
        let key_env = Some("BIFOCAL_NO_SUCH_KEY".to_owned());
        let error = wrong(vec![TranslatorConfig { key_env, ..of(TranslatorKind::DeepL) }]);
        assert!(error.starts_with("[translate] engine deepl: the environment variable BIFOCAL_NO_SUCH_KEY"), "{error}");
        assert!(wrong(vec![of(TranslatorKind::LibreTranslate)]).contains("http://127.0.0.1:5000"));
        let phrases = of(TranslatorKind::Phrases);
        assert!(wrong(vec![phrases.clone(), phrases.clone()]).contains("two engines called \"phrases\""));
        assert!(wrong(vec![phrases; 17]).contains("more than 16"));
        let url = Some("ftp://x/".parse().expect("a URL"));
        assert!(wrong(vec![TranslatorConfig { url, ..of(TranslatorKind::OpenAi) }]).contains("http://"));
    }
}
