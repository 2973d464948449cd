//! How a phone packs its sound, which later phones say after each `connection_ack`; and the sound of apps, for phones to hear.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use bifocal_audio::Format;
use bifocal_audio::lc3::FrameSize;
use bifocal_protocol::phone_rest::{AudioConfigured, Lc3Config};
use bifocal_protocol::rest::{AuthFailure, Failure};
use serde_json::Value;

use crate::auth::bearer;
use crate::clock::wall;
use crate::http::{answer, refused};
use crate::shared::Shared;

/// `POST /api/client/audio/configure`. What this server does not decode (another rate, frames of another length) is answered
/// with what it takes instead, and phones do as they are told.
pub(crate) async fn configure(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Result<Json<Value>, JsonRejection>,
) -> Response {
    let user = match bearer::user(&headers, &shared.tokens) {
        Ok(user) => user,
        Err(failure) => return refused(&failure),
    };
    let Some(format) = body.ok().and_then(|Json(body)| format(&body)) else {
        return answer(StatusCode::BAD_REQUEST, &Failure::new("format must be \"lc3\" or \"pcm\""));
    };
    let Some(session) = shared.sessions.get(&user) else { return refused(&AuthFailure::NoSession) };
    session.sound.configure(format);
    let lc3_config = match format {
        Format::Pcm => None,
        Format::Lc3(size) => Some(Lc3Config::of(size.bytes() as u64)),
    };
    answer(StatusCode::OK, &AudioConfigured::new(lc3_config, wall()))
}

/// `GET /api/audio/stream/{secret}`: what an app sends, from what has not been heard yet, until the app ends it. Who comes last
/// hears it: a phone whose connection was lost asks again.
pub(crate) async fn stream(State(shared): State<Arc<Shared>>, Path(secret): Path<String>) -> Response {
    let Some(listener) = shared.audio_streams.listen(&secret) else {
        return answer(StatusCode::NOT_FOUND, &Failure::new("There is no such stream, or it is over"));
    };
    let sound = futures_util::stream::unfold(listener, |listener| async move {
        let next = listener.next().await?;
        Some((Ok::<_, std::convert::Infallible>(next), listener))
    });
    let mut response = Response::new(Body::from_stream(sound));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("audio/mpeg"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn format(body: &Value) -> Option<Format> {
    match body.get("format")?.as_str()? {
        "pcm" => Some(Format::Pcm),
        "lc3" => {
            let size = body.pointer("/lc3Config/frameSizeBytes").and_then(Value::as_u64).and_then(FrameSize::of);
            Some(Format::Lc3(size.unwrap_or_default()))
        }
        _ => None,
    }
}
