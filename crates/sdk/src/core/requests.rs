//! Requests that wait for their answer, each until its own deadline.
//!
//! | request | answered by | after a cut |
//! |---|---|---|
//! | `audio_play_request` | `audio_play_response` with its id | waits on: to ask again would play it twice |
//! | `audio_stream_start` | `audio_stream_ready` with its id | asked again |
//! | `photo_request` | an upload to our web server, or `photo_response` | waits on: to ask again would take two |
//! | `location_poll_request` | `location_update` with its correlation id | asked again |
//! | `app_direct_message` | `app_direct_message_response` with its id | waits on: it would arrive twice |
//! | `stream_status_check` | its response, by id or in order | asked again |
//! | `managed_stream_request` | `managed_stream_status` that is active and has an address, or has failed | asked again |
//! | `rtmp_stream_request` | `rtmp_stream_status` | waits on |
//! | `display_event` with `report` | `display_report` with its id | waits on |
//!
//! What had not been sent when the connection went is sent as soon as there is another one.

use std::time::Duration;

use bifocal_protocol::Text;
use bifocal_protocol::apps::{AppError, DirectStreamStatus, DisplayOutcome, ManagedStreamStatus, PhotoResponse, ToApp};
use bifocal_protocol::events::LocationUpdate;
use bifocal_protocol::media::{ManagedState, StreamState};
use bytes::Bytes;

use super::wire::{Moment, Reply, Ticket};
use crate::error::Error;

/// Requests of one session at the same time.
const MAX: usize = 256;

/// What a request waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// By request id.
    Audio(String),
    /// By stream id.
    OutputStream(String),
    /// By request id; whether the photo goes to somebody else's server.
    Photo { id: String, elsewhere: bool },
    /// By correlation id.
    Place(String),
    /// By message id.
    Direct(String),
    /// By request id, or in order.
    Check(String),
    /// The app's managed stream.
    Managed,
    /// The app's direct stream.
    Stream,
    /// By request id.
    Display(String),
}

/// What came to our web server for a photo request.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) request_id: String,
    pub(crate) content: Result<Bytes, UploadError>,
    pub(crate) mime_type: String,
    pub(crate) filename: Option<String>,
    /// Where the photo is, when it is not here.
    pub(crate) url: Option<String>,
}

/// Why there is no photo.
#[derive(Debug, Clone)]
pub(crate) struct UploadError {
    pub(crate) code: Option<String>,
    pub(crate) message: String,
}

#[derive(Debug)]
struct Pending {
    ticket: Ticket,
    awaited: Awaited,
    text: Text,
    until: Moment,
    within: Duration,
    sent: bool,
}

/// The requests of a session.
#[derive(Debug, Default)]
pub(super) struct Requests {
    pending: Vec<Pending>,
}

/// A call and what becomes of it.
pub(super) type Settled = (Ticket, Result<Reply, Error>);

