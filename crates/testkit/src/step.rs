//! What can happen in a life, as data: a step can be dropped from a story, and the rest of it can still be played.

use bifocal_session::EndReason;

use crate::cast::{self, AppNo, ENTRIES, Event};

/// One line of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// One input.
    Do(Act),
    /// A call of this kind ends: the newest one, or one of those before it. Nothing happens when there is none.
    End {
        /// Which kind.
        of: CallKind,
        /// How many newer ones there are.
        back: usize,
        /// How it ends.
        with: Ending,
    },
    /// Many events of a phone at once.
    Flood {
        /// From where.
        conn: u64,
        /// What.
        event: Event,
        /// The number of the first.
        from: u64,
        /// How many.
        count: u64,
    },
    /// The stored record of the wearer changes, and the session is told.
    Change(Change),
    /// Time passes; every deadline fires at its time.
    Wait(u64),
    /// Time passes; what was due meanwhile fires at the end, all at once.
    Late(u64),
    /// Time passes, and whoever fires deadlines has not come to it yet.
    Pass(u64),
}

/// One input of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// A phone connects.
    GlassesConnect(u64),
    /// A phone sends text.
    PhoneSays(u64, PhoneSays),
    /// A phone sends so many bytes of sound.
    PhoneSound(u64, usize),
    /// An app connects.
    AppConnect {
        /// Its socket.
        conn: u64,
        /// Who it says it is.
        app: AppNo,
        /// With the right key.
        good: bool,
    },
    /// An app sends text.
    AppSays(u64, AppSays),
    /// An app sends something binary.
    AppBinary(u64),
    /// Somebody sends a frame above the limit.
    TooMuch(u64),
    /// Somebody answers a ping, and has everything that was sent.
    Pong(u64),
    /// An app answers a ping that went out behind so many events.
    Confirms(u64, u64),
    /// A socket is gone.
    Closed(u64, u16),
    /// A call ends.
    CallEnds(u32, Ending),
    /// Somebody asks for a start.
    AskStart(u32, AppNo),
    /// Somebody asks for a stop.
    AskStop(u32, AppNo),
    /// Somebody asks for a look.
    AskView(u32),
    /// A stream of a speech engine says something; not that it is open, so that the phone's own words always count.
    EngineSays(u32, EngineSays),
    /// The stored record has changed.
    UserChanged,
    /// The session shall end.
    End(EndReason),
}

/// What a stream of a speech engine says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineSays {
    /// It is lost.
    Lost,
    /// The engine has too much to do.
    Busy,
    /// It ends in good order.
    Ends,
    /// It has recognised so many milliseconds, and nothing was said.
    Consumed(u64),
}

/// What a phone says. Numbers make every event unlike any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneSays {
    /// An event that is not words.
    Event(Event, u64),
    /// Words.
    Words {
        /// English or French.
        event: Event,
        /// Its number.
        n: u64,
        /// They do not change any more.
        last: bool,
    },
    /// `connection_init`, with a token or without.
    Init {
        /// With.
        token: bool,
    },
    /// `start_app`.
    Start(AppNo),
    /// `stop_app`.
    Stop(AppNo),
    /// Not even JSON.
    Malformed,
    /// `request_settings`.
    Settings,
    /// A question that is answered at once.
    Ping,
}

/// What an app says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppSays {
    /// `tpa_connection_init`, once more, in this name.
    Init(AppNo),
    /// It is about to close its socket.
    Releases {
        /// Because its server restarts; else it leaves.
        restarts: bool,
    },
    /// Its list: places in [`ENTRIES`].
    Wants(Vec<u8>),
    /// A list of 150 gestures, which is too long.
    WantsGestures,
    /// It draws.
    Shows(Picture),
    /// It draws in the name of another app.
    ShowsAs(AppNo),
    /// It subscribes in the name of another app.
    WantsAs(AppNo, Vec<u8>),
    /// An object without a type.
    Malformed,
    /// A type that nobody knows.
    Unknown,
    /// A ping of its own.
    Ping,
    /// It wants a photo.
    Photo,
}

/// A display request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// Its number; 0 clears.
    pub n: u64,
    /// For how long.
    pub duration: Option<u64>,
    /// Skip the gap.
    pub force: bool,
    /// On the view of the dashboard.
    pub dashboard: bool,
}

/// A change of the stored record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// An app is removed.
    Uninstall(AppNo),
    /// An app is there, and declares this: a place in [`cast::DECLARATIONS`].
    Install(AppNo, usize),
    /// The wearer allows sensing, or not.
    Sensing(bool),
}

/// What a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// `LoadUser`.
    Load,
    /// A start webhook.
    Start(AppNo),
    /// A stop webhook.
    Stop(AppNo),
    /// `Health`.
    Health(AppNo),
    /// `VerifyToken`.
    Token,
    /// `Save…`.
    Save,
    /// The upload of a photo, or the word that there is none.
    Photo(AppNo),
}

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The record, as it is stored at that time.
    Loaded,
    /// An HTTP status.
    Status(u16),
    /// It failed.
    Failed,
    /// What a server says of itself.
    Health {
        /// It is well.
        well: bool,
        /// Other sessions closed, too.
        others: bool,
    },
    /// Whether the token is good.
    Token(bool),
    /// It is written.
    Saved,
    /// The photo is where it should be.
    Photo,
}

