//! POSTs to app servers: signed, bounded in time and size, never redirected, never into the house.
//!
//! Beside the plain JSON body that every SDK reads:
//!
//! | header | value |
//! |---|---|
//! | `Idempotency-Key` | the same for every attempt of one request |
//! | `X-Bifocal-Timestamp` | seconds since 1970 |
//! | `X-Bifocal-Signature` | `sha256=` and the hex HMAC-SHA-256 of `<timestamp>.<body>`; the key is the hex SHA-256 of the API key |

use std::error::Error;
use std::time::Duration;

use bifocal_protocol::Text;
use bifocal_protocol::app::AppRecord;
use bifocal_session::{Outcome, WebhookKind};
use bytes::Bytes;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, StatusCode, redirect};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde::de::IgnoredAny;
use url::Url;

use crate::auth::provider;
use crate::calls::guard::{GuardedResolver, NetworkPolicy, Refused};
use crate::clock::wall;

/// For one attempt to start: SDKs answer when the app's own `onSession` has finished.
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// For one attempt to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);
const STOP_ATTEMPTS: u32 = 3;
/// Before the second and third attempt to stop.
const STOP_PAUSE: Duration = Duration::from_secs(1);
const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// For a tool of an app, which may ask others in turn.
const TOOL_TIMEOUT: Duration = Duration::from_secs(20);
/// Before the second attempt to reach an app for a tool.
const TOOL_PAUSE: Duration = Duration::from_secs(1);
/// The longest answer of a tool, in bytes.
const TOOL_BYTES: usize = 256 << 10;

/// What an app said to the call of a tool.
#[derive(Debug)]
pub(crate) struct ToolAnswer {
    pub(crate) status: StatusCode,
    /// JSON.
    pub(crate) body: Bytes,
}

/// The HTTP client for webhooks.
#[derive(Debug)]
pub(crate) struct WebhookClient {
    http: Client,
    policy: NetworkPolicy,
}

impl WebhookClient {
    pub(crate) fn new(policy: NetworkPolicy) -> Result<Self, reqwest::Error> {
        Ok(Self { http: client(&policy)?, policy })
    }

    /// One start attempt, or up to three stop attempts.
    pub(crate) async fn post(&self, kind: WebhookKind, app: &AppRecord, body: Text, key: &str) -> Outcome {
        let (attempts, timeout) = match kind {
            WebhookKind::Start => (1, START_TIMEOUT),
            WebhookKind::Stop => (STOP_ATTEMPTS, STOP_TIMEOUT),
        };
        let mut outcome = self.attempt(app, &body, key, timeout).await;
        for _ in 1..attempts {
            if matches!(outcome, Outcome::Webhook { status: 200..=499 }) {
                break;
            }
            tokio::time::sleep(STOP_PAUSE).await;
            outcome = self.attempt(app, &body, key, timeout).await;
        }
        outcome
    }

