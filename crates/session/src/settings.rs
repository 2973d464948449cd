//! SettingsManager: the system settings of the user and the values for each app, with defaults for whatever is missing.

use std::collections::{BTreeMap, BTreeSet};

use bifocal_protocol::app::AppRecord;
use bifocal_protocol::apps::{AckPermissions, AckSettings};
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::permission::Permission;
use bifocal_protocol::settings::{AppSetting, SystemSettings, in_force};

/// Until the record is loaded, and when it cannot be, the defaults hold (seed 000: "returns defaults on error").
#[derive(Debug, Default)]
pub(crate) struct SettingsManager {
    pub(crate) system: SystemSettings,
    pub(crate) timezone: Option<String>,
    apps: BTreeMap<PackageName, Vec<AppSetting>>,
}

impl SettingsManager {
    /// The record is here. What was chosen for the apps in `newer` stays: it was chosen after the record was read.
    pub(crate) fn loaded(&mut self, apps: BTreeMap<PackageName, Vec<AppSetting>>, newer: &BTreeSet<PackageName>) {
        let before = std::mem::replace(&mut self.apps, apps);
        self.apps.extend(before.into_iter().filter(|(package, _)| newer.contains(package)));
    }

    /// The user has chosen values for an app.
    pub(crate) fn chosen(&mut self, package: PackageName, values: Vec<AppSetting>) {
        self.apps.insert(package, values);
    }

    /// Every setting that the app declares, with the user's value or the declared default; then values that the user has
    /// for keys that are not declared (any more).
    pub(crate) fn of_app(&self, app: &AppRecord) -> Vec<AppSetting> {
        let stored = self.apps.get(&app.package).map_or(&[][..], Vec::as_slice);
        in_force(&app.settings, stored)
    }

    /// The system settings as the ack of an app carries them.
    pub(crate) fn for_ack(&self, app: &AppRecord, timezone: &str) -> AckSettings {
        let granted = app.granted();
        let permissions = AckPermissions {
            location: granted.grants(Permission::Location),
            microphone: granted.grants(Permission::Microphone),
            camera: granted.grants(Permission::Camera),
            notifications: granted.grants(Permission::ReadNotifications),
            calendar: granted.grants(Permission::Calendar),
        };
        AckSettings { system: self.system.clone(), permissions, timezone: Some(timezone.to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bifocal_protocol::app::AppKind;
    use serde_json::json;

    #[test]
    fn the_value_of_the_user_wins_over_the_default() {
        let package = PackageName::new("org.example.demo").expect("good");
        let schema = json!([
            {"type": "group", "title": "Look"},
            {"type": "toggle", "key": "hd", "defaultValue": false},
            {"type": "text", "key": "name"},
        ]);
        let app = AppRecord {
            package: package.clone(),
            name: "Demo".into(),
            kind: AppKind::Standard,
            public_url: "http://127.0.0.1:1".into(),
            permissions: vec![],
            key_hash: [0; 32],
            uuid_sessions: false,
            hardware: vec![],
            settings: serde_json::from_value(schema).expect("a schema"),
        };
        let mut manager = SettingsManager::default();
        let values = |manager: &SettingsManager| -> Vec<_> {
            manager.of_app(&app).into_iter().map(|s| (s.key.unwrap_or_default(), s.value)).collect()
        };
        assert_eq!(values(&manager), [("hd".to_owned(), Some(json!(false))), ("name".to_owned(), None)]);
        let stored = serde_json::from_value(json!([{"key": "hd", "value": true}, {"key": "old", "value": 1}]));
        manager.loaded(BTreeMap::from([(package, stored.expect("settings"))]), &BTreeSet::new());
        let expected =
            [("hd".to_owned(), Some(json!(true))), ("name".to_owned(), None), ("old".to_owned(), Some(json!(1)))];
        assert_eq!(values(&manager), expected);
    }
}
