//! The camera: pictures and streams that apps ask for, on the socket of the phone.

use std::sync::Arc;

use super::dial::Socket;
use super::heard::PhotoRequest;
use super::rest::{Photo, upload};
use super::streams::{KeepAlive, Report, StreamRequest, StreamStop};
use super::task::{End, Task, text};
use super::{PhoneEvent, says};
use crate::card;
use crate::screen::local_now;

/// Pictures on their way at a time; a camera takes one after the other, so more is somebody's error.
const MAX_UPLOADS: usize = 4;

/// Whether the camera works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CameraState {
    /// It takes pictures, and streams.
    #[default]
    On,
    /// There is none, or it is broken: `CAMERA_INIT_FAILED`.
    Off,
    /// Something else uses it: `CAMERA_BUSY`.
    Busy,
}

impl CameraState {
    /// `on`, `off`, `busy`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Busy => "busy",
        }
    }
}

/// What the camera sees, and whether it works.
#[derive(Debug, Clone, Default)]
pub(super) struct Camera {
    /// The test card when there is none.
    pub(super) photo: Option<Photo>,
    pub(super) state: CameraState,
}

impl Camera {
    /// Why it cannot be used: a code of the wire, and words.
    fn refusal(&self) -> Option<(&'static str, &'static str)> {
        match self.state {
            CameraState::On => None,
            CameraState::Off => Some(("CAMERA_INIT_FAILED", "the camera is off")),
            CameraState::Busy => Some(("CAMERA_BUSY", "something else uses the camera")),
        }
    }
}

/// The picture that is taken for a request.
async fn taken(photo: Option<Photo>, request: &PhotoRequest) -> Result<Photo, String> {
    if let Some(photo) = photo {
        return Ok(photo);
    }
    let (size, compress, now) = (request.size.clone(), request.compress.clone(), local_now());
    // Pixels are work: not on the thread that all sockets share.
    let drawn = tokio::task::spawn_blocking(move || card::jpeg(&size, &compress, now)).await;
    match drawn {
        Ok(Ok(file)) => Ok(Photo::new(file)),
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// What became of a picture: where it went, or the code of the wire and why there is none.
pub(super) type Shot = (PhotoRequest, Result<String, (&'static str, String)>);

impl Task {
    pub(super) async fn shoot(&mut self, socket: &mut Socket, request: PhotoRequest) -> Result<(), End> {
        if request.request_id.is_empty() || request.app_id.is_empty() {
            let message = "a photo_request without requestId or appId: phones drop it".to_owned();
            self.shared.tell(PhoneEvent::Error { message });
            return Ok(());
        }
        let refusal = match self.camera.refusal() {
            Some(refusal) => Some(refusal),
            None if self.streams.is_on() => Some(("CAMERA_BUSY", "the camera streams")),
            None if self.uploads.len() >= MAX_UPLOADS => Some(("CAMERA_BUSY", "too many pictures at a time")),
            None => None,
        };
        if let Some((code, why)) = refusal {
            return self.no_photo(socket, request, code, why.to_owned()).await;
        }
        let (http, photo) = (Arc::clone(&self.http), self.camera.photo.clone());
        self.uploads.spawn(async move {
            let outcome = match taken(photo, &request).await {
                Ok(photo) => upload(&http, &request, &photo).await.map_err(|why| ("UPLOAD_FAILED", why)),
                Err(why) => Err(("CAMERA_CAPTURE_FAILED", why)),
            };
            (request, outcome)
        });
        Ok(())
    }

    pub(super) async fn uploaded(&mut self, socket: &mut Socket, (request, outcome): Shot) -> Result<(), End> {
        match outcome {
            // The app has the picture; real phones say nothing more.
            Ok(host) => {
                self.shared.tell(PhoneEvent::Photo { package: request.app_id, outcome: Ok(host) });
                Ok(())
            }
            Err((code, why)) => self.no_photo(socket, request, code, why).await,
        }
    }

    async fn no_photo(
        &mut self,
        socket: &mut Socket,
        request: PhotoRequest,
        code: &str,
        why: String,
    ) -> Result<(), End> {
        let answer = text(&says::no_photo(&request.request_id, code, &why));
        self.shared.tell(PhoneEvent::Photo { package: request.app_id, outcome: Err(why) });
        self.send(socket, answer).await
    }

    pub(super) async fn stream(&mut self, socket: &mut Socket, request: StreamRequest) -> Result<(), End> {
        let report = match self.camera.refusal() {
            _ if !self.streams.are_known() => {
                return self.unknown(if request.new_names { "start_stream" } else { "start_rtmp_stream" });
            }
            Some((code, why)) => request.refused(&format!("{code}: {why}")),
            None => self.streams.start(request),
        };
        self.streamed(socket, report).await
    }

    pub(super) async fn end_stream(&mut self, socket: &mut Socket, stop: StreamStop) -> Result<(), End> {
        if !self.streams.are_known() {
            return self.unknown(if stop.new_names { "stop_stream" } else { "stop_rtmp_stream" });
        }
        match self.streams.stop(stop) {
            Some(report) => self.streamed(socket, report).await,
            None => Ok(()),
        }
    }

    pub(super) async fn keep_alive(&mut self, socket: &mut Socket, asked: KeepAlive) -> Result<(), End> {
        if !self.streams.are_known() {
            return self.unknown("keep_rtmp_stream_alive");
        }
        // Glasses that do not stream it do not answer.
        if !self.streams.goes_on(&asked.stream_id) {
            return Ok(());
        }
        self.send(socket, text(&says::alive(&asked.stream_id, &asked.ack_id))).await
    }

    /// A stream is otherwise than before.
    pub(super) async fn streamed(&mut self, socket: &mut Socket, report: Report) -> Result<(), End> {
        self.tell_stream(&report);
        self.say_stream(socket, report).await
    }

    /// Says how a stream is; once more after a reconnection when it does not get through.
    pub(super) async fn say_stream(&mut self, socket: &mut Socket, report: Report) -> Result<(), End> {
        let message = text(&says::stream(&report));
        self.unsaid = Some(report);
        self.send(socket, message).await?;
        self.unsaid = None;
        Ok(())
    }

    /// Tells the wearer how a stream is.
    pub(super) fn tell_stream(&self, report: &Report) {
        let Report { stream, app, status, why, .. } = report;
        let (stream, package, why) = (stream.clone(), app.clone(), why.clone());
        self.shared.tell(PhoneEvent::Stream { stream, package, status: (*status).to_owned(), why });
    }

    fn unknown(&self, kind: &str) -> Result<(), End> {
        self.shared.tell(PhoneEvent::Other { kind: kind.to_owned() });
        Ok(())
    }
}
