//! What the user sets, on the phone: its own settings, and those of apps.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bifocal_protocol::app::AppRecord;
use bifocal_protocol::app_rest::AppRefusal;
use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_protocol::rest::Failure;
use bifocal_protocol::settings::{AppSetting, in_force};
use bifocal_protocol::settings_rest::{AppSettingsPage, ClientData, ClientKey, SettingChange, changes};
use bifocal_session::{Ask, PhoneReport};
use bifocal_store::{ClientSettings, StoreError};
use serde_json::{Map, Value};

use crate::auth::bearer;
use crate::clock::wall;
use crate::http::{answer, refused};
use crate::service;
use crate::shared::Shared;

type Body = Result<Json<Value>, JsonRejection>;

/// `GET /api/client/user/settings`.
pub(crate) async fn all(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    with(&shared, &headers, async |user| {
        let all = shared.store.client_settings(&user).await?;
        Ok(answer(StatusCode::OK, &ClientData::settings(for_phone(all), wall())))
    })
    .await
}

/// `POST` and `PUT /api/client/user/settings`: `null` takes a key out.
pub(crate) async fn merge(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Response {
    with(&shared, &headers, async |user| {
        let Some(Value::Object(changes)) =
            body.ok().and_then(|Json(mut body)| body.get_mut("settings").map(Value::take))
        else {
            return Ok(answer(StatusCode::BAD_REQUEST, &Failure::new("Settings object required")));
        };
        let merged = write(&shared, &user, &changes).await?;
        Ok(answer(StatusCode::OK, &ClientData::settings(for_phone(merged), wall())))
    })
    .await
}

/// `GET /api/client/user/settings/key/{key}`.
pub(crate) async fn one(State(shared): State<Arc<Shared>>, Path(key): Path<String>, headers: HeaderMap) -> Response {
    with(&shared, &headers, async |user| {
        let value = shared.store.client_settings(&user).await?.remove(&key);
        let data =
            ClientKey { exists: Some(value.is_some()), value: Some(value.unwrap_or_default()), key, deleted: None };
        Ok(answer(StatusCode::OK, &ClientData::key(data, wall())))
    })
    .await
}

/// `PUT /api/client/user/settings/key/{key}`.
pub(crate) async fn put_one(
    State(shared): State<Arc<Shared>>,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    with(&shared, &headers, async |user| {
        let Some(value) = body.ok().and_then(|Json(mut body)| body.get_mut("value").map(Value::take)) else {
            return Ok(answer(StatusCode::BAD_REQUEST, &Failure::new("Value required")));
        };
        write(&shared, &user, &Map::from_iter([(key.clone(), value.clone())])).await?;
        let data = ClientKey { key, value: Some(value), exists: None, deleted: None };
        Ok(answer(StatusCode::OK, &ClientData::key(data, wall())))
    })
    .await
}

/// `DELETE /api/client/user/settings/key/{key}`.
pub(crate) async fn delete_one(
    State(shared): State<Arc<Shared>>,
    Path(key): Path<String>,
    headers: HeaderMap,
) -> Response {
    with(&shared, &headers, async |user| {
        write(&shared, &user, &Map::from_iter([(key.clone(), Value::Null)])).await?;
        let data = ClientKey { key, value: None, exists: None, deleted: Some(true) };
        Ok(answer(StatusCode::OK, &ClientData::key(data, wall())))
    })
    .await
}

/// `GET /appsettings/{package}`: the page of an app's settings.
pub(crate) async fn app_page(
    State(shared): State<Arc<Shared>>,
    Path(package): Path<String>,
    headers: HeaderMap,
) -> Response {
    with(&shared, &headers, async |user| {
        let Some(app) = app(&shared, &package).await? else { return Ok(no_app()) };
        let record = shared.store.load_user(&user).await?;
        let chosen = record.app_settings.get(&app.package).map_or(&[][..], Vec::as_slice);
        Ok(answer(StatusCode::OK, &AppSettingsPage::new(&user, &app, chosen)))
    })
    .await
}

/// `POST /appsettings/{package}`: `{key, value}`, or several of them.
pub(crate) async fn change_app(
    State(shared): State<Arc<Shared>>,
    Path(package): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    with(&shared, &headers, async |user| {
        let Some(changes) = body.ok().and_then(|Json(body)| changes(&body)) else {
            let why = "Invalid update payload format. Send {key, value}, or a list of them.";
            return Ok(answer(StatusCode::BAD_REQUEST, &AppRefusal::BadRequest(why).body()));
        };
        let Some(app) = app(&shared, &package).await? else { return Ok(no_app()) };
        let changed =
            |SettingChange { key, value }| AppSetting { key: Some(key), value: Some(value), rest: Map::new() };
        let changes = changes.into_iter().map(changed).collect();
        let chosen = shared.store.change_app_settings(&user, &app.package, changes).await?;
        let report = PhoneReport::AppSettings { package: app.package.clone(), chosen: chosen.clone() };
        service::ask(&shared, &user, Ask::Report(Box::new(report))).await;
        push(&shared, &user, app);
        let done = serde_json::json!({ "success": true, "message": "Settings updated successfully" });
        Ok(answer(StatusCode::OK, &done))
    })
    .await
}

/// Tells the app's server over HTTP, too: it may have more to do than its session.
/// The list is read when it is sent, so that of two changes at once both say the same.
fn push(shared: &Arc<Shared>, user: &UserId, app: AppRecord) {
    let (for_task, user) = (shared.clone(), user.clone());
    shared.tasks.spawn(async move {
        let Ok(record) = for_task.store.load_user(&user).await else { return };
        let chosen = record.app_settings.get(&app.package).map_or(&[][..], Vec::as_slice);
        let settings = in_force(&app.settings, chosen);
        let body = serde_json::json!({ "userIdForSettings": user.as_str(), "settings": settings });
        for_task.webhooks.settings(&app, bifocal_protocol::Text::from(body.to_string())).await;
    });
}

/// Writes settings of the phone, and tells the session what they change for it.
async fn write(shared: &Shared, user: &UserId, changes: &Map<String, Value>) -> Result<Map<String, Value>, StoreError> {
    let ClientSettings { all, system, system_changed } = shared.store.merge_client_settings(user, changes).await?;
    let text = |key: &str| all.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let timezone = text("time_zone_override").or_else(|| text("time_zone"));
    let wearable = changes.get("default_wearable").and_then(Value::as_str).map(str::to_owned);
    let zone_changed = changes.contains_key("time_zone") || changes.contains_key("time_zone_override");
    if system_changed || zone_changed || wearable.is_some() {
        let report = PhoneReport::Settings { system: Box::new(system), timezone, wearable };
        service::ask(shared, user, Ask::Report(Box::new(report))).await;
    }
    Ok(all)
}

/// What is given back to a phone: not where it belongs to, which would move it there, and no secret.
fn for_phone(mut all: Map<String, Value>) -> Map<String, Value> {
    for key in ["core_token", "backend_url", "store_url"] {
        all.remove(key);
    }
    all
}

async fn app(shared: &Shared, package: &str) -> Result<Option<AppRecord>, StoreError> {
    match PackageName::new(package) {
        Ok(package) => shared.store.app(&package).await,
        Err(_) => Ok(None),
    }
}

fn no_app() -> Response {
    answer(StatusCode::NOT_FOUND, &AppRefusal::UnknownApp.body())
}

async fn with(
    shared: &Shared,
    headers: &HeaderMap,
    handle: impl AsyncFnOnce(UserId) -> Result<Response, StoreError>,
) -> Response {
    let user = match bearer::user(headers, &shared.tokens) {
        Ok(user) => user,
        Err(failure) => return refused(&failure),
    };
    match handle(user).await {
        Ok(response) => response,
        Err(StoreError::TooMuch) => {
            answer(StatusCode::PAYLOAD_TOO_LARGE, &Failure::new("More settings than a user may have").at(wall()))
        }
        Err(error) => {
            tracing::warn!(%error, "settings could not be read or written");
            answer(StatusCode::INTERNAL_SERVER_ERROR, &Failure::new("Failed to update user settings").at(wall()))
        }
    }
}
