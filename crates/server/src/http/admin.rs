//! The operator's routes: what `bifocal session …` talks to. They need the admin key of the data folder.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bifocal_protocol::ids::UserId;
use bifocal_protocol::rest::{AuthFailure, Failure};
use bifocal_session::{Answer, Ask, EndReason, Input, SessionView};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tracing::info;

use crate::auth::bearer::bearer;
use crate::http::{answer, refused};
use crate::service;
use crate::shared::{Shared, user_tag};

/// `GET /api/admin/sessions`: every live session.
pub(crate) async fn sessions(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if let Err(failure) = operator(&headers, &shared) {
        return refused(&failure);
    }
    let mut users: Vec<UserId> = shared.sessions.list().into_iter().map(|(user, _)| user).collect();
    users.sort();
    let mut sessions = Vec::with_capacity(users.len());
    for user in users {
        if let Some(Answer::View(view)) = service::ask(&shared, &user, Ask::View).await {
            sessions.push(describe(&view));
        }
    }
    answer(StatusCode::OK, &json!({ "sessions": sessions }))
}

fn describe(view: &SessionView) -> Value {
    let apps: Vec<Value> = view
        .apps
        .iter()
        .map(|(package, phase)| json!({ "package": package.as_str(), "phase": phase.name() }))
        .collect();
    json!({
        "user": view.user.as_str(),
        "tag": user_tag(&view.user),
        "state": view.state.name(),
        "started": view.started,
        "reconnections": view.reconnections,
        "apps": apps,
    })
}

#[derive(Debug, Deserialize)]
pub(crate) struct EndRequest {
    user: UserId,
    #[serde(default)]
    reason: String,
}

/// `POST /api/admin/sessions/end`: ends a user's session now.
pub(crate) async fn end(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Result<Json<EndRequest>, axum::extract::rejection::JsonRejection>,
) -> Response {
    if let Err(failure) = operator(&headers, &shared) {
        return refused(&failure);
    }
    let Ok(Json(request)) = body else {
        return answer(StatusCode::BAD_REQUEST, &Failure::new("body: {\"user\": e-mail, \"reason\"?: text}"));
    };
    // The reason is outside text: only its length is fit for a log.
    info!(user = %user_tag(&request.user), reason_bytes = request.reason.len(), "session ended by the operator");
    let input = Input::End { reason: EndReason::Manual };
    if service::tell(&shared, &request.user, input).await {
        answer(StatusCode::OK, &json!({ "success": true }))
    } else {
        answer(StatusCode::NOT_FOUND, &Failure::new("this user has no session"))
    }
}

/// Compares hashes, so that the time says nothing about the key.
fn operator(headers: &HeaderMap, shared: &Shared) -> Result<(), AuthFailure> {
    let given = Sha256::digest(bearer(headers)?.as_bytes());
    let right = Sha256::digest(shared.config.admin_key.as_bytes());
    if given == right { Ok(()) } else { Err(AuthFailure::BadToken("not the admin key".to_owned())) }
}
