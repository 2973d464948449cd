//! One event to the apps that want it: the envelope around the untouched message, once for each subscription.

use std::sync::Arc;

use bifocal_protocol::Message;
use bifocal_protocol::apps::ToApp;
use bifocal_protocol::envelope::data_stream;
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::permission::needed_for;
use bytes::{Bytes, BytesMut};

use crate::apps::{Content, Delivery, HeldMessage, Phase};
use crate::effect::{Effect, Effects, Lane, Note};
use crate::now::Now;
use crate::session::UserSession;
use crate::subscriptions::Topic;

/// Sends `data`, one complete JSON value, to every app that has subscribed to `topic`. For an app that is away it is held.
pub(crate) fn relay(session: &mut UserSession, topic: Topic<'_>, data: &str, now: Now, out: &mut Effects) {
    relay_words(session, topic, data, None, now, out);
}

/// The same; `is_final` tells words that may still change from those that do not, and is `None` for anything else.
pub(crate) fn relay_words(
    session: &mut UserSession,
    topic: Topic<'_>,
    data: &str,
    is_final: Option<bool>,
    now: Now,
    out: &mut Effects,
) {
    let UserSession { subscriptions, apps, totals, .. } = session;
    let (need, wall) = (topic.need(), now.wall);
    for (package, stream) in subscriptions.targets(topic) {
        let Some(slot) = apps.get_mut(package) else { continue };
        let content = || Content::Event { stream: stream.clone(), need, is_final };
        let message = |data| HeldMessage { content: content(), data, wall };
        match slot.delivery() {
            Delivery::Send(conn) => {
                let (text, place) = data_stream(&slot.session_id, stream, data, wall);
                slot.unconfirmed.sent(message(text.slice(place)), now.at);
                out.push(Effect::Send { conn, lane: Lane::Data, text });
                totals.relayed += 1;
            }
            Delivery::Hold => slot.held.push(message(data.into())),
            Delivery::Skip => {}
        }
    }
}

/// One event to one app: the answer to a question, or how things are when it begins to listen.
pub(crate) fn send_event(
    session: &mut UserSession,
    package: &PackageName,
    stream: &Arc<str>,
    base: &str,
    data: &str,
    now: Now,
    out: &mut Effects,
) {
    let Some(slot) = session.apps.get_mut(package) else { return };
    if let Delivery::Send(conn) = slot.delivery() {
        let (text, place) = data_stream(&slot.session_id, stream, data, now.wall);
        let content = Content::Event { stream: stream.clone(), need: needed_for(base), is_final: None };
        slot.unconfirmed.sent(HeldMessage { content, data: text.slice(place), wall: now.wall }, now.at);
        out.push(Effect::Send { conn, lane: Lane::Data, text });
        session.totals.relayed += 1;
    }
}

/// A whole message to one app: sent, or held while it is away.
pub(crate) fn send_message(
    session: &mut UserSession,
    package: &PackageName,
    message: &ToApp,
    now: Now,
    out: &mut Effects,
) {
    let Some(slot) = session.apps.get_mut(package) else { return };
    let text = message.encode();
    let held = HeldMessage { content: Content::Message, data: text.clone(), wall: now.wall };
    match slot.delivery() {
        Delivery::Send(conn) => {
            slot.unconfirmed.sent(held, now.at);
            out.push(Effect::Send { conn, lane: Lane::Data, text });
        }
        Delivery::Hold => slot.held.push(held),
        Delivery::Skip => {}
    }
}

/// The app is back and has said what it wants: what was held for it goes out, in order.
pub(crate) fn flush(session: &mut UserSession, package: &PackageName, now: Now, out: &mut Effects) {
    let UserSession { subscriptions, apps, totals, .. } = session;
    let Some(slot) = apps.get_mut(package) else { return };
    let Phase::Running { link, flush_at, .. } = &mut slot.phase else { return };
    *flush_at = None;
    let (conn, (held, dropped)) = (link.conn, slot.held.take());
    let granted = slot.record.granted();
    let mut sent = 0;
    for message in held {
        let HeldMessage { content, data, wall } = &message;
        let text = match content {
            Content::Message => Some(data.clone()),
            // The list, and what the app may have, may be others than when it was held.
            Content::Event { stream, need, .. } => {
                let wanted = need.met_by(granted) && subscriptions.wants(package, stream);
                wanted.then(|| data_stream(&slot.session_id, stream, data, *wall).0)
            }
        };
        if let Some(text) = text {
            out.push(Effect::Send { conn, lane: Lane::Data, text });
            slot.unconfirmed.sent(message, now.at);
            sent += 1;
        }
    }
    totals.relayed += sent;
    if sent + dropped > 0 {
        out.note(Note::HeldSent { package: package.clone(), sent, dropped });
    }
}

/// Sends sound to every app that runs and wants it: once, whatever its subscriptions are called, because sound has no name.
pub(crate) fn relay_audio(session: &UserSession, data: &Bytes, out: &mut Effects) {
    let mut served = None;
    for (package, _) in session.subscriptions.targets(Topic::Audio) {
        if served.replace(package) == Some(package) {
            continue;
        }
        let Some(link) = session.apps.get(package).and_then(|slot| slot.link()) else { continue };
        out.push(Effect::SendBinary { conn: link.conn, data: data.clone() });
    }
}

/// AudioManager: puts samples together. A sample has two bytes, a frame may have any number of them.
#[derive(Debug, Default)]
pub(crate) struct AudioManager {
    carried: Option<u8>,
    pub(crate) bytes: u64,
}

impl AudioManager {
    /// Whole samples only: an odd last byte waits for the next frame. Shares the frame's memory when there is nothing to
    /// carry.
    pub(crate) fn align(&mut self, data: Bytes) -> Bytes {
        self.bytes += data.len() as u64;
        let joined = match self.carried.take() {
            None => data,
            Some(byte) => {
                let mut joined = BytesMut::with_capacity(data.len() + 1);
                joined.extend_from_slice(&[byte]);
                joined.extend_from_slice(&data);
                joined.freeze()
            }
        };
        if joined.len() % 2 == 0 {
            return joined;
        }
        self.carried = joined.last().copied();
        joined.slice(..joined.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_byte_waits_for_its_other_half() {
        let mut audio = AudioManager::default();
        let mut align = |bytes: &'static [u8]| audio.align(Bytes::from_static(bytes)).to_vec();
        assert_eq!(align(&[1, 2, 3]), [1, 2]);
        assert_eq!(align(&[4]), [3, 4]);
        assert!(align(&[5]).is_empty());
        assert_eq!(align(&[6, 7, 8]), [5, 6, 7, 8]);
        assert_eq!(audio.bytes, 8);
    }
}
