//! The bodies of the fuzz targets, so that tests can replay their corpus. Each takes any bytes and panics when a promise does
//! not hold: a peer never makes a session hold more than [`MAX_HELD`] bytes.

use crate::MAX_HELD;
use crate::config::MediaLimits;
use crate::engine::stream::{Kind, Live};
use crate::rtmp::client::ClientSession;
use crate::rtmp::server::{Event, ServerSession};

/// A function that takes any bytes.
pub type Target = fn(&[u8]);

/// Every target, under the name of its corpus.
pub const TARGETS: [(&str, Target); 2] = [("rtmp_ingest", rtmp_ingest), ("rtmp_target", rtmp_target)];

/// Everything that a publisher sends after the handshake, up to segments. The first byte says how it is cut into pieces.
pub fn rtmp_ingest(data: &[u8]) {
    let Some((first, bytes)) = data.split_first() else { return };
    let mut session = ServerSession::after_handshake();
    let mut live = Live::new(&MediaLimits { window_bytes: 1 << 20, gop_bytes: 1 << 20, ..MediaLimits::default() });
    for piece in bytes.chunks(usize::from(*first) + 1) {
        if session.push(piece).is_err() || take(&mut session, &mut live).is_none() {
            return;
        }
        assert!(session.held() <= MAX_HELD, "{} bytes", session.held());
        drop(session.take_output());
    }
}

/// Does what the engine does; nothing when the publisher is sent away.
fn take(session: &mut ServerSession, live: &mut Live) -> Option<()> {
    loop {
        match session.next().ok()? {
            None => return Some(()),
            Some(Event::Publish { app, .. }) => {
                if app == "no" {
                    session.refuse("no such path");
                    return None;
                }
                session.accept();
            }
            Some(Event::Audio { timestamp, data }) => drop(live.take(Kind::Audio, timestamp, data).ok()?),
            Some(Event::Video { timestamp, data }) => drop(live.take(Kind::Video, timestamp, data).ok()?),
            Some(Event::Metadata(data)) => live.metadata(data),
            Some(Event::Finished) => drop(live.interrupt()),
        }
    }
}

/// Everything that the server of an output sends after the handshake.
pub fn rtmp_target(data: &[u8]) {
    let Some((first, bytes)) = data.split_first() else { return };
    let mut session = ClientSession::after_handshake("live", "key", "rtmp://target.invalid/live");
    for piece in bytes.chunks(usize::from(*first) + 1) {
        if session.push(piece).is_err() {
            return;
        }
        if session.is_publishing() {
            session.video(0, bytes::Bytes::from_static(&[0x17, 1, 0, 0, 0, 0]));
        }
        assert!(session.held() <= MAX_HELD, "{} bytes", session.held());
        drop(session.take_output());
    }
}
