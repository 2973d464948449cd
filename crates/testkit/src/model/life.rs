//! The record of the wearer, what waits for it, and everything that happens by itself.

use bifocal_protocol::app::AppKind;
use bifocal_protocol::close::Close;
use bifocal_session::{EndReason, StartStage};

use super::apps::{Phase, Probe, Webhook};
use super::line::{Line, SILENCE};
use super::{Glasses, MOST_PARKED, Model, TERMINATE};
use crate::cast::{APPS, AppNo, ENTRIES, Wearer};
use crate::seen::{Answered, Asked, Frame, Seen};
use crate::step::AppSays;

/// How far the reading of the record is.
#[derive(Debug, Clone, Default)]
pub(super) struct Load {
    /// The call that reads it.
    pub(super) call: Option<u32>,
    /// It was read once.
    pub(super) done: bool,
    failures: u32,
    retry: Option<u64>,
    pub(super) parked: Vec<Parked>,
}

/// What waits for the record.
#[derive(Debug, Clone)]
pub(super) enum Parked {
    Start {
        app: AppNo,
        ask: Option<u32>,
    },
    /// The user has stopped it: that it ran before means nothing.
    Stop(AppNo),
    Hello {
        conn: u64,
        app: AppNo,
        good: bool,
    },
    /// What was said behind a hello.
    Says(u64, AppSays),
    /// A phone asks for the settings of its user.
    Settings(u64),
}

impl Load {
    /// Keeps something; false when there is no room.
    fn park(&mut self, parked: Parked) -> bool {
        let room = self.parked.len() < MOST_PARKED;
        if room {
            self.parked.push(parked);
        }
        room
    }

    /// Whether the hello of this socket waits.
    pub(super) fn waits(&self, conn: u64) -> bool {
        self.waiting_app(conn).is_some()
    }

    /// Whose hello it is.
    pub(super) fn waiting_app(&self, wanted: u64) -> Option<AppNo> {
        self.parked.iter().find_map(|parked| match parked {
            Parked::Hello { conn, app, .. } if *conn == wanted => Some(*app),
            _ => None,
        })
    }

    /// The last hello of an app that waits.
    pub(super) fn last_waiting(&self, wanted: AppNo) -> Option<u64> {
        self.parked.iter().rev().find_map(|parked| match parked {
            Parked::Hello { conn, app, .. } if *app == wanted => Some(*conn),
            _ => None,
        })
    }

    /// A socket is gone.
    pub(super) fn forget(&mut self, gone: u64) {
        self.parked.retain(|parked| match parked {
            Parked::Hello { conn, .. } | Parked::Says(conn, _) | Parked::Settings(conn) => *conn != gone,
            _ => true,
        });
    }

    /// An app is stopped: its starts do not wait any more. Who asked for them.
    pub(super) fn withdraw(&mut self, app: AppNo) -> Vec<u32> {
        let mut asks = Vec::new();
        self.parked.retain(|parked| match parked {
            Parked::Start { app: other, ask } if *other == app => {
                asks.extend(*ask);
                false
            }
            Parked::Stop(other) => *other != app,
            _ => true,
        });
        if self.call.is_some() && !self.done {
            self.park(Parked::Stop(app));
        }
        asks
    }
}

/// What happens by itself.
#[derive(Debug, Clone, Copy)]
enum Due {
    Ping(AppNo),
    Silent(AppNo),
    Flush(AppNo),
    Knock(AppNo),
    StartOver(AppNo),
    Probe(AppNo),
    GraceOver(AppNo),
    Revive(AppNo),
    StopOver(AppNo),
    PingGlasses,
    GlassesSilent,
    HangUp,
    SessionOver,
    Load,
    MicOff,
    Photo,
}

impl Model {
    /// Reads the record, or reads it again.
    pub(super) fn load(&mut self) {
        self.load.call = Some(super::UNNUMBERED);
        self.load.retry = None;
        self.ask(Asked::Load);
    }

    /// The record does not know the app: not yet, not for the moment, or not at all.
    pub(super) fn start_unknown(&mut self, app: AppNo, ask: Option<u32>) {
        let asks: Vec<u32> = ask.into_iter().collect();
        if self.load.call.is_some() {
            if !self.load.park(Parked::Start { app, ask }) {
                self.fail_asks(asks, StartStage::Connection);
            }
        } else if self.load.done {
            asks.into_iter().for_each(|ask| self.answer(ask, Answered::NotInstalled));
        } else {
            self.fail_asks(asks, StartStage::Connection);
        }
    }

