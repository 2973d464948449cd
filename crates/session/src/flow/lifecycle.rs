//! The life of the session: glasses come, the record is loaded, glasses come back, the session ends.

use std::sync::Arc;

use bifocal_protocol::app::{AppKind, AppRecord};
use bifocal_protocol::apps::{AppStopped, ToApp};
use bifocal_protocol::close::Close;
use bifocal_protocol::glasses::{
    AppStateChange, AudioPaths, ConnectionAck, FromPhone, GlassesConnectionState, ToPhone,
};
use bifocal_protocol::ids::PackageName;
use bifocal_protocol::webhook::StopReason;
use bifocal_protocol::{Message, Text};

use crate::apps::{Phase, Slot, StartFailure, StartStage, StartWebhook};
use crate::deadline::Deadline;
use crate::effect::{Answer, Call, Effect, Effects, Lane, LatestKey, Note};
use crate::errors::ErrorRow;
use crate::flow;
use crate::flow::start::Wish;
use crate::flow::{admission, app, glasses, links, start, stop};
use crate::input::{AppHello, AskId, CallId, ConnId, EndReason, Input, UserData};
use crate::links::Link;
use crate::microphone::MicState;
use crate::now::{Millis, Now};
use crate::relay::{self, relay};
use crate::session::{Glasses, UserSession};
use crate::subscriptions::Topic;

/// Most things that wait for the user's record.
const MAX_PARKED: usize = 64;
/// Most bytes of what connections have said behind a hello that waits.
const MAX_PARKED_BYTES: usize = 256 << 10;
/// Most writes that are remembered until they have ended.
const MAX_SAVES: usize = 64;

/// The user's record: on its way, or here.
#[derive(Debug, Default)]
pub(crate) struct Load {
    installed: Vec<Arc<AppRecord>>,
    loaded: bool,
    in_flight: Option<CallId>,
    failures: u32,
    retry_at: Option<Millis>,
    parked: Vec<Parked>,
    /// Writes that have not ended yet.
    saves: Vec<CallId>,
}

/// What needs the record and came before it.
#[derive(Debug)]
pub(crate) enum Parked {
    Start {
        package: PackageName,
        wish: Wish,
        ask: Option<AskId>,
    },
    /// The user has stopped it: that it ran before means nothing any more.
    Stop {
        package: PackageName,
    },
    Hello {
        conn: ConnId,
        hello: Box<AppHello>,
    },
    /// What a connection said behind a hello that waits.
    Frame {
        conn: ConnId,
        text: Text,
    },
    Settings {
        conn: ConnId,
        with_success: bool,
    },
}

/// There is no room for it.
#[derive(Debug)]
pub(crate) struct TooMuch;

impl Load {
    /// The record of an app that the user may start.
    pub(crate) fn installed(&self, package: &PackageName) -> Option<&Arc<AppRecord>> {
        self.installed.iter().find(|app| app.package == *package)
    }

    /// Whether the record is on its way: what it does not know now, it may know in a moment.
    pub(crate) fn is_awaited(&self) -> bool {
        self.in_flight.is_some()
    }

    /// Whether there has been a record.
    pub(crate) fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// Keeps something until the record is here; gives it back when too much waits already.
    pub(crate) fn park(&mut self, parked: Parked) -> Result<(), Parked> {
        if self.parked.len() == MAX_PARKED {
            return Err(parked);
        }
        self.parked.push(parked);
        Ok(())
    }

    /// Keeps a frame of a connection whose hello waits, so that it is not lost.
    ///
    /// # Errors
    /// [`TooMuch`] when it cannot be kept; then nothing of the connection waits any more.
    pub(crate) fn park_frame(&mut self, conn: ConnId, text: &Text) -> Result<(), TooMuch> {
        let waits = |parked: &Parked| matches!(parked, Parked::Hello { conn: other, .. } if *other == conn);
        if !self.parked.iter().any(waits) {
            return Ok(());
        }
        let bytes = |parked: &Parked| if let Parked::Frame { text, .. } = parked { text.byte_len() } else { 0 };
        let fits = self.parked.iter().map(bytes).sum::<usize>() + text.byte_len() <= MAX_PARKED_BYTES;
        if fits && self.park(Parked::Frame { conn, text: text.clone() }).is_ok() {
            return Ok(());
        }
        self.forget(conn);
        Err(TooMuch)
    }

    /// A connection is gone: nothing of it waits any more.
    pub(crate) fn forget(&mut self, gone: ConnId) {
        self.parked.retain(|parked| match parked {
            Parked::Hello { conn, .. } | Parked::Frame { conn, .. } | Parked::Settings { conn, .. } => *conn != gone,
            Parked::Start { .. } | Parked::Stop { .. } => true,
        });
    }

