//! What app servers call: who else uses the app, what its user has set, what it may do.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bifocal_protocol::app::AppRecord;
use bifocal_protocol::app_rest::{
    AppRefusal, DiscoverUsers, DiscoveredUser, DiscoveredUsers, PublicPermission, PublicPermissions, SdkVersion,
    SdkVersions, UserSettings,
};
use bifocal_protocol::ids::{PackageName, UserId, user_of_session_id};
use bifocal_session::{Answer, Ask};
use bifocal_store::key_hash;

use crate::auth::bearer::second_word;
use crate::clock::wall;
use crate::http::answer;
use crate::service;
use crate::shared::Shared;

/// `POST /api/app-communication/discover-users`.
pub(crate) async fn discover_users(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Result<Json<DiscoverUsers>, JsonRejection>,
) -> Response {
    let found = async {
        let Ok(Json(body)) = body else { return Err(AppRefusal::BadRequest("packageName and userId are missing")) };
        let app = app(&shared, &body.package_name).await?;
        let key = second_word(&headers).map(key_hash);
        let app = app.filter(|app| key == Some(app.key_hash)).ok_or(AppRefusal::BadKey)?;
        let users = shared.peers.users(&app.package);
        let asking = UserId::new(&body.user_id).map_err(|_| AppRefusal::NoSession)?;
        if !users.contains_key(&asking) {
            return Err(AppRefusal::NoSession);
        }
        let user = |(user, here): (UserId, crate::peers::Presence)| DiscoveredUser {
            user_id: user.to_string(),
            session_id: here.session_id,
            joined_at: here.joined_at,
        };
        let users: Vec<DiscoveredUser> = users.into_iter().map(user).collect();
        Ok(DiscoveredUsers { total_users: users.len(), users, timestamp: wall() })
    };
    or_refused(found.await)
}

/// `GET /appsettings/user/{package}`: `session.settings.fetch()`. The bearer is the app's session id, or the user's address.
/// Neither is a secret, so it is answered only while the app runs for this user.
pub(crate) async fn user_settings(
    State(shared): State<Arc<Shared>>,
    Path(package): Path<String>,
    headers: HeaderMap,
) -> Response {
    let found = async {
        let package = PackageName::new(&package).map_err(|_| AppRefusal::UnknownApp)?;
        let who = second_word(&headers).ok_or(AppRefusal::BadRequest("User ID missing in Authorization header"))?;
        let by_id = user_of_session_id(who, &package).or_else(|| shared.sessions.user_of_uuid(who));
        let user = by_id.or_else(|| UserId::new(who).ok()).ok_or(AppRefusal::NoSession)?;
        match service::ask(&shared, &user, Ask::AppSettings(package)).await {
            Some(Answer::Settings(settings)) => Ok(UserSettings { success: true, settings }),
            Some(Answer::NotInstalled) => Err(AppRefusal::UnknownApp),
            _ => Err(AppRefusal::NoSession),
        }
    };
    or_refused(found.await)
}

/// `GET /api/public/permissions/{package}`: SDK v2 warns of what is missing.
pub(crate) async fn permissions(State(shared): State<Arc<Shared>>, Path(package): Path<String>) -> Response {
    let found = async {
        let app = app(&shared, &package).await?.ok_or(AppRefusal::UnknownApp)?;
        let permissions = app.permissions.iter().map(|kind| PublicPermission { kind: *kind }).collect();
        Ok(PublicPermissions { success: true, package_name: app.package.to_string(), permissions })
    };
    or_refused(found.await)
}

/// `GET /api/sdk/version`.
pub(crate) async fn version() -> Response {
    answer(StatusCode::OK, &SdkVersion { success: true, data: SdkVersions::tested(), timestamp: wall() })
}

/// An app of the catalogue.
pub(crate) async fn app(shared: &Shared, package: &str) -> Result<Option<AppRecord>, AppRefusal> {
    let Ok(package) = PackageName::new(package) else { return Ok(None) };
    shared.store.app(&package).await.map_err(|error| {
        tracing::warn!(%error, "the store could not be asked for an app");
        AppRefusal::Internal
    })
}

fn or_refused(result: Result<impl serde::Serialize, AppRefusal>) -> Response {
    match result {
        Ok(body) => answer(StatusCode::OK, &body),
        Err(refused) => refusal(refused),
    }
}

/// Why not.
pub(crate) fn refusal(refused: AppRefusal) -> Response {
    let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::BAD_REQUEST);
    answer(status, &refused.body())
}
