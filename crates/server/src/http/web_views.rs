//! How the web page of an app learns who has opened it: the phone's three calls, and the exchange by the app's server.
//!
//! Phones open a page with a temporary token, a signed one where there is a key for it, and the hash that tells the app's server
//! that this cloud's address is genuine.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bifocal_protocol::app::AppRecord;
use bifocal_protocol::ids::{PackageName, UserId};
use bifocal_protocol::web_view_rest::{
    ExchangeUserToken, HashWithApiKey, TokenFor, WebViewHash, WebViewRefusal, WebViewToken, WebViewUser,
};
use bifocal_store::{StoreError, key_hash};

use crate::auth::bearer;
use crate::auth::user_token::hash_with_key;
use crate::clock::wall;
use crate::http::{answer, refused};
use crate::shared::Shared;

/// A body, or nothing at all: what is missing in it is told field by field.
type Given<T> = Result<Json<T>, JsonRejection>;

/// `POST /api/auth/generate-webview-token`.
pub(crate) async fn temporary(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Given<TokenFor>,
) -> Response {
    let user = match bearer::user(&headers, &shared.tokens) {
        Ok(user) => user,
        Err(failure) => return refused(&failure),
    };
    let made = async {
        let app = installed(&shared, &user, &read(body).package_name).await?;
        let token = shared.page_tokens.issue(user, app.package);
        Ok(WebViewToken { success: true, token, expires_in: None })
    };
    or_refused(made.await)
}

/// `POST /api/auth/generate-webview-signed-user-token`.
pub(crate) async fn signed(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Given<TokenFor>) -> Response {
    let user = match bearer::user(&headers, &shared.tokens) {
        Ok(user) => user,
        Err(failure) => return refused(&failure),
    };
    let made = async {
        let app = installed(&shared, &user, &read(body).package_name).await?;
        let key = shared.signing_key.as_ref().ok_or(WebViewRefusal::NoSigningKey)?;
        let token = key.sign(&user, &app.key_hash, wall().0.div_euclid(1000)).ok_or(WebViewRefusal::Internal)?;
        Ok(WebViewToken { success: true, token, expires_in: Some("10m".to_owned()) })
    };
    or_refused(made.await)
}

/// `POST /api/auth/hash-with-api-key`.
pub(crate) async fn hash(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Given<HashWithApiKey>,
) -> Response {
    let user = match bearer::user(&headers, &shared.tokens) {
        Ok(user) => user,
        Err(failure) => return refused(&failure),
    };
    let made = async {
        let HashWithApiKey { string_to_hash, package_name } = read(body);
        if string_to_hash.is_empty() || package_name.is_empty() {
            return Err(WebViewRefusal::NothingToHash);
        }
        let app = installed(&shared, &user, &package_name).await?;
        Ok(WebViewHash { success: true, hash: hash_with_key(&string_to_hash, &app.key_hash) })
    };
    or_refused(made.await)
}

/// `POST /api/auth/exchange-user-token`: the app's server asks whose token it was given.
pub(crate) async fn exchange(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Given<ExchangeUserToken>,
) -> Response {
    let found = async {
        let body = read(body);
        let package = PackageName::new(&body.package_name).map_err(|_| WebViewRefusal::BadKey)?;
        let app = shared.store.app(&package).await.map_err(|error| failed(&error))?;
        // Hashes, so that the time says nothing about the key.
        let key = bearer::bearer(&headers).ok().map(key_hash);
        if app.is_none() || app.map(|app| app.key_hash) != key {
            return Err(WebViewRefusal::BadKey);
        }
        if body.aos_temp_token.is_empty() {
            return Err(WebViewRefusal::NoToken);
        }
        let user = shared.page_tokens.redeem(&body.aos_temp_token, &package).ok_or(WebViewRefusal::BadToken)?;
        Ok(WebViewUser { success: true, user_id: user.to_string() })
    };
    or_refused(found.await)
}

/// An app that this user has.
async fn installed(shared: &Shared, user: &UserId, package: &str) -> Result<AppRecord, WebViewRefusal> {
    if package.is_empty() {
        return Err(WebViewRefusal::NoPackage);
    }
    let package = PackageName::new(package).map_err(|_| WebViewRefusal::NotInstalled)?;
    if !shared.store.is_installed(user, &package).await.map_err(|error| failed(&error))? {
        return Err(WebViewRefusal::NotInstalled);
    }
    shared.store.app(&package).await.map_err(|error| failed(&error))?.ok_or(WebViewRefusal::NotInstalled)
}

fn read<T: Default>(body: Given<T>) -> T {
    body.map(|Json(body)| body).unwrap_or_default()
}

fn failed(error: &StoreError) -> WebViewRefusal {
    tracing::warn!(%error, "the store could not be asked for the page of an app");
    WebViewRefusal::Internal
}

fn or_refused(result: Result<impl serde::Serialize, WebViewRefusal>) -> Response {
    match result {
        Ok(body) => answer(StatusCode::OK, &body),
        Err(refusal) => {
            let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
            answer(status, &refusal.body())
        }
    }
}
