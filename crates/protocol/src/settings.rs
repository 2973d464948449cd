//! Settings on the wire: the system settings that every app is told, and the settings an app declares.

use serde::{Deserialize, Serialize};

/// The system settings of a user (`augmentosSettings`, `mentraosSettings`), always sent complete.
///
/// The defaults are those of seed 000, plus the three keys that existing clients expect beside them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SystemSettings {
    /// Use the microphone of the phone's platform, not of the glasses.
    pub use_onboard_mic: bool,
    /// Show the dashboard when the head goes up.
    pub contextual_dashboard: bool,
    /// Degrees at which a head counts as up.
    pub head_up_angle: i64,
    /// Vertical position of the dashboard.
    pub dashboard_height: i64,
    /// Distance of the dashboard.
    pub dashboard_depth: i64,
    /// Percent.
    pub brightness: i64,
    /// Let the glasses choose the brightness.
    pub auto_brightness: bool,
    /// False: no microphone, no camera, no location.
    pub sensing_enabled: bool,
    /// Keep a status line on the display.
    pub always_on_status_bar: bool,
    /// Send sound even when nobody speaks.
    pub bypass_vad: bool,
    /// Send sound uncompressed.
    pub bypass_audio_encoding: bool,
    /// Metres, not feet.
    pub metric_system_enabled: bool,
    /// Recognise speech on the phone only.
    pub enforce_local_transcription: bool,
}

impl Default for SystemSettings {
    fn default() -> Self {
        Self {
            use_onboard_mic: false,
            contextual_dashboard: true,
            head_up_angle: 20,
            dashboard_height: 4,
            dashboard_depth: 5,
            brightness: 50,
            auto_brightness: false,
            sensing_enabled: true,
            always_on_status_bar: false,
            bypass_vad: false,
            bypass_audio_encoding: false,
            metric_system_enabled: false,
            enforce_local_transcription: false,
        }
    }
}

/// One setting of an app: the schema it declares, or a value that the user chose. The type-specific fields (`options`,
/// `min`, `maxLines` …) are kept as they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppSetting {
    /// The key; groups and titles have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The value in force; absent when the user chose none and the app declares no default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<serde_json::Value>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: serde_json::Map<String, serde_json::Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seed 000, `DEFAULT_AUGMENTOS_SETTINGS`.
    #[test]
    fn the_defaults_are_those_of_the_seed() {
        let json = serde_json::to_value(SystemSettings::default()).expect("serialises");
        let seed = serde_json::json!({
            "useOnboardMic": false, "contextualDashboard": true, "headUpAngle": 20, "brightness": 50,
            "autoBrightness": false, "sensingEnabled": true, "alwaysOnStatusBar": false, "bypassVad": false,
            "bypassAudioEncoding": false, "metricSystemEnabled": false,
        });
        for (key, value) in seed.as_object().expect("an object") {
            assert_eq!(&json[key], value, "{key}");
        }
        assert_eq!(json["dashboardHeight"], 4);
        assert_eq!(json["dashboardDepth"], 5);
        assert_eq!(json["enforceLocalTranscription"], false);
    }

    #[test]
    fn missing_keys_read_as_defaults() {
        let some: SystemSettings = serde_json::from_str(r#"{"brightness":80}"#).expect("reads");
        assert_eq!(some, SystemSettings { brightness: 80, ..SystemSettings::default() });
    }
}
