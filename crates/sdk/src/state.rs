//! What the cloud has told about settings, glasses and dashboard: kept here so that asking costs nothing.

use std::collections::BTreeMap;

use bifocal_protocol::apps::{AckPermissions, ToApp};
use bifocal_protocol::capabilities::Capabilities;
use bifocal_protocol::dashboard::DashboardMode;
use bifocal_protocol::device::GlassesInfo;
use bifocal_protocol::events::GlassesConnectionState;
use bifocal_protocol::json::Object;
use bifocal_protocol::settings::AppSetting;
use serde_json::Value;

use crate::core::Welcome;
use crate::session::WifiStatus;

/// The settings of the app changed (`settings_update`, or `POST /settings`).
#[derive(Debug, Clone, PartialEq)]
pub struct SettingsChange {
    /// Every setting, as it is now.
    pub settings: Vec<AppSetting>,
    /// Those with another value than before, by key. A setting that was removed has no new value.
    pub changes: BTreeMap<String, ValueChange>,
}

/// The settings of the system changed (`augmentos_settings_update`).
#[derive(Debug, Clone, PartialEq)]
pub struct SystemSettingsChange {
    /// Every setting, as it is now.
    pub settings: Object,
    /// Those with another value than before, by key.
    pub changes: BTreeMap<String, ValueChange>,
}

/// What a value was and is.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueChange {
    /// `None` when there was none.
    pub old: Option<Value>,
    /// `None` when there is none any more.
    pub new: Option<Value>,
}

/// Everything the cloud has told.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) uuid: Option<String>,
    pub(crate) settings: Vec<AppSetting>,
    pub(crate) system: Object,
    pub(crate) permissions: Option<AckPermissions>,
    pub(crate) timezone: Option<String>,
    pub(crate) capabilities: Option<Capabilities>,
    pub(crate) device: GlassesInfo,
    /// What was reported last, in either way.
    pub(crate) wifi: Option<WifiStatus>,
    pub(crate) dashboard: DashboardMode,
}

/// What a message changed.
pub(crate) enum Changed {
    Settings(SettingsChange),
    System(SystemSettingsChange),
}

impl State {
    /// Takes over what the cloud says when it takes the app in. After a return this may be news.
    pub(crate) fn welcome(&mut self, welcome: Welcome) -> Vec<Changed> {
        let settings = self.set_settings(welcome.settings);
        let system = self.set_system(welcome.system);
        self.uuid = welcome.session_uuid.or(self.uuid.take());
        self.permissions = welcome.permissions.or(self.permissions);
        self.timezone = welcome.timezone.or(self.timezone.take());
        self.capabilities = welcome.capabilities.or(self.capabilities.take());
        let mut changed = Vec::new();
        if !settings.changes.is_empty() {
            changed.push(Changed::Settings(settings));
        }
        if !system.changes.is_empty() {
            changed.push(Changed::System(system));
        }
        changed
    }

    /// Takes over what a message says.
    pub(crate) fn hear(&mut self, message: &ToApp) -> Option<Changed> {
        match message {
            // The same change comes over HTTP as well, and is news only once.
            ToApp::SettingsUpdate(update) => {
                let change = self.set_settings(update.settings.clone());
                (!change.changes.is_empty()).then_some(Changed::Settings(change))
            }
            ToApp::AugmentosSettingsUpdate(update) => {
                let Ok(Value::Object(mut settings)) = serde_json::to_value(&update.settings) else { return None };
                settings.remove("permissions");
                settings.remove("timezone");
                self.permissions = Some(update.settings.permissions);
                self.timezone = update.settings.timezone.clone().or(self.timezone.take());
                let change = self.set_system(settings);
                (!change.changes.is_empty()).then_some(Changed::System(change))
            }
            ToApp::CapabilitiesUpdate(update) => {
                self.capabilities = update.capabilities.clone();
                None
            }
            ToApp::DeviceStateUpdate(update) => {
                if update.full_snapshot == Some(true) {
                    self.device = GlassesInfo::default();
                }
                merge(&mut self.device, &update.state);
                if let Some(connected) = update.state.wifi_connected {
                    self.wifi = Some(WifiStatus { connected, ssid: self.device.wifi_ssid.clone() });
                }
                None
            }
            ToApp::DashboardModeChanged(changed) => {
                self.dashboard = changed.mode;
                None
            }
            _ => None,
        }
    }

