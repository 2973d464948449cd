//! Everything that can happen to a session.

use std::collections::BTreeMap;
use std::sync::Arc;

use bifocal_protocol::app::AppRecord;
use bifocal_protocol::device::GlassesInfo;
use bifocal_protocol::glasses::{
    AudioPaths, CalendarEvent, LocationUpdate, PhoneNotification, PhoneNotificationDismissed, PhotoResponse,
};
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::settings::{AppSetting, SystemSettings};
use bifocal_protocol::{Text, Timestamp};
use bytes::Bytes;

use crate::camera::{MediaMade, MediaReport, OutputRefused, PhotoTaken, StreamAsk};
use crate::peers::FromPeers;
use crate::speech::{SpeechEvent, SpeechId};
use crate::weather::Weather;

/// The number of one accepted socket, never used twice. Input of a connection that is not current changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// The number of one [`Call`](crate::Call), chosen by the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u32);

/// The number of one [`Ask`], chosen by the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AskId(pub u32);

/// One thing that happened.
#[derive(Debug)]
pub enum Input {
    /// A phone with a good token opened `/glasses-ws`. Seed 000 `createSession`.
    GlassesConnected {
        /// Its socket.
        conn: ConnId,
        /// What the acknowledgement offers for sound besides binary frames of the socket.
        sound: Option<Box<AudioPaths>>,
    },
    /// A text frame of a phone.
    GlassesText {
        /// From where.
        conn: ConnId,
        /// What.
        text: Text,
    },
    /// A binary frame of a phone: sound.
    GlassesBinary {
        /// From where.
        conn: ConnId,
        /// What.
        data: Bytes,
    },
    /// An app opened `/app-ws` and said who it is; nothing is verified yet.
    AppConnected {
        /// Its socket.
        conn: ConnId,
        /// Who it says it is.
        hello: Box<AppHello>,
    },
    /// A text frame of an app.
    AppText {
        /// From where.
        conn: ConnId,
        /// What.
        text: Text,
    },
    /// A binary frame of an app.
    AppBinary {
        /// From where.
        conn: ConnId,
        /// What.
        data: Bytes,
    },
    /// A frame above the size limit was thrown away.
    Oversized {
        /// From where.
        conn: ConnId,
    },
    /// A sign of life without content: a ping.
    Alive {
        /// From where.
        conn: ConnId,
    },
    /// A pong: what was written before its ping has arrived.
    Confirmed {
        /// From where.
        conn: ConnId,
        /// How many frames of [`Lane::Data`](crate::Lane::Data) that is, of those that were sent to this socket.
        count: u64,
    },
    /// A socket is gone.
    Closed {
        /// Which.
        conn: ConnId,
        /// The close code; 1006 when there was no close frame.
        code: u16,
    },
    /// A [`Call`](crate::Call) ended.
    CallDone {
        /// Which.
        call: CallId,
        /// How.
        outcome: Box<Outcome>,
    },
    /// A stream of a speech engine says something.
    Speech {
        /// Which.
        stream: SpeechId,
        /// What.
        event: Box<SpeechEvent>,
    },
    /// Some speech engine is well, or none is any more.
    SpeechEngines {
        /// Whether one is.
        available: bool,
    },
    /// Something for an app, from its other users or about them.
    FromPeers(Box<FromPeers>),
    /// Somebody outside asks for something and waits for the [`Answer`](crate::Answer).
    Asked {
        /// Which.
        ask: AskId,
        /// For what.
        what: Box<Ask>,
    },
    /// Whoever carries the managed stream says how it is.
    Media(Box<MediaReport>),
    /// The catalogue or the user's record changed; load it again.
    UserChanged,
    /// End the session.
    End {
        /// Why.
        reason: EndReason,
    },
}

// An input lies in the mailbox of its session by the dozen: what is big is boxed.
const _: () = assert!(size_of::<Input>() <= 48);

/// Who an app says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppHello {
    /// Its package.
    pub package: PackageName,
    /// SHA-256 of the API key string that it presented.
    pub key_hash: [u8; 32],
    /// SDK v3: it understands messages that v2 takes for errors.
    pub v3: bool,
    /// SDK v3 whose socket came back: it says `reconnect` and not that it begins.
    pub reconnect: bool,
}

