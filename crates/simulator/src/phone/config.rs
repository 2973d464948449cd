//! Where a phone connects and as whom.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::{ConnectError, Photo, SoundPath};

/// How long a real phone waits before it comes back.
const RECONNECT: Duration = Duration::from_secs(5);

/// Where a phone connects and as whom.
#[derive(Clone)]
pub struct PhoneConfig {
    /// The cloud: `ws://`, `wss://`, `http://` or `https://`, a host, a port, and a path in front of all routes if need be.
    pub cloud: String,
    /// The wearer's core token.
    pub token: String,
    /// How long to wait before a lost connection is opened again: 5 s, as a real phone.
    pub reconnect: Duration,
    /// The glasses that are reported as connected after each `connection_ack`; nothing is reported when `None`. Clouds
    /// do not draw on glasses that they do not know of. `Simulated Glasses` unless changed.
    pub model: Option<String>,
    /// How sound is packed and sent: PCM over the socket unless changed.
    pub sound: SoundPath,
    /// Fetch what apps want to be heard, and say what became of it; true unless changed.
    pub plays: bool,
    /// What the camera sees: the test card unless changed.
    pub photo: Option<Photo>,
    /// The `ffmpeg` that streams of the camera are made with, `ffmpeg` of the system unless changed. Without one the glasses know
    /// nothing of streams, and leave them to whoever reads the messages.
    pub ffmpeg: Option<PathBuf>,
}

impl PhoneConfig {
    /// The usual phone of a wearer.
    pub fn new(cloud: impl Into<String>, token: impl Into<String>) -> Self {
        let model = Some("Simulated Glasses".to_owned());
        Self {
            cloud: cloud.into(),
            token: token.into(),
            reconnect: RECONNECT,
            model,
            sound: SoundPath::default(),
            plays: true,
            photo: None,
            ffmpeg: Some(PathBuf::from("ffmpeg")),
        }
    }

    pub(super) fn addresses(&self) -> Result<Addresses, ConnectError> {
        let mut addresses = Addresses::of(&self.cloud, &self.token)?;
        if self.sound.secret {
            addresses.socket.query_pairs_mut().append_pair("udpEncryption", "true");
        }
        Ok(addresses)
    }
}

impl fmt::Debug for PhoneConfig {
    /// Without the token: debug output ends up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PhoneConfig").field("cloud", &self.cloud).field("reconnect", &self.reconnect).finish()
    }
}

/// The two doors of one cloud.
#[derive(Clone)]
pub(super) struct Addresses {
    /// `/glasses-ws` with the token in its query, as phones open it. Never shown.
    pub(super) socket: Url,
    /// Base of the REST routes; its path ends in `/`.
    pub(super) rest: Url,
}

impl Addresses {
    fn of(cloud: &str, token: &str) -> Result<Self, ConnectError> {
        let bad = |why: &str| ConnectError::Address { address: crate::clean::line(cloud, 100), why: why.to_owned() };
        let mut rest = Url::parse(cloud.trim()).map_err(|error| bad(&error.to_string()))?;
        let (http, ws) = match rest.scheme() {
            "ws" | "http" => ("http", "ws"),
            "wss" | "https" => ("https", "wss"),
            _ => return Err(bad("it must begin with ws://, wss://, http:// or https://")),
        };
        if !rest.username().is_empty() || rest.password().is_some() {
            return Err(bad("a name or password in it is not supported"));
        }
        rest.set_query(None);
        rest.set_fragment(None);
        let path = format!("{}/", rest.path().trim_end_matches('/'));
        rest.set_path(&path);
        let mut socket = rest.clone();
        socket.set_path(&format!("{path}glasses-ws"));
        socket.query_pairs_mut().append_pair("token", token).append_pair("livekit", "true");
        let fits = rest.set_scheme(http).and(socket.set_scheme(ws));
        fits.map_err(|()| bad("it has no host"))?;
        Ok(Self { socket, rest })
    }

    /// `host:port`, for messages.
    pub(super) fn host_and_port(&self) -> (String, u16) {
        // A literal IPv6 address stands in brackets in a URL, and without them in a socket address.
        let host = self.socket.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        (host, self.socket.port_or_known_default().unwrap_or(80))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(cloud: &str) -> (String, String) {
        let Addresses { socket, rest } = Addresses::of(cloud, "a&b").unwrap_or_else(|error| panic!("{error}"));
        (socket.into(), rest.into())
    }

    #[test]
    fn one_address_gives_both_doors() {
        let both = ("ws://h:8002/glasses-ws?token=a%26b&livekit=true".to_owned(), "http://h:8002/".to_owned());
        assert_eq!(addresses("ws://h:8002"), both);
        assert_eq!(addresses(" http://h:8002/ "), both);
        let (socket, rest) = addresses("https://h.example/base/?x=1#y");
        assert_eq!(socket, "wss://h.example/base/glasses-ws?token=a%26b&livekit=true");
        assert_eq!(rest, "https://h.example/base/");
    }

    #[test]
    fn what_is_no_address_is_told() {
        for bad in ["", "127.0.0.1:8002", "localhost:8002", "ftp://h", "ws://", "ws://me:pw@h"] {
            assert!(Addresses::of(bad, "t").is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_token_is_not_in_debug_output() {
        assert!(!format!("{:?}", PhoneConfig::new("ws://h", "geheim")).contains("geheim"));
    }
}
