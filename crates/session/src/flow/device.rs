//! The glasses themselves: what is reported of them, who is told, and which apps they suit.

use bifocal_protocol::apps::{CapabilitiesUpdate, DeviceStateUpdate, ToApp};
use bifocal_protocol::device::GlassesInfo;
use bifocal_protocol::envelope::data_stream;
use bifocal_protocol::glasses::{BatteryUpdate, FromPhone, GlassesConnectionState, WifiState};
use bifocal_protocol::hardware::explanation;
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::webhook::StopReason;
use bifocal_protocol::{Message, Text};

use crate::apps::Phase;
use crate::device::Changed;
use crate::effect::{Effect, Effects, Lane};
use crate::flow::lifecycle::app_state_changed;
use crate::flow::start::Wish;
use crate::flow::{start, stop};
use crate::input::ConnId;
use crate::now::Now;
use crate::relay::{relay, send_event};
use crate::session::UserSession;
use crate::subscriptions::Topic;

/// The stream of the link between phone and glasses.
const LINK: &str = "glasses_connection_state";

/// A report over REST: apps that listen to the streams hear of it as if the phone had said it on its socket.
pub(crate) fn posted(s: &mut UserSession, report: GlassesInfo, now: Now, out: &mut Effects) {
    let changed = s.device.report(report);
    if changed.connected.is_some() || changed.model || changed.wifi {
        let info = s.device.info();
        let wifi = info
            .and_then(|info| info.wifi_connected)
            .map(|connected| WifiState { connected, ssid: info.and_then(|info| info.wifi_ssid.clone()) });
        let connected = s.device.is_connected().unwrap_or_default();
        let status = if connected { "CONNECTED" } else { "DISCONNECTED" }.to_owned();
        let model_name = Some(s.device.model().unwrap_or_default().to_owned());
        let with_wifi = wifi.is_some();
        let state = GlassesConnectionState { model_name, status, wifi };
        let text = FromPhone::GlassesConnectionState(state).encode();
        s.last.keep(LINK, &text);
        link(s, &text, with_wifi, now, out);
    }
    if changed.battery {
        let info = s.device.info();
        let level = info.and_then(|info| info.battery_level.clone());
        let charging = info.and_then(|info| info.charging);
        let battery = BatteryUpdate { level, charging, time_remaining: None };
        tell(s, "glasses_battery_update", FromPhone::GlassesBatteryUpdate(battery).encode(), now, out);
    }
    apply(s, changed, now, out);
}

fn tell(s: &mut UserSession, kind: &'static str, text: Text, now: Now, out: &mut Effects) {
    s.last.keep(kind, &text);
    relay(s, Topic::Plain(kind), &text, now, out);
}

/// The state of the link, to who listens to it. With word of the Wi-Fi it goes to every app that is connected: SDK v2 has
/// methods that read it from there, and does not listen for them.
pub(crate) fn link(s: &mut UserSession, text: &Text, with_wifi: bool, now: Now, out: &mut Effects) {
    let others: Vec<PackageName> = match with_wifi {
        true => s.apps.packages().into_iter().filter(|app| !s.subscriptions.hears(app, LINK)).collect(),
        false => vec![],
    };
    relay(s, Topic::Plain(LINK), text, now, out);
    others.iter().for_each(|app| send_event(s, app, &LINK.into(), LINK, text, now, out));
}

/// A report on the socket, whose message is relayed as it is.
pub(crate) fn reported(s: &mut UserSession, report: GlassesInfo, now: Now, out: &mut Effects) {
    let changed = s.device.report(report);
    apply(s, changed, now, out);
}

fn apply(s: &mut UserSession, changed: Changed, now: Now, out: &mut Effects) {
    if changed.is_nothing() {
        return;
    }
    let update = DeviceStateUpdate { state: changed.what, full_snapshot: None, timestamp: now.wall };
    tell_apps(s, &ToApp::DeviceStateUpdate(update), out);
    if changed.capabilities {
        let update = CapabilitiesUpdate {
            capabilities: s.device.capabilities().map(|capabilities| (**capabilities).clone()),
            model_name: s.device.model().map(str::to_owned),
            timestamp: now.wall,
        };
        tell_apps(s, &ToApp::CapabilitiesUpdate(update), out);
    }
    if changed.connected == Some(true) {
        s.microphone.glasses_back();
        // Glasses that were away show nothing of what was sent meanwhile.
        s.display.redraw();
    }
    if changed.capabilities {
        suit(s, now, out);
    }
    if changed.capabilities || changed.model {
        app_state_changed(s, None, now, out);
    }
}

/// To every app that is connected.
pub(crate) fn tell_apps(s: &UserSession, message: &ToApp, out: &mut Effects) {
    for (_, slot) in s.apps.iter() {
        if let Some(link) = slot.link() {
            out.control(link.conn, message);
        }
    }
}

/// Everything that is known of the glasses, for an app that has just come.
pub(crate) fn introduce(s: &UserSession, conn: ConnId, app: &PackageName, now: Now, out: &mut Effects) {
    let wifi = s.device.info().is_some_and(|info| info.wifi_connected.is_some());
    if let Some(info) = s.device.info() {
        let state = info.clone();
        let update = DeviceStateUpdate { state, full_snapshot: Some(true), timestamp: now.wall };
        out.control(conn, &ToApp::DeviceStateUpdate(update));
    }
    if let (true, Some(text), Some(slot)) = (wifi, s.last.of(LINK), s.apps.get(app)) {
        // As for `link`. It is known already, so it need not arrive.
        let (text, _) = data_stream(&slot.session_id, LINK, &text, now.wall);
        out.push(Effect::Send { conn, lane: Lane::Control, text });
    }
}

/// The glasses can do other things than before: apps that they do not suit any more are stopped, all of them at once; those
/// that were stopped for it before run again.
fn suit(s: &mut UserSession, now: Now, out: &mut Effects) {
    for package in s.apps.packages() {
        let Some(slot) = s.apps.get(&package) else { continue };
        let missing = s.device.missing(&slot.record);
        if missing.is_empty() || matches!(slot.phase, Phase::Stopping { .. } | Phase::Dormant) {
            continue;
        }
        s.device.waiting.insert(package.clone());
        stop::stop(s, &package, StopReason::HardwareIncompatible, now, out);
        app_state_changed(s, Some(format!("{package} was stopped: {}", explanation(&missing))), now, out);
    }
    let waiting: Vec<PackageName> = s.device.waiting.iter().cloned().collect();
    for package in waiting {
        let suits = s.load.installed(&package).is_none_or(|record| s.device.missing(record).is_empty());
        let foreground = s.apps.foreground();
        let free = s.load.installed(&package).is_none_or(|record| !record.is_standard() || foreground.is_none());
        if suits {
            s.device.waiting.remove(&package);
            // Meanwhile the user may have started another one.
            if free {
                start::start(s, &package, Wish::Remembered, None, now, out);
            }
        }
    }
}
