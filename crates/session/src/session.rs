//! The value itself, and the three functions that drive it.

use std::sync::Arc;

use bifocal_protocol::Timestamp;
use bifocal_protocol::app::AppRecord;
use bifocal_protocol::apps::AckSettings;
use bifocal_protocol::glasses::AudioPaths;
use bifocal_protocol::hardware::Hardware;
use bifocal_protocol::ids::UserId;
use bifocal_protocol::layout::View;
use bifocal_protocol::speech_url::SpeechUrls;

use crate::apps::AppManager;
use crate::calendar::CalendarManager;
use crate::camera::{CameraConfig, PhotoManager, VideoManager};
use crate::dashboard::DashboardManager;
use crate::deadline::Deadline;
use crate::device::DeviceManager;
use crate::display::{DisplayManager, DisplayStats};
use crate::effect::Effects;
use crate::entropy::Entropy;
use crate::flow;
use crate::head::Head;
use crate::input::{CallId, EndReason, Input};
use crate::last::LastEvents;
use crate::lights::Lights;
use crate::links::Link;
use crate::location::LocationManager;
use crate::microphone::MicrophoneManager;
use crate::notifications::Notifications;
use crate::now::{Millis, Now, Timings};
use crate::playback::Playback;
use crate::record::Load;
use crate::relay::AudioManager;
use crate::settings::SettingsManager;
use crate::speech::{LagWatch, SpeechManager};
use crate::subscriptions::SubscriptionManager;
use crate::summary::{SessionSummary, Totals};
use crate::weather::WeatherManager;

/// What a session is told once.
#[derive(Debug, Clone)]
pub struct Config {
    /// Every duration.
    pub timings: Timings,
    /// Where apps shall connect: `ws://host:port/app-ws`.
    pub app_socket_url: String,
    /// `https://host` or `http://host:port`: how phones reach this server.
    pub public_url: String,
    /// The addresses of speech.
    pub speech_urls: SpeechUrls,
    /// What phones may be sent to.
    pub may_fetch: MayFetch,
    /// The time zone of wearers of whom nothing else is known: an IANA name.
    pub timezone: String,
    /// Write the corners of the dashboard when no app does.
    pub own_dashboard: bool,
    /// Some speech engine is well.
    pub speech: bool,
    /// Somebody can be asked for the weather.
    pub weather: bool,
    /// About the camera.
    pub camera: CameraConfig,
    /// Secret randomness, for ids that cannot be guessed.
    pub seed: [u8; 32],
}

/// Whether a phone may be sent to an address: a pure function, which the shell gives because it knows the networks.
#[derive(Clone)]
pub struct MayFetch(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl MayFetch {
    /// What this function allows.
    pub fn new(allows: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(allows))
    }

    pub(crate) fn allows(&self, url: &str) -> bool {
        (self.0)(url)
    }
}

impl std::fmt::Debug for MayFetch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MayFetch")
    }
}

/// Where a session is in its life (seed 003).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionState {
    /// Created; its glasses are not attached yet.
    Connecting,
    /// Glasses are connected.
    Active,
    /// Glasses are away; grace.
    Disconnected,
    /// Over.
    Disposed,
}

impl SessionState {
    /// A name for people and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            SessionState::Connecting => "connecting",
            SessionState::Active => "active",
            SessionState::Disconnected => "disconnected",
            SessionState::Disposed => "disposed",
        }
    }
}

/// One wearer's session: the hub of seed 002. Everything about one user, and nothing about how it is moved.
#[derive(Debug)]
pub struct UserSession {
    pub(crate) config: Box<Config>,
    pub(crate) user: UserId,
    pub(crate) started: Timestamp,
    pub(crate) entropy: Entropy,
    pub(crate) next_call: u32,

    pub(crate) glasses: Glasses,
    /// What the current connection was offered for its sound.
    pub(crate) sound_paths: Option<Box<AudioPaths>>,
    pub(crate) reconnections: u32,
    pub(crate) load: Load,
    pub(crate) speaking: bool,
    pub(crate) ended: Option<EndReason>,
    pub(crate) totals: Totals,

    pub(crate) apps: AppManager,
    pub(crate) subscriptions: SubscriptionManager,
    pub(crate) display: DisplayManager,
    pub(crate) settings: SettingsManager,
    pub(crate) device: DeviceManager,
    pub(crate) last: LastEvents,
    pub(crate) location: LocationManager,
    pub(crate) calendar: CalendarManager,
    pub(crate) lights: Lights,
    pub(crate) playback: Playback,
    pub(crate) photos: PhotoManager,
    pub(crate) video: VideoManager,
    pub(crate) dashboard: DashboardManager,
    /// What the wearer's clock said last.
    pub(crate) datetime: Option<Box<str>>,
    pub(crate) notifications: Notifications,
    pub(crate) weather: WeatherManager,
    pub(crate) head: Head,
    /// The subscriptions and the setting for which the accuracy was last chosen.
    pub(crate) location_seen: (u64, bool),
    pub(crate) audio: AudioManager,
    pub(crate) microphone: MicrophoneManager,
    /// What the microphone was last asked for: the subscriptions, whether sensing is on, whether an engine is well, and
    /// whether the user wants words recognised on the phone.
    pub(crate) mic_seen: (u64, bool, bool, bool),
    pub(crate) speech: SpeechManager,
    /// The subscriptions and the setting for which speech was last wanted.
    pub(crate) speech_seen: (u64, bool),
    pub(crate) lag: LagWatch,
    /// The lists of what apps want have changed; the phone is told then.
    pub(crate) app_state_at: Option<Millis>,
}