    /// Takes over what `glasses_connection_state` says of the network.
    pub(crate) fn connection(&mut self, state: GlassesConnectionState) {
        if let Some(wifi) = state.wifi {
            self.wifi = Some(WifiStatus { connected: wifi.connected, ssid: wifi.ssid });
        }
    }

    /// Replaces the app's settings; a key that is missing was removed.
    pub(crate) fn set_settings(&mut self, settings: Vec<AppSetting>) -> SettingsChange {
        let changes = changes(&values(&self.settings), &values(&settings));
        self.settings.clone_from(&settings);
        SettingsChange { settings, changes }
    }

    fn set_system(&mut self, settings: Object) -> SystemSettingsChange {
        let changes = changes(&self.system, &settings);
        self.system.clone_from(&settings);
        SystemSettingsChange { settings, changes }
    }
}

fn values(settings: &[AppSetting]) -> Object {
    let value = |setting: &AppSetting| Some((setting.key.clone()?, setting.value.clone()?));
    settings.iter().filter_map(value).collect()
}

fn changes(old: &Object, new: &Object) -> BTreeMap<String, ValueChange> {
    let keys = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key)));
    let change = |key: &String| {
        let change = ValueChange { old: old.get(key).cloned(), new: new.get(key).cloned() };
        (change.old != change.new).then(|| (key.clone(), change))
    };
    keys.filter_map(change).collect()
}

/// A partial report replaces what it names.
fn merge(state: &mut GlassesInfo, report: &GlassesInfo) {
    let (Ok(Value::Object(mut old)), Ok(Value::Object(new))) =
        (serde_json::to_value(&*state), serde_json::to_value(report))
    else {
        return;
    };
    old.extend(new);
    if let Ok(merged) = serde_json::from_value(Value::Object(old)) {
        *state = merged;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(value: Value) -> Vec<AppSetting> {
        serde_json::from_value(value).expect("settings")
    }

    #[test]
    fn changes_are_what_differs_and_what_is_gone() {
        let mut state = State::default();
        state.set_settings(settings(
            json!([{"key": "a", "value": 1}, {"key": "b", "value": [1]}, {"key": "c", "value": 1}]),
        ));
        let change = state.set_settings(settings(json!([{"key": "a", "value": 2}, {"key": "b", "value": [1]}])));
        let expected = [
            ("a", ValueChange { old: Some(1.into()), new: Some(2.into()) }),
            ("c", ValueChange { old: Some(1.into()), new: None }),
        ];
        assert_eq!(change.changes, expected.map(|(key, change)| (key.to_owned(), change)).into());
    }

    #[test]
    fn reports_of_the_glasses_add_up_and_a_full_one_starts_over() {
        let mut state = State::default();
        let report = |state: &mut State, report: Value| {
            let text = report.to_string();
            let message = <ToApp as bifocal_protocol::Message>::decode_as("device_state_update", &text);
            assert!(state.hear(&message.expect("known").expect("reads")).is_none());
        };
        report(&mut state, json!({"state": {"batteryLevel": 50, "charging": true}}));
        report(&mut state, json!({"state": {"batteryLevel": 60}}));
        assert_eq!((state.device.battery_level.clone(), state.device.charging), (Some(60.into()), Some(true)));
        report(&mut state, json!({"state": {"modelName": null}, "fullSnapshot": true}));
        assert_eq!((state.device.charging, state.device.model_name), (None, Some(None)));
    }
}
