//! The camera of the glasses: photos, direct streams, managed streams. There is one camera; `lease.rs` says who has it.

mod keep_alive;
mod lease;
pub(crate) mod managed;
pub(crate) mod outputs;
pub(crate) mod photos;
pub(crate) mod streams;

pub(crate) use lease::{Busy, NotReady};
pub use outputs::{OutputAsk, OutputRefused, OutputView, StreamAsk};
pub(crate) use photos::{Photo, PhotoManager};
pub(crate) use streams::VideoManager;

use std::sync::Arc;

use bifocal_protocol::app::AppRecord;

/// What a session is told once about the camera.
#[derive(Debug, Clone, Default)]
pub struct CameraConfig {
    /// Where phones upload photos: a token is appended as the last part of the path.
    pub upload_url: String,
    /// Photos for SDK v2 and for an app's own URL go there from the phone, not through this server.
    pub direct_photos: bool,
    /// There is somebody who carries managed streams.
    pub managed_streams: bool,
}

/// A photo that a phone uploads to this server.
#[derive(Debug, Clone, PartialEq)]
pub struct PhotoUpload {
    /// The secret in the URL of the upload; good for one.
    pub token: String,
    /// Who asked.
    pub app: Arc<AppRecord>,
    /// The app's name for its request: outside text.
    pub request_id: String,
    /// What becomes of it.
    pub goes: PhotoGoes,
    /// The wearer keeps it, too.
    pub save_to_gallery: bool,
}

/// Where a photo goes that was uploaded to this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhotoGoes {
    /// To `/photo-upload` of the app's server, as SDK v2 wants it.
    ToApp,
    /// To a URL that the app has named, with its token.
    ToUrl {
        /// Where: outside text.
        url: String,
        /// Shown there as a bearer token.
        auth_token: Option<String>,
    },
    /// It stays, and the app is told where it can be fetched (SDK v3).
    Stays,
}

/// A photo that was uploaded and is where it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhotoTaken {
    /// Where it can be fetched.
    pub url: Option<String>,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// It is in the wearer's gallery.
    pub saved: bool,
}

/// Why there is no photo, for `POST <app url>/photo-upload`: all that SDK v2 listens to.
#[derive(Debug, Clone, PartialEq)]
pub struct PhotoFailure {
    /// Who asked.
    pub app: Arc<AppRecord>,
    /// The app's name for its request: outside text.
    pub request_id: String,
    /// The code, as on the socket.
    pub code: String,
    /// For a person.
    pub message: String,
}

/// What is wanted of whoever carries managed streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaCall {
    /// Make a stream. Answered with [`Outcome::Media`](crate::Outcome::Media); one that nobody wants any more by then is deleted.
    Create {
        /// The session's name for it, as apps know it.
        stream: String,
        /// Where else it goes.
        outputs: Vec<MediaOutput>,
    },
    /// Send a copy to another server. Answered with [`Outcome::Output`](crate::Outcome::Output).
    AddOutput {
        /// The provider's name of the stream.
        media: String,
        /// Where to.
        output: MediaOutput,
    },
    /// End a copy. Answered with [`Outcome::Saved`](crate::Outcome::Saved).
    RemoveOutput {
        /// The provider's name of the stream.
        media: String,
        /// The provider's name of the copy.
        output: String,
    },
    /// End a stream and all that belongs to it. Nobody waits.
    Delete {
        /// The session's name for it.
        stream: String,
        /// The provider's name of it.
        media: String,
    },
}

/// Another server that gets a copy of a stream.
#[derive(Clone, PartialEq, Eq)]
pub struct MediaOutput {
    /// `rtmp://` or `rtmps://`, with a key at its end: a secret.
    pub url: String,
    /// For people.
    pub name: Option<String>,
}

impl std::fmt::Debug for MediaOutput {
    /// Without the URL: it ends with a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MediaOutput").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A managed stream that was made.
#[derive(Clone, PartialEq, Eq)]
pub struct MediaMade {
    /// The session's name for it.
    pub stream: String,
    /// The provider's name of it.
    pub media: String,
    /// Where the glasses publish: a secret.
    pub publish_url: String,
    /// Where people watch.
    pub urls: MediaUrls,
    /// The provider's names of the copies, in the order of the wish.
    pub outputs: Vec<String>,
}

impl std::fmt::Debug for MediaMade {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MediaMade").field("media", &self.media).field("urls", &self.urls).finish_non_exhaustive()
    }
}

/// Where a managed stream can be watched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MediaUrls {
    /// The HLS playlist.
    pub hls: String,
    /// What SDKs call `dashUrl`; never empty.
    pub dash: String,
    /// WHEP, where there is any.
    pub webrtc: Option<String>,
    /// A page with a player.
    pub preview: String,
    /// A picture.
    pub thumbnail: String,
}

/// How a managed stream is doing, from whoever carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaReport {
    /// The provider's name of it.
    pub media: String,
    /// How far it is.
    pub phase: MediaPhase,
    /// How many people watch.
    pub viewers: u32,
    /// The copies, by the provider's name.
    pub outputs: Vec<(String, OutputState)>,
    /// Why the last publisher was sent away, in words of the provider.
    pub trouble: Option<String>,
}

/// How far a managed stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaPhase {
    /// Nobody publishes.
    Waiting,
    /// Somebody publishes; nothing can be watched yet.
    Preparing,
    /// It can be watched: a playlist with a segment was fetched.
    Live,
    /// The publisher is gone and may come back.
    Lost,
    /// It is over, and for what reason: a word of the provider.
    Ended(&'static str),
}

/// How a copy of a stream is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputState {
    /// Being connected.
    Connecting,
    /// It works.
    Active,
    /// The last try failed, for this reason.
    Failed(String),
}
