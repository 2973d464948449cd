//! Photos, streams straight to an address of the app's, and streams that the cloud makes watchable.

use std::sync::Arc;
use std::time::Duration;

use bifocal_protocol::apps::{
    CameraFovSet, DirectStreamStatus, FromApp, ManagedStreamRequest, ManagedStreamStatus, ManagedStreamStop,
    PhotoRequest, RtmpStreamRequest, StreamInfo, StreamStatusCheck, StreamStop, ToApp,
};
use bifocal_protocol::json::Object;
use bifocal_protocol::media::RestreamDestination;
use bifocal_protocol::streams::SubscriptionEntry;
use bytes::Bytes;

use crate::core::{Awaited, Lane, Reply, Upload};
use crate::error::Error;
use crate::hub::{EventStream, Parcel};
use crate::random;
use crate::session::Events;
use crate::shared::Shared;

const PHOTO: Duration = Duration::from_secs(30);
const STREAM: Duration = Duration::from_secs(30);
const CHECK: Duration = Duration::from_secs(5);

/// The camera. Everything needs the permission CAMERA.
#[derive(Debug, Clone)]
pub struct Camera {
    pub(crate) shared: Arc<Shared>,
}

/// How to take a photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhotoOptions {
    /// `small`, `medium`, `large`, `full`.
    pub size: String,
    /// `none`, `medium`, `heavy`.
    pub compress: String,
    /// Keep it on the glasses, too.
    pub save_to_gallery: bool,
    /// Make the shutter heard, or not; as the wearer likes otherwise.
    pub sound: Option<bool>,
    /// How long to wait.
    pub within: Duration,
}

impl Default for PhotoOptions {
    fn default() -> Self {
        let (size, compress) = ("medium".to_owned(), "none".to_owned());
        Self { size, compress, save_to_gallery: false, sound: None, within: PHOTO }
    }
}

/// A photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Photo {
    /// The request that it answers.
    pub request_id: String,
    /// The file.
    pub data: Bytes,
    /// `image/jpeg`, usually.
    pub mime_type: String,
    /// Its name, where it has one.
    pub filename: Option<String>,
}

/// A photo that went somewhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhotoReceipt {
    /// The request that it answers.
    pub request_id: String,
    /// Where it went.
    pub url: Option<String>,
}

/// A stream of the camera to an address of yours.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StreamOptions {
    /// `rtmp://` or `rtmps://`.
    pub rtmp_url: String,
    /// `width`, `height`, `bitrate`, `frameRate`.
    pub video: Option<Object>,
    /// `bitrate`, `sampleRate`, `echoCancellation`, `noiseSuppression`.
    pub audio: Option<Object>,
    /// `durationLimit` in seconds.
    pub stream: Option<Object>,
}

impl<T: Into<String>> From<T> for StreamOptions {
    fn from(rtmp_url: T) -> Self {
        Self { rtmp_url: rtmp_url.into(), ..Self::default() }
    }
}

/// A stream that the cloud makes watchable.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ManagedStreamOptions {
    /// `720p`, `1080p`.
    pub quality: Option<String>,
    /// Watch with less delay.
    pub enable_webrtc: Option<bool>,
    /// As in [`StreamOptions`].
    pub video: Option<Object>,
    /// As in [`StreamOptions`].
    pub audio: Option<Object>,
    /// As in [`StreamOptions`].
    pub stream: Option<Object>,
    /// Where else to send it.
    pub restream_destinations: Vec<RestreamDestination>,
}

/// Where a managed stream can be watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedStream {
    /// Its id.
    pub stream_id: Option<String>,
    /// For HLS players.
    pub hls_url: Option<String>,
    /// For DASH players; where a cloud has none, the same as `hls_url`.
    pub dash_url: Option<String>,
    /// WHEP.
    pub webrtc_url: Option<String>,
    /// A page to watch it on.
    pub preview_url: Option<String>,
    /// A picture of it.
    pub thumbnail_url: Option<String>,
}

