//! The engine: the RTMP listener, the streams, and the tasks that watch over them.
//!
//! Publishers, viewers and outputs meet in [`stream::Stream`]. A publisher never waits for anybody: segments are shared and
//! immutable, and the queue of an output drops what its target does not take.

pub(crate) mod ingest;
mod numbers;
mod output;
mod record;
pub(crate) mod stream;
pub(crate) mod target;
pub(crate) mod thumbnail;
mod viewers;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::RwLock;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use numbers::Numbers;

use crate::config::MediaConfig;
use crate::managed::{
    Created, EndReason, MAX_OUTPUTS, ManagedError, ManagedProvider, NewOutput, NewStream, OutputId, OutputState, Phase,
    Status, StreamId, Urls,
};
use numbers::Counters;
use stream::{Output, Stream};
use target::Target;
use thumbnail::Thumbnails;

/// How long tasks may take to end.
const STOP: Duration = Duration::from_secs(5);

/// Why the media server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("cannot listen for RTMP on {address}: {source}; choose another with --rtmp-listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The folder for recordings cannot be made.
    #[error("cannot use the folder for recordings: {0}")]
    Recordings(std::io::Error),
}

/// The embedded media server. Clones are the same server.
#[derive(Debug, Clone)]
pub struct Media {
    pub(crate) inner: Arc<Inner>,
    address: SocketAddr,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) config: MediaConfig,
    publish_base: String,
    tls: Arc<rustls::ClientConfig>,
    streams: RwLock<Streams>,
    pub(crate) counters: Arc<Counters>,
    connections: Arc<Semaphore>,
    next_connection: AtomicU64,
    tasks: TaskTracker,
    pub(crate) stopping: CancellationToken,
    random: SystemRandom,
    pub(crate) thumbnails: Thumbnails,
}

#[derive(Debug, Default)]
struct Streams {
    by_id: HashMap<String, Arc<Stream>>,
    by_key: HashMap<String, Arc<Stream>>,
}

impl Media {
    /// Opens the listener and begins to serve.
    ///
    /// # Errors
    /// [`StartError`] when the address or the folder for recordings cannot be had.
    pub async fn start(config: MediaConfig) -> Result<Media, StartError> {
        let wanted = config.listen;
        let failed = |source| StartError::Listen { address: wanted, source };
        let listener = TcpListener::bind(wanted).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        if let Some(recording) = &config.recording {
            tokio::fs::create_dir_all(&recording.folder).await.map_err(StartError::Recordings)?;
        }
        let publish_base = config.publish_base.clone().unwrap_or_else(|| format!("rtmp://{address}"));
        let inner = Arc::new(Inner {
            publish_base: publish_base.trim_end_matches('/').to_owned(),
            tls: config.tls.clone().unwrap_or_else(|| Arc::new(web_tls())),
            streams: RwLock::default(),
            counters: Arc::default(),
            connections: Arc::new(Semaphore::new(config.limits.connections)),
            next_connection: AtomicU64::new(0),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            random: SystemRandom::new(),
            thumbnails: Thumbnails::new(config.ffmpeg.clone()),
            config,
        });
        inner.tasks.spawn(ingest::listen(listener, inner.clone()));
        if let Some(recording) = inner.config.recording.clone() {
            let stopping = inner.stopping.clone();
            inner.tasks.spawn(async move {
                tokio::select! {
                    () = record::sweep(recording) => {}
                    () = stopping.cancelled() => {}
                }
            });
        }
        tracing::info!(%address, "RTMP: listening for publishers");
        Ok(Media { inner, address })
    }

    /// Where RTMP is listened to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was counted, and what there is now.
    pub fn numbers(&self) -> Numbers {
        let mut numbers = self.inner.counters.numbers();
        let streams = self.inner.streams.read();
        for stream in streams.by_id.values() {
            numbers.held_bytes += stream.live.lock().held() as u64;
            let status = stream.status.borrow();
            let phase = match status.phase {
                Phase::Waiting => 0,
                Phase::Preparing => 1,
                Phase::Live => 2,
                Phase::Lost => 3,
                Phase::Ended(_) => continue,
            };
            numbers.streams[phase] += 1;
            numbers.viewers += u64::from(status.viewers);
            for output in &status.outputs {
                let state = match output.state {
                    OutputState::Connecting => 0,
                    OutputState::Active => 1,
                    OutputState::Failed(_) => 2,
                };
                numbers.outputs[state] += 1;
            }
        }
        let free = self.inner.connections.available_permits();
        numbers.connections = (self.inner.config.limits.connections - free) as u64;
        numbers
    }

