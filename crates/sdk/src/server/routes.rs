//! The routes that a cloud calls.
//!
//! | route | answer |
//! |---|---|
//! | `POST /webhook` | 200 at once; 400 what is no webhook; 401 a signature that is not good; 403 a cloud that is not ours; 503 full |
//! | `GET /health` | 200 `{"status":"healthy","app":…,"activeSessions":…}` |
//! | `POST /settings` | 200 with the number of sessions that were told |
//! | `POST /tool` | 200 `{"status":"success","reply":…}`; 401 without the cloud's key; 500 when the tool failed |
//! | `POST /photo-upload` | see `photos.rs` |
//! | `GET /mentra-auth` | 302 to where wearers log in |

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Redirect;
use axum::routing::{get, post};
use axum::{Json, Router};
use bifocal_protocol::settings::AppSetting;
use futures_util::FutureExt;
use ring::digest;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::host::{Host, Opening};
use super::photos;
use super::signature::{Signed, check, hashed_key};
use crate::app::{App, ToolBody, ToolCall};
use crate::hub::Parcel;

/// The largest body but that of a photo.
const MAX_BODY: usize = 256 << 10;

type Answer = (StatusCode, Json<Value>);

/// Whom to believe.
#[derive(Debug, Clone, Default)]
pub(super) struct Trust {
    /// Refuse webhooks that are not signed.
    pub(super) signed_only: bool,
    /// Hosts of clouds, with their ports; any when empty.
    pub(super) clouds: Vec<String>,
}

/// Every route of an app.
pub(super) fn routes<A: App>(host: Arc<Host<A>>, trust: Trust, webhook_path: &str) -> Router {
    let webhook = move |State(host): State<Arc<Host<A>>>, headers: HeaderMap, body: Bytes| {
        let trust = trust.clone();
        async move { webhook(&host, &trust, &headers, &body).await }
    };
    Router::new()
        .route(webhook_path, post(webhook))
        .route("/health", get(health::<A>))
        .route("/settings", post(settings::<A>))
        .route("/tool", post(tool::<A>).get(async || Json(json!({"status": "success", "reply": "Hello, world!"}))))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .merge(
            Router::new()
                .route("/photo-upload", post(photos::upload::<A>))
                .layer(DefaultBodyLimit::max(photos::MAX_BODY)),
        )
        .route("/mentra-auth", get(login::<A>))
        .with_state(host)
}

/// A webhook of any cloud; three generations of them have named the address of the socket.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    session_id: String,
    #[serde(default)]
    user_id: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    session_uuid: Option<String>,
    #[serde(default, rename = "mentraOSWebsocketUrl")]
    mentra_os: Option<String>,
    #[serde(default)]
    websocket_url: Option<String>,
    #[serde(default, rename = "augmentOSWebsocketUrl")]
    augment_os: Option<String>,
}

async fn webhook<A: App>(host: &Arc<Host<A>>, trust: &Trust, headers: &HeaderMap, body: &[u8]) -> Answer {
    match check(headers, body, &host.api_key) {
        Signed::Bad => return failure(StatusCode::UNAUTHORIZED, "The signature is not good"),
        Signed::No if trust.signed_only => return failure(StatusCode::UNAUTHORIZED, "A signature is required"),
        Signed::No | Signed::Good => {}
    }
    let Ok(request) = serde_json::from_slice::<Webhook>(body) else {
        return failure(StatusCode::BAD_REQUEST, "This is no webhook");
    };
    if request.session_id.is_empty() {
        return failure(StatusCode::BAD_REQUEST, "sessionId is missing");
    }
    match request.kind.as_str() {
        "session_request" => start(host, trust, request),
        "stop_request" => {
            host.stop(&request.session_id, request.reason.as_deref().unwrap_or("user_disabled")).await;
            success()
        }
        _ => failure(StatusCode::BAD_REQUEST, "Unknown webhook request type"),
    }
}

