//! Bodies of the REST routes that phones and SDKs call, and of the answers that a socket gets instead of an upgrade.
//!
//! Statuses stand beside the bodies because clients look at nothing else.

use serde::{Deserialize, Serialize};

use crate::apps::{AppError, AppErrorCode, ToApp};
use crate::glasses::{ConnectionError, ToPhone};
use crate::{Message, Text, Timestamp};

/// What `POST /apps/<package>/start` and `/stop` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AppAction {
    /// The app runs.
    Started,
    /// The app does not run.
    Stopped,
}

/// `200` of `POST /apps/<package>/start` and `/stop`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppActionDone {
    /// Always true.
    pub success: bool,
    /// What was done.
    pub data: AppActionData,
}

/// `data` of [`AppActionDone`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppActionData {
    /// What was done.
    pub status: AppAction,
    /// To whom.
    pub package_name: String,
    /// Always `{}`: phones expect the field and do not read it.
    pub app_state: NoFields,
}

/// `{}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NoFields {}

impl AppActionDone {
    /// The body for `package_name`.
    pub fn new(status: AppAction, package_name: impl Into<String>) -> Self {
        let data = AppActionData { status, package_name: package_name.into(), app_state: NoFields {} };
        Self { success: true, data }
    }
}

/// `{"success":false,"message":…}`, with a time where the route has one: most failures of `/apps` and `/api/client`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Always false.
    pub success: bool,
    /// For a person.
    pub message: String,
    /// When; `/api/client` has it, `/apps` has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
}

impl Failure {
    /// A failure with a message of its own.
    pub fn new(message: impl Into<String>) -> Self {
        Self { success: false, message: message.into(), timestamp: None }
    }

    /// `401` of `/apps`: a bad token, or no session.
    pub fn authentication_required() -> Self {
        Self::new("Authentication required. Sign in, and connect the glasses.")
    }

    /// `404` of `/apps`.
    pub fn app_not_found() -> Self {
        Self::new("App not found")
    }

    /// `500` of `POST /apps/<package>/start`.
    pub fn starting() -> Self {
        Self::new("Error starting app")
    }

    /// `500` of `POST /apps/<package>/stop`.
    pub fn stopping() -> Self {
        Self::new("Error stopping app")
    }

    /// `500` of `GET /api/client/livekit/token`. It makes phones send sound over the socket; a `200` without a room
    /// would make them fail.
    pub fn no_livekit(now: Timestamp) -> Self {
        Self::new("Failed to mint token").at(now)
    }

    /// With the time.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        Self { timestamp: Some(now), ..self }
    }
}

/// `{"error":…}`, the body of a refused token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// For programs and people.
    pub error: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Why a route for phones refuses a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthFailure {
    /// No header, or no `Bearer`.
    NoHeader,
    /// The token is empty, `null` or `undefined`.
    NoToken,
    /// The signature is not ours, or the time is up; with the words of the verifier.
    BadToken(String),
    /// The token names nobody.
    NoEmail,
    /// The token's user is not here.
    NoUser,
    /// The route needs a session. Later phones connect their socket and try again; earlier ones see a failure.
    NoSession,
    /// This server failed.
    Internal,
}

impl AuthFailure {
    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        match self {
            AuthFailure::NoSession => 503,
            AuthFailure::Internal => 500,
            _ => 401,
        }
    }

    /// The body.
    pub fn body(&self) -> Refusal {
        let (error, message) = match self {
            AuthFailure::NoHeader => ("Authorization header missing or invalid", None),
            AuthFailure::NoToken => ("Invalid token", None),
            AuthFailure::BadToken(why) => ("Invalid or expired token", Some(why.clone())),
            AuthFailure::NoEmail => ("Invalid token data", None),
            AuthFailure::NoUser => ("User not found", None),
            AuthFailure::NoSession => ("NO_ACTIVE_SESSION", None),
            AuthFailure::Internal => ("Internal server error", None),
        };
        Refusal { error: error.to_owned(), message }
    }
}

/// Why `/glasses-ws` is not upgraded: `401` with a `connection_error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneRejection {
    /// Neither a header nor a query parameter.
    NoToken,
    /// Not ours, over, or without an address.
    BadToken,
}

