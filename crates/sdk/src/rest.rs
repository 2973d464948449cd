//! The cloud's REST interface: storage, settings, discovery, tokens of web views. Every call ends within 10 s.

use std::sync::Arc;
use std::time::Duration;

use bifocal_protocol::json::Object;
use reqwest::Method;
use serde_json::Value;
use url::Url;

use crate::error::Error;

const LIMIT: Duration = Duration::from_secs(10);
/// A whole storage is 1 MB.
const MAX_ANSWER: usize = 4 << 20;

/// One call.
pub(crate) struct Call<'a> {
    /// For the error.
    pub(crate) what: &'static str,
    pub(crate) method: Method,
    /// `https://host`, without a path.
    pub(crate) base: &'a str,
    /// Each is escaped.
    pub(crate) path: &'a [&'a str],
    pub(crate) bearer: &'a str,
    pub(crate) body: Option<Value>,
}

/// Whom to ask.
#[derive(Clone)]
pub(crate) enum Rest {
    Http(reqwest::Client),
    /// A cloud in this process.
    Memory(Arc<dyn Backend>),
}

/// A cloud in this process, for tests.
pub(crate) trait Backend: Send + Sync {
    /// Answers with a status and a body.
    fn answer(&self, call: &Call<'_>) -> (u16, Value);
}

impl Rest {
    pub(crate) fn new() -> Self {
        // The error of an earlier installation means that there is a provider, which is all that is needed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client =
            reqwest::Client::builder().timeout(LIMIT).user_agent(concat!("bifocal-sdk/", env!("CARGO_PKG_VERSION")));
        Rest::Http(client.build().unwrap_or_default())
    }

    /// Makes a call; gives the status and the body, which is `null` when it is no JSON.
    ///
    /// # Errors
    /// [`Error::Rest`] without a status when there was no answer, and with one when it is 400 or more and not in `expected`.
    pub(crate) async fn call(&self, call: Call<'_>, expected: &[u16]) -> Result<(u16, Value), Error> {
        let what = call.what;
        let failed = |why: String| Error::Rest { what, status: None, why };
        let (status, body) = match self {
            Rest::Memory(backend) => backend.answer(&call),
            Rest::Http(client) => {
                let url = address(call.base, call.path).map_err(failed)?;
                let mut request = client.request(call.method, url).bearer_auth(call.bearer);
                if let Some(body) = &call.body {
                    request = request.json(body);
                }
                let mut response = request.send().await.map_err(|error| failed(without_url(error)))?;
                let mut body = Vec::new();
                while let Some(chunk) = response.chunk().await.map_err(|error| failed(without_url(error)))? {
                    if body.len() + chunk.len() > MAX_ANSWER {
                        return Err(failed("the answer is too long".to_owned()));
                    }
                    body.extend_from_slice(&chunk);
                }
                (response.status().as_u16(), serde_json::from_slice(&body).unwrap_or(Value::Null))
            }
        };
        if status >= 400 && !expected.contains(&status) {
            let text = |name: &str| body.get(name).and_then(Value::as_str);
            let why = text("message").or_else(|| text("error")).unwrap_or("no reason was given");
            let why = why.chars().filter(|c| !c.is_control()).take(200).collect();
            return Err(Error::Rest { what, status: Some(status), why });
        }
        Ok((status, body))
    }
}

/// The field of an answer, or an error that names it.
pub(crate) fn object(what: &'static str, answer: Value, field: &str) -> Result<Object, Error> {
    match answer {
        Value::Object(mut answer) => match answer.remove(field) {
            Some(Value::Object(object)) => Ok(object),
            _ => Err(Error::Rest { what, status: None, why: format!("the answer has no `{field}`") }),
        },
        _ => Err(Error::Rest { what, status: None, why: "the answer is no JSON object".to_owned() }),
    }
}

/// The REST address that belongs to a WebSocket address.
pub(crate) fn base_of(websocket: &str) -> String {
    let cut = websocket.trim_end_matches('/');
    let cut = cut.strip_suffix("/app-ws").or_else(|| cut.strip_suffix("/ws/miniapp")).unwrap_or(cut);
    match cut.strip_prefix("ws") {
        Some(rest) => format!("http{rest}"),
        None => cut.to_owned(),
    }
}

fn address(base: &str, path: &[&str]) -> Result<Url, String> {
    let mut url = Url::parse(base).map_err(|_| "the address of the cloud is no URL".to_owned())?;
    url.path_segments_mut()
        .map_err(|()| "the address of the cloud has no path".to_owned())?
        .pop_if_empty()
        .extend(path);
    Ok(url)
}

fn without_url(error: reqwest::Error) -> String {
    let mut why = error.without_url().to_string();
    why.truncate(200);
    why
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_follows_the_socket() {
        assert_eq!(base_of("wss://c.example.org/app-ws"), "https://c.example.org");
        assert_eq!(base_of("ws://127.0.0.1:8002/app-ws"), "http://127.0.0.1:8002");
        assert_eq!(base_of("wss://c.example.org/ws/miniapp"), "https://c.example.org");
    }

    #[test]
    fn what_is_put_into_a_path_stays_one_part_of_it() {
        let url = address("http://c.example.org/base", &["api", "a/b?c", "../d"]).expect("a URL");
        assert_eq!(url.as_str(), "http://c.example.org/base/api/a%2Fb%3Fc/..%2Fd");
    }
}