    fn make(&self, new: &NewStream) -> Result<Arc<Stream>, ManagedError> {
        let (id, key) = (StreamId(self.inner.random_hex()?), self.inner.random_hex()?);
        let mut streams = self.inner.streams.write();
        let of_owner = |stream: &&Arc<Stream>| stream.owner == new.owner && !stream.is_over();
        if self.inner.stopping.is_cancelled()
            || streams.by_id.len() >= self.inner.config.limits.streams
            || streams.by_id.values().filter(of_owner).count() >= self.inner.config.limits.streams_per_owner
        {
            return Err(ManagedError::TooManyStreams);
        }
        let stream = Stream::new(id.clone(), key.clone(), new.owner.clone(), new.record, &self.inner);
        let stream = Arc::new(stream);
        streams.by_id.insert(id.0, stream.clone());
        streams.by_key.insert(key, stream.clone());
        Ok(stream)
    }

    /// Everything that a stream needs while it lives, and its end.
    fn begin(&self, stream: &Arc<Stream>) {
        let inner = self.inner.clone();
        if let Some(recording) = inner.config.recording.as_ref().filter(|_| stream.record) {
            let segments = stream.segments.subscribe();
            inner.tasks.spawn(record::run(stream.clone(), segments, recording.folder.clone()));
        }
        let stream = stream.clone();
        self.inner.tasks.spawn(async move {
            stream.clone().watch(inner.clone()).await;
            inner.streams.write().by_key.remove(&stream.key);
            let linger = tokio::time::sleep(inner.config.patience.linger);
            tokio::select! {
                () = linger => {}
                () = inner.stopping.cancelled() => {}
            }
            inner.streams.write().by_id.remove(stream.id.as_str());
        });
    }

    fn add(&self, stream: &Arc<Stream>, new: NewOutput, target: Target) -> Result<OutputId, ManagedError> {
        let id = OutputId(self.inner.random_hex()?[..16].to_owned());
        let removed = stream.ended.child_token();
        {
            let mut outputs = stream.outputs.lock();
            if outputs.len() >= MAX_OUTPUTS {
                return Err(ManagedError::TooManyOutputs);
            }
            if outputs.iter().any(|output| output.url == new.url) {
                return Err(ManagedError::DuplicateUrl);
            }
            outputs.push(Output { id: id.clone(), url: new.url, removed: removed.clone() });
        }
        stream.output_added(id.clone(), new.name);
        let run = output::run(stream.clone(), id.clone(), target, removed, self.inner.clone());
        self.inner.tasks.spawn(run);
        Ok(id)
    }

    fn create_now(&self, new: NewStream) -> Result<Created, ManagedError> {
        if new.outputs.len() > MAX_OUTPUTS {
            return Err(ManagedError::TooManyOutputs);
        }
        let targets: Vec<Target> =
            new.outputs.iter().map(|output| Target::parse(&output.url)).collect::<Result<_, _>>()?;
        let stream = self.make(&new)?;
        self.begin(&stream);
        let added: Result<Vec<OutputId>, _> =
            new.outputs.into_iter().zip(targets).map(|(output, target)| self.add(&stream, output, target)).collect();
        let outputs = added.inspect_err(|_| stream.end(EndReason::Deleted))?;
        Ok(Created {
            id: stream.id.clone(),
            publish_url: format!("{}/{}/{}", self.inner.publish_base, ingest::APP, stream.key),
            urls: self.inner.urls(&stream.id),
            outputs,
            status: stream.status.subscribe(),
        })
    }

    fn living(&self, id: &StreamId) -> Result<Arc<Stream>, ManagedError> {
        self.inner.by_id(id.as_str()).filter(|stream| !stream.is_over()).ok_or(ManagedError::NoSuchStream)
    }

