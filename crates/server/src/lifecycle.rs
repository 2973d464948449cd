//! The life of the server: it opens, it watches the store for changes of others, it drains.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::serve::ListenerExt;
use bifocal_protocol::speech_url::SpeechUrls;
use bifocal_providers::Recognizers;
use bifocal_providers::translate::Translators;
use bifocal_providers::voice::Voices;
use bifocal_session::{EndReason, Input};
use bifocal_store::Store;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};
use url::{Host, Url};

use crate::actor::Mail;
use crate::auth::token::Tokens;
use crate::auth::user_token::{SigningKey, SigningKeyError};
use crate::calls::closures::Closures;
use crate::calls::weather::{OpenMeteo, WeatherProvider};
use crate::calls::webhook::WebhookClient;
use crate::clock::Clock;
use crate::config::ServerConfig;
use crate::events::{self, Events};
use crate::http;
use crate::metrics::Metrics;
use crate::page_tokens::PageTokens;
use crate::photos;
use crate::quota::SpeechQuota;
use crate::registry::SessionStorage;
use crate::shared::Shared;
use crate::sound;
use crate::sound::udp::Udp;
use crate::streams::Streams;

/// How often the store is asked whether somebody else changed it; a change is seen within a second.
const WATCH_EVERY: Duration = Duration::from_millis(500);
/// How often the event loop is measured.
const MEASURE_EVERY: Duration = Duration::from_millis(100);
/// How many connections may wait to be accepted.
const BACKLOG: u32 = 4096;
/// How long sessions may take to say good-bye.
const DRAIN: Duration = Duration::from_secs(5);

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}; choose another with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The speech engines are configured in a way that cannot be.
    #[error("the section [speech] of the configuration: {0}")]
    Speech(#[from] bifocal_providers::ConfigError),
    /// The section `[translate]` of the configuration is wrong.
    #[error(transparent)]
    Translate(#[from] bifocal_providers::translate::TranslateConfigError),
    /// The section `[voice]` of the configuration is wrong.
    #[error(transparent)]
    Voice(#[from] bifocal_providers::voice::VoiceConfigError),
    /// The key that signs user tokens cannot be used.
    #[error("the private key named by `user_token_key`: {0}")]
    SigningKey(#[from] SigningKeyError),
    /// The UDP address is taken or not ours.
    #[error("cannot take UDP at {address}: {source}; choose another with --udp-listen")]
    Udp {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The media server for managed streams did not start.
    #[error(transparent)]
    Media(#[from] bifocal_media::StartError),
    /// The HTTP client for webhooks, or for the weather, could not be made.
    #[error("cannot make an HTTP client: {0}")]
    Client(String),
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    serving: JoinHandle<()>,
    watching: JoinHandle<()>,
    telling: JoinHandle<()>,
    measuring: JoinHandle<()>,
    events: Option<JoinHandle<()>>,
}

/// Opens the listener. Tokio's own default keeps 128 connections waiting; when a thousand wearers come back at once, the
/// kernel would refuse the rest, and each of them loses a second until its next try.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Server {
    /// Opens the listener and begins to serve.
    ///
    /// # Errors
    /// [`StartError`] when the address cannot be had.
    pub async fn start(config: ServerConfig, store: Store) -> Result<Server, StartError> {
        let wanted = config.listen;
        let failed = |source| StartError::Listen { address: wanted, source };
        let listener = listen(wanted).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let public_url = config.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        let public_url = public_url.trim_end_matches('/').to_owned();
        let udp = open_udp(&config, &public_url).await?;
        let streams = Streams::begin(&config, &public_url).await?;
        let webhooks = WebhookClient::new(config.networks.clone()).map_err(|e| StartError::Client(e.to_string()))?;
        let open_meteo = |url| OpenMeteo::new(url).map(|provider| Box::new(provider) as Box<dyn WeatherProvider>);
        let weather = config.weather_url.clone().map(open_meteo).transpose();
        let weather = weather.map_err(|e| StartError::Client(e.to_string()))?;
        let delivery = photos::Delivery::new(config.networks.clone()).map_err(|e| StartError::Client(e.to_string()))?;
        let photos = photos::Photos::begin(&config.data, &config.jwt_secret, delivery, config.photos);
        let metrics = Arc::new(Metrics::new());
        let (events, events_task) = Events::begin(&config.events, metrics.clone());
        let limits = config.limits;
        let shared = Arc::new(Shared {
            speech_urls: SpeechUrls::new(&public_url, &config.jwt_secret),
            signature_required: config.voice.require_signature.unwrap_or_else(|| !is_this_machine(&public_url)),
            speech_quota: SpeechQuota::new(limits.speech_burst, limits.speech_per_second),
            voices: Voices::new(config.voice.clone())?,
            app_socket_url: format!("{}/app-ws", public_url.replacen("http", "ws", 1)),
            may_fetch: sound::may_fetch(&config.networks, &public_url),
            audio_streams: sound::out::AudioStreams::default(),
            public_url,
            clock: Clock::start(),
            tokens: Tokens::new(&config.jwt_secret),
            signing_key: config.user_token_key.as_deref().map(SigningKey::from_pem).transpose()?,
            page_tokens: PageTokens::default(),
            store,
            sessions: SessionStorage::default(),
            metrics,
            events,
            webhooks,
            closures: Closures::default(),
            weather,
            peers: crate::peers::Peers::default(),
            early: crate::early::EarlyReports::default(),
            writes: http::Writes::begin(),
            recognizers: recognizers(&config)?,
            photos,
            stream_owners: Default::default(),
            udp,
            streams,
            session_tasks: TaskTracker::new(),
            tasks: TaskTracker::new(),
            draining: AtomicBool::new(false),
            shutdown: CancellationToken::new(),
            next_conn: AtomicU64::new(0),
            config,
        });
        let serving = tokio::spawn(serve(listener, shared.clone()));
        if let Some(udp) = shared.udp.clone() {
            info!(address = %udp, "phones may send sound over UDP");
            tokio::spawn(sound::udp::run(shared.clone(), udp));
        }
        shared.streams.sweep(shared.shutdown.clone());
        tokio::spawn(photos::sweep(shared.clone()));
        let watching = tokio::spawn(watch_store(shared.clone()));
        let telling = tokio::spawn(crate::speech::tell_health(shared.clone()));
        let measuring = tokio::spawn(measure(shared.clone()));
        info!(%address, public_url = shared.public_url, "listening");
        let allowed: Vec<String> = shared.config.networks.allowed().iter().map(ToString::to_string).collect();
        info!(allowed = allowed.join(", "), "webhooks may go to the open Internet and to these networks");
        Ok(Server { shared, address, serving, watching, telling, measuring, events: events_task })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How apps and phones reach it.
    pub fn public_url(&self) -> &str {
        &self.shared.public_url
    }

    /// Where glasses publish managed streams, when this process carries them.
    pub fn rtmp_address(&self) -> Option<SocketAddr> {
        self.shared.streams.media.as_ref().map(bifocal_media::Media::address)
    }

    /// Live sessions.
    pub fn session_count(&self) -> usize {
        self.shared.sessions.len()
    }

    /// Drains and stops: no new sessions; every session ends and closes its sockets with 1012, so that phones and apps
    /// come back to the next process; then the listener closes.
    pub async fn stop(self) {
        let shared = &self.shared;
        shared.draining.store(true, Ordering::Relaxed);
        info!(sessions = shared.sessions.len(), "stopping");
        for (_, session) in shared.sessions.list() {
            // A full mailbox must not hold up the others.
            shared.tasks.spawn(async move {
                let end = Mail::Input(Input::End { reason: EndReason::Shutdown });
                let _ = session.mailbox.send(end).await;
            });
        }
        shared.session_tasks.close();
        shared.tasks.close();
        let drained = async {
            shared.session_tasks.wait().await;
            shared.tasks.wait().await;
        };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            warn!(sessions = shared.sessions.len(), sockets = shared.tasks.len(), "not everybody was told in time");
        }
        shared.streams.stop().await;
        shared.shutdown.cancel();
        let _ = self.watching.await;
        let _ = self.telling.await;
        let _ = self.measuring.await;
        let _ = tokio::time::timeout(DRAIN, self.serving).await;
        shared.store.close().await;
        // The queue closes with the last of those who could put something in.
        drop(self.shared);
        events::flush(self.events).await;
        info!("stopped");
    }
}

/// The speech engines, with translators behind those that do not translate.
fn recognizers(config: &ServerConfig) -> Result<Recognizers, StartError> {
    let recognizers = Recognizers::new(config.speech.clone())?;
    let translators = Translators::new(config.translate.clone())?;
    Ok(if translators.is_empty() { recognizers } else { recognizers.with_translator(Arc::new(translators)) })
}

/// Whether a URL leads to this machine and nowhere else.
fn is_this_machine(url: &str) -> bool {
    match Url::parse(url).ok().as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The UDP socket, where one is wanted.
async fn open_udp(config: &ServerConfig, public_url: &str) -> Result<Option<Arc<Udp>>, StartError> {
    let Some(address) = config.udp_listen else { return Ok(None) };
    let host = || Url::parse(public_url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let host = config.udp_address.clone().or_else(host).unwrap_or_else(|| address.ip().to_string());
    let udp = Udp::open(address, &host).await.map_err(|source| StartError::Udp { address, source })?;
    Ok(Some(Arc::new(udp)))
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let shutdown = shared.shutdown.clone();
    // Without it a small frame waits for the acknowledgement of the one before.
    let listener = listener.tap_io(|socket| {
        let _ = socket.set_nodelay(true);
    });
    let router = http::router(shared).into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned());
    if let Err(error) = serving.await {
        warn!(%error, "the listener failed");
    }
}

/// Measures the event loop by how late a timer fires, and keeps the histograms small.
async fn measure(shared: Arc<Shared>) {
    let mut due = Instant::now() + MEASURE_EVERY;
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            () = tokio::time::sleep_until(due) => {}
        }
        let now = Instant::now();
        shared.metrics.loop_lag.record(now - due);
        due = now + MEASURE_EVERY;
        shared.metrics.upkeep();
    }
}

/// Tells every session when another process (an admin command) changed the store.
async fn watch_store(shared: Arc<Shared>) {
    let (mut known, mut catalogue) = (None, None);
    let mut ticks = tokio::time::interval(WATCH_EVERY);
    loop {
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        match shared.store.version().await {
            Ok(version) if known != Some(version) => {
                known = Some(version);
                let now = shared.store.catalogue_version().await.ok();
                let before = std::mem::replace(&mut catalogue, now);
                if before == now {
                    continue;
                }
                for (_, session) in shared.sessions.list() {
                    let _ = session.mailbox.send(Mail::Input(Input::UserChanged)).await;
                }
            }
            Ok(_) => {}
            Err(error) => warn!(%error, "the store does not answer"),
        }
    }
}
