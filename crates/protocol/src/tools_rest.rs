//! Tools: what an assistant may have an app do. Bodies of `/api/tools/…`, and of `POST <app>/tool`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A tool as an app declares it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolSchema {
    /// Its name within the app.
    pub id: String,
    /// What it does, for the assistant.
    pub description: String,
    /// What people may say to have it used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub activation_phrases: Vec<String>,
    /// What it wants to know, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, ToolParameter>,
}

/// A parameter of a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolParameter {
    /// What kind of value.
    #[serde(rename = "type")]
    pub kind: ParameterKind,
    /// What it means.
    pub description: String,
    /// The values that are possible, where not every one is.
    #[serde(default, rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Whether the tool can do nothing without it.
    #[serde(default)]
    pub required: bool,
}

/// What a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParameterKind {
    /// A text.
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
}

/// A tool in the list of all that a user has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserTool {
    /// The tool.
    #[serde(flatten)]
    pub tool: ToolSchema,
    /// The app that has it.
    pub app_package_name: String,
}

/// A call: from an assistant to this server, and from here to the app, with the same body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolCall {
    /// Which tool.
    #[serde(default)]
    pub tool_id: String,
    /// Its parameters, by name.
    #[serde(default)]
    pub tool_parameters: Value,
    /// When, as the caller says it.
    #[serde(default)]
    pub timestamp: Value,
    /// For whom.
    #[serde(default)]
    pub user_id: String,
}

/// Why a call did not reach an app, or came to nothing there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolRefusal {
    /// The body cannot be read.
    BadBody,
    /// The body lacks this field.
    Missing(&'static str),
    /// Neither the user of the call nor the app itself.
    NotYours,
    /// The user does not have this app.
    UnknownApp,
    /// The app could not be asked, or its answer was none; why.
    Failed(String),
    /// This server failed.
    Internal,
}

impl ToolRefusal {
    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        match self {
            ToolRefusal::BadBody | ToolRefusal::Missing(_) => 400,
            ToolRefusal::NotYours => 401,
            ToolRefusal::UnknownApp => 404,
            ToolRefusal::Failed(_) => 502,
            ToolRefusal::Internal => 500,
        }
    }

    /// The body.
    pub fn body(&self) -> ToolRefused {
        let message = match self {
            ToolRefusal::BadBody => "Invalid body: expected { toolId, toolParameters, timestamp, userId }".to_owned(),
            ToolRefusal::Missing(field) => format!("Missing required fields: {field}"),
            ToolRefusal::NotYours => "The token of this user, or the API key of this app, is required".to_owned(),
            ToolRefusal::UnknownApp => "App not found".to_owned(),
            ToolRefusal::Failed(why) => format!("Webhook failed: {why}"),
            ToolRefusal::Internal => "Internal server error".to_owned(),
        };
        ToolRefused { error: true, message }
    }
}

/// The body of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolRefused {
    /// Always true.
    pub error: bool,
    /// For people.
    pub message: String,
}
