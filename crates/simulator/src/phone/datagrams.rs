//! Sound over UDP: the cloud offers it in its ack, the phone says that it comes, asks whether packets arrive, and stays with
//! its socket when they do not.

use std::sync::atomic::{AtomicU16, Ordering};

use bifocal_audio::udp::{Key, PING, build};
use serde::Deserialize;
use tokio::net::UdpSocket;

/// What a cloud offers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct UdpOffer {
    #[serde(alias = "udp_host")]
    udp_host: Option<String>,
    #[serde(alias = "udp_port")]
    udp_port: Option<u16>,
    udp_encryption: Option<Encryption>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Encryption {
    key: String,
}

/// The way for the packets of one connection.
#[derive(Debug)]
pub(super) struct Datagrams {
    socket: UdpSocket,
    hash: u32,
    key: Option<Key>,
    next: AtomicU16,
}

impl UdpOffer {
    /// Whether there is anything to send to.
    pub(super) fn is_one(&self) -> bool {
        self.udp_host.is_some()
    }

    /// Opens a socket to the place.
    pub(super) async fn open(&self, hash: u32) -> Result<Datagrams, String> {
        let host = self.udp_host.as_deref().ok_or("the cloud offers no UDP")?;
        let port = self.udp_port.unwrap_or(bifocal_audio::udp::DEFAULT_PORT);
        let key = match &self.udp_encryption {
            None => None,
            Some(encryption) => Some(key(&encryption.key).ok_or("the cloud's key is no key")?),
        };
        let mut addresses = tokio::net::lookup_host((host, port)).await.map_err(|error| format!("UDP: {error}"))?;
        let address = addresses.next().ok_or("the UDP host has no address")?;
        let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(any).await.map_err(|error| format!("UDP: {error}"))?;
        socket.connect(address).await.map_err(|error| format!("UDP: {error}"))?;
        Ok(Datagrams { socket, hash, key, next: AtomicU16::new(1) })
    }
}

impl Datagrams {
    /// Asks whether packets arrive. What the system says about an earlier one is no answer.
    pub(super) async fn ping(&self) {
        let _ = self.socket.send(&build(self.hash, 0, PING)).await;
    }

    /// Sends sound. A packet that is lost is lost.
    pub(super) async fn send(&self, sound: &[u8]) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let body = match &self.key {
            None => sound.to_vec(),
            Some(key) => {
                // Never the same twice: the number wraps after 20 minutes, the time does not.
                let mut nonce = [0; 24];
                let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                nonce[..16].copy_from_slice(&since.as_nanos().to_be_bytes());
                nonce[16..18].copy_from_slice(&number.to_be_bytes());
                key.seal(&nonce, sound)
            }
        };
        let _ = self.socket.send(&build(self.hash, number, &body)).await;
    }
}

fn key(text: &str) -> Option<Key> {
    use base64::Engine;
    let bytes = base64::prelude::BASE64_STANDARD.decode(text).ok()?;
    Some(Key::new(bytes.try_into().ok()?))
}
