//! The UDP socket of the server: packets of every phone that has registered, to the session of its user.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bifocal_audio::udp::{MAX_PACKET, Packet, user_hash};
use bifocal_protocol::glasses::{AudioPaths, UdpEncryption};
use bifocal_protocol::ids::UserId;
use bifocal_session::Input;
use parking_lot::Mutex;
use tokio::net::UdpSocket;
use tokio::time::MissedTickBehavior;
use tracing::warn;

use crate::actor::Mail;
use crate::registry::SessionHandle;
use crate::shared::Shared;
use crate::sound::Arrived;

/// Where phones of a server send UDP, and who they are.
#[derive(Debug)]
pub(crate) struct Udp {
    socket: UdpSocket,
    host: String,
    port: u16,
    /// Whose packets are taken, by the hash that they carry.
    registered: Mutex<HashMap<u32, (UserId, SessionHandle)>>,
}

/// What an encrypted packet has more than another: nonce and tag.
const ENCRYPTION: usize = 24 + 16;
/// How often packets are looked at that wait for others.
const TICK: Duration = Duration::from_millis(20);

impl fmt::Display for Udp {
    /// Where phones send.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Udp {
    /// Opens the socket. `host` is how phones call it, with a port when that is another one than the socket's.
    pub(crate) async fn open(listen: SocketAddr, host: &str) -> std::io::Result<Self> {
        let socket = UdpSocket::bind(listen).await?;
        let own = socket.local_addr()?.port();
        let (host, port) = match host.rsplit_once(':') {
            // The last part of an IPv6 address is no port, unless the address stands in brackets.
            Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, port.parse().unwrap_or(own)),
            _ => (host, own),
        };
        let host = host.trim_matches(['[', ']']).to_owned();
        Ok(Self { socket, host, port, registered: Mutex::default() })
    }

    /// What an acknowledgement says about it.
    pub(crate) fn paths(&self, encryption: Option<UdpEncryption>) -> AudioPaths {
        AudioPaths {
            livekit: None,
            udp_host: Some(self.host.clone()),
            udp_port: Some(self.port),
            udp_encryption: encryption,
        }
    }

    /// Takes packets of this user from now on. Where another user has the same hash, the one who came first keeps it: the
    /// other's pings are not answered, and its phone stays with its socket.
    pub(crate) fn register(&self, user: &UserId, session: SessionHandle) {
        let mut registered = self.registered.lock();
        let place = registered.entry(user_hash(user.as_str())).or_insert_with(|| (user.clone(), session.clone()));
        if place.0 == *user {
            place.1 = session;
        }
    }

    /// No more packets for this session.
    pub(crate) fn forget(&self, user: &UserId, session: &SessionHandle) {
        let mut registered = self.registered.lock();
        let hash = user_hash(user.as_str());
        if registered.get(&hash).is_some_and(|(owner, known)| owner == user && known.number == session.number) {
            registered.remove(&hash);
        }
    }

    fn session(&self, hash: u32) -> Option<SessionHandle> {
        self.registered.lock().get(&hash).map(|(_, session)| session.clone())
    }
}

/// Takes packets until the server ends.
pub(crate) async fn run(shared: Arc<Shared>, udp: Arc<Udp>) {
    let mut buffer = [0; MAX_PACKET + ENCRYPTION + 1];
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Those who wait for a missing packet.
    let mut waiting: HashSet<u32> = HashSet::new();
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            received = udp.socket.recv_from(&mut buffer) => match received {
                Ok((length, _)) if length < buffer.len() => take(&shared, &udp, &buffer[..length], &mut waiting),
                Ok(_) => shared.metrics.refused("udp_oversized"),
                // The system tells of errors of earlier packets here; the socket itself goes on.
                Err(error) => warn!(%error, "the UDP socket"),
            },
            _ = ticks.tick(), if !waiting.is_empty() => {
                let now = shared.clock.now().at.0;
                waiting.retain(|hash| {
                    let Some(session) = udp.session(*hash) else { return false };
                    let arrived = session.sound.expire(now, &shared.metrics.sound);
                    arrived.is_some_and(|arrived| deliver(&shared, &session, arrived))
                });
            }
        }
    }
}

fn take(shared: &Shared, udp: &Udp, datagram: &[u8], waiting: &mut HashSet<u32>) {
    let Some(packet) = Packet::read(datagram) else { return shared.metrics.refused("udp_malformed") };
    let Some(session) = udp.session(packet.hash) else { return shared.metrics.refused("udp_unknown") };
    let now = shared.clock.now().at.0;
    let silence = shared.config.timings.silence;
    if let Some(arrived) = session.sound.packet(packet, now, silence, &shared.metrics.sound)
        && deliver(shared, &session, arrived)
    {
        waiting.insert(packet.hash);
    }
}

/// Hands sound to its session; true when more of it waits for what is missing.
fn deliver(shared: &Shared, session: &SessionHandle, arrived: Arrived) -> bool {
    let Arrived { conn, pcm, waiting } = arrived;
    if !pcm.is_empty() {
        let input = Input::GlassesBinary { conn, data: pcm };
        // A session that is behind must not hold up the others; the sound of now is worth more than that of a second ago.
        if session.mailbox.offer(Mail::Input(input)).is_err() {
            shared.metrics.refused("udp_behind");
        }
    }
    waiting
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn phones_are_told_another_name_and_port_where_there_is_one() {
        let told = |host: &'static str| async move {
            let udp = Udp::open("127.0.0.1:0".parse().expect("an address"), host).await.expect("a socket");
            let own = udp.socket.local_addr().expect("an address").port();
            let paths = udp.paths(None);
            (paths.udp_host.expect("a host"), paths.udp_port.expect("a port"), own)
        };
        let (host, port, own) = told("cloud.example.org").await;
        assert_eq!((host.as_str(), port), ("cloud.example.org", own));
        let (host, port, _) = told("cloud.example.org:9000").await;
        assert_eq!((host.as_str(), port), ("cloud.example.org", 9000));
        let (host, port, own) = told("2001:db8::1").await;
        assert_eq!((host.as_str(), port), ("2001:db8::1", own));
        let (host, port, _) = told("[2001:db8::1]:9000").await;
        assert_eq!((host.as_str(), port), ("2001:db8::1", 9000));
    }
}