    fn remove_now(&self, id: &StreamId, output: &OutputId) -> Result<(), ManagedError> {
        let stream = self.living(id)?;
        let mut outputs = stream.outputs.lock();
        let at = outputs.iter().position(|known| known.id == *output).ok_or(ManagedError::NoSuchOutput)?;
        outputs.remove(at).removed.cancel();
        drop(outputs);
        stream.output_removed(output);
        Ok(())
    }
}

impl ManagedProvider for Media {
    fn name(&self) -> &'static str {
        "embedded"
    }

    fn create(&self, new: NewStream) -> BoxFuture<'_, Result<Created, ManagedError>> {
        Box::pin(async move { self.create_now(new) })
    }

    fn add_output<'a>(&'a self, id: &'a StreamId, new: NewOutput) -> BoxFuture<'a, Result<OutputId, ManagedError>> {
        Box::pin(async move {
            let target = Target::parse(&new.url)?;
            self.add(&self.living(id)?, new, target)
        })
    }

    fn remove_output<'a>(&'a self, id: &'a StreamId, output: &'a OutputId) -> BoxFuture<'a, Result<(), ManagedError>> {
        Box::pin(async move { self.remove_now(id, output) })
    }

    fn status(&self, id: &StreamId) -> Option<Status> {
        self.inner.by_id(id.as_str()).map(|stream| stream.status.borrow().clone())
    }

    fn delete<'a>(&'a self, id: &'a StreamId) -> BoxFuture<'a, Result<(), ManagedError>> {
        Box::pin(async move {
            if let Some(stream) = self.inner.by_id(id.as_str()) {
                stream.end(EndReason::Deleted);
            }
            Ok(())
        })
    }

    /// There is nothing to sweep: what this process made ends with it, and before that by its deadlines.
    fn sweep(&self) -> BoxFuture<'_, Result<usize, ManagedError>> {
        Box::pin(async { Ok(0) })
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            for stream in self.inner.streams.read().by_id.values() {
                stream.end(EndReason::Shutdown);
            }
            self.inner.stopping.cancel();
            self.inner.tasks.close();
            if tokio::time::timeout(STOP, self.inner.tasks.wait()).await.is_err() {
                tracing::warn!(tasks = self.inner.tasks.len(), "the media server did not end in time");
            }
        })
    }
}

impl Inner {
    pub(crate) fn by_id(&self, id: &str) -> Option<Arc<Stream>> {
        self.streams.read().by_id.get(id).cloned()
    }

    /// The stream of a publish path. What follows a question mark is for other servers.
    fn by_path(&self, app: &str, key: &str) -> Option<Arc<Stream>> {
        let key = key.split('?').next().unwrap_or_default();
        let app = app.trim_matches('/');
        if app != ingest::APP {
            return None;
        }
        self.streams.read().by_key.get(key).cloned()
    }

    fn next_connection(&self) -> u64 {
        self.next_connection.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// 128 bits that nobody can guess, as 32 hex digits.
    fn random_hex(&self) -> Result<String, ManagedError> {
        Ok(hex::encode(self.random_bytes::<16>()?))
    }

    /// A token for a player.
    pub(crate) fn viewer_token(&self) -> Result<u64, ManagedError> {
        Ok(u64::from_be_bytes(self.random_bytes()?))
    }

    fn random_bytes<const N: usize>(&self) -> Result<[u8; N], ManagedError> {
        let mut bytes = [0; N];
        let failed = |_| ManagedError::Provider("the system gives no random numbers".to_owned());
        self.random.fill(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }

    /// Where a stream is watched. There is no DASH manifest: SDKs insist on an address, and get the one that plays.
    fn urls(&self, id: &StreamId) -> Urls {
        let page = format!("{}/live/{id}", self.config.viewer_base);
        let hls = format!("{page}/index.m3u8");
        Urls { dash: hls.clone(), hls, webrtc: None, thumbnail: format!("{page}/thumbnail.jpg"), preview: page }
    }
}

/// The certificates that browsers trust.
fn web_tls() -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}
