//! Requests that this version does not serve. Nothing waits for an answer to any of them: an error says so, and the socket
//! stays open.

use bifocal_protocol::Message;
use bifocal_protocol::apps::{AppErrorCode, FromApp};

use crate::effect::Effects;
use crate::flow::app::reply_error;
use crate::input::ConnId;
use crate::now::Now;

/// Answers a request that nobody serves.
pub(crate) fn answer(conn: ConnId, request: &FromApp, now: Now, out: &mut Effects) {
    let message = format!("This server does not serve `{}` yet", request.kind());
    reply_error(conn, AppErrorCode::InternalError, &message, now, out);
}
