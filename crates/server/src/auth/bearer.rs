//! Reading `Authorization` headers.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use bifocal_protocol::ids::UserId;
use bifocal_protocol::rest::AuthFailure;
use bifocal_protocol::storage_rest::StorageRefusal;

use crate::auth::token::{TokenError, Tokens};

/// The second word of `Authorization`, whatever the first is: what `/glasses-ws` accepts.
pub(crate) fn second_word(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.split_whitespace().nth(1)
}

/// `Bearer <token>` of a REST request: the token.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str, AuthFailure> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or(AuthFailure::NoHeader)?;
    let token = header.strip_prefix("Bearer ").ok_or(AuthFailure::NoHeader)?.trim();
    match token {
        "" | "null" | "undefined" => Err(AuthFailure::NoToken),
        token => Ok(token),
    }
}

/// `Bearer <package>:<API key>` of an app's request to its storage.
pub(crate) fn package_and_key(headers: &HeaderMap) -> Result<(&str, &str), StorageRefusal> {
    let header = headers.get(AUTHORIZATION).ok_or(StorageRefusal::NoHeader)?;
    let token = header.to_str().ok().and_then(|text| text.strip_prefix("Bearer ")).ok_or(StorageRefusal::NotBearer)?;
    match token.split(':').collect::<Vec<_>>()[..] {
        ["", _] | [_, ""] => Err(StorageRefusal::EmptyPart),
        [package, key] => Ok((package, key)),
        _ => Err(StorageRefusal::NotTwoParts),
    }
}

/// The package and the API key of an app: `Bearer <package>:<API key>`, or the headers `X-Package-Name` and `X-API-Key`.
pub(crate) fn app_credentials(headers: &HeaderMap) -> Option<(&str, &str)> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    package_and_key(headers).ok().or_else(|| text("x-package-name").zip(text("x-api-key")))
}

/// The user of a REST request.
pub(crate) fn user(headers: &HeaderMap, tokens: &Tokens) -> Result<UserId, AuthFailure> {
    tokens.verify(bearer(headers)?).map_err(|error| match error {
        TokenError::NoEmail => AuthFailure::NoEmail,
        error => AuthFailure::BadToken(error.to_string()),
    })
}
