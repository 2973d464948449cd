//! What the phone knows about the glasses.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::settings::SystemSettings;

/// `glasses_connection_state`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GlassesConnectionState {
    /// The model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_name: Option<String>,
    /// `CONNECTED`, `DISCONNECTED`, `RECONNECTED` …
    #[serde(default)]
    pub status: String,
    /// The Wi-Fi of the glasses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wifi: Option<WifiState>,
}

impl GlassesConnectionState {
    /// Whether the phone has the glasses.
    pub fn is_connected(&self) -> bool {
        matches!(self.status.as_str(), "CONNECTED" | "RECONNECTED")
    }
}

/// The Wi-Fi of the glasses.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct WifiState {
    /// Whether they are in a network.
    pub connected: bool,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssid: Option<String>,
}

/// `glasses_battery_update`, `phone_battery_update`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BatteryUpdate {
    /// Percent; −1 is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Number>,
    /// Whether it charges; phones say `false` of glasses whatever they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charging: Option<bool>,
    /// Minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_remaining: Option<Number>,
}

/// `core_status_update`: a document of the simulator and of old apps, read with care.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoreStatusUpdate {
    /// `{status: {core_info, connected_glasses, glasses_settings}}`, or that as a JSON text.
    #[serde(default)]
    pub status: Value,
    /// Unused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

/// What a [`CoreStatusUpdate`] says.
#[derive(Debug, Clone, PartialEq)]
pub struct CoreStatus {
    /// The connected model.
    pub model_name: Option<String>,
    /// The settings, where the document has them.
    pub settings: SystemSettings,
}

impl CoreStatusUpdate {
    /// Reads the document; `current` fills in the settings that it lacks. `None` when one of its parts is missing.
    pub fn read(&self, current: &SystemSettings) -> Option<CoreStatus> {
        let parsed;
        let document = match &self.status {
            Value::String(text) => {
                parsed = serde_json::from_str::<Value>(text).ok()?;
                &parsed
            }
            other => other,
        };
        let status = document.get("status")?;
        let [core, glasses, knobs] = ["core_info", "connected_glasses", "glasses_settings"]
            .map(|part| status.get(part).filter(|part| part.is_object()));
        let (core, glasses, knobs) = (core?, glasses?, knobs?);
        let mut settings = current.clone();
        let flags = [
            (core, "force_core_onboard_mic", &mut settings.use_onboard_mic),
            (core, "contextual_dashboard_enabled", &mut settings.contextual_dashboard),
            (core, "metric_system_enabled", &mut settings.metric_system_enabled),
            (core, "sensing_enabled", &mut settings.sensing_enabled),
            (core, "always_on_status_bar_enabled", &mut settings.always_on_status_bar),
            (core, "bypass_vad_for_debugging", &mut settings.bypass_vad),
            (core, "bypass_audio_encoding_for_debugging", &mut settings.bypass_audio_encoding),
            (core, "enforce_local_transcription", &mut settings.enforce_local_transcription),
            (knobs, "auto_brightness", &mut settings.auto_brightness),
        ];
        for (part, key, setting) in flags {
            *setting = part.get(key).and_then(Value::as_bool).unwrap_or(*setting);
        }
        let numbers = [
            ("brightness", &mut settings.brightness),
            ("dashboard_height", &mut settings.dashboard_height),
            ("dashboard_depth", &mut settings.dashboard_depth),
            ("head_up_angle", &mut settings.head_up_angle),
        ];
        for (key, setting) in numbers {
            *setting = knobs.get(key).and_then(Value::as_f64).map_or(*setting, |number| number.round() as i64);
        }
        let model_name = glasses.get("model_name").and_then(Value::as_str).filter(|name| !name.is_empty());
        Some(CoreStatus { model_name: model_name.map(str::to_owned), settings })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_status_overrides_what_it_names() {
        let update: CoreStatusUpdate = serde_json::from_value(serde_json::json!({"status": {"status": {
            "core_info": {"metric_system_enabled": true, "sensing_enabled": "odd"},
            "connected_glasses": {"model_name": "Even Realities G1"},
            "glasses_settings": {"brightness": 80.0, "auto_brightness": true},
        }}}))
        .expect("reads");
        let current = SystemSettings { head_up_angle: 33, ..SystemSettings::default() };
        let read = update.read(&current).expect("complete");
        assert_eq!(read.model_name.as_deref(), Some("Even Realities G1"));
        let expected =
            SystemSettings { metric_system_enabled: true, brightness: 80, auto_brightness: true, ..current.clone() };
        assert_eq!(read.settings, expected);

        let as_text = CoreStatusUpdate { status: update.status.to_string().into(), details: None };
        assert_eq!(as_text.read(&current), Some(read));
    }

    #[test]
    fn an_incomplete_core_status_says_nothing() {
        for status in [serde_json::json!("text"), serde_json::json!({"status": {"core_info": {}}}), Value::Null] {
            assert_eq!(CoreStatusUpdate { status, details: None }.read(&SystemSettings::default()), None);
        }
    }
}