    /// A hello that the record does not know (yet): true when it waits, or its SDK is to come again.
    pub(super) fn early_hello(&mut self, conn: u64, app: AppNo, good: bool) -> bool {
        let awaited = self.load.call.is_some();
        if !awaited && self.load.done {
            return false;
        }
        if !awaited || !self.load.park(Parked::Hello { conn, app, good }) {
            self.on(conn, Frame::Abort);
        }
        true
    }

    /// Something is said behind a hello that waits.
    pub(super) fn says_early(&mut self, conn: u64, what: &AppSays) {
        if self.load.waits(conn) && !self.load.park(Parked::Says(conn, what.clone())) {
            self.load.forget(conn);
            self.on(conn, Frame::Abort);
        }
    }

    /// A phone wants to know its user's settings: those in the record, when that is on its way for the first time.
    pub(super) fn settings(&mut self, conn: u64) {
        let early = self.load.call.is_some() && !self.load.done;
        if !(early && self.load.park(Parked::Settings(conn))) && self.phone() == Some(conn) {
            self.on(conn, Frame::Settings);
        }
    }

    /// Somebody wants an app not to run.
    pub(super) fn stop_wish(&mut self, app: AppNo, now: u64) {
        self.ask(Asked::Save(app, false));
        self.stop(app, now);
    }

    /// The record is here.
    pub(super) fn loaded(&mut self, stored: &Wearer, now: u64) {
        let first = !self.load.done;
        (self.load.call, self.load.failures, self.load.done) = (None, 0, true);
        self.wearer = stored.clone();
        self.fix = self.fix.filter(|_| stored.sensing);
        for no in 0..APPS.len() {
            if self.apps[no].is_some() && !self.installed(no) {
                self.stop(no, now);
            } else if let Some(app) = &mut self.apps[no] {
                app.wants.retain(|place| self.wearer.grants(no, ENTRIES[usize::from(*place)].needs));
            }
        }
        let parked = std::mem::take(&mut self.load.parked);
        if first {
            let stopped = |no: AppNo| parked.iter().any(|parked| matches!(parked, Parked::Stop(other) if *other == no));
            let dashboard = |no: AppNo| APPS[no].kind == AppKind::SystemDashboard;
            let ran = (0..APPS.len()).filter(|no| dashboard(*no) || stored.ran[*no] && !stopped(*no));
            for no in ran.filter(|no| stored.installed[*no].is_some()) {
                self.start(no, false, None, now);
            }
        }
        for parked in parked {
            match parked {
                Parked::Start { app, ask } => self.start(app, true, ask, now),
                Parked::Stop(_) => {}
                Parked::Hello { conn, app, good } => self.app_connects(conn, app, good, now),
                Parked::Says(conn, what) => self.app_says(conn, &what, now),
                Parked::Settings(conn) => self.settings(conn),
            }
        }
    }

    /// It could not be read, and is tried again after 1, 2, 4 … 60 s.
    pub(super) fn load_failed(&mut self, now: u64) {
        self.load.call = None;
        self.load.retry = Some(now + (1_000 << self.load.failures.min(6)).min(60_000));
        self.load.failures += 1;
        for parked in std::mem::take(&mut self.load.parked) {
            match parked {
                Parked::Start { ask, .. } => self.fail_asks(ask.into_iter().collect(), StartStage::Connection),
                Parked::Hello { conn, .. } => self.on(conn, Frame::Abort),
                Parked::Settings(conn) => self.settings(conn),
                Parked::Stop(_) | Parked::Says(..) => {}
            }
        }
    }

