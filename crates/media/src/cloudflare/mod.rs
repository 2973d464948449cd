//! Managed streams carried by Cloudflare Stream, for operators whose viewers are many or far away.
//!
//! One stream is one live input. A task for each stream asks how it is doing; what was made and is not deleted, because of a
//! crash or because Cloudflare could not be reached, is found by a tag and deleted by [`sweep`](ManagedProvider::sweep).
//!
//! Cloudflare shows a stream only if it records it, so recording is on there. Unless the recording was asked for, it is deleted with
//! the stream.
//!
//! This has been written from the vendor's reference and runs in tests against a scripted server; it has not met the real one.

mod client;
mod wire;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use reqwest::Method;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::client::{Api, Failed};
use self::wire::{Input, Inputs, Meta, NewInput, NewTarget, Recording, Video, Views};
use crate::engine::target::Target;
use crate::managed::{
    Created, EndReason, MAX_OUTPUTS, ManagedError, ManagedProvider, NewOutput, NewStream, OutputId, OutputState,
    OutputStatus, Phase, Status, StreamId, Urls, is_plain,
};

/// Days after which Cloudflare deletes a recording in any case; it takes no fewer.
const RECORDING_DAYS: u32 = 30;

/// The account, and how often it is asked.
#[derive(Clone)]
pub struct CloudflareConfig {
    /// `https://api.cloudflare.com/client/v4`, or a scripted server.
    pub api: String,
    /// The account's identifier.
    pub account: String,
    /// An API token with the permission to edit Stream.
    pub token: String,
    /// A tag of this server, the same after a restart: its orphans are known by it.
    pub node: String,
    /// Streams of one owner.
    pub streams_per_owner: usize,
    /// How often it is asked.
    pub paces: Paces,
}

impl std::fmt::Debug for CloudflareConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CloudflareConfig").field("api", &self.api).finish_non_exhaustive()
    }
}

/// How often Cloudflare is asked, and how long it is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Paces {
    /// Before the first retry; the next wait is twice as long.
    pub retry: Duration,
    /// While nothing can be watched yet, or the publisher is gone.
    pub waiting: Duration,
    /// While it is live, for its outputs.
    pub live: Duration,
    /// While it is live, for its viewers.
    pub viewers: Duration,
    /// From the making of a stream to its first picture.
    pub start: Duration,
    /// For a publisher that is gone.
    pub come_back: Duration,
}

impl Default for Paces {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            retry: seconds(1),
            waiting: seconds(2),
            live: seconds(10),
            viewers: seconds(30),
            start: seconds(60),
            come_back: seconds(60),
        }
    }
}

/// Managed streams at Cloudflare.
#[derive(Debug)]
pub struct Cloudflare {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: CloudflareConfig,
    api: Api,
    streams: Mutex<HashMap<StreamId, Arc<Stream>>>,
    /// Being made, by owner: two starts at once must not make two.
    making: Mutex<Vec<String>>,
    tasks: TaskTracker,
}

#[derive(Debug)]
struct Stream {
    id: StreamId,
    owner: String,
    record: bool,
    /// Where viewers are served: `https://customer-….cloudflarestream.com/{uid}`.
    playback: String,
    status: watch::Sender<Status>,
    urls: Mutex<Vec<(OutputId, String)>>,
    ended: CancellationToken,
}

impl Cloudflare {
    /// Prepares the client; nothing is asked yet.
    ///
    /// # Errors
    /// The reason, when the HTTP client cannot be made.
    pub fn new(config: CloudflareConfig) -> Result<Self, String> {
        let api = Api::new(&config).map_err(|error| error.to_string())?;
        let inner =
            Inner { api, config, streams: Mutex::default(), making: Mutex::default(), tasks: TaskTracker::new() };
        Ok(Self { inner: Arc::new(inner) })
    }

