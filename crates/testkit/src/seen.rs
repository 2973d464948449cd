//! What the world sees of a session: its effects, as far as the reference model foretells them.

use bifocal_protocol::close::Close;
use bifocal_session::{Answer, Call, Effect, StartStage, WebhookKind};

use crate::cast::{self, AppNo, ENTRIES};

/// The number of the cloud's own message that the link to the phone is back, and that it is lost.
pub const LINK_UP: u64 = u64::MAX;
/// See [`LINK_UP`].
pub const LINK_DOWN: u64 = u64::MAX - 1;

/// One thing that can be seen from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// About a socket.
    On(u64, Frame),
    /// About a call.
    Call(Asked),
    /// An ask is answered.
    Answer(u32, Answered),
    /// The session is over.
    Ended,
}

/// Something on a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Frame {
    /// `connection_ack`.
    PhoneAck,
    /// `microphone_state_change`: on, and all sound.
    Mic(bool, bool),
    /// `connection_error`.
    PhoneError,
    /// `settings_update`.
    Settings,
    /// `tpa_connection_ack`.
    Ack,
    /// `app_stopped`.
    Stopped,
    /// `tpa_connection_error`.
    AppError,
    /// `permission_error`.
    Refused,
    /// The event with this number, under this name.
    Event(&'static str, u64),
    /// So many bytes of sound.
    Sound(usize),
    /// A ping.
    Ping,
    /// A close.
    Close(u16, &'static str),
    /// An abort.
    Abort,
}

/// What is asked of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// The record of the wearer.
    Load,
    /// An app, to open a session.
    Start(AppNo),
    /// An app, to end it.
    Stop(AppNo),
    /// An app, how it is.
    Health(AppNo),
    /// The store, to write down whether an app shall run.
    Save(AppNo, bool),
    /// Whether a token is good.
    Token,
    /// The phone, for a photo of an app.
    Photo(AppNo),
    /// An app's server, to hear that there is no photo.
    NoPhoto(AppNo),
    /// A start webhook or a photo is not waited for any more.
    Cancel,
}

/// How an ask is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answered {
    /// It runs.
    Started,
    /// It does not, and at which hop it failed.
    Failed(&'static str),
    /// It is stopped.
    Stopped,
    /// There is no such app.
    NotInstalled,
    /// A look.
    View,
    /// The session is over.
    SessionEnded,
}

impl Seen {
    /// A close in this way.
    pub const fn close(conn: u64, close: Close) -> Self {
        Seen::On(conn, Frame::Close(close.code(), close.reason()))
    }

    /// A start that failed at this hop.
    pub const fn failed(ask: u32, stage: StartStage) -> Self {
        Seen::Answer(ask, Answered::Failed(stage.name()))
    }