impl PhoneSays {
    /// The frame.
    pub fn text(self) -> String {
        match self {
            PhoneSays::Event(event, n) => event_text(event, n),
            PhoneSays::Words { event, n, last } => {
                let language = if event == Event::French { "fr-FR" } else { "en-US" };
                format!(
                    r#"{{"type":"local_transcription","text":"w{n}","isFinal":{last},"transcribeLanguage":"{language}"}}"#
                )
            }
            PhoneSays::Init { token: true } => r#"{"type":"connection_init","coreToken":"x.y.z"}"#.to_owned(),
            PhoneSays::Init { token: false } => r#"{"type":"connection_init"}"#.to_owned(),
            PhoneSays::Start(app) => format!(r#"{{"type":"start_app","packageName":"{}"}}"#, cast::package(app)),
            PhoneSays::Stop(app) => format!(r#"{{"type":"stop_app","packageName":"{}"}}"#, cast::package(app)),
            PhoneSays::Malformed => "{half".to_owned(),
            PhoneSays::Settings => r#"{"type":"request_settings"}"#.to_owned(),
            PhoneSays::Ping => r#"{"type":"ping"}"#.to_owned(),
        }
    }
}

fn event_text(event: Event, n: u64) -> String {
    let head = match event {
        Event::Button => r#""type":"button_press""#,
        Event::Location => r#""type":"location_update","lat":1.5,"lng":2"#,
        Event::Notification => r#""type":"phone_notification","notificationId":"n""#,
        Event::Calendar => r#""type":"calendar_event","eventId":"e""#,
        Event::DoubleTap => r#""type":"touch_event","gesture_name":"double_tap""#,
        Event::LongPress => r#""type":"touch_event","gesture_name":"long_press""#,
        Event::Voice => r#""type":"VAD","status":true"#,
        Event::Link => r#""type":"glasses_connection_state","modelName":"G1","status":"CONNECTED""#,
        Event::Unknown | Event::English | Event::French | Event::Sound => r#""type":"brain_waves""#,
    };
    // Each is another: the same notification twice would be told once.
    let title = if event == Event::Notification { format!(",\"title\":\"t{n}\"") } else { String::new() };
    format!("{{{head}{title},\"n\":{n}}}")
}

impl AppSays {
    /// The frame.
    pub fn text(&self) -> String {
        match self {
            AppSays::Init(app) => {
                format!(r#"{{"type":"tpa_connection_init","packageName":"{}"}}"#, cast::package(*app))
            }
            AppSays::Releases { restarts } => {
                let reason = if *restarts { "clean_shutdown" } else { "switching_clouds" };
                format!(r#"{{"type":"ownership_release","reason":"{reason}"}}"#)
            }
            AppSays::Wants(list) => wants("", list),
            AppSays::WantsAs(app, list) => wants(&format!(r#""packageName":"{}","#, cast::package(*app)), list),
            AppSays::WantsGestures => {
                let names: Vec<String> = (0..150).map(|n| format!("\"touch_event:g{n}\"")).collect();
                format!(r#"{{"type":"subscription_update","subscriptions":[{}]}}"#, names.join(","))
            }
            AppSays::Shows(picture) => picture.text(""),
            AppSays::ShowsAs(app) => {
                let picture = Picture { n: 1, duration: None, force: false, dashboard: false };
                picture.text(&format!(r#""packageName":"{}","#, cast::package(*app)))
            }
            AppSays::Malformed => r#"{"nothing":1}"#.to_owned(),
            AppSays::Unknown => r#"{"type":"sing"}"#.to_owned(),
            AppSays::Ping => r#"{"type":"ping"}"#.to_owned(),
            AppSays::Photo => r#"{"type":"photo_request","requestId":"r"}"#.to_owned(),
        }
    }
}

fn wants(claim: &str, list: &[u8]) -> String {
    let entries: Vec<&str> = list.iter().map(|place| ENTRIES[usize::from(*place)].json).collect();
    format!(r#"{{"type":"subscription_update",{claim}"subscriptions":[{}]}}"#, entries.join(","))
}

impl Picture {
    fn text(self, claim: &str) -> String {
        let view = if self.dashboard { "dashboard" } else { "main" };
        let layout = match self.n {
            0 => r#"{"layoutType":"clear_view"}"#.to_owned(),
            n => format!(r#"{{"layoutType":"text_wall","text":"d{n}"}}"#),
        };
        let duration = self.duration.map(|ms| format!(r#","durationMs":{ms}"#)).unwrap_or_default();
        let force = if self.force { r#","forceDisplay":true"# } else { "" };
        format!(r#"{{"type":"display_event",{claim}"view":"{view}","layout":{layout}{duration}{force}}}"#)
    }
}
