//! Copies of a managed stream to other servers, as an app's server asks for them. The key of the app opens the streams in which it
//! takes part, and no others.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bifocal_protocol::ids::PackageName;
use bifocal_session::{Answer, Ask, MediaOutput, OutputAsk, OutputRefused, StreamAsk};
use bifocal_store::key_hash;
use serde_json::{Value, json};

use crate::auth::bearer;
use crate::http::answer;
use crate::service;
use crate::shared::Shared;

/// Most copies, as told.
const MOST: u32 = 10;

type Body = Result<Json<Value>, JsonRejection>;
type Names = Query<HashMap<String, String>>;

/// `POST /api/streams/{stream}/outputs`.
pub(crate) async fn add(
    State(shared): State<Arc<Shared>>,
    Path(stream): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let body = body.map(|Json(body)| body).unwrap_or_default();
    let app = match app(&shared, &headers, body["packageName"].as_str()).await {
        Ok(app) => app,
        Err(refusal) => return *refusal,
    };
    let url = body["url"].as_str().unwrap_or_default().to_owned();
    let name = body["name"].as_str().map(|name| name.chars().take(100).collect());
    ask(&shared, app, stream, OutputAsk::Add(MediaOutput { url, name })).await
}

/// `GET /api/streams/{stream}/outputs?packageName=`.
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Path(stream): Path<String>,
    headers: HeaderMap,
    Query(names): Names,
) -> Response {
    match app(&shared, &headers, names.get("packageName").map(String::as_str)).await {
        Ok(app) => ask(&shared, app, stream, OutputAsk::List).await,
        Err(refusal) => *refusal,
    }
}

/// `DELETE /api/streams/{stream}/outputs/{output}`.
pub(crate) async fn remove(
    State(shared): State<Arc<Shared>>,
    Path((stream, output)): Path<(String, String)>,
    headers: HeaderMap,
    Query(names): Names,
    body: Body,
) -> Response {
    let body = body.map(|Json(body)| body).unwrap_or_default();
    let package = names.get("packageName").map(String::as_str).or(body["packageName"].as_str());
    match app(&shared, &headers, package).await {
        Ok(app) => ask(&shared, app, stream, OutputAsk::Remove(output)).await,
        Err(refusal) => *refusal,
    }
}

/// Who asks.
async fn app(shared: &Shared, headers: &HeaderMap, package: Option<&str>) -> Result<PackageName, Box<Response>> {
    let refuse =
        |status, error: &str, message: &str| Box::new(answer(status, &json!({ "error": error, "message": message })));
    let no = StatusCode::UNAUTHORIZED;
    let key =
        bearer::bearer(headers).map_err(|_| refuse(no, "UNAUTHORIZED", "Missing or invalid Authorization header"))?;
    let package = package.filter(|package| !package.is_empty()).ok_or_else(|| {
        refuse(StatusCode::BAD_REQUEST, "BAD_REQUEST", "Package name required for API key validation")
    })?;
    let invalid = || refuse(no, "UNAUTHORIZED", "Invalid API Key or Package Name");
    let package = PackageName::new(package).map_err(|_| invalid())?;
    let app = shared
        .store
        .app(&package)
        .await
        .map_err(|_| refuse(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", "The catalogue cannot be read"))?;
    // Hashes, so that the time says nothing about the key.
    if app.map(|app| app.key_hash) == Some(key_hash(key)) { Ok(package) } else { Err(invalid()) }
}

async fn ask(shared: &Shared, app: PackageName, stream: String, what: OutputAsk) -> Response {
    let Some(user) = shared.stream_owners.of(&stream) else { return refused(OutputRefused::StreamNotFound) };
    let wish = StreamAsk { app, stream: stream.clone(), what };
    let done = |message: &str| json!({ "success": true, "message": message });
    match service::ask(shared, &user, Ask::Stream(Box::new(wish))).await {
        Some(Answer::Outputs(outputs)) => {
            let output = |view: &bifocal_session::OutputView| {
                json!({
                    "outputId": view.id, "url": view.url, "name": view.name, "addedBy": view.added_by.as_str(),
                    "status": view.status, "error": view.error,
                })
            };
            let outputs: Vec<Value> = outputs.iter().map(output).collect();
            let total = outputs.len();
            let body = json!({
                "streamId": stream, "outputs": outputs, "total": total, "maxPerStream": MOST, "maxPerApp": MOST,
            });
            answer(StatusCode::OK, &body)
        }
        Some(Answer::OutputAdded(id)) => {
            let mut body = done("Output added successfully");
            body["outputId"] = id.into();
            answer(StatusCode::OK, &body)
        }
        Some(Answer::OutputRemoved) => answer(StatusCode::OK, &done("Output removed successfully")),
        Some(Answer::OutputRefused(why)) => refused(why),
        _ => refused(OutputRefused::StreamNotFound),
    }
}

fn refused(why: OutputRefused) -> Response {
    let status = match why {
        OutputRefused::StreamNotFound | OutputRefused::OutputNotFound => StatusCode::NOT_FOUND,
        OutputRefused::NotAViewer | OutputRefused::NotAuthorized => StatusCode::FORBIDDEN,
        OutputRefused::MaxOutputs | OutputRefused::DuplicateUrl => StatusCode::CONFLICT,
        OutputRefused::InvalidUrl => StatusCode::BAD_REQUEST,
        OutputRefused::Provider => StatusCode::BAD_GATEWAY,
    };
    answer(status, &json!({ "error": why.code(), "message": why.why() }))
}
