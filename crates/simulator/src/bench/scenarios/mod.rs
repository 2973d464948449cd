//! The scenarios. Each is bounded in count and time, and is run against the cloud and then against the control.

mod idle;
mod neighbour;
mod saturation;
mod steady;
mod storm;

pub(crate) use steady::{Measured, Steady, run as run_steady};

use std::str::FromStr;
use std::time::Duration;

use crate::bench::error::BenchError;
use crate::bench::report::Figure;
use crate::bench::sizes::Sizes;
use crate::bench::stage::Stage;

/// Everything that can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// Sessions with glasses only.
    IdleGlasses,
    /// Sessions with glasses and one app.
    IdleApp,
    /// 1,000 messages a second from phones to apps.
    RelaySlow,
    /// 20,000 messages a second from phones to apps.
    RelayFast,
    /// 200 displays a second from apps to phones.
    Display,
    /// Sound to one app.
    AudioOne,
    /// Sound to four apps.
    AudioFour,
    /// Sound, and the words of it to one app.
    Talk,
    /// The highest rate that is still served in time.
    Saturation,
    /// Eight messages in flight for each session.
    ClosedLoop,
    /// Many new sessions.
    Connect,
    /// Everybody is cut, and comes back.
    Reconnect,
    /// Sessions come and go.
    Churn,
    /// An app floods its session with displays, beside sessions that are measured.
    FloodingApp,
    /// An app reads nothing while its phone floods it, beside sessions that are measured.
    StalledApp,
}

impl Scenario {
    /// In the order in which they run.
    pub const ALL: [Scenario; 15] = [
        Scenario::IdleGlasses,
        Scenario::IdleApp,
        Scenario::RelaySlow,
        Scenario::RelayFast,
        Scenario::Display,
        Scenario::AudioOne,
        Scenario::AudioFour,
        Scenario::Talk,
        Scenario::Saturation,
        Scenario::ClosedLoop,
        Scenario::Connect,
        Scenario::Reconnect,
        Scenario::Churn,
        Scenario::FloodingApp,
        Scenario::StalledApp,
    ];

    /// The ones of a quick run.
    pub const QUICK: [Scenario; 4] =
        [Scenario::IdleGlasses, Scenario::RelaySlow, Scenario::RelayFast, Scenario::Connect];

    /// Its name on the command line and in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Scenario::IdleGlasses => "idle-glasses",
            Scenario::IdleApp => "idle-app",
            Scenario::RelaySlow => "relay-1k",
            Scenario::RelayFast => "relay-20k",
            Scenario::Display => "display",
            Scenario::AudioOne => "audio-1",
            Scenario::AudioFour => "audio-4",
            Scenario::Talk => "talk",
            Scenario::Saturation => "saturation",
            Scenario::ClosedLoop => "closed-loop",
            Scenario::Connect => "connect",
            Scenario::Reconnect => "reconnect",
            Scenario::Churn => "churn",
            Scenario::FloodingApp => "flooding-app",
            Scenario::StalledApp => "stalled-app",
        }
    }

    /// How long a session of ours waits for its phone: as long as in production where they come back, else short.
    pub(crate) fn grace(self) -> Duration {
        Duration::from_secs(if self == Scenario::Reconnect { 30 } else { 1 })
    }

    /// How many files it opens, in the driver and in the cloud alike.
    pub(crate) fn open_files(self, sizes: &Sizes) -> u64 {
        let sockets = match self {
            Scenario::IdleGlasses => sizes.idle + sizes.idle_warm,
            Scenario::IdleApp => 2 * (sizes.idle + sizes.idle_warm),
            Scenario::AudioOne => 2 * sizes.audio_one,
            Scenario::AudioFour => 5 * sizes.audio_four,
            Scenario::Connect => sizes.connect,
            Scenario::Reconnect => 3 * sizes.reconnect,
            _ => 2 * sizes.relay,
        };
        sockets as u64 + 300
    }

    /// One line about what it does.
    pub(crate) fn about(self, sizes: &Sizes) -> String {
        let seconds = sizes.steady.as_secs_f64();
        let Sizes { idle, relay, audio_one, audio_four, connect, reconnect, churn, .. } = *sizes;
        match self {
            Scenario::IdleGlasses => format!("{idle} idle sessions, glasses only"),
            Scenario::IdleApp => format!("{idle} idle sessions, glasses and one app"),
            Scenario::RelaySlow => format!("phone → app, 1,000 messages/s over {relay} sessions for {seconds} s"),
            Scenario::RelayFast => format!("phone → app, 20,000 messages/s over {relay} sessions for {seconds} s"),
            Scenario::Display => format!("app → phone, 200 displays/s over {relay} sessions for {seconds} s"),
            Scenario::AudioOne => format!("sound, 50 frames/s of {audio_one} phones to 1 app each for {seconds} s"),
            Scenario::AudioFour => format!("sound, 50 frames/s of {audio_four} phones to 4 apps each for {seconds} s"),
            Scenario::Talk => format!("sound, 50 frames/s of {relay} phones, its words to 1 app each for {seconds} s"),
            Scenario::Saturation => format!("phone → app over {relay} sessions, faster and faster"),
            Scenario::ClosedLoop => format!("phone → app, 8 in flight for each of {relay} sessions for {seconds} s"),
            Scenario::Connect => format!("{connect} new sessions, 64 at a time"),
            Scenario::Reconnect => format!("{reconnect} sessions with one app are cut and come back"),
            Scenario::Churn => format!("{churn} sessions/s come and go for {seconds} s"),
            Scenario::FloodingApp => format!("{relay} sessions beside one whose app floods its display"),
            Scenario::StalledApp => format!("{relay} sessions beside one whose app reads nothing"),
        }
    }

    /// Runs it on a stage.
    pub(crate) async fn play(self, stage: &Stage) -> Result<Vec<Figure>, BenchError> {
        match self {
            Scenario::IdleGlasses => idle::idle(stage, 0).await,
            Scenario::IdleApp => idle::idle(stage, 1).await,
            Scenario::RelaySlow => steady::relay(stage, 1000).await,
            Scenario::RelayFast => steady::relay(stage, 20_000).await,
            Scenario::Display => steady::display(stage).await,
            Scenario::AudioOne => steady::audio(stage, stage.sizes.audio_one, 1).await,
            Scenario::AudioFour => steady::audio(stage, stage.sizes.audio_four, 4).await,
            Scenario::Talk => steady::talk(stage, stage.sizes.relay).await,
            Scenario::Saturation => saturation::open_loop(stage).await,
            Scenario::ClosedLoop => saturation::closed_loop(stage).await,
            Scenario::Connect => storm::connect(stage).await,
            Scenario::Reconnect => storm::reconnect(stage).await,
            Scenario::Churn => storm::churn(stage).await,
            Scenario::FloodingApp => neighbour::beside(stage, neighbour::Fault::Floods).await,
            Scenario::StalledApp => neighbour::beside(stage, neighbour::Fault::Stalls).await,
        }
    }
}

/// A name that no scenario has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no scenario has this name; there are {}", Scenario::ALL.map(Scenario::name).join(", "))]
pub struct NoScenario;

impl FromStr for Scenario {
    type Err = NoScenario;

    fn from_str(name: &str) -> Result<Self, NoScenario> {
        Scenario::ALL.into_iter().find(|scenario| scenario.name() == name).ok_or(NoScenario)
    }
}
