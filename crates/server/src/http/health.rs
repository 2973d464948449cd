//! Is it alive, does it take more, and how is it doing.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bifocal_protocol::rest::{Health, HealthSessions};

use crate::clock::wall;
use crate::http::answer;
use crate::shared::Shared;

/// `GET /health`: 200 as long as the process works.
pub(crate) async fn health(State(shared): State<Arc<Shared>>) -> Response {
    let health = Health {
        status: "ok".to_owned(),
        timestamp: wall(),
        sessions: HealthSessions { active_count: shared.sessions.len() as u64 },
        uptime: shared.clock.uptime().as_secs_f64(),
    };
    answer(StatusCode::OK, &health)
}

/// `GET /ready`: 200 when new sessions are taken, 503 while stopping, full or without a store.
pub(crate) async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let full = shared.sessions.len() >= shared.config.limits.sessions;
    let why = match (shared.is_draining(), full, shared.store.version().await) {
        (true, ..) => Some("stopping"),
        (_, true, _) => Some("full"),
        (.., Err(_)) => Some("the store does not answer"),
        _ => None,
    };
    match why {
        None => answer(StatusCode::OK, &serde_json::json!({ "status": "ready" })),
        Some(why) => answer(StatusCode::SERVICE_UNAVAILABLE, &serde_json::json!({ "status": why })),
    }
}

/// `GET /metrics`: every number, in the text form of Prometheus.
pub(crate) async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    if let Some(media) = &shared.streams.media {
        shared.metrics.streams(&media.numbers());
    }
    let mut response = Response::new(Body::from(shared.metrics.render(shared.clock.uptime())));
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}
