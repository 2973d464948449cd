//! What goes into a connection and what comes out.

use std::time::Duration;

use bifocal_protocol::Text;
use bifocal_protocol::apps::{
    AppDirectMessageResponse, AudioPlayResponse, AudioStreamReady, DirectStreamStatus, DisplayReport,
    ManagedStreamStatus, StreamStatusCheckResponse, ToApp,
};
use bifocal_protocol::events::LocationUpdate;
use bifocal_protocol::layout::View;
use bifocal_protocol::streams::SubscriptionEntry;
use bytes::Bytes;

use super::requests::{Awaited, Upload};
use super::welcome::Welcome;
use crate::error::{Ending, Error};

/// Time since the session began.
pub(crate) type Moment = Duration;

/// The number of a call that waits for an outcome; never used twice in a session.
pub(crate) type Ticket = u64;

/// What happens to a connection.
#[derive(Debug)]
pub(crate) enum Input {
    /// The socket is open.
    Dialed,
    /// There is no socket.
    DialFailed(String),
    /// A text frame.
    Text(Text),
    /// A binary frame: sound.
    Binary(Bytes),
    /// The cloud answered the ping with this number.
    Pong(u64),
    /// A ping of the cloud, or something else that shows it is alive.
    Heard,
    /// The socket is closed: 1005 without a code, 1006 without a close frame.
    Closed { code: u16, reason: String },
    /// The streams that exist now.
    Wanted(Vec<SubscriptionEntry>),
    /// Send this, now or as soon as there is a connection.
    Send { ticket: Ticket, lane: Lane, text: Text },
    /// The same for bytes; they do not wait, because they belong to a stream that does not outlive its connection.
    SendBinary { ticket: Ticket, data: Bytes },
    /// Send this and wait for its answer.
    Request { ticket: Ticket, awaited: Awaited, text: Text, within: Duration },
    /// A photo, or why there is none, came to our own web server.
    Uploaded(Upload),
    /// Go away.
    Leave(Leave),
    /// A deadline has come.
    Tick,
}

/// Which message may take the place of which while there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// All of them, in order.
    Ordered,
    /// Only the newest picture of a view is worth showing.
    Picture(View),
}

/// Why to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Leave {
    /// The app says so.
    Disconnect,
    /// The stop webhook came, with its reason.
    Stopped(String),
    /// The process ends; the cloud may ask our successor for a new session.
    Shutdown,
    /// A newer session takes over.
    Replaced,
    /// The app failed.
    Failed(String),
}

/// What a connection wants done, in this order.
#[derive(Debug)]
pub(crate) enum Output {
    /// Open a socket; answer with `Dialed` or `DialFailed`.
    Dial,
    /// Write a text frame.
    Send(Text),
    /// Write a binary frame.
    SendBinary(Bytes),
    /// Write a ping frame with this number.
    Ping(u64),
    /// Write a close frame.
    Close { code: u16, reason: &'static str },
    /// Drop the socket, or the attempt to open one.
    HangUp,
    /// A call has its outcome.
    Settled { ticket: Ticket, outcome: Result<Reply, Error> },
    /// Something for the app.
    Event(Event),
    /// The session is over for the app; outputs for the socket may still follow.
    Ended(Ending),
}

/// What an answered call gets.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// It is sent, or waits to be sent.
    Accepted,
    Audio(AudioPlayResponse),
    OutputStream(AudioStreamReady),
    Photo(Upload),
    Place(LocationUpdate),
    Direct(AppDirectMessageResponse),
    Check(Box<StreamStatusCheckResponse>),
    Managed(Box<ManagedStreamStatus>),
    Stream(DirectStreamStatus),
    Display(DisplayReport),
}

/// Something for the app.
#[derive(Debug)]
pub(crate) enum Event {
    /// The cloud has taken us in, the first time or again.
    Connected { welcome: Box<Welcome>, again: bool },
    /// The connection is gone; the next attempt comes after this time.
    Lost { why: String, retry_in: Duration },
    /// An event of a stream, with its name as it was asked for and its data as they came.
    Data { stream: String, data: Text },
    /// Sound: PCM, 16 bit, little-endian, mono, 16 kHz.
    Audio(Bytes),
    /// Another message.
    Message(Box<ToApp>),
    /// A message that this SDK does not know, or cannot read.
    Odd { why: String },
}
