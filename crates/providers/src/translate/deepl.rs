//! DeepL: `POST /v2/translate`. Keys of free accounts end in `:fx` and have a host of their own.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::Client;
use reqwest::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{post, tags};
use crate::failure::{Failure, FailureKind};
use crate::secret::KeySource;
use crate::translator::Translator;

const PAID: &str = "https://api.deepl.com/v2/translate";
const FREE: &str = "https://api-free.deepl.com/v2/translate";

/// The engine.
#[derive(Debug)]
pub(super) struct DeepL {
    name: Arc<str>,
    http: Client,
    /// `https://host/v2`, if not the vendor's.
    url: Option<Url>,
    key: KeySource,
}

#[derive(Serialize)]
struct Body<'a> {
    text: [&'a str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    source_lang: Option<String>,
    target_lang: String,
}

#[derive(Deserialize)]
struct Answer {
    translations: Vec<Translation>,
}

#[derive(Deserialize)]
struct Translation {
    text: String,
}

impl DeepL {
    pub(super) fn new(name: Arc<str>, http: Client, url: Option<Url>, key: KeySource) -> Self {
        Self { name, http, url, key }
    }

    async fn ask(&self, text: &str, from: &str, to: &str) -> Result<String, Failure> {
        let (from, to) = tags(&self.name, from, to)?;
        let refused = |why: &str| Failure::new(&self.name, FailureKind::Refused, why);
        let key = self.key.read().map_err(|why| refused(&why))?;
        let url = match &self.url {
            Some(url) => format!("{}/translate", url.as_str().trim_end_matches('/')),
            None => if key.expose().ends_with(":fx") { FREE } else { PAID }.to_owned(),
        };
        let source_lang = from.map(|tag| tag.deepl_source());
        let body = Body { text: [text], source_lang, target_lang: to.deepl_target() };
        let request = self.http.post(url).header(AUTHORIZATION, format!("DeepL-Auth-Key {}", key.expose()));
        let answer: Answer = post::json(&self.name, request.json(&body)).await?;
        let first = answer.translations.into_iter().next();
        first.map(|first| first.text).ok_or_else(|| Failure::lost(&self.name, "its answer has no translation"))
    }
}

impl Translator for DeepL {
    fn name(&self) -> &str {
        &self.name
    }

    fn translate<'a>(&'a self, text: &'a str, from: &'a str, to: &'a str) -> BoxFuture<'a, Result<String, Failure>> {
        self.ask(text, from, to).boxed()
    }
}