impl PhoneRejection {
    /// The body.
    pub fn body(self, now: Timestamp) -> Text {
        let message = match self {
            PhoneRejection::NoToken => "No core token provided",
            PhoneRejection::BadToken => "Invalid core token",
        };
        ToPhone::Error(ConnectionError { code: None, message: message.to_owned(), timestamp: now }).encode()
    }
}

/// Why `/app-ws` is not upgraded: `401` with a `tpa_connection_error`. Only for an app that sends a JWT in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppRejection {
    /// `x-user-id` or `x-session-id` is missing.
    MissingHeaders,
    /// With the words of the verifier.
    BadToken(String),
}

impl AppRejection {
    /// The body.
    pub fn body(&self, now: Timestamp) -> Text {
        let (code, message) = match self {
            AppRejection::MissingHeaders => {
                (AppErrorCode::MissingHeaders, "Missing user id or session id in request headers".to_owned())
            }
            AppRejection::BadToken(why) => (AppErrorCode::JwtInvalid, format!("Invalid JWT token: {why}")),
        };
        ToApp::Error(AppError { code, message, timestamp: now }).encode()
    }
}

/// `GET /health` of this server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// Now.
    pub timestamp: Timestamp,
    /// What it carries.
    pub sessions: HealthSessions,
    /// Seconds since it began.
    pub uptime: f64,
}

/// `sessions` of [`Health`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthSessions {
    /// Users with a session.
    pub active_count: u64,
}

/// `200` of `POST /api/app-uptime/app-pkg-health-check`, whatever the app said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppHealth {
    /// Which app.
    pub package_name: String,
    /// Phones refuse to start the app from its settings page when it is false.
    pub success: bool,
    /// 200 or 500.
    pub status: u16,
    /// Now.
    pub timestamp: Timestamp,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl AppHealth {
    /// What the app's server was found to be.
    pub fn new(package_name: impl Into<String>, found: Result<(), String>, timestamp: Timestamp) -> Self {
        let (success, status) = if found.is_ok() { (true, 200) } else { (false, 500) };
        Self { package_name: package_name.into(), success, status, timestamp, error: found.err() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: impl Serialize, expected: &str) {
        assert_eq!(serde_json::to_string(&body).ok().as_deref(), Some(expected));
    }

    #[test]
    fn starting_and_stopping() {
        check(
            AppActionDone::new(AppAction::Started, "org.example.demo"),
            r#"{"success":true,"data":{"status":"started","packageName":"org.example.demo","appState":{}}}"#,
        );
        check(Failure::app_not_found(), r#"{"success":false,"message":"App not found"}"#);
        check(
            Failure::no_livekit(Timestamp(0)),
            r#"{"success":false,"message":"Failed to mint token","timestamp":"1970-01-01T00:00:00.000Z"}"#,
        );
    }

    #[test]
    fn refused_tokens() {
        check(AuthFailure::NoHeader.body(), r#"{"error":"Authorization header missing or invalid"}"#);
        let expired = AuthFailure::BadToken("jwt expired".into());
        check(expired.body(), r#"{"error":"Invalid or expired token","message":"jwt expired"}"#);
        assert_eq!((expired.status(), AuthFailure::NoSession.status()), (401, 503));
    }

    #[test]
    fn refused_upgrades() {
        assert_eq!(
            PhoneRejection::NoToken.body(Timestamp(0)).as_str(),
            r#"{"type":"connection_error","message":"No core token provided","timestamp":"1970-01-01T00:00:00.000Z"}"#
        );
        assert_eq!(
            AppRejection::BadToken("jwt malformed".into()).body(Timestamp(0)).as_str(),
            r#"{"type":"tpa_connection_error","code":"JWT_INVALID","message":"Invalid JWT token: jwt malformed","timestamp":"1970-01-01T00:00:00.000Z"}"#
        );
    }

    #[test]
    fn health() {
        check(
            Health {
                status: "ok".into(),
                timestamp: Timestamp(0),
                sessions: HealthSessions { active_count: 2 },
                uptime: 1.5,
            },
            r#"{"status":"ok","timestamp":"1970-01-01T00:00:00.000Z","sessions":{"activeCount":2},"uptime":1.5}"#,
        );
        check(
            AppHealth::new("p", Err("refused".into()), Timestamp(0)),
            r#"{"packageName":"p","success":false,"status":500,"timestamp":"1970-01-01T00:00:00.000Z","error":"refused"}"#,
        );
    }
}
