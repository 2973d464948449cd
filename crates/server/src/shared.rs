//! What every part of the shell can reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bifocal_protocol::ids::UserId;
use bifocal_protocol::speech_url::SpeechUrls;
use bifocal_providers::Recognizers;
use bifocal_providers::voice::Voices;
use bifocal_session::{ConnId, MayFetch};
use bifocal_store::Store;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::token::Tokens;
use crate::auth::user_token::SigningKey;
use crate::calls::closures::Closures;
use crate::calls::media::StreamOwners;
use crate::calls::weather::WeatherProvider;
use crate::calls::webhook::WebhookClient;
use crate::clock::Clock;
use crate::config::ServerConfig;
use crate::early::EarlyReports;
use crate::events::Events;
use crate::http::Writes;
use crate::metrics::Metrics;
use crate::outbox::Outbox;
use crate::page_tokens::PageTokens;
use crate::peers::Peers;
use crate::photos::Photos;
use crate::quota::SpeechQuota;
use crate::registry::SessionStorage;
use crate::sound::out::AudioStreams;
use crate::sound::udp::Udp;
use crate::streams::Streams;

/// The server, as its tasks know it.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: ServerConfig,
    /// `http://host:port`, without a slash at the end.
    pub(crate) public_url: String,
    /// `ws://host:port/app-ws`.
    pub(crate) app_socket_url: String,
    /// Makes and checks the addresses that phones fetch speech from.
    pub(crate) speech_urls: SpeechUrls,
    /// What phones may be sent to.
    pub(crate) may_fetch: MayFetch,
    /// What apps send while phones hear it.
    pub(crate) audio_streams: AudioStreams,
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) tokens: Tokens,
    /// Signs what tells apps who opens their web page.
    pub(crate) signing_key: Option<SigningKey>,
    /// Temporary tokens of such pages.
    pub(crate) page_tokens: PageTokens,
    pub(crate) sessions: SessionStorage,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) events: Events,
    pub(crate) webhooks: WebhookClient,
    pub(crate) closures: Closures,
    /// Whom to ask for the weather.
    pub(crate) weather: Option<Box<dyn WeatherProvider>>,
    pub(crate) peers: Peers,
    pub(crate) early: EarlyReports,
    pub(crate) writes: Writes,
    /// Speech engines, and how they are.
    pub(crate) recognizers: Recognizers,
    /// Engines that speak.
    pub(crate) voices: Voices,
    /// Whether phones may fetch speech from signed addresses only.
    pub(crate) signature_required: bool,
    pub(crate) speech_quota: SpeechQuota,
    pub(crate) photos: Photos,
    /// Whose the managed streams are.
    pub(crate) stream_owners: StreamOwners,
    /// Where phones may send sound besides their socket.
    pub(crate) udp: Option<Arc<Udp>>,
    /// Who carries managed streams.
    pub(crate) streams: Streams,
    /// Session tasks.
    pub(crate) session_tasks: TaskTracker,
    /// Sockets and calls.
    pub(crate) tasks: TaskTracker,
    /// No new sessions.
    pub(crate) draining: AtomicBool,
    /// Everything ends.
    pub(crate) shutdown: CancellationToken,
    pub(crate) next_conn: AtomicU64,
}

impl Shared {
    pub(crate) fn new_conn(&self) -> ConnId {
        ConnId(self.next_conn.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(crate) fn new_outbox(&self) -> Outbox {
        let limits = &self.config.limits;
        Outbox::new(limits.outbox_bytes, limits.outbox_audio_bytes, self.metrics.clone())
    }
}

/// A user in logs: eight hex digits, the same for the same user, from which no address can be read.
pub(crate) fn user_tag(user: &UserId) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(&Sha256::digest(user.as_str().as_bytes())[..4])
}