impl Requests {
    /// One more.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn add(
        &mut self,
        ticket: Ticket,
        awaited: Awaited,
        text: Text,
        now: Moment,
        within: Duration,
        sent: bool,
    ) -> Result<(), Error> {
        if self.pending.len() == MAX {
            return Err(Error::Full { what: "requests" });
        }
        self.pending.push(Pending { ticket, awaited, text, until: now + within, within, sent });
        Ok(())
    }

    pub(super) fn next_deadline(&self) -> Option<Moment> {
        self.pending.iter().map(|pending| pending.until).min()
    }

    /// Those whose time is over.
    pub(super) fn late(&mut self, now: Moment) -> Vec<Settled> {
        let late = self.pending.extract_if(.., |pending| pending.until <= now);
        late.map(|pending| {
            let asked = pending.awaited.asked();
            (pending.ticket, Err(Error::Timeout { asked, after: pending.within, sent: pending.sent }))
        })
        .collect()
    }

    /// What is to be sent on a new connection.
    pub(super) fn take_unsent(&mut self) -> Vec<Text> {
        let again = self.pending.iter_mut().filter(|pending| !pending.sent || pending.awaited.may_be_asked_again());
        again
            .map(|pending| {
                pending.sent = true;
                pending.text.clone()
            })
            .collect()
    }

    /// Whether somebody waits for a place.
    pub(super) fn want_place(&self) -> bool {
        self.pending.iter().any(|pending| matches!(pending.awaited, Awaited::Place(_)))
    }

    /// A place with a correlation id.
    pub(super) fn place(&mut self, place: LocationUpdate) -> Option<Settled> {
        let id = place.correlation_id.clone()?;
        let ticket = self.take(|awaited| *awaited == Awaited::Place(id.clone()))?;
        Some((ticket, Ok(Reply::Place(place))))
    }

    /// A photo, or why there is none.
    pub(super) fn uploaded(&mut self, upload: Upload) -> Option<Settled> {
        let ticket = self.take(|awaited| matches!(awaited, Awaited::Photo { id, .. } if *id == upload.request_id))?;
        let outcome = match &upload.content {
            Ok(_) => Ok(Reply::Photo(upload)),
            Err(error) => Err(refused("photo_request", error.code.clone(), error.message.clone())),
        };
        Some((ticket, outcome))
    }

    /// Whether the message answers a request.
    pub(super) fn answered(&mut self, message: &ToApp) -> Option<Settled> {
        match message {
            ToApp::AudioPlayResponse(response) => {
                let ticket = self.take(|awaited| *awaited == Awaited::Audio(response.request_id.clone()))?;
                let why = || response.error.clone().unwrap_or_else(|| "the phone did not play it".to_owned());
                let failed = || Err(refused("audio_play_request", None, why()));
                let played = Ok(Reply::Audio(response.clone()));
                Some((ticket, if response.success { played } else { failed() }))
            }
            ToApp::AudioStreamReady(ready) => {
                let ticket = self.take(|awaited| *awaited == Awaited::OutputStream(ready.stream_id.clone()))?;
                Some((ticket, Ok(Reply::OutputStream(ready.clone()))))
            }
            ToApp::PhotoResponse(response) => self.photo_response(response),
            ToApp::AppDirectMessageResponse(response) => {
                let ticket = self.take(|awaited| *awaited == Awaited::Direct(response.message_id.clone()))?;
                Some((ticket, Ok(Reply::Direct(response.clone()))))
            }
            ToApp::StreamStatusCheckResponse(response) => {
                // A cloud that does not echo the id answers in order.
                let fits = |id: &String| response.request_id.as_ref().is_none_or(|echoed| echoed == id);
                let ticket = self.take(|awaited| matches!(awaited, Awaited::Check(id) if fits(id)))?;
                Some((ticket, Ok(Reply::Check(Box::new(response.clone())))))
            }
            ToApp::ManagedStreamStatus(status) => self.managed(status),
            ToApp::RtmpStreamStatus(status) | ToApp::StreamStatus(status) => self.stream(status),
            ToApp::DisplayReport(report) if report.outcome != DisplayOutcome::Held => {
                let id = report.request_id.clone()?;
                let ticket = self.take(|awaited| *awaited == Awaited::Display(id.clone()))?;
                Some((ticket, Ok(Reply::Display(report.clone()))))
            }
            _ => None,
        }
    }

    /// The reference cloud answers what it refuses with an error that names no request, and hangs up at once with 1008. It is
    /// about the oldest request for the camera, or else the oldest of all.
    pub(super) fn hung_up_upon(&mut self, error: &AppError) -> Option<Settled> {
        let sent = |pending: &Pending| pending.sent;
        let camera = self.pending.iter().position(|pending| sent(pending) && pending.awaited.is_about_the_camera());
        let at = camera.or_else(|| self.pending.iter().position(sent))?;
        let Pending { ticket, awaited, .. } = self.pending.remove(at);
        let code = serde_json::to_value(error.code).ok().and_then(|code| code.as_str().map(str::to_owned));
        Some((ticket, Err(refused(awaited.asked(), code, error.message.clone()))))
    }

    /// All of them, because the session is over.
    pub(super) fn all(&mut self) -> Vec<Ticket> {
        std::mem::take(&mut self.pending).into_iter().map(|pending| pending.ticket).collect()
    }

    fn photo_response(&mut self, response: &PhotoResponse) -> Option<Settled> {
        let is_it = |awaited: &Awaited| matches!(awaited, Awaited::Photo { id, .. } if *id == response.request_id);
        let elsewhere = self.pending.iter().find_map(|pending| match &pending.awaited {
            Awaited::Photo { elsewhere, .. } if is_it(&pending.awaited) => Some(*elsewhere),
            _ => None,
        })?;
        if !response.success {
            let ticket = self.take(is_it)?;
            let error = response.error.clone().unwrap_or_default();
            let code = Some(error.code).filter(|code| !code.is_empty());
            return Some((ticket, Err(refused("photo_request", code, error.message))));
        }
        // A photo for ourselves comes as an upload; the message may be ahead of it.
        if !elsewhere {
            return None;
        }
        let ticket = self.take(is_it)?;
        let upload = Upload {
            request_id: response.request_id.clone(),
            content: Ok(Bytes::new()),
            mime_type: String::new(),
            filename: None,
            url: response.photo_url.clone(),
        };
        Some((ticket, Ok(Reply::Photo(upload))))
    }

    fn managed(&mut self, status: &ManagedStreamStatus) -> Option<Settled> {
        let is_there = |url: &Option<String>| url.as_ref().is_some_and(|url| !url.is_empty());
        let outcome = match status.status {
            ManagedState::Active if is_there(&status.hls_url) || is_there(&status.dash_url) => {
                Ok(Reply::Managed(Box::new(status.clone())))
            }
            ManagedState::Error | ManagedState::Stopped => {
                let why =
                    status.message.clone().unwrap_or_else(|| "the stream ended before it could be watched".into());
                Err(refused("managed_stream_request", None, why))
            }
            _ => return None,
        };
        Some((self.take(|awaited| *awaited == Awaited::Managed)?, outcome))
    }

    fn stream(&mut self, status: &DirectStreamStatus) -> Option<Settled> {
        let outcome = match status.status {
            StreamState::Initializing | StreamState::Active => Ok(Reply::Stream(status.clone())),
            StreamState::Stopping => return None,
            StreamState::Stopped | StreamState::Error | StreamState::Timeout => {
                let why = status.error_details.clone().unwrap_or_else(|| "the stream ended".to_owned());
                Err(refused("rtmp_stream_request", None, why))
            }
        };
        Some((self.take(|awaited| *awaited == Awaited::Stream)?, outcome))
    }

    fn take(&mut self, fits: impl Fn(&Awaited) -> bool) -> Option<Ticket> {
        let at = self.pending.iter().position(|pending| fits(&pending.awaited))?;
        Some(self.pending.remove(at).ticket)
    }
}

fn refused(asked: &'static str, code: Option<String>, message: String) -> Error {
    Error::Refused { asked, code, message }
}

impl Awaited {
    /// The `type` of the request.
    fn asked(&self) -> &'static str {
        match self {
            Awaited::Audio(_) => "audio_play_request",
            Awaited::OutputStream(_) => "audio_stream_start",
            Awaited::Photo { .. } => "photo_request",
            Awaited::Place(_) => "location_poll_request",
            Awaited::Direct(_) => "app_direct_message",
            Awaited::Check(_) => "stream_status_check",
            Awaited::Managed => "managed_stream_request",
            Awaited::Stream => "rtmp_stream_request",
            Awaited::Display(_) => "display_event",
        }
    }

    fn may_be_asked_again(&self) -> bool {
        matches!(self, Awaited::OutputStream(_) | Awaited::Place(_) | Awaited::Check(_) | Awaited::Managed)
    }

    fn is_about_the_camera(&self) -> bool {
        matches!(self, Awaited::Photo { .. } | Awaited::Managed | Awaited::Stream)
    }
}