    async fn create_now(&self, new: NewStream) -> Result<Created, ManagedError> {
        if new.outputs.len() > MAX_OUTPUTS {
            return Err(ManagedError::TooManyOutputs);
        }
        for output in &new.outputs {
            Target::parse(&output.url)?;
        }
        let _place = self.inner.place(&new.owner)?;
        let body = NewInput {
            meta: Meta { name: "bifocal", bifocal: &self.inner.config.node, owner: &new.owner },
            recording: Recording { mode: "automatic", require_signed_urls: false },
            delete_recording_after_days: RECORDING_DAYS,
        };
        let input: Input = self.inner.api.call(Method::POST, "/live_inputs", Some(&body)).await.map_err(failed)?;
        let (stream, publish_url, urls) = self.inner.adopt(input, &new)?;
        let mut outputs = Vec::new();
        for output in new.outputs {
            match self.inner.add(&stream, output).await {
                Ok(id) => outputs.push(id),
                Err(error) => {
                    self.inner.end(&stream, EndReason::Provider).await;
                    return Err(error);
                }
            }
        }
        let status = stream.status.subscribe();
        let inner = self.inner.clone();
        let id = stream.id.clone();
        self.inner.tasks.spawn(async move { inner.watch(stream).await });
        Ok(Created { id, publish_url, urls, outputs, status })
    }
}

impl ManagedProvider for Cloudflare {
    fn name(&self) -> &'static str {
        "cloudflare"
    }

    fn create(&self, new: NewStream) -> BoxFuture<'_, Result<Created, ManagedError>> {
        Box::pin(self.create_now(new))
    }

    fn add_output<'a>(&'a self, id: &'a StreamId, new: NewOutput) -> BoxFuture<'a, Result<OutputId, ManagedError>> {
        Box::pin(async move {
            let stream = self.inner.find(id)?;
            self.inner.add(&stream, new).await
        })
    }

    fn remove_output<'a>(&'a self, id: &'a StreamId, output: &'a OutputId) -> BoxFuture<'a, Result<(), ManagedError>> {
        Box::pin(async move {
            let stream = self.inner.find(id)?;
            if !stream.urls.lock().iter().any(|(known, _)| known == output) {
                return Err(ManagedError::NoSuchOutput);
            }
            self.inner.api.delete(&format!("/live_inputs/{id}/outputs/{output}")).await.map_err(failed)?;
            stream.urls.lock().retain(|(known, _)| known != output);
            stream.update(|status| status.outputs.retain(|known| known.id != *output));
            Ok(())
        })
    }

    fn status(&self, id: &StreamId) -> Option<Status> {
        self.inner.find(id).ok().map(|stream| stream.status.borrow().clone())
    }

    fn delete<'a>(&'a self, id: &'a StreamId) -> BoxFuture<'a, Result<(), ManagedError>> {
        Box::pin(async move {
            if let Ok(stream) = self.inner.find(id) {
                self.inner.end(&stream, EndReason::Deleted).await;
            }
            Ok(())
        })
    }

    fn sweep(&self) -> BoxFuture<'_, Result<usize, ManagedError>> {
        Box::pin(async {
            let inputs: Inputs = self.inner.api.call(Method::GET, "/live_inputs", None::<&()>).await.map_err(failed)?;
            let mut swept = 0;
            for input in inputs.live_inputs {
                let ours = input.meta.bifocal.as_deref() == Some(&*self.inner.config.node) && is_plain(&input.uid);
                let known = self.inner.streams.lock().contains_key(&StreamId(input.uid.clone()));
                // What is being made has no number yet. The next sweep will tell.
                if ours && !known && self.inner.making.lock().is_empty() {
                    self.inner.remove(&input.uid, false).await.map_err(failed)?;
                    swept += 1;
                }
            }
            Ok(swept)
        })
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let streams: Vec<_> = self.inner.streams.lock().values().cloned().collect();
            let ends = streams.iter().map(|stream| self.inner.end(stream, EndReason::Shutdown));
            futures_util::future::join_all(ends).await;
            self.inner.tasks.close();
            self.inner.tasks.wait().await;
        })
    }
}

fn failed(failed: Failed) -> ManagedError {
    match failed {
        Failed::Missing => ManagedError::NoSuchStream,
        other => ManagedError::Provider(other.to_string()),
    }
}

/// A stream that is being made counts until it is there, or will never be.
struct Place<'a> {
    inner: &'a Inner,
    owner: String,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut making = self.inner.making.lock();
        if let Some(at) = making.iter().position(|owner| *owner == self.owner) {
            making.swap_remove(at);
        }
    }
}

