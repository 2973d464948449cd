//! App-to-app: what an app says to its other users goes out, what they say comes in.

use bifocal_protocol::apps::{AppErrorCode, FromApp};
use bifocal_protocol::ids::PackageName;

use crate::effect::{Effect, Effects};
use crate::flow::app::reply_error;
use crate::input::ConnId;
use crate::now::Now;
use crate::peers::{FromPeers, PeerRequest};
use crate::relay::send_message;
use crate::session::UserSession;

/// Longest name of a room, in bytes.
const MAX_ROOM: usize = 256;

/// What an app wants of its other users; `None` when the message is about something else.
pub(crate) fn request(message: FromApp) -> Result<PeerRequest, Box<FromApp>> {
    Ok(match message {
        FromApp::AppBroadcastMessage(message) => {
            PeerRequest::Broadcast { message_id: message.message_id, payload: message.payload, room: message.room_id }
        }
        FromApp::AppDirectMessage(message) => {
            PeerRequest::Direct { to: message.target_user_id, message_id: message.message_id, payload: message.payload }
        }
        FromApp::AppRoomJoin(join) => {
            PeerRequest::Join { room: join.room_id, config: join.room_config.unwrap_or_default() }
        }
        FromApp::AppRoomLeave(leave) => PeerRequest::Leave { room: leave.room_id },
        other => return Err(Box::new(other)),
    })
}

/// An app speaks to its other users, or enters or leaves a room.
pub(crate) fn asked(conn: ConnId, app: &PackageName, what: PeerRequest, now: Now, out: &mut Effects) {
    let room = match &what {
        PeerRequest::Join { room, .. } | PeerRequest::Leave { room } => Some(room),
        PeerRequest::Broadcast { room, .. } => room.as_ref(),
        _ => None,
    };
    if room.is_some_and(|room| room.is_empty() || room.len() > MAX_ROOM) {
        let message = "roomId must have 1 to 256 bytes";
        return reply_error(conn, AppErrorCode::MalformedMessage, message, now, out);
    }
    out.push(Effect::Peers { package: app.clone(), what });
}

/// The app runs from now on.
pub(crate) fn here(s: &UserSession, app: &PackageName, out: &mut Effects) {
    if let Some(slot) = s.apps.get(app) {
        let what = PeerRequest::Here { session_id: slot.session_id.clone() };
        out.push(Effect::Peers { package: app.clone(), what });
    }
}

/// The app does not run any more. One that is only away is still here.
pub(crate) fn gone(app: &PackageName, out: &mut Effects) {
    out.push(Effect::Peers { package: app.clone(), what: PeerRequest::Gone });
}

/// Something came for an app: it is sent, or held while the app is away.
pub(crate) fn received(s: &mut UserSession, from: FromPeers, now: Now, out: &mut Effects) {
    let FromPeers { package, message } = from;
    send_message(s, &package, &message, now, out);
}
