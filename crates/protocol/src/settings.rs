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
    /// The speech engine that the wearer wants, by its name in the configuration of the server; absent: the server chooses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speech_engine: Option<String>,
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
            speech_engine: None,
        }
    }
}

impl SystemSettings {
    /// Takes over a setting of the phone, under the name that the phone has for it (or the older one). What has another kind
    /// of value, or means nothing to apps, changes nothing.
    pub fn apply(&mut self, key: &str, value: &serde_json::Value) {
        let flag = value.as_bool().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
        let number = value.as_f64().filter(|number| number.is_finite()).map(|number| number.round() as i64);
        let flag_in = |setting: &mut bool| *setting = flag.unwrap_or(*setting);
        let number_in = |setting: &mut i64| *setting = number.unwrap_or(*setting);
        match key {
            "metric_system" | "metric_system_enabled" | "metricSystemEnabled" => {
                flag_in(&mut self.metric_system_enabled)
            }
            "contextual_dashboard" | "contextualDashboard" => flag_in(&mut self.contextual_dashboard),
            "sensing_enabled" | "sensingEnabled" => flag_in(&mut self.sensing_enabled),
            "always_on_status_bar" | "alwaysOnStatusBar" => flag_in(&mut self.always_on_status_bar),
            "bypass_vad_for_debugging" | "bypassVad" => flag_in(&mut self.bypass_vad),
            "bypass_audio_encoding_for_debugging" | "bypassAudioEncoding" => flag_in(&mut self.bypass_audio_encoding),
            "enforce_local_transcription" | "enforceLocalTranscription" => {
                flag_in(&mut self.enforce_local_transcription);
            }
            "auto_brightness" | "autoBrightness" => flag_in(&mut self.auto_brightness),
            "brightness" => number_in(&mut self.brightness),
            "head_up_angle" | "headUpAngle" => number_in(&mut self.head_up_angle),
            "dashboard_height" | "dashboardHeight" => number_in(&mut self.dashboard_height),
            "dashboard_depth" | "dashboardDepth" => number_in(&mut self.dashboard_depth),
            "speech_engine" | "speechEngine" => match value.as_str() {
                Some("") => self.speech_engine = None,
                Some(name) if is_engine_name(name) => self.speech_engine = Some(name.to_owned()),
                Some(_) => {}
                None if value.is_null() => self.speech_engine = None,
                None => {}
            },
            "preferred_mic" => {
                self.use_onboard_mic = value.as_str().map_or(self.use_onboard_mic, |which| which == "phone");
            }
            _ => {}
        }
    }
}

/// What an engine may be called: up to 40 of `a-z`, `0-9`, `-` and `_`.
pub fn is_engine_name(name: &str) -> bool {
    let fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    !name.is_empty() && name.len() <= 40 && name.chars().all(fit)
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

/// Every setting that an app declares, with the user's value or the declared default; then values that the user has chosen for
/// keys that are not declared (any more).
pub fn in_force(declared: &[AppSetting], chosen: &[AppSetting]) -> Vec<AppSetting> {
    let value_of = |key: &str| chosen.iter().find(|s| s.key.as_deref() == Some(key)).and_then(|s| s.value.clone());
    let mut settings: Vec<AppSetting> = declared.iter().filter(|s| s.key.is_some()).cloned().collect();
    for setting in &mut settings {
        let chosen = setting.key.as_deref().and_then(value_of);
        setting.value = chosen.or(setting.value.take()).or_else(|| setting.rest.get("defaultValue").cloned());
    }
    let known = |key: &Option<String>| declared.iter().any(|s| s.key == *key);
    settings.extend(chosen.iter().filter(|s| !known(&s.key)).cloned());
    settings
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
    fn the_phone_s_names_are_understood_and_odd_values_change_nothing() {
        let mut settings = SystemSettings::default();
        let set: [(&str, serde_json::Value); 6] = [
            ("metric_system", true.into()),
            ("sensing_enabled", "false".into()),
            ("head_up_angle", 45.4.into()),
            ("brightness", "bright".into()),
            ("preferred_mic", "phone".into()),
            ("theme_preference", "light".into()),
        ];
        set.iter().for_each(|(key, value)| settings.apply(key, value));
        let expected = SystemSettings {
            metric_system_enabled: true,
            sensing_enabled: false,
            head_up_angle: 45,
            use_onboard_mic: true,
            ..SystemSettings::default()
        };
        assert_eq!(settings, expected);
    }

    #[test]
    fn an_engine_is_chosen_by_name_and_given_up_again() {
        let mut settings = SystemSettings::default();
        for (value, engine) in [
            ("at-home".into(), Some("at-home")),
            ("not a name\n".into(), Some("at-home")),
            (7.into(), Some("at-home")),
            ("".into(), None),
        ] {
            settings.apply("speech_engine", &value);
            assert_eq!(settings.speech_engine.as_deref(), engine, "{value}");
        }
        settings.apply("speechEngine", &"deepgram".into());
        settings.apply("speechEngine", &serde_json::Value::Null);
        assert_eq!(settings, SystemSettings::default());
    }

    #[test]
    fn missing_keys_read_as_defaults() {
        let some: SystemSettings = serde_json::from_str(r#"{"brightness":80}"#).expect("reads");
        assert_eq!(some, SystemSettings { brightness: 80, ..SystemSettings::default() });
    }
}