/// The link to the glasses.
#[derive(Debug)]
pub(crate) enum Glasses {
    /// Never there yet.
    Expected,
    Connected(Link),
    Away {
        until: Millis,
    },
}

impl UserSession {
    /// A new session, before its glasses are attached.
    pub fn new(user: UserId, config: Config, now: Now) -> Self {
        Self {
            speech: SpeechManager::new(config.speech),
            entropy: Entropy::new(config.seed),
            config: Box::new(config),
            user,
            started: now.wall,
            next_call: 0,
            glasses: Glasses::Expected,
            sound_paths: None,
            reconnections: 0,
            load: Load::default(),
            speaking: false,
            ended: None,
            totals: Totals { began_at: now.at, ..Totals::default() },
            apps: AppManager::default(),
            subscriptions: SubscriptionManager::default(),
            display: DisplayManager::default(),
            settings: SettingsManager::default(),
            device: DeviceManager::default(),
            last: LastEvents::default(),
            location: LocationManager::default(),
            calendar: CalendarManager::default(),
            lights: Lights::default(),
            playback: Playback::default(),
            photos: PhotoManager::default(),
            video: VideoManager::default(),
            dashboard: DashboardManager::default(),
            datetime: None,
            notifications: Notifications::default(),
            weather: WeatherManager::default(),
            head: Head::default(),
            location_seen: (0, true),
            audio: AudioManager::default(),
            microphone: MicrophoneManager::default(),
            mic_seen: (0, true, true, false),
            speech_seen: (0, true),
            lag: LagWatch::default(),
            app_state_at: None,
        }
    }

    /// Something happened. After the end of the session nothing does any more.
    pub fn handle(&mut self, input: Input, now: Now, out: &mut Effects) {
        if self.ended.is_some() {
            flow::lifecycle::after_the_end(input, out);
            return;
        }
        match input {
            Input::GlassesConnected { conn, sound } => {
                self.sound_paths = sound;
                flow::lifecycle::glasses_connected(self, conn, now, out);
            }
            Input::GlassesText { conn, text } => flow::glasses::text(self, conn, &text, now, out),
            Input::GlassesBinary { conn, data } => flow::glasses::binary(self, conn, data, now, out),
            Input::AppConnected { conn, hello } => flow::admission::app_connected(self, conn, *hello, now, out),
            Input::AppText { conn, text } => flow::app::text(self, conn, &text, now, out),
            Input::AppBinary { conn, data } => flow::app::binary(self, conn, data, now, out),
            Input::Oversized { conn } => flow::links::oversized(self, conn, now, out),
            Input::Alive { conn } => flow::links::alive(self, conn, now),
            Input::Confirmed { conn, count } => flow::links::confirmed(self, conn, count, now),
            Input::Closed { conn, code } => flow::links::closed(self, conn, code, now, out),
            Input::CallDone { call, outcome } => flow::calls::done(self, call, *outcome, now, out),
            Input::Speech { stream, event } => flow::speech::said(self, stream, *event, now, out),
            Input::SpeechEngines { available } => flow::speech::engines(self, available, now, out),
            Input::FromPeers(from) => flow::peers::received(self, *from, now, out),
            Input::Asked { ask, what } => flow::asks::asked(self, ask, *what, now, out),
            Input::Media(report) => flow::managed::reported(self, *report, now, out),
            Input::UserChanged => flow::record::load_user(self, out),
            Input::End { reason } => flow::lifecycle::end(self, reason, now, out),
        }
        self.after_step(now, out);
    }