impl Camera {
    /// Takes a photo, which comes to this app's own server (`photo_request`, then `POST /photo-upload`).
    ///
    /// # Errors
    /// [`Error::Refused`] with the code of the glasses (`CAMERA_BUSY` …); [`Error::Timeout`] after 30 s; [`Error::Ended`],
    /// [`Error::Full`].
    pub async fn photo(&self, options: PhotoOptions) -> Result<Photo, Error> {
        let upload = self.take(options, None, None).await?;
        let data = upload.content.unwrap_or_default();
        Ok(Photo { request_id: upload.request_id, data, mime_type: upload.mime_type, filename: upload.filename })
    }

    /// Takes a photo, which goes to another server. Clouds answer as soon as the glasses were asked, or when it is there.
    ///
    /// # Errors
    /// As [`photo`](Self::photo).
    pub async fn photo_to(&self, url: &str, token: Option<&str>, options: PhotoOptions) -> Result<PhotoReceipt, Error> {
        let upload = self.take(options, Some(url.to_owned()), token.map(str::to_owned)).await?;
        Ok(PhotoReceipt { request_id: upload.request_id, url: upload.url })
    }

    /// Lets the camera see more or less: 82 to 118 degrees, around `center`, `top` or `bottom` (`camera_fov_set`).
    ///
    /// # Errors
    /// [`Error::Invalid`] outside of that; [`Error::Ended`], [`Error::Full`].
    pub async fn set_fov(&self, degrees: u16, around: Option<&str>) -> Result<(), Error> {
        if !(82..=118).contains(&degrees) {
            return Err(Error::Invalid("a field of view has 82 to 118 degrees".to_owned()));
        }
        let roi_position = around.map(str::to_owned);
        let set = CameraFovSet { request_id: Some(random::id("fov_")), fov: degrees.into(), roi_position };
        self.shared.send(Lane::Ordered, &FromApp::CameraFovSet(set)).await
    }

    /// Streams to an RTMP address (`rtmp_stream_request`). Returns with the first status that says it is on its way or runs.
    ///
    /// # Errors
    /// [`Error::Refused`] when the glasses cannot; [`Error::Timeout`] after 30 s; [`Error::Ended`], [`Error::Full`].
    pub async fn start_stream(&self, options: impl Into<StreamOptions>) -> Result<DirectStreamStatus, Error> {
        let StreamOptions { rtmp_url, video, audio, stream } = options.into();
        if !rtmp_url.starts_with("rtmp://") && !rtmp_url.starts_with("rtmps://") {
            return Err(Error::Invalid("a stream goes to rtmp:// or rtmps://".to_owned()));
        }
        let request = FromApp::RtmpStreamRequest(RtmpStreamRequest { rtmp_url, video, audio, stream });
        match self.shared.request(Awaited::Stream, &request, STREAM).await? {
            Reply::Stream(status) => Ok(status),
            _ => Err(self.shared.over()),
        }
    }

    /// Ends a stream, or all of this app (`rtmp_stream_stop`).
    ///
    /// # Errors
    /// [`Error::Ended`], [`Error::Full`].
    pub async fn stop_stream(&self, stream_id: Option<&str>) -> Result<(), Error> {
        let stop = StreamStop { stream_id: stream_id.map(str::to_owned) };
        self.shared.send(Lane::Ordered, &FromApp::RtmpStreamStop(stop)).await
    }

    /// How streams to addresses are doing (`rtmp_stream_status`): those of this app, and those of others that the cloud tells about.
    ///
    /// # Errors
    /// [`Error::Ended`], [`Error::Full`].
    pub async fn stream_status(&self) -> Result<EventStream<DirectStreamStatus>, Error> {
        let wanted = vec![SubscriptionEntry::Name("rtmp_stream_status".to_owned())];
        self.events()
            .opened(wanted, |parcel| match parcel {
                Parcel::Message(ToApp::RtmpStreamStatus(status) | ToApp::StreamStatus(status)) => Some(status.clone()),
                Parcel::Data { stream: "rtmp_stream_status", data } => bifocal_protocol::json::decode(data).ok(),
                _ => None,
            })
            .await
    }

