//! What the embedded media server is told at its start.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The settings of the embedded media server.
#[derive(Clone)]
pub struct MediaConfig {
    /// Where RTMP is listened to; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How glasses reach it: `rtmp://host:port` without a path; from `listen` when absent.
    pub publish_base: Option<String>,
    /// How viewers reach the HTTP routes: `https://host` without a slash at the end.
    pub viewer_base: String,
    /// Which addresses copies of a stream may be sent to.
    pub permits: Permits,
    /// Certificates that targets with `rtmps://` are checked against; the web's own when absent.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// Where recordings go. Nothing is recorded without.
    pub recording: Option<Recording>,
    /// The `ffmpeg` program, for thumbnails. Without it a neutral picture is served.
    pub ffmpeg: Option<PathBuf>,
    /// Sizes and counts.
    pub limits: MediaLimits,
    /// How long is waited for what.
    pub patience: Patience,
}

/// Decides about an address.
#[derive(Clone)]
pub struct Permits(pub Arc<dyn Fn(IpAddr) -> bool + Send + Sync>);

impl fmt::Debug for Permits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permits(…)")
    }
}

impl fmt::Debug for MediaConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaConfig").field("listen", &self.listen).finish_non_exhaustive()
    }
}

/// Where recordings go.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The folder; it is made when there is none.
    pub folder: PathBuf,
    /// How long they stay.
    pub keep: Duration,
}

/// Sizes and counts, in bytes and pieces.
#[derive(Debug, Clone, Copy)]
pub struct MediaLimits {
    /// Streams, those that have just ended included.
    pub streams: usize,
    /// Streams of one owner that have not ended.
    pub streams_per_owner: usize,
    /// RTMP connections, whoever they are.
    pub connections: usize,
    /// What is read from one publisher in a second; who sends more is slowed down.
    pub ingest_bytes_per_second: usize,
    /// Segments in a playlist.
    pub window: usize,
    /// Segments of one stream, in bytes.
    pub window_bytes: usize,
    /// The newest group of pictures of one stream, kept for outputs that connect, in bytes.
    pub gop_bytes: usize,
    /// What may wait for one output, in bytes.
    pub output_bytes: usize,
    /// Viewers of one stream that are counted.
    pub viewers: usize,
}

impl Default for MediaLimits {
    fn default() -> Self {
        Self {
            streams: 200,
            streams_per_owner: 2,
            connections: 256,
            ingest_bytes_per_second: 2 << 20,
            window: 6,
            window_bytes: 24 << 20,
            gop_bytes: 8 << 20,
            output_bytes: 4 << 20,
            viewers: 10_000,
        }
    }
}

/// How long is waited for what.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// From a connection to its first accepted `publish`.
    pub handshake: Duration,
    /// Without a byte from a publisher, or without one that an output's target takes.
    pub idle: Duration,
    /// From `publish` to the first key frame.
    pub first_picture: Duration,
    /// From the making of a stream to its first publisher.
    pub start: Duration,
    /// For a publisher that is gone.
    pub come_back: Duration,
    /// How long an ended stream can still be watched to its end.
    pub linger: Duration,
    /// A viewer that has not asked for so long is not watching any more.
    pub viewer: Duration,
    /// Between the first tries of an output; each next wait is twice as long, up to [`output_longest`](Self::output_longest).
    pub output_first: Duration,
    /// The longest wait between two tries of an output.
    pub output_longest: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            handshake: seconds(10),
            idle: seconds(20),
            first_picture: seconds(15),
            start: seconds(60),
            come_back: seconds(60),
            linger: seconds(60),
            viewer: seconds(20),
            output_first: seconds(1),
            output_longest: seconds(30),
        }
    }
}