/// A wish from outside of the two sockets: REST, command line.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// Start an app. Answered when it runs or has failed.
    StartApp(PackageName),
    /// Stop an app. Answered at once.
    StopApp(PackageName),
    /// The phone says something over REST.
    Report(Box<PhoneReport>),
    /// What the user has set for an app. Answered while it runs.
    AppSettings(PackageName),
    /// What was said, for an app that runs and may hear.
    Transcripts {
        /// Which app asks.
        package: PackageName,
        /// In one language, or in all.
        language: Option<Box<str>>,
        /// From then on.
        from: Timestamp,
        /// Until then.
        until: Timestamp,
    },
    /// The last ten seconds of sound, for an app that runs and may hear.
    RecentSound(PackageName),
    /// An app wants something of the copies of its managed stream.
    Stream(Box<StreamAsk>),
    /// Look at the session. Changes nothing, sends nothing.
    View,
}

/// What phones say over REST and not on their socket.
#[derive(Debug, Clone, PartialEq)]
pub enum PhoneReport {
    /// What is known of the glasses, or the part of it that changed. Answered with [`Answer::Device`](crate::Answer::Device).
    Device(Box<GlassesInfo>),
    /// Where the wearer is.
    Location(Box<LocationUpdate>),
    /// Appointments.
    Calendar(Vec<CalendarEvent>),
    /// What the user has set on the phone.
    Settings {
        /// What of it concerns apps, complete.
        system: Box<SystemSettings>,
        /// The wearer's time zone, an IANA name.
        timezone: Option<String>,
        /// The glasses that the user prefers. It does not mean that they are there.
        wearable: Option<String>,
    },
    /// What the user has chosen for an app.
    AppSettings {
        /// Which app.
        package: PackageName,
        /// Every value that was chosen.
        chosen: Vec<AppSetting>,
    },
    /// A notification on the phone.
    Notification(Box<PhoneNotification>),
    /// What the wearer's clock says, as ISO 8601.
    DateTime(Box<str>),
    /// What became of a photo (later phones).
    Photo(Box<PhotoResponse>),
    /// The upload of the photo with this name is here: the camera is free.
    PhotoHere(String),
    /// A notification that was dismissed.
    Dismissed(Box<PhoneNotificationDismissed>),
}

/// What is stored for a user.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UserData {
    /// The apps that the user may start.
    pub installed: Vec<Arc<AppRecord>>,
    /// The apps that the user wants to run.
    pub running: Vec<PackageName>,
    /// System settings.
    pub settings: SystemSettings,
    /// The wearer's time zone, an IANA name.
    pub timezone: Option<String>,
    /// Values that the user chose, by app.
    pub app_settings: BTreeMap<PackageName, Vec<AppSetting>>,
}

/// How a [`Call`](crate::Call) ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// `LoadUser`: here it is.
    User(UserData),
    /// `Webhook`: the app server answered.
    Webhook {
        /// The HTTP status.
        status: u16,
    },
    /// `VerifyToken`: whether it is a good token of this user.
    Token(bool),
    /// `Health`: what the app's server said.
    Health {
        /// It answered, and is well.
        healthy: bool,
        /// Other users' sessions of the same app closed at the same time: the server was restarted.
        others_closed: bool,
    },
    /// `Weather`: what it is.
    Weather(Weather),
    /// `Photo`: it is where it should be.
    Photo(PhotoTaken),
    /// `Media`: the stream was made.
    Media(Box<MediaMade>),
    /// `Media`: the copy was made, and its name.
    Output(Result<String, OutputRefused>),
    /// `Save…`: done.
    Saved,
    /// Any call: it failed.
    Failed {
        /// Which hop failed and why, for a person; no outside text.
        why: String,
    },
}

/// Why a session ends: the four triggers of seed 003.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// The glasses did not come back in time.
    GraceExpired,
    /// The server stops.
    Shutdown,
    /// An operator ended it.
    Manual,
    /// The session failed.
    Fatal,
}

impl EndReason {
    /// A name for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            EndReason::GraceExpired => "grace_expired",
            EndReason::Shutdown => "shutdown",
            EndReason::Manual => "manual",
            EndReason::Fatal => "fatal",
        }
    }
}