    /// Streams through the cloud, and waits until it can be watched (`managed_stream_request`).
    ///
    /// # Errors
    /// [`Error::Refused`] when it ends before that; [`Error::Timeout`] after 30 s; [`Error::Ended`], [`Error::Full`].
    pub async fn start_managed_stream(&self, options: ManagedStreamOptions) -> Result<ManagedStream, Error> {
        let ManagedStreamOptions { quality, enable_webrtc, video, audio, stream, restream_destinations } = options;
        let destinations = (!restream_destinations.is_empty()).then_some(restream_destinations);
        let request = FromApp::ManagedStreamRequest(ManagedStreamRequest {
            quality,
            enable_webrtc,
            video,
            audio,
            stream,
            restream_destinations: destinations,
            sound: None,
        });
        match self.shared.request(Awaited::Managed, &request, STREAM).await? {
            Reply::Managed(status) => Ok(ManagedStream {
                stream_id: status.stream_id,
                hls_url: status.hls_url,
                dash_url: status.dash_url,
                webrtc_url: status.webrtc_url,
                preview_url: status.preview_url,
                thumbnail_url: status.thumbnail_url,
            }),
            _ => Err(self.shared.over()),
        }
    }

    /// Ends it for this app (`managed_stream_stop`).
    ///
    /// # Errors
    /// [`Error::Ended`], [`Error::Full`].
    pub async fn stop_managed_stream(&self) -> Result<(), Error> {
        self.shared.send(Lane::Ordered, &FromApp::ManagedStreamStop(ManagedStreamStop {})).await
    }

    /// How the app's managed stream is doing (`managed_stream_status`).
    ///
    /// # Errors
    /// [`Error::Ended`], [`Error::Full`].
    pub async fn managed_stream_status(&self) -> Result<EventStream<ManagedStreamStatus>, Error> {
        let wanted = vec![SubscriptionEntry::Name("managed_stream_status".to_owned())];
        self.events()
            .opened(wanted, |parcel| match parcel {
                Parcel::Message(ToApp::ManagedStreamStatus(status)) => Some(status.clone()),
                _ => None,
            })
            .await
    }

    /// The stream that runs on the glasses, whoever started it; `None` without one (`stream_status_check`).
    ///
    /// # Errors
    /// [`Error::Timeout`] after 5 s; [`Error::Ended`], [`Error::Full`].
    pub async fn existing_stream(&self) -> Result<Option<StreamInfo>, Error> {
        let id = random::id("check_");
        let check = FromApp::StreamStatusCheck(StreamStatusCheck { request_id: Some(id.clone()) });
        match self.shared.request(Awaited::Check(id), &check, CHECK).await? {
            Reply::Check(response) => Ok(response.stream_info.filter(|_| response.has_active_stream)),
            _ => Ok(None),
        }
    }

    async fn take(&self, options: PhotoOptions, url: Option<String>, token: Option<String>) -> Result<Upload, Error> {
        let id = random::id("photo_req_");
        let awaited = Awaited::Photo { id: id.clone(), elsewhere: url.is_some() };
        let request = FromApp::PhotoRequest(PhotoRequest {
            request_id: id.clone(),
            save_to_gallery: options.save_to_gallery,
            size: options.size,
            compress: options.compress,
            custom_webhook_url: url,
            auth_token: token,
            sound: options.sound,
        });
        // The upload finds its session by this; forgotten in any case when this returns or is dropped.
        let _expected = self.shared.sessions.expect_photo(&id, &self.shared);
        match self.shared.request(awaited, &request, options.within).await? {
            Reply::Photo(upload) => Ok(upload),
            _ => Err(self.shared.over()),
        }
    }

    fn events(&self) -> Events {
        Events { shared: self.shared.clone() }
    }
}
