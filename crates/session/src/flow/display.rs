//! From the display manager to the glasses, and back to the apps.

use bifocal_protocol::apps::{DisplayReport, ToApp};
use bifocal_protocol::glasses::{DisplayEvent, ToPhone};
use bifocal_protocol::hardware::Hardware;
use bifocal_protocol::layout::{Layout, View};

use crate::display::{Report, Sent, system_package};
use crate::effect::{Effects, Lane, LatestKey, Note};
use crate::input::ConnId;
use crate::now::Now;
use crate::session::UserSession;

/// Sends the frames whose turn it is. While the glasses are away nothing is sent, and nothing is lost: the newest frame is
/// the one that goes out when they are back.
pub(crate) fn flush(s: &mut UserSession, now: Now, out: &mut Effects) {
    s.display.expire(now.at, &s.config.timings);
    let away = match s.glasses_link().map(|link| link.conn) {
        None => Some("The phone is not connected"),
        Some(_) if !s.device.has(Hardware::Display) => Some("The glasses have no display"),
        Some(conn) => {
            for view in [View::Dashboard, View::Main] {
                send(s, conn, view, now, out);
            }
            None
        }
    };
    for report in s.display.reports(away) {
        tell(s, report, now, out);
    }
}

fn send(s: &mut UserSession, conn: ConnId, view: View, now: Now, out: &mut Effects) {
    let Some(sent) = s.display.take(view, now.at, &s.config.timings) else { return };
    // What wipes must not be overtaken by what it wipes for.
    let lane = if sent == Sent::Wipe { Lane::Control } else { Lane::Latest(LatestKey::Display(view)) };
    if let (View::Main, Sent::Picture(frame, _)) = (view, &sent)
        && let Some(lag) = s.lag.shown(&frame.package, now.at)
    {
        out.note(Note::WordsShown(lag));
    }
    let event = match sent {
        Sent::Picture(frame, picture) => DisplayEvent {
            package_name: frame.package.to_string(),
            session_id: frame.session_id.to_string(),
            view,
            layout: frame.layout_of(picture),
            duration_ms: frame.duration_ms,
            timestamp: now.wall,
        },
        Sent::Clear | Sent::Wipe => DisplayEvent {
            package_name: system_package().to_string(),
            session_id: s.user.to_string(),
            view,
            layout: Layout::clear(),
            duration_ms: Some(0),
            timestamp: now.wall,
        },
    };
    out.send(conn, lane, &ToPhone::Display(event));
}

/// `display_report`, to the app if it is there.
fn tell(s: &UserSession, report: Report, now: Now, out: &mut Effects) {
    let Report { package, request_id, outcome, reason } = report;
    let Some(conn) = s.apps.get(&package).and_then(|slot| slot.link()).map(|link| link.conn) else { return };
    let reason = reason.map(str::to_owned);
    out.control(conn, &ToApp::DisplayReport(DisplayReport { request_id, outcome, reason, timestamp: now.wall }));
}
