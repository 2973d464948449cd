//! Requests that this version does not serve yet. Each gets the answer that lets the SDK's promise settle at once, and an
//! error that says so; the socket stays open. A row goes away when its feature comes.
//!
//! | request | what settles it |
//! |---|---|
//! | `photo_request` | `photo_response` with an error (v3; v2 listens to an upload only and times out) |
//! | `rtmp_stream_request`, `stream_request` | `rtmp_stream_status`, `stream_status`: `error` |
//! | `managed_stream_request` | `managed_stream_status`: `error` |
//! | `stream_status_check` | `stream_status_check_response`: there is none, which is true |
//! | others | nothing waits for an answer |

use bifocal_protocol::Message;
use bifocal_protocol::apps::{
    AppErrorCode, DirectStreamStatus, FromApp, ManagedStreamStatus, PhotoResponse, StreamStatusCheckResponse, ToApp,
};
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::media::{ManagedState, PhotoError, StreamState};

use crate::effect::Effects;
use crate::flow::app::reply_error;
use crate::input::ConnId;
use crate::now::Now;
use crate::session::UserSession;

/// Answers a request that nobody serves.
pub(crate) fn answer(s: &UserSession, conn: ConnId, app: &PackageName, request: &FromApp, now: Now, out: &mut Effects) {
    let kind = request.kind();
    let message = format!("This server does not serve `{kind}` yet");
    let v3 = s.apps.get(app).is_some_and(|slot| slot.v3);
    let timestamp = now.wall;
    let stream = |error: &str| DirectStreamStatus {
        session_id: None,
        stream_id: None,
        status: StreamState::Error,
        error_details: Some(error.to_owned()),
        stats: None,
        app_id: Some(app.to_string()),
        timestamp,
    };
    let settles = match request {
        FromApp::PhotoRequest(photo) if v3 => Some(ToApp::PhotoResponse(PhotoResponse {
            request_id: photo.request_id.clone(),
            error: Some(PhotoError { code: PhotoError::UNKNOWN.into(), message: message.clone(), details: None }),
            success: false,
            photo_url: None,
            saved_to_gallery: None,
            width: None,
            height: None,
            timestamp,
        })),
        // Under the name that goes with the request: no SDK knows both.
        FromApp::StreamRequest(_) => Some(ToApp::StreamStatus(stream(&message))),
        FromApp::RtmpStreamRequest(_) => Some(ToApp::RtmpStreamStatus(stream(&message))),
        FromApp::ManagedStreamRequest(_) => Some(ToApp::ManagedStreamStatus(ManagedStreamStatus {
            status: ManagedState::Error,
            message: Some(message.clone()),
            stream_id: None,
            hls_url: None,
            dash_url: None,
            webrtc_url: None,
            preview_url: None,
            thumbnail_url: None,
            outputs: None,
            resumed: None,
            timestamp,
        })),
        FromApp::StreamStatusCheck(check) => Some(ToApp::StreamStatusCheckResponse(StreamStatusCheckResponse {
            request_id: check.request_id.clone(),
            has_active_stream: false,
            stream_info: None,
            timestamp,
        })),
        _ => None,
    };
    let true_answer = matches!(request, FromApp::StreamStatusCheck(_));
    if let Some(settles) = settles {
        out.control(conn, &settles);
    }
    if !true_answer {
        reply_error(conn, AppErrorCode::InternalError, &message, now, out);
    }
}
