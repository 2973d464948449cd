//! Lights and Wi-Fi: what apps ask of the glasses and get an answer to.

use bifocal_protocol::Text;
use bifocal_protocol::apps::{AppErrorCode, RequestWifiSetup, RgbLedControl, RgbLedControlResponse, ToApp};
use bifocal_protocol::glasses::{self, ShowWifiSetup, ToPhone};
use bifocal_protocol::hardware::Hardware;
use bifocal_protocol::ids::PackageName;

use crate::effect::Effects;
use crate::flow::app::reply_error;
use crate::input::ConnId;
use crate::now::Now;
use crate::relay::relay;
use crate::session::UserSession;
use crate::subscriptions::Topic;

/// Longest name of a request, in bytes.
const MAX_NAME: usize = 256;

/// `rgb_led_control`.
pub(crate) fn led(
    s: &mut UserSession,
    conn: ConnId,
    app: &PackageName,
    request: RgbLedControl,
    now: Now,
    out: &mut Effects,
) {
    let RgbLedControl { request_id, action, color, ontime, offtime, count } = request;
    if request_id.len() > MAX_NAME {
        return reply_error(conn, AppErrorCode::MalformedMessage, "requestId is longer than 256 bytes", now, out);
    }
    let refusal = match s.glasses_link() {
        _ if !s.device.has(Hardware::Light) => Some("device_not_supported"),
        None => Some("glasses_not_connected"),
        Some(_) if !matches!(action.as_str(), "on" | "off") => Some("unsupported_action"),
        Some(_) => None,
    };
    if let Some(error) = refusal {
        return answer(s, app, request_id, Some(error.to_owned()), now, out);
    }
    s.lights.asked(&request_id, app, action == "on");
    let Some(phone) = s.glasses_link().map(|link| link.conn) else { return };
    let session_id = s.apps.get(app).map(|slot| slot.session_id.to_string()).unwrap_or_default();
    let package_name = app.to_string();
    let timestamp = now.wall;
    let control = glasses::RgbLedControl {
        session_id,
        request_id,
        package_name,
        action,
        color,
        ontime,
        offtime,
        count,
        timestamp,
    };
    out.control(phone, &ToPhone::RgbLedControl(control));
}

/// The phone says what became of a request: its app hears it, and who listens to that.
pub(crate) fn led_done(
    s: &mut UserSession,
    done: &glasses::RgbLedControlResponse,
    text: &Text,
    now: Now,
    out: &mut Effects,
) {
    if let Some(app) = s.lights.answered(&done.request_id) {
        let error = (!done.success).then(|| done.error.clone().unwrap_or_else(|| "unknown".to_owned()));
        answer(s, &app, done.request_id.clone(), error, now, out);
    }
    relay(s, Topic::Plain("rgb_led_control_response"), text, now, out);
}

fn answer(s: &UserSession, app: &PackageName, request_id: String, error: Option<String>, now: Now, out: &mut Effects) {
    let Some(slot) = s.apps.get(app) else { return };
    let Some(link) = slot.link() else { return };
    let session_id = Some(slot.session_id.to_string());
    let done = RgbLedControlResponse { session_id, request_id, success: error.is_none(), error, timestamp: now.wall };
    out.control(link.conn, &ToApp::RgbLedControlResponse(done));
}

/// An app is gone: the light that it has left on goes off.
pub(crate) fn app_gone(s: &mut UserSession, app: &PackageName, now: Now, out: &mut Effects) {
    if s.lights.app_gone(app)
        && let Some(phone) = s.glasses_link().map(|link| link.conn)
    {
        let control = glasses::RgbLedControl {
            session_id: s.user.to_string(),
            request_id: "bifocal_off".to_owned(),
            package_name: app.to_string(),
            action: "off".to_owned(),
            color: None,
            ontime: None,
            offtime: None,
            count: None,
            timestamp: now.wall,
        };
        out.control(phone, &ToPhone::RgbLedControl(control));
    }
}

/// `request_wifi_setup`: the phone asks the wearer, at most twice a minute for an app.
pub(crate) fn wifi(
    s: &mut UserSession,
    conn: ConnId,
    app: &PackageName,
    request: RequestWifiSetup,
    now: Now,
    out: &mut Effects,
) {
    let refuse = |why: &str, out: &mut Effects| reply_error(conn, AppErrorCode::InternalError, why, now, out);
    if !s.device.has(Hardware::Wifi) {
        return refuse("The connected glasses have no Wi-Fi", out);
    }
    let Some(phone) = s.glasses_link().map(|link| link.conn) else {
        return refuse("The phone is not connected", out);
    };
    if !s.lights.may_ask_for_wifi(app, now.at, s.config.timings.wifi_setup) {
        return refuse("The wearer was asked a moment ago", out);
    }
    // The phone shows it in a dialog.
    let reason = request.reason.map(|reason| reason.chars().take(300).collect());
    let setup = ShowWifiSetup { reason, app_package_name: Some(app.to_string()), timestamp: now.wall };
    out.control(phone, &ToPhone::ShowWifiSetup(setup));
}
