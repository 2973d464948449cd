//! What waits for the connection, and the pictures that may have been lost with one.

use std::collections::VecDeque;

use bifocal_protocol::Text;

use super::wire::Lane;

const MAX_ITEMS: usize = 256;
const MAX_BYTES: usize = 1 << 20;

/// Messages for the cloud.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    waiting: VecDeque<(Lane, Text)>,
    bytes: usize,
    /// The newest picture of each view, and the number of the ping that was sent behind it.
    unconfirmed: Vec<(Lane, Text, u64)>,
    /// The number of the last ping, and whether it is answered.
    pings: u64,
    answered: u64,
}

impl Outgoing {
    /// Keeps a message until there is a connection. A picture takes the place of the one before.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn wait(&mut self, lane: Lane, text: Text) -> Result<(), &'static str> {
        if lane != Lane::Ordered {
            self.unconfirmed.retain(|(known, ..)| *known != lane);
            if let Some(at) = self.waiting.iter().position(|(known, _)| *known == lane) {
                self.bytes -= self.waiting.remove(at).map_or(0, |(_, text)| text.byte_len());
            }
        }
        if self.waiting.len() == MAX_ITEMS {
            return Err("messages");
        }
        if self.bytes + text.byte_len() > MAX_BYTES {
            return Err("bytes");
        }
        self.bytes += text.byte_len();
        self.waiting.push_back((lane, text));
        Ok(())
    }

    /// The connection is there: everything that waits, in order. Pictures that were sent on the old one and perhaps lost come first.
    pub(super) fn take(&mut self) -> impl Iterator<Item = (Lane, Text)> {
        self.bytes = 0;
        self.answered = self.pings;
        let lost = std::mem::take(&mut self.unconfirmed).into_iter().map(|(lane, text, _)| (lane, text));
        lost.chain(std::mem::take(&mut self.waiting))
    }

    /// A message was sent. Gives the number of a ping to send behind it, so that its answer confirms the picture.
    pub(super) fn sent(&mut self, lane: Lane, text: &Text) -> Option<u64> {
        if lane == Lane::Ordered {
            return None;
        }
        self.unconfirmed.retain(|(known, ..)| *known != lane);
        // One ping at a time: a picture that is sent while one is out waits for the next.
        let ping = (self.answered == self.pings).then(|| self.ping());
        self.unconfirmed.push((lane, text.clone(), ping.unwrap_or(self.pings + 1)));
        ping
    }

    /// The number of the next ping.
    pub(super) fn ping(&mut self) -> u64 {
        self.pings += 1;
        self.pings
    }

    /// A ping was answered. Gives the number of another one if there is something left to confirm.
    pub(super) fn pong(&mut self, number: u64) -> Option<u64> {
        self.answered = self.answered.max(number.min(self.pings));
        self.unconfirmed.retain(|(.., ping)| *ping > number);
        (self.answered == self.pings && !self.unconfirmed.is_empty()).then(|| self.ping())
    }

    /// Nothing waits any more.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use bifocal_protocol::layout::View;

    use super::*;

    const MAIN: Lane = Lane::Picture(View::Main);

    fn texts(outgoing: &mut Outgoing) -> Vec<String> {
        outgoing.take().map(|(_, text)| text.to_string()).collect()
    }

    #[test]
    fn only_the_newest_picture_waits_and_everything_else_in_order() {
        let mut outgoing = Outgoing::default();
        for (lane, text) in [(Lane::Ordered, "a"), (MAIN, "old"), (Lane::Ordered, "b"), (MAIN, "new")] {
            outgoing.wait(lane, text.into()).expect("room");
        }
        assert_eq!(texts(&mut outgoing), ["a", "b", "new"]);
        assert!(texts(&mut outgoing).is_empty());
    }

    #[test]
    fn there_is_a_limit_to_messages_and_to_bytes() {
        let mut outgoing = Outgoing::default();
        assert!((0..MAX_ITEMS).all(|_| outgoing.wait(Lane::Ordered, "x".into()).is_ok()));
        assert_eq!(outgoing.wait(Lane::Ordered, "x".into()), Err("messages"));
        outgoing.clear();
        assert!(outgoing.wait(Lane::Ordered, "x".repeat(MAX_BYTES).into()).is_ok());
        assert_eq!(outgoing.wait(Lane::Ordered, "x".into()), Err("bytes"));
    }

    #[test]
    fn a_picture_that_nobody_confirmed_is_sent_again() {
        let mut outgoing = Outgoing::default();
        assert_eq!(outgoing.sent(MAIN, &"one".into()), Some(1));
        assert_eq!(outgoing.sent(MAIN, &"two".into()), None);
        assert_eq!(outgoing.pong(1), Some(2));
        assert_eq!(texts(&mut outgoing), ["two"]);
        assert_eq!(outgoing.sent(MAIN, &"three".into()), Some(3));
        assert_eq!(outgoing.pong(3), None);
        assert!(texts(&mut outgoing).is_empty());
    }
}
