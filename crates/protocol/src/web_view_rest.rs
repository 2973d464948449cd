//! Bodies of `/api/auth/…`: how the web page of an app learns which user has opened it.
//!
//! The phone asks for a temporary token and opens the page with it; the app's server gives it back here, with its own key,
//! and hears who the user is.

use serde::{Deserialize, Serialize};

/// Body of `POST /api/auth/generate-webview-token` and of `…/generate-webview-signed-user-token`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TokenFor {
    /// The app whose page is opened.
    pub package_name: String,
}

/// Body of `POST /api/auth/hash-with-api-key`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HashWithApiKey {
    /// The address of this server as the phone knows it.
    pub string_to_hash: String,
    /// The app whose page is opened.
    pub package_name: String,
}

/// Body of `POST /api/auth/exchange-user-token`, with the app's key as bearer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ExchangeUserToken {
    /// What the page was opened with.
    pub aos_temp_token: String,
    /// The app that asks.
    #[serde(rename = "packageName")]
    pub package_name: String,
}

/// `200` of both routes that make a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebViewToken {
    /// Always true.
    pub success: bool,
    /// 64 hexadecimal digits, or a JWT.
    pub token: String,
    /// `10m` for a JWT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<String>,
}

/// `200` of `hash-with-api-key`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebViewHash {
    /// Always true.
    pub success: bool,
    /// SHA-256 of the text and the hex SHA-256 of the app's key, in hexadecimal digits.
    pub hash: String,
}

/// `200` of `exchange-user-token`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebViewUser {
    /// Always true.
    pub success: bool,
    /// The address of the user.
    pub user_id: String,
}

/// Claims of the signed token: what the SDK reads of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserTokenClaims {
    /// The user.
    pub sub: String,
    /// `<user>:<hex SHA-256 of the user and the hex SHA-256 of the app's key>`, for the page's own requests to its server.
    pub frontend_token: String,
    /// [`UserTokenClaims::ISSUER`].
    pub iss: String,
    /// Issued at, in seconds.
    pub iat: i64,
    /// Over at, in seconds.
    pub exp: i64,
}

impl UserTokenClaims {
    /// The one issuer that SDKs accept, whoever runs the cloud.
    pub const ISSUER: &str = "https://prod.augmentos.cloud";
    /// How long a signed token is good, in seconds.
    pub const SECONDS: i64 = 600;
}

/// Why one of these routes refuses a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebViewRefusal {
    /// The body names no app.
    NoPackage,
    /// The body lacks one of two fields.
    NothingToHash,
    /// The body has no token.
    NoToken,
    /// The token was never given out, was used, is over, or is another app's.
    BadToken,
    /// No key as bearer, or another app's.
    BadKey,
    /// The user does not have this app.
    NotInstalled,
    /// This server has no key to sign with. Phones leave the token out then.
    NoSigningKey,
    /// This server failed.
    Internal,
}

impl WebViewRefusal {
    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::NoPackage | Self::NothingToHash | Self::NoToken => 400,
            Self::BadToken | Self::BadKey => 401,
            Self::NotInstalled => 404,
            Self::NoSigningKey => 501,
            Self::Internal => 500,
        }
    }

    /// The body.
    pub fn body(self) -> WebViewRefused {
        let error = match self {
            Self::NoPackage => "packageName is required",
            Self::NothingToHash => "stringToHash and packageName are required",
            Self::NoToken => "Missing aos_temp_token",
            Self::BadToken => "Invalid or expired token",
            Self::BadKey => "Invalid API Key or Package Name",
            Self::NotInstalled => "App not found",
            Self::NoSigningKey => "This server signs no user tokens; use the temporary token",
            Self::Internal => "Failed to generate token",
        };
        WebViewRefused { success: false, error: error.to_owned() }
    }
}

/// The body of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebViewRefused {
    /// Always false.
    pub success: bool,
    /// For people.
    pub error: String,
}
