//! What an app would have been told while it was away, or may have missed when it went, kept for its return: in order, bounded, the newest words only.

use std::collections::VecDeque;
use std::sync::Arc;

use bifocal_protocol::permission::Need;
use bifocal_protocol::{Text, Timestamp};

use crate::seeded::Bug;

/// Most messages that are kept.
pub(super) const MAX_ITEMS: usize = 256;
/// Most bytes that are kept.
pub(super) const MAX_BYTES: usize = 256 << 10;

/// Messages for an app that is away. Empty and without memory while it is there.
#[derive(Debug, Default)]
pub(crate) struct Held {
    messages: VecDeque<HeldMessage>,
    bytes: usize,
    dropped: u64,
}

/// One message.
#[derive(Debug)]
pub(crate) struct HeldMessage {
    pub(crate) content: Content,
    pub(crate) data: Text,
    /// When it happened.
    pub(crate) wall: Timestamp,
}

/// What a held message is.
#[derive(Debug)]
pub(crate) enum Content {
    /// An event of a stream, without its envelope: an app that was revived meanwhile has another session id.
    Event {
        /// The subscription it is for: it is not sent when the app does not want that any more.
        stream: Arc<str>,
        /// Nor when the app may not have it any more.
        need: Need,
        /// For words, whether they are final. Until then the next result for the same subscription takes their place.
        is_final: Option<bool>,
    },
    /// A whole message.
    Message,
}

impl Held {
    /// Keeps a message; the oldest goes when there is no room.
    pub(crate) fn push(&mut self, message: HeldMessage) {
        if let Content::Event { stream: new, is_final: Some(_), .. } = &message.content {
            // Whether the new result is final or not, the interim before it is history.
            let before = |held: &HeldMessage| matches!(&held.content, Content::Event { stream, is_final: Some(false), .. } if stream == new);
            if let Some(at) = self.messages.iter().rposition(before) {
                self.remove(at);
            }
        }
        self.bytes += message.data.byte_len();
        self.messages.push_back(message);
        while self.messages.len() > MAX_ITEMS || self.bytes > MAX_BYTES {
            self.remove(0);
            self.dropped += 1;
        }
    }

    fn remove(&mut self, at: usize) {
        if let Some(held) = self.messages.remove(at) {
            self.bytes -= held.data.byte_len();
        }
    }

    /// Everything, oldest first, and how many were dropped; nothing is kept any more.
    pub(crate) fn take(&mut self) -> (VecDeque<HeldMessage>, u64) {
        self.bytes = 0;
        if crate::seeded::on(Bug::HeldReordered) {
            self.messages.make_contiguous().reverse();
        }
        (std::mem::take(&mut self.messages), std::mem::take(&mut self.dropped))
    }

    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(held: &mut Held) -> Vec<String> {
        held.take().0.into_iter().map(|held| held.data.to_string()).collect()
    }

    fn message(stream: &str, data: Text, is_final: Option<bool>) -> HeldMessage {
        let content = Content::Event { stream: stream.into(), need: Need::Nothing, is_final };
        HeldMessage { content, data, wall: Timestamp(0) }
    }

    #[test]
    fn of_words_only_the_newest_interim_and_every_final_are_kept() {
        let mut held = Held::default();
        for (stream, text, last) in
            [("en", "a", false), ("fr", "x", false), ("en", "a b", false), ("en", "a b c", true)]
        {
            held.push(message(stream, text.into(), Some(last)));
        }
        held.push(message("button", "press".into(), None));
        held.push(message("en", "d".into(), Some(false)));
        assert_eq!(texts(&mut held), ["x", "a b c", "press", "d"]);
        assert_eq!(held.len(), 0);
    }

    #[test]
    fn the_oldest_goes_when_there_is_no_room() {
        let mut held = Held::default();
        (0..300).for_each(|n| held.push(message("s", Text::from(n.to_string()), None)));
        let (kept, dropped) = held.take();
        assert_eq!((kept.len(), dropped, kept[0].data.as_str()), (256, 44, "44"));
        let big = Text::from("x".repeat(200 << 10));
        held.push(message("s", big.clone(), None));
        held.push(message("s", big, None));
        assert_eq!(held.take().0.len(), 1);
    }
}