impl Stream {
    fn update(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_if_modified(|status| {
            if matches!(status.phase, Phase::Ended(_)) {
                return false;
            }
            let before = status.clone();
            change(status);
            *status != before
        });
    }
}

impl Inner {
    fn place(&self, owner: &str) -> Result<Place<'_>, ManagedError> {
        let mut making = self.making.lock();
        let there = self.streams.lock().values().filter(|stream| stream.owner == owner).count();
        let coming = making.iter().filter(|other| *other == owner).count();
        if there + coming >= self.config.streams_per_owner {
            return Err(ManagedError::TooManyStreams);
        }
        making.push(owner.to_owned());
        Ok(Place { inner: self, owner: owner.to_owned() })
    }

    fn find(&self, id: &StreamId) -> Result<Arc<Stream>, ManagedError> {
        self.streams.lock().get(id).cloned().ok_or(ManagedError::NoSuchStream)
    }

    /// A live input becomes a stream of ours.
    fn adopt(&self, input: Input, new: &NewStream) -> Result<(Arc<Stream>, String, Urls), ManagedError> {
        let odd = |what: &str| ManagedError::Provider(format!("Cloudflare's live input has no {what}"));
        if !is_plain(&input.uid) {
            return Err(odd("identifier"));
        }
        let rtmps = input.rtmps.ok_or(odd("RTMPS address"))?;
        // The one place where the customer's own host is named.
        let host = input.web_rtc.and_then(|address| url::Url::parse(&address.url).ok()).ok_or(odd("playback host"))?;
        let playback = format!("{}/{}", host.origin().ascii_serialization(), input.uid);
        let urls = Urls {
            hls: format!("{playback}/manifest/video.m3u8"),
            dash: format!("{playback}/manifest/video.mpd"),
            webrtc: input.web_rtc_playback.map(|address| address.url),
            preview: format!("{playback}/iframe"),
            thumbnail: format!("{playback}/thumbnails/thumbnail.jpg"),
        };
        let status = Status { phase: Phase::Waiting, viewers: 0, outputs: Vec::new(), trouble: None };
        let stream = Arc::new(Stream {
            id: StreamId(input.uid),
            owner: new.owner.clone(),
            record: new.record,
            playback,
            status: watch::Sender::new(status),
            urls: Mutex::default(),
            ended: CancellationToken::new(),
        });
        self.streams.lock().insert(stream.id.clone(), stream.clone());
        Ok((stream, format!("{}{}", rtmps.url, rtmps.stream_key), urls))
    }

    async fn add(&self, stream: &Stream, new: NewOutput) -> Result<OutputId, ManagedError> {
        let target = Target::parse(&new.url)?;
        {
            let urls = stream.urls.lock();
            if urls.len() >= MAX_OUTPUTS {
                return Err(ManagedError::TooManyOutputs);
            }
            if urls.iter().any(|(_, url)| *url == new.url) {
                return Err(ManagedError::DuplicateUrl);
            }
        }
        let (url, path) = (target.tc_url(), format!("/live_inputs/{}/outputs", stream.id));
        let body = NewTarget { url: &url, stream_key: &target.key, enabled: true };
        let made: wire::Target = self.api.call(Method::POST, &path, Some(&body)).await.map_err(failed)?;
        if !is_plain(&made.uid) {
            return Err(ManagedError::Provider("Cloudflare's output has no identifier".to_owned()));
        }
        let id = OutputId(made.uid);
        stream.urls.lock().push((id.clone(), new.url));
        let output = OutputStatus { id: id.clone(), name: new.name, state: OutputState::Connecting };
        stream.update(|status| status.outputs.push(output));
        Ok(id)
    }

    /// Asks how a stream is doing until it is over.
    async fn watch(&self, stream: Arc<Stream>) {
        let paces = self.config.paces;
        let mut absent_since = Instant::now();
        let mut viewers_asked: Option<Instant> = None;
        let reason = loop {
            let phase = stream.status.borrow().phase;
            let pace = if phase == Phase::Live { paces.live } else { paces.waiting };
            tokio::select! {
                () = tokio::time::sleep(pace) => {}
                () = stream.ended.cancelled() => return,
            }
            let connected = match self.connected(&stream.id).await {
                Ok(connected) => connected,
                Err(Failed::Missing) => break EndReason::Provider,
                // Cloudflare does not answer: nothing is known, and the deadlines go on.
                Err(_) => phase == Phase::Live && absent_since.elapsed() < paces.come_back,
            };
            let next = match (phase, connected) {
                (Phase::Live, true) => Phase::Live,
                (Phase::Live | Phase::Lost, false) => Phase::Lost,
                (_, false) => Phase::Waiting,
                (_, true) if self.plays(&stream).await => Phase::Live,
                (Phase::Lost, true) => Phase::Lost,
                (_, true) => Phase::Preparing,
            };
            stream.update(|status| status.phase = next);
            if next == Phase::Live {
                absent_since = Instant::now();
                self.outputs(&stream).await;
                if viewers_asked.is_none_or(|asked| asked.elapsed() >= paces.viewers) {
                    viewers_asked = Some(Instant::now());
                    self.viewers(&stream).await;
                }
            } else if next == Phase::Lost && absent_since.elapsed() >= paces.come_back {
                break EndReason::PublisherLost;
            } else if next != Phase::Lost && absent_since.elapsed() >= paces.start {
                break EndReason::NeverStarted;
            }
        };
        self.end(&stream, reason).await;
    }

    async fn connected(&self, id: &StreamId) -> Result<bool, Failed> {
        let input: Input = self.api.call(Method::GET, &format!("/live_inputs/{id}"), None::<&()>).await?;
        Ok(input.status.is("connected"))
    }

    /// Whether a viewer would see something: the playlist is there.
    async fn plays(&self, stream: &Stream) -> bool {
        let url = format!("{}/manifest/video.m3u8", stream.playback);
        self.api.public(&url).await.is_ok_and(|body| body.starts_with(b"#EXTM3U"))
    }

    async fn viewers(&self, stream: &Stream) {
        let Ok(body) = self.api.public(&format!("{}/views", stream.playback)).await else { return };
        if let Ok(views) = serde_json::from_slice::<Views>(&body) {
            stream.update(|status| status.viewers = views.live_viewers);
        }
    }

    async fn outputs(&self, stream: &Stream) {
        if stream.urls.lock().is_empty() {
            return;
        }
        let path = format!("/live_inputs/{}/outputs", stream.id);
        let Ok(targets) = self.api.call::<Vec<wire::Target>>(Method::GET, &path, None::<&()>).await else { return };
        stream.update(|status| {
            for output in &mut status.outputs {
                let Some(target) = targets.iter().find(|target| target.uid == output.id.as_str()) else { continue };
                output.state = match &target.status {
                    state if state.is("connected") => OutputState::Active,
                    state if state.is("error") => OutputState::Failed("Cloudflare cannot reach it".to_owned()),
                    _ => OutputState::Connecting,
                };
            }
        });
    }

    /// The stream is over; what cannot be deleted now is left for a sweep.
    async fn end(&self, stream: &Stream, reason: EndReason) {
        stream.ended.cancel();
        if self.streams.lock().remove(&stream.id).is_none() {
            return;
        }
        stream.update(|status| {
            status.phase = Phase::Ended(reason);
            status.viewers = 0;
        });
        if let Err(error) = self.remove(stream.id.as_str(), stream.record).await {
            tracing::warn!(stream = %stream.id, %error, "a live input could not be deleted; the next sweep will try again");
        }
    }

    /// Deletes a live input, and its recordings unless they are to stay.
    async fn remove(&self, uid: &str, keep_recordings: bool) -> Result<(), Failed> {
        if !keep_recordings {
            let path = format!("/live_inputs/{uid}/videos");
            let videos = match self.api.call::<Vec<Video>>(Method::GET, &path, None::<&()>).await {
                Ok(videos) => videos,
                Err(Failed::Missing) => Vec::new(),
                Err(failed) => return Err(failed),
            };
            for video in videos.iter().filter(|video| is_plain(&video.uid)) {
                self.api.delete(&format!("/{}", video.uid)).await?;
            }
        }
        self.api.delete(&format!("/live_inputs/{uid}")).await
    }
}
