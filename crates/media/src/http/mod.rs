//! What viewers fetch. Everything is under `/live`, and every address has the identifier of its stream in it, which nobody can
//! guess: who has the link may watch.
//!
//! | route | answer |
//! |---|---|
//! | `/live/{id}` | a page with a player |
//! | `/live/{id}/index.m3u8` | the playlist that stays the same; 404 with `Retry-After` before there is something to watch |
//! | `/live/{id}/media.m3u8?viewer=…` | the newest segments; whoever asks counts as a viewer |
//! | `/live/{id}/header-N.mp4`, `segment-N.m4s` | what playlists list; never changes |
//! | `/live/{id}/thumbnail.jpg` | what is seen now, or a neutral picture |
//! | `/live/{id}/state.json` | `{"state", "viewers"}`, for the page |
//! | `/live/player/player.js`, `player.css` | parts of the page |
//!
//! The page has no inline script, loads nothing from elsewhere, and shows no text that somebody else wrote.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use serde::Deserialize;
use tokio::time::Instant;

use crate::engine::stream::Stream;
use crate::engine::{Inner, Media};
use crate::hls;
use crate::managed::Phase;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; media-src 'self' blob:; \
                      img-src 'self'; base-uri 'none'; form-action 'none'";

/// The routes of one media server.
pub fn router(media: &Media) -> Router {
    Router::new()
        .route("/live/player/player.js", get(|| async { part(JS, include_str!("../../player/player.js")) }))
        .route("/live/player/player.css", get(|| async { part(CSS, include_str!("../../player/player.css")) }))
        .route("/live/{id}", get(page))
        .route("/live/{id}/", get(page))
        .route("/live/{id}/{file}", get(file))
        .with_state(media.inner.clone())
}

const PLAYLIST: &str = "application/vnd.apple.mpegurl";
const MP4: &str = "video/mp4";
const JPEG: &str = "image/jpeg";
const JSON: &str = "application/json";
const JS: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

#[derive(Debug, Deserialize)]
struct Asked {
    /// The token of a player: 16 hex digits.
    viewer: Option<String>,
}

async fn page(State(inner): State<Arc<Inner>>, Path(id): Path<String>) -> Response {
    // Of a stream that is gone, too: the page says so itself.
    let status = if inner.by_id(&id).is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let mut response = answer(status, HTML, "no-cache", include_str!("../../player/player.html"));
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

fn part(kind: &'static str, text: &'static str) -> Response {
    answer(StatusCode::OK, kind, "max-age=300", text)
}

async fn file(
    State(inner): State<Arc<Inner>>,
    Path((id, file)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Response {
    let Some(stream) = inner.by_id(&id) else {
        return open(answer(StatusCode::NOT_FOUND, TEXT, "no-store", "there is no such stream\n"));
    };
    let number = |before: &str, after: &str| file.strip_prefix(before)?.strip_suffix(after)?.parse::<u64>().ok();
    let found = match &*file {
        "index.m3u8" => return open(index(&inner, &stream)),
        "media.m3u8" => return open(media(&stream, asked.viewer.as_deref())),
        "state.json" => return open(state(&stream)),
        "thumbnail.jpg" => {
            let picture = inner.thumbnails.of(&stream).await;
            return open(answer(StatusCode::OK, JPEG, "no-cache", picture));
        }
        _ => match (number("segment-", ".m4s"), number("header-", ".mp4")) {
            (Some(number), _) => stream.live.lock().segmenter.segment(number).map(|segment| segment.data.clone()),
            (_, Some(number)) => {
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                stream.live.lock().segmenter.header(number).map(|header| header.data.clone())
            }
            _ => None,
        },
    };
    open(match found {
        Some(data) => {
            inner.counters.served(data.len());
            // An address never has another content; after a minute nobody asks any more.
            answer(StatusCode::OK, MP4, "private, max-age=60, immutable", data)
        }
        None => answer(StatusCode::NOT_FOUND, TEXT, "no-store", "this is not there, or not any more\n"),
    })
}

fn index(inner: &Inner, stream: &Stream) -> Response {
    let Ok(token) = inner.viewer_token() else {
        return answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "no-store", "no random numbers\n");
    };
    let playlist = hls::multivariant(&stream.live.lock().segmenter, &format!("{token:016x}"));
    playlist.map_or_else(not_yet, |playlist| answer(StatusCode::OK, PLAYLIST, "no-store", playlist))
}

fn media(stream: &Stream, viewer: Option<&str>) -> Response {
    let token = viewer.filter(|token| token.len() == 16).and_then(|token| u64::from_str_radix(token, 16).ok());
    if let Some(token) = token {
        stream.viewers.lock().saw(token, Instant::now());
    }
    let playlist = hls::playlist(&stream.live.lock().segmenter, stream.is_over());
    playlist.map_or_else(not_yet, |playlist| answer(StatusCode::OK, PLAYLIST, "no-cache", playlist))
}

fn not_yet() -> Response {
    let mut response = answer(StatusCode::NOT_FOUND, TEXT, "no-store", "nothing can be watched yet; try again\n");
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn state(stream: &Stream) -> Response {
    let viewers = stream.viewers.lock().count(Instant::now());
    let state = match stream.phase() {
        Phase::Waiting | Phase::Preparing => "waiting",
        Phase::Live => "live",
        Phase::Lost => "lost",
        Phase::Ended(_) => "ended",
    };
    answer(StatusCode::OK, JSON, "no-store", format!("{{\"state\":\"{state}\",\"viewers\":{viewers}}}"))
}

fn answer(status: StatusCode, kind: &'static str, cache: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = status;
    let headers: &mut HeaderMap = response.headers_mut();
    let mut set = |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
    set(CONTENT_TYPE, kind);
    set(CACHE_CONTROL, cache);
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(REFERRER_POLICY, "no-referrer");
    response
}

/// Pages of others may play the stream.
fn open(mut response: Response) -> Response {
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
