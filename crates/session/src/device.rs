//! DeviceManager: what is known of the glasses. Reports are partial, come twice, and come from several places; what apps and
//! the rest of the session hear is each change, once.
//!
//! | report | what it means |
//! |---|---|
//! | `connected` with or without a model | as it says; the model that was known stays |
//! | a model, without `connected` | that model; connected, when nothing was known yet |
//! | the model `null` or empty, without `connected` | no glasses |
//! | a model that is not known | seed 001: Even Realities G1 while no capabilities are known; later, those that are known stay |
//! | the model `Simulated Glasses` | connected, whatever else is said: they never say it |

use std::collections::BTreeSet;
use std::sync::Arc;

use bifocal_protocol::app::AppRecord;
use bifocal_protocol::capabilities::{Capabilities, capabilities_for};
use bifocal_protocol::device::GlassesInfo;
use bifocal_protocol::hardware::{Hardware, Level, missing};
use bifocal_protocol::ids::PackageName;

const SIMULATED: &str = "Simulated Glasses";
/// What an unknown model counts as.
const FALLBACK: &str = "Even Realities G1";
/// Longest text that is kept of a report, in bytes.
const MAX_TEXT: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct DeviceManager {
    /// Everything that was reported, without the hotspot's password. On the heap: most of it is never said.
    info: Box<GlassesInfo>,
    capabilities: Option<Arc<Capabilities>>,
    /// Apps that shall run, and do not because the glasses lack something.
    pub(crate) waiting: BTreeSet<PackageName>,
}

/// What a report has changed.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    /// Only what is another value than before.
    pub(crate) what: GlassesInfo,
    /// The glasses came or went.
    pub(crate) connected: Option<bool>,
    pub(crate) model: bool,
    pub(crate) capabilities: bool,
    pub(crate) battery: bool,
    pub(crate) wifi: bool,
}

impl Changed {
    pub(crate) fn is_nothing(&self) -> bool {
        self.what == GlassesInfo::default() && self.connected.is_none() && !self.capabilities
    }
}

/// Takes over the fields that are there and differ.
macro_rules! merge {
    ($known:expr, $new:expr, $changed:expr; $($field:ident)*) => {
        $(if $new.$field.is_some() && $new.$field != $known.$field {
            $known.$field.clone_from(&$new.$field);
            $changed.$field = $new.$field;
        })*
    };
}

impl DeviceManager {
    /// Somebody says something about the glasses.
    pub(crate) fn report(&mut self, report: GlassesInfo) -> Changed {
        let was_connected = self.is_connected();
        let mut new = bounded(report.for_apps());
        let model = new.model_name.take().map(|model| model.map(|model| known_name(&model)).unwrap_or_default());
        if new.connected.is_none() {
            new.connected = match &model {
                Some(model) if model.is_empty() => Some(false),
                Some(_) => self.info.connected.or(Some(true)),
                None => None,
            };
        }
        new.model_name = model.filter(|model| !model.is_empty()).map(Some);
        let mut changed = Changed::default();
        let what = &mut changed.what;
        merge!(self.info, new, what;
            connected model_name android_version fw_version build_number ota_version_url app_version bluetooth_name
            serial_number style color wifi_connected wifi_ssid wifi_local_ip battery_level charging case_battery_level
            case_charging case_open case_removed hotspot_enabled hotspot_ssid hotspot_gateway_ip);
        changed.model = what.model_name.is_some();
        changed.battery = what.battery_level.is_some() || what.charging.is_some();
        changed.wifi = what.wifi_connected.is_some() || what.wifi_ssid.is_some();
        changed.capabilities = changed.model && self.look_up();
        let is_connected = self.is_connected();
        changed.connected = (was_connected != is_connected).then_some(is_connected.unwrap_or_default());
        changed
    }

    /// The glasses that the user prefers: the best guess while nobody has said anything. It does not mean that they are there.
    pub(crate) fn expect(&mut self, model: &str) {
        if self.model().is_none() && !model.trim().is_empty() {
            let model = known_name(model);
            self.info.model_name = Some(Some(model));
            self.look_up();
        }
    }

    /// Finds the capabilities of the model; true when they are others than before.
    fn look_up(&mut self) -> bool {
        let found = self.model().and_then(capabilities_for);
        let found = match (found, &self.capabilities) {
            (None, Some(_)) => return false,
            (None, None) => capabilities_for(FALLBACK),
            (found, _) => found,
        };
        let other = self.capabilities.as_deref() != found.as_ref();
        if other {
            self.capabilities = found.map(Arc::new);
        }
        other
    }