fn start<A: App>(host: &Arc<Host<A>>, trust: &Trust, request: Webhook) -> Answer {
    let Some(url) = request.mentra_os.or(request.websocket_url).or(request.augment_os) else {
        return failure(StatusCode::BAD_REQUEST, "The address of the WebSocket is missing");
    };
    let Some(cloud) = cloud_of(&url) else {
        return failure(StatusCode::BAD_REQUEST, "The address of the WebSocket is no ws:// or wss:// URL");
    };
    if !trust.clouds.is_empty() && !trust.clouds.contains(&cloud) {
        return failure(StatusCode::FORBIDDEN, "This app belongs to another cloud");
    }
    let user_id = match request.user_id.is_empty() {
        false => request.user_id,
        // Older clouds say it only here.
        true => request.session_id.strip_suffix(&format!("-{}", host.package)).unwrap_or_default().to_owned(),
    };
    let opening = Opening { session_id: request.session_id, user_id, url, uuid: request.session_uuid };
    match host.open(opening) {
        Ok(()) => success(),
        Err(error) => failure(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

/// Host and port of a WebSocket URL.
pub(super) fn cloud_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let port = match url.scheme() {
        "ws" | "http" => url.port().unwrap_or(80),
        "wss" | "https" => url.port().unwrap_or(443),
        _ => return None,
    };
    Some(format!("{}:{port}", url.host_str()?))
}

async fn health<A: App>(State(host): State<Arc<Host<A>>>) -> Json<Value> {
    Json(json!({ "status": "healthy", "app": host.package, "activeSessions": host.sessions.len() }))
}

async fn login<A: App>(State(host): State<Arc<Host<A>>>) -> Redirect {
    let package: String = url::form_urlencoded::byte_serialize(host.package.as_bytes()).collect();
    Redirect::to(&format!("https://account.mentra.glass/auth?packagename={package}"))
}

async fn settings<A: App>(State(host): State<Arc<Host<A>>>, headers: HeaderMap, body: Bytes) -> Answer {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        user_id_for_settings: String,
        settings: Vec<AppSetting>,
    }
    if check(&headers, &body, &host.api_key) == Signed::Bad {
        return failure(StatusCode::UNAUTHORIZED, "The signature is not good");
    }
    let Ok(Body { user_id_for_settings: user, settings }) = serde_json::from_slice(&body) else {
        return failure(StatusCode::BAD_REQUEST, "Missing userId or settings array in request body");
    };
    let session = host.sessions.for_user(&user);
    if let Some(session) = &session {
        let change = session.shared.state().set_settings(settings.clone());
        if !change.changes.is_empty() {
            session.shared.hub.deliver(&Parcel::Settings(&change));
        }
    }
    if !ran("on_settings", host.app.on_settings(&user, &settings)).await {
        return failure(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error processing settings update");
    }
    let updated = usize::from(session.is_some());
    let body = json!({"status": "success", "message": "Settings updated successfully", "sessionsUpdated": updated});
    (StatusCode::OK, Json(body))
}

async fn tool<A: App>(State(host): State<Arc<Host<A>>>, headers: HeaderMap, body: Bytes) -> Answer {
    let is_known = match check(&headers, &body, &host.api_key) {
        Signed::Good => true,
        Signed::Bad => false,
        Signed::No => has_hashed_key(&headers, &host.api_key),
    };
    if !is_known {
        let why = "The call is not signed, and X-App-API-Key is not the hashed key of this app";
        return failure(StatusCode::UNAUTHORIZED, why);
    }
    let Ok(call) = serde_json::from_slice::<ToolBody>(&body) else {
        return failure(StatusCode::BAD_REQUEST, "This is no tool call");
    };
    let session = host.sessions.for_user(&call.user_id);
    let ToolBody { tool_id, tool_parameters: parameters, user_id } = call;
    let call = ToolCall { tool_id, parameters, user_id, session };
    match AssertUnwindSafe(host.app.on_tool_call(call)).catch_unwind().await {
        Ok(Ok(reply)) => (StatusCode::OK, Json(json!({ "status": "success", "reply": reply.reply() }))),
        Ok(Err(error)) => failure(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        Err(_) => failure(StatusCode::INTERNAL_SERVER_ERROR, "The tool failed"),
    }
}

/// How clouds that sign nothing say who they are. Compared by hashes, whose bytes tell nothing when they differ.
fn has_hashed_key(headers: &HeaderMap, api_key: &str) -> bool {
    let hash = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
    let key = headers.get("x-app-api-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
    hash(key).as_ref() == hash(&hashed_key(api_key)).as_ref()
}

/// Runs something of the app; whether it went well.
async fn ran(what: &str, work: impl Future<Output = crate::error::Result> + Send) -> bool {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => tracing::error!(%error, "{what} failed"),
        Err(_) => tracing::error!("{what} panicked"),
    }
    false
}

fn success() -> Answer {
    (StatusCode::OK, Json(json!({ "status": "success" })))
}

fn failure(status: StatusCode, message: &str) -> Answer {
    (status, Json(json!({ "status": "error", "message": message })))
}