    /// Takes back what waits for an app that is stopped: whoever asked for its start is returned.
    pub(crate) fn withdraw(&mut self, package: &PackageName) -> Vec<AskId> {
        let mut asks = Vec::new();
        self.parked.retain(|parked| match parked {
            Parked::Start { package: other, ask, .. } if other == package => {
                asks.extend(*ask);
                false
            }
            Parked::Stop { package: other } => other != package,
            _ => true,
        });
        if self.in_flight.is_some() && !self.loaded {
            // Without room it is what the record says.
            let _ = self.park(Parked::Stop { package: package.clone() });
        }
        asks
    }

    /// Something is written.
    pub(crate) fn saves(&mut self, call: CallId) {
        if self.saves.len() == MAX_SAVES {
            self.saves.remove(0);
        }
        self.saves.push(call);
    }

    /// A call has ended; whether it was a write.
    pub(crate) fn saved(&mut self, call: CallId) -> bool {
        let before = self.saves.len();
        self.saves.retain(|save| *save != call);
        self.saves.len() < before
    }

    pub(crate) fn retry_at(&self) -> Option<Millis> {
        self.retry_at
    }
}

/// A phone opened its socket: seed 000 `createSession`, for a new session and for one that is there. The ack goes out at
/// once; apps start later.
pub(crate) fn glasses_connected(s: &mut UserSession, conn: ConnId, now: Now, out: &mut Effects) {
    let link = Link::new(conn, now.at, &s.config.timings);
    let before = std::mem::replace(&mut s.glasses, Glasses::Connected(link));
    let reconnection = !matches!(before, Glasses::Expected);
    if let Glasses::Connected(old) = before {
        // One that has had its close frame gets no other.
        out.push(match old.terminate_at {
            Some(_) => Effect::Abort { conn: old.conn },
            None => Effect::Close { conn: old.conn, close: Close::Superseded },
        });
    }
    s.totals.glasses_came(now.at);
    out.note(Note::GlassesConnected { reconnection });
    if reconnection {
        s.reconnections += 1;
    } else {
        load_user(s, out);
    }
    acknowledge(s, conn, now, out);
    // The rest of the resync goes out with the end of this step: the microphone, then what should be visible.
    s.microphone.connected();
    s.display.reconnected();
    if reconnection {
        flow::flush(s, now, out);
        app_state_changed(s, None, now, out);
        tell_connection(s, true, now, out);
    }
}

/// `glasses_connection_state` in the name of the phone: apps that listen to it learn at once that the link to the phone is
/// lost, and that it is back.
pub(crate) fn tell_connection(s: &mut UserSession, connected: bool, now: Now, out: &mut Effects) {
    let state = GlassesConnectionState {
        model_name: Some(s.glasses_model.clone().unwrap_or_default()),
        status: if connected { "CONNECTED" } else { "DISCONNECTED" }.to_owned(),
        wifi: None,
    };
    let text = FromPhone::GlassesConnectionState(state).encode();
    relay(s, Topic::Plain("glasses_connection_state"), &text, now, out);
}

/// `connection_ack`, with the session as it is.
pub(crate) fn acknowledge(s: &UserSession, conn: ConnId, now: Now, out: &mut Effects) {
    let ack = ConnectionAck {
        session_id: s.user.to_string(),
        user_session: s.snapshot(),
        audio: AudioPaths::default(),
        timestamp: now.wall,
    };
    out.control(conn, &ToPhone::Ack(ack));
}

/// Tells the phone that the list of apps is another one.
pub(crate) fn app_state_changed(s: &UserSession, error: Option<String>, now: Now, out: &mut Effects) {
    let Some(link) = s.glasses_link() else { return };
    let session_id = s.user.to_string();
    let change = AppStateChange { session_id, user_session: s.snapshot(), error, timestamp: now.wall };
    out.send(link.conn, Lane::Latest(LatestKey::AppState), &ToPhone::AppStateChange(change));
}

/// Reads the user's record, or reads it again because it changed.
pub(crate) fn load_user(s: &mut UserSession, out: &mut Effects) {
    let call = s.new_call();
    s.load.in_flight = Some(call);
    s.load.retry_at = None;
    out.push(Effect::Call { call, what: Call::LoadUser });
}

