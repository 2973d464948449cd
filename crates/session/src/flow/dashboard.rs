//! The dashboard: who writes on it, and when it is drawn anew.

use bifocal_protocol::app::AppKind;
use bifocal_protocol::apps::{
    AppErrorCode, DashboardContentUpdate, DashboardModeChange, DashboardModeChanged, DashboardSystemUpdate, ToApp,
};
use bifocal_protocol::dashboard::DashboardMode;
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::layout::Layout;

use crate::apps::Phase;
use crate::dashboard::Corners;
use crate::display::{Frame, system_package};
use crate::effect::Effects;
use crate::flow::app::reply_error;
use crate::input::ConnId;
use crate::now::Now;
use crate::session::UserSession;

/// How often it is looked whether they are over.
const LOOK_AGAIN: u64 = 60_000;
/// The sign that phones replace by the battery of the glasses.
const BATTERY: &str = "$GBATT$";
/// How far ahead an appointment is shown, in milliseconds.
const AHEAD: i64 = 12 * 3_600_000;

/// `dashboard_content_update`.
pub(crate) fn content(s: &mut UserSession, app: &PackageName, update: &DashboardContentUpdate, now: Now) {
    s.dashboard.content(app, &update.content.text(), &update.modes, now.at);
}

/// `dashboard_mode_change`, of the system dashboard app: every app hears of another mode.
pub(crate) fn mode(
    s: &mut UserSession,
    conn: ConnId,
    app: &PackageName,
    change: &DashboardModeChange,
    now: Now,
    out: &mut Effects,
) {
    if !may_rule(s, conn, app, now, out) || !s.dashboard.set_mode(change.mode) {
        return;
    }
    tell_mode(s, change.mode, now, out);
}

fn tell_mode(s: &UserSession, mode: DashboardMode, now: Now, out: &mut Effects) {
    for (_, slot) in s.apps.iter() {
        let Some(link) = slot.link() else { continue };
        let session_id = Some(slot.session_id.to_string());
        let changed = DashboardModeChanged { mode, session_id, timestamp: now.wall };
        out.control(link.conn, &ToApp::DashboardModeChanged(changed));
    }
}

/// `dashboard_system_update`, of the system dashboard app.
pub(crate) fn section(
    s: &mut UserSession,
    conn: ConnId,
    app: &PackageName,
    update: &DashboardSystemUpdate,
    now: Now,
    out: &mut Effects,
) {
    if may_rule(s, conn, app, now, out) {
        s.dashboard.section(update.section, &update.content);
    }
}

/// The socket says who it is; what the body claims means nothing.
fn may_rule(s: &UserSession, conn: ConnId, app: &PackageName, now: Now, out: &mut Effects) -> bool {
    let may = s.apps.get(app).is_some_and(|slot| slot.record.kind == AppKind::SystemDashboard);
    if !may {
        let message = "Only the system dashboard writes corners and chooses the mode";
        reply_error(conn, AppErrorCode::PermissionDenied, message, now, out);
    }
    may
}

/// An app is gone.
pub(crate) fn app_gone(s: &mut UserSession, app: &PackageName, kind: AppKind, now: Now, out: &mut Effects) {
    let before = s.dashboard.mode;
    s.dashboard.app_gone(app, kind == AppKind::SystemDashboard);
    if s.dashboard.mode != before {
        tell_mode(s, s.dashboard.mode, now, out);
    }
}

/// Draws the dashboard and the status line anew when something on them is another. The display sends them when it is their
/// turn.
pub(crate) fn flush(s: &mut UserSession, now: Now) {
    if !s.dashboard.take_turn(now.at, &s.config.timings) {
        return;
    }
    let own = own(s, now);
    // What stands there beside the signs is over some time.
    let passes = own
        .as_ref()
        .is_some_and(|own| !own.bottom_left.is_empty() || !own.bottom_right.is_empty() || own.top_right != BATTERY);
    s.dashboard.look_again_at = passes.then(|| now.at + LOOK_AGAIN);
    let package = ruler(s).cloned().unwrap_or_else(system_package);
    let frame = |layout| Frame { package: package.clone(), session_id: "".into(), layout, duration_ms: None };
    let status = if s.settings.system.always_on_status_bar { s.dashboard.status_line(own.as_ref()) } else { None };
    let mut changed = s.display.draw_status(status.map(|text| frame(Layout::TextWall { text })));
    if !s.dashboard.drawn_by_app {
        let contextual = s.settings.system.contextual_dashboard;
        let layout = if contextual { s.dashboard.compose(own.as_ref()) } else { None };
        changed |= s.display.draw_dashboard(layout.map(frame));
    }
    if changed {
        s.dashboard.drawn(now.at);
    }
}

/// Whether the cloud writes the corners itself.
pub(crate) fn is_own(s: &UserSession) -> bool {
    s.config.own_dashboard && ruler(s).is_none()
}

/// The system dashboard app, while it is there.
fn ruler(s: &UserSession) -> Option<&PackageName> {
    let gone = |phase: &Phase| matches!(phase, Phase::Stopping { .. } | Phase::Failed { .. } | Phase::Dormant);
    let mut rulers =
        s.apps.iter().filter(|(_, slot)| slot.record.kind == AppKind::SystemDashboard && !gone(&slot.phase));
    rulers.next().map(|(package, _)| package)
}

/// The corners as the cloud writes them when no app does. Phones fill in what stands between the signs: so nothing has to be
/// sent when a minute is over.
fn own(s: &UserSession, now: Now) -> Option<Corners> {
    if !is_own(s) {
        return None;
    }
    let (now, at) = (now.wall, now.at);
    let zone = s.settings.timezone.as_deref().unwrap_or(&s.config.timezone);
    let next = s.calendar.replay(now).into_iter().next().and_then(|event| {
        let start = event.start()?;
        let soon = start.0 - now.0 <= AHEAD;
        let time = start.time_in(event.timezone.as_deref().unwrap_or(zone));
        soon.then(|| format!("{} {}", time.unwrap_or_default(), event.title).trim().to_owned())
    });
    let weather = s.weather.now(at, &s.config.timings).map(|weather| {
        let line = weather.line(s.settings.system.metric_system_enabled);
        format!(" {line}")
    });
    Some(Corners {
        top_left: "$TIME12$ $DATE$".to_owned(),
        top_right: format!("{BATTERY}{}", weather.unwrap_or_default()),
        bottom_left: next.unwrap_or_default(),
        bottom_right: s.notifications.newest(now).unwrap_or_default().to_owned(),
    })
}
