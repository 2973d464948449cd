//! Everything a session can want done.

use std::sync::Arc;

use bifocal_protocol::app::AppRecord;
use bifocal_protocol::capabilities::Capabilities;
use bifocal_protocol::close::Close;
use bifocal_protocol::glasses::SessionSnapshot;
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::layout::View;
use bifocal_protocol::settings::{AppSetting, SystemSettings};
use bifocal_protocol::webhook::StopReason;
use bifocal_protocol::{Message, Text};
use bytes::Bytes;

use crate::apps::StartFailure;
use crate::camera::{MediaCall, OutputRefused, OutputView, PhotoFailure, PhotoUpload};
use crate::input::{AskId, CallId, ConnId, EndReason};
use crate::links::Side;
use crate::peers::PeerRequest;
use crate::speech::{SpeechCommand, SpeechId, Transcript, WordsLag};
use crate::summary::SessionSummary;
use crate::view::SessionView;

/// One thing to be done, by the driver, in the order of the list.
#[derive(Debug)]
pub enum Effect {
    /// Write a text frame.
    Send {
        /// To which socket.
        conn: ConnId,
        /// How it may be treated when the socket is slow.
        lane: Lane,
        /// What.
        text: Text,
    },
    /// Write a binary frame: sound.
    SendBinary {
        /// To which socket.
        conn: ConnId,
        /// What.
        data: Bytes,
    },
    /// Sound that an app sends while the phone fetches it.
    Audio {
        /// The part of its address that nobody can guess.
        stream: Arc<str>,
        /// What.
        what: AudioOut,
    },
    /// Write a ping frame.
    Ping {
        /// To which socket.
        conn: ConnId,
    },
    /// Write a close frame after everything that was sent before, then close.
    Close {
        /// Which socket.
        conn: ConnId,
        /// With what code and reason.
        close: Close,
    },
    /// Drop the socket without a word: the SDK then comes back.
    Abort {
        /// Which socket.
        conn: ConnId,
    },
    /// Do something slow and report with [`Input::CallDone`](crate::Input::CallDone).
    Call {
        /// Its number.
        call: CallId,
        /// What.
        what: Call,
    },
    /// Nobody waits for this call any more.
    Cancel {
        /// Its number.
        call: CallId,
    },
    /// An app says something to its other users, or they must know something of it.
    Peers {
        /// Which app.
        package: PackageName,
        /// What.
        what: PeerRequest,
    },
    /// Something for a stream of a speech engine.
    Speech {
        /// Which.
        stream: SpeechId,
        /// What.
        command: SpeechCommand,
    },
    /// Answer an [`Ask`](crate::Ask).
    Answer {
        /// Which.
        ask: AskId,
        /// With what.
        answer: Answer,
    },
    /// Something worth a log line or a counter.
    Note(Note),
    /// The session is over; forget it.
    Ended {
        /// Why.
        reason: EndReason,
        /// What it was, in numbers.
        summary: Box<SessionSummary>,
    },
}

/// What happens to a stream of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AudioOut {
    /// It can be fetched from now on.
    Begin,
    /// The next of it, MP3.
    Sound(Bytes),
    /// There is no more; what has not been fetched yet can be.
    End,
}

/// How a frame may be treated when its socket is slower than its sender. Order is kept among all lanes of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Never dropped; too many of them close the socket.
    Control,
    /// A newer frame with the same key replaces the older one in its place.
    Latest(LatestKey),
    /// Kept in order within a budget of bytes and age.
    Data,
    /// The oldest is dropped first.
    Audio,
}

/// What a [`Lane::Latest`] frame is the newest of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LatestKey {
    /// The frame of a view.
    Display(View),
    /// Which apps run.
    AppState,
    /// What the microphone shall do.
    Mic,
}