    /// `POST <app url>/tool`. Tried again only when the app could not be reached: what a tool has done should not be done twice.
    ///
    /// The error says why, in words of ours.
    pub(crate) async fn tool(&self, app: &AppRecord, body: Text) -> Result<ToolAnswer, String> {
        let call = call_name();
        let mut response = self.send(app, "tool", &body, &call, TOOL_TIMEOUT).await;
        if response.as_ref().is_err_and(|failure| failure.unreached) {
            tokio::time::sleep(TOOL_PAUSE).await;
            response = self.send(app, "tool", &body, &call, TOOL_TIMEOUT).await;
        }
        let mut response = response.map_err(|failure| failure.why)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| explain(&error, TOOL_TIMEOUT))? {
            if body.len() + chunk.len() > TOOL_BYTES {
                return Err(format!("its answer is longer than {TOOL_BYTES} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        if serde_json::from_slice::<IgnoredAny>(&body).is_err() {
            return Err(format!("its answer, with status {}, is no JSON; has it a route /tool?", status.as_u16()));
        }
        Ok(ToolAnswer { status, body: body.into() })
    }

    /// `POST <app url>/settings`, once: the app's session is told in any case.
    pub(crate) async fn settings(&self, app: &AppRecord, body: Text) {
        let Ok(url) = Url::parse(&format!("{}/settings", app.public_url)) else { return };
        if self.policy.check(&url).is_ok() {
            let request = self.http.post(url).timeout(HEALTH_TIMEOUT).header(CONTENT_TYPE, "application/json");
            // Not every app has this route.
            let _ = request.body(body.into_bytes()).send().await;
        }
    }

    /// `GET <app url>/health`. A server that answers at all, and not with an error of its own, is well: not every app has
    /// this route.
    pub(crate) async fn is_healthy(&self, app: &AppRecord) -> bool {
        let Ok(url) = Url::parse(&format!("{}/health", app.public_url)) else { return false };
        if self.policy.check(&url).is_err() {
            return false;
        }
        let response = self.http.get(url).timeout(HEALTH_TIMEOUT).send().await;
        response.is_ok_and(|response| !response.status().is_server_error())
    }

    async fn attempt(&self, app: &AppRecord, body: &Text, key: &str, timeout: Duration) -> Outcome {
        match self.send(app, "webhook", body, key, timeout).await {
            // The body of the answer means nothing and is not read.
            Ok(response) => Outcome::Webhook { status: response.status().as_u16() },
            Err(Unsent { why, .. }) => Outcome::Failed { why },
        }
    }

    async fn send(
        &self,
        app: &AppRecord,
        path: &str,
        body: &Text,
        key: &str,
        timeout: Duration,
    ) -> Result<Response, Unsent> {
        let for_good = |why| Unsent { why, unreached: false };
        let url = Url::parse(&format!("{}/{path}", app.public_url));
        let url = url.map_err(|_| for_good("its URL is not one".to_owned()))?;
        self.policy.check(&url).map_err(|refused| for_good(advice(&refused)))?;
        let timestamp = (wall().0 / 1000).to_string();
        let signature = sign(&app.key_hash, &timestamp, body);
        let request = self
            .http
            .post(url)
            .timeout(timeout)
            .header(CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", key)
            .header("X-Bifocal-Timestamp", timestamp)
            .header("X-Bifocal-Signature", signature)
            .body(body.clone().into_bytes());
        let sent = request.send().await;
        sent.map_err(|error| Unsent { why: explain(&error, timeout), unreached: error.is_connect() })
    }
}

/// An HTTP client that reaches nothing but what the policy permits, and follows nobody elsewhere.
pub(crate) fn client(policy: &NetworkPolicy) -> Result<Client, reqwest::Error> {
    provider::install();
    Client::builder()
        .dns_resolver(std::sync::Arc::new(GuardedResolver(policy.clone())))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(4)
        .pool_idle_timeout(Duration::from_secs(30))
        .user_agent(concat!("Bifocal/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Why there is no answer.
struct Unsent {
    why: String,
    /// The app never saw the request, and may be there in a moment.
    unreached: bool,
}

/// Names a call, so that an app can tell that it has seen it.
fn call_name() -> String {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).expect("the operating system gives random bytes");
    hex::encode(bytes)
}

/// `sha256=<hex>` over `<timestamp>.<body>`.
pub(crate) fn sign(key_hash: &[u8; 32], timestamp: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, hex::encode(key_hash).as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(timestamp.as_bytes());
    context.update(b".");
    context.update(body.as_bytes());
    format!("sha256={}", hex::encode(context.sign()))
}

pub(crate) fn advice(refused: &Refused) -> String {
    format!("{refused}; add its network to `allow_networks` if it should be reached")
}

/// What went wrong, in words of ours.
pub(crate) fn explain(error: &reqwest::Error, timeout: Duration) -> String {
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(inner) = cause {
        if let Some(refused) = inner.downcast_ref::<Refused>() {
            return advice(refused);
        }
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            match io.kind() {
                std::io::ErrorKind::ConnectionRefused => {
                    return "connection refused; is its server running?".to_owned();
                }
                std::io::ErrorKind::ConnectionReset => return "the connection was reset".to_owned(),
                _ => {}
            }
        }
        cause = inner.source();
    }
    if error.is_timeout() {
        let seconds = if error.is_connect() { CONNECT_TIMEOUT } else { timeout }.as_secs();
        return format!("no answer within {seconds} s");
    }
    if error.is_connect() {
        return "it could not be connected to; check its URL, name and certificate".to_owned();
    }
    "the answer was not HTTP".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form that docs promise to app developers, computed with another implementation:
    /// `printf '%s' '1767600000.{}' | openssl dgst -sha256 -hmac "$(printf '%s' key | sha256sum | cut -c1-64)"`.
    #[test]
    fn the_signature_can_be_checked_with_the_api_key_alone() {
        let signature = sign(&bifocal_store::key_hash("key"), "1767600000", "{}");
        assert_eq!(signature, "sha256=b684e1a6d034c70cb045388612eba2fd479ab61f05f83e1e44055ead15d3b2cb");
    }
}
