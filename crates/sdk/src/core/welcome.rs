//! `tpa_connection_ack`, read part by part: what one part lacks, or has in a newer form, must not keep an app out.

use bifocal_protocol::apps::AckPermissions;
use bifocal_protocol::capabilities::Capabilities;
use bifocal_protocol::json::{self, Object};
use bifocal_protocol::settings::AppSetting;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What the cloud says when it takes an app in.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Welcome {
    /// New at each start; only some clouds give one.
    pub(crate) session_uuid: Option<String>,
    /// The app's settings, with the wearer's values.
    pub(crate) settings: Vec<AppSetting>,
    /// The system settings, whatever there are: `mentraosSettings`, or `augmentosSettings` of older clouds.
    pub(crate) system: Object,
    /// What the app may use, where the cloud says it.
    pub(crate) permissions: Option<AckPermissions>,
    /// IANA name.
    pub(crate) timezone: Option<String>,
    /// `None` while unknown.
    pub(crate) capabilities: Option<Capabilities>,
}

impl Welcome {
    /// Reads the message.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut message: Object = json::decode(text).ok()?;
        let system = ["mentraosSettings", "augmentosSettings"].iter().find_map(|name| match message.remove(*name) {
            Some(Value::Object(settings)) => Some(settings),
            _ => None,
        });
        let mut system = system.unwrap_or_default();
        let settings = match message.remove("settings") {
            Some(Value::Array(settings)) => settings.into_iter().filter_map(|setting| part(Some(setting))).collect(),
            _ => Vec::new(),
        };
        Some(Self {
            session_uuid: part(message.remove("sessionUuid")),
            settings,
            permissions: part(system.remove("permissions")),
            timezone: part(system.remove("timezone")),
            capabilities: part(message.remove("capabilities")),
            system,
        })
    }
}

fn part<T: DeserializeOwned>(value: Option<Value>) -> Option<T> {
    serde_json::from_value(value?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ack_of_the_reference_has_the_old_name_only() {
        let text = r#"{"type":"tpa_connection_ack","sessionId":"u-p","settings":[{"key":"a","value":1}],
            "augmentosSettings":{"metricSystemEnabled":true},"capabilities":null,"timestamp":"2026-01-01T00:00:00.000Z"}"#;
        let welcome = Welcome::read(text).expect("reads");
        assert_eq!(welcome.system["metricSystemEnabled"], true);
        assert_eq!((welcome.settings.len(), welcome.permissions), (1, None));
    }

    #[test]
    fn a_part_in_another_form_is_left_out() {
        let text = r#"{"settings":{"a":1},"mentraosSettings":{"permissions":7,"timezone":"UTC"},"capabilities":{"hasDisplay":"yes"}}"#;
        let welcome = Welcome::read(text).expect("reads");
        assert_eq!(welcome, Welcome { timezone: Some("UTC".into()), ..Welcome::default() });
        assert_eq!(Welcome::read("[]"), None);
    }
}