/// Something slow.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// Read the user's record. Answered with [`Outcome::User`](crate::Outcome::User).
    LoadUser,
    /// POST to `<app url>/webhook`.
    Webhook {
        /// Start or stop.
        kind: WebhookKind,
        /// Which app; the request goes to its URL and is signed with its key.
        app: Arc<AppRecord>,
        /// The app's session id.
        session_id: Arc<str>,
        /// The JSON body.
        body: Text,
        /// The same for every attempt of one request.
        idempotency_key: String,
    },
    /// Ask an app's server whether it is well. Answered with [`Outcome::Health`](crate::Outcome::Health).
    Health {
        /// Which app.
        app: Arc<AppRecord>,
    },
    /// Write down whether the user wants an app to run.
    SaveRunning {
        /// Which app.
        package: PackageName,
        /// Whether.
        running: bool,
    },
    /// Write down the system settings.
    SaveSettings(Box<SystemSettings>),
    /// Ask a provider what the weather is. Answered with [`Outcome::Weather`](crate::Outcome::Weather).
    Weather {
        /// Degrees north, to a tenth.
        latitude: f64,
        /// Degrees east, to a tenth.
        longitude: f64,
    },
    /// Wait for a photo that a phone uploads, and pass it on. Answered with [`Outcome::Photo`](crate::Outcome::Photo).
    Photo(Box<PhotoUpload>),
    /// Tell an app's server that there is no photo. Nobody waits.
    PhotoFailed(Box<PhotoFailure>),
    /// Ask whoever carries managed streams for something.
    Media(Box<MediaCall>),
    /// Check a core token that a client sent on an open socket.
    VerifyToken {
        /// The token.
        token: String,
    },
}

/// Which of the two webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WebhookKind {
    /// `session_request`: one attempt; the session decides about another.
    Start,
    /// `stop_request`: tried up to three times in the background, nobody waits for it.
    Stop,
}

/// The answer to an [`Ask`](crate::Ask).
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The app runs.
    Started,
    /// The app does not run, and why.
    StartFailed(StartFailure),
    /// The app is stopped, or was not running.
    Stopped,
    /// The user has no such app.
    NotInstalled,
    /// The settings of an app.
    Settings(Vec<AppSetting>),
    /// The app does not run.
    NotRunning,
    /// A report was taken.
    Noted,
    /// A report about the glasses was taken; this is known of them now.
    Device {
        /// Whether the phone has them.
        connected: bool,
        /// Which.
        model: Option<String>,
        /// What they can do.
        capabilities: Option<Arc<Capabilities>>,
    },
    /// What was said.
    Transcripts(Vec<Transcript>),
    /// The last ten seconds of sound: signed 16 bit, little-endian, 16 kHz, mono.
    RecentSound(Bytes),
    /// The app may not have that.
    NotPermitted,
    /// The copies of a managed stream, as the app may see them.
    Outputs(Vec<OutputView>),
    /// A copy is made, and its name.
    OutputAdded(String),
    /// A copy is gone.
    OutputRemoved,
    /// Nothing was done about the copies.
    OutputRefused(OutputRefused),
    /// The session as it is.
    View(Box<SessionView>),
    /// The session ended before there was an answer.
    SessionEnded,
}

