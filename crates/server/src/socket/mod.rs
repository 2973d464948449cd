//! WebSockets: one task each, reading into the session's mailbox and writing from its outbox.

pub(crate) mod app;
pub(crate) mod glasses;
mod pace;
mod pump;

use axum::extract::ws::WebSocketUpgrade;

/// Sets the buffers on purpose: the library's defaults are 128 KiB for each direction of each socket, which would be all of
/// the memory of an idle session. `hard_limit` is where a frame is refused unread and the connection ends with it; the
/// limits at which a frame is only thrown away and counted are lower.
pub(crate) fn configure(upgrade: WebSocketUpgrade, hard_limit: usize) -> WebSocketUpgrade {
    upgrade
        .read_buffer_size(4 << 10)
        .write_buffer_size(4 << 10)
        .max_write_buffer_size(64 << 20)
        .max_message_size(hard_limit)
        .max_frame_size(hard_limit)
}