    pub(crate) fn model(&self) -> Option<&str> {
        self.info.model_name.as_ref()?.as_deref()
    }

    /// Everything that is known; `None` when that is nothing.
    pub(crate) fn info(&self) -> Option<&GlassesInfo> {
        (*self.info != GlassesInfo::default()).then_some(&self.info)
    }

    pub(crate) fn capabilities(&self) -> Option<&Arc<Capabilities>> {
        self.capabilities.as_ref()
    }

    /// Whether the phone has the glasses, as far as anybody has said.
    pub(crate) fn is_connected(&self) -> Option<bool> {
        if self.model() == Some(SIMULATED) { Some(true) } else { self.info.connected }
    }

    /// Whether the glasses have something; those of which nothing is known may have everything.
    pub(crate) fn has(&self, hardware: Hardware) -> bool {
        self.capabilities.as_ref().is_none_or(|capabilities| hardware.is_in(capabilities))
    }

    /// What the glasses lack for an app.
    pub(crate) fn missing(&self, app: &AppRecord) -> Vec<Hardware> {
        missing(&app.hardware, Level::Required, self.capabilities.as_deref())
    }
}

/// The name of a known model as the table spells it.
fn known_name(model: &str) -> String {
    capabilities_for(model).map_or_else(|| model.trim().to_owned(), |capabilities| capabilities.model_name)
}

/// Texts that are too long for what they are, are cut; nobody else would do it.
fn bounded(mut info: GlassesInfo) -> GlassesInfo {
    let texts = [
        &mut info.android_version,
        &mut info.fw_version,
        &mut info.build_number,
        &mut info.ota_version_url,
        &mut info.app_version,
        &mut info.bluetooth_name,
        &mut info.serial_number,
        &mut info.style,
        &mut info.color,
        &mut info.wifi_ssid,
        &mut info.wifi_local_ip,
        &mut info.hotspot_ssid,
        &mut info.hotspot_gateway_ip,
    ];
    for text in texts.into_iter().flatten().chain(info.model_name.iter_mut().flatten()) {
        let end = (0..=text.len().min(MAX_TEXT)).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or_default());
    }
    info
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(device: &mut DeviceManager, report: serde_json::Value) -> Changed {
        device.report(serde_json::from_value(report).expect("a report"))
    }

    #[test]
    fn partial_reports_are_put_together_and_repeated_ones_say_nothing() {
        let mut device = DeviceManager::default();
        let first = report(&mut device, json!({"modelName": "Mentra Live", "batteryLevel": -1}));
        assert_eq!((first.connected, first.capabilities, first.battery), (Some(true), true, true));
        assert!(report(&mut device, json!({"modelName": "mentra live "})).is_nothing());
        assert_eq!(report(&mut device, json!({"connected": false})).connected, Some(false));
        // The model is known still.
        let back = report(&mut device, json!({"connected": true}));
        assert_eq!((back.connected, back.model, device.model()), (Some(true), false, Some("Mentra Live")));
        // For a moment its firmware calls it by another name.
        assert!(report(&mut device, json!({"modelName": "K900"})).is_nothing());
        assert_eq!(report(&mut device, json!({"modelName": null})).connected, Some(false));
    }

    #[test]
    fn an_unknown_model_is_a_g1_while_nothing_else_is_known() {
        let mut device = DeviceManager::default();
        assert!(report(&mut device, json!({"modelName": "Some Glasses"})).capabilities);
        assert!(device.has(Hardware::Display) && !device.has(Hardware::Camera));
        assert!(report(&mut device, json!({"modelName": "Mentra Live"})).capabilities);
        let later = report(&mut device, json!({"modelName": "Some Glasses"}));
        assert!(later.model && !later.capabilities && device.has(Hardware::Camera));
    }

    #[test]
    fn simulated_glasses_are_always_there_and_passwords_are_not_kept() {
        let mut device = DeviceManager::default();
        report(&mut device, json!({"modelName": "Simulated Glasses", "connected": false, "hotspotPassword": "x"}));
        assert_eq!(device.is_connected(), Some(true));
        assert_eq!(device.info().and_then(|info| info.hotspot_password.clone()), None);
        report(&mut device, json!({"serialNumber": "ä".repeat(300)}));
        assert_eq!(device.info().and_then(|info| info.serial_number.as_ref()).map(String::len), Some(256));
    }
}
