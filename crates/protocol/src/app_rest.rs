//! Bodies of the REST routes that app servers call.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::permission::Permission;
use crate::rest::Refusal;
use crate::settings::AppSetting;

/// Body of `POST /api/app-communication/discover-users`, with the app's key as bearer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscoverUsers {
    /// Which app asks.
    pub package_name: String,
    /// For which user; the app must run for them.
    pub user_id: String,
    /// Names as well. There are none here.
    #[serde(default)]
    pub include_user_profiles: bool,
}

/// `200` of it: everybody for whom the app runs, the asking user included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscoveredUsers {
    /// In the order of their addresses.
    pub users: Vec<DiscoveredUser>,
    /// How many.
    pub total_users: usize,
    /// Now.
    pub timestamp: Timestamp,
}

/// A user for whom an app runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscoveredUser {
    /// The address.
    pub user_id: String,
    /// The app's session id.
    pub session_id: String,
    /// Since when.
    pub joined_at: Timestamp,
}

/// `200` of `GET /appsettings/user/<package>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserSettings {
    /// Always true.
    pub success: bool,
    /// Every setting that the app declares, with the value in force.
    pub settings: Vec<AppSetting>,
}

/// `200` of `GET /api/public/permissions/<package>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublicPermissions {
    /// Always true.
    pub success: bool,
    /// Of which app.
    pub package_name: String,
    /// What it declares.
    pub permissions: Vec<PublicPermission>,
}

/// A permission that an app declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicPermission {
    /// Which.
    #[serde(rename = "type")]
    pub kind: Permission,
}

/// `200` of `GET /api/sdk/version`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SdkVersion {
    /// Always true.
    pub success: bool,
    /// The versions.
    pub data: SdkVersions,
    /// Now.
    pub timestamp: Timestamp,
}

/// Versions of the npm package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SdkVersions {
    /// The oldest that works.
    pub required: String,
    /// The newest of its generation.
    pub latest: String,
}

impl SdkVersions {
    /// What this server is tested with.
    pub fn tested() -> Self {
        Self { required: "2.1.28".to_owned(), latest: "2.1.29".to_owned() }
    }
}

/// `200` of `GET /api/transcripts/<app session id>`: what was said, by time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcripts {
    /// The language that was asked for; `all` stands for every one.
    pub language: String,
    /// Final words, and the ones that are still being spoken.
    pub segments: Vec<TranscriptSegment>,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TranscriptSegment {
    /// The id of the utterance: the same in the events of the transcription.
    pub result_id: String,
    /// Who spoke, if the engine knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaker_id: Option<String>,
    /// The words.
    pub text: String,
    /// When they were recognised.
    pub timestamp: Timestamp,
    /// Whether they stay as they are.
    pub is_final: bool,
    /// In which language they were said.
    pub language: String,
}

/// Why a route for app servers refuses a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppRefusal {
    /// No key as bearer, or another app's.
    BadKey,
    /// The body or the header cannot be read.
    BadRequest(&'static str),
    /// No such app, as far as this caller may know.
    UnknownApp,
    /// The app does not run for this user.
    NoSession,
    /// There is nothing of that kind; what.
    NotFound(&'static str),
    /// The app does not declare the microphone.
    NotPermitted,
    /// This server failed.
    Internal,
}

impl AppRefusal {
    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            AppRefusal::BadKey => 401,
            AppRefusal::BadRequest(_) => 400,
            AppRefusal::NotPermitted => 403,
            AppRefusal::UnknownApp | AppRefusal::NoSession | AppRefusal::NotFound(_) => 404,
            AppRefusal::Internal => 500,
        }
    }

    /// The body.
    pub fn body(self) -> Refusal {
        let error = match self {
            AppRefusal::BadKey => "Invalid API key",
            AppRefusal::BadRequest(why) | AppRefusal::NotFound(why) => why,
            AppRefusal::NotPermitted => "The app lacks the permission MICROPHONE",
            AppRefusal::UnknownApp => "App not found",
            AppRefusal::NoSession => "No active session found for user",
            AppRefusal::Internal => "Internal server error",
        };
        Refusal { error: error.to_owned(), message: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_what_the_sdk_reads() {
        let users = vec![DiscoveredUser { user_id: "a@b.c".into(), session_id: "s".into(), joined_at: Timestamp(0) }];
        let found = DiscoveredUsers { total_users: users.len(), users, timestamp: Timestamp(0) };
        let expected = r#"{"users":[{"userId":"a@b.c","sessionId":"s","joinedAt":"1970-01-01T00:00:00.000Z"}],"totalUsers":1,"timestamp":"1970-01-01T00:00:00.000Z"}"#;
        assert_eq!(serde_json::to_string(&found).expect("serialises"), expected);
        let permissions = vec![PublicPermission { kind: Permission::Camera }];
        let public = PublicPermissions { success: true, package_name: "p".into(), permissions };
        let expected = r#"{"success":true,"packageName":"p","permissions":[{"type":"CAMERA"}]}"#;
        assert_eq!(serde_json::to_string(&public).expect("serialises"), expected);
    }
}
