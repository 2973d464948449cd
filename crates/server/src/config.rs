//! What a server is told at its start.

use std::net::SocketAddr;
use std::path::PathBuf;

use bifocal_providers::SpeechConfig;
use bifocal_providers::translate::TranslateConfig;
use bifocal_providers::voice::VoiceConfig;
use bifocal_session::Timings;

use crate::calls::guard::NetworkPolicy;
use crate::events::EventSink;
use crate::photos::PhotoRetention;
use crate::streams::StreamsConfig;

/// The settings of one server.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How apps and phones reach this server, `http://host:port` or `https://host`; from `listen` when absent.
    pub public_url: Option<String>,
    /// Where to take sound over UDP; phones send it over their socket when absent.
    pub udp_listen: Option<SocketAddr>,
    /// How phones reach that, `host` or `host:port`; the host of the public URL when absent.
    pub udp_address: Option<String>,
    /// The data folder: the running server writes its address there for the admin commands.
    pub data: PathBuf,
    /// The secret of core tokens (HS256).
    pub jwt_secret: Vec<u8>,
    /// The private key that signs user tokens for the web pages of apps: an RSA key as PEM, PKCS #8.
    pub user_token_key: Option<String>,
    /// The secret of the admin routes.
    pub admin_key: String,
    /// The time zone of wearers of whom nothing else is known: an IANA name.
    pub timezone: String,
    /// Where to ask for the weather: the `/v1/forecast` of Open-Meteo, or of a server that speaks like it.
    pub weather_url: Option<url::Url>,
    /// What recognises speech.
    pub speech: SpeechConfig,
    /// What translates behind speech engines that do not.
    pub translate: TranslateConfig,
    /// What speaks.
    pub voice: VoiceConfig,
    /// Every duration of a session.
    pub timings: Timings,
    /// Which addresses webhooks may go to.
    pub networks: NetworkPolicy,
    /// Sizes and counts.
    pub limits: Limits,
    /// Photos for SDK v2 and for an app's own URL go there straight from the phone, and not through this server.
    pub direct_photos: bool,
    /// How long photos stay here.
    pub photos: PhotoRetention,
    /// Where product events go.
    pub events: EventSink,
    /// Who carries managed streams.
    pub streams: StreamsConfig,
}

/// Sizes and counts, in bytes and pieces.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Sessions of this process.
    pub sessions: usize,
    /// A text frame of a phone.
    pub glasses_text: usize,
    /// A binary frame of a phone.
    pub glasses_binary: usize,
    /// A text frame of an app; bitmap animations are big.
    pub app_text: usize,
    /// A binary frame of an app.
    pub app_binary: usize,
    /// Frames of a phone that are read in a second; twice as many at once.
    pub glasses_frames: u32,
    /// Frames of an app that are read in a second; twice as many at once.
    pub app_frames: u32,
    /// Apps that came back and wait for their user's session.
    pub parked_apps: usize,
    /// What may wait in the mailbox of a session before its sockets wait.
    pub mailbox: usize,
    /// What may wait for a socket before it is given up.
    pub outbox_bytes: usize,
    /// Sound that may wait for a socket; the oldest is dropped. One second is 32,000 bytes.
    pub outbox_audio_bytes: usize,
    /// Characters that are spoken for one client at once.
    pub speech_burst: u32,
    /// Characters a second that are spoken for one client; people hear fifteen or so.
    pub speech_per_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 100_000,
            glasses_text: 1 << 20,
            glasses_binary: 64 << 10,
            app_text: 16 << 20,
            app_binary: 1 << 20,
            glasses_frames: 2_000,
            app_frames: 1_000,
            parked_apps: 10_000,
            mailbox: 256,
            outbox_bytes: 4 << 20,
            outbox_audio_bytes: 32_000,
            speech_burst: 10_000,
            speech_per_second: 30,
        }
    }
}
