//! One HTTP client for Cloudflare: limits, retries, and errors that people understand.
//!
//! | answer | what happens |
//! |---|---|
//! | 2xx | read, up to 1 MiB |
//! | 429 | waits as long as `Retry-After` says (1 s without, 30 s at most), three tries in all |
//! | 5xx, no answer | waits 1 s, then 2 s; three tries in all |
//! | 404 | "there is no such thing", which is fine for a deletion |
//! | other | an error with the status and the codes, never with their text |

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::CloudflareConfig;
use super::wire::Envelope;

/// Longest answer that is read, in bytes.
const MAX_ANSWER: usize = 1 << 20;
const TRIES: u32 = 3;
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failed {
    #[error("Cloudflare has no such thing (404)")]
    Missing,
    #[error("Cloudflare did not answer")]
    Silent,
    #[error("Cloudflare answered {0}{1}")]
    Status(u16, String),
    #[error("what Cloudflare answered cannot be read")]
    Unreadable,
}

#[derive(Debug)]
pub(super) struct Api {
    http: Client,
    base: String,
    token: String,
    first_wait: Duration,
}

impl Api {
    pub(super) fn new(config: &CloudflareConfig) -> Result<Self, reqwest::Error> {
        let http = Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let base = format!("{}/accounts/{}/stream", config.api.trim_end_matches('/'), config.account);
        Ok(Self { http, base, token: config.token.clone(), first_wait: config.paces.retry })
    }

    /// A request to the account, with the token. `path` has a slash at its beginning.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<T, Failed> {
        let url = format!("{}{path}", self.base);
        let bytes = self.tries(&method, &url, true, body).await?;
        let envelope: Envelope<T> = serde_json::from_slice(&bytes).map_err(|_| Failed::Unreadable)?;
        envelope.result.ok_or(Failed::Unreadable)
    }

    /// Deletes; what is not there is deleted.
    pub(super) async fn delete(&self, path: &str) -> Result<(), Failed> {
        let url = format!("{}{path}", self.base);
        match self.tries(&Method::DELETE, &url, true, None::<&()>).await {
            Ok(_) | Err(Failed::Missing) => Ok(()),
            Err(failed) => Err(failed),
        }
    }

    /// Something public: no token, one try.
    pub(super) async fn public(&self, url: &str) -> Result<Vec<u8>, Failed> {
        self.once(&Method::GET, url, false, None::<&()>).await.map_err(|(failed, _)| failed)
    }

    async fn tries(
        &self,
        method: &Method,
        url: &str,
        secret: bool,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<Vec<u8>, Failed> {
        let mut tried = 1;
        loop {
            let (failed, wait) = match self.once(method, url, secret, body).await {
                Ok(bytes) => return Ok(bytes),
                Err(failed) => failed,
            };
            let Some(wait) = wait.filter(|_| tried < TRIES) else { return Err(failed) };
            let wait = if wait.is_zero() { self.first_wait * 2u32.pow(tried - 1) } else { wait };
            tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
            tried += 1;
        }
    }

    /// One try. With the error comes how long to wait before the next one, if there should be one; zero is "you choose".
    async fn once(
        &self,
        method: &Method,
        url: &str,
        secret: bool,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<Vec<u8>, (Failed, Option<Duration>)> {
        let mut request = self.http.request(method.clone(), url);
        if secret {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let silent = |_| (Failed::Silent, Some(Duration::ZERO));
        let mut response = request.send().await.map_err(silent)?;
        let status = response.status();
        let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(silent)? {
            if bytes.len() + chunk.len() > MAX_ANSWER {
                return Err((Failed::Unreadable, None));
            }
            bytes.extend_from_slice(&chunk);
        }
        match status {
            status if status.is_success() => Ok(bytes),
            StatusCode::NOT_FOUND => Err((Failed::Missing, None)),
            StatusCode::TOO_MANY_REQUESTS => {
                Err((refusal(status, &bytes), Some(after.map_or(self.first_wait, Duration::from_secs))))
            }
            status if status.is_server_error() => Err((refusal(status, &bytes), Some(Duration::ZERO))),
            status => Err((refusal(status, &bytes), None)),
        }
    }
}

/// The status and the numbers of its reasons; their text is somebody else's.
fn refusal(status: StatusCode, bytes: &[u8]) -> Failed {
    let envelope = serde_json::from_slice::<Envelope<serde::de::IgnoredAny>>(bytes);
    let codes: Vec<String> = envelope
        .map(|said| said.errors.iter().take(3).map(|error| error.code.to_string()).collect())
        .unwrap_or_default();
    let codes = if codes.is_empty() { String::new() } else { format!(" (code {})", codes.join(", ")) };
    Failed::Status(status.as_u16(), codes)
}
