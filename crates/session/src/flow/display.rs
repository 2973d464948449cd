//! From the display manager to the glasses.

use bifocal_protocol::glasses::{DisplayEvent, ToPhone};
use bifocal_protocol::hardware::Hardware;
use bifocal_protocol::layout::{Layout, View};

use crate::display::system_package;
use crate::effect::{Effects, Lane, LatestKey};
use crate::now::Now;
use crate::session::UserSession;

/// Sends the frames whose turn it is. While the glasses are away nothing is sent, and nothing is lost: the newest frame is
/// the one that goes out when they are back.
pub(crate) fn flush(s: &mut UserSession, now: Now, out: &mut Effects) {
    let Some(conn) = s.glasses_link().map(|link| link.conn) else { return };
    if !s.device.has(Hardware::Display) {
        return;
    }
    for view in [View::Dashboard, View::Main] {
        let Some(frame) = s.display.take(view, now.at, &s.config.timings) else { continue };
        let event = match frame {
            Some(frame) => DisplayEvent {
                package_name: frame.package.to_string(),
                session_id: frame.session_id.to_string(),
                view,
                layout: frame.layout.clone(),
                duration_ms: frame.duration_ms,
                timestamp: now.wall,
            },
            None => DisplayEvent {
                package_name: system_package().to_string(),
                session_id: s.user.to_string(),
                view,
                layout: Layout::clear(),
                duration_ms: Some(0),
                timestamp: now.wall,
            },
        };
        out.send(conn, Lane::Latest(LatestKey::Display(view)), &ToPhone::Display(event));
    }
}
