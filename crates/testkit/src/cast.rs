//! Who plays: four apps that differ in kind and permissions, a stranger, the events of a phone, and every subscription that
//! an app may have, as one table. What the session parses and decides is written down here as plain data.

use std::sync::Arc;

use bifocal_protocol::app::{AppKind, AppRecord};
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::permission::Permission;
use bifocal_session::UserData;

/// The place of an app in [`APPS`].
pub type AppNo = usize;

/// An app of the cast.
#[derive(Debug)]
pub struct App {
    /// Its package.
    pub package: &'static str,
    /// Its kind.
    pub kind: AppKind,
    /// What it declares when a life begins.
    pub permissions: &'static [Permission],
    /// A new session id at each start.
    pub uuid: bool,
}

/// The cast, in the order of the names: what is due at the same time is due in this order.
pub const APPS: [App; 4] = [
    App {
        package: "org.example.dash",
        kind: AppKind::SystemDashboard,
        permissions: &[Permission::Calendar],
        uuid: false,
    },
    App { package: "org.example.notes", kind: AppKind::Standard, permissions: &[], uuid: true },
    App { package: "org.example.reader", kind: AppKind::Standard, permissions: &[Permission::Microphone], uuid: false },
    App {
        package: "org.example.sound",
        kind: AppKind::Background,
        permissions: &[Permission::Microphone, Permission::Location],
        uuid: false,
    },
];

/// The number of an app that nobody has installed.
pub const STRANGER: AppNo = 4;

/// What an app may declare instead.
pub const DECLARATIONS: [&[Permission]; 6] = [
    &[],
    &[Permission::Microphone],
    &[Permission::Microphone, Permission::Location],
    &[Permission::Calendar, Permission::Notifications],
    &[Permission::Location],
    &[Permission::All],
];

/// The key of every app, as a hash.
pub const GOOD_KEY: [u8; 32] = [7; 32];

/// The package with this number.
pub fn package(app: AppNo) -> &'static str {
    APPS.get(app).map_or("org.example.stranger", |app| app.package)
}

/// The same as a name.
pub fn name(app: AppNo) -> PackageName {
    PackageName::new(package(app)).expect("a good name")
}

/// The number of a package; the stranger's for every other.
pub fn number(package: &str) -> AppNo {
    APPS.iter().position(|app| app.package == package).unwrap_or(STRANGER)
}

/// What is stored of the wearer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wearer {
    /// What each app declares; `None` when it is not installed.
    pub installed: [Option<&'static [Permission]>; 4],
    /// Which apps are to run when a session begins.
    pub ran: [bool; 4],
    /// The setting `sensingEnabled`.
    pub sensing: bool,
}

impl Wearer {
    /// Everything is installed, and nothing ran.
    pub fn new() -> Self {
        let installed = [0, 1, 2, 3].map(|app: AppNo| Some(APPS[app].permissions));
        Self { installed, ran: [false; 4], sensing: true }
    }

    /// Whether an app has a permission. `ALL` is every one, `NOTIFICATIONS` the older name of reading them.
    pub fn grants(&self, app: AppNo, needed: Option<Permission>) -> bool {
        let Some(needed) = needed else { return true };
        let has = |permission| {
            self.installed.get(app).copied().flatten().is_some_and(|declared| declared.contains(&permission))
        };
        has(Permission::All) || has(needed) || needed == Permission::ReadNotifications && has(Permission::Notifications)
    }

    /// The record as the store hands it out.
    pub fn data(&self) -> UserData {
        let mut data = UserData::default();
        for (no, app) in APPS.iter().enumerate() {
            if let Some(permissions) = self.installed[no] {
                data.installed.push(Arc::new(AppRecord {
                    package: name(no),
                    name: app.package.rsplit('.').next().unwrap_or_default().to_owned(),
                    kind: app.kind,
                    public_url: "http://127.0.0.1:7010".to_owned(),
                    permissions: permissions.to_vec(),
                    key_hash: GOOD_KEY,
                    uuid_sessions: app.uuid,
                    hardware: vec![],
                    settings: vec![],
                }));
            }
            if self.ran[no] {
                data.running.push(name(no));
            }
        }
        data.settings.sensing_enabled = self.sensing;
        data
    }
}

impl Default for Wearer {
    fn default() -> Self {
        Self::new()
    }
}

