//! The dashboard: who writes on it, and when it is drawn anew.

use std::sync::Arc;

use bifocal_protocol::Timestamp;
use bifocal_protocol::app::AppKind;
use bifocal_protocol::apps::{
    AppErrorCode, DashboardContentUpdate, DashboardModeChange, DashboardModeChanged, DashboardSystemUpdate, ToApp,
};
use bifocal_protocol::dashboard::DashboardMode;
use bifocal_protocol::ids::PackageName;

use crate::apps::Phase;
use crate::dashboard::Corners;
use crate::display::{Frame, system_package};
use crate::effect::Effects;
use crate::flow::app::reply_error;
use crate::input::ConnId;
use crate::now::Now;
use crate::session::UserSession;

/// How long a notification stays in its corner, in milliseconds.
const NOTIFICATION: i64 = 600_000;
/// How often it is looked whether they are over.
const LOOK_AGAIN: u64 = 60_000;
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

/// Draws the dashboard anew when something on it is another. The display sends it when it is its turn.
pub(crate) fn flush(s: &mut UserSession, now: Now) {
    if !std::mem::take(&mut s.dashboard.dirty) || s.dashboard.drawn_by_app {
        return;
    }
    let contextual = s.settings.system.contextual_dashboard;
    let own = own(s, now.wall);
    // What stands in the lower corners is over some time.
    let passes = own.as_ref().is_some_and(|own| !own.bottom_left.is_empty() || !own.bottom_right.is_empty());
    s.dashboard.look_again_at = passes.then(|| now.at + LOOK_AGAIN);
    let layout = if contextual { s.dashboard.compose(own) } else { None };
    let package = ruler(s).cloned().unwrap_or_else(system_package);
    let session_id: Arc<str> = "".into();
    let frame = layout.map(|layout| Frame { package, session_id, layout, duration_ms: None });
    s.display.draw_dashboard(frame);
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
fn own(s: &UserSession, now: Timestamp) -> Option<Corners> {
    if !s.config.own_dashboard || ruler(s).is_some() {
        return None;
    }
    let zone = s.settings.timezone.as_deref().unwrap_or(&s.config.timezone);
    let next = s.calendar.replay(now).into_iter().next().and_then(|event| {
        let start = event.start()?;
        let soon = start.0 - now.0 <= AHEAD;
        let time = start.time_in(event.timezone.as_deref().unwrap_or(zone));
        soon.then(|| format!("{} {}", time.unwrap_or_default(), event.title).trim().to_owned())
    });
    let notification = s.notification.as_ref().filter(|(_, at)| now.0 - at.0 < NOTIFICATION);
    Some(Corners {
        top_left: "$TIME12$ $DATE$".to_owned(),
        top_right: "$GBATT$".to_owned(),
        bottom_left: next.unwrap_or_default(),
        bottom_right: notification.map(|(text, _)| text.to_string()).unwrap_or_default(),
    })
}
