//! The last event of the streams that say how something is: an app that begins to listen hears it at once.

use std::sync::Arc;

use bifocal_protocol::Text;

/// The streams, in the order in which they are told.
const KINDS: [&str; 3] = ["glasses_connection_state", "glasses_battery_update", "phone_battery_update"];
/// Longer ones are not kept.
const MAX_BYTES: usize = 4 << 10;

/// The last event of each of these streams.
#[derive(Debug, Default)]
pub(crate) struct LastEvents([Option<Arc<str>>; KINDS.len()]);

impl LastEvents {
    /// An event has come.
    pub(crate) fn keep(&mut self, kind: &str, text: &Text) {
        if let Some(at) = KINDS.iter().position(|known| *known == kind).filter(|_| text.byte_len() <= MAX_BYTES) {
            self.0[at] = Some(text.as_str().into());
        }
    }

    /// What somebody hears who begins to listen to this stream.
    pub(crate) fn of(&self, kind: &str) -> Option<Arc<str>> {
        let at = KINDS.iter().position(|known| *known == kind)?;
        self.0[at].clone()
    }
}
