//! What the phone does to apps: start, stop; and the answer that makes it send sound over its socket.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_protocol::rest::{AppAction, AppActionDone, AuthFailure, Failure};
use bifocal_session::{Answer, Ask};

use crate::auth::bearer;
use crate::clock::wall;
use crate::http::{answer, refused};
use crate::service;
use crate::shared::Shared;

/// `POST /apps/{package}/start`: answered when the app runs, or truthfully when it does not.
pub(crate) async fn start(
    State(shared): State<Arc<Shared>>,
    Path(package): Path<String>,
    headers: HeaderMap,
) -> Response {
    match ask(&shared, &headers, &package, Ask::StartApp).await {
        Ok((package, Answer::Started)) => answer(StatusCode::OK, &AppActionDone::new(AppAction::Started, package)),
        Ok((_, Answer::StartFailed(failure))) => {
            let message = format!("{}: {}", failure.stage.name(), failure.message);
            answer(StatusCode::INTERNAL_SERVER_ERROR, &Failure::new(message))
        }
        Ok((_, Answer::NotInstalled)) => answer(StatusCode::NOT_FOUND, &Failure::app_not_found()),
        Ok(_) => answer(StatusCode::INTERNAL_SERVER_ERROR, &Failure::starting()),
        Err(response) => *response,
    }
}

/// `POST /apps/{package}/stop`: a success also when it was not running.
pub(crate) async fn stop(
    State(shared): State<Arc<Shared>>,
    Path(package): Path<String>,
    headers: HeaderMap,
) -> Response {
    match ask(&shared, &headers, &package, Ask::StopApp).await {
        Ok((package, Answer::Stopped)) => answer(StatusCode::OK, &AppActionDone::new(AppAction::Stopped, package)),
        Ok(_) => answer(StatusCode::INTERNAL_SERVER_ERROR, &Failure::stopping()),
        Err(response) => *response,
    }
}

async fn ask(
    shared: &Shared,
    headers: &HeaderMap,
    package: &str,
    what: fn(PackageName) -> Ask,
) -> Result<(String, Answer), Box<Response>> {
    let user: UserId = bearer::user(headers, &shared.tokens).map_err(|failure| Box::new(refused(&failure)))?;
    let not_found = || Box::new(answer(StatusCode::NOT_FOUND, &Failure::app_not_found()));
    let package = PackageName::new(package).map_err(|_| not_found())?;
    let name = package.to_string();
    match service::ask(shared, &user, what(package)).await {
        None | Some(Answer::SessionEnded) => Err(Box::new(refused(&AuthFailure::NoSession))),
        Some(given) => Ok((name, given)),
    }
}

/// `GET /api/client/livekit/token`: there is no LiveKit here. The phone then sends sound over its WebSocket.
pub(crate) async fn no_livekit() -> Response {
    answer(StatusCode::INTERNAL_SERVER_ERROR, &Failure::no_livekit(wall()))
}
