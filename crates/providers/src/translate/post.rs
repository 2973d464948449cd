//! A request of JSON, answered with JSON, within limits.

use std::sync::Arc;

use reqwest::RequestBuilder;
use reqwest::header::RETRY_AFTER;
use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::http::{request_failure, status_failure};

/// Longest answer that is read.
const MAX_ANSWER: usize = 256 << 10;
/// DeepL's own status: the account has used up what it may translate.
const QUOTA_EXCEEDED: u16 = 456;

/// Sends it. The caller's deadline holds for all of it.
pub(super) async fn json<T: DeserializeOwned>(engine: &Arc<str>, request: RequestBuilder) -> Result<T, Failure> {
    let mut response = request.send().await.map_err(|error| request_failure(engine, &error))?;
    let status = response.status();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()).map(str::to_owned);
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| request_failure(engine, &error))? {
        if body.len() + piece.len() > MAX_ANSWER {
            return Err(Failure::lost(engine, "its answer is longer than any translation"));
        }
        body.extend_from_slice(&piece);
    }
    if !status.is_success() {
        let status = if status.as_u16() == QUOTA_EXCEEDED { 429 } else { status.as_u16() };
        // Its words may repeat what was said; they are for nobody's log.
        return Err(status_failure(engine, status, retry_after.as_deref(), ""));
    }
    serde_json::from_slice(&body).map_err(|_| Failure::lost(engine, "its answer has another form than agreed on"))
}
