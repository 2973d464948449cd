//! Sound on its way in: from whatever a phone sends, over its socket or over UDP, to whole samples for its session.

mod link;
pub(crate) mod out;
pub(crate) mod udp;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bifocal_audio::udp::{Key, Packet};
use bifocal_audio::{Format, Heard, Intake, Transport};
use bifocal_protocol::Message;
use bifocal_protocol::glasses::{ToPhone, UdpPingAck};
use bifocal_session::{ConnId, Lane, MayFetch};
use bytes::Bytes;
use parking_lot::Mutex;
use url::Url;

use crate::calls::guard::NetworkPolicy;
use crate::clock::wall;
use crate::metrics::SoundMetrics;
use crate::outbox::{Frame, Outbox};

pub(crate) use link::SoundLink;

/// Least time between two answers to pings, in milliseconds. Phones ask every 200 ms; a stranger may know the hash.
const PING_GAP: u64 = 100;

/// Where the sound of one session's phone comes in.
#[derive(Debug, Default)]
pub(crate) struct SoundIn {
    state: Mutex<State>,
    /// When anything came on the socket, in milliseconds of the server's clock.
    socket_heard: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// The connection that counts, and where its phone is answered.
    current: Option<(ConnId, Arc<Outbox>)>,
    intake: Intake,
    pong_at: u64,
}

/// A packet that has come over UDP, for the connection that it belongs to.
pub(crate) struct Arrived {
    pub(crate) conn: ConnId,
    pub(crate) pcm: Bytes,
    /// Others must wait for what is missing before them.
    pub(crate) waiting: bool,
}

/// What a phone may be sent to: the open Internet, the networks that app servers may be in, and this server. Only addresses can
/// be judged: what a name means is for the phone to find out, in its own network.
pub(crate) fn may_fetch(networks: &NetworkPolicy, public_url: &str) -> MayFetch {
    let (networks, own) = (networks.clone(), format!("{public_url}/"));
    MayFetch::new(move |url| {
        let Ok(parsed) = Url::parse(url) else { return false };
        let web = matches!(parsed.scheme(), "http" | "https");
        web && (url.starts_with(&own) || networks.check(&parsed).is_ok())
    })
}

impl SoundIn {
    /// A connection begins; the one before it has no say any more.
    pub(crate) fn begin(&self, conn: ConnId, outbox: Arc<Outbox>, key: Option<Key>) {
        *self.state.lock() = State { current: Some((conn, outbox)), intake: Intake::new(key), pong_at: 0 };
    }

    /// A connection is over; true when it was the one that counts.
    pub(crate) fn end(&self, conn: ConnId) -> bool {
        let mut state = self.state.lock();
        let current = state.current.as_ref().is_some_and(|(current, _)| *current == conn);
        if current {
            *state = State::default();
        }
        current
    }

    /// The phone says how it packs its sound.
    pub(crate) fn configure(&self, format: Format) {
        self.state.lock().intake.configure(format);
    }

    /// The phone says which way its sound will take; false when it says so on an old connection.
    pub(crate) fn announce(&self, conn: ConnId, transport: Transport) -> bool {
        let mut state = self.state.lock();
        let current = state.current.as_ref().is_some_and(|(current, _)| *current == conn);
        if current {
            state.intake.announce(transport);
        }
        current
    }

    /// A sign of life of the socket.
    pub(crate) fn socket_lives(&self, now: u64) {
        self.socket_heard.store(now, Ordering::Relaxed);
    }

    /// A binary frame of the socket: gives its sound, which may be none.
    pub(crate) fn frame(&self, conn: ConnId, data: Bytes, now: u64, metrics: &SoundMetrics) -> Bytes {
        let mut state = self.state.lock();
        if state.current.as_ref().is_none_or(|(current, _)| *current != conn) {
            return Bytes::new();
        }
        let before = state.intake.counts();
        let pcm = state.intake.socket(data, now);
        metrics.count(Transport::Socket, before, state.intake.counts());
        pcm
    }

    /// A packet with the hash of this session's user. A ping is answered here. Once the socket has been silent for `silence`
    /// nothing is taken: the phone comes back, or its session waits for it.
    pub(crate) fn packet(&self, packet: Packet<'_>, now: u64, silence: u64, metrics: &SoundMetrics) -> Option<Arrived> {
        let mut state = self.state.lock();
        if now.saturating_sub(self.socket_heard.load(Ordering::Relaxed)) > silence {
            return None;
        }
        let before = state.intake.counts();
        let heard = state.intake.packet(packet, now);
        metrics.count(Transport::Udp, before, state.intake.counts());
        match heard {
            Heard::Sound(pcm) => state.arrived(pcm),
            Heard::Ping => {
                if now >= state.pong_at {
                    state.pong_at = now + PING_GAP;
                    let ack = ToPhone::UdpPingAck(UdpPingAck { timestamp: wall() });
                    if let Some((_, outbox)) = &state.current {
                        outbox.push(Lane::Control, Frame::Text(ack.encode()));
                    }
                }
                None
            }
        }
    }

    /// Time has passed: packets that have waited for long enough for others go on without them.
    pub(crate) fn expire(&self, now: u64, metrics: &SoundMetrics) -> Option<Arrived> {
        let mut state = self.state.lock();
        let before = state.intake.counts();
        let pcm = state.intake.expire(now);
        metrics.count(Transport::Udp, before, state.intake.counts());
        state.arrived(pcm)
    }
}

impl State {
    fn arrived(&self, pcm: Bytes) -> Option<Arrived> {
        let conn = self.current.as_ref()?.0;
        Some(Arrived { conn, pcm, waiting: self.intake.expires().is_some() })
    }
}