/// A kind of event that comes from a phone, or from the cloud in its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A button.
    Button,
    /// A place.
    Location,
    /// A notification of the phone.
    Notification,
    /// An entry of the calendar.
    Calendar,
    /// Two taps.
    DoubleTap,
    /// A long press.
    LongPress,
    /// Somebody speaks, or not.
    Voice,
    /// English words.
    English,
    /// French words.
    French,
    /// The glasses and the phone have each other, or not.
    Link,
    /// A type that nobody knows.
    Unknown,
    /// Sound.
    Sound,
}

impl Event {
    /// What an app with a wildcard needs in order to get it.
    pub const fn needs(self) -> Option<Permission> {
        match self {
            Event::Button | Event::DoubleTap | Event::LongPress | Event::Link => None,
            Event::Location => Some(Permission::Location),
            Event::Notification => Some(Permission::ReadNotifications),
            Event::Calendar => Some(Permission::Calendar),
            Event::Voice | Event::English | Event::French | Event::Sound => Some(Permission::Microphone),
            Event::Unknown => Some(Permission::All),
        }
    }

    /// Whether it is words.
    pub const fn is_words(self) -> bool {
        matches!(self, Event::English | Event::French)
    }
}

/// One possible entry of an app's list.
#[derive(Debug)]
pub struct Entry {
    /// How it is written.
    pub json: &'static str,
    /// The `streamType` of a delivery.
    pub delivered: &'static str,
    /// What it needs to be accepted.
    pub needs: Option<Permission>,
    /// What it listens to; `None` is everything that the app may have.
    pub hears: Option<&'static [Event]>,
    /// It makes the microphone go on.
    pub sound: bool,
    /// Not a stream at all.
    pub wrong: bool,
}

const MIC: Option<Permission> = Some(Permission::Microphone);

const fn entry(json: &'static str, delivered: &'static str, hears: &'static [Event]) -> Entry {
    Entry { json, delivered, needs: None, hears: Some(hears), sound: false, wrong: false }
}

const fn needs(permission: Permission, entry: Entry) -> Entry {
    Entry { needs: Some(permission), ..entry }
}

const fn sound(entry: Entry) -> Entry {
    Entry { needs: MIC, sound: true, ..entry }
}

/// Every entry that an app of a story may write.
pub const ENTRIES: [Entry; 19] = [
    entry(r#""button_press""#, "button_press", &[Event::Button]),
    sound(entry(r#""transcription""#, "transcription", &[Event::English])),
    sound(entry(r#""transcription:en-US""#, "transcription:en-US", &[Event::English])),
    sound(entry(r#""transcription:auto""#, "transcription:auto", &[Event::English, Event::French])),
    sound(entry(r#""transcription:fr-FR""#, "transcription:fr-FR", &[Event::French])),
    sound(entry(r#""VAD""#, "VAD", &[Event::Voice])),
    sound(entry(r#""audio_chunk""#, "audio_chunk", &[Event::Sound])),
    needs(Permission::Location, entry(r#""location_update""#, "location_update", &[Event::Location])),
    needs(
        Permission::Location,
        entry(r#"{"stream":"location_stream","rate":"high"}"#, "location_update", &[Event::Location]),
    ),
    needs(
        Permission::Location,
        entry(r#"{"stream":"location_stream","rate":"low"}"#, "location_update", &[Event::Location]),
    ),
    Entry { hears: None, ..entry(r#""*""#, "*", &[]) },
    needs(
        Permission::ReadNotifications,
        entry(r#""phone_notification""#, "phone_notification", &[Event::Notification]),
    ),
    needs(Permission::Calendar, entry(r#""calendar_event""#, "calendar_event", &[Event::Calendar])),
    entry(r#""touch_event""#, "touch_event", &[Event::DoubleTap, Event::LongPress]),
    entry(r#""touch_event:double_tap""#, "touch_event:double_tap", &[Event::DoubleTap]),
    entry(r#""glasses_connection_state""#, "glasses_connection_state", &[Event::Link]),
    needs(Permission::All, entry(r#""brain_waves""#, "brain_waves", &[Event::Unknown])),
    sound(entry(r#""translation:en-US-to-fr-FR""#, "translation:en-US-to-fr-FR", &[])),
    Entry { wrong: true, ..entry(r#""no stream""#, "", &[]) },
];

/// The entry with which an app asks for the sound itself.
pub const RAW_SOUND: u8 = 6;
