//! LibreTranslate, a translator for one's own house: `POST /translate`. Which languages a server has depends on its models,
//! and some have had several names, so it is asked (`GET /languages`), once an hour.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use reqwest::Client;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use url::Url;

use super::{post, tags};
use crate::failure::{Failure, FailureKind};
use crate::secret::KeySource;
use crate::translator::Translator;

/// How long a list of languages is believed.
const LIST_FOR: Duration = Duration::from_secs(3600);
/// Longest list.
const MAX_LANGUAGES: usize = 500;

/// The engine.
#[derive(Debug)]
pub(super) struct LibreTranslate {
    name: Arc<str>,
    http: Client,
    url: Url,
    key: Option<KeySource>,
    languages: Mutex<Option<(Instant, Arc<[Language]>)>>,
}

#[derive(Debug, Deserialize)]
struct Language {
    code: String,
    #[serde(default)]
    targets: Vec<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    q: &'a str,
    source: &'a str,
    target: &'a str,
    format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    translated_text: String,
}

impl LibreTranslate {
    pub(super) fn new(name: Arc<str>, http: Client, url: Url, key: Option<KeySource>) -> Self {
        Self { name, http, url, key, languages: Mutex::default() }
    }

    async fn ask(&self, text: &str, from: &str, to: &str) -> Result<String, Failure> {
        let (from, to) = tags(&self.name, from, to)?;
        let languages = self.languages().await?;
        let codes = || languages.iter().map(|language| language.code.as_str());
        let unknown = |what: String| {
            let suggestions = codes().take(5).map(str::to_owned).collect();
            Failure::new(&self.name, FailureKind::Unsupported { suggestions }, what)
        };
        let known = |name: &&str, code: &str| code.eq_ignore_ascii_case(name);
        let source = match &from {
            None => None,
            Some(tag) => {
                let names = tag.libretranslate();
                let found = names.iter().find_map(|name| languages.iter().find(|known_| known(name, &known_.code)));
                Some(found.ok_or_else(|| unknown(format!("it does not translate from {tag}")))?)
            }
        };
        let mut targets: Vec<&str> = match source {
            Some(source) => source.targets.iter().map(String::as_str).collect(),
            None => Vec::new(),
        };
        if targets.is_empty() {
            targets = codes().collect();
        }
        let target = to.libretranslate().into_iter().find_map(|name| targets.iter().find(|code| known(&name, code)));
        let target = *target.ok_or_else(|| unknown(format!("it does not translate into {to}")))?;
        let source = source.map_or("auto", |language| &language.code);
        let key = match &self.key {
            Some(key) => Some(key.read().map_err(|why| Failure::new(&self.name, FailureKind::Refused, why))?),
            None => None,
        };
        let api_key = key.as_ref().map(|key| key.expose());
        let body = Body { q: text, source, target, format: "text", api_key };
        let answer: Answer = post::json(&self.name, self.http.post(self.address("translate")?).json(&body)).await?;
        Ok(answer.translated_text)
    }

    async fn languages(&self) -> Result<Arc<[Language]>, Failure> {
        if let Some((read, languages)) = &*self.languages.lock()
            && read.elapsed() < LIST_FOR
        {
            return Ok(languages.clone());
        }
        let mut languages: Vec<Language> = post::json(&self.name, self.http.get(self.address("languages")?)).await?;
        languages.truncate(MAX_LANGUAGES);
        let languages: Arc<[Language]> = languages.into();
        *self.languages.lock() = Some((Instant::now(), languages.clone()));
        Ok(languages)
    }

    fn address(&self, route: &str) -> Result<Url, Failure> {
        let mut url = self.url.clone();
        let segments = url.path_segments_mut().map(|mut segments| {
            segments.pop_if_empty().push(route);
        });
        segments.map_err(|()| Failure::new(&self.name, FailureKind::Refused, "its url has no path"))?;
        Ok(url)
    }
}

impl Translator for LibreTranslate {
    fn name(&self) -> &str {
        &self.name
    }

    fn translate<'a>(&'a self, text: &'a str, from: &'a str, to: &'a str) -> BoxFuture<'a, Result<String, Failure>> {
        self.ask(text, from, to).boxed()
    }
}
