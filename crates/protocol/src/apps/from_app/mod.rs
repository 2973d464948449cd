//! App → cloud.
//!
//! `packageName`, `sessionId` and `timestamp` stand in nearly every message and are not repeated in these structs: the
//! sender is known by its socket, and what SDKs write into `sessionId` is unreliable (`""`, `unknown-session-id`, the id
//! with the package twice). Only [`claimed_package`] looks at the name, to refuse an app that speaks for another.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::layout::{Layout, View};
use crate::message::messages;
use crate::streams::SubscriptionEntry;

messages! {
    /// Everything an app may send.
    FromApp {
        /// First message of an app that authenticates by message.
        Init(Init) = "tpa_connection_init",
        /// SDK v3, when its socket came back.
        Reconnect(Reconnect) = "reconnect",
        /// SDK v3 heartbeat.
        Ping(Ping) = "ping",
        /// The complete list of streams that the app wants.
        SubscriptionUpdate(SubscriptionUpdate) = "subscription_update",
        /// Draw this.
        Display(DisplayRequest) = "display_event",
    }
}

/// The package name that a message claims to come from, if it names one.
pub fn claimed_package(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claim {
        #[serde(default, rename = "packageName")]
        package_name: Option<serde_json::Value>,
    }
    let claim: Claim = serde_json::from_str(text).ok()?;
    claim.package_name?.as_str().map(str::to_owned)
}

/// `tpa_connection_init`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Init {
    /// The session id of the webhook; absent in SDK v3, which says it in a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Who the app says it is.
    pub package_name: String,
    /// The key that proves it.
    #[serde(default)]
    pub api_key: String,
    /// SDK v3 only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk_version: Option<String>,
}

/// `reconnect`: identity comes from the headers of the upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Reconnect {
    /// The session id that the app had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The SDK's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdk_version: Option<String>,
}

/// `ping`: no fields.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ping {}

/// `subscription_update`: replaces the app's whole set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionUpdate {
    /// Stream names, or the location object with a rate.
    pub subscriptions: Vec<SubscriptionEntry>,
}

/// `display_event`, as an app asks for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DisplayRequest {
    /// Which buffer; `main` when absent.
    #[serde(default)]
    pub view: View,
    /// What to draw.
    pub layout: Layout,
    /// How long, in milliseconds; until replaced when absent; 0 clears at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Ask to skip the throttle.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force_display: bool,
}

/// A field whose JSON is passed on as it is.
pub type Raw = Box<RawValue>;