    /// The next thing that happens by itself. When a back-off ends, or a socket is pinged for the first time, is the
    /// session's choice, within limits: `seen` is what it has done.
    fn next_due(&self, seen: &[Seen]) -> Option<(u64, Due)> {
        let chosen = |choice: (u64, u64), what: Seen| if seen.contains(&what) { choice.0 } else { choice.1 };
        let ping = |line: &Line| chosen(line.ping, Seen::On(line.conn, Frame::Ping));
        let mut next: Option<(u64, Due)> = None;
        let mut consider = |at: u64, due: Due| {
            if next.is_none_or(|(first, _)| at < first) {
                next = Some((at, due));
            }
        };
        for (no, app) in self.apps.iter().enumerate() {
            match app.as_ref().map(|app| &app.phase) {
                Some(Phase::Starting { until, webhook, .. }) => {
                    consider(*until, Due::StartOver(no));
                    if let Webhook::Retry(at) = webhook {
                        consider(*at, Due::Knock(no));
                    }
                }
                Some(Phase::Running { line, flush }) => {
                    consider(line.heard + SILENCE, Due::Silent(no));
                    consider(ping(line), Due::Ping(no));
                    if let Some(at) = flush {
                        consider(*at, Due::Flush(no));
                    }
                }
                Some(Phase::Grace { until, probe, .. }) => {
                    consider(*until, Due::GraceOver(no));
                    if let Probe::At(at) = probe {
                        consider(*at, Due::Probe(no));
                    }
                }
                Some(Phase::Backoff { from, until }) => {
                    consider(chosen((*from, *until), Seen::Call(Asked::Start(no))), Due::Revive(no));
                }
                Some(Phase::Failed { probe: Probe::At(at) }) => consider(*at, Due::Probe(no)),
                Some(Phase::Stopping { until, .. }) => consider(*until, Due::StopOver(no)),
                Some(Phase::Failed { .. } | Phase::Dormant) | None => {}
            }
        }
        match &self.glasses {
            Glasses::Expected => {}
            Glasses::Away(until) => consider(*until, Due::SessionOver),
            Glasses::Here(line) => match line.leaving {
                Some(at) => consider(at, Due::HangUp),
                None => {
                    consider(ping(line), Due::PingGlasses);
                    consider(line.heard + SILENCE, Due::GlassesSilent);
                }
            },
        }
        if let Some(at) = self.load.retry {
            consider(at, Due::Load);
        }
        if let Some(at) = self.photos.iter().map(|photo| photo.until).min() {
            consider(at, Due::Photo);
        }
        if let Some(at) = self.mic.off_at() {
            consider(at, Due::MicOff);
        }
        next
    }

    /// The latest time at which the next thing must have happened.
    pub fn overdue(&self) -> Option<u64> {
        let due = if self.ended { None } else { self.next_due(&[]) };
        due.map(|(at, _)| at)
    }

    /// Everything that is due by now happens; what is to be seen. `seen` is what the session did: it says what
    /// it has chosen, and what the phone was told of the microphone, which must be one of the values of this time.
    ///
    /// # Errors
    /// What is wrong about the microphone.
    pub fn tick(&mut self, now: u64, seen: &[Seen]) -> Result<Vec<Seen>, String> {
        let mut allowed = vec![self.mic.wanted()];
        while let Some((at, due)) = self.next_due(seen).filter(|_| !self.ended) {
            if at > now {
                break;
            }
            self.happens(due, now);
            self.mic.demand(self.wanted_sound(), self.wearer.sensing, now);
            allowed.push(self.mic.wanted());
        }
        for told in seen {
            if let Seen::On(conn, Frame::Mic(on, raw)) = *told {
                if !allowed.contains(&(on, raw)) {
                    return Err(format!("socket {conn} is told {:?}, wanted is {:?}", (on, raw), self.mic.wanted()));
                }
                self.mic.was_told((on, raw), now);
            }
        }
        if !self.ended && self.phone().is_some() && self.mic.is_due(now) {
            return Err(format!("the phone is not told that the microphone is wanted {:?}", self.mic.wanted()));
        }
        Ok(std::mem::take(&mut self.out))
    }

    fn happens(&mut self, due: Due, now: u64) {
        match due {
            Due::Ping(no) => {
                if let Some(Phase::Running { line, .. }) = self.phase_mut(no) {
                    line.pinged(now);
                    let conn = line.conn;
                    self.on(conn, Frame::Ping);
                }
            }
            Due::Silent(no) => {
                if let Some(conn) = self.app_conn(no) {
                    self.on(conn, Frame::Abort);
                    self.app_lost(no, 1006, now);
                }
            }
            Due::Flush(no) => self.release(no, now),
            Due::Knock(no) => self.knock_again(no),
            Due::StartOver(no) => self.start_failed(no, StartStage::Timeout, now),
            Due::Probe(no) => self.ask_health(no),
            Due::GraceOver(no) => self.failed_once_more(no, now),
            Due::Revive(no) => self.revive(no, now),
            Due::StopOver(no) => self.stopped(no, now),
            Due::PingGlasses => {
                if let Glasses::Here(line) = &mut self.glasses {
                    line.pinged(now);
                    let conn = line.conn;
                    self.on(conn, Frame::Ping);
                }
            }
            Due::GlassesSilent => {
                if let Glasses::Here(line) = &mut self.glasses {
                    line.leaving = Some(now + TERMINATE);
                    self.token = None;
                    self.out.push(Seen::close(line.conn, Close::PingTimeout));
                }
            }
            Due::HangUp => {
                if let Some(conn) = self.glasses_conn() {
                    self.on(conn, Frame::Abort);
                    self.closed(conn, 1001, now);
                }
            }
            Due::SessionOver => self.end(EndReason::GraceExpired),
            Due::Load => self.load(),
            Due::MicOff => self.mic.goes_off(),
            Due::Photo => self.photo_expires(now),
        }
        if !self.ended {
            self.photos_go_on(now);
        }
    }
}