    /// When [`UserSession::on_deadline`] wants to be called, and for what.
    pub fn next_deadline(&self) -> Option<(Millis, Deadline)> {
        if self.ended.is_some() {
            return None;
        }
        let timings = &self.config.timings;
        let mut next = self.apps.next_deadline(timings);
        let mut consider = |at: Millis, deadline: Deadline| {
            if next.as_ref().is_none_or(|(best, _)| at < *best) {
                next = Some((at, deadline));
            }
        };
        match &self.glasses {
            Glasses::Expected => {}
            Glasses::Away { until } => consider(*until, Deadline::GlassesGrace),
            Glasses::Connected(link) => match link.terminate_at {
                Some(at) => consider(at, Deadline::GlassesTerminate),
                None => {
                    consider(link.ping_at, Deadline::GlassesPing);
                    consider(link.silent_at(timings), Deadline::GlassesSilent);
                }
            },
        }
        if let Some(at) = crate::seeded::grace(&self.glasses) {
            consider(at, Deadline::GlassesGrace);
        }
        if let Some(at) = self.load.retry_at() {
            consider(at, Deadline::LoadRetry);
        }
        if let Some(at) = self.display.claim_ends(timings) {
            consider(at, Deadline::DisplayClaim);
        }
        if let Some(at) = self.dashboard.due(timings) {
            consider(at, Deadline::Dashboard);
        }
        if let Some(at) = self.head.due(timings) {
            consider(at, Deadline::HeadPosition);
        }
        if let Some(at) = flow::weather::due(self) {
            consider(at, Deadline::Weather);
        }
        if let Some(at) = self.location.poll_ends() {
            consider(at, Deadline::LocationPoll);
        }
        if let Some((at, deadline)) = self.speech.next_deadline(timings) {
            consider(at, deadline);
        }
        if let Some(at) = self.playback.ends() {
            consider(at, Deadline::AudioPlay);
        }
        if let Some(at) = self.photos.ends() {
            consider(at, Deadline::Photo);
        }
        if let Some((at, deadline)) = self.video.next_deadline() {
            consider(at, deadline);
        }
        if let Some(at) = self.microphone.off_due() {
            consider(at, Deadline::MicOff);
        }
        if self.glasses_link().is_some() {
            if let Some(at) = self.photos.next_turn(timings) {
                consider(at, Deadline::PhotoTurn);
            }
            if let Some(at) = self.location.due() {
                consider(at, Deadline::LocationTier);
            }
            if let Some(at) = self.app_state_at {
                consider(at, Deadline::AppState);
            }
            if let Some(at) = self.microphone.send_due(timings) {
                consider(at, Deadline::MicSend);
            }
            let draws = self.device.has(Hardware::Display);
            for view in [View::Main, View::Dashboard].into_iter().filter(|_| draws) {
                if let Some(at) = self.display.frame_due(view, timings) {
                    consider(at, Deadline::DisplayFrame(view));
                }
            }
        }
        next
    }

    /// Does everything that is due at `now`.
    pub fn on_deadline(&mut self, now: Now, out: &mut Effects) {
        let mut steps = 0;
        while let Some((at, deadline)) = self.next_deadline() {
            if at > now.at {
                break;
            }
            steps += 1;
            assert!(steps < 100_000, "{deadline:?} is due for ever");
            flow::lifecycle::due(self, deadline, now, out);
            self.after_step(now, out);
        }
    }

    /// What every step ends with: frames whose turn it is go out, and in debug builds the invariants are checked.
    fn after_step(&mut self, now: Now, out: &mut Effects) {
        if self.ended.is_none() {
            flow::flush(self, now, out);
        }
        #[cfg(debug_assertions)]
        crate::invariants::check(self);
    }

    /// Whose session it is.
    pub fn user(&self) -> &UserId {
        &self.user
    }

    /// Where the session is in its life.
    pub fn state(&self) -> SessionState {
        match (&self.ended, &self.glasses) {
            (Some(_), _) => SessionState::Disposed,
            (None, Glasses::Expected) => SessionState::Connecting,
            (None, Glasses::Connected(_)) => SessionState::Active,
            (None, Glasses::Away { .. }) => SessionState::Disconnected,
        }
    }

    /// What the session has been so far, in numbers.
    pub fn summary(&self, now: Now) -> SessionSummary {
        let connected = self.totals.connected_since.map_or(0, |since| now.at - since);
        SessionSummary {
            duration_ms: now.at - self.totals.began_at,
            connected_ms: self.totals.connected_ms + connected,
            reconnections: self.reconnections,
            apps: self.totals.apps.clone(),
            audio_bytes: self.audio.bytes,
            relayed: self.totals.relayed,
            transcripts: self.totals.transcripts,
            display_requests: self.display.stats.requested,
            display_frames: self.display.stats.sent,
        }
    }

    /// Counters of the display.
    pub fn display_stats(&self) -> DisplayStats {
        self.display.stats
    }

    pub(crate) fn glasses_link(&self) -> Option<&Link> {
        match &self.glasses {
            Glasses::Connected(link) if link.terminate_at.is_none() => Some(link),
            _ => None,
        }
    }

    /// The system settings as an app is told them.
    pub(crate) fn ack_settings(&self, app: &AppRecord) -> AckSettings {
        self.settings.for_ack(app, self.settings.timezone.as_ref().unwrap_or(&self.config.timezone))
    }

    pub(crate) fn new_call(&mut self) -> CallId {
        self.next_call += 1;
        CallId(self.next_call)
    }
}
