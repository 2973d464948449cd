//! What was sent to an app and may be on its way still. The messages of the wire are not acknowledged, but every socket
//! answers pings in order: an answer confirms what was sent before its ping. What was not confirmed when a socket went is
//! sent again on the next one.

use std::collections::VecDeque;

use super::held::{Held, HeldMessage, MAX_BYTES, MAX_ITEMS};
use crate::now::{Millis, Timings};
use crate::seeded::Bug;

/// The last messages on one socket of an app. Empty, and nearly without memory, as soon as they are confirmed.
#[derive(Debug, Default)]
pub(crate) struct Unconfirmed {
    messages: VecDeque<(Millis, HeldMessage)>,
    bytes: usize,
    /// How many messages on this socket are confirmed, or were too many to be kept.
    before: u64,
}

/// So much room is kept while there is nothing to confirm: one message after the other shall not cost an allocation.
const SMALL: usize = 4;

impl Unconfirmed {
    /// The next message was sent.
    pub(crate) fn sent(&mut self, message: HeldMessage, now: Millis) {
        self.bytes += message.data.byte_len();
        self.messages.push_back((now, message));
        while self.messages.len() > MAX_ITEMS || self.bytes > MAX_BYTES {
            self.forget_oldest();
        }
    }

    /// The first `count` messages on this socket have arrived. More than were sent means all of them.
    pub(crate) fn confirm(&mut self, count: u64) {
        while self.before < count && !self.messages.is_empty() {
            self.forget_oldest();
        }
        if self.messages.is_empty() && self.messages.capacity() > SMALL {
            self.messages.shrink_to(0);
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, message)) = self.messages.pop_front() {
            self.bytes -= message.data.byte_len();
            self.before += 1;
        }
    }

    /// The socket is gone: what may not have arrived is held. Who lives and confirms nothing for as long as the silence that
    /// ends a socket does not answer pings at all, and has what it was sent before.
    pub(crate) fn hold(&mut self, held: &mut Held, now: Millis, timings: &Timings) {
        for (at, message) in std::mem::take(self).messages {
            if now - at < timings.silence && !crate::seeded::on(Bug::UnconfirmedLost) {
                held.push(message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bifocal_protocol::Timestamp;

    use super::*;
    use crate::apps::Content;

    fn after(sent: u64, confirmed: u64, size: usize) -> Vec<String> {
        let mut unconfirmed = Unconfirmed::default();
        for n in 0..sent {
            let data = format!("{}{n}", " ".repeat(size)).into();
            unconfirmed.sent(HeldMessage { content: Content::Message, data, wall: Timestamp(0) }, Millis(n));
        }
        unconfirmed.confirm(confirmed);
        let mut held = Held::default();
        unconfirmed.hold(&mut held, Millis(Timings::DEFAULT.silence), &Timings::DEFAULT);
        held.take().0.iter().map(|held| held.data.trim_start().to_owned()).collect()
    }

    #[test]
    fn what_was_confirmed_or_is_old_is_not_sent_again() {
        // The message of time 0 is as old as a silence.
        assert_eq!(after(4, 0, 0), ["1", "2", "3"]);
        assert_eq!(after(4, 2, 0), ["2", "3"]);
        assert!(after(4, u64::MAX, 0).is_empty());
    }

    #[test]
    fn what_is_too_much_to_be_kept_counts_all_the_same() {
        assert_eq!(after(300, 298, 0), ["298", "299"]);
        assert_eq!(after(300, 0, 0).len(), 256);
        assert_eq!(after(4, 3, 200 << 10), ["3"]);
    }
}