    /// What of an effect can be seen; `None` for what nobody foretells (pictures, lists of apps, notes).
    pub fn of(effect: &Effect) -> Option<Self> {
        Some(match effect {
            Effect::Send { conn, text, .. } => Seen::On(conn.0, Frame::of(text)?),
            Effect::SendBinary { conn, data } => Seen::On(conn.0, Frame::Sound(data.len())),
            Effect::Ping { conn } => Seen::On(conn.0, Frame::Ping),
            Effect::Close { conn, close } => Seen::close(conn.0, *close),
            Effect::Abort { conn } => Seen::On(conn.0, Frame::Abort),
            Effect::Call { what, .. } => Seen::Call(match what {
                Call::LoadUser => Asked::Load,
                Call::Webhook { kind: WebhookKind::Start, app, .. } => Asked::Start(cast::number(app.package.as_str())),
                Call::Webhook { kind: WebhookKind::Stop, app, .. } => Asked::Stop(cast::number(app.package.as_str())),
                Call::Health { app } => Asked::Health(cast::number(app.package.as_str())),
                Call::SaveRunning { package, running } => Asked::Save(cast::number(package.as_str()), *running),
                Call::VerifyToken { .. } => Asked::Token,
                Call::Photo(upload) => Asked::Photo(cast::number(upload.app.package.as_str())),
                Call::PhotoFailed(failure) => Asked::NoPhoto(cast::number(failure.app.package.as_str())),
                Call::SaveSettings(_) | Call::Weather { .. } | Call::Media(_) => return None,
            }),
            Effect::Cancel { .. } => Seen::Call(Asked::Cancel),
            Effect::Answer { ask, answer } => Seen::Answer(
                ask.0,
                match answer {
                    Answer::Started => Answered::Started,
                    Answer::StartFailed(failure) => Answered::Failed(failure.stage.name()),
                    Answer::Stopped => Answered::Stopped,
                    Answer::NotInstalled => Answered::NotInstalled,
                    Answer::View(_)
                    | Answer::Settings(_)
                    | Answer::NotRunning
                    | Answer::NotPermitted
                    | Answer::Transcripts(_)
                    | Answer::RecentSound(_)
                    | Answer::Noted
                    | Answer::Outputs(_)
                    | Answer::OutputAdded(_)
                    | Answer::OutputRemoved
                    | Answer::OutputRefused(_)
                    | Answer::Device { .. } => Answered::View,
                    Answer::SessionEnded => Answered::SessionEnded,
                },
            ),
            Effect::Audio { .. } | Effect::Note(_) | Effect::Peers { .. } | Effect::Speech { .. } => return None,
            Effect::Ended { .. } => Seen::Ended,
        })
    }

    /// Brings what concerns the same socket together, in its order. The order among sockets
    /// means nothing, nor does that of one event under several names.
    pub fn sorted(mut all: Vec<Seen>) -> Vec<Seen> {
        all.sort_by_key(|seen| match seen {
            // When deadlines fire late, a ping may come before or after what else was due.
            Seen::On(conn, frame) => (0, *conn, u8::from(*frame != Frame::Ping), None),
            other => (1, 0, 0, Some(*other)),
        });
        let number = |seen: &Seen| match seen {
            Seen::On(conn, Frame::Event(_, n)) => Some((*conn, *n)),
            _ => None,
        };
        for same in all.chunk_by_mut(|one, next| number(one).is_some() && number(one) == number(next)) {
            same.sort_unstable();
        }
        all
    }

    /// Whether it is about the microphone.
    pub const fn is_mic(&self) -> bool {
        matches!(self, Seen::On(_, Frame::Mic(..)))
    }
}

impl Frame {
    fn of(text: &str) -> Option<Self> {
        Some(match kind(text) {
            "connection_ack" => Frame::PhoneAck,
            "connection_error" => Frame::PhoneError,
            "settings_update" => Frame::Settings,
            "microphone_state_change" => {
                Frame::Mic(text.contains(r#""isMicrophoneEnabled":true"#), text.contains(r#""bypassVad":true"#))
            }
            "tpa_connection_ack" => Frame::Ack,
            "app_stopped" if !text.contains("packageName") => Frame::Stopped,
            "tpa_connection_error" => Frame::AppError,
            "permission_error" => Frame::Refused,
            "data_stream" => {
                let stream = after(text, r#""streamType":""#).unwrap_or_default();
                let known = ENTRIES.iter().find(|entry| entry.delivered == stream);
                Frame::Event(known.map_or("a stream that nobody named", |entry| entry.delivered), event_number(text))
            }
            _ => return None,
        })
    }
}

/// The type of a frame.
pub fn kind(text: &str) -> &str {
    after(text, r#""type":""#).unwrap_or_default()
}

/// The text between `key` and the next quote.
pub fn after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let rest = &text[text.find(key)? + key.len()..];
    rest.split('"').next()
}

/// The number in an event.
fn event_number(text: &str) -> u64 {
    let digits = |key: &str| -> Option<u64> {
        let rest = &text[text.find(key)? + key.len()..];
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().ok()
    };
    digits(r#""n":"#)
        .or_else(|| digits(r#""text":"w"#))
        .unwrap_or_else(|| if text.contains(r#""status":"CONNECTED""#) { LINK_UP } else { LINK_DOWN })
}
