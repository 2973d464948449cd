//! Tools: an assistant asks here what apps can do for a user, and has them do it.
//!
//! The user of a call may use the tools of the apps that they have, with the token of their phone; an app may use its own, with its
//! key. Apps need not run for it.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use bifocal_protocol::Text;
use bifocal_protocol::app::AppRecord;
use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_protocol::tools_rest::{ToolCall, ToolRefusal};
use bifocal_store::{StoreError, key_hash};

use crate::auth::bearer;
use crate::http::answer;
use crate::shared::Shared;

/// `POST /api/tools/apps/{package}/tool`: answered with what the app answers.
pub(crate) async fn call(
    State(shared): State<Arc<Shared>>,
    Path(package): Path<String>,
    headers: HeaderMap,
    body: Result<Json<ToolCall>, JsonRejection>,
) -> Response {
    let called = async {
        let Json(call) = body.map_err(|_| ToolRefusal::BadBody)?;
        for (field, text) in [("toolId", &call.tool_id), ("userId", &call.user_id)] {
            if text.is_empty() {
                return Err(ToolRefusal::Missing(field));
            }
        }
        let app = app(&shared, &package).await?;
        let user = UserId::new(&call.user_id).map_err(|_| ToolRefusal::UnknownApp)?;
        if !is_app(&headers, &app) && caller(&shared, &headers)? != user {
            return Err(ToolRefusal::NotYours);
        }
        if !shared.store.is_installed(&user, &app.package).await.map_err(|error| failed(&error))? {
            return Err(ToolRefusal::UnknownApp);
        }
        // Ours, with strings as keys: serialising it cannot fail.
        let body = Text::from(serde_json::to_string(&call).map_err(|_| ToolRefusal::Internal)?);
        shared.webhooks.tool(&app, body).await.map_err(ToolRefusal::Failed)
    };
    match called.await {
        Ok(given) => {
            let mut response = Response::new(Body::from(given.body));
            *response.status_mut() = given.status;
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Err(refusal) => refuse(&refusal),
    }
}

/// `GET /api/tools/apps/{package}/tools`: for everybody who is known here; apps publish them anyway.
pub(crate) async fn of_app(
    State(shared): State<Arc<Shared>>,
    Path(package): Path<String>,
    headers: HeaderMap,
) -> Response {
    let found = async {
        let app = app(&shared, &package).await?;
        if !is_app(&headers, &app) {
            caller(&shared, &headers)?;
        }
        shared.store.tools(&app.package).await.map_err(|error| failed(&error))?.ok_or(ToolRefusal::UnknownApp)
    };
    match found.await {
        Ok(tools) => answer(StatusCode::OK, &tools),
        Err(refusal) => refuse(&refusal),
    }
}

/// `GET /api/tools/users/{user}/tools`: for that user.
pub(crate) async fn of_user(
    State(shared): State<Arc<Shared>>,
    Path(user): Path<String>,
    headers: HeaderMap,
) -> Response {
    let found = async {
        let caller = caller(&shared, &headers)?;
        if UserId::new(&user).ok().as_ref() != Some(&caller) {
            return Err(ToolRefusal::NotYours);
        }
        shared.store.tools_of_user(&caller).await.map_err(|error| failed(&error))
    };
    match found.await {
        Ok(tools) => answer(StatusCode::OK, &tools),
        Err(refusal) => refuse(&refusal),
    }
}

async fn app(shared: &Shared, package: &str) -> Result<AppRecord, ToolRefusal> {
    let package = PackageName::new(package).map_err(|_| ToolRefusal::UnknownApp)?;
    shared.store.app(&package).await.map_err(|error| failed(&error))?.ok_or(ToolRefusal::UnknownApp)
}

/// Whether the app itself asks. Hashes are compared, so that the time says nothing about the key.
fn is_app(headers: &HeaderMap, app: &AppRecord) -> bool {
    bearer::bearer(headers).is_ok_and(|key| key_hash(key) == app.key_hash)
}

fn caller(shared: &Shared, headers: &HeaderMap) -> Result<UserId, ToolRefusal> {
    bearer::user(headers, &shared.tokens).map_err(|_| ToolRefusal::NotYours)
}

fn failed(error: &StoreError) -> ToolRefusal {
    tracing::warn!(%error, "the store could not be asked for tools");
    ToolRefusal::Internal
}

fn refuse(refusal: &ToolRefusal) -> Response {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    answer(status, &refusal.body())
}