/// Something worth a log line or a counter. Never outside text: only names of ours, packages of the catalogue, numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    /// Glasses came; `reconnection` when the session was there before.
    GlassesConnected {
        /// Whether the session was there before.
        reconnection: bool,
    },
    /// Glasses went; grace begins.
    GlassesLost {
        /// The close code.
        code: u16,
    },
    /// An app start began.
    AppStarting(PackageName),
    /// An app is connected.
    AppRunning {
        /// Which.
        package: PackageName,
        /// Milliseconds since its start or its loss.
        after: u64,
        /// Whether it was started, and did not only come back.
        started: bool,
    },
    /// An app came back within its grace.
    AppReturned(PackageName),
    /// An app start failed.
    AppFailed(PackageName, StartFailure),
    /// An app's socket went; grace begins.
    AppLost {
        /// Which.
        package: PackageName,
        /// The close code.
        code: u16,
    },
    /// An app ended its own session.
    AppEnded(PackageName),
    /// An app has failed too often and is not tried any more.
    AppGivenUp(PackageName),
    /// Messages were held for an app and are sent, or were too many.
    HeldSent {
        /// Which app.
        package: PackageName,
        /// Sent.
        sent: u64,
        /// Dropped.
        dropped: u64,
    },
    /// An app was stopped.
    AppStopped(PackageName, StopReason),
    /// An app was not let in.
    AppRejected(Side, &'static str),
    /// A message could not be read.
    Malformed(Side),
    /// A frame was above the size limit.
    Oversized(Side),
    /// A message of a type that this server does not know.
    UnknownType(Side),
    /// An app spoke in another app's name.
    ForeignPackage(PackageName),
    /// A subscription was refused for lack of a permission.
    SubscriptionRefused(PackageName),
    /// An app has asked for a photo, and gets one if all goes well.
    PhotoAsked(PackageName),
    /// A photo that an app has asked for is where it should be, or there is none.
    PhotoEnded {
        /// Who asked.
        package: PackageName,
        /// `ok`, or a code of those that are known.
        result: &'static str,
        /// Milliseconds since it was asked for.
        after: u64,
    },
    /// An answer to a photo that is over.
    PhotoLate,
    /// A stream of the camera began.
    StreamBegan {
        /// Who asked.
        package: PackageName,
        /// Through the cloud.
        managed: bool,
    },
    /// A stage of its beginning is done.
    StreamStage {
        /// `place` (managed: there is a place to publish to), `start` (the glasses stream), `watch` (managed: it can be watched).
        stage: &'static str,
        /// Milliseconds since the one before it, or since it was asked for.
        after: u64,
    },
    /// It is over.
    StreamEnded {
        /// Through the cloud.
        managed: bool,
        /// Why.
        reason: &'static str,
        /// Milliseconds since it was asked for.
        after: u64,
    },
    /// A stored record could not be read or written.
    StoreFailed(String),
    /// A stream of a speech engine is over, against its will.
    SpeechFailed {
        /// Which engine, if it is known.
        engine: Option<Arc<str>>,
        /// What kind of failure.
        fault: &'static str,
    },
    /// An engine took over too late: so much sound was not recognised.
    SpeechGap {
        /// Milliseconds.
        ms: u64,
    },
    /// An engine is behind.
    SpeechBacklog {
        /// Which.
        engine: Option<Arc<str>>,
        /// By how many milliseconds of sound.
        ms: u64,
    },
    /// An engine has recognised something.
    SpeechHeard {
        /// Which.
        engine: Option<Arc<str>>,
        /// Milliseconds since the end of its sound came.
        lag: Option<u64>,
        /// Whether it may still change.
        is_final: bool,
    },
    /// Words have led to a frame.
    WordsShown(WordsLag),
}

/// The effects of one step, in order.
#[derive(Debug, Default)]
pub struct Effects(Vec<Effect>);

impl Effects {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes all effects, leaving the allocation.
    pub fn drain(&mut self) -> impl Iterator<Item = Effect> + '_ {
        self.0.drain(..)
    }

    /// Gives memory back, but for so many effects.
    pub fn shrink_to(&mut self, effects: usize) {
        if self.0.capacity() > effects {
            self.0.shrink_to(effects);
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The effects.
    pub fn as_slice(&self) -> &[Effect] {
        &self.0
    }

    pub(crate) fn push(&mut self, effect: Effect) {
        self.0.push(effect);
    }

    pub(crate) fn send(&mut self, conn: ConnId, lane: Lane, message: &impl Message) {
        self.push(Effect::Send { conn, lane, text: message.encode() });
    }

    pub(crate) fn control(&mut self, conn: ConnId, message: &impl Message) {
        self.send(conn, Lane::Control, message);
    }

    pub(crate) fn note(&mut self, note: Note) {
        self.push(Effect::Note(note));
    }

    pub(crate) fn answer(&mut self, ask: AskId, answer: Answer) {
        self.push(Effect::Answer { ask, answer });
    }
}

impl Answer {
    /// The snapshot inside, for callers that asked for a view.
    pub fn snapshot(&self) -> Option<&SessionSnapshot> {
        match self {
            Answer::View(view) => Some(&view.snapshot),
            _ => None,
        }
    }
}
