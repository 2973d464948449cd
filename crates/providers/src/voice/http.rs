//! What engines behind HTTP have in common: a POST that is answered with sound, piece by piece, within limits; or with a
//! status and a few words.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use super::{Fault, Sound, Spoken, VoiceError};
use crate::failure::{FailureKind, plain};
use crate::http::{request_failure, status_failure};

/// From the request to the head of the answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Between two pieces of sound.
const PAUSE: Duration = Duration::from_secs(10);
/// For all of it.
const WHOLE: Duration = Duration::from_secs(180);
/// Sound that is taken: half an hour of MP3.
const SOUND: usize = 32 << 20;
/// How much of an error is read.
const WORDS: usize = 16 << 10;
/// How much of it is told, in characters.
const TOLD: usize = 300;

/// Content types that are handed on as they are; the first is what is asked for.
const SOUNDS: [&str; 8] =
    ["audio/mpeg", "audio/wav", "audio/x-wav", "audio/mp3", "audio/ogg", "audio/opus", "audio/aac", "audio/flac"];

/// Sends the request, and gives the sound as it comes.
pub(super) async fn speak(engine: &Arc<str>, request: RequestBuilder) -> Result<Spoken, VoiceError> {
    let until = Instant::now() + WHOLE;
    let response = timeout(ANSWER, request.send()).await.map_err(|_| Fault::TimedOut.of(engine))?;
    let response = response.map_err(|error| VoiceError::Failed(request_failure(engine, &error)))?;
    if !response.status().is_success() {
        return Err(refused(engine, response).await);
    }
    let content_type = content_type(&response).ok_or_else(|| Fault::NotSound.of(engine))?;
    let length = response.content_length().and_then(|length| usize::try_from(length).ok());
    let begun = Incoming { engine: engine.clone(), response, left: SOUND, until };
    let body = stream::unfold(Some(begun), |incoming| async { incoming?.next().await });
    Ok(Spoken { engine: engine.clone(), content_type, length, body: Box::pin(body) })
}

struct Incoming {
    engine: Arc<str>,
    response: Response,
    left: usize,
    until: Instant,
}

impl Incoming {
    /// The next piece, and what will give the one after it.
    async fn next(mut self) -> Option<(Sound, Option<Incoming>)> {
        match self.piece().await {
            Ok(None) => None,
            Ok(Some(piece)) => Some((Ok(piece), Some(self))),
            Err(fault) => Some((Err(fault.of(&self.engine)), None)),
        }
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, Fault> {
        let until = self.until.min(Instant::now() + PAUSE);
        let piece = timeout_at(until, self.response.chunk()).await.map_err(|_| Fault::TimedOut)?;
        let Some(piece) = piece.map_err(|_| Fault::Broken)? else { return Ok(None) };
        self.left = self.left.checked_sub(piece.len()).ok_or(Fault::TooMuch)?;
        Ok(Some(piece))
    }
}

fn content_type(response: &Response) -> Option<&'static str> {
    let given = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let given = given.split(';').next().unwrap_or_default().trim();
    match given {
        // Servers at home that do not care.
        "application/octet-stream" | "binary/octet-stream" => Some(SOUNDS[0]),
        given => SOUNDS.iter().find(|known| known.eq_ignore_ascii_case(given)).copied(),
    }
}

/// The refusal of a service. Whoever asked is told its words; what it says about our key and account is not for them.
async fn refused(engine: &Arc<str>, mut response: Response) -> VoiceError {
    let status = response.status().as_u16();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()).map(str::to_owned);
    let mut body = Vec::new();
    let reading = async {
        while let Ok(Some(piece)) = response.chunk().await {
            body.extend_from_slice(&piece[..piece.len().min(WORDS - body.len())]);
            if body.len() == WORDS {
                break;
            }
        }
    };
    // What has come until then is enough.
    let _ = timeout(PAUSE, reading).await;
    let ours = matches!(status, 401..=403);
    let words = words(&body);
    let details = match &words {
        _ if ours => "the service does not accept this server".to_owned(),
        Some(words) => plain(words.trim(), TOLD),
        None => plain(String::from_utf8_lossy(&body).trim(), TOLD),
    };
    let mut failure = status_failure(engine, status, retry_after.as_deref(), if ours { "" } else { &details });
    // With words it is the voice or model that was not found, without them the service.
    if status == 404 && words.is_some() {
        failure.kind = FailureKind::Unsupported { suggestions: Vec::new() };
    }
    VoiceError::Refused { status, details, failure }
}

/// The words in an error: `{"detail":{"message":…}}` (ElevenLabs), `{"error":{"message":…}}` (OpenAI),
/// `{"detail":[{"msg":…}]}` (servers in Python), `{"message":…}`, `{"error":…}`.
fn words(body: &[u8]) -> Option<String> {
    let json: Value = serde_json::from_slice(body).ok()?;
    let paths = ["/detail/message", "/error/message", "/detail/0/msg", "/detail", "/message", "/error"];
    paths.iter().find_map(|path| json.pointer(path)?.as_str()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_found_wherever_vendors_put_them() {
        for (body, found) in [
            (r#"{"detail":{"status":"voice_not_found","message":"No such voice."}}"#, Some("No such voice.")),
            (
                r#"{"error":{"message":"Invalid value","type":"invalid_request_error","code":null}}"#,
                Some("Invalid value"),
            ),
            (r#"{"detail":[{"loc":["body","text"],"msg":"Field required"}]}"#, Some("Field required")),
            (r#"{"message":"busy"}"#, Some("busy")),
            (r#"{"error":"no"}"#, Some("no")),
            (r#"{"oops":1}"#, None),
            ("<h1>Bad Gateway</h1>", None),
            ("", None),
        ] {
            assert_eq!(words(body.as_bytes()).as_deref(), found, "{body}");
        }
    }
}