/// The record is here.
pub(crate) fn user_loaded(s: &mut UserSession, call: CallId, user: UserData, now: Now, out: &mut Effects) {
    if s.load.in_flight != Some(call) {
        return;
    }
    let first = !s.load.loaded;
    let late = s.load.failures > 0;
    s.load.in_flight = None;
    s.load.failures = 0;
    s.load.loaded = true;
    s.load.installed = user.installed;
    s.settings.loaded(user.settings, user.app_settings);
    apps_may_have_changed(s, now, out);
    let parked = std::mem::take(&mut s.load.parked);
    if first {
        let stopped = |package: &PackageName| {
            parked.iter().any(|parked| matches!(parked, Parked::Stop { package: other } if other == package))
        };
        let running: Vec<PackageName> = user.running.into_iter().filter(|package| !stopped(package)).collect();
        start_what_ran_before(s, &running, now, out);
    }
    for parked in parked {
        match parked {
            Parked::Start { package, wish, ask } => start::start(s, &package, wish, ask, now, out),
            Parked::Stop { .. } => {}
            Parked::Hello { conn, hello } => admission::app_connected(s, conn, *hello, now, out),
            Parked::Frame { conn, text } => app::text(s, conn, &text, now, out),
            Parked::Settings { conn, with_success } => glasses::settings(s, conn, with_success, now, out),
        }
    }
    if late {
        // The phone has been told of a session without apps.
        app_state_changed(s, None, now, out);
    }
}

/// The record could not be read. The session goes on with no apps and tries again.
pub(crate) fn user_failed(s: &mut UserSession, call: CallId, why: String, now: Now, out: &mut Effects) {
    if s.load.in_flight != Some(call) {
        return;
    }
    s.load.in_flight = None;
    s.load.retry_at = Some(now.at + (1_000 << s.load.failures.min(6)).min(60_000));
    s.load.failures += 1;
    out.note(Note::StoreFailed(why));
    for parked in std::mem::take(&mut s.load.parked) {
        match parked {
            Parked::Start { ask, .. } => {
                start::tell_failure(s, ask.into_iter().collect(), no_record(), now, out);
            }
            // The SDK comes back by itself after an abort.
            Parked::Hello { conn, .. } => out.push(Effect::Abort { conn }),
            Parked::Settings { conn, with_success } => glasses::settings(s, conn, with_success, now, out),
            Parked::Stop { .. } | Parked::Frame { .. } => {}
        }
    }
}

/// Why nothing can start for the moment.
pub(crate) fn no_record() -> StartFailure {
    let message = "the user's record could not be read; try again in a moment".to_owned();
    StartFailure { stage: StartStage::Connection, message }
}

/// An app was removed, or its declaration changed.
fn apps_may_have_changed(s: &mut UserSession, now: Now, out: &mut Effects) {
    for package in s.apps.packages() {
        match s.load.installed(&package).cloned() {
            None => stop::stop(s, &package, StopReason::SystemStop, now, out),
            // There is one foreground, and another app has it.
            Some(record) if becomes_standard(s, &package, &record) => {
                stop::stop(s, &package, StopReason::SystemStop, now, out);
                if let Some(slot) = s.apps.get_mut(&package) {
                    slot.record = record;
                }
            }
            Some(record) => {
                s.subscriptions.permissions_changed(&package, record.granted());
                if let Some(slot) = s.apps.get_mut(&package) {
                    slot.record = record;
                }
            }
        }
    }
}

fn becomes_standard(s: &UserSession, package: &PackageName, record: &AppRecord) -> bool {
    let other = |slot: &Slot| slot.record.kind != AppKind::Standard;
    record.kind == AppKind::Standard && s.apps.get(package).is_some_and(other) && s.apps.foreground().is_some()
}

/// The dashboard, and what the user had running.
fn start_what_ran_before(s: &mut UserSession, running: &[PackageName], now: Now, out: &mut Effects) {
    let dashboards = s.load.installed.iter().filter(|app| app.kind == AppKind::SystemDashboard);
    let mut packages: Vec<PackageName> = dashboards.map(|app| app.package.clone()).collect();
    let wanted = |package: &&PackageName| s.load.installed(package).is_some() && !packages.contains(package);
    let wanted: Vec<PackageName> = running.iter().filter(wanted).cloned().collect();
    packages.extend(wanted);
    for package in packages {
        start::start(s, &package, Wish::Remembered, None, now, out);
    }
}

