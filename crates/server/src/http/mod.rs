//! The routes: two sockets, what phones and app servers call over REST, health, and the operator's.

mod admin;
mod apps;
mod audio;
mod bitmap;
mod health;
mod heard;
mod outputs;
mod phone;
mod photos;
mod sdk;
mod settings;
mod storage;
mod tools;
mod tts;
mod web_views;
mod writes;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{delete, get, post};
use bifocal_protocol::Text;
use bifocal_protocol::rest::AuthFailure;

use crate::photos::{FIELD_BYTES, MAX_PHOTO};
use crate::shared::Shared;
use crate::socket;

pub(crate) use writes::Writes;

/// A photo, and the rest of its form.
const PHOTO_BODY: usize = MAX_PHOTO as usize + 16 * FIELD_BYTES;

/// Every route of the server.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    // What viewers fetch is not limited in its size, and is not what apps and phones ask for.
    let viewers = shared.streams.media.as_ref().map(bifocal_media::router).unwrap_or_default();
    Router::new()
        .route("/glasses-ws", get(socket::glasses::upgrade))
        .route("/app-ws", get(socket::app::upgrade))
        .route("/ws/miniapp", get(socket::app::upgrade))
        .route("/apps/{package}/start", post(apps::start))
        .route("/apps/{package}/stop", post(apps::stop))
        .route("/api/apps/{package}/start", post(apps::start))
        .route("/api/apps/{package}/stop", post(apps::stop))
        .route("/api/client/livekit/token", get(apps::no_livekit))
        .route("/api/client/audio/configure", post(audio::configure))
        .route("/api/audio/stream/{secret}", get(audio::stream))
        .route("/api/audio/{user}", get(heard::recent_sound))
        .route("/api/transcripts/{session_id}", get(heard::transcripts))
        .route("/api/client/device/state", post(phone::device_state))
        .route("/api/user-data/set-datetime", post(phone::set_datetime))
        .route("/api/client/location", post(phone::location))
        .route("/api/client/calendar", post(phone::calendar))
        .route("/api/client/notifications", post(phone::notification))
        .route("/api/client/notifications/dismissed", post(phone::notification_dismissed))
        .route("/api/app-communication/discover-users", post(sdk::discover_users))
        .route("/api/tpa-communication/discover-users", post(sdk::discover_users))
        .route("/api/client/user/settings", get(settings::all).post(settings::merge).put(settings::merge))
        .route(
            "/api/client/user/settings/key/{key}",
            get(settings::one).put(settings::put_one).delete(settings::delete_one),
        )
        .route("/appsettings/{package}", get(settings::app_page).post(settings::change_app))
        .route("/tpasettings/{package}", get(settings::app_page).post(settings::change_app))
        .route("/appsettings/user/{package}", get(sdk::user_settings))
        .route("/api/public/permissions/{package}", get(sdk::permissions))
        .route("/api/sdk/version", get(sdk::version))
        .route("/api/sdk/simple-storage/{email}", get(storage::all).put(storage::put_all).delete(storage::clear))
        .route(
            "/api/sdk/simple-storage/{email}/{key}",
            get(storage::one).put(storage::put_one).delete(storage::delete_one),
        )
        .route("/api/sdk/bitmap", post(bitmap::draw))
        .route("/api/tools/apps/{package}/tool", post(tools::call))
        .route("/api/tools/apps/{package}/tools", get(tools::of_app))
        .route("/api/tools/users/{user}/tools", get(tools::of_user))
        .nest("/auth", web_views())
        .nest("/api/auth", web_views())
        .route("/api/tts", get(tts::speak).head(tts::look))
        .route("/photos/{token}", post(photos::upload).layer(DefaultBodyLimit::max(PHOTO_BODY)))
        .route("/photos/{owner}/{file}", get(photos::file))
        .route("/api/photos/upload", post(photos::upload_own).layer(DefaultBodyLimit::max(PHOTO_BODY)))
        .route("/api/streams/{stream}/outputs", get(outputs::list).post(outputs::add))
        .route("/api/streams/{stream}/outputs/{output}", delete(outputs::remove))
        .route("/api/gallery", get(photos::gallery))
        .route("/api/gallery/{photo}", delete(photos::delete))
        .route("/api/client/photo/response", post(photos::response))
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/api/admin/sessions", get(admin::sessions))
        .route("/api/admin/sessions/end", post(admin::end))
        .layer(DefaultBodyLimit::max(1 << 20))
        .with_state(shared)
        .merge(viewers)
}

/// What phones and app servers call around the web pages of apps; under two addresses, because clients differ.
fn web_views() -> Router<Arc<Shared>> {
    Router::new()
        .route("/generate-webview-token", post(web_views::temporary))
        .route("/generate-webview-signed-user-token", post(web_views::signed))
        .route("/hash-with-api-key", post(web_views::hash))
        .route("/exchange-user-token", post(web_views::exchange))
}

/// A JSON answer from text that is JSON already.
pub(crate) fn json(status: StatusCode, body: Text) -> Response {
    let mut response = Response::new(Body::from(body.into_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A JSON answer.
pub(crate) fn answer(status: StatusCode, body: &impl serde::Serialize) -> Response {
    // Our own structs with string keys: serialising them cannot fail.
    json(status, Text::from(serde_json::to_string(body).unwrap_or_else(|_| "{}".to_owned())))
}

/// The answer to a request whose token is no good.
pub(crate) fn refused(failure: &AuthFailure) -> Response {
    let status = StatusCode::from_u16(failure.status()).unwrap_or(StatusCode::UNAUTHORIZED);
    answer(status, &failure.body())
}
