//! Who carries managed streams: this process, Cloudflare, or nobody; and the sweep of what a crash left behind.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bifocal_media::{
    Cloudflare, CloudflareConfig, ManagedProvider, Media, MediaConfig, MediaLimits, Paces, Patience, Permits, Recording,
};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use url::Url;

use crate::calls::guard::NetworkPolicy;
use crate::config::ServerConfig;
use crate::lifecycle::StartError;

/// How often orphans are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);
/// Where Cloudflare is.
const CLOUDFLARE: &str = "https://api.cloudflare.com/client/v4";

/// Who carries managed streams.
#[derive(Clone, Default)]
pub enum StreamsConfig {
    /// Nobody: apps that ask are told so.
    #[default]
    Off,
    /// This process.
    Embedded(EmbeddedStreams),
    /// Cloudflare Stream.
    Cloudflare {
        /// The account's identifier.
        account: String,
        /// An API token with the permission to edit Stream.
        token: String,
        /// Streams of one wearer.
        per_user: usize,
    },
}

impl std::fmt::Debug for StreamsConfig {
    /// Without the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            StreamsConfig::Off => "Off",
            StreamsConfig::Embedded(_) => "Embedded",
            StreamsConfig::Cloudflare { .. } => "Cloudflare",
        })
    }
}

/// The media server in this process.
#[derive(Debug, Clone)]
pub struct EmbeddedStreams {
    /// Where RTMP is listened to; port 0 takes a free one.
    pub listen: SocketAddr,
    /// A taken address is an error. Otherwise the server starts without managed streams and says so.
    pub required: bool,
    /// How glasses reach it, `rtmp://host:port`; the host of the public URL and the port of `listen` when absent.
    pub publish_base: Option<String>,
    /// Where recordings go, when apps ask for them, and how long they stay. Nothing is recorded without.
    pub recordings: Option<(PathBuf, Duration)>,
    /// The `ffmpeg` program, for thumbnails.
    pub ffmpeg: Option<PathBuf>,
    /// Streams of one wearer.
    pub per_user: usize,
}

/// What runs.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    /// For sessions.
    pub(crate) provider: Option<Arc<dyn ManagedProvider>>,
    /// For viewers and numbers, when it is this process.
    pub(crate) media: Option<Media>,
}

impl Streams {
    /// Starts who was chosen.
    pub(crate) async fn begin(config: &ServerConfig, public_url: &str) -> Result<Streams, StartError> {
        match &config.streams {
            StreamsConfig::Off => Ok(Streams::default()),
            StreamsConfig::Embedded(embedded) => {
                let media = Media::start(media_config(embedded, &config.networks, public_url)).await;
                match media {
                    Ok(media) => Ok(Streams { provider: Some(Arc::new(media.clone())), media: Some(media) }),
                    Err(error) if embedded.required => Err(StartError::Media(error)),
                    Err(error) => {
                        warn!(%error, "managed streams are off");
                        Ok(Streams::default())
                    }
                }
            }
            StreamsConfig::Cloudflare { account, token, per_user } => {
                let provider = Cloudflare::new(CloudflareConfig {
                    api: CLOUDFLARE.to_owned(),
                    account: account.clone(),
                    token: token.clone(),
                    node: node(config),
                    streams_per_owner: *per_user,
                    paces: Paces::default(),
                });
                Ok(Streams { provider: Some(Arc::new(provider.map_err(StartError::Client)?)), media: None })
            }
        }
    }

    /// Looks for orphans, at the start and every hour.
    pub(crate) fn sweep(&self, shutdown: CancellationToken) {
        let Some(provider) = self.provider.clone() else { return };
        tokio::spawn(async move {
            loop {
                match provider.sweep().await {
                    Ok(0) => {}
                    Ok(count) => info!(count, "streams that nobody has any more were deleted"),
                    Err(error) => warn!(%error, "orphaned streams cannot be looked for"),
                }
                tokio::select! {
                    () = tokio::time::sleep(SWEEP_EVERY) => {}
                    () = shutdown.cancelled() => return,
                }
            }
        });
    }

    /// Ends every stream.
    pub(crate) async fn stop(&self) {
        if let Some(provider) = &self.provider {
            provider.stop().await;
        }
    }
}

fn media_config(embedded: &EmbeddedStreams, networks: &NetworkPolicy, public_url: &str) -> MediaConfig {
    let networks = networks.clone();
    MediaConfig {
        listen: embedded.listen,
        publish_base: embedded.publish_base.clone().or_else(|| publish_base(embedded.listen, public_url)),
        viewer_base: public_url.to_owned(),
        // An app chooses where its copies go, as it chooses where its webhook is.
        permits: Permits(Arc::new(move |address| networks.permits(address))),
        tls: None,
        recording: embedded.recordings.clone().map(|(folder, keep)| Recording { folder, keep }),
        ffmpeg: embedded.ffmpeg.clone(),
        limits: MediaLimits { streams_per_owner: embedded.per_user, ..MediaLimits::default() },
        patience: Patience::default(),
    }
}

/// The host by which everybody knows the server, with the port of RTMP; unknown before a free port was taken.
fn publish_base(listen: SocketAddr, public_url: &str) -> Option<String> {
    let host = Url::parse(public_url).ok()?.host_str()?.to_owned();
    (listen.port() != 0).then(|| format!("rtmp://{host}:{}", listen.port()))
}

/// The same after a restart, and nobody else's.
fn node(config: &ServerConfig) -> String {
    hex::encode(&Sha256::digest([b"node", config.admin_key.as_bytes()].concat())[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glasses_publish_where_the_cloud_is_known() {
        let listen = "0.0.0.0:1935".parse().expect("an address");
        let base = |url| publish_base(listen, url);
        assert_eq!(base("https://cloud.example").as_deref(), Some("rtmp://cloud.example:1935"));
        assert_eq!(base("http://[::1]:8002").as_deref(), Some("rtmp://[::1]:1935"));
        assert_eq!(publish_base("127.0.0.1:0".parse().expect("an address"), "http://a.example"), None);
    }
}
