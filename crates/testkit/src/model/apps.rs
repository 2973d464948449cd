//! The apps: how one starts, runs, is lost, comes back, fails and stops.

use bifocal_protocol::app::AppKind;
use bifocal_protocol::close::Close;
use bifocal_session::{AppPhase, StartStage};

use super::line::Line;
use super::streams::{Held, Way};
use super::{
    APP_GRACE, APP_PROBE, APP_PROBE_EVERY, APP_START, APP_STOP, FAILED_PROBE, FAILURES_WITHIN, FLUSH, FORGIVEN,
    MOST_WAITING, Model, STOPPED, UNNUMBERED, WEBHOOK_RETRY,
};
use crate::cast::{APPS, AppNo};
use crate::seen::{Answered, Asked, Frame, Seen};
use crate::step::Ending;

/// An app that is not stopped.
#[derive(Debug, Clone)]
pub(super) struct App {
    pub(super) phase: Phase,
    pub(super) waiting: Vec<u32>,
    /// Places in the table of entries.
    pub(super) wants: Vec<u8>,
    /// What was refused of its last list.
    pub(super) refused: Vec<u8>,
    /// Its process has not said yet what it wants.
    pub(super) fresh: bool,
    /// When its socket came.
    pub(super) since: u64,
    pub(super) held: Vec<Held>,
    /// What was sent on its socket and not confirmed.
    pub(super) way: Way,
    failures: Vec<u64>,
}

