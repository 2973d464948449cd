//! What the user sets, and which apps are told.

use bifocal_protocol::apps::{AppSettingsUpdate, SystemSettingsUpdate, ToApp};
use bifocal_protocol::glasses::CoreStatus;
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::settings::{AppSetting, SystemSettings};

use crate::effect::{Call, Effect, Effects};
use crate::flow::device;
use crate::now::Now;
use crate::session::UserSession;

/// The system settings are these now. Every app that is connected is told all of them, once, when one has changed: the SDKs
/// replace what they have, and their newer versions cannot say which they want.
pub(crate) fn replace(s: &mut UserSession, system: SystemSettings, now: Now, out: &mut Effects) {
    if s.settings.system == system {
        return;
    }
    s.settings.system = system;
    s.dashboard.dirty = true;
    let packages = s.apps.packages();
    packages.iter().for_each(|package| tell_system(s, package, now, out));
}

fn tell_system(s: &UserSession, package: &PackageName, now: Now, out: &mut Effects) {
    let Some(slot) = s.apps.get(package) else { return };
    let Some(link) = slot.link() else { return };
    let (session_id, settings) = (slot.session_id.to_string(), s.ack_settings(&slot.record));
    let update = SystemSettingsUpdate { session_id, settings, timestamp: now.wall };
    out.control(link.conn, &ToApp::AugmentosSettingsUpdate(update));
}

/// The user has chosen values for an app: it is told all of its settings.
pub(crate) fn chosen(s: &mut UserSession, package: PackageName, values: Vec<AppSetting>, now: Now, out: &mut Effects) {
    s.load.app_is_set(&package);
    s.settings.chosen(package.clone(), values);
    let Some(slot) = s.apps.get(&package) else { return };
    let Some(link) = slot.link() else { return };
    let (package_name, session_id) = (package.to_string(), slot.session_id.to_string());
    let settings = s.settings.of_app(&slot.record);
    let update = AppSettingsUpdate { package_name, session_id, settings, timestamp: now.wall };
    out.control(link.conn, &ToApp::SettingsUpdate(update));
    // SDK v2 reads that into the system settings as well, and forgets them.
    tell_system(s, &package, now, out);
}

/// `core_status_update`: older phones say everything at once. What is new is written down.
pub(crate) fn core_status(s: &mut UserSession, status: CoreStatus, now: Now, out: &mut Effects) {
    if status.settings != s.settings.system {
        let call = s.new_call();
        s.load.saves(call);
        s.load.system_is_set();
        out.push(Effect::Call { call, what: Call::SaveSettings(Box::new(status.settings.clone())) });
        replace(s, status.settings, now, out);
    }
    if let Some(model) = status.model_name {
        let report = bifocal_protocol::device::GlassesInfo { model_name: Some(Some(model)), ..Default::default() };
        device::posted(s, report, now, out);
    }
}
