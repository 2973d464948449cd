//! What is known about the connected glasses.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::json::null_or;

/// The state of the glasses, or the part of it that changed. The phone posts it to `/api/client/device/state`; apps get
/// it in `device_state_update`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GlassesInfo {
    /// Whether the phone has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connected: Option<bool>,
    /// `Mentra Live` …; `Some(None)` is `null`, which says that there are none.
    #[serde(deserialize_with = "null_or", skip_serializing_if = "Option::is_none")]
    pub model_name: Option<Option<String>>,
    /// Of the glasses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub android_version: Option<String>,
    /// Firmware.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fw_version: Option<String>,
    /// Firmware build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_number: Option<String>,
    /// Where updates come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ota_version_url: Option<String>,
    /// The program on the glasses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_version: Option<String>,
    /// Their name over Bluetooth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bluetooth_name: Option<String>,
    /// Serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial_number: Option<String>,
    /// Of the frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<String>,
    /// Of the frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// Whether the glasses are in a Wi-Fi network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wifi_connected: Option<bool>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wifi_ssid: Option<String>,
    /// Their address there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wifi_local_ip: Option<String>,
    /// Percent; −1 is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery_level: Option<Number>,
    /// Whether the glasses charge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charging: Option<bool>,
    /// Percent; −1 is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_battery_level: Option<Number>,
    /// Whether the case charges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_charging: Option<bool>,
    /// Whether the case is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_open: Option<bool>,
    /// Whether the glasses are out of the case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_removed: Option<bool>,
    /// Whether the glasses' own hotspot is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hotspot_enabled: Option<bool>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hotspot_ssid: Option<String>,
    /// Its password; see [`GlassesInfo::for_apps`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hotspot_password: Option<String>,
    /// Its gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hotspot_gateway_ip: Option<String>,
    /// When, in whatever form the phone likes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Value>,
}

impl GlassesInfo {
    /// The state without the hotspot's password, which is no business of an app.
    #[must_use]
    pub fn for_apps(mut self) -> Self {
        self.hotspot_password = None;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_absence_of_a_model_are_two_things() {
        let read = |text| serde_json::from_str::<GlassesInfo>(text).expect("reads");
        assert_eq!(read("{}").model_name, None);
        assert_eq!(read(r#"{"modelName":null}"#).model_name, Some(None));
        let state = read(r#"{"modelName":null,"hotspotPassword":"secret","batteryLevel":-1}"#).for_apps();
        assert_eq!(serde_json::to_string(&state).ok().as_deref(), Some(r#"{"modelName":null,"batteryLevel":-1}"#));
    }
}
