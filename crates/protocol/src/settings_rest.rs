//! Bodies of the routes about settings, which phones call.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Timestamp;
use crate::app::AppRecord;
use crate::app_rest::PublicPermission;
use crate::ids::UserId;
use crate::settings::AppSetting;

/// `200` of `/api/client/user/settings…`. Phones read `data`, and fail without it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClientData {
    /// Always true.
    pub success: bool,
    /// `{settings}`, or [`ClientKey`].
    pub data: Value,
    /// Now.
    pub timestamp: Timestamp,
}

/// One setting of the phone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClientKey {
    /// Its name.
    pub key: String,
    /// Its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Whether there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exists: Option<bool>,
    /// Whether it was taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<bool>,
}

impl ClientData {
    /// All settings.
    pub fn settings(settings: Map<String, Value>, timestamp: Timestamp) -> Self {
        Self { success: true, data: serde_json::json!({ "settings": settings }), timestamp }
    }

    /// One setting.
    pub fn key(key: ClientKey, timestamp: Timestamp) -> Self {
        Self { success: true, data: serde_json::json!(key), timestamp }
    }
}

/// A change of one setting of an app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SettingChange {
    /// Which.
    pub key: String,
    /// The user's choice.
    pub value: Value,
}

/// Body of `POST /appsettings/<package>`: one change, or a list of them. `None` when it is neither.
pub fn changes(body: &Value) -> Option<Vec<SettingChange>> {
    let changes = match body {
        Value::Array(_) => serde_json::from_value(body.clone()).ok()?,
        one => vec![serde_json::from_value::<SettingChange>(one.clone()).ok()?],
    };
    let good = |change: &SettingChange| !change.key.is_empty() && change.key.len() <= 256;
    (!changes.is_empty() && changes.iter().all(good)).then_some(changes)
}

/// `200` of `GET /appsettings/<package>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppSettingsPage {
    /// Always true.
    pub success: bool,
    /// Whose.
    pub user_id: String,
    /// What people call the app.
    pub name: String,
    /// Nothing is known here.
    pub description: String,
    /// Always true.
    pub uninstallable: bool,
    /// The declared settings, with what is in force as `selected`.
    pub settings: Vec<Map<String, Value>>,
    /// What the app declares that it needs.
    pub permissions: Vec<PublicPermission>,
    /// `null`: nothing is known here.
    pub organization: Value,
}

impl AppSettingsPage {
    /// The page of an app for a user who has chosen these values.
    pub fn new(user: &UserId, app: &AppRecord, chosen: &[AppSetting]) -> Self {
        let selected = |setting: &AppSetting| {
            let mut entry = setting.rest.clone();
            let Some(key) = &setting.key else { return entry };
            let chosen = chosen.iter().find(|chosen| chosen.key.as_ref() == Some(key));
            let value = chosen.and_then(|chosen| chosen.value.clone()).or_else(|| setting.value.clone());
            let value = value.or_else(|| setting.rest.get("defaultValue").cloned());
            entry.insert("key".to_owned(), key.clone().into());
            entry.insert("selected".to_owned(), value.unwrap_or_default());
            entry
        };
        Self {
            success: true,
            user_id: user.to_string(),
            name: app.name.clone(),
            description: String::new(),
            uninstallable: true,
            settings: app.settings.iter().map(selected).collect(),
            permissions: app.permissions.iter().map(|kind| PublicPermission { kind: *kind }).collect(),
            organization: Value::Null,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_is_one_or_many() {
        assert_eq!(changes(&json!({"key": "hd", "value": true})).map(|changes| changes.len()), Some(1));
        assert_eq!(changes(&json!([{"key": "a", "value": 1}, {"key": "b", "value": null}])).map(|c| c.len()), Some(2));
        for bad in [json!({}), json!([]), json!({"key": "", "value": 1}), json!([{"key": "a"}]), json!("x")] {
            assert_eq!(changes(&bad), None, "{bad}");
        }
    }
}