#[derive(Debug, Clone)]
pub(super) enum Phase {
    Starting { until: u64, webhook: Webhook, shall_run: bool },
    Running { line: Line, flush: Option<u64> },
    Grace { since: u64, until: u64, probe: Probe, went: Went },
    Backoff { from: u64, until: u64 },
    Failed { probe: Probe },
    Dormant,
    Stopping { until: u64, call: u32, line: Option<Line>, again: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Webhook {
    Asked { call: u32, last: bool },
    Retry(u64),
    Answered,
}

/// How an app went: its server may say what that meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Went {
    Cut,
    Politely,
    ToRestart,
    Down,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probe {
    No,
    At(u64),
    Asked(u32),
}

impl Phase {
    pub(super) fn seen(&self) -> AppPhase {
        match self {
            Phase::Starting { .. } => AppPhase::Starting,
            Phase::Running { .. } => AppPhase::Running,
            Phase::Grace { .. } => AppPhase::Grace,
            Phase::Backoff { .. } => AppPhase::Backoff,
            Phase::Failed { .. } => AppPhase::Failed,
            Phase::Dormant => AppPhase::Dormant,
            Phase::Stopping { .. } => AppPhase::Stopping,
        }
    }
}

impl App {
    pub(super) fn line_mut(&mut self) -> Option<&mut Line> {
        match &mut self.phase {
            Phase::Running { line, .. } | Phase::Stopping { line: Some(line), .. } => Some(line),
            _ => None,
        }
    }

    fn waits_for(&self, wanted: u32) -> bool {
        match self.phase {
            Phase::Starting { webhook: Webhook::Asked { call, .. }, .. } | Phase::Stopping { call, .. } => {
                call == wanted
            }
            Phase::Grace { probe, .. } | Phase::Failed { probe } => probe == Probe::Asked(wanted),
            _ => false,
        }
    }
}

impl Model {
    pub(super) fn phase_mut(&mut self, no: AppNo) -> Option<&mut Phase> {
        self.apps.get_mut(no)?.as_mut().map(|app| &mut app.phase)
    }

    /// The app that runs on this socket and is listened to.
    pub fn speaker(&self, conn: u64) -> Option<AppNo> {
        (0..APPS.len()).find(|no| self.app_conn(*no) == Some(conn))
    }

    /// The app that has this socket, also while it stops.
    pub fn app_of(&self, conn: u64) -> Option<AppNo> {
        let stopping = |no: &AppNo| match self.apps[*no].as_ref().map(|app| &app.phase) {
            Some(Phase::Stopping { line: Some(line), .. }) => line.conn == conn,
            _ => false,
        };
        self.speaker(conn).or_else(|| (0..APPS.len()).find(stopping))
    }

    pub(super) fn app_waiting_for(&self, call: u32) -> Option<AppNo> {
        (0..APPS.len()).find(|no| self.apps[*no].as_ref().is_some_and(|app| app.waits_for(call)))
    }

    /// Somebody wants an app to run. `new` is a wish of just now, which is written down.
    pub(super) fn start(&mut self, no: AppNo, new: bool, ask: Option<u32>, now: u64) {
        if !self.installed(no) {
            return self.start_unknown(no, ask);
        }
        let full = self.apps[no].as_ref().is_some_and(|app| app.waiting.len() == MOST_WAITING);
        if ask.is_some() && full {
            return self.fail_asks(ask.into_iter().collect(), StartStage::Connection);
        }
        if new {
            self.ask(Asked::Save(no, true));
        }
        match self.apps[no].as_ref().map(|app| app.phase.seen()) {
            Some(AppPhase::Running | AppPhase::Grace) => {
                ask.into_iter().for_each(|ask| self.answer(ask, Answered::Started));
            }
            Some(AppPhase::Starting) => self.wait(no, ask),
            Some(AppPhase::Backoff | AppPhase::Failed | AppPhase::Dormant) => {
                self.forgive(no);
                self.revive(no, now);
                self.wait(no, ask);
            }
            Some(AppPhase::Stopping) => {
                self.take_foreground(no, now);
                self.wait(no, ask);
                if let Some(Phase::Stopping { again, .. }) = self.phase_mut(no) {
                    *again = true;
                }
            }
            None => {
                self.take_foreground(no, now);
                self.begin(no, ask.into_iter().collect(), !new, now);
            }
        }
    }

    fn wait(&mut self, no: AppNo, ask: Option<u32>) {
        if let Some(app) = &mut self.apps[no] {
            app.waiting.extend(ask);
        }
    }

    fn forgive(&mut self, no: AppNo) {
        if let Some(app) = &mut self.apps[no] {
            app.failures.clear();
        }
    }

    /// Of the standard apps one runs, or is about to.
    fn take_foreground(&mut self, no: AppNo, now: u64) {
        let standard = |no: AppNo| APPS[no].kind == AppKind::Standard;
        let there = |no: AppNo| match self.apps[no].as_ref().map(|app| &app.phase) {
            None | Some(Phase::Stopping { again: false, .. }) => false,
            Some(_) => true,
        };
        let other = (0..APPS.len()).find(|other| *other != no && standard(*other) && there(*other));
        if let (true, Some(other)) = (standard(no), other) {
            self.ask(Asked::Save(other, false));
            self.stop(other, now);
        }
    }

    fn begin(&mut self, no: AppNo, waiting: Vec<u32>, shall_run: bool, now: u64) {
        let fresh = App {
            phase: Phase::Failed { probe: Probe::No },
            waiting,
            wants: Vec::new(),
            refused: Vec::new(),
            fresh: true,
            since: 0,
            held: Vec::new(),
            way: Way::default(),
            failures: Vec::new(),
        };
        self.apps[no] = Some(fresh);
        self.knock(no, shall_run, now);
    }

    /// The same app, once more, with everything that is known of it.
    pub(super) fn revive(&mut self, no: AppNo, now: u64) {
        self.knock(no, true, now);
    }

    fn knock(&mut self, no: AppNo, shall_run: bool, now: u64) {
        let webhook = Webhook::Asked { call: UNNUMBERED, last: false };
        if let Some(phase) = self.phase_mut(no) {
            *phase = Phase::Starting { until: now + APP_START, webhook, shall_run };
            self.ask(Asked::Start(no));
        }
    }

    /// The second attempt of a start webhook.
    pub(super) fn knock_again(&mut self, no: AppNo) {
        if let Some(Phase::Starting { webhook, .. }) = self.phase_mut(no) {
            *webhook = Webhook::Asked { call: UNNUMBERED, last: true };
            self.ask(Asked::Start(no));
        }
    }

    /// An app stops, whatever it was doing.
    pub(super) fn stop(&mut self, no: AppNo, now: u64) {
        let mut waiting = self.load.withdraw(no);
        let Some(app) = self.apps.get_mut(no).and_then(Option::as_mut) else {
            return self.fail_asks(waiting, StartStage::Cancelled);
        };
        waiting.append(&mut app.waiting);
        if matches!(app.phase, Phase::Dormant) {
            self.apps[no] = None;
            self.stopped_until[no] = now + STOPPED;
            return self.fail_asks(waiting, StartStage::Cancelled);
        }
        app.wants.clear();
        app.held.clear();
        let line = match &mut app.phase {
            Phase::Stopping { again, .. } => {
                *again = false;
                return self.fail_asks(waiting, StartStage::Cancelled);
            }
            Phase::Running { line, .. } => Some(*line),
            _ => None,
        };
        if matches!(app.phase, Phase::Starting { webhook: Webhook::Asked { .. }, .. }) {
            self.out.push(Seen::Call(Asked::Cancel));
        }
        app.phase = Phase::Stopping { until: now + APP_STOP, call: UNNUMBERED, line, again: false };
        self.ask(Asked::Stop(no));
        self.fail_asks(waiting, StartStage::Cancelled);
    }

    /// The stop is over: the socket is told, and a start that waited begins.
    pub(super) fn stopped(&mut self, no: AppNo, now: u64) {
        let Some(App { phase: Phase::Stopping { line, again, .. }, waiting, .. }) = self.apps[no].take() else {
            return;
        };
        self.stopped_until[no] = now + STOPPED;
        if let Some(line) = line {
            self.say_stopped(line.conn, Close::AppStopped);
        }
        if again {
            self.begin(no, waiting, false, now);
        }
    }

    /// A socket says that it is this app.
    pub(super) fn app_connects(&mut self, conn: u64, no: AppNo, good: bool, now: u64) {
        if !good || !self.installed(no) {
            if self.early_hello(conn, no, good) {
                return;
            }
            self.reject(conn);
            if self.phase(no) == Some(AppPhase::Starting) {
                self.start_failed(no, StartStage::Authentication, now);
            }
            return;
        }
        let lately = self.stopped_until[no] > now;
        let app = match &mut self.apps[no] {
            None if !lately => return self.reject(conn),
            None | Some(App { phase: Phase::Stopping { .. }, .. }) => {
                return self.say_stopped(conn, Close::AppStopped);
            }
            Some(app) => app,
        };
        app.way.back(&mut app.held, now);
        let flush = (!app.held.is_empty() || !app.wants.is_empty()).then_some(now + FLUSH);
        app.fresh = !matches!(app.phase, Phase::Running { .. } | Phase::Grace { .. });
        let before = std::mem::replace(&mut app.phase, Phase::Running { line: Line::new(conn, now), flush });
        app.since = now;
        app.refused.clear();
        let waiting = std::mem::take(&mut app.waiting);
        match before {
            Phase::Running { line, .. } => self.say_stopped(line.conn, Close::Replaced),
            Phase::Failed { .. } => app.failures.clear(),
            _ => {}
        }
        self.on(conn, Frame::Ack);
        waiting.into_iter().for_each(|ask| self.answer(ask, Answered::Started));
    }

    fn reject(&mut self, conn: u64) {
        self.on(conn, Frame::AppError);
        self.out.push(Seen::close(conn, Close::AppRejected));
    }

    /// An app's socket is gone.
    pub(super) fn app_lost(&mut self, no: AppNo, code: u16, now: u64) {
        let Some(app) = &mut self.apps[no] else { return };
        if let Phase::Stopping { line, .. } = &mut app.phase {
            *line = None;
            return;
        }
        if now - app.since >= FORGIVEN {
            app.failures.clear();
        }
        let Phase::Running { line: Line { released, .. }, .. } = app.phase else { return };
        if released == Some(false) {
            app.phase = Phase::Dormant;
            app.wants.clear();
            app.held.clear();
            app.way = Way::default();
            return;
        }
        app.way.back(&mut app.held, now);
        let (went, probe) = match released {
            Some(_) => (Went::ToRestart, Probe::At(now + APP_PROBE_EVERY)),
            None if [1000, 1001, 1005].contains(&code) => (Went::Politely, Probe::At(now + APP_PROBE_EVERY)),
            None => (Went::Cut, Probe::No),
        };
        app.phase = Phase::Grace { since: now, until: now + APP_GRACE, probe, went };
    }

    pub(super) fn start_failed(&mut self, no: AppNo, stage: StartStage, now: u64) {
        let Some(App { phase: Phase::Starting { webhook, shall_run, .. }, waiting, .. }) = &mut self.apps[no] else {
            return;
        };
        let (asked, shall_run, waiting) =
            (matches!(webhook, Webhook::Asked { .. }), *shall_run, std::mem::take(waiting));
        if asked {
            self.ask(Asked::Cancel);
        }
        if shall_run {
            self.failed_once_more(no, now);
        } else {
            self.apps[no] = None;
        }
        self.fail_asks(waiting, stage);
    }

    /// At once, after 1, 2, 4 s (and up to a quarter more), never.
    pub(super) fn failed_once_more(&mut self, no: AppNo, now: u64) {
        let Some(app) = &mut self.apps[no] else { return };
        app.failures.retain(|at| now - at < FAILURES_WITHIN);
        app.failures.push(now);
        let wait = match app.failures.len() {
            1 => return self.revive(no, now),
            2 => 1_000,
            3 => 2_000,
            4 => 4_000,
            _ => {
                app.phase = Phase::Failed { probe: Probe::At(now + FAILED_PROBE) };
                app.wants.clear();
                app.held.clear();
                return;
            }
        };
        app.phase = Phase::Backoff { from: now + wait, until: now + wait + wait / 4 };
    }

    /// A call for which an app waits has ended.
    pub(super) fn app_call_ends(&mut self, no: AppNo, ending: Ending, now: u64) {
        let Some(phase) = self.phase_mut(no) else { return };
        match phase {
            Phase::Stopping { .. } => self.stopped(no, now),
            Phase::Starting { webhook, .. } => {
                let last = matches!(webhook, Webhook::Asked { last: true, .. });
                *webhook = match ending {
                    Ending::Status(200..=299) => return *webhook = Webhook::Answered,
                    _ if last => Webhook::Answered,
                    _ => Webhook::Retry(now + WEBHOOK_RETRY),
                };
                if last {
                    self.start_failed(no, StartStage::Webhook, now);
                }
            }
            Phase::Grace { since, probe, went, .. } => {
                *probe = Probe::At(now + APP_PROBE_EVERY);
                let waited = now - *since >= APP_PROBE;
                let Ending::Health { well: true, others } = ending else {
                    *went = Went::Down;
                    return;
                };
                if others && *went == Went::Politely {
                    *went = Went::ToRestart;
                }
                match went {
                    Went::Down => self.revive(no, now),
                    Went::ToRestart if waited => self.revive(no, now),
                    Went::Politely if waited => {
                        self.apps[no] = None;
                        self.ask(Asked::Save(no, false));
                    }
                    _ => {}
                }
            }
            Phase::Failed { probe } => {
                if matches!(ending, Ending::Health { well: true, .. }) {
                    self.forgive(no);
                    return self.revive(no, now);
                }
                *probe = Probe::At(now + FAILED_PROBE);
            }
            _ => {}
        }
    }

    /// The server of an app is asked how it is.
    pub(super) fn ask_health(&mut self, no: AppNo) {
        if let Some(Phase::Grace { probe, .. } | Phase::Failed { probe }) = self.phase_mut(no) {
            *probe = Probe::Asked(UNNUMBERED);
            self.ask(Asked::Health(no));
        }
    }
}