/// A deadline has come.
pub(crate) fn due(s: &mut UserSession, deadline: Deadline, now: Now, out: &mut Effects) {
    match deadline {
        Deadline::GlassesPing => links::ping_glasses(s, now, out),
        Deadline::GlassesSilent => links::glasses_silent(s, now, out),
        Deadline::GlassesTerminate => links::glasses_terminate(s, now, out),
        Deadline::GlassesGrace => end(s, EndReason::GraceExpired, now, out),
        Deadline::LoadRetry => load_user(s, out),
        Deadline::AppPing(package) => links::ping_app(s, &package, now, out),
        Deadline::AppSilent(package) => links::app_silent(s, &package, now, out),
        Deadline::AppFlush(package) => relay::flush(s, &package, out),
        Deadline::AppGrace(package) => start::lost(s, &package, now, out),
        Deadline::AppProbe(package) => start::probe(s, &package, out),
        Deadline::AppBackoff(package) => start::revive(s, &package, now, out),
        Deadline::MicOff => s.microphone.expire(now.at),
        Deadline::AppStart(package) => start::timed_out(s, &package, now, out),
        Deadline::WebhookRetry(package) => start::retry_webhook(s, &package, now, out),
        Deadline::AppStop(package) => stop::finish(s, &package, now, out),
        // Every step ends with sending what is due.
        Deadline::DisplayFrame(_) | Deadline::MicSend => {}
        Deadline::DisplayClaim => s.display.expire(now.at, &s.config.timings),
    }
}

/// The session ends: seed 001 `dispose`. Apps with a socket are told on it, the others by webhook; never both.
pub(crate) fn end(s: &mut UserSession, reason: EndReason, now: Now, out: &mut Effects) {
    let restart = reason == EndReason::Shutdown;
    for package in s.apps.packages() {
        let Some(slot) = s.apps.remove(&package) else { continue };
        s.subscriptions.remove(&package);
        if let Phase::Starting { webhook: StartWebhook::InFlight { call, .. }, .. } = slot.phase {
            // It would open what is about to end.
            out.push(Effect::Cancel { call });
        }
        for &ask in &slot.waiting {
            out.answer(ask, Answer::SessionEnded);
        }
        match &slot.phase {
            // The app shall come back to the next process, not end.
            Phase::Running { link, .. } if restart => {
                out.push(Effect::Close { conn: link.conn, close: Close::Restart })
            }
            Phase::Running { link, .. } => tell_stopped(link.conn, Close::UserSessionEnded, now, out),
            Phase::Stopping { link: Some(link), .. } => tell_stopped(link.conn, Close::AppStopped, now, out),
            // Told already; or to be started by the next process.
            Phase::Stopping { link: None, .. } => {}
            _ if restart => {}
            Phase::Starting { .. } | Phase::Grace { .. } | Phase::Backoff { .. } | Phase::Failed { .. } => {
                stop::send_webhook(s, &slot, StopReason::SessionEnded, now, out);
            }
        }
    }
    for parked in std::mem::take(&mut s.load.parked) {
        match parked {
            Parked::Start { ask: Some(ask), .. } => out.answer(ask, Answer::SessionEnded),
            Parked::Hello { conn, .. } => out.push(Effect::Abort { conn }),
            Parked::Start { ask: None, .. } | Parked::Stop { .. } => {}
            Parked::Frame { .. } | Parked::Settings { .. } => {}
        }
    }
    if let Some(conn) = s.glasses_link().map(|link| link.conn) {
        if s.microphone.is_on() && !restart {
            flow::say_mic(s, conn, MicState::default(), now, out);
        }
        let close = match reason {
            EndReason::GraceExpired | EndReason::Manual => Close::Revoked,
            EndReason::Shutdown => Close::Restart,
            EndReason::Fatal => {
                out.control(conn, &ErrorRow::INTERNAL.message(now.wall));
                Close::Internal
            }
        };
        out.push(Effect::Close { conn, close });
    }
    let summary = Box::new(s.summary(now));
    s.ended = Some(reason);
    out.push(Effect::Ended { reason, summary });
}

/// `app_stopped`, then the close that tells every SDK generation that it is over.
pub(crate) fn tell_stopped(conn: ConnId, close: Close, now: Now, out: &mut Effects) {
    let stopped = AppStopped { reason: Some(close.reason().to_owned()), timestamp: now.wall };
    out.control(conn, &ToApp::Stopped(stopped));
    out.push(Effect::Close { conn, close });
}

/// What still arrives after the end is sent back to where a new session can take it.
pub(crate) fn after_the_end(input: Input, out: &mut Effects) {
    match input {
        Input::Asked { ask, .. } => out.answer(ask, Answer::SessionEnded),
        Input::GlassesConnected { conn } | Input::AppConnected { conn, .. } => out.push(Effect::Abort { conn }),
        _ => {}
    }
}
