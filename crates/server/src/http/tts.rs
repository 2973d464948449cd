//! `GET /api/tts?text=…`: text as sound. A phone fetches it as it fetches any sound, so there is no token in it; what there is
//! instead is a signature (`bifocal_protocol::speech_url`), and a quota for each client.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use bifocal_protocol::speech_url::{SpeechQuery, SpeechRefusal};
use bifocal_providers::FailureKind;
use bifocal_providers::voice::{Spoken, VoiceError, VoiceSettings, VoiceWish};
use futures_util::TryStreamExt;

use crate::clock::wall;
use crate::http::answer;
use crate::quota::household;
use crate::shared::Shared;

/// Longest text, in characters: five minutes of speech.
const MAX_TEXT: usize = 5_000;
/// Longest id of a voice or a model.
const MAX_ID: usize = 200;

/// A refusal and its status.
type Refused = (StatusCode, SpeechRefusal);

/// `GET`: the sound, as it is spoken. Who hangs up stops the engine.
pub(crate) async fn speak(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let query = SpeechQuery::read(&query.unwrap_or_default());
    let wish = match admitted(&shared, &query) {
        Ok(wish) => wish,
        Err(refused) => return refusal(&shared, refused),
    };
    let client = (household(client(peer, &headers)), signed_app(&shared, &query));
    if let Err(wait) = shared.speech_quota.take(client, query.text.chars().count()) {
        let seconds = wait.as_secs() + 1;
        let message = format!("Too much was spoken for you; try again in {seconds} s");
        let mut response = refusal(&shared, (StatusCode::TOO_MANY_REQUESTS, SpeechRefusal::new(message)));
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        return response;
    }
    let begun = Instant::now();
    match shared.voices.speak(&query.text, &wish).await {
        Ok(spoken) => {
            shared.metrics.spoken(&spoken.engine, begun.elapsed());
            sound(spoken)
        }
        Err(error) => refusal(&shared, told(&error)),
    }
}

/// `HEAD`: whether there would be sound, and of what kind. Nothing is spoken.
pub(crate) async fn look(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    let query = SpeechQuery::read(&query.unwrap_or_default());
    match (admitted(&shared, &query), shared.voices.content_type()) {
        (Err(refused), _) => refusal(&shared, refused),
        (Ok(_), None) => refusal(&shared, told(&VoiceError::NotConfigured)),
        (Ok(_), Some(content_type)) => head(content_type, Body::empty()),
    }
}

/// Checks a request, and gives how it is to be spoken.
fn admitted(shared: &Shared, query: &SpeechQuery) -> Result<VoiceWish, Refused> {
    let bad = |message: &str| (StatusCode::BAD_REQUEST, SpeechRefusal::new(message));
    if query.text.trim().is_empty() {
        return Err(bad("Text parameter is required and must be a string"));
    }
    if query.text.chars().nth(MAX_TEXT).is_some() {
        return Err(bad(&format!("Text is too long: {MAX_TEXT} characters are spoken at once")));
    }
    let ids = [&query.voice_id, &query.model_id];
    if ids.into_iter().flatten().any(|id| id.len() > MAX_ID || id.chars().any(char::is_control)) {
        return Err(bad("voice_id or model_id is no id"));
    }
    let settings = query.voice_settings.as_deref().map_or(Ok(VoiceSettings::default()), serde_json::from_str);
    let settings = settings.map_err(|_| bad("Invalid voice_settings JSON format"))?;
    if shared.signature_required {
        let checked = shared.speech_urls.check(query, wall());
        checked.map_err(|why| (StatusCode::FORBIDDEN, SpeechRefusal::new(why.to_string())))?;
    }
    Ok(VoiceWish { voice_id: query.voice_id.clone(), model_id: query.model_id.clone(), settings })
}

/// The app whose URL it is, if this server says so.
fn signed_app(shared: &Shared, query: &SpeechQuery) -> Option<String> {
    shared.speech_urls.check(query, wall()).ok().and(query.app.clone())
}

/// Where the request is from. A proxy on this machine says it in the last entry of its header, which only it can have
/// written; nobody else is believed.
fn client(peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let forwarded = || {
        let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
        last.rsplit(',').next()?.trim().parse().ok()
    };
    match peer.ip().to_canonical() {
        proxy if proxy.is_loopback() => forwarded().unwrap_or(proxy),
        address => address,
    }
}

fn sound(spoken: Spoken) -> Response {
    // What broke off is broken off for the phone, too: the connection goes before the end of the body.
    let body = Body::from_stream(spoken.body.map_err(std::io::Error::other));
    let mut response = head(spoken.content_type, body);
    if let Some(length) = spoken.length {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

fn head(content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("none"));
    response
}

/// What is answered when an engine does not speak.
fn told(error: &VoiceError) -> Refused {
    let refused = |status: u16, details: String| {
        let message = format!("TTS service error: {status}");
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        (status, SpeechRefusal { details: Some(details), ..SpeechRefusal::new(message) })
    };
    match error {
        VoiceError::NotConfigured => {
            (StatusCode::INTERNAL_SERVER_ERROR, SpeechRefusal::new("TTS service not configured"))
        }
        VoiceError::NoVoice { .. } => {
            let message = "Voice ID is required: give voice_id, or configure a voice for the engine";
            (StatusCode::BAD_REQUEST, SpeechRefusal::new(message))
        }
        // An engine behind a redirect is one that is not at its address.
        VoiceError::Refused { status: 300..=399, .. } => refused(502, error.to_string()),
        VoiceError::Refused { status, details, .. } => refused(*status, details.clone()),
        VoiceError::Failed(failure) => match failure.kind {
            FailureKind::Stalled => refused(504, failure.to_string()),
            FailureKind::Busy { .. } | FailureKind::Unavailable => refused(503, failure.to_string()),
            _ => refused(502, failure.to_string()),
        },
        VoiceError::Busy => refused(503, error.to_string()),
    }
}

fn refusal(shared: &Shared, (status, body): Refused) -> Response {
    shared.metrics.refused("speech");
    answer(status, &body)
}
